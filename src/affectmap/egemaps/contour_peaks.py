"""Peaks of a contour and the slopes between them.

Source: openSMILE 2.6; what Eyben et al. (2016) call "mean and standard deviation of the slope of rising/falling signal
parts" and "the rate of loudness peaks".
"""

from typing import NamedTuple

import numpy as np

from affectmap.egemaps.framing import STEP_S, Floats

# Extrema count if they stand out by a tenth of the contour's range.
RELATIVE_THRESHOLD = 0.1
# A maximum that exceeds the last by 5 % takes its place.
REPLACING_FACTOR = 1.05


class Extremum(NamedTuple):
    """A local maximum or minimum."""

    place: int
    value: float
    is_maximum: bool


def find_extrema(contour: Floats, value_range: float | None = None) -> list[Extremum]:
    """Find the maxima and minima that stand out, in turns: by a tenth of the range given, or of the contour's own.

    Example:
        >>> [peak.place for peak in find_extrema(np.array([0, 0, 1, 5, 1, 0, 1, 4, 1, 1.0])) if peak.is_maximum]
        [3, 7]
    """
    if len(contour) < 5:
        return []
    if value_range is None:
        value_range = float(contour.max() - contour.min())
    threshold = RELATIVE_THRESHOLD * value_range
    start = float(contour[0])
    return _merge_runs(_drop_shallow(_drop_low(_all_extrema(contour), start, threshold), start, threshold))


def _all_extrema(contour: Floats) -> list[Extremum]:
    inner, before, after = contour[2:-2], contour[1:-3], contour[3:-1]
    is_maximum = (inner > before) & (inner > after)
    places = np.flatnonzero(is_maximum | ((inner < before) & (inner < after)))
    columns = ((places + 2).tolist(), inner[places].tolist(), is_maximum[places].tolist())
    return [Extremum(*row) for row in zip(*columns, strict=True)]


def _drop_low(extrema: list[Extremum], start: float, threshold: float) -> list[Extremum]:
    """Drop maxima that hardly rise above what went before; one that exceeds the last maximum drops that instead."""
    dropped: set[int] = set()
    before = lowest = highest = start
    after_minimum = False
    last_maximum = -1
    for index, (_, value, is_maximum) in enumerate(extrema):
        steep = abs(value - before) >= threshold
        before = value
        if not is_maximum:
            if steep:
                after_minimum, lowest = True, value
            continue
        if not steep and value - lowest < threshold:
            dropped.add(index)
            continue
        exceeds = not steep and value > REPLACING_FACTOR * highest
        if exceeds:
            dropped.add(last_maximum)
        if steep or exceeds or after_minimum:
            highest, last_maximum = value, index
        else:
            dropped.add(index)
        after_minimum = False
    return [extremum for index, extremum in enumerate(extrema) if index not in dropped]


def _drop_shallow(extrema: list[Extremum], start: float, threshold: float) -> list[Extremum]:
    """Drop minima that hardly fall below the last maximum."""
    kept = []
    highest = start
    for extremum in extrema:
        if extremum.is_maximum:
            highest = extremum.value
        elif highest - extremum.value < threshold:
            continue
        kept.append(extremum)
    return kept


def _merge_runs(extrema: list[Extremum]) -> list[Extremum]:
    """Keep the highest of successive maxima and the lowest of successive minima."""
    merged: list[Extremum] = []
    for extremum in extrema:
        if not merged or merged[-1].is_maximum != extremum.is_maximum:
            merged.append(extremum)
        elif (extremum.value > merged[-1].value) if extremum.is_maximum else (extremum.value < merged[-1].value):
            merged[-1] = extremum
    return merged


def peak_rate(contour: Floats) -> float:
    """Count the maxima that stand out, per second."""
    n_frames = len(contour)
    return sum(extremum.is_maximum for extremum in find_extrema(contour)) / (n_frames * STEP_S) if n_frames else 0.0


def slopes(contour: Floats) -> Floats:
    """Measure rising and falling parts between the extrema.

    Returns:
        Mean and standard deviation of the rising, then of the falling slopes, per second, shape (4,). A falling slope
        is positive; only the one from the last maximum to the contour's end is not (so in openSMILE 2.6).
    """
    if not len(contour):
        return np.zeros(4)
    start, end, n_steps = float(contour[0]), float(contour[-1]), len(contour) - 1
    # By whether a part rises, or an extremum is a maximum.
    inner: dict[bool, list[float]] = {True: [], False: []}
    outer: dict[bool, list[float]] = {True: [], False: []}
    latest = {True: Extremum(0, start, True), False: Extremum(0, start, False)}
    ended_rising = None
    for extremum in find_extrema(contour):
        ascent = _slope(latest[not extremum.is_maximum], extremum)
        if ascent is not None:
            inner[extremum.is_maximum].append(ascent if extremum.is_maximum else -ascent)
            ended_rising = extremum.is_maximum
        latest[extremum.is_maximum] = extremum
    if ended_rising is None:
        outer[end > start].append((end - start) / len(contour))
    else:
        to_end = _slope(latest[ended_rising], Extremum(n_steps, end, not ended_rising))
        outer[not ended_rising].append(to_end or 0.0)
    return np.array([_mean_and_deviation(inner[rises], outer[rises]) for rises in (True, False)]).ravel()


def _slope(origin: Extremum, extremum: Extremum) -> float | None:
    """Give the change per second, None between extrema of one place."""
    n_steps = extremum.place - origin.place
    return (extremum.value - origin.value) / (n_steps * STEP_S) if n_steps > 0 else None


def _mean_and_deviation(inner: list[float], end: list[float]) -> tuple[float, float]:
    """Take the mean over all slopes, the deviation over the inner ones, divided by the count of all."""
    count = max(1, len(inner) + len(end))
    mean = (sum(inner) + sum(end)) / count
    return mean, (sum((slope - mean) ** 2 for slope in inner) / count) ** 0.5


def slopes_of_stretches(stretches: list[Floats]) -> Floats:
    """Measure rising and falling parts between start, extrema and end of each stretch; none leads across a gap.

    An extremum stands out by a tenth of the range of all stretches.

    Returns:
        Mean and standard deviation of the rising, then of the falling slopes, all positive, per second; 0 where there
        are none. Shape (4,).

    Example:
        >>> slopes_of_stretches([np.array([0.0, 1, 2]), np.array([5.0, 4])]).round(3).tolist()
        [100.0, 0.0, 100.0, 0.0]
    """
    values = np.concatenate([np.zeros(0), *stretches])
    value_range = float(values.max() - values.min()) if len(values) else 0.0
    changes = []
    for stretch in stretches:
        inner = [(place, value) for place, value, _ in find_extrema(stretch, value_range)]
        corners = np.array([(0, stretch[0]), *inner, (len(stretch) - 1, stretch[-1])])
        steps, rises = np.diff(corners, axis=0).T
        changes.append(rises[steps > 0] / (steps[steps > 0] * STEP_S))
    slope = np.concatenate([np.zeros(0), *changes])
    parts = slope[slope > 0], -slope[slope < 0]
    return np.array([(part.mean(), part.std()) if len(part) else (0.0, 0.0) for part in parts]).ravel()
