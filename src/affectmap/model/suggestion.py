"""Which recordings to have rated first: those that are spread over the map as all recordings are.

The recordings are put into as many clusters of the map as there shall be ratings (k-means), and of every cluster the
recording nearest to its middle is taken, the largest cluster first. ``experiments/few-labels`` compares this with
chance and with other choices.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from affectmap.errors import ConfigError
from affectmap.schema import Floats

#: Starts of the clusters that are tried, and rounds of each.
_N_STARTS = 5


def spread_over_the_map(embedding: npt.ArrayLike, n: int, *, seed: int = 0) -> npt.NDArray[np.int64]:
    """Choose recordings to have rated.

    Args:
        embedding: Places of the recordings (N, D), finite.
        n: How many to choose, from 1 to N.
        seed: Seed of where the clusters start.

    Returns:
        Their numbers, each once; those that stand for most recordings first.

    Raises:
        ConfigError: If `n` is out of range.

    Example:
        >>> spread_over_the_map([[0.0], [0.1], [0.2], [5.0], [5.1], [9.0]], 3).tolist()
        [1, 3, 5]
    """
    latent = np.asarray(embedding, dtype=np.float64)
    if not 1 <= n <= len(latent):
        raise ConfigError(f"{n} recordings were asked for; expected 1 to {len(latent)}, which can be used")
    scale = latent.std(axis=0)
    places = (latent - latent.mean(axis=0)) / np.where(scale > 0, scale, 1.0)
    centres = _middles(places, n, seed)
    distance = np.linalg.norm(places[:, None] - centres, axis=2)
    sizes = np.bincount(distance.argmin(axis=1), minlength=len(centres))
    chosen: list[int] = []
    for cluster in np.argsort(-sizes, kind="stable"):
        distance[chosen] = np.inf
        chosen.append(int(distance[:, cluster].argmin()))
    while len(chosen) < n:  # clusters that were left empty, as where recordings are the same
        apart = np.linalg.norm(places[:, None] - places[chosen], axis=2).min(axis=1)
        apart[chosen] = -1.0
        chosen.append(int(apart.argmax()))
    return np.array(chosen)


def _middles(places: Floats, n: int, seed: int) -> Floats:
    """Give the middles of the closest of several clusterings, at most n."""
    from scipy.cluster.vq import kmeans

    random = np.random.default_rng(seed)
    starts = [places[random.permutation(len(places))[:n]] for _ in range(_N_STARTS)]
    found = [kmeans(places, start) for start in starts]
    return np.asarray(min(found, key=lambda each: float(each[1]))[0])
