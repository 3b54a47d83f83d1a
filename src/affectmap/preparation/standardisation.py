"""Outliers, and the standardisation policies that decide whose mean and spread a feature is measured in.

Conventions:
    * Features are (N, F): utterances in rows, the 88 functionals (or any others) in columns.
    * Spread is the standard deviation with divisor N. A feature that is constant or not finite where the
      statistics were taken carries nothing and maps to 0; `constant_features` names it.
    * A *policy* says where a target corpus gets its statistics:

      ``source``
          from the training rows of the source corpus: nothing of the target is used;
      ``target-20``
          from a random fifth of the target's utterances, which are then not evaluated (Das et al. 2022);
      ``target-all``
          from all of the target's utterances, without their labels;
      ``speaker``
          from each speaker's own utterances, without their labels.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from affectmap.errors import ConfigError

POLICIES = ("source", "target-20", "target-all", "speaker")
#: Share of a target corpus that ``target-20`` takes its statistics from.
FIT_SHARE = 0.2
#: Rows that are widened to float64 at a time: tables stay in float32, and sums are taken in double precision.
BLOCK_ROWS = 8192

Features = npt.NDArray[np.float32]
Raw = npt.NDArray[np.float32] | npt.NDArray[np.float64]
#: Gives the rows from one number up to another.
RowsBetween = Callable[[int, int], Raw]
Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Statistics:
    """Mean and standard deviation of every feature.

    Attributes:
        mean: (F,), float64.
        std: (F,), float64; 0 or not finite where the feature carries nothing.
    """

    mean: npt.NDArray[np.float64]
    std: npt.NDArray[np.float64]

    @property
    def usable(self) -> Mask:
        """Which features carry something (F,): their spread is finite and above 0.

        Example:
            >>> Statistics(np.array([5.0, 1.0]), np.array([2.0, 0.0])).usable
            array([ True, False])
        """
        return np.isfinite(self.mean) & np.isfinite(self.std) & (self.std > 0)

    def apply(self, features: npt.ArrayLike) -> Features:
        """Standardise: subtract the mean and divide by the standard deviation.

        Args:
            features: (N, F).

        Returns:
            Standardised features (N, F), float32; 0 where a feature is not `usable`.

        Raises:
            ConfigError: If the number of features differs or a usable one holds a value that is not finite.

        Example:
            >>> Statistics(np.array([5.0, 1.0]), np.array([2.0, 0.0])).apply([[9.0, 1.0], [5.0, 7.0]])
            array([[2., 0.], [0., 0.]], dtype=float32)
        """
        raw = _checked(features)
        if raw.shape[1] != len(self.mean):
            raise ConfigError(f"got {raw.shape[1]} features; the statistics are of {len(self.mean)}")
        usable = self.usable
        # Features that carry nothing come out as 0 whatever they hold: divided by infinity.
        mean, std = np.where(usable, self.mean, 0.0), np.where(usable, self.std, np.inf)
        scaled, damaged = np.empty(raw.shape, dtype=np.float32), 0
        for rows in _blocks(len(raw)):
            block = raw[rows].astype(np.float64, order="C")
            sound = np.isfinite(block)
            damaged += int(np.sum(~sound.all(axis=1, where=usable)))
            block[~sound] = 0.0
            scaled[rows] = (block - mean) / std + 0.0
        if damaged:
            raise ConfigError(f"{damaged} of {len(raw)} utterances have features that are not finite; leave them out")
        return scaled


def fit_statistics(features: npt.ArrayLike) -> Statistics:
    """Take mean and standard deviation of every feature.

    Args:
        features: (N, F), of at least one utterance.

    Returns:
        The statistics. The standard deviation of a feature that is constant up to float32 rounding is
        exactly 0, and ``NaN`` where any of its values is not finite.

    Raises:
        ConfigError: If there are no utterances.

    Example:
        >>> fit_statistics([[3.0, 1.0], [7.0, 1.0]])
        Statistics(mean=array([5., 1.]), std=array([2., 0.]))
    """
    raw = _checked(features)
    return block_statistics(len(raw), lambda start, stop: raw[start:stop])


def block_statistics(n_rows: int, rows_between: RowsBetween) -> Statistics:
    """Take mean and standard deviation of a table that is handed over a block at a time, as `fit_statistics`.

    Sums are taken in float64, first for the means and then of the squared deviations from them, so that nothing
    cancels out; the result depends on the rows and their order alone.

    Args:
        n_rows: Utterances, at least one.
        rows_between: Gives the features of the rows from one number up to another; asked twice for each.

    Returns:
        The statistics.

    Raises:
        ConfigError: If there are no utterances.

    Example:
        >>> features = np.array([[3.0, 1.0], [7.0, 1.0], [9.0, 9.0]])
        >>> block_statistics(2, lambda start, stop: features[[0, 1]][start:stop])
        Statistics(mean=array([5., 1.]), std=array([2., 0.]))
    """
    if not n_rows:
        raise ConfigError("statistics need at least one utterance, got none")
    # One column stands for all until the first block tells how many there are.
    finite, total = np.ones(1, dtype=np.bool_), np.zeros(1)
    for block in _widened(n_rows, rows_between):
        sound = np.isfinite(block)
        finite = finite & sound.all(axis=0)
        block[~sound] = 0.0
        total = total + block.sum(axis=0)
    mean = total / n_rows
    total = np.zeros(1)
    for block in _widened(n_rows, rows_between):
        block[:, ~finite] = 0.0
        total = total + np.square(block - mean).sum(axis=0)
    return _statistics(finite, mean, np.sqrt(total / n_rows))


def _statistics(
    known: npt.NDArray[np.bool_], mean: npt.NDArray[np.float64], std: npt.NDArray[np.float64]
) -> Statistics:
    # Functionals are float32: a smaller spread is rounding, and to divide by it would blow noise up.
    std = np.where(std <= np.finfo(np.float32).eps * np.abs(mean), 0.0, std)
    return Statistics(np.where(known, mean, np.nan), np.where(known, std, np.nan))


def _blocks(n_rows: int) -> Iterator[slice]:
    return (slice(start, min(start + BLOCK_ROWS, n_rows)) for start in range(0, n_rows, BLOCK_ROWS))


def _widened(n_rows: int, rows_between: RowsBetween) -> Iterator[npt.NDArray[np.float64]]:
    """Give copies in float64 that may be written to, in one layout, on which the last digits of sums depend."""
    return (rows_between(rows.start, rows.stop).astype(np.float64, order="C") for rows in _blocks(n_rows))


def constant_features(features: npt.ArrayLike, names: npt.ArrayLike) -> list[str]:
    """Name the features that carry nothing within the given utterances and map to 0.

    Args:
        features: (N, F).
        names: Name of every feature (F,).

    Returns:
        Names of the features that are constant or not finite, in their order.

    Raises:
        ConfigError: If there are no utterances or the numbers of features and names differ.

    Example:
        >>> constant_features([[3.0, 1.0], [7.0, 1.0]], ["loudness", "jitter"])
        ['jitter']
    """
    usable = fit_statistics(features).usable
    labels = [str(name) for name in np.asarray(names, dtype=object)]
    if len(labels) != len(usable):
        raise ConfigError(f"got {len(usable)} features and {len(labels)} names; expected as many")
    return [name for name, used in zip(labels, usable, strict=True) if not used]


def outlier_mask(features: npt.ArrayLike, threshold: float = 10.0) -> Mask:
    r"""Which utterances have a feature far from the mean of its corpus.

    .. math:: \max_f |x_f - \mu_f| / \sigma_f > \text{threshold}

    A z-score is at most √(N − 1), so that with the default threshold nothing is an outlier among 101
    utterances or fewer. A value that is not finite is always one; mean and spread are those of the finite
    values.

    Args:
        features: (N, F), the utterances of one corpus.
        threshold: Largest z-score that stays, above 0.

    Returns:
        True for every outlier (N,).

    Raises:
        ConfigError: If the threshold is not above 0.

    Example:
        >>> outlier_mask([[0.0], [0.0], [0.0], [1.0]], threshold=1.5).tolist()
        [False, False, False, True]
    """
    if not threshold > 0:
        raise ConfigError(f"the outlier threshold is {threshold}; expected a number above 0")
    raw = _checked(features)
    statistics = _finite_statistics(raw)
    outlier = np.zeros(len(raw), dtype=np.bool_)
    for rows in _blocks(len(raw)):
        sound = np.isfinite(raw[rows])
        z = statistics.apply(np.where(sound, raw[rows], 0.0))
        outlier[rows] = ((np.abs(z) > threshold) & sound).any(axis=1) | ~sound.all(axis=1)
    return outlier


def _finite_statistics(raw: Raw) -> Statistics:
    """Mean and spread of the finite values of every feature; ``NaN`` where there are none."""

    def rows_between(start: int, stop: int) -> Raw:
        return raw[start:stop]

    count, total = np.zeros(1, dtype=np.int64), np.zeros(1)
    for block in _widened(len(raw), rows_between):
        sound = np.isfinite(block)
        count = count + sound.sum(axis=0)
        total = total + block.sum(axis=0, where=sound)
    mean = total / np.maximum(count, 1)
    total = np.zeros(1)
    for block in _widened(len(raw), rows_between):
        block[~np.isfinite(block)] = np.nan
        total = total + np.nansum(np.square(block - mean), axis=0)
    return _statistics(count > 0, mean, np.sqrt(total / np.maximum(count, 1)))


def standardise_target(
    features: npt.ArrayLike,
    policy: str,
    *,
    source: Statistics | None = None,
    speaker: npt.ArrayLike | None = None,
    seed: int = 0,
) -> tuple[Features, Mask]:
    """Standardise a target corpus under a policy.

    ``target-20`` numbers the rows, shuffles the numbers with the seed and takes the first fifth: the choice
    depends on the order of the rows, and on nothing else in them.

    Args:
        features: (N, F), the utterances of one corpus.
        policy: One of `POLICIES`.
        source: Statistics of the source corpus' training rows; needed by ``source``.
        speaker: Who speaks (N,); needed by ``speaker``. One with a single utterance maps to 0.
        seed: Seed of the choice in ``target-20``.

    Returns:
        Standardised features (N, F), and which utterances may be evaluated (N,): with ``target-20`` those
        that the statistics were not taken from, otherwise all.

    Raises:
        ConfigError: If the policy is unknown, lacks what it needs, or has fewer than two utterances to take
            its statistics from.

    Example:
        >>> standardise_target([[3.0], [7.0]], "target-all")[0].tolist()
        [[-1.0], [1.0]]
        >>> standardise_target(np.arange(10.0)[:, None], "target-20", seed=3)[1].sum()
        np.int64(8)
    """
    raw = _checked(features)
    if policy == "speaker":
        return _by_speaker(raw, speaker), np.ones(len(raw), dtype=np.bool_)
    statistics, evaluated = target_statistics(raw, policy, source=source, seed=seed)
    return statistics.apply(raw), evaluated


def target_statistics(
    features: npt.ArrayLike, policy: str, *, source: Statistics | None = None, seed: int = 0
) -> tuple[Statistics, Mask]:
    """Take the statistics that standardise a target corpus under a policy other than ``speaker``.

    Args:
        features: As in `standardise_target`, and so are `policy`, `source` and `seed`.
        policy: ``source``, ``target-20`` or ``target-all``.
        source: Needed by ``source``.
        seed: Of the choice in ``target-20``.

    Returns:
        The statistics, and which utterances may be evaluated (N,).

    Raises:
        ConfigError: As in `standardise_target`.

    Example:
        >>> target_statistics([[3.0], [7.0]], "target-all")
        (Statistics(mean=array([5.]), std=array([2.])), array([ True,  True]))
    """
    raw = _checked(features)
    everyone = np.ones(len(raw), dtype=np.bool_)
    if policy == "source":
        if source is None:
            raise ConfigError("policy 'source' needs the statistics of the source corpus, got none")
        return source, everyone
    if policy == "target-20":
        fitted = _random_fifth(len(raw), seed)
        return fit_statistics(raw[fitted]), ~fitted
    if policy == "target-all":
        if len(raw) < 2:
            raise ConfigError(f"policy 'target-all' needs at least 2 utterances, got {len(raw)}; use 'source'")
        return fit_statistics(raw), everyone
    raise ConfigError(f"unknown policy {policy!r}; expected one of {', '.join(POLICIES)}")


def _random_fifth(n: int, seed: int) -> Mask:
    n_fitted = round(FIT_SHARE * n)
    if n_fitted < 2:
        raise ConfigError(
            f"policy 'target-20' takes its statistics from {n_fitted} of {n} utterances; "
            "expected at least 2, use 'target-all'"
        )
    fitted = np.zeros(n, dtype=np.bool_)
    fitted[np.random.default_rng(seed).permutation(n)[:n_fitted]] = True
    return fitted


def _by_speaker(raw: Raw, speaker: npt.ArrayLike | None) -> Features:
    names = np.asarray([None] * len(raw) if speaker is None else speaker, dtype=object)
    if len(names) != len(raw):
        raise ConfigError(f"got {len(raw)} utterances and {len(names)} speakers; expected as many")
    missing = int(pd.isna(names).sum())
    if missing:
        raise ConfigError(f"policy 'speaker' needs every speaker; {missing} of {len(raw)} have none, use 'target-all'")
    scaled = np.zeros(raw.shape, dtype=np.float32)
    numbers, _ = pd.factorize(names)
    order, ends = np.argsort(numbers, kind="stable"), np.cumsum(np.bincount(numbers))
    for own in np.split(order, ends[:-1]):
        scaled[own] = fit_statistics(raw[own]).apply(raw[own])
    return scaled


def _checked(features: npt.ArrayLike) -> Raw:
    """Make an array of two dimensions; one of float32 is not copied."""
    try:
        raw = np.asarray(features)
        if raw.dtype != np.float32:
            raw = np.asarray(features, dtype=np.float64)
    except (TypeError, ValueError):
        raise ConfigError("features must be numbers, one row for each utterance") from None
    if raw.ndim != 2:
        raise ConfigError(f"features have shape {raw.shape}; expected (utterances, features)")
    return raw
