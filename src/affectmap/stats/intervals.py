r"""How far a value would move with other speakers: intervals from leaving one speaker out at a time.

Utterances of one speaker resemble each other, so that speakers are what was drawn. With g for the scale, θ for the
value, θ₋ₛ for the value without speaker s, and S speakers,

.. math::
    v = \frac{S - 1}{S} \sum_s (g(\theta_{-s}) - g(\theta))^2, \qquad
    g(\theta) \pm t_{.975,\; m - 1} \sqrt{v}, \qquad m = \frac{1}{\sum_s q_s^2}

where q is the share of utterances that a speaker has: m is S where all have as many, and less where few of them have
most (the jackknife of Tukey 1958; Efron and Stein 1981, The jackknife estimate of variance; m after Kish 1965, Survey
Sampling). ``experiments/coverage`` shows how often it holds the true value, beside a percentile bootstrap, which does
so far too seldom with few speakers.

Conventions:
    * The ends are brought back from the scale g: ``share`` arcsine of the root, for what lies between 0 and 1 (UAR,
      recall, precision); ``correlation`` Fisher's z (CCC, Pearson's r); ``explained`` Fisher's z of the root with the
      sign of the value (R² and adjusted R²); ``plain`` as it is (differences, errors, anything else).
    * A speaker is named together with the corpus: speakers of two corpora are different people.
    * Nothing but NumPy is imported.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from affectmap.errors import ConfigError
from affectmap.schema import Floats, Rows

NAN = float("nan")
#: Speakers below which there is no interval.
FEWEST_SPEAKERS = 3
#: Share of such intervals that hold the true value.
LEVEL = 0.95
Scale = Literal["share", "correlation", "explained", "plain"]
#: Corpus and speaker.
Speaker = tuple[str, str]
#: Root of an R², or correlation, above which Fisher's z grows no more.
_NEARLY_ONE = 1 - 1e-9


class Interval(NamedTuple):
    """A value, the ends of its 95 % interval over speakers, and how many these are.

    The ends are ``NaN`` below `FEWEST_SPEAKERS`, where the value itself is, and where it does not exist without one of
    the speakers.
    """

    value: float
    low: float
    high: float
    n_speakers: int


def no_interval(n_speakers: object = None) -> str:
    """Say why there is no interval: how many speakers there are, where they are too few.

    Example:
        >>> no_interval(2)
        'no interval: 2 speakers'
    """
    if isinstance(n_speakers, int | float | np.integer) and 0 < n_speakers < FEWEST_SPEAKERS:
        return f"no interval: {int(n_speakers)} speaker{'s' if n_speakers > 1 else ''}"
    return "no interval over speakers"


class LeftOut(NamedTuple):
    """A value, what it is without each speaker, and the share of the utterances that each speaker has.

    Values that rest on the same speakers may be subtracted (`difference`), and averaged (`mean`).
    """

    value: float
    without: Mapping[Speaker, float]
    share: Mapping[Speaker, float]

    def moved_to(self, value: float) -> LeftOut:
        """Give another estimate of the same value, which moves as far without each speaker."""
        return LeftOut(value, {key: each + value - self.value for key, each in self.without.items()}, self.share)


def speaker_interval(
    statistic: Callable[[Rows], float], speaker: npt.ArrayLike, scale: Scale = "plain", *, level: float = LEVEL
) -> Interval:
    """Compute any statistic of rows, with its interval over speakers.

    Args:
        statistic: Takes row numbers and gives the value of these rows; it is called once for all rows and once without
            each speaker. A paired difference is a statistic, too.
        speaker: Who speaks (N,); two corpora must not share a name.
        scale: What the value is; see above.
        level: Share of intervals that shall hold the true value.

    Returns:
        The value and its interval.

    Example:
        >>> error = np.array([1.0, 2.0, 1.5, 2.5, 0.5, 1.5])
        >>> found = speaker_interval(lambda rows: error[rows].mean(), ["a", "a", "b", "b", "c", "c"])
        >>> [round(value, 2) for value in found]
        [1.5, 0.26, 2.74, 3]
    """
    return interval(leave_out(lambda rows: {"": statistic(rows)}, speaker)[""], scale, level=level)


def leave_out(
    statistics: Callable[[Rows], Mapping[str, float]], speaker: npt.ArrayLike, corpus: str = ""
) -> dict[str, LeftOut]:
    """Compute several statistics of rows with all speakers, and without each.

    Args:
        statistics: Takes row numbers and gives values by name, the same names each time.
        speaker: Who speaks (N,).
        corpus: What the speakers belong to.

    Returns:
        The values by name, ready for `interval`.

    Example:
        >>> label = np.array([1.0, 2.0, 4.0])
        >>> found = leave_out(lambda rows: {"mean": label[rows].mean()}, ["a", "a", "b"])["mean"]
        >>> found.without
        {('', 'a'): 4.0, ('', 'b'): 1.5}
    """
    names, number, counts = speaker_numbers(speaker)
    whole = statistics(np.arange(len(number)))
    without = [statistics(np.flatnonzero(number != k)) if len(names) > 1 else {} for k in range(len(names))]
    return {
        name: left_out(value, [each.get(name, NAN) for each in without], names, counts, corpus)
        for name, value in whole.items()
    }


def leave_out_sums(
    sums: npt.ArrayLike, quantity: Callable[[Floats], Floats], speaker: npt.ArrayLike, corpus: str = ""
) -> LeftOut:
    """Compute a quantity of sums over rows with all speakers, and without each, in no time.

    Args:
        sums: What each row adds to the sums (N, M).
        quantity: Gives the quantity (B,) of each of several totals (B, M).
        speaker: Who speaks (N,).
        corpus: What the speakers belong to.

    Example:
        >>> hits = np.array([[1.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
        >>> found = leave_out_sums(hits, lambda totals: totals[:, 1] / totals[:, 0], ["a", "a", "b"])
        >>> round(found.value, 2), found.without
        (0.67, {('', 'a'): 1.0, ('', 'b'): 0.5})
    """
    names, number, counts = speaker_numbers(speaker)
    parts = np.asarray(sums, dtype=np.float64)
    own = np.zeros((len(names), parts.shape[1]))
    np.add.at(own, number, parts)
    return left_out_totals(own, quantity, names, counts, corpus)


def left_out_totals(
    own: Floats, quantity: Callable[[Floats], Floats], names: Sequence[str], counts: npt.ArrayLike, corpus: str = ""
) -> LeftOut:
    """Do the same as `leave_out_sums`, given the sums (S, M) and utterances (S,) of each speaker."""
    total = own.sum(axis=0)
    if len(names) < 2:
        return left_out(quantity(total[None])[0], [NAN] * len(names), names, counts, corpus)
    values = quantity(np.vstack([total, total - own]))
    return left_out(values[0], values[1:], names, counts, corpus)


def left_out(
    value: float, without: npt.ArrayLike, names: Sequence[str], counts: npt.ArrayLike, corpus: str = ""
) -> LeftOut:
    """Name values (S,) without each speaker, given the utterances (S,) of each."""
    keys = [(corpus, name) for name in names]
    rows = np.asarray(counts, dtype=np.float64)
    share = rows / max(rows.sum(), 1)
    return LeftOut(
        float(value),
        dict(zip(keys, np.asarray(without, dtype=np.float64).tolist(), strict=True)),
        dict(zip(keys, share.tolist(), strict=True)),
    )


def speaker_numbers(speaker: npt.ArrayLike) -> tuple[list[str], Rows, Rows]:
    """Give the sorted speakers (S,), the number of the speaker of each row (N,), and how many rows each has (S,)."""
    names, number, counts = np.unique(np.asarray(speaker).astype(str), return_inverse=True, return_counts=True)
    return names.tolist(), number.astype(np.int64), counts.astype(np.int64)


def fold_mean(parts: Sequence[LeftOut]) -> LeftOut:
    r"""Average values of folds and seeds, each measured on speakers of its own or on the same.

    A speaker leaves the folds where it was measured, and these weigh less by as much: with n speakers in a fold of J,

    .. math::
        p_s = \theta - (n - 1) (\theta_{-s} - \theta), \qquad
        \bar\theta_{-s} = \bar\theta + \frac{w_s (\bar\theta - \bar p_s)}{1 - w_s}, \qquad
        w_s = \sum \frac{1}{J n}

    where the sum and the mean of p are over the folds that have the speaker. Where every fold has every speaker this
    is the mean of the values without the speaker, and with one speaker a fold the mean of the other folds.

    Args:
        parts: Values of folds and seeds; those that are ``NaN`` take no part.

    Example:
        >>> folds = [left_out(value, [NAN], [name], [9]) for value, name in ((0.5, "a"), (0.6, "b"), (0.7, "c"))]
        >>> {name: round(value, 2) for (_, name), value in fold_mean(folds).without.items()}
        {'a': 0.65, 'b': 0.6, 'c': 0.55}
    """
    known = [part for part in parts if part.value == part.value]
    if not known:
        keys = list(dict.fromkeys(key for part in parts for key in part.without))
        return LeftOut(NAN, dict.fromkeys(keys, NAN), dict.fromkeys(keys, 1 / max(len(keys), 1)))
    value = float(np.mean([part.value for part in known]))
    weight, pseudo, share = dict[Speaker, float](), dict[Speaker, float](), dict[Speaker, float]()
    for part in known:
        n = len(part.without)
        for key, without in part.without.items():
            own = part.value if n == 1 else part.value - (n - 1) * (without - part.value)
            weight[key] = weight.get(key, 0.0) + 1 / (len(known) * n)
            pseudo[key] = pseudo.get(key, 0.0) + own / (len(known) * n)
            share[key] = share.get(key, 0.0) + part.share[key] / len(known)
    moved = {key: value + (w * value - pseudo[key]) / (1 - w) if len(weight) > 1 else NAN for key, w in weight.items()}
    return LeftOut(value, moved, share)


def difference(more: LeftOut, less: LeftOut) -> LeftOut:
    """Subtract a value from another, speaker by speaker; a speaker whom one lacks does not move it.

    Example:
        >>> one, other = left_out(0.5, [0.4, 0.6], "ab", [5, 5]), left_out(0.3, [0.2, 0.4], "ab", [5, 5])
        >>> interval(difference(one, other)).value, {round(x, 3) for x in difference(one, other).without.values()}
        (0.2, {0.2})
    """
    return _combined([more, less], [1.0, -1.0])


def mean(values: Sequence[LeftOut]) -> LeftOut:
    """Average values or differences speaker by speaker, of one corpus or of several; ``NaN`` where there is none."""
    return _combined(values, [1 / len(values)] * len(values)) if values else LeftOut(NAN, {}, {})


def _combined(values: Sequence[LeftOut], factors: Sequence[float]) -> LeftOut:
    keys = dict.fromkeys(key for each in values for key in each.without)
    pairs = list(zip(values, factors, strict=True))
    without = {key: sum(factor * each.without.get(key, each.value) for each, factor in pairs) for key in keys}
    share = {key: sum(each.share.get(key, 0.0) for each in values) for key in keys}
    return LeftOut(float(sum(factor * each.value for each, factor in pairs)), without, share)


def interval(found: LeftOut, scale: Scale = "plain", *, level: float = LEVEL) -> Interval:
    """Compute the interval over speakers of a value that is known without each of them.

    Speakers of several corpora were drawn corpus by corpus: their variances are added, and the degrees of freedom are
    Welch's (1947).

    Args:
        found: The value, as from `leave_out` or `fold_mean`.
        scale: What it is; see above.
        level: Share of intervals that shall hold the true value, above 0 and below 1.

    Returns:
        The value and its interval. A share of 0 or 1 that is the same for all speakers has none: no speaker shows how
        far it may move.

    Raises:
        ConfigError: If `level` or `scale` is none.

    Example:
        >>> recall = left_out(0.60, [0.55, 0.58, 0.62, 0.65], "abcd", [10, 10, 10, 10])
        >>> [round(value, 2) for value in interval(recall, "share")]
        [0.6, 0.39, 0.79, 4]
    """
    value, n_speakers = found.value, len(found.without)
    moved = np.array(list(found.without.values()))
    if n_speakers < FEWEST_SPEAKERS:
        moved = np.full(n_speakers, NAN)
    return Interval(value, *_ends(value, moved, scale, level, lambda squares: _variance(squares, found)), n_speakers)


def equal_interval(
    value: float, without: npt.ArrayLike, scale: Scale = "plain", *, level: float = LEVEL
) -> tuple[float, float]:
    """Compute the ends of the interval over anything that was drawn one by one and counts as much, such as recordings.

    Args:
        value: The value of all.
        without: Its values without each (N,).
        scale: What it is; see above.
        level: Share of intervals that shall hold the true value, above 0 and below 1.

    Example:
        >>> low, high = equal_interval(0.60, [0.55, 0.58, 0.62, 0.65], "share")
        >>> round(low, 2), round(high, 2)
        (0.39, 0.79)
    """
    moved = np.asarray(without, dtype=np.float64)
    n = len(moved)
    return _ends(value, moved, scale, level, lambda squares: ((n - 1) / n * float(squares.sum()), n - 1.0))


def _ends(
    value: float, moved: Floats, scale: str, level: float, variance_of: Callable[[Floats], tuple[float, float]]
) -> tuple[float, float]:
    """Give both ends, from the values without each and what makes a variance and degrees of freedom of squares."""
    if not 0 < level < 1:
        raise ConfigError(f"level is {level}; expected a share above 0 and below 1, such as 0.95")
    if scale not in _SCALES:
        raise ConfigError(f"no scale {scale!r}; expected one of {list(_SCALES)}")
    if len(moved) < 2 or not np.isfinite(value) or not np.isfinite(moved).all():
        return NAN, NAN
    to, back = _SCALES[scale]
    centre = to(np.array([value]))
    squares = (to(moved) - centre) ** 2
    if scale == "share" and value in (0, 1) and not squares.any():
        return NAN, NAN
    variance, freedom = variance_of(squares)
    margin = t_quantile((1 + level) / 2, freedom) * np.sqrt(variance)
    low, high = back(np.array([centre[0] - margin, centre[0] + margin])).tolist()
    return min(low, value), max(high, value)


def _variance(squares: Floats, found: LeftOut) -> tuple[float, float]:
    """Add up the variances of the corpora, and weigh their degrees of freedom."""
    corpora = np.array([corpus for corpus, _ in found.without])
    share = np.array([found.share[key] for key in found.without])
    total = below = 0.0
    freedom = NAN
    for corpus in dict.fromkeys(corpora.tolist()):
        own = corpora == corpus
        n = int(own.sum())
        part = share[own] / share[own].sum()
        variance = (n - 1) / n * float(squares[own].sum())
        freedom = max(1.0, 1 / float(part @ part) - 1)
        total += variance
        below += variance**2 / freedom
    return total, total**2 / below if below else freedom


def p_value(found: LeftOut) -> float:
    """Test whether a difference is 0, by the t of its interval: two-sided, ``NaN`` where there is no interval.

    Example:
        >>> difference = left_out(0.1, [0.08, 0.09, 0.11, 0.12], "abcd", [5] * 4)
        >>> round(p_value(difference), 3)
        0.035
    """
    if np.isnan(interval(found).low):
        return NAN
    squares = (np.array(list(found.without.values())) - found.value) ** 2
    variance, freedom = _variance(squares, found)
    if not variance:
        return 1.0 if found.value == 0 else 0.0
    angle, share = _t_angles(round(freedom, 6))
    return float(1 - np.interp(np.arctan(abs(found.value) / np.sqrt(variance * freedom)), angle, share))


def t_quantile(share: float, freedom: float) -> float:
    """Quantile of Student's t, for a share from .5 on and one degree of freedom or more, which need not be whole.

    Example:
        >>> round(t_quantile(0.975, 4), 3)
        2.776
    """
    angle, between = _t_angles(round(freedom, 6))
    return float(np.sqrt(freedom) * np.tan(np.interp(2 * share - 1, between, angle)))


@lru_cache(maxsize=1024)
def _t_angles(freedom: float) -> tuple[Floats, Floats]:
    """Angles φ, and the share of t between -√f tan φ and √f tan φ: the density is cos φ to the power f - 1."""
    angle = np.linspace(0, np.pi / 2, 20_001)
    density = np.cos(angle) ** (freedom - 1)
    area = np.concatenate([[0.0], np.cumsum((density[1:] + density[:-1]) / 2)])
    return angle, area / area[-1]


def _fisher(values: Floats) -> Floats:
    return np.arctanh(np.clip(values, -_NEARLY_ONE, _NEARLY_ONE))


def _root(values: Floats) -> Floats:
    return np.asarray(np.sign(values) * np.sqrt(np.abs(values)))


_SCALES: dict[str, tuple[Callable[[Floats], Floats], Callable[[Floats], Floats]]] = {
    "share": (lambda x: np.arcsin(np.sqrt(np.clip(x, 0, 1))), lambda x: np.sin(np.clip(x, 0, np.pi / 2)) ** 2),
    "correlation": (_fisher, np.tanh),
    "explained": (lambda x: _fisher(_root(x)), lambda x: np.sign(x) * np.tanh(x) ** 2),
    "plain": (lambda x: x, lambda x: x),
}
