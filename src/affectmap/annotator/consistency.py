"""How well a rater agrees with himself or herself: first against second presentation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from affectmap.agreement.ratings import rating_matrix, repeats
from affectmap.annotator.raw import as_ratings
from affectmap.schema import LABELS


def own_consistency(rows: Sequence[Mapping[str, Any]]) -> dict[str, dict[str, float]]:
    r"""Average how far a rater's second rating of a recording lies from the first, unseen to the rater.

    ``mean |second - first|`` over the recordings that were rated twice, of the ratings that
    `affectmap.agreement.agreement_table` compares; the last revision of each counts.

    Args:
        rows: Raw ratings, from `affectmap.annotator.ratings.Ratings.all`.

    Returns:
        By rater: number of recordings ``n``, and the mean difference in ``activation`` and ``valence``, 0..4. Raters
        who have no such pair yet are left out.

    Example:
        >>> row = {"rater": "Ada", "file": "a.wav", "activation": 3.0, "valence": 2.0, "emotion": None, "seconds": 4.0}
        >>> row |= {"cannot_tell": False, "comment": "", "revision": 1, "rated_at": "2026-01-31T12:00:00.000Z"}
        >>> own_consistency([{**row, "presentation": 1}, {**row, "presentation": 2, "valence": 2.5}])
        {'Ada': {'n': 1, 'activation': 0.0, 'valence': 0.5}}
    """
    twice = {(row["rater"], row["file"]) for row in rows if row["presentation"] > 1}
    ratings = as_ratings([row for row in rows if (row["rater"], row["file"]) in twice])
    apart = {label: (repeats(ratings, label) - rating_matrix(ratings, label)).abs() for label in LABELS}
    n_both = apart[LABELS[0]].notna().sum()
    return {
        rater: {"n": int(n_both[rater]), **{label: round(float(apart[label][rater].mean()), 3) for label in LABELS}}
        for rater in n_both.index[n_both > 0]
    }
