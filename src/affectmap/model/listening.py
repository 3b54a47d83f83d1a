r"""Listening: a model learns the classes of unlabelled recordings from what it knows of those of its training corpora.

A model that can listen holds, beside its network, a linear classifier of emotions, their places on the map, and the
mean of every class in a space in which the classes of the training corpora spread alike in all directions
(`SourceClasses`). Given the standardised features of a folder, `listen` takes every recording for what the classifier
says, and then, a few rounds long, estimates the folder's own class means and covariance and assigns the recordings
anew: the EM algorithm with hard assignments. What is kept is a second linear classifier, halfway between the first and
the folder's own (the mean of their log-probabilities). A point on the map moves by

.. math:: \sum_c (p'_c - p_c) \, m_c

where p and p' are the probabilities before and after, and m the places of the classes: the axes keep their scale.

Whether to listen is decided without a label. The rounds are run on to their end, far beyond what is kept; if too few of
the recordings are then still of the class that they began with (`Settings.least_agreement`), the classes of the folder
are not those of the training corpora, and nothing is learned from it.

Conventions:
    * ``features`` are standardised (N, F): by the statistics of the folder, or of every speaker in it.
    * K classes, D dimensions of the map, P dimensions of the space.

Source: Dempster, Laird and Rubin 1977; hard assignments (classification EM), Celeux and Govaert 1992; means drawn to
those of the training corpora as in Gauvain and Lee 1994. Settings and their measurement: ``experiments/listening``.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from affectmap.model.encoder import linear_map
from affectmap.model.heads import probabilities_of
from affectmap.schema import Floats
from affectmap.text import counted

#: Rounds after which is asked how many recordings keep their class.
ROUNDS_TO_THE_END = 15
#: Recordings that a class mean of the training corpora counts for beside the folder's own.
PRIOR_RECORDINGS = 20.0
#: How far the covariance is drawn to a sphere.
SHRINKAGE = 0.3
#: How far the classes are drawn to equal shares: each is divided by its share to this power.
BALANCE = 0.25
#: Share of one class from which on the sentence says that there is hardly another.
ONE_CLASS = 0.8
_LEAST_SHARE = 1e-3
#: What the names of tensors begin with.
SOURCE, LISTENED = "source_classes.", "listened."
_PARTS = ("weight", "bias", "place", "projection", "mean")


class Settings(NamedTuple):
    """How far listening goes; ``experiments/listening`` chooses among some for corpora that play no part in it.

    Attributes:
        least_agreement: Share of the recordings that must keep their class to the end of the rounds, 0..1.
        rounds: Rounds that are kept.
        temper: What log-likelihoods are multiplied by, since features are not normal; 0..1.
        own_weight: Weight of the folder's own classes beside those of the training corpora, 0..1.
        least_recordings: Recordings from which on there is enough to listen to.
    """

    least_agreement: float = 0.7
    rounds: int = 3
    temper: float = 0.3
    own_weight: float = 0.5
    least_recordings: int = 100


#: Those that models use.
USUAL = Settings()


@dataclass(frozen=True, eq=False)
class SourceClasses:
    """What a model knows of the classes of its training corpora.

    Attributes:
        classes: Names of the K classes, more than the four that models tell apart: what none of these stands for has a
            class of its own as far as the corpora have one.
        weight: (F, K), of the classifier.
        bias: (K,).
        place: (K, D), on the map.
        projection: (F, P), to the space in which the classes have unit covariance.
        mean: (K, P), of every class there.
    """

    classes: tuple[str, ...]
    weight: Floats
    bias: Floats
    place: Floats
    projection: Floats
    mean: Floats

    @classmethod
    def of_tensors(cls, tensors: Mapping[str, Any], classes: tuple[str, ...]) -> SourceClasses:
        """Take them from a model's tensors and the names of the classes."""
        parts = [np.asarray(tensors[f"{SOURCE}{part}"], dtype=np.float64) for part in _PARTS]
        weight, bias, place, projection, mean = parts
        return cls(classes, weight.T, bias, place, projection.T, mean)

    def tensors(self) -> dict[str, npt.NDArray[np.float32]]:
        """Give them as tensors of a model's folder."""
        parts = self.weight.T, self.bias, self.place, self.projection.T, self.mean
        return {f"{SOURCE}{name}": value.astype(np.float32) for name, value in zip(_PARTS, parts, strict=True)}


