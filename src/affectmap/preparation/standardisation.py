"""Statistics of features, outliers, and the policies that decide whose mean and standard deviation normalise them.

Conventions:
    * Features are (N, F): utterances in rows, the 88 functionals (or any others) in columns.
    * The standard deviation has divisor N. A feature that is constant or not finite where the statistics were taken
      carries nothing and maps to 0; `constant_features` names it.
    * A *policy* says where a target corpus gets its statistics: ``source``, the training rows of the source;
      ``target-20``, a random fifth of the target, which is then not evaluated (Das et al. 2022); ``target-all``, all
      of the target; ``speaker``, each speaker's own utterances. None of them uses a label.
    * A model in use mixes: statistics of new recordings stand beside a *prior*, the model's own statistics counted as
      `PRIOR` utterances. How much that brings is measured in ``experiments/shipped-model``.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from affectmap.errors import ConfigError
from affectmap.schema import Features, Floats, Mask, Rows

POLICIES = ("source", "target-20", "target-all", "speaker")
#: Share of a target corpus that ``target-20`` takes its statistics from.
FIT_SHARE = 0.2
#: Rows that are widened to float64 at a time: tables stay in float32, and sums are taken in double precision.
BLOCK_ROWS = 8192
#: Utterances that a model's own statistics count for beside those of a speaker or corpus. Without them ten or thirty
#: utterances mostly do worse than none (experiments/shipped-model); among hundreds they have no effect.
PRIOR = 10.0
#: A model adapted to this many utterances or more has intervals of the width measured for adapted models; for fewer
#: utterances none was measured.
ENOUGH = 30

Raw = Features | Floats
RowsBetween = Callable[[int, int], Raw]


@dataclass(frozen=True, eq=False)
class Statistics:
    """Mean and standard deviation of every feature.

    Attributes:
        mean: (F,), float64.
        std: (F,), float64; 0 or not finite where the feature carries nothing.
    """

    mean: Floats
    std: Floats

    @property
    def usable(self) -> Mask:
        """Which features carry something (F,): their standard deviation is finite and above 0."""
        return np.isfinite(self.mean) & np.isfinite(self.std) & (self.std > 0)

    def apply(self, features: npt.ArrayLike) -> Features:
        """Subtract the mean and divide by the standard deviation.

        Args:
            features: (N, F).

        Returns:
            Standardised features (N, F), float32; 0 where a feature is not `usable`.

        Raises:
            ConfigError: If the number of features differs or a usable one has a value that is not finite.

        Example:
            >>> Statistics(np.array([5.0, 1.0]), np.array([2.0, 0.0])).apply([[9.0, 1.0], [5.0, 7.0]])
            array([[2., 0.], [0., 0.]], dtype=float32)
        """
        raw = _checked(features)
        if raw.shape[1] != len(self.mean):
            raise ConfigError(f"got {raw.shape[1]} features; the statistics are of {len(self.mean)}")
        usable = self.usable
        # Features that carry nothing come out as 0 whatever they are: divided by infinity.
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
    """Take mean and standard deviation of every feature (N, F).

    Returns:
        The statistics. A standard deviation is exactly 0 where a feature is constant up to float32 rounding, and
        ``NaN`` where any of its values is not finite.

    Raises:
        ConfigError: If there are no utterances.

    Example:
        >>> fit_statistics([[3.0, 1.0], [7.0, 1.0]])
        Statistics(mean=array([5., 1.]), std=array([2., 0.]))
    """
    raw = _checked(features)
    return block_statistics(len(raw), lambda start, stop: raw[start:stop])


def block_statistics(n_rows: int, rows_between: RowsBetween) -> Statistics:
    """Take the statistics of a table that comes in blocks, as `fit_statistics` does of one in memory."""
    if not n_rows:
        raise ConfigError("statistics need at least one utterance, got none")
    count, mean, std = _finite_moments(n_rows, rows_between)
    return _statistics(count == n_rows, mean, std)


def _finite_moments(n_rows: int, rows_between: RowsBetween) -> tuple[Rows, Floats, Floats]:
    """Count the finite values of every feature; give their mean and standard deviation, 0 where there are none."""
    # Sums are taken in float64, first for the means and then of the squared deviations, so that nothing cancels out.
    # One column stands for all until the first block tells how many there are.
    count, total = np.zeros(1, dtype=np.int64), np.zeros(1)
    for block in _widened(n_rows, rows_between):
        sound = np.isfinite(block)
        count = count + sound.sum(axis=0)
        block[~sound] = 0.0
        total = total + block.sum(axis=0)
    number = np.maximum(count, 1)
    mean, total = total / number, np.zeros(1)
    for block in _widened(n_rows, rows_between):
        deviation = block - mean
        deviation[~np.isfinite(block)] = 0.0
        total = total + np.square(deviation).sum(axis=0)
    return count, mean, np.sqrt(total / number)


def _statistics(known: Mask, mean: Floats, std: Floats) -> Statistics:
    # Functionals are float32: a smaller deviation is rounding, and to divide by it would blow noise up.
    std = np.where(std <= np.finfo(np.float32).eps * np.abs(mean), 0.0, std)
    return Statistics(np.where(known, mean, np.nan), np.where(known, std, np.nan))


def _blocks(n_rows: int) -> Iterator[slice]:
    return (slice(start, min(start + BLOCK_ROWS, n_rows)) for start in range(0, n_rows, BLOCK_ROWS))


def _widened(n_rows: int, rows_between: RowsBetween) -> Iterator[Floats]:
    """Give copies in float64 that may be written to, in one layout, on which the last digits of sums depend."""
    return (rows_between(rows.start, rows.stop).astype(np.float64, order="C") for rows in _blocks(n_rows))


def constant_features(features: npt.ArrayLike, names: npt.ArrayLike) -> list[str]:
    """Name the features that are constant or not finite within the utterances, and so map to 0."""
    usable = fit_statistics(features).usable
    labels = [str(name) for name in np.asarray(names, dtype=object)]
    if len(labels) != len(usable):
        raise ConfigError(f"got {len(usable)} features and {len(labels)} names; expected as many")
    return [name for name, used in zip(labels, usable, strict=True) if not used]


def outlier_mask(features: npt.ArrayLike, threshold: float = 10.0) -> Mask:
    r"""Which utterances have a feature far from the mean of its corpus.

    .. math:: \max_f |x_f - \mu_f| / \sigma_f > \text{threshold}

    A z-score is at most √(N − 1): by default nothing is an outlier among 101 utterances or fewer. A value that is
    not finite is always one; statistics are those of the finite values.

    Args:
        features: (N, F), the utterances of one corpus.
        threshold: Largest z-score that stays, above 0.

    Raises:
        ConfigError: If the threshold is not above 0.

    Example:
        >>> outlier_mask([[0.0], [0.0], [0.0], [1.0]], threshold=1.5).tolist()
        [False, False, False, True]
    """
    if not threshold > 0:
        raise ConfigError(f"the outlier threshold is {threshold}; expected a number above 0")
    raw = _checked(features)
    count, mean, std = _finite_moments(len(raw), lambda start, stop: raw[start:stop])
    statistics = _statistics(count > 0, mean, std)
    outlier = np.zeros(len(raw), dtype=np.bool_)
    for rows in _blocks(len(raw)):
        sound = np.isfinite(raw[rows])
        z = statistics.apply(np.where(sound, raw[rows], 0.0))
        outlier[rows] = ((np.abs(z) > threshold) & sound).any(axis=1) | ~sound.all(axis=1)
    return outlier


def standardise_target(
    features: npt.ArrayLike,
    policy: str,
    *,
    source: Statistics | None = None,
    speaker: npt.ArrayLike | None = None,
    seed: int = 0,
) -> tuple[Features, Mask]:
    """Standardise a target corpus under a policy.

    The choice of ``target-20`` depends on the seed and the order of the rows, and on nothing else in them.

    Args:
        features: (N, F), the utterances of one corpus.
        policy: One of `POLICIES`.
        source: Statistics of the source corpus' training rows; needed by ``source``.
        speaker: Who speaks (N,); needed by ``speaker``. One with a single utterance maps to 0.
        seed: Seed of the choice in ``target-20``.

    Returns:
        Standardised features (N, F), and which utterances may be evaluated (N,): not those fitted by ``target-20``.

    Raises:
        ConfigError: If the policy is unknown, lacks what it needs, or has fewer than two utterances.

    Example:
        >>> standardise_target([[3.0], [7.0]], "target-all")[0].tolist()
        [[-1.0], [1.0]]
    """
    raw = _checked(features)
    if policy == "speaker":
        return _by_speaker(raw, speaker), np.ones(len(raw), dtype=np.bool_)
    statistics, evaluated = target_statistics(raw, policy, source=source, seed=seed)
    return statistics.apply(raw), evaluated


def target_statistics(
    features: npt.ArrayLike, policy: str, *, source: Statistics | None = None, seed: int = 0
) -> tuple[Statistics, Mask]:
    """Take the statistics of `standardise_target`, under a policy other than ``speaker``, and the mask."""
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
        few = f"policy 'target-20' takes its statistics from {n_fitted} of {n} utterances"
        raise ConfigError(f"{few}; expected at least 2, use 'target-all'")
    fitted = np.zeros(n, dtype=np.bool_)
    fitted[np.random.default_rng(seed).permutation(n)[:n_fitted]] = True
    return fitted


def _by_speaker(raw: Raw, speaker: npt.ArrayLike | None) -> Features:
    names = np.asarray([None] * len(raw) if speaker is None else speaker, dtype=object)
    if len(names) != len(raw):
        raise ConfigError(f"got {len(raw)} utterances and {len(names)} speakers; expected as many")
    import pandas as pd

    missing = int(pd.isna(names).sum())
    if missing:
        raise ConfigError(f"policy 'speaker' needs every speaker; {missing} of {len(raw)} have none, use 'target-all'")
    scaled = np.zeros(raw.shape, dtype=np.float32)
    numbers, _ = pd.factorize(names)
    order, ends = np.argsort(numbers, kind="stable"), np.cumsum(np.bincount(numbers))
    for own in np.split(order, ends[:-1]):
        scaled[own] = fit_statistics(raw[own]).apply(raw[own])
    return scaled


def adapted_statistics(features: Floats, source: Statistics, prior: float = PRIOR) -> tuple[Statistics, int]:
    """Take statistics from unlabelled recordings, without outliers, beside a prior.

    Utterances that are not finite or have any |z| above 10 among the rest play no part (Das et al. 2022, section 4).
    The result is that of a mixture: the utterances, and `prior` more that have the source's statistics.

    Args:
        features: (N, F), ``NaN`` where nothing could be measured.
        source: Statistics of the model.
        prior: How many utterances the source's statistics count for, ≥ 0; with 0 they play no part.

    Returns:
        The statistics, and how many utterances they were taken from.

    Raises:
        ConfigError: If `prior` is negative, or fewer than two utterances are usable, one with a prior.

    Example:
        >>> source = Statistics(np.zeros(1), np.ones(1))
        >>> adapted_statistics(np.array([[1.0], [3.0], [np.nan]]), source, prior=0)
        (Statistics(mean=array([2.]), std=array([1.])), 2)
    """
    if not 0 <= prior < np.inf:
        raise ConfigError(f"the prior is {prior}; expected a number of utterances from 0 on")
    used = features[~outlier_mask(features)] if len(features) else features
    least = 1 if prior else 2
    if len(used) < least:
        counts = f"{len(used)} of {len(features)} utterances are usable"
        raise ConfigError(f"{counts}; adapting needs at least {least} of speech, better 30 or more")
    own = fit_statistics(used)
    return (mixed_statistics(own, source, len(used) / (len(used) + prior)) if prior else own), len(used)


def well_adapted(n_utterances: float, prior: float) -> bool:
    """Whether statistics were taken as in the measurement of the intervals of adapted models; a track's are not."""
    return n_utterances >= ENOUGH and prior == PRIOR


