"""Flags of recordings on a page: which there are.

Conventions:
    * In a column ``flags`` the names of `affectmap.audio.quality` stand beside each other, parted by commas; ``none``
      is a recording that was looked at, and a missing cell one that was not. The page has words for them.
    * A silent recording and one without speech have values, and these say nothing of anybody: such a point is drawn as
      a crossed ring whatever is shown by colour, has no class, and is never among the worst.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd

from affectmap.audio.quality import FLAGS, NO_FLAGS, flags_text
from affectmap.schema import Objects, Rows

_TRUE, _FALSE = ("true", "1", "1.0"), ("false", "0", "0.0", "", "nan", "none")


def with_flags_column(table: pd.DataFrame) -> pd.DataFrame:
    """Put the flags of a table as ``affectmap embed`` writes it, a column each, into one column.

    Example:
        >>> rows = pd.DataFrame({"silent": ["True", "False"], "clipped": ["False", "False"], "quiet": ["a", "b"]})
        >>> with_flags_column(rows).to_dict("list")
        {'quiet': ['a', 'b'], 'flags': ['silent', 'none']}
    """
    texts = {name: table[name].astype(str).str.lower() for name in FLAGS if name in table}
    found = {name: cells.isin(_TRUE) for name, cells in texts.items() if cells.isin(_TRUE + _FALSE).all()}
    if not found or "flags" in table:
        return table
    return table.drop(columns=list(found)).assign(flags=flags_text(found))


def gathered(flags: pd.Series, number: Rows, n: int) -> Objects:
    """Gather the flags of the rows of every utterance.

    Args:
        flags: A cell a row, shape (R,).
        number: The utterance of each row, 0..n - 1, shape (R,).
        n: Utterances.

    Returns:
        The flags that any of its rows has, shape (N,); ``None`` where no row was looked at.

    Example:
        >>> gathered(pd.Series(["none", "silent", "clipped", None]), np.array([0, 1, 1, 2]), 3).tolist()
        ['none', 'silent, clipped', None]
    """
    codes, texts = pd.factorize(flags.astype(object).where(flags.notna(), None))
    looked_at = np.bincount(number[codes >= 0], minlength=n) > 0
    there = {name: _of_utterances(name, texts, codes, number, n) for name in FLAGS}
    found: Objects = np.array(flags_text(there), dtype=object)
    found[~looked_at] = None
    return found


def _of_utterances(name: str, texts: Iterable[str], codes: Rows, number: Rows, n: int) -> npt.NDArray[np.bool_]:
    has_it = np.array([*(name in text.split(", ") for text in texts), False])  # the last is that of a missing cell
    return np.bincount(number[has_it[codes]], minlength=n) > 0


def are_flags(values: pd.Series) -> bool:
    """Tell whether a column holds flags, and nothing of another meaning."""
    known = {*FLAGS, NO_FLAGS}
    return all(set(str(each).split(", ")) <= known for each in values.dropna().unique())


def filled(flags: Sequence[str | None], others: Sequence[str | None]) -> list[str | None]:
    """Give flags, and others in the places of those that are missing."""
    return [other if own is None else own for own, other in zip(flags, others, strict=True)]
