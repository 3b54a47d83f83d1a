r"""A test of R² for which speakers are drawn, not utterances: labels of whole speakers change their sign.

The F-test of a regression takes every utterance for independent. Those of one speaker are not, and a speaker's own
slope counts as if it were everybody's: it finds something in up to one of four corpora in which there is nothing
(``experiments/coverage``). Here the deviations of a speaker's labels from the mean keep or change their sign
all together, ε of ±1 a speaker:

.. math::
    R^2(\epsilon) = \epsilon^T A \epsilon, \qquad A = G (X^T X)^{-1} G^T / \sum (y - \bar{y})^2, \qquad
    p = \frac{\#\{\epsilon: R^2(\epsilon) \ge R^2(1)\}}{\#\{\epsilon\}}

where row s of G is speaker s' part of the products X'(y − ȳ). It is the wild cluster bootstrap with the null hypothesis
imposed (Cameron, Gelbach and Miller 2008), as a randomisation test that needs no more than signs that are as likely as
not (Canay, Santos and Shaikh 2021, The wild bootstrap with a "small" number of "large" clusters). Folds and seeds share
the signs of a speaker, and their A are averaged like their values.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.sparse.csgraph import connected_components

from affectmap.schema import Floats
from affectmap.stats.intervals import Speaker, speaker_numbers
from affectmap.stats.least_squares import COLLINEAR, centred, regression_columns

#: A result is called significant below this p-value.
SIGNIFICANT = 0.05
#: Speakers up to which all signs are tried, and signs drawn for more.
ALL_SIGNS, N_DRAWN = 12, 4095


class Products(NamedTuple):
    """R² as a sum over pairs of speakers ``(S, S)``, and the speakers (S,)."""

    speakers: tuple[Speaker, ...]
    parts: Floats


def label_products(
    label: npt.ArrayLike, predictors: npt.ArrayLike, speaker: npt.ArrayLike, corpus: str = ""
) -> Products:
    """Split the R² of label = b₀ + b·z into the parts of pairs of speakers: they sum to it.

    Args:
        label: What is to be explained (N,); rows with ``NaN`` are left out.
        predictors: What explains it (N, P) or (N,).
        speaker: Who speaks (N,).
        corpus: What the speakers belong to.

    Returns:
        The parts; zeros where the label or all predictors are constant.

    Raises:
        ConfigError: If the shapes do not fit or a predictor is not finite.

    Example:
        >>> found = label_products([1.0, 2.0, 3.0, 5.0], [0.0, 1.0, 2.0, 3.0], ["a", "a", "b", "b"])
        >>> round(float(found.parts.sum()), 4)
        0.9657
    """
    response, regressors, labelled = regression_columns(label, predictors)
    names, number, _ = speaker_numbers(np.asarray(speaker)[labelled])
    y, x = centred(response)[:, 0], centred(regressors)
    spread = np.sqrt(np.sum(x * x, axis=0))
    x = x[:, spread > 0] / spread[spread > 0]
    keys = tuple((corpus, name) for name in names)
    if not x.size or not y.any():
        return Products(keys, np.zeros((len(names), len(names))))
    by_speaker = np.zeros((len(names), x.shape[1]))
    np.add.at(by_speaker, number, x * y[:, None])
    values, vectors = np.linalg.eigh(x.T @ x)
    kept = values > COLLINEAR
    scores = by_speaker @ (vectors[:, kept] / np.sqrt(values[kept])) / np.sqrt(y @ y)
    return Products(keys, scores @ scores.T)


def sign_flip_p_value(folds: Sequence[Products], seed: int = 0) -> float:
    """Test whether R², averaged over folds and seeds, is larger than signs of whole speakers give.

    Args:
        folds: Parts of R² of every fold and seed.
        seed: Seed of the signs that are drawn above `ALL_SIGNS` speakers.

    Returns:
        The p-value, ``NaN`` where no result could be significant: below six speakers who are evaluated together, and
        where every fold has a single one.

    Example:
        >>> label = np.tile([1.0, 2.0, 4.0], 6)
        >>> speaker = np.repeat([*"abcdef"], 3)
        >>> sign_flip_p_value([label_products(label, label, speaker)])
        0.03125
    """
    speakers = list(dict.fromkeys(key for fold in folds for key in fold.speakers))
    place = {key: k for k, key in enumerate(speakers)}
    total = np.zeros((len(speakers), len(speakers)))
    for fold in folds:
        rows = [place[key] for key in fold.speakers]
        total[np.ix_(rows, rows)] += fold.parts / len(folds)
    if not len(speakers):
        return float("nan")
    n_groups = connected_components(total != 0, directed=False)[0]
    if 2.0 ** (n_groups - len(speakers)) >= SIGNIFICANT:
        return float("nan")
    signs = _signs(len(speakers), seed)
    flipped = np.einsum("bs,bs->b", signs @ total, signs)
    return float(np.mean(flipped >= total.sum() - 1e-9 * np.abs(total).sum()))


def _signs(n: int, seed: int) -> Floats:
    """All signs of n speakers whose first keeps its own, since changing all changes nothing; or many drawn ones."""
    if n > ALL_SIGNS:
        drawn = np.random.default_rng(seed).choice([-1.0, 1.0], size=(N_DRAWN, n))
        return np.vstack([np.ones(n), drawn])
    signs = np.ones((2 ** (n - 1), n))
    changed = (each for size in range(n) for each in combinations(range(1, n), size))
    for row, columns in zip(signs, changed, strict=True):
        row[list(columns)] = -1.0
    return signs
