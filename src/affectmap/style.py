"""What tables, pages and pictures share: the order of methods, classes and quantities, their colours and marks.

Conventions:
    * Every colour carries a second sign (a shape, a dash, a word), and the four emotions, like the four methods,
      stay at least 18 ΔE apart for each of the three kinds of colour blindness.
    * Activation has one colour and valence one, on every page and picture; a method that is trained on one of the two
      has its colour. Style sheets cannot import this module: a test compares theirs.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from affectmap.schema import FOUR_CLASSES

#: Order of the columns; a corpus has those that it has values for. Where other classes are missing, others follow.
QUANTITIES = ("activation", "valence", "N-S-A", "N-S-H-A", "S-A", "S-H-A")
#: The autoencoders; the one that saw no label is what the metric methods must beat.
UNSUPERVISED, ACT, VAL, JOINT = "DAE-Unsupervised", "DAE-Metric-Act", "DAE-Metric-Val", "DAE-Metric-Joint"
COMPARED = (UNSUPERVISED, ACT, VAL, JOINT)
#: What the names of all autoencoders begin with.
COMPARED_PREFIX = "DAE-"
RIDGE = "Ridge (activation, valence)"
#: Row of what one rater explains of the others' mean.
ONE_RATER = "One rater, of the others' mean"
#: Methods whose loss is trained on the evaluated corpus' own ratings, by rating.
SUPERVISED = {"activation": "Metric-Act (supervised)", "valence": "Metric-Val (supervised)"}

INK = "#1c2128"
MUTED = "#57606a"
RULE = "#d5dae0"


class Mark(NamedTuple):
    """How one emotion or method is drawn: colour, matplotlib's marker and dash."""

    colour: str
    marker: str
    dash: str | tuple[int, tuple[int, ...]] = "-"


#: Colours of the two ratings, on white and on the dark ground of pages.
LABEL_COLOURS = {"activation": "#008266", "valence": "#a84b92"}
LABEL_COLOURS_DARK = {"activation": "#4fc3a1", "valence": "#e39ad0"}
EMOTION_MARKS = {
    "neutral": Mark("#7d838b", "o"),
    "sad": Mark("#1661a8", "s"),
    "happy": Mark("#cf8a00", "^"),
    "angry": Mark("#b01e52", "D"),
}
OTHER_MARK = Mark("#b9c0c8", ".")
METHOD_MARKS = {
    UNSUPERVISED: Mark("#444a52", "o"),
    ACT: Mark(LABEL_COLOURS["activation"], "s", (0, (5, 1))),
    VAL: Mark(LABEL_COLOURS["valence"], "D", (0, (3, 1, 1, 1))),
    JOINT: Mark("#4aa3df", "^", (0, (1, 1))),
}
PLAIN_MARK = Mark("#8c949e", "o")
#: Room of a map beyond the scale of the ratings, in its points.
BEYOND_SCALE = 0.25
#: Words for the ends of the two ratings.
ENDS = {"activation": ("calm", "excited"), "valence": ("unpleasant", "pleasant")}


def is_compared(method: str) -> bool:
    """Say whether a method is one of the autoencoders that the tables compare with each other.

    Example:
        >>> is_compared("DAE-Metric-Act"), is_compared("PCA-2")
        (True, False)
    """
    return method.startswith(COMPARED_PREFIX)


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
