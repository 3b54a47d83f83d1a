"""Numbers, counts and tables as people read them, the same on the terminal, on pages and in Markdown.

Conventions:
    * What cannot exceed 1 (UAR, R², CCC, ICC, α, a correlation, a share) has two decimals and no zero before its
      point: .68. Everything else keeps its zero, and its unit where it has one.
    * A minus is a true minus, and a dash stands where there is no value. Files for programs keep full numbers.
"""

from __future__ import annotations

import math
import textwrap
import unicodedata
from collections.abc import Iterable, Sequence
from numbers import Real
from typing import NamedTuple, TypeGuard

from affectmap.errors import ConfigError

DASH = "–"
#: Narrow and unbreakable, between a number and its unit.
THIN_SPACE = "\u202f"


def is_number(value: object) -> TypeGuard[float]:
    """Say whether `value` is a finite number; missing and infinite ones are not.

    Example:
        >>> is_number(0.5), is_number(float("nan")), is_number(None)
        (True, False, False)
    """
    return isinstance(value, Real) and math.isfinite(value)


def number(value: object, digits: int = 1, *, signed: bool = False, unit: str = "") -> str:
    """Write a number, with its unit if it has one.

    Example:
        >>> number(-0.0421, 2), number(0.5, signed=True), number(float("nan")), number(9310, 0)
        ('−0.04', '+0.5', '–', '9,310')
        >>> number(0.5, 2, unit="s").replace(THIN_SPACE, " ")
        '0.50 s'
    """
    if not is_number(value):
        return DASH
    text = f"{round(float(value), digits):{'+' if signed else ''},.{digits}f}"
    # No sign before what is written as zero.
    if not any(character in "123456789" for character in text):
        text = text.lstrip("+-")
    return text.replace("-", "−") + (f"{THIN_SPACE}{unit}" if unit else "")


def score(value: object, digits: int = 2, *, signed: bool = False) -> str:
    """Write a quantity that cannot exceed 1: UAR, R², CCC, ICC, α, a correlation or a share.

    Example:
        >>> score(0.684), score(-0.5, signed=True), score(1.0), score(-1.25), score(-0.001), score(None)
        ('.68', '−.50', '1.00', '−1.25', '.00', '–')
    """
    text = number(value, digits, signed=signed)
    return text.replace("0.", ".", 1) if text.lstrip("+−").startswith("0.") else text


def count_or_score(value: object) -> str:
    """Write a value that may be a whole number of things or a share.

    Example:
        >>> count_or_score(26.0), count_or_score(0.964), count_or_score(None)
        ('26', '.96', '–')
    """
    return number(value, 0) if is_number(value) and float(value).is_integer() else score(value)


def score_range(low: object, high: object, *, signed: bool = False) -> str:
    """Write an interval of scores; half an interval is none, its width would mislead.

    Example:
        >>> score_range(0.39, 0.65), score_range(0.1, None)
        ('.39 to .65', '–')
    """
    known = is_number(low) and is_number(high)
    return f"{score(low, signed=signed)} to {score(high, signed=signed)}" if known else DASH


def listed(items: Iterable[str]) -> str:
    """Join words as a sentence does.

    Example:
        >>> listed(["a"]), listed(["a", "b", "c"])
        ('a', 'a, b and c')
    """
    words = list(items)
    return words[0] if len(words) == 1 else " and ".join(filter(None, [", ".join(words[:-1]), *words[-1:]]))


def spelt(n: int) -> str:
    """Write a count, up to ten as a word.

    Example:
        >>> spelt(0), spelt(10), spelt(1234)
        ('no', 'ten', '1,234')
    """
    words = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
    return words[n] if 0 <= n < len(words) else f"{n:,}"


def spelt_none(n: int) -> str:
    """Write a count as `spelt` does, where no noun follows.

    Example:
        >>> spelt_none(0), spelt_none(3)
        ('none', 'three')
    """
    return spelt(n) if n else "none"


def counted(n: int, noun: str) -> str:
    """Write a count, up to ten as a word, with its noun in the right number.

    Example:
        >>> counted(1, "corpus"), counted(4, "method"), counted(2000, "recording")
        ('one corpus', 'four methods', '2,000 recordings')
    """
    plural = f"{noun.removesuffix('corpus')}corpora" if noun.endswith("corpus") else f"{noun}s"
    return f"{spelt(n)} {noun if n == 1 else plural}"


def out_of(n: int, total: int, noun: str) -> str:
    """Write how many of a number of things.

    Example:
        >>> out_of(0, 6, "comparison"), out_of(11, 12, "corpus")
        ('none of six comparisons', '11 of 12 corpora')
    """
    return f"{spelt(n) if n else 'none'} of {counted(total, noun)}"


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


class TextTable(NamedTuple):
    """A table whose cells are written: title, heads, rows, how many columns from the left hold words, and legend."""

    title: str
    header: list[str]
    rows: list[list[str]]
    n_text: int
    legend: str


def aligned(rows: Sequence[Sequence[str]], n_text: int = 1) -> str:
    """Write rows of cells as lines, the first `n_text` columns to the left and numbers to the right.

    Example:
        >>> print(aligned([["corpus", "UAR"], ["cats", ".7"]]))
        corpus  UAR
        cats     .7
    """
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = (
        "  ".join(cell.ljust(width) if i < n_text else cell.rjust(width) for i, (cell, width) in enumerate(cells))
        for cells in (zip(row, widths, strict=True) for row in rows)
    )
    return "\n".join(line.rstrip() for line in lines)


