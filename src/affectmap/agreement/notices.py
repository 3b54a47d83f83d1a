"""What is odd about ratings, in plain words.

The bounds are conventions, not measurements: they say where to look, not what to throw away.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from affectmap.agreement.coefficients import interval_alpha, nominal_alpha, pair_measures
from affectmap.agreement.estimators import MIN_SHARED
from affectmap.agreement.ratings import VALUES, rating_matrix, repeats
from affectmap.schema import LABEL_RANGE, LABELS

if TYPE_CHECKING:
    import pandas as pd

#: Ratings of one rater below which nothing is said of how the scale is used.
MIN_RATINGS = 10
#: Items rated by two or more below which agreement is hardly known.
FEW_SHARED = 20
LOW_ALPHA = 0.4
TENTATIVE_ALPHA = 0.667
GOOD_ALPHA = 0.8
#: Agreement with oneself below which a rater's repeats are called poor.
POOR_OWN_CCC = 0.6
#: Median time in seconds that is too short to listen and to place a point.
FAST_SECONDS = 1.5

#: What the bands of α mean, said once on page and terminal.
BANDS = (
    "α is 1 where raters agree in full and 0 where they agree as chance would. Krippendorff (2004) asks for .8, and "
    "takes .667 for tentative conclusions; ratings of emotion are often lower. Below .4 there is little to learn from."
)


def warnings_of(ratings: pd.DataFrame) -> list[str]:
    """Say in plain words what is odd about ratings.

    Args:
        ratings: As from `read_ratings`.

    Returns:
        A sentence for each oddity, those about all raters first; empty if there is none.

    Example:
        >>> import pandas as pd
        >>> ratings = pd.DataFrame({"file": [f"{i}.wav" for i in range(12)], "rater": "anna", "activation": 3.0,
        ...                         "valence": [1.0, 5.0] * 6, "emotion": None, "presentation": 1,
        ...                         "cannot_tell": False, "seconds": 4.0})
        >>> for warning in warnings_of(ratings):
        ...     print(warning)
        Only anna has rated: there is nobody to compare with.
        anna never moved activation: all 12 ratings are 3.
    """
    return [
        *_about_all(ratings),
        *(line for rater in sorted(ratings["rater"].unique()) for line in _about(rater, ratings)),
    ]


def _about_all(ratings: pd.DataFrame) -> Iterator[str]:
    raters = sorted(ratings["rater"].unique())
    if not raters:
        yield "There are no ratings."
        return
    if len(raters) == 1:
        yield f"Only {raters[0]} has rated: there is nobody to compare with."
        return
    for value in VALUES:
        wide = rating_matrix(ratings, value)
        if wide.empty:
            continue
        n_shared = int((wide.notna().sum(axis=1) >= 2).sum())
        if n_shared < FEW_SHARED:
            items = "no item has" if not n_shared else "1 item has" if n_shared == 1 else f"only {n_shared} items have"
            yield f"{value.capitalize()}: {items} ratings of two or more people; {FEW_SHARED} is little, 100 is better."
        numbers = wide.to_numpy(dtype="float64" if value in LABELS else object)
        alpha = (interval_alpha if value in LABELS else nominal_alpha)(numbers, n_resamples=1).value
        if alpha < LOW_ALPHA:
            yield f"{value.capitalize()}: raters hardly agree (α = {alpha:.2f}, below {LOW_ALPHA:g})."


def _about(rater: str, ratings: pd.DataFrame) -> Iterator[str]:
    for label in LABELS:
        wide = rating_matrix(ratings, label)
        own = wide[rater].dropna().to_numpy(dtype="float64")
        yield from _about_scale(rater, label, own)
        yield from _about_direction(rater, label, wide)
        yield from _about_repeats(rater, label, wide[rater], repeats(ratings, label))
    seconds = ratings.loc[ratings["rater"] == rater, "seconds"].dropna()
    if len(seconds) >= MIN_RATINGS and seconds.median() < FAST_SECONDS:
        yield (
            f"{rater} took {seconds.median():.1f} s for a rating (median of {len(seconds)}): "
            "too fast to listen and to judge?"
        )


def _about_scale(rater: str, label: str, own: np.ndarray) -> Iterator[str]:
    if len(own) < MIN_RATINGS:
        return
    middle = sum(LABEL_RANGE) / 2
    low, high = own.min(), own.max()
    if low == high:
        yield f"{rater} never moved {label}: all {len(own)} ratings are {low:.3g}."
    elif low >= middle or high <= middle:
        half = "upper" if low >= middle else "lower"
        used = f"{low:.3g} to {high:.3g} in {len(own)} ratings"
        yield f"{rater} uses only the {half} half of the scale for {label}: {used}."


def _about_direction(rater: str, label: str, wide: pd.DataFrame) -> Iterator[str]:
    others = wide.drop(columns=rater).mean(axis=1) if wide.shape[1] > 1 else wide[rater] * np.nan
    found = pair_measures(wide[rater].to_numpy(dtype="float64"), others.to_numpy(dtype="float64"), n_resamples=1)
    correlation = found["pearson"]
    if correlation.n_items >= max(MIN_RATINGS, MIN_SHARED) and correlation.value < 0:
        yield (
            f"{rater}'s {label} runs against the other raters' (correlation {correlation.value:.2f} over "
            f"{correlation.n_items} items): were the ends of the scale mixed up?"
        )


def _about_repeats(rater: str, label: str, first: pd.Series, later: pd.DataFrame) -> Iterator[str]:
    if rater not in later:
        return
    again = later[rater].reindex(first.index)
    found = pair_measures(first.to_numpy(dtype="float64"), again.to_numpy(dtype="float64"), n_resamples=1)
    if found["ccc"].n_items >= MIN_RATINGS and found["ccc"].value < POOR_OWN_CCC:
        yield (
            f"{rater} rates {label} differently the second time: CCC {found['ccc'].value:.2f} over "
            f"{found['ccc'].n_items} repeats, {found['absolute_difference'].value:.1f} points apart on average."
        )