def source_class_shapes(n_classes: int, n_inputs: int, latent_dim: int, space_dim: int) -> dict[str, tuple[int, ...]]:
    """Give the shapes that the tensors of `SourceClasses` have in a folder."""
    shapes = (n_classes, n_inputs), (n_classes,), (n_classes, latent_dim), (space_dim, n_inputs), (n_classes, space_dim)
    return {f"{SOURCE}{name}": shape for name, shape in zip(_PARTS, shapes, strict=True)}


def listened_shapes(n_classes: int, n_inputs: int) -> dict[str, tuple[int, ...]]:
    """Give the shapes that the tensors of `Listened` have in a folder."""
    return {f"{LISTENED}weight": (n_classes, n_inputs), f"{LISTENED}bias": (n_classes,)}


@dataclass(frozen=True, eq=False)
class Listened:
    """What was learned by listening.

    Attributes:
        weight: (F, K), of the classifier after listening.
        bias: (K,).
        n_recordings: Recordings that were listened to; copies count once.
        agreement: Share of them that keep their class to the end of the rounds, 0..1.
        is_used: Whether that is enough; otherwise weight and bias are those from before.
        largest_share: Share of the recordings that are taken for the most frequent class, 0..1.
    """

    weight: Floats
    bias: Floats
    n_recordings: int
    agreement: float
    is_used: bool
    largest_share: float = float("nan")

    def tensors(self) -> dict[str, npt.NDArray[np.float32]]:
        """Give the classifier as tensors of a model's folder; none if nothing was learned."""
        if not self.is_used:
            return {}
        return {f"{LISTENED}weight": self.weight.T.astype(np.float32), f"{LISTENED}bias": self.bias.astype(np.float32)}

    def metadata(self) -> dict[str, float | int | bool]:
        """Say in a model's folder what was listened to."""
        shares = {"agreement": self.agreement, "largest_share": self.largest_share}
        known = {name: round(value, 4) for name, value in shares.items() if not math.isnan(value)}
        return {"n_recordings": self.n_recordings, **known, "is_used": self.is_used}

    @property
    def text(self) -> str:
        """What was done and why one may or may not trust it, in a sentence."""
        return listening_text(self.metadata())


def listening_text(metadata: Mapping[str, Any]) -> str:
    """Say what listening came to, by what a model's folder says of it.

    Example:
        >>> listening_text({"n_recordings": 40, "is_used": False})[:66]
        'Listening changed nothing: 40 recordings of speech are few, and it'
    """
    of, agreement = counted(metadata["n_recordings"], "recording"), metadata.get("agreement")
    if agreement is None:
        return (
            f"Listening changed nothing: {of} of speech are few, and it takes {USUAL.least_recordings}; the statistics "
            "are used all the same."
        )
    share = (
        f"{agreement:.0%} of {of} keep the class that they began with, and {USUAL.least_agreement:.0%} are asked for"
    )
    if metadata["is_used"] and (largest := metadata.get("largest_share", 0.0)) >= ONE_CLASS:
        return (
            f"Listening learned little: {share}, but {largest:.0%} are taken for one class, so that there is hardly "
            "more than one to learn; give recordings of many emotions."
        )
    if metadata["is_used"]:
        return (
            f"Listening learned the classes of this folder: {share}; where that was so, recognition stayed or became "
            "better on corpora that were not trained on (docs/adaptation.md), which is no proof for these recordings."
        )
    return (
        f"Listening changed nothing: only {share}; emotions do not part here as in the training corpora, so trust "
        "classes little; the statistics are used all the same."
    )


