"""How far a result would move with other items: metrics of resamples, and intervals.

Items are drawn with replacement. For a model they are speakers, not utterances: utterances of one speaker resemble
each other, so that drawing them one by one would make every interval too narrow (Davison and Hinkley 1997, Bootstrap
Methods and their Application, 3.8). Nothing is computed on copied rows: every item adds its part to a few sums as
often as a resample contains it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from affectmap.errors import ConfigError
from affectmap.schema import Floats, Mask, Rows
from affectmap.stats.least_squares import centred, explained, pair_sums, regression_columns, speaker_pair_sums

NAN = float("nan")
#: Items below which none are drawn: the interval would be far too narrow.
MIN_ITEMS = 5
N_RESAMPLES = 1000
#: Share of the resamples that lie inside an interval.
LEVEL = 0.95
#: Numbers that stacked sums (1.6 MB, which a processor's cache can keep) and counts of many items may take at once.
STACK_SIZE, COUNTS_SIZE = 200_000, 2_000_000


class Estimate(NamedTuple):
    """A value with its 95 % interval, and the items that it rests on."""

    value: float
    low: float
    high: float
    n_items: int


def interval(samples: npt.ArrayLike, level: float = LEVEL) -> tuple[float, float]:
    """Percentile interval of bootstrap values (Efron 1981); ``NaN`` values are left out.

    Args:
        samples: Values of one quantity, or differences of two paired ones (B,).
        level: Share of the values that lie inside, above 0 and below 1.

    Returns:
        Low and high end, both ``NaN`` without a single value.

    Raises:
        ConfigError: If `level` is not between 0 and 1.

    Example:
        >>> interval([1.0, 2.0, 3.0, 4.0, 5.0], level=0.5)
        (2.0, 4.0)
    """
    if not 0 < level < 1:
        raise ConfigError(f"level is {level}; expected a share above 0 and below 1, such as 0.95")
    values = np.asarray(samples, dtype=np.float64)
    values = values[~np.isnan(values)]
    if not len(values):
        return NAN, NAN
    low, high = np.quantile(values, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def resampled_sums(sums: Floats, n_resamples: int = N_RESAMPLES, seed: int = 0) -> Floats:
    """Draw items with replacement and add up what they contribute.

    Args:
        sums: What each item adds to the sums (N, M).
        n_resamples: Resamples B.
        seed: The same seed and number of items give the same resamples.

    Returns:
        Totals (B, M); none below `MIN_ITEMS` items.

    Example:
        >>> resampled_sums(np.ones((6, 1)), 2).tolist()
        [[6.0], [6.0]]
    """
    if len(sums) < MIN_ITEMS:
        return np.empty((0, sums.shape[1]))
    rng = np.random.default_rng(seed)
    step = max(1, COUNTS_SIZE // len(sums))
    sizes = [min(step, n_resamples - start) for start in range(0, n_resamples, step)]
    return np.concatenate([_item_counts(rng, len(sums), size) @ sums for size in sizes])


def _item_counts(rng: np.random.Generator, n_items: int, n_resamples: int) -> Floats:
    """Count how often each resample contains each of many items (B, N)."""
    items = rng.integers(n_items, size=(n_resamples, n_items))  # three times as fast as counts from a multinomial
    cells = items + n_items * np.arange(n_resamples)[:, None]
    return np.bincount(cells.ravel(), minlength=n_resamples * n_items).reshape(items.shape).astype(np.float64)


def estimate(sums: Floats, resampled: Floats, quantity: Callable[[Floats], Floats], n_items: int) -> Estimate:
    """Compute a quantity from sums over items, and its percentile interval.

    Args:
        sums: What each item adds to the sums (N, M).
        resampled: Totals of resamples (B, M), as from `resampled_sums`; several quantities may share them.
        quantity: Gives the quantity (B,) for each of several totals (B, M).
        n_items: Items that the value rests on.

    Returns:
        The value and its interval; no interval without resamples.

    Example:
        >>> ones = np.array([[1.0, value] for value in (1, 2, 3, 4, 5, 6)])
        >>> found = estimate(ones, resampled_sums(ones), lambda totals: totals[:, 1] / totals[:, 0], 6)
        >>> found.value, found.low < 3 < 4 < found.high
        (3.5, True)
    """
    value = float(quantity(sums.sum(axis=0, keepdims=True))[0])
    if np.isnan(value):
        return Estimate(value, value, value, n_items)
    return Estimate(value, *interval(quantity(resampled)), n_items)


def uar(truth: npt.ArrayLike, prediction: npt.ArrayLike) -> float:
    r"""Unweighted average recall, also called balanced accuracy.

    .. math:: \text{UAR} = \frac{1}{K} \sum_{k=1}^{K} \frac{\text{hits}_k}{\text{rows}_k}

    over the K classes in `truth`. A class that is only predicted has no recall and takes no part, as in
    scikit-learn's ``balanced_accuracy_score``.

    Args:
        truth: Observed classes (N,), names or numbers.
        prediction: Predicted classes (N,), of the same type.

    Returns:
        A number from 0 to 1, ``NaN`` without rows.

    Raises:
        ConfigError: If the lengths or types differ or a class is missing.

    Example:
        >>> uar(["sad", "sad", "angry", "angry"], ["sad", "angry", "angry", "angry"])
        0.75
    """
    expected, hit, n_classes = class_hits(truth, prediction)
    if not n_classes:
        return NAN
    rows = np.bincount(expected, minlength=n_classes)
    return float(np.mean(np.bincount(expected, weights=hit, minlength=n_classes) / rows))


def class_hits(truth: npt.ArrayLike, prediction: npt.ArrayLike) -> tuple[Rows, Mask, int]:
    """Number the sorted classes of `truth` (N,), say which rows were predicted right (N,), and count the classes."""
    observed, predicted = _classes(truth, "truth"), _classes(prediction, "prediction")
    if observed.shape != predicted.shape:
        raise ConfigError(f"truth has {len(observed)} rows and prediction {len(predicted)}; expected as many")
    if len(observed) and (observed.dtype.kind == "U") != (predicted.dtype.kind == "U"):
        raise ConfigError(f"truth is {observed.dtype.name} and prediction {predicted.dtype.name}; give one type")
    names, expected = np.unique(observed, return_inverse=True)
    return expected.astype(np.int64), np.asarray(observed == predicted, dtype=np.bool_), len(names)


def _classes(values: npt.ArrayLike, name: str) -> npt.NDArray[np.generic]:
    classes = np.asarray(values)
    if classes.ndim != 1:
        raise ConfigError(f"{name} has shape {classes.shape}; expected one class for each row")
    missing = int(pd.isna(classes).sum())
    if missing:
        raise ConfigError(f"{name} lacks the class of {missing} of {len(classes)} rows; leave these rows out")
    # A table's text columns are objects; as strings they compare with any other array of names.
    return np.array(classes.tolist()) if classes.dtype == object else classes


class SpeakerBootstrap:
    """One set of resampled speakers for any number of quantities.

    Two quantities computed with the same object use the same resamples, so they may be subtracted value by value.
    With a single speaker nothing can be said about others, and every value is ``NaN``.

    Args:
        speakers: Every speaker once; those of the rows given later must be among them.
        n_resamples: Resamples B, at least 1.
        seed: The same seed and the same speakers, in any order, give the same resamples.

    Attributes:
        speakers: The speakers, sorted.
        counts: How often each resample contains each speaker (B, S).

    Raises:
        ConfigError: If there are no speakers, one is named twice or missing, or `n_resamples` is below 1.

    Example:
        >>> bootstrap = SpeakerBootstrap(["a", "b"], n_resamples=3)
        >>> bootstrap.counts.sum(axis=1).tolist()
        [2, 2, 2]
        >>> bootstrap.uar([0, 1, 0, 1], [0, 1, 0, 0], ["a", "a", "b", "b"]).tolist()
        [0.75, 0.75, 0.5]
        >>> speaker = ["a", "a", "a", "b", "b", "b"]
        >>> bootstrap.adjusted_r2([1, 2, 3, 1, 2, 4], [1, 2, 3, 3, 2, 1], speaker).round(2).tolist()
        [-0.2, -0.2, 0.96]
        >>> bootstrap.pairwise_adjusted_r2([1, 2, 3, 3, 2, 1], [1, 2, 3, 1, 2, 4], speaker).round(2).tolist()
        [-0.07, -0.07, 0.69]
    """

    def __init__(self, speakers: Sequence[str], n_resamples: int = N_RESAMPLES, seed: int = 0) -> None:
        names = list(speakers)
        if not names or len(set(names)) < len(names) or not all(isinstance(name, str) for name in names):
            raise ConfigError(f"a bootstrap needs every speaker's name once, got {len(names)}: {names[:5]}")
        if n_resamples < 1:
            raise ConfigError(f"n_resamples is {n_resamples}; expected at least 1")
        self.speakers = sorted(names)
        share = np.full(len(names), 1 / len(names))
        self.counts = np.random.default_rng(seed).multinomial(len(names), share, size=n_resamples)

    def uar(self, truth: npt.ArrayLike, prediction: npt.ArrayLike, speaker: npt.ArrayLike) -> Floats:
        """Unweighted average recall of every resample, over the classes that it contains.

        Args:
            truth: Observed classes (N,).
            prediction: Predicted classes (N,), of the same type.
            speaker: Who speaks (N,).

        Returns:
            One value from 0 to 1 for each resample (B,); ``NaN`` where it has fewer than two classes.

        Raises:
            ConfigError: If lengths or types differ, a class is missing or a speaker unknown.
        """
        expected, hit, n_classes = class_hits(truth, prediction)
        who = self._numbered(speaker, len(expected))
        shape = len(self.speakers), n_classes
        cell, size = who * n_classes + expected, len(self.speakers) * n_classes
        rows = self.counts @ np.bincount(cell, minlength=size).reshape(shape)
        hits = self.counts @ np.bincount(cell, hit, minlength=size).reshape(shape)
        n_present = (rows > 0).sum(axis=1)
        recall = np.sum(hits / np.maximum(rows, 1), axis=1)
        return self.valid(recall / np.maximum(n_present, 1), n_present >= 2)

    def adjusted_r2(self, label: npt.ArrayLike, predictors: npt.ArrayLike, speaker: npt.ArrayLike) -> Floats:
        """Adjusted R² of label = b₀ + b·z in every resample, as in `affectmap.stats.metrics.adjusted_r2`.

        Args:
            label: What is to be explained (N,); rows with ``NaN`` are left out.
            predictors: What explains it (N, P) or (N,).
            speaker: Who speaks (N,).

        Returns:
            One value for each resample (B,); ``NaN`` where its label is constant or it has no more
            different rows than parameters.

        Raises:
            ConfigError: If the shapes do not fit, a predictor is not finite, or a speaker is unknown.
        """
        response, regressors, labelled = regression_columns(label, predictors)
        if response.shape[1] != 1:
            raise ConfigError(f"label has {response.shape[1]} columns; expected one, or call once for each")
        who = self._numbered(speaker, len(labelled))[labelled]
        columns = np.hstack([np.ones_like(response), centred(regressors), centred(response)])
        of_speaker = [columns[who == k] for k in range(len(self.speakers))]
        products = np.stack([rows.T @ rows for rows in of_speaker])
        return self._explained(products, products[:, 0, 0])

    def _explained(self, products: Floats, n_rows: Floats) -> Floats:
        size = products.shape[1]
        values = np.empty(len(self.counts))
        step = max(1, STACK_SIZE // size**2)
        for start in range(0, len(values), step):
            counts = self.counts[start : start + step]
            found = explained((counts @ products.reshape(len(products), -1)).reshape(-1, size, size))
            # Copies add rows but no information: few rows copied often would fit perfectly.
            different = (counts > 0) @ n_rows
            values[start : start + step] = np.where(different > found.rank + 1, found.adjusted_r2, np.nan)
        return self.valid(values, np.isfinite(values))

    def pairwise_adjusted_r2(self, latent: npt.ArrayLike, label: npt.ArrayLike, speaker: npt.ArrayLike) -> Floats:
        """Adjusted R² of d_z = a + b d_y over pairs, as in `affectmap.stats.metrics.pairwise_adjusted_r2`.

        Where a resample contains speaker a ``c_a`` times, a pair inside the speaker counts ``c_a`` times, and one
        between speakers a and b counts ``c_a * c_b`` times. A copy is not paired with another copy of the same
        speaker: their distances would be those inside the speaker once more, and zeros.

        Args:
            latent: Positions (N, D) or (N,).
            label: Labels (N,) or (N, L); a row with any ``NaN`` is in no pair.
            speaker: Who speaks (N,).

        Returns:
            One value for each resample (B,); ``NaN`` where all latent distances are equal or there are fewer
            than three different pairs.

        Raises:
            ConfigError: If the shapes do not fit, a latent is not finite, or a speaker is unknown.
        """
        response, position, labelled = regression_columns(label, latent, "latent")
        who = self._numbered(speaker, len(labelled))[labelled]
        order = np.argsort(who, kind="stable")
        sums = speaker_pair_sums(centred(response)[order], centred(position)[order], who[order], len(self.speakers))
        totals = pair_sums(_weighted(sums, self.counts))
        different = _weighted(sums[:1], self.counts > 0)[:, 0]
        return self.valid(explained(totals).adjusted_r2, different > 2)

    def valid(self, values: Floats, mask: Mask) -> Floats:
        """Keep the values (B,) where the mask is true and there are two speakers or more; ``NaN`` elsewhere."""
        return np.where(mask & (len(self.speakers) > 1), values, np.nan)

    def _numbered(self, speaker: npt.ArrayLike, n_rows: int) -> Rows:
        names = np.asarray(speaker)
        if names.shape != (n_rows,):
            raise ConfigError(f"speaker has shape {names.shape}; expected one name for each of {n_rows} rows")
        number = {name: k for k, name in enumerate(self.speakers)}
        strange = sorted({str(name) for name in names.tolist() if name not in number})
        if strange:
            raise ConfigError(f"speakers {strange[:5]} are not in the bootstrap, which has {self.speakers[:5]} ...")
        return np.array([number[name] for name in names.tolist()], dtype=np.int64)


def _weighted(sums: Floats, counts: npt.NDArray[np.generic]) -> Floats:
    """Add up the sums (M, S, S) of the speaker pairs with the weights of every resample: (B, M)."""
    weight = counts.astype(np.float64)
    own = np.diagonal(sums, axis1=1, axis2=2)
    between = [np.sum((weight @ np.triu(matrix, 1)) * weight, axis=1) for matrix in sums]
    return np.stack(between, axis=1) + weight @ own.T
