"""Whose mean and spread functionals are standardised with, where nobody labelled anything.

A voice, a microphone and a language shift the functionals; what remains after their own mean and spread are taken out
is easier to compare. How much that brings, and from how many utterances on, is measured in
``experiments/shipped-model``.
"""

from __future__ import annotations

import warnings

import numpy as np
import numpy.typing as npt
import pandas as pd

from affectmap.errors import ConfigError
from affectmap.preparation.standardisation import Statistics, fit_statistics, outlier_mask

Floats = npt.NDArray[np.float64]

#: Utterances that the model's own statistics count for beside those of a speaker or place. Without them ten or thirty
#: utterances mostly do worse than none (experiments/shipped-model); among hundreds they are not felt.
PRIOR = 10.0
#: Own utterances from which on a model counts as adapted, for the width of its intervals: fewer were not measured so.
ENOUGH = 30


def adapted_statistics(functionals: Floats, source: Statistics, prior: float = PRIOR) -> tuple[Statistics, int]:
    """Take mean and spread from unlabelled recordings, without outliers.

    Utterances that are not finite or have any |z| above 10 among the rest play no part (Das et al. 2022, section 4).
    The result is that of a mixture: the utterances, and `prior` more that have the source's mean and spread.

    Args:
        functionals: (N, 88), ``NaN`` where nothing could be measured.
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
        >>> adapted_statistics(np.array([[3.0]]), source, prior=2)[0].mean
        array([1.])
    """
    if not 0 <= prior < np.inf:
        raise ConfigError(f"the prior is {prior}; expected a number of utterances from 0 on")
    used = functionals[~outlier_mask(functionals)] if len(functionals) else functionals
    least = 1 if prior else 2
    if len(used) < least:
        counts = f"{len(used)} of {len(functionals)} utterances are usable"
        raise ConfigError(f"{counts}; adapting needs at least {least} of speech, better 30 or more")
    own = fit_statistics(used)
    return (mixed_statistics(own, source, len(used) / (len(used) + prior)) if prior else own), len(used)


def well_adapted(n_utterances: float, prior: float) -> bool:
    """Whether statistics were taken as in the measurement of the intervals of adapted models.

    That is from `ENOUGH` utterances or more with `PRIOR` beside them. A track's are not: they come from
    segments of one recording, with another prior.

    Args:
        n_utterances: Own utterances.
        prior: How many the source's statistics counted for.

    Returns:
        Whether it is so.

    Example:
        >>> well_adapted(29, PRIOR), well_adapted(30, PRIOR), well_adapted(500, 30)
        (False, True, False)
    """
    return n_utterances >= ENOUGH and prior == PRIOR


def mixed_statistics(own: Statistics, source: Statistics, share: float) -> Statistics:
    r"""Mean and spread of a mixture of two sets of utterances.

    .. math:: \mu = w \mu_o + (1 - w) \mu_s, \quad
        \sigma^2 = w (\sigma_o^2 + (\mu_o - \mu)^2) + (1 - w) (\sigma_s^2 + (\mu_s - \mu)^2)

    Args:
        own: Statistics of the one set.
        source: Of the other.
        share: Weight w of the one, 0..1.

    Returns:
        Their statistics; a feature is usable where it is in `source`.

    Example:
        >>> mixed_statistics(Statistics(np.ones(1), np.zeros(1)), Statistics(-np.ones(1), np.zeros(1)), 0.5)
        Statistics(mean=array([0.]), std=array([1.]))
    """
    mean = share * own.mean + (1 - share) * source.mean
    variance = share * (own.std**2 + (own.mean - mean) ** 2)
    variance += (1 - share) * (source.std**2 + (source.mean - mean) ** 2)
    return Statistics(mean, np.sqrt(variance))


def speaker_statistics(
    functionals: Floats, speaker: npt.ArrayLike, source: Statistics, prior: float = PRIOR
) -> tuple[list[Statistics], npt.NDArray[np.int64]]:
    """Take mean and spread of every speaker by themselves, beside a few utterances that have the source's.

    Args:
        functionals: (N, 88), ``NaN`` where nothing could be measured.
        speaker: Who speaks in each (N,).
        source: Statistics of the model.
        prior: How many utterances the source's statistics count for.

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
    if names.shape != (len(functionals),):
        raise ConfigError(f"got {len(functionals)} utterances and speakers of shape {names.shape}; expected as many")
    n_missing = int(pd.isna(names).sum())
    if n_missing:
        raise ConfigError(f"{n_missing} of {len(names)} utterances have no speaker; name them, or give no speakers")
    usable = np.isfinite(functionals).all(axis=1)
    statistics, which, few = [source], np.zeros(len(names), dtype=np.int64), []
    speakers = list(dict.fromkeys(names.tolist()))
    for name in speakers:
        own = (names == name) & usable
        n_own = int(own.sum())
        if n_own < prior:
            few.append(f"{name} ({n_own})")
        if n_own:
            which[names == name] = len(statistics)
            statistics.append(mixed_statistics(fit_statistics(functionals[own]), source, n_own / (n_own + prior)))
    if few:
        listed = ", ".join(few[:5]) + (f" and {len(few) - 5} more" if len(few) > 5 else "")
        warnings.warn(
            f"{len(few)} of {len(speakers)} speakers have fewer than {prior:g} usable utterances; the model's own mean "
            f"and spread outweigh theirs: {listed}",
            UserWarning,
            stacklevel=3,  # the caller of Model.transform
        )
    return statistics, which
