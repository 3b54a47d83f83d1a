r"""Measures of a prediction: of classes, ratings, intervals and probabilities, by NumPy alone.

Conventions:
    * ``(truth, prediction)``: what was observed comes first. N rows (utterances); a row whose truth is missing takes no
      part.
    * A `Measure` is computed from sums to which every row adds its part, so that its value without any of the speakers
      costs next to nothing.
    * What cannot be computed is ``NaN``, never a warning and never zero.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from affectmap.errors import ConfigError
from affectmap.schema import FOUR_CLASSES, THREE_CLASSES, Emotion, Floats, Mask, Objects, Rows
from affectmap.stats.intervals import NAN, Interval, Scale, interval, leave_out_sums

#: Variance below which ratings from 1 to 5 do not vary: what rounding leaves.
NO_VARIANCE = 1e-12
#: Bins of equal width in confidence.
N_BINS = 10

#: A quantity (B,) of each of several totals of sums (B, M).
Quantity = Callable[[Floats], Floats]


class Measure(NamedTuple):
    """A quantity of sums over rows.

    Attributes:
        sums: What each row adds to the sums (N, M).
        quantity: Gives the quantity (B,) of each of several totals (B, M); ``NaN`` where it cannot be computed.

    Example:
        >>> hits = Measure(np.array([[1.0, 1.0], [1.0, 0.0]]), lambda totals: totals[:, 1] / totals[:, 0])
        >>> hits.value, hits.rows(np.array([True, False])).value
        (0.5, 1.0)
    """

    sums: Floats
    quantity: Quantity

    @property
    def value(self) -> float:
        """The quantity of all rows."""
        return float(self.quantity(self.sums.sum(axis=0, keepdims=True))[0])

    @property
    def counted(self) -> Mask:
        """Which rows take part (N,): those that add anything."""
        return np.asarray((self.sums != 0).any(axis=1))

    @property
    def n_rows(self) -> int:
        """How many rows take part."""
        return int(self.counted.sum())

    def rows(self, chosen: Mask) -> Measure:
        """Give the same measure of some of the rows (N,): the others add nothing, and it can still be compared."""
        return Measure(np.where(chosen[:, None], self.sums, 0.0), self.quantity)

    def minus(self, other: Measure) -> Measure:
        """Give the difference to a measure of the same rows, as one measure: it is paired."""
        width, one, two = self.sums.shape[1], self.quantity, other.quantity
        return Measure(
            np.hstack([self.sums, other.sums]), lambda totals: one(totals[:, :width]) - two(totals[:, width:])
        )


def scenarios(*emotions: npt.ArrayLike) -> dict[str, tuple[Emotion, ...]]:
    """Name the classes that can be told apart in all of several sets of utterances.

    Args:
        emotions: Emotions of each set.

    Returns:
        Classes by the name of the scenario: the four and the three of the paper, as far as every set has them;
        scenarios with fewer than two classes are left out.

    Example:
        >>> {name: len(classes) for name, classes in scenarios(["sad", "happy", "angry", "fear"]).items()}
        {'S-H-A': 3, 'S-A': 2}
    """
    present = set.intersection(*({str(e) for e in np.asarray(each, dtype=object)} for each in emotions))
    found = {}
    for classes in (FOUR_CLASSES, THREE_CLASSES):
        common = tuple(emotion for emotion in classes if str(emotion) in present)
        if len(common) > 1:
            found[initials(common)] = common
    return found


def initials(classes: Sequence[str]) -> str:
    """Name a set of classes.

    Example:
        >>> initials(["neutral", "sad", "happy", "angry"])
        'N-S-H-A'
    """
    return "-".join(str(name)[0].upper() for name in classes)


def class_measures(truth: npt.ArrayLike, prediction: npt.ArrayLike, classes: Sequence[str]) -> dict[str, Measure]:
    r"""Measure predicted classes.

    .. math::
        \text{recall}_k = \frac{\text{hits}_k}{\text{rows}_k}, \qquad
        \text{precision}_k = \frac{\text{hits}_k}{\text{predicted}_k}, \qquad
        \text{UAR} = \frac{1}{K} \sum_k \text{recall}_k

    over the K of `classes` that have rows.

    Args:
        truth: Observed classes (N,); a row of none of `classes` takes no part.
        prediction: Predicted classes (N,).
        classes: Names of the classes.

    Returns:
        ``uar``, ``accuracy`` (the share of hits), and ``recall_sad``, ``precision_sad`` and so on, 0..1 each.

    Example:
        >>> found = class_measures(["sad", "sad", "angry", "fear"], ["sad", "angry", "angry", "sad"], ["sad", "angry"])
        >>> found["uar"].value, found["recall_sad"].value, found["precision_angry"].value
        (0.75, 0.5, 0.5)
    """
    observed, predicted = _objects(truth), _objects(prediction)
    _check_lengths(truth=observed, prediction=predicted)
    known = np.isin(observed, list(classes))
    of_class = np.stack([observed == name for name in classes], axis=1)
    chosen = np.stack([(predicted == name) & known for name in classes], axis=1)
    rows, hits = of_class.astype(np.float64), (of_class & chosen).astype(np.float64)

    def mean_recall(totals: Floats) -> Floats:
        """Average the recalls of the classes that there are."""
        n, found = np.hsplit(totals, 2)
        n_classes = (n > 0).sum(axis=1)
        return ratio(np.sum(found / np.maximum(n, 1), axis=1), n_classes)

    measures = {"uar": Measure(np.hstack([rows, hits]), mean_recall), "accuracy": _share(known, hits.sum(axis=1) > 0)}
    for column, name in enumerate(classes):
        measures[f"recall_{name}"] = _share(of_class[:, column], hits[:, column] > 0)
        measures[f"precision_{name}"] = _share(chosen[:, column], hits[:, column] > 0)
    return measures


def confusion(truth: npt.ArrayLike, prediction: npt.ArrayLike, classes: Sequence[str]) -> pd.DataFrame:
    """Count how often each class was predicted for each.

    Args:
        truth: Observed classes (N,); a row of none of `classes` takes no part.
        prediction: Predicted classes (N,).
        classes: Names of the classes.

    Returns:
        One row an observed class (``truth``), one column a predicted one.

    Example:
        >>> confusion(["sad", "sad", "angry"], ["sad", "angry", "angry"], ["sad", "angry"]).values.tolist()
        [[1, 1], [0, 1]]
    """
    observed, predicted = _objects(truth), _objects(prediction)
    _check_lengths(truth=observed, prediction=predicted)
    counts = [[int(np.sum((observed == one) & (predicted == other))) for other in classes] for one in classes]
    return pd.DataFrame(counts, pd.Index(list(classes), name="truth"), list(classes))


def rating_measures(truth: npt.ArrayLike, prediction: npt.ArrayLike) -> dict[str, Measure]:
    r"""Measure predicted ratings y' against ratings y.

    .. math::
        \text{CCC} = \frac{2 s_{yy'}}{s_y^2 + s_{y'}^2 + (\bar{y} - \bar{y}')^2}, \qquad
        R^2 = 1 - \frac{\sum (y - y')^2}{\sum (y - \bar{y})^2}

    with 1/N in the variances (Lin 1989, Biometrics 45). R² is that of the values as they are predicted, not of a line
    fitted to them: 0 where they are no nearer than the mean rating, negative where they are farther.

    Args:
        truth: Ratings (N,), ``NaN`` where there is none.
        prediction: Predicted ratings (N,), ``NaN`` where there is none.

    Returns:
        ``ccc``, ``r2``, ``pearson`` (at most 1 each), ``mean_absolute_error`` and ``bias`` (prediction minus truth) in
        points of the scale. CCC is ``NaN`` where neither varies, R² where the truth, Pearson where one does not.

    Example:
        >>> found = rating_measures([1, 2, 3, 4], [2, 3, 4, 5])
        >>> {name: round(each.value, 2) for name, each in found.items()}
        {'ccc': 0.71, 'r2': 0.2, 'pearson': 1.0, 'mean_absolute_error': 1.0, 'bias': 1.0}
    """
    sums = pair_sums(truth, prediction)
    quantities = {"ccc": ccc_of, "r2": _r2_of, "pearson": pearson_of, "mean_absolute_error": _error_of, "bias": bias_of}
    return {name: Measure(sums, quantity) for name, quantity in quantities.items()}


def pair_sums(first: npt.ArrayLike, second: npt.ArrayLike) -> Floats:
    """Give what each pair of numbers adds to 1, x, y, x², y², xy and |x - y| (N, 7); nothing where one is missing."""
    x, y = (np.asarray(each, dtype=np.float64) for each in (first, second))
    _check_lengths(truth=x, prediction=y)
    known = np.isfinite(x) & np.isfinite(y)
    centre = (x[known].mean() + y[known].mean()) / 2 if known.any() else 0.0  # so that little cancels in the variances
    x, y = np.where(known, x - centre, 0.0), np.where(known, y - centre, 0.0)
    return np.stack([known.astype(np.float64), x, y, x * x, y * y, x * y, np.abs(x - y)], axis=1)


def _moments(totals: Floats) -> tuple[Floats, ...]:
    """Give both variances, the covariance and the difference of the means, second minus first."""
    n = np.maximum(totals[:, 0], 1)
    x, y, xx, yy, xy = (totals[:, 1:6] / n[:, None]).T
    return np.maximum(xx - x * x, 0), np.maximum(yy - y * y, 0), xy - x * y, y - x


def ccc_of(totals: Floats) -> Floats:
    """Compute Lin's concordance correlation from totals of `pair_sums`; ``NaN`` where neither column varies."""
    var_x, var_y, cov, shift = _moments(totals)
    varies = np.maximum(var_x, var_y) > NO_VARIANCE
    return np.where(varies, np.clip(2 * cov / np.where(varies, var_x + var_y + shift**2, 1), -1, 1), np.nan)


def pearson_of(totals: Floats) -> Floats:
    """Compute Pearson's correlation from totals of `pair_sums`; ``NaN`` where one of the columns does not vary."""
    var_x, var_y, cov, _ = _moments(totals)
    varies = np.minimum(var_x, var_y) > NO_VARIANCE
    return np.where(varies, np.clip(cov / np.sqrt(np.where(varies, var_x * var_y, 1)), -1, 1), np.nan)


def bias_of(totals: Floats) -> Floats:
    """Compute the mean of second minus first from totals of `pair_sums`."""
    return np.where(totals[:, 0] > 0, _moments(totals)[3], np.nan)


def _r2_of(totals: Floats) -> Floats:
    var_x, var_y, cov, shift = _moments(totals)
    varies = var_x > NO_VARIANCE
    return np.where(varies, 1 - (var_x + var_y - 2 * cov + shift**2) / np.where(varies, var_x, 1), np.nan)


def _error_of(totals: Floats) -> Floats:
    return ratio(totals[:, -1], totals[:, 0])


def interval_measures(truth: npt.ArrayLike, low: npt.ArrayLike, high: npt.ArrayLike) -> dict[str, Measure]:
    """Measure intervals of ratings.

    Args:
        truth: Ratings (N,), ``NaN`` where there is none.
        low: Lower ends (N,), ``NaN`` where there is no interval.
        high: Upper ends (N,).

    Returns:
        ``coverage``, the share of ratings that lie in their intervals, 0..1; and ``width``, the mean width in points.

    Example:
        >>> found = interval_measures([1.0, 2.0, float("nan")], [0.7, 3.5, 1.0], [1.7, 4.5, 2.0])
        >>> found["coverage"].value, found["width"].value
        (0.5, 1.0)
    """
    rating, below, above = (np.asarray(each, dtype=np.float64) for each in (truth, low, high))
    _check_lengths(truth=rating, low=below, high=above)
    known = np.isfinite(rating) & np.isfinite(below) & np.isfinite(above)
    width = np.where(known, above - below, 0.0)
    is_in = known & (below <= rating) & (rating <= above)
    return {
        "coverage": _share(known, is_in),
        "width": Measure(np.stack([known, width], axis=1), lambda totals: ratio(totals[:, 1], totals[:, 0])),
    }


def calibration_error(
    truth: npt.ArrayLike, probabilities: npt.ArrayLike, classes: Sequence[str], n_bins: int = N_BINS
) -> Measure:
    r"""Measure how far the probability of the likeliest class is from the share of hits: expected calibration error.

    .. math:: \sum_b \frac{n_b}{n} \left| \text{hits}_b - \text{confidence}_b \right|

    over bins of equal width in confidence; utterances of all classes weigh the same in sum.

    Source: Guo et al. 2017, eq. 3.

    Args:
        truth: Classes (N,); rows of other classes are left out.
        probabilities: (N, C).
        classes: Names of the C classes.
        n_bins: Number of bins.

    Returns:
        The error, 0..1, 0 is best.

    Example:
        >>> calibration_error(["sad", "sad"], [[0, 1, 0, 0], [1, 0, 0, 0]], ["neutral", "sad", "happy", "angry"]).value
        0.5
    """
    number, hit, confidence, bin_of = _binned(truth, probabilities, classes, n_bins)
    known, n_classes = np.flatnonzero(number >= 0), len(classes)
    rows, gaps = np.zeros((len(number), n_classes)), np.zeros((len(number), n_classes, n_bins))
    rows[known, number[known]] = 1.0
    gaps[known, number[known], bin_of[known]] = hit[known] - confidence[known]

    def error(totals: Floats) -> Floats:
        """Weigh the classes alike and add up the gaps of the bins."""
        n, gap = totals[:, :n_classes], totals[:, n_classes:].reshape(-1, n_classes, n_bins)
        of_bin = np.sum(gap / np.maximum(n, 1)[:, :, None], axis=1)
        return ratio(np.abs(of_bin).sum(axis=1), (n > 0).sum(axis=1))

    return Measure(np.hstack([rows, gaps.reshape(len(number), -1)]), error)


def reliability(
    truth: npt.ArrayLike, probabilities: npt.ArrayLike, classes: Sequence[str], n_bins: int = N_BINS
) -> pd.DataFrame:
    """Compare confidence with hits, bin by bin, as `calibration_error` does.

    Returns:
        One row a bin that has utterances: ``low`` and ``high`` of the confidence, ``n`` utterances, their ``weight``
        (classes weigh the same; all bins sum to 1), mean ``confidence`` and share of ``hits``, so weighted.

    Example:
        >>> reliability(["sad", "sad"], [[0, 1], [0.4, 0.6]], ["happy", "sad"])[["low", "n", "hits"]].values.tolist()
        [[0.6, 1.0, 1.0], [0.9, 1.0, 1.0]]
    """
    number, hit, confidence, bin_of = _binned(truth, probabilities, classes, n_bins)
    known = number >= 0
    counts = np.bincount(number[known], minlength=len(classes))
    weight = np.where(known, 1.0 / np.append(np.maximum(counts, 1), 1)[number], 0.0) / max(1, int(np.sum(counts > 0)))
    found = []
    for each in np.unique(bin_of[known]).tolist():
        rows = known & (bin_of == each)
        share = float(weight[rows].sum())
        sure, right = (float(np.sum(weight[rows] * values[rows]) / share) for values in (confidence, hit))
        found.append((each / n_bins, (each + 1) / n_bins, int(rows.sum()), share, sure, right))
    return pd.DataFrame(found, columns=["low", "high", "n", "weight", "confidence", "hits"])


def _binned(
    truth: npt.ArrayLike, probabilities: npt.ArrayLike, classes: Sequence[str], n_bins: int
) -> tuple[Rows, Floats, Floats, Rows]:
    """Give the number of each row's class (-1 for another), whether it was hit, the confidence, and its bin."""
    observed, chances = _objects(truth), np.asarray(probabilities, dtype=np.float64)
    _check_lengths(truth=observed, probabilities=chances)
    if chances.shape[1:] != (len(classes),):
        raise ConfigError(f"probabilities have shape {chances.shape}; expected a column for each of {list(classes)}")
    number = np.full(len(observed), -1, dtype=np.int64)
    for which, name in enumerate(classes):
        number[observed == name] = which
    known = np.isfinite(chances).all(axis=1) & (len(classes) > 0)
    number[~known] = -1
    likeliest = np.where(known, np.nan_to_num(chances).argmax(axis=1), -1) if len(classes) else number
    confidence = np.where(known, np.nan_to_num(chances).max(axis=1, initial=0.0), 0.0)
    bins = np.minimum((confidence * n_bins).astype(np.int64), n_bins - 1)
    return number, (likeliest == number).astype(np.float64), confidence, bins


def over_speakers(measure: Measure, speaker: npt.ArrayLike | None, scale: Scale = "plain") -> Interval:
    """Give a measure with its interval over speakers (`affectmap.stats.intervals`).

    Args:
        measure: Of N rows; speakers of which no row adds anything do not count.
        speaker: Who speaks (N,); ``None`` where that is not known: there is no interval then, and no speaker counted.
        scale: What the measure is.

    Example:
        >>> found = over_speakers(rating_measures([1, 2, 3, 4], [2, 2, 3, 5])["bias"], ["a", "a", "b", "c"])
        >>> [round(value, 2) for value in found]
        [0.5, -0.51, 1.51, 3]
    """
    if speaker is None:
        return Interval(measure.value, NAN, NAN, 0)
    there = measure.counted
    found = leave_out_sums(measure.sums[there], measure.quantity, np.asarray(speaker, dtype=object)[there])
    return interval(found._replace(value=measure.value), scale)


def _share(among: npt.NDArray[np.bool_], those: npt.NDArray[np.bool_]) -> Measure:
    sums = np.stack([among, those & among], axis=1).astype(np.float64)
    return Measure(sums, lambda totals: ratio(totals[:, 1], totals[:, 0]))


def ratio(above: npt.NDArray[np.generic], below: npt.NDArray[np.generic]) -> Floats:
    """Divide counts or sums by counts, ``NaN`` where nothing was counted."""
    top, base = np.asarray(above, dtype=np.float64), np.asarray(below, dtype=np.float64)
    return np.where(base > 0, top / np.where(base > 0, base, 1), np.nan)


def _objects(values: npt.ArrayLike) -> Objects:
    """Give names as an array of objects, ``None`` where one is missing."""
    given = np.array(values, dtype=object)
    given[pd.isna(given)] = None
    return given


def _check_lengths(**columns: npt.NDArray[np.generic]) -> None:
    n_rows = {name: len(column) for name, column in columns.items()}
    if len(set(n_rows.values())) > 1:
        raise ConfigError(f"got {', '.join(f'{n} rows of {name}' for name, n in n_rows.items())}; expected as many")