def table_text(table: TextTable, n_shown: int) -> str:
    """Write a table with its title above and its legend below, and at most so many rows.

    Example:
        >>> print(table_text(TextTable("Cats", ["", "UAR"], [["one", ".7"], ["two", ".8"]], 1, "A legend."), 1))
        Cats
             UAR
        one   .7
        and 1 more; -o DIR writes all of them
          A legend.
    """
    lines = [table.title, aligned([table.header, *table.rows[:n_shown]], table.n_text)]
    if len(table.rows) > n_shown:
        lines.append(f"and {len(table.rows) - n_shown} more; -o DIR writes all of them")
    return "\n".join([*lines, *textwrap.wrap(table.legend, 100, initial_indent="  ", subsequent_indent="  ")])


def between_marks(page: str, name: str, content: str) -> str:
    r"""Put text between the marks of a page, ``<!-- name:begin -->`` and ``<!-- name:end -->``, indented like them.

    Raises:
        ConfigError: If the page has no such marks.

    Example:
        >>> between_marks("a <!-- x:begin -->old<!-- x:end --> b", "x", "new")
        'a <!-- x:begin -->\nnew\n<!-- x:end --> b'
    """
    begin, end = f"<!-- {name}:begin -->", f"<!-- {name}:end -->"
    before, has_begin, rest = page.partition(begin)
    old, has_end, after = rest.partition(end)
    if not has_begin or not has_end:
        raise ConfigError(f"the page has no {begin} before {end}; put both where the text shall stand")
    last_line = old.rpartition("\n")[2]
    indent = "" if last_line.strip() else last_line
    filled = textwrap.indent(content.rstrip("\n"), indent)
    return f"{before}{begin}\n{filled}\n{indent}{end}{after}"


def markdown(rows: Sequence[Sequence[str]], n_text: int = 1) -> str:
    """Write rows of cells, the first of them the heads, as a table in Markdown.

    Example:
        >>> print(markdown([["corpus", "UAR"], ["cats", ".7"]]))
        | corpus | UAR |
        |---|---:|
        | cats | .7 |
    """
    head, *body = [f"| {' | '.join(row)} |" for row in rows]
    rule = "|" + "".join("---|" if i < n_text else "---:|" for i in range(len(rows[0])))
    return "\n".join([head, rule, *body])


_LATEX = {
    **{character: f"\\{character}" for character in "&%$#_{}"},
    "\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}",
    "<": "$<$", ">": "$>$", "|": "$|$", '"': "''", "±": r"$\pm$", "−": "$-$", "×": r"$\times$", "→": r"$\to$",
    "≤": r"$\leq$", "≥": r"$\geq$", "²": "$^2$", "³": "$^3$", "α": r"$\alpha$", "κ": r"$\kappa$", "λ": r"$\lambda$",
    "µ": r"$\mu$", "μ": r"$\mu$", "ρ": r"$\rho$", "σ": r"$\sigma$", "†": r"\dag{}", "‡": r"\ddag{}",
    "▲": r"$\triangle$", DASH: "--", THIN_SPACE: r"\,", "\xa0": "~", "\u2009": r"\,", "\n": " ",
}  # fmt: skip


def latex_text(text: str) -> str:
    r"""Write text so that LaTeX sets it letter by letter; letters that are not Latin need LuaLaTeX or XeLaTeX.

    Example:
        >>> print(latex_text("R² of 50 % ± 3_a"))
        R$^2$ of 50 \% $\pm$ 3\_a
    """
    return "".join(_LATEX.get(character, character) for character in unicodedata.normalize("NFC", text))


def latex(rows: Sequence[Sequence[str]], n_text: int = 1, caption: str = "") -> str:
    r"""Write rows of cells, the first of them the heads, as a table in LaTeX; it needs the package booktabs.

    Example:
        >>> print(latex([["corpus", "R²"], ["my_cats", ".7±.1*"]], caption="Cats"))
        \begin{table}
        \caption{Cats}
        \begin{tabular}{lr}
        \toprule
        corpus & R$^2$ \\
        \midrule
        my\_cats & .7$\pm$.1* \\
        \bottomrule
        \end{tabular}
        \end{table}
    """
    # A bracket or an asterisk first in a row would be taken for an option of the line break before it.
    head, *body = ["{}" * row[0].startswith(("[", "*")) + " & ".join(map(latex_text, row)) + r" \\" for row in rows]
    lines = [r"\begin{table}", *([rf"\caption{{{latex_text(caption)}}}"] if caption else [])]
    columns = "l" * n_text + "r" * (len(rows[0]) - n_text)
    lines += [rf"\begin{{tabular}}{{{columns}}}", r"\toprule", head, r"\midrule", *body, r"\bottomrule"]
    return "\n".join([*lines, r"\end{tabular}", r"\end{table}"])


def latex_tables(tables: Iterable[TextTable]) -> str:
    r"""Write tables in LaTeX for a file of their own, title and legend as the caption; those without rows are left out.

    Example:
        >>> print(latex_tables([TextTable("Cats", ["", "UAR"], [["one", ".7"]], 1, "By *.")]).splitlines()[1])
        \caption{Cats. By *.}
    """
    written = [
        latex([each.header, *each.rows], each.n_text, f"{each.title}. {each.legend}" if each.legend else each.title)
        for each in tables
        if each.rows
    ]
    return "\n\n".join(written) + "\n" * bool(written)
