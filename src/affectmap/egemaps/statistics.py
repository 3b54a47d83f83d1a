"""Statistics of a contour: mean, normalised deviation, percentiles, rising and falling slopes, segments.

Conventions: contours have shape (n_frames,); one frame is 10 ms. What cannot be computed is 0.

Source: Eyben et al. (2016), "functionals"; peaks, slopes and segments as in openSMILE 2.6.
"""

import numpy as np

from affectmap.egemaps.framing import STEP_S, Floats

SHORTEST_RUN = 3
SHORTEST_PAUSE = 2
MOST_SEGMENTS = 1000


def mean_and_deviation(values: Floats) -> Floats:
    """Give "amean" and "stddevNorm" of columns, shape (2, n_columns).

        mean,   sqrt(mean((x - mean)²)) / mean  (undivided where the mean is 0)

    Args:
        values: Shape (n_frames, n_columns), NaN for frames that do not take part.
    """
    known = ~np.isnan(values)
    count = np.maximum(known.sum(axis=0), 1)
    mean = np.where(known, values, 0).sum(axis=0) / count
    deviation = np.sqrt(np.where(known, np.square(values - mean), 0).sum(axis=0) / count)
    return np.stack([mean, deviation / np.where(mean == 0, 1, mean)])


def mean_and_deviation_nonzero(values: Floats) -> Floats:
    """Give `mean_and_deviation` of what is not zero.

    Example:
        >>> mean_and_deviation_nonzero(np.array([[1.0], [0.0], [3.0]])).tolist()
        [[2.0], [0.5]]
    """
    return mean_and_deviation(np.where(values == 0, np.nan, values))


def percentiles(contour: Floats) -> Floats:
    """Give the percentiles 20, 50 and 80, interpolated, and the distance from 20 to 80, shape (4,).

    Example:
        >>> percentiles(np.arange(11.0)).tolist()
        [2.0, 5.0, 8.0, 6.0]
    """
    if not len(contour):
        return np.zeros(4)
    ordered = np.sort(contour)
    places = np.array([0.2, 0.5, 0.8]) * (len(contour) - 1)
    below = places.astype(np.int64)
    above = np.minimum(below + 1, len(contour) - 1)
    low, middle, high = ordered[below] + (places - below) * (ordered[above] - ordered[below])
    return np.array([low, middle, high, abs(high - low)])


def segment_lengths(matching: Floats, most: int | None = MOST_SEGMENTS) -> Floats:
    """Give the lengths in seconds of the runs of true values.

    A run counts from its third true value on; two false values in a row end it, one does not. Its length is the
    distance from its first to its last frame. The first `most` are given, without it all.

    Example:
        >>> segment_lengths(np.array([1, 1, 1, 0, 1, 0, 0, 1, 0, 0], bool)).round(3).tolist()
        [0.04]
    """
    places = np.flatnonzero(matching)
    if not len(places):
        return np.zeros(0)
    breaks = np.flatnonzero(np.diff(places) > SHORTEST_PAUSE)
    first = np.concatenate([[0], breaks + 1])
    last = np.concatenate([breaks, [len(places) - 1]])
    long_enough = last - first + 1 >= SHORTEST_RUN
    return np.asarray((places[last] - places[first])[long_enough][:most] * STEP_S)


def mean_and_spread(lengths: Floats) -> tuple[float, float]:
    """Give the mean and the population's standard deviation of segments' lengths, 0 without any."""
    return (float(lengths.mean()), float(lengths.std())) if len(lengths) else (0.0, 0.0)