def listen(features: Floats, source: SourceClasses, settings: Settings = USUAL) -> Listened:
    """Learn the classes of unlabelled recordings, if they are those of the training corpora.

    Args:
        features: Of the recordings, standardised (N, F), finite.
        source: What the model knows.
        settings: How far to go.

    Returns:
        What was learned. With fewer recordings than the settings ask for that is nothing.

    Example:
        >>> rng, places = np.random.default_rng(0), np.array([[-3.0, 0.0], [3.0, 0.0]])
        >>> source = SourceClasses(("sad", "happy"), places.T / 2, np.zeros(2), places, np.eye(2), places)
        >>> folder = rng.normal(size=(200, 2)) + np.repeat([[-2.0, 1.0], [4.0, 1.0]], 100, axis=0)
        >>> listened = listen(folder, source)
        >>> listened.is_used, round(listened.agreement, 2)
        (True, 1.0)
    """
    before = log_probabilities(features @ source.weight + source.bias)
    unchanged = source.weight, source.bias
    points = features @ source.projection
    n_recordings = len({row.tobytes() for row in features})
    if n_recordings < settings.least_recordings:
        return Listened(*unchanged, n_recordings, float("nan"), is_used=False)
    # Whether to listen is asked of the usual settings, however far it is gone afterwards.
    weight, bias = _learned(points, before, source, USUAL._replace(rounds=ROUNDS_TO_THE_END))
    kept = (features @ weight + bias).argmax(axis=1) == before.argmax(axis=1)
    agreement = float(kept.mean())
    is_used = agreement >= settings.least_agreement
    learned = _learned(points, before, source, settings) if is_used else unchanged
    classes = (features @ learned[0] + learned[1]).argmax(axis=1)
    largest = float(np.bincount(classes).max() / len(classes))
    return Listened(*learned, n_recordings, agreement, is_used, largest)


def log_probabilities(scores: Floats) -> Floats:
    """Give the logarithm of the softmax of every row (N, K)."""
    shifted = scores - scores.max(axis=1, keepdims=True)
    found: Floats = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    return found


def _learned(points: Floats, before: Floats, source: SourceClasses, settings: Settings) -> tuple[Floats, Floats]:
    """Estimate the folder's classes in the space; give the classifier of features (F, K), (K,) between both."""
    probability = np.exp(before)
    weight, bias = np.zeros(source.mean.T.shape), np.zeros(before.shape[1])
    for _ in range(settings.rounds):
        assigned = np.eye(before.shape[1])[probability.argmax(axis=1)]
        mean, covariance = _estimated(points, assigned, source)
        weight = np.asarray(settings.temper * np.linalg.solve(covariance, mean.T), dtype=np.float64)
        bias = -0.5 * (weight * mean.T).sum(axis=0)
        likelihood = np.exp(log_probabilities(points @ weight + bias))
        drawn = np.maximum(likelihood.mean(axis=0), _LEAST_SHARE) ** BALANCE
        bias = bias - np.log(drawn)
        probability = likelihood / drawn
    own = settings.own_weight
    combined: Floats = (1 - own) * source.weight + own * source.projection @ weight
    return combined, (1 - own) * source.bias + own * bias


def _estimated(points: Floats, assigned: Floats, source: SourceClasses) -> tuple[Floats, Floats]:
    """Estimate class means (K, P), drawn to the source's, and the covariance (P, P) within classes."""
    count = assigned.sum(axis=0)[:, None]
    mean = (assigned.T @ points + PRIOR_RECORDINGS * source.mean) / (count + PRIOR_RECORDINGS)
    residual = points - assigned @ mean
    covariance = residual.T @ residual / len(points)
    sphere = np.trace(covariance) / len(covariance) * np.eye(len(covariance))
    return mean, (1 - SHRINKAGE) * covariance + SHRINKAGE * sphere


@dataclass(frozen=True, eq=False)
class Shift:
    """What listening changes of a model: its points and its probabilities of classes.

    Attributes:
        source: From before.
        weight: (F, K), of the classifier after listening.
        bias: (K,).
    """

    source: SourceClasses
    weight: Floats
    bias: Floats

    @classmethod
    def of_tensors(cls, tensors: Mapping[str, Any], classes: tuple[str, ...]) -> Shift | None:
        """Take it from a model's tensors; ``None`` if it has not listened."""
        if f"{LISTENED}weight" not in tensors:
            return None
        weight, bias = (np.asarray(tensors[f"{LISTENED}{part}"], dtype=np.float64) for part in ("weight", "bias"))
        return cls(SourceClasses.of_tensors(tensors, classes), weight.T, bias)

    def moved(self, features: Floats) -> Floats:
        """Give how far the points of standardised features (N, F) move (N, D)."""
        before = probabilities_of(linear_map(features, self.source.weight, self.source.bias))
        after = probabilities_of(linear_map(features, self.weight, self.bias))
        return linear_map(after - before, self.source.place, np.zeros(self.source.place.shape[1]))

    def scores(self, features: Floats, classes: tuple[str, ...]) -> Floats:
        """Give the scores after listening of some classes (N, C), of standardised features (N, F)."""
        some = [self.source.classes.index(name) for name in classes]
        return linear_map(features, self.weight[:, some], self.bias[some])
