"""How well a rater agrees with himself or herself: first against second presentation."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from affectmap.schema import LABELS


def own_consistency(rows: Iterable[Mapping[str, Any]]) -> dict[str, dict[str, float]]:
    r"""Average how far a rater's second rating of a recording lies from the first, unseen to the rater.

    ``mean |second - first|`` over the recordings that were rated twice; the last revision of each counts.

    Args:
        rows: Raw ratings in the order in which they were confirmed.

    Returns:
        By rater: number of recordings ``n``, and the mean difference in ``activation`` and ``valence``, 0..4. Raters
        who have no such pair yet are left out.

    Example:
        >>> row = {"rater": "Ada", "file": "a.wav", "cannot_tell": False, "activation": 3.0, "valence": 2.0}
        >>> own_consistency([{**row, "presentation": 1}, {**row, "presentation": 2, "valence": 2.5}])
        {'Ada': {'n': 1, 'activation': 0.0, 'valence': 0.5}}
    """
    last: dict[tuple[str, str], dict[int, Mapping[str, Any]]] = {}
    for row in rows:
        last.setdefault((row["rater"], row["file"]), {})[row["presentation"]] = row
    pairs: dict[str, list[list[float]]] = {}
    for (rater, _), by_presentation in last.items():
        first, second = by_presentation.get(1), by_presentation.get(2)
        if first and second and not (first["cannot_tell"] or second["cannot_tell"]):
            pairs.setdefault(rater, []).append([abs(second[label] - first[label]) for label in LABELS])
    return {
        rater: {"n": len(found), **{label: _mean([row[i] for row in found]) for i, label in enumerate(LABELS)}}
        for rater, found in pairs.items()
    }


def _mean(values: list[float]) -> float:
    return round(sum(values) / len(values), 3)
