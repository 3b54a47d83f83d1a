"""Soft prototypes: places of classes on the map, mixed by the probabilities of the classes.

A line that is fitted to ratings and prototypes spends its two directions on all utterances alike. Here every class has
a direction of its own among the features, and two dimensions come last: the classes' places, weighted by how probable
each class is. What lies between classes is then placed between them, and what is clearly of one class stays there.

Conventions:
    * Places are in rating units from the middle of the scale, as the labels of `affectmap.transfer.recipe.Material`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from affectmap.errors import ConfigError
from affectmap.model.settings import TrainingSettings
from affectmap.model.training.loop import metric_values, one_cycle, one_thread
from affectmap.schema import Features, Floats, Objects


@dataclass(frozen=True, eq=False)
class SoftPrototypes:
    r"""A map whose places are mixtures of classes.

    .. math:: z = \sum_c p_c \, m_c \quad \text{with} \quad p = \mathrm{softmax}(x W + b)

    where x are standardised features, p the probabilities of the classes and m their places.

    Attributes:
        classes: Names of the C classes.
        weight: W, ``(F, C)``.
        bias: b, ``(C,)``.
        place: m, ``(C, 2)``.

    Example:
        >>> weight, place = np.array([[-1.0, 1.0]]), np.array([[-1.0, 0.0], [1.0, 0.0]])
        >>> two = SoftPrototypes(("sad", "happy"), weight, np.zeros(2), place)
        >>> two.embed(np.array([[0.0], [9.0]], dtype=np.float32)).round(2).tolist()
        [[0.0, 0.0], [1.0, 0.0]]
    """

    classes: tuple[str, ...]
    weight: npt.NDArray[np.floating]
    bias: npt.NDArray[np.floating]
    place: npt.NDArray[np.floating]

    def probabilities(self, features: Features) -> Floats:
        """Give the probabilities of the classes ``(N, C)`` for standardised features ``(N, F)``."""
        scores = (features @ self.weight + self.bias).astype(np.float64)
        exponential = np.exp(scores - scores.max(axis=1, keepdims=True))
        probabilities: Floats = exponential / exponential.sum(axis=1, keepdims=True)
        return probabilities

    def embed(self, features: Features) -> Features:
        """Map standardised features ``(N, F)`` to the plane ``(N, 2)``."""
        embedding: Features = (self.probabilities(features) @ self.place).astype(np.float32)
        return embedding


def fit_soft_prototypes(
    features: Features,
    label: Floats,
    emotion: Objects,
    corpus: npt.NDArray[np.int64],
    places: dict[str, tuple[float, float]],
    settings: TrainingSettings,
    *,
    weight: float = 1.0,
    seed: int = 0,
) -> SoftPrototypes:
    r"""Learn soft prototypes.

    .. math:: L = -\log p_{c} + \lambda L_{metric}(z)

    where c is the class of an utterance (without one, only its ratings count) and the second term the losses of the
    settings on the plane. Every corpus is drawn equally often, and so are the classes within a corpus: otherwise a
    large one decides. The noise on the features is what keeps the many weights small.

    Source: prototypes as in Snell, Swersky and Zemel 2017, with places and directions learned apart.

    Args:
        features: Standardised ``(N, F)``.
        label: Activation and valence from the middle of the scale ``(N, 2)``, ``NaN`` where unknown.
        emotion: Classes ``(N,)``, ``None`` where unknown.
        corpus: Number of the corpus ``(N,)``.
        places: Classes, and where their places start: the prototypes.
        settings: Losses on the plane, noise, epochs, batch size, learning rate and schedule.
        weight: λ.
        seed: Seed of draws and noise.

    Returns:
        The map.

    Raises:
        ConfigError: If fewer than two of the classes occur.

    Example:
        >>> rng = np.random.default_rng(0)
        >>> emotion = np.array(["sad", "happy"] * 50, dtype=object)
        >>> label = np.where(emotion[:, None] == "sad", -1.0, 1.0).repeat(2, axis=1)
        >>> features = (label + 0.1 * rng.normal(size=label.shape)).astype(np.float32)
        >>> places = {"sad": (-1.0, -1.0), "happy": (1.0, 1.0)}
        >>> settings = TrainingSettings(losses="axis", reconstruction=0.0, learning_rate=0.1)
        >>> two = fit_soft_prototypes(features, label, emotion, np.zeros(100, dtype=np.int64), places, settings)
        >>> bool((np.sign(two.embed(features)) == np.sign(label)).all())
        True
    """
    classes = tuple(places)
    index = np.array([classes.index(name) if name in places else -1 for name in emotion])
    if len(np.unique(index[index >= 0])) < 2:
        raise ConfigError(f"soft prototypes of {len(features)} utterances need two classes or more; give such corpora")
    generator = torch.Generator().manual_seed(seed)
    share = torch.as_tensor(_shares(index, corpus))
    clean, rating = torch.as_tensor(features), torch.as_tensor(label, dtype=torch.float32)
    known, number = torch.as_tensor(np.isfinite(label).all(axis=1)), torch.as_tensor(index)
    directions = torch.zeros(features.shape[1], len(classes), requires_grad=True)
    bias = torch.zeros(len(classes), requires_grad=True)
    place = torch.tensor([places[name] for name in classes], dtype=torch.float32, requires_grad=True)
    optimiser = torch.optim.Adam([directions, bias, place], lr=settings.learning_rate, fused=True)
    n_steps = settings.epochs * math.ceil(len(features) / settings.batch_size)
    schedule = one_cycle(optimiser, n_steps, settings)
    with one_thread():
        for _ in range(n_steps):
            rows = torch.multinomial(share, settings.batch_size, replacement=True, generator=generator)
            noise = torch.randn(len(rows), features.shape[1], generator=generator)
            scores = (clean[rows] + settings.noise_std * noise) @ directions + bias
            log_probability = scores.log_softmax(dim=1)
            loss = _class_loss(log_probability, number[rows])
            latent, present = log_probability.exp() @ place, known[rows].float()
            metric = metric_values(latent[None], rating[rows].nan_to_num()[None], present[None], settings.loss_names)
            optimiser.zero_grad()
            torch.autograd.backward(loss + weight * metric.value.sum())
            optimiser.step()
            if schedule is not None:
                schedule.step()
    return SoftPrototypes(classes, *(values.detach().numpy() for values in (directions, bias, place)))


def _shares(index: npt.NDArray[np.int64], corpus: npt.NDArray[np.int64]) -> Floats:
    """Give every row its share of the draws: the corpora's are equal, within each the classes'."""
    share = np.zeros(len(index))
    for one in np.unique(corpus):
        found = np.unique(index[corpus == one])
        for name in found:
            rows = (corpus == one) & (index == name)
            share[rows] = 1 / (rows.sum() * len(found))
    return share


def _class_loss(log_probability: Tensor, number: Tensor) -> Tensor:
    """Average −log p of the rows' own classes, over rows that have one."""
    has_class = number >= 0
    own = log_probability.gather(1, number.clamp(min=0)[:, None])[:, 0]
    return -(own * has_class).sum() / has_class.sum().clamp(min=1)
