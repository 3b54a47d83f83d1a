"""How far a figure of merit would move with other speakers: a bootstrap that draws speakers, not utterances.

Utterances of one speaker resemble each other, so drawing them one by one would make every interval too
narrow. Each resample draws as many speakers as there are, with replacement, and takes all utterances of a
speaker as often as the speaker was drawn (Davison and Hinkley 1997, Bootstrap Methods and their Application,
3.8).

Nothing is fitted on copied rows: hits, sums of products and sums over pairs are taken once for each speaker
and added up with the counts of every resample.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from affectmap.errors import ConfigError
from affectmap.stats.least_squares import Floats, centred, distances, explained, pair_moments, regression_columns
from affectmap.stats.metrics import class_hits

#: Numbers that the stacked moments may hold at once (1.6 MB, which a processor's cache holds).
STACK_SIZE = 200_000
#: Rows per block of the pairwise sums.
BLOCK_ROWS = 32


class SpeakerBootstrap:
    """One set of resampled speakers for any number of quantities.

    Two quantities computed with the same object meet the same resamples, so they may be subtracted value by
    value.
    With a single speaker nothing can be said about others, and every value is ``NaN``.

    Args:
        speakers: Every speaker once; those of the rows given later must be among them.
        n_resamples: Resamples B, at least 1.
        seed: The same seed and the same speakers, in any order, give the same resamples.

    Attributes:
        speakers: The speakers, sorted.
        counts: How often each resample holds each speaker (B, S).

    Raises:
        ConfigError: If there are no speakers, one is named twice or missing, or `n_resamples` is below 1.

    Example:
        >>> bootstrap = SpeakerBootstrap(["a", "b", "c"], n_resamples=4, seed=1)
        >>> bootstrap.counts.sum(axis=1).tolist()
        [3, 3, 3, 3]
    """

    def __init__(self, speakers: Sequence[str], n_resamples: int = 1000, seed: int = 0) -> None:
        names = list(speakers)
        if not names or len(set(names)) < len(names) or not all(isinstance(name, str) for name in names):
            raise ConfigError(f"a bootstrap needs every speaker's name once, got {len(names)}: {names[:5]}")
        if n_resamples < 1:
            raise ConfigError(f"n_resamples is {n_resamples}; expected at least 1")
        self.speakers = sorted(names)
        share = np.full(len(names), 1 / len(names))
        self.counts = np.random.default_rng(seed).multinomial(len(names), share, size=n_resamples)

    def uar(self, truth: npt.ArrayLike, prediction: npt.ArrayLike, speaker: npt.ArrayLike) -> Floats:
        """Unweighted average recall of every resample, over the classes that it holds.

        Args:
            truth: Observed classes (N,).
            prediction: Predicted classes (N,), of the same type.
            speaker: Who speaks (N,).

        Returns:
            One value from 0 to 1 for each resample (B,); ``NaN`` where it holds fewer than two classes.

        Raises:
            ConfigError: If lengths or types differ, a class is missing or a speaker unknown.

        Example:
            >>> bootstrap = SpeakerBootstrap(["a", "b"], n_resamples=3)
            >>> bootstrap.uar([0, 1, 0, 1], [0, 1, 0, 0], ["a", "a", "b", "b"]).tolist()
            [0.75, 0.75, 0.5]
        """
        expected, hit, n_classes = class_hits(truth, prediction)
        who = self._numbered(speaker, len(expected))
        shape = len(self.speakers), n_classes
        cell, size = who * n_classes + expected, len(self.speakers) * n_classes
        rows = self.counts @ np.bincount(cell, minlength=size).reshape(shape)
        hits = self.counts @ np.bincount(cell, hit, minlength=size).reshape(shape)
        held = (rows > 0).sum(axis=1)
        recall = np.sum(hits / np.maximum(rows, 1), axis=1)
        return self._told(recall / np.maximum(held, 1), held >= 2)

    def adjusted_r2(self, label: npt.ArrayLike, predictors: npt.ArrayLike, speaker: npt.ArrayLike) -> Floats:
        """Adjusted R² of label = b₀ + b·z in every resample, as in `affectmap.stats.metrics.adjusted_r2`.

        Args:
            label: What is to be explained (N,); rows with ``NaN`` are left out.
            predictors: What explains it (N, P) or (N,).
            speaker: Who speaks (N,).

        Returns:
            One value for each resample (B,); ``NaN`` where its label is constant or it holds no more
            different rows than parameters.

        Raises:
            ConfigError: If the shapes do not fit, a predictor is not finite, or a speaker is unknown.

        Example:
            >>> bootstrap = SpeakerBootstrap(["a", "b"], n_resamples=3)
            >>> speaker = ["a", "a", "a", "b", "b", "b"]
            >>> bootstrap.adjusted_r2([1, 2, 3, 1, 2, 4], [1, 2, 3, 3, 2, 1], speaker).round(2).tolist()
            [-0.2, -0.2, 0.96]
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
        return self._told(values, np.isfinite(values))

    def pairwise_adjusted_r2(self, latent: npt.ArrayLike, label: npt.ArrayLike, speaker: npt.ArrayLike) -> Floats:
        """Adjusted R² of d_z = a + b d_y over pairs, as in `affectmap.stats.metrics.pairwise_adjusted_r2`.

        Where a resample holds speaker a ``c_a`` times, a pair inside the speaker counts ``c_a`` times, and one
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

        Example:
            >>> bootstrap = SpeakerBootstrap(["a", "b"], n_resamples=3)
            >>> speaker = ["a", "a", "a", "b", "b", "b"]
            >>> latent, label = [1, 2, 3, 3, 2, 1], [1, 2, 3, 1, 2, 4]
            >>> bootstrap.pairwise_adjusted_r2(latent, label, speaker).round(2).tolist()
            [-0.07, -0.07, 0.69]
        """
        response, position, labelled = regression_columns(label, latent, "latent")
        who = self._numbered(speaker, len(labelled))[labelled]
        order = np.argsort(who, kind="stable")
        sums = _speaker_sums(centred(response)[order], centred(position)[order], who[order], len(self.speakers))
        moments = pair_moments(_weighted(sums, self.counts))
        different = _weighted(sums[:1], self.counts > 0)[:, 0]
        return self._told(explained(moments).adjusted_r2, different > 2)

    def _numbered(self, speaker: npt.ArrayLike, n_rows: int) -> npt.NDArray[np.int64]:
        names = np.asarray(speaker)
        if names.shape != (n_rows,):
            raise ConfigError(f"speaker has shape {names.shape}; expected one name for each of {n_rows} rows")
        number = {name: k for k, name in enumerate(self.speakers)}
        strange = sorted({str(name) for name in names.tolist() if name not in number})
        if strange:
            raise ConfigError(f"speakers {strange[:5]} are not in the bootstrap, which has {self.speakers[:5]} ...")
        return np.array([number[name] for name in names.tolist()], dtype=np.int64)

    def _told(self, values: Floats, told: npt.NDArray[np.bool_]) -> Floats:
        return np.where(told & (len(self.speakers) > 1), values, np.nan)


