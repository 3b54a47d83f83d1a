"""A store's rows as `affectmap.agreement` takes raw ratings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from affectmap.agreement import last_revisions
from affectmap.agreement.ratings import csv_of, parse_class, typed

if TYPE_CHECKING:
    import pandas as pd


def raw_csv(rows: Sequence[Mapping[str, Any]]) -> str:
    r"""Write raw ratings as CSV: the file that everything else is made of.

    Args:
        rows: From `affectmap.annotator.ratings.Ratings.all`.

    Returns:
        Text with a header, which `affectmap.agreement.read_ratings` reads.

    Example:
        >>> row = {"file": "a.wav", "rater": "Ada", "activation": 3.5, "valence": 2.0, "emotion": None}
        >>> row |= {"cannot_tell": False, "comment": "", "presentation": 1, "revision": 1, "seconds": 4.25}
        >>> raw_csv([{**row, "rated_at": "2026-01-31T12:00:00.000Z"}]).splitlines()[1]
        'a.wav,Ada,3.5,2,,false,,1,1,2026-01-31T12:00:00.000Z,4.25'
    """
    return csv_of(typed(rows))


def as_ratings(rows: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    """Give the last revision of each rating, as `affectmap.agreement.read_ratings` does from the file.

    Args:
        rows: From `affectmap.annotator.ratings.Ratings.all`.

    Returns:
        One row for each file, rater and presentation; emotions are called as everywhere.

    Example:
        >>> row = {"file": "a.wav", "rater": "Ada", "activation": 3.5, "valence": 2.0, "emotion": "Anger"}
        >>> row |= {"cannot_tell": False, "comment": "", "presentation": 1, "revision": 1, "seconds": 4.25}
        >>> as_ratings([{**row, "rated_at": "2026-01-31T12:00:00.000Z"}])["emotion"].tolist()
        ['angry']
    """
    return last_revisions(typed([{**row, "emotion": parse_class(row["emotion"] or "")} for row in rows]))
