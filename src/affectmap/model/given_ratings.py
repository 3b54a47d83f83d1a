"""The ratings that a model is given to be corrected by: read, checked, and brought to the rows of the features."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from affectmap.errors import ConfigError
from affectmap.schema import LABEL_RANGE, LABELS, Floats, Mask, Objects
from affectmap.text import listed

if TYPE_CHECKING:
    import pandas as pd


def given_ratings(
    ratings: Mapping[str, npt.ArrayLike] | pd.DataFrame, features: object, n_rows: int
) -> tuple[Floats, Objects]:
    """Read the ratings that `Model.adapt` is given, and bring them to the rows of the features.

    Args:
        ratings: Columns ``activation``, ``valence`` and ``emotion``, or some of them; a table may have some of the rows
            of `features`, told by its index.
        features: What the model is adapted to.
        n_rows: How many rows that has.

    Returns:
        Ratings (N, 2), ``NaN`` where there is none, and emotions (N,), ``None`` where there is none.

    Raises:
        ConfigError: If there is no such column, rows do not fit, or a rating is no number from 1 to 5.

    Example:
        >>> label, emotion = given_ratings({"valence": [4.5, None]}, None, 2)
        >>> label.tolist(), emotion.tolist()
        ([[nan, 4.5], [nan, nan]], [None, None])
    """
    given = _aligned(ratings, features)
    names = [name for name in (*LABELS, "emotion") if name in given]
    if not names:
        raise ConfigError(f"ratings have no column activation, valence or emotion; got {listed(map(str, given))}")
    label, emotion = np.full((n_rows, len(LABELS)), np.nan), np.full(n_rows, None, dtype=object)
    for name in names:
        cells = np.array(given[name], dtype=object).reshape(-1)
        if len(cells) != n_rows:
            raise ConfigError(f"{name} has {len(cells)} ratings for {n_rows} utterances; expected as many")
        missing = np.array([cell is None or cell != cell for cell in cells], dtype=np.bool_)
        if name == "emotion":
            emotion[~missing] = [str(cell) for cell in cells[~missing]]
        else:
            label[~missing, LABELS.index(name)] = _numbers(cells, missing, name)
    return label, emotion


def _aligned(ratings: Any, features: object) -> Any:  # noqa: ANN401 (a table or a mapping)
    """Bring a table of ratings to the rows of a table of features."""
    index = getattr(features, "index", None)
    own = getattr(ratings, "index", None)
    if own is None or index is None or own.equals(index):
        return ratings
    strange = own.difference(index)
    if len(strange) or own.has_duplicates or index.has_duplicates:
        what = f"first {strange[0]}" if len(strange) else "for names are there twice"
        raise ConfigError(f"{len(strange)} ratings belong to no row of the features, {what}; give both the same index")
    return ratings.reindex(index)


def _numbers(cells: Objects, missing: Mask, name: str) -> Floats:
    low, high = LABEL_RANGE
    try:
        values = np.array(cells[~missing], dtype=np.float64)
    except (TypeError, ValueError):
        raise ConfigError(f"{name} has ratings that are no numbers; expected {low:g} to {high:g}") from None
    if wrong := [value for value in values.tolist() if not low <= value <= high]:
        raise ConfigError(f"{name} is {wrong[0]:g} in a rating; expected {low:g} to {high:g}")
    return values