def _speaker_sums(y: Floats, z: Floats, who: npt.NDArray[np.int64], n_speakers: int) -> Floats:
    """Six sums over the pairs of each two speakers a <= b (6, S, S), from rows sorted by speaker."""
    present, first, size = np.unique(who, return_index=True, return_counts=True)
    sums = np.zeros((3, n_speakers, n_speakers))
    for start in range(0, len(who), BLOCK_ROWS):
        rows = slice(start, start + BLOCK_ROWS)
        met, row_edges = np.unique(who[rows], return_index=True)
        # Speakers before these have met the rows already.
        later = int(np.searchsorted(present, met[0]))
        others, edges = slice(first[later], None), first[later:] - first[later]
        label_diff, latent_diff = distances(y[rows], y[others]), distances(z[rows], z[others])
        for total, block in zip(sums, (label_diff, latent_diff, label_diff * latent_diff), strict=True):
            by_speaker = np.add.reduceat(np.add.reduceat(block, edges, axis=1), row_edges, axis=0)
            total[met[:, None], present[None, later:]] += by_speaker
    rows_of = np.zeros(n_speakers)
    rows_of[present] = size
    squares = [_square_sums(columns, who, rows_of) for columns in (y, z)]
    return _each_pair_once(np.stack([np.outer(rows_of, rows_of), *sums, *squares]), rows_of)


def _square_sums(columns: Floats, who: npt.NDArray[np.int64], rows_of: Floats) -> Floats:
    """Squared distances between the rows of each two speakers, from sums and squared norms alone."""
    norm = np.bincount(who, np.sum(columns * columns, axis=1), minlength=len(rows_of))
    total = np.stack([np.bincount(who, column, minlength=len(rows_of)) for column in columns.T], axis=1)
    squares: Floats = np.outer(rows_of, norm) + np.outer(norm, rows_of) - 2 * total @ total.T
    return squares


def _each_pair_once(sums: Floats, rows_of: Floats) -> Floats:
    sums = np.triu(sums)
    same = np.arange(len(rows_of))
    # Inside a speaker every pair was met twice, and every row once with itself.
    sums[0, same, same] -= rows_of
    sums[:, same, same] /= 2
    return sums


def _weighted(sums: Floats, counts: npt.NDArray[np.generic]) -> Floats:
    """Add up the sums (M, S, S) of the speaker pairs with the weights of every resample: (B, M)."""
    weight = counts.astype(np.float64)
    own = np.diagonal(sums, axis1=1, axis2=2)
    between = [np.sum((weight @ np.triu(matrix, 1)) * weight, axis=1) for matrix in sums]
    return np.stack(between, axis=1) + weight @ own.T


def interval(samples: npt.ArrayLike, level: float = 0.95) -> tuple[float, float]:
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
        return float("nan"), float("nan")
    low, high = np.quantile(values, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)
