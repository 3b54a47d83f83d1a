"""Adjusted R², row by row and over pairs of rows, without each speaker in turn: from sums, nothing is fitted anew."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from affectmap.errors import ConfigError
from affectmap.stats.intervals import LeftOut, left_out, left_out_totals, speaker_numbers
from affectmap.stats.least_squares import centred, explained, pair_sums, regression_columns, speaker_pair_sums


def adjusted_r2_left_out(
    label: npt.ArrayLike, predictors: npt.ArrayLike, speaker: npt.ArrayLike, corpus: str = ""
) -> LeftOut:
    """Adjusted R² of label = b₀ + b·z, as in `affectmap.stats.metrics.adjusted_r2`, and without each speaker.

    Args:
        label: What is to be explained (N,); rows with ``NaN`` are left out.
        predictors: What explains it (N, P) or (N,).
        speaker: Who speaks (N,).
        corpus: What the speakers belong to.

    Returns:
        The value, ready for `affectmap.stats.intervals.interval` on the scale ``explained``; ``NaN`` without a speaker
        where the label of the others is constant or they have no more rows than the fit has parameters.

    Raises:
        ConfigError: If the shapes do not fit or a predictor is not finite.

    Example:
        >>> found = adjusted_r2_left_out([1, 2, 3, 1, 2, 4], [1, 2, 3, 3, 2, 1], [*"aaabbb"])
        >>> round(found.value, 2), {name: round(value, 2) for (_, name), value in found.without.items()}
        (-0.2, {'a': 0.93, 'b': 1.0})
    """
    response, regressors, labelled = regression_columns(label, predictors)
    if response.shape[1] != 1:
        raise ConfigError(f"label has {response.shape[1]} columns; expected one, or call once for each")
    columns = np.hstack([np.ones_like(response), centred(regressors), centred(response)])
    names, number, counts = speaker_numbers(_named(speaker, len(labelled))[labelled])
    size, by_speaker = columns.shape[1], columns[np.argsort(number, kind="stable")]
    own = np.array([(rows.T @ rows).ravel() for rows in np.split(by_speaker, np.cumsum(counts)[:-1])])
    return left_out_totals(
        own.reshape(-1, size**2),
        lambda sums: explained(sums.reshape(-1, size, size)).adjusted_r2,
        names,
        counts,
        corpus,
    )


def pairwise_left_out(latent: npt.ArrayLike, label: npt.ArrayLike, speaker: npt.ArrayLike, corpus: str = "") -> LeftOut:
    """Adjusted R² of d_z = a + b d_y over pairs, as in `pairwise_adjusted_r2`, and without the pairs of each speaker.

    Args:
        latent: Positions (N, D) or (N,).
        label: Labels (N,) or (N, L); a row with any ``NaN`` is in no pair.
        speaker: Who speaks (N,).
        corpus: What the speakers belong to.

    Raises:
        ConfigError: If the shapes do not fit or a latent is not finite.

    Example:
        >>> found = pairwise_left_out([1, 2, 3, 3, 2, 1], [1, 2, 3, 1, 2, 4], [*"aaabbb"])
        >>> round(found.value, 2), {name: round(value, 2) for (_, name), value in found.without.items()}
        (-0.07, {'a': 0.5, 'b': 1.0})
    """
    response, position, labelled = regression_columns(label, latent, "latent")
    names, number, counts = speaker_numbers(_named(speaker, len(labelled))[labelled])
    order = np.argsort(number, kind="stable")
    sums = speaker_pair_sums(centred(response)[order], centred(position)[order], number[order], len(names))
    # Pairs of two speakers stand once, above the diagonal; without one of them, its row and column go.
    total = sums.sum(axis=(1, 2))
    own = sums.sum(axis=1) + sums.sum(axis=2) - np.diagonal(sums, axis1=1, axis2=2)
    values = explained(pair_sums(np.vstack([total, total - own.T]))).adjusted_r2
    return left_out(values[0], values[1:], names, counts, corpus)


def _named(speaker: npt.ArrayLike, n_rows: int) -> npt.NDArray[np.generic]:
    names = np.asarray(speaker)
    if names.shape != (n_rows,):
        raise ConfigError(f"speaker has shape {names.shape}; expected one name for each of {n_rows} rows")
    return names