def mixed_statistics(own: Statistics, source: Statistics, share: float) -> Statistics:
    r"""Give the statistics of a mixture of two sets of utterances.

    .. math:: \mu = w \mu_o + (1 - w) \mu_s, \quad
        \sigma^2 = w (\sigma_o^2 + (\mu_o - \mu)^2) + (1 - w) (\sigma_s^2 + (\mu_s - \mu)^2)

    with `share` w, 0..1; a feature is usable where it is in `source`.
    """
    mean = share * own.mean + (1 - share) * source.mean
    variance = share * (own.std**2 + (own.mean - mean) ** 2)
    variance += (1 - share) * (source.std**2 + (source.mean - mean) ** 2)
    return Statistics(mean, np.sqrt(variance))


def speaker_statistics(
    features: Floats, speaker: npt.ArrayLike, source: Statistics, prior: float = PRIOR
) -> tuple[list[Statistics], npt.NDArray[np.int64]]:
    """Take the statistics of every speaker, who is named for each row, beside a prior as in `adapted_statistics`.

    Returns:
        The statistics, `source` first; and which of them each row is standardised with (N,).

    Raises:
        ConfigError: If the numbers of utterances and speakers differ, or a speaker is missing.

    Warns:
        UserWarning: If the source outweighs the own utterances of some speakers, with their names.

    Example:
        >>> voices, source = np.repeat([[0.0], [3.0]], 20, axis=0), Statistics(np.zeros(1), np.ones(1))
        >>> statistics, which = speaker_statistics(voices, ["anna"] * 20 + ["bo"] * 20, source)
        >>> [each.mean.item() for each in statistics], which[[0, 39]].tolist()
        ([0.0, 0.0, 2.0], [1, 2])
    """
    names = np.asarray(speaker, dtype=object)
    if names.shape != (len(features),):
        raise ConfigError(f"got {len(features)} utterances and speakers of shape {names.shape}; expected as many")
    n_missing = sum(name is None or name != name for name in names)
    if n_missing:
        raise ConfigError(f"{n_missing} of {len(names)} utterances have no speaker; name them, or give no speakers")
    usable = np.isfinite(features).all(axis=1)
    statistics, which, few = [source], np.zeros(len(names), dtype=np.int64), []
    speakers = list(dict.fromkeys(names.tolist()))
    for name in speakers:
        own = (names == name) & usable
        n_own = int(own.sum())
        if n_own < prior:
            few.append(f"{name} ({n_own})")
        if n_own:
            which[names == name] = len(statistics)
            statistics.append(mixed_statistics(fit_statistics(features[own]), source, n_own / (n_own + prior)))
    if few:
        listed = ", ".join(few[:5]) + (f" and {len(few) - 5} more" if len(few) > 5 else "")
        warnings.warn(
            f"{len(few)} of {len(speakers)} speakers have fewer than {prior:g} usable utterances; the model's own "
            f"statistics outweigh theirs: {listed}",
            UserWarning,
            stacklevel=4,  # the caller of Model.transform
        )
    return statistics, which


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
