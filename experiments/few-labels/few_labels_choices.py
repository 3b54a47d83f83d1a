"""Which recordings are rated: at random, by `affectmap.model.suggestion`, or otherwise."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
from few_labels_models import Start

from affectmap.model.correction import RATING_STRENGTHS, Basis
from affectmap.model.suggestion import spread_over_the_map

Rows = npt.NDArray[np.int64]
#: Chooses n of some recordings (`pool`); the seed is for what is left to chance.
Choose = Callable[[Start, Rows, int, int], Rows]
RANDOM, SUGGESTED = "at random", "spread over the map"


def at_random(start: Start, pool: Rows, n: int, seed: int) -> Rows:
    """Draw."""
    return np.random.default_rng(seed).permutation(pool)[:n]


def by_suggestion(start: Start, pool: Rows, n: int, seed: int) -> Rows:
    """Take the recordings nearest to the middles of n clusters of the map (k-means)."""
    return pool[spread_over_the_map(start.basis.latent[pool], n, seed=seed)]


def most_telling(start: Start, pool: Rows, n: int, seed: int) -> Rows:
    """Take one after another that whose rating makes all others surer, by the correction itself (I-optimality)."""
    some = Basis(start.basis.latent[pool], start.basis.standardised[pool])
    covariance = some.kernel(np.arange(len(pool)), RATING_STRENGTHS[2])
    chosen: list[int] = []
    for _ in range(n):
        gain = np.sum(covariance**2, axis=0) / (np.diag(covariance) + 1)
        gain[chosen] = -np.inf
        best = int(gain.argmax())
        chosen.append(best)
        column = covariance[:, best].copy()
        covariance -= np.outer(column, column) / (column[best] + 1)
    return pool[chosen]


def far_apart(start: Start, pool: Rows, n: int, seed: int) -> Rows:
    """Take one after another, each as far on the map from those taken as can be (k-centre); the first is the middle."""
    places = _places(start)[pool]
    nearest = -np.linalg.norm(places, axis=1)
    chosen = [int(nearest.argmax())]
    nearest = np.linalg.norm(places - places[chosen[0]], axis=1)
    while len(chosen) < n:
        chosen.append(int(nearest.argmax()))
        nearest = np.minimum(nearest, np.linalg.norm(places - places[chosen[-1]], axis=1))
    return pool[chosen]


def unsure(start: Start, pool: Rows, n: int, seed: int) -> Rows:
    """Take those of whose class the model is least sure (entropy)."""
    chances = np.exp(start.scores[pool] - start.scores[pool].max(axis=1, keepdims=True))
    chances /= chances.sum(axis=1, keepdims=True)
    return pool[np.argsort(np.sum(chances * np.log(chances + 1e-12), axis=1), kind="stable")[:n]]


def extreme(start: Start, pool: Rows, n: int, seed: int) -> Rows:
    """Take by turns those of highest and lowest activation and valence."""
    order = [np.argsort(sign * start.ratings[pool, i], kind="stable") for i in (0, 1) for sign in (1, -1)]
    turns = np.stack(order, axis=1).ravel()
    return pool[list(dict.fromkeys(turns.tolist()))[:n]]


def _places(start: Start) -> npt.NDArray[np.float64]:
    latent = start.basis.latent
    return np.asarray((latent - latent.mean(axis=0)) / latent.std(axis=0))


CHOICES: dict[str, Choose] = {
    RANDOM: at_random,
    SUGGESTED: by_suggestion,
    "surest of all others": most_telling,
    "far apart on the map": far_apart,
    "unsure of the class": unsure,
    "ends of the scales": extreme,
}
