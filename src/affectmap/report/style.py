"""What page and figures share: the order of things, their colours and marks, and how a number is written.

Every colour carries a second sign (a shape, a dash, a word), and the four emotions, like the four methods,
stay at least 18 ΔE apart for each of the three kinds of colour blindness.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from numbers import Real
from string import ascii_lowercase
from typing import NamedTuple, TypeGuard

from affectmap.schema import FOUR_CLASSES

#: Order of the columns; a corpus has those that it has values for. Where other classes are missing, others follow.
QUANTITIES = ("activation", "valence", "N-S-A", "N-S-H-A", "S-A", "S-H-A")
#: The autoencoder that saw no label: what the metric methods must beat.
UNSUPERVISED = "DAE-Unsupervised"
#: What the names of all compared methods begin with.
COMPARED_PREFIX = "DAE-"
COMPARED = (UNSUPERVISED, "DAE-Metric-Act", "DAE-Metric-Val", "DAE-Metric-Joint")
RIDGE = "Ridge (activation, valence)"
DASH = "–"
#: Narrow and unbreakable, between a number and its sign.
THIN_SPACE = "\u202f"

INK = "#1c2128"
MUTED = "#57606a"
RULE = "#d5dae0"


class Mark(NamedTuple):
    """How one emotion or method is drawn: colour, matplotlib's marker and dash."""

    colour: str
    marker: str
    dash: str | tuple[int, tuple[int, ...]] = "-"


EMOTION_MARKS = {
    "neutral": Mark("#7d838b", "o"),
    "sad": Mark("#1661a8", "s"),
    "happy": Mark("#cf8a00", "^"),
    "angry": Mark("#b01e52", "D"),
}
OTHER_MARK = Mark("#b9c0c8", ".")
METHOD_MARKS = {
    COMPARED[0]: Mark("#444a52", "o"),
    COMPARED[1]: Mark("#00876b", "s", (0, (5, 1))),
    COMPARED[2]: Mark("#b0559a", "D", (0, (3, 1, 1, 1))),
    COMPARED[3]: Mark("#4aa3df", "^", (0, (1, 1))),
}
PLAIN_MARK = Mark("#8c949e", "o")

_LANGUAGES = {
    "de": "German",
    "el": "Greek",
    "en": "English",
    "en-GB": "British English",
    "en-US": "American English",
    "es": "Spanish",
    "fr": "French",
    "fr-CA": "Canadian French",
    "it": "Italian",
    "ur": "Urdu",
    "zh": "Chinese",
}


def language_name(code: object) -> str:
    """Name a language, or several joined by commas, for people; a code that is not known stays as it is.

    Example:
        >>> language_name("fr-CA"), language_name("xx, de"), language_name(None)
        ('Canadian French', 'xx, German', '–')
    """
    codes = [part.strip() for part in code.split(",")] if isinstance(code, str) else []
    return ", ".join(_LANGUAGES.get(part, part) for part in codes if part) or DASH


def is_compared(method: str) -> bool:
    """Say whether a method is one of the autoencoders that the tables compare with each other.

    Example:
        >>> is_compared("DAE-Metric-Act"), is_compared("PCA-2")
        (True, False)
    """
    return method.startswith(COMPARED_PREFIX)


def is_number(value: object) -> TypeGuard[float]:
    """Say whether `value` is a finite number; missing and infinite ones are not.

    Example:
        >>> is_number(0.5), is_number(float("nan")), is_number(None)
        (True, False, False)
    """
    return isinstance(value, Real) and math.isfinite(value)


def number(value: object, digits: int = 3, *, signed: bool = False) -> str:
    """Write a number with a true minus sign, and a dash where there is none.

    Example:
        >>> number(-0.0421), number(0.5, 1, signed=True), number(float("nan"))
        ('−0.042', '+0.5', '–')
    """
    if not is_number(value):
        return DASH
    text = f"{value:+.{digits}f}" if signed else f"{value:.{digits}f}"
    if not any(character in "123456789" for character in text):
        text = text.lstrip("+-")
    return text.replace("-", "−")


def percent(share: object, digits: int = 0) -> str:
    """Write a share of one in percent.

    Example:
        >>> percent(0.374).replace(THIN_SPACE, " "), percent(None)
        ('37 %', '–')
    """
    return f"{number(100 * share, digits)}{THIN_SPACE}%" if is_number(share) else DASH


def listed(items: Iterable[str]) -> str:
    """Join words as a sentence does.

    Example:
        >>> listed(["a"]), listed(["a", "b", "c"])
        ('a', 'a, b and c')
    """
    words = list(items)
    return words[0] if len(words) == 1 else " and ".join(filter(None, [", ".join(words[:-1]), *words[-1:]]))


def counted(n: int, noun: str) -> str:
    """Write a count, up to ten as a word, with its noun in the right number.

    Example:
        >>> counted(1, "corpus"), counted(4, "method"), counted(2000, "recording")
        ('one corpus', 'four methods', '2,000 recordings')
    """
    plural = {"corpus": "corpora"}.get(noun, f"{noun}s")
    return f"{spelt(n)} {noun if n == 1 else plural}"


def spelt(n: int) -> str:
    """Write a count, up to ten as a word.

    Example:
        >>> spelt(0), spelt(10), spelt(1234)
        ('no', 'ten', '1,234')
    """
    words = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
    return words[n] if 0 <= n < len(words) else f"{n:,}"


def out_of(n: int, total: int, noun: str) -> str:
    """Write how many of a number of things.

    Example:
        >>> out_of(0, 6, "comparison"), out_of(11, 12, "corpus")
        ('none of six comparisons', '11 of 12 corpora')
    """
    return f"{spelt(n) if n else 'none'} of {counted(total, noun)}"


def letter(index: int) -> str:
    """Count by letters, as parts of a figure are named.

    Example:
        >>> letter(0), letter(25), letter(26)
        ('a', 'z', 'aa')
    """
    head, tail = divmod(index, 26)
    return (letter(head - 1) if head else "") + ascii_lowercase[tail]


def ordered(names: Iterable[str], order: Sequence[str]) -> list[str]:
    """Put distinct names in a known order; unknown ones follow as they came.

    Example:
        >>> ordered(["x", "sad", "neutral", "sad"], ["neutral", "sad"])
        ['neutral', 'sad', 'x']
    """
    distinct = list(dict.fromkeys(names))
    return [name for name in order if name in distinct] + [name for name in distinct if name not in order]


def chance(quantity: str) -> float | None:
    """Give the balanced accuracy of guessing, for a quantity that names its classes by initials.

    Example:
        >>> chance("N-S-H-A"), chance("valence")
        (0.25, None)
    """
    return 1 / len(quantity.split("-")) if "-" in quantity else None


def class_names(quantity: str) -> list[str]:
    """Spell out the classes that a quantity names by initials.

    Example:
        >>> class_names("S-H-A")
        ['sad', 'happy', 'angry']
    """
    names = {str(emotion)[0].upper(): str(emotion) for emotion in FOUR_CLASSES}
    return [names[initial] for initial in quantity.split("-")]
