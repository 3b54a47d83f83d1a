"""Methods that adapt to unlabelled recordings with what a model folder holds: no source recording is needed.

Conventions:
    * A method is given a fold and the held-out folder's standardised features ``(N, F)``, and gives log-probabilities
      of the fold's K classes and places on the map, from the middle of the scale.
    * Settings are those of the publications named, or untuned guesses where there are none. Nothing was chosen on the
      corpora that are reported.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import NamedTuple

import numpy as np
import torch
from folds import Classes, Fold
from sklearn.neighbors import kneighbors_graph

from affectmap.model.listening import SourceClasses, listen, log_probabilities
from affectmap.model.training import TrainedModel, TrainingTask, train_stacked
from affectmap.schema import Features, Floats, Rows
from affectmap.transfer.settings import TEACHER


class Outcome(NamedTuple):
    """Log-probabilities of the classes ``(N, K)``, and places on the map ``(N, 2)``."""

    log_probability: Floats
    embedding: Floats


Method = Callable[[Fold, Features], Outcome]

#: EM: utterances that the sources' class means count as; share of a sphere in the covariance; factor on
#: log-likelihoods; power of the pull to equal classes; rounds.
PRIOR, SPHERE, TEMPER, BALANCE, ROUNDS = 20.0, 0.3, 0.3, 0.5, 15
#: Label propagation (Zhou et al. 2004), with scikit-learn's defaults: share that comes from neighbours, and how many.
PROPAGATED, N_NEIGHBOURS = 0.2, 7
#: Prototypes (T3A, Iwasawa and Matsuo 2021): utterances that support a class.
N_SUPPORTS = 20
#: Co-training: share of each class that an ear hands to the other, and rounds.
CONFIDENT, CO_ROUNDS = 0.5, 10
#: TENT (Wang et al. 2021): Adam, one pass.
TENT_RATE, BATCH_SIZE = 1e-3, 64
#: SHOT (Liang et al. 2020): SGD, weight of pseudo-labels, passes.
SHOT_RATE, SHOT_WEIGHT, SHOT_EPOCHS = 1e-2, 0.3, 15
#: Self-training: a network of the package's recipe, with the reconstruction.
SELF_TRAINING = replace(TEACHER, reconstruction=1.0)
#: Points of the scale within which an utterance is taken for a class on the map.
NEAR = 0.5


def mixed(classes: Classes, log_probability: Floats) -> Outcome:
    """Place utterances between the classes' places, as their probabilities say."""
    return Outcome(log_probability, np.exp(log_probability) @ classes.place)


def on_map(classes: Classes, embedding: Floats) -> Outcome:
    """Take the classes from places on the map: the nearer the class's place, the likelier."""
    squares = ((embedding[:, None] - classes.place) ** 2).sum(axis=2)
    return Outcome(log_probabilities(-squares / (2 * NEAR**2)), embedding)


def statistics_only(fold: Fold, z: Features) -> Outcome:
    """Adapt nothing but mean and standard deviation, which `z` has."""
    return mixed(fold.classes, fold.classes.log_probability(z))


def listening(fold: Fold, z: Features) -> Outcome:
    """Listen as models of the package do: a few rounds of EM, averaged with the start, and only where both agree."""
    known, used = fold.classes, z[:, fold.classes.columns].astype(np.float64)
    source = SourceClasses(known.names, known.weight, known.bias, known.place, known.basis, known.centre)
    listened = listen(used, source)
    return mixed(known, log_probabilities(used @ listened.weight + listened.bias))


def read_off_map(fold: Fold, z: Features) -> Outcome:
    """Take the classes from the places: what a map of two dimensions keeps of the classes."""
    return on_map(fold.classes, statistics_only(fold, z).embedding)


def shared_covariance(fold: Fold, z: Features) -> Outcome:
    """Run EM of class means and a shared covariance, from the start's classes."""
    return mixed(fold.classes, _em(fold.classes, z))


def em_and_start(fold: Fold, z: Features) -> Outcome:
    """Average the log-probabilities of EM and of the start."""
    both = (_em(fold.classes, z) + fold.classes.log_probability(z)) / 2
    return mixed(fold.classes, log_probabilities(both))


def _em(classes: Classes, z: Features) -> Floats:
    rows, probability = classes.rows(z), np.exp(classes.log_probability(z))
    for _ in range(ROUNDS):
        hard = np.eye(probability.shape[1])[probability.argmax(axis=1)]
        likely = np.exp(log_probabilities(TEMPER * gaussian_scores(rows, hard, classes.centre)))
        likely /= np.maximum(likely.mean(axis=0), 1e-3) ** BALANCE
        probability = likely / likely.sum(axis=1, keepdims=True)
    found: Floats = np.log(np.maximum(probability, 1e-12))
    return log_probabilities(found)


def gaussian_scores(rows: Floats, share: Floats, centre: Floats) -> Floats:
    """Give log-likelihoods ``(N, K)``, up to a constant a row, of classes that utterances belong to by shares.

    Args:
        rows: ``(N, D)``.
        share: How much each utterance counts for each class, ``(N, K)``.
        centre: The sources' class means ``(K, D)``, which count as `PRIOR` utterances.
    """
    n = share.sum(axis=0)[:, None]
    mean = (share.T @ rows + PRIOR * centre) / (n + PRIOR)
    covariance = np.zeros((rows.shape[1], rows.shape[1]))
    for k in range(len(mean)):
        off = rows - mean[k]
        covariance += (off * share[:, [k]]).T @ off
    covariance /= n.sum()
    sphere = np.trace(covariance) / len(covariance) * np.eye(len(covariance))
    precision = np.linalg.inv((1 - SPHERE) * covariance + SPHERE * sphere)
    return rows @ precision @ mean.T - 0.5 * np.einsum("kd,de,ke->k", mean, precision, mean)


def nearest_mean(fold: Fold, z: Features) -> Outcome:
    """Give each utterance the nearest of the means that the start's classes have in the folder."""
    rows, share = fold.classes.rows(z), np.exp(fold.classes.log_probability(z))
    mean = (share / share.sum(axis=0)).T @ rows
    return mixed(fold.classes, log_probabilities(rows @ mean.T - 0.5 * (mean**2).sum(axis=1)))


def pulled_prototypes(fold: Fold, z: Features) -> Outcome:
    """Replace each class's direction by the mean of it and of its surest utterances (T3A).

    All have unit length there; the length of the start's directions is given back, so that probabilities stay such.
    """
    classes, start = fold.classes, fold.classes.log_probability(z)
    used = z[:, classes.columns].astype(np.float64)
    unit = used / np.maximum(np.linalg.norm(used, axis=1, keepdims=True), 1e-12)
    length = np.linalg.norm(classes.weight, axis=0)
    entropy, guess = -(np.exp(start) * start).sum(axis=1), start.argmax(axis=1)
    pulled = np.empty_like(classes.weight)
    for k in range(len(length)):
        own = np.flatnonzero(guess == k)
        surest = own[np.argsort(entropy[own], kind="stable")[:N_SUPPORTS]]
        mean = np.vstack([classes.weight[:, k] / length[k], unit[surest]]).mean(axis=0)
        pulled[:, k] = mean / np.linalg.norm(mean)
    return mixed(classes, log_probabilities(used @ pulled * length.mean()))


def propagated(fold: Fold, z: Features) -> Outcome:
    """Spread the start's probabilities over a graph of nearest neighbours within the folder."""
    rows, start = fold.classes.rows(z), np.exp(fold.classes.log_probability(z))
    unit = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    graph = kneighbors_graph(unit, min(N_NEIGHBOURS, len(unit) - 1), mode="connectivity").toarray()
    similar = np.maximum(graph, graph.T)
    degree = np.sqrt(np.maximum(similar.sum(axis=1), 1e-12))
    system = np.eye(len(rows)) - PROPAGATED * similar / np.outer(degree, degree)
    # Classes of equal weight: spreading favours those that the start has more of.
    spread = np.maximum(np.linalg.solve(system, start / start.sum(axis=0)), 1e-12)
    return mixed(fold.classes, np.log(spread / spread.sum(axis=1, keepdims=True)))


def two_ears(fold: Fold, z: Features) -> Outcome:
    """Average the log-probabilities of the encoder's means and of the functionals, each with classes of its own."""
    return _both(fold, [view.log_probability(z) for view in fold.views])


def co_trained(fold: Fold, z: Features) -> Outcome:
    """Let each ear learn from what the other is surest of, in turns (Blum and Mitchell 1998)."""
    found = [view.log_probability(z) for view in fold.views]
    for _ in range(CO_ROUNDS):
        shares = [_surest(each) for each in found]
        found = [
            log_probabilities(TEMPER * gaussian_scores(view.rows(z), share, view.centre))
            for view, share in zip(fold.views, reversed(shares), strict=True)
        ]
    return _both(fold, found)


def _both(fold: Fold, found: list[Floats]) -> Outcome:
    return mixed(fold.classes, log_probabilities(np.mean(found, axis=0)))


def _surest(log_probability: Floats) -> Floats:
    """Give shares ``(N, K)``: 1 for the surest part of each class."""
    guess, share = log_probability.argmax(axis=1), np.zeros_like(log_probability)
    for k in range(share.shape[1]):
        own: Rows = np.flatnonzero(guess == k)
        n = int(np.ceil(CONFIDENT * len(own)))
        share[own[np.argsort(-log_probability[own, k], kind="stable")[:n]], k] = 1.0
    return share


def tent(fold: Fold, z: Features) -> Outcome:
    """Learn a scale and a shift of every feature, by less entropy (TENT)."""
    used, head = _tensors(fold.classes, z)
    scale, shift = torch.ones(used.shape[1], requires_grad=True), torch.zeros(used.shape[1], requires_grad=True)
    optimiser = torch.optim.Adam([scale, shift], lr=TENT_RATE)
    for rows in torch.randperm(len(used), generator=torch.Generator().manual_seed(0)).split(BATCH_SIZE):
        loss = _entropy(head(used[rows] * scale + shift)).mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    with torch.no_grad():
        return mixed(fold.classes, log_probabilities(head(used * scale + shift).numpy().astype(np.float64)))


def shot(fold: Fold, z: Features) -> Outcome:
    """Learn a linear map before the head, by less entropy, equal classes and pseudo-labels of class centres (SHOT)."""
    used, head = _tensors(fold.classes, z)
    extractor = torch.nn.Linear(used.shape[1], used.shape[1])
    with torch.no_grad():
        extractor.weight.copy_(torch.eye(used.shape[1]))
        extractor.bias.zero_()
    settings = {"lr": SHOT_RATE, "momentum": 0.9, "weight_decay": 1e-3, "nesterov": True}
    optimiser = torch.optim.SGD(extractor.parameters(), **settings)
    generator, n_steps, step = torch.Generator().manual_seed(0), SHOT_EPOCHS * -(-len(used) // BATCH_SIZE), 0
    for _ in range(SHOT_EPOCHS):
        with torch.no_grad():
            shown = extractor(used)
            label = _centre_labels(shown, head(shown).softmax(dim=1))
        for rows in torch.randperm(len(used), generator=generator).split(BATCH_SIZE):
            optimiser.param_groups[0]["lr"] = SHOT_RATE * (1 + 10 * step / n_steps) ** -0.75
            scores = head(extractor(used[rows]))
            mean = scores.softmax(dim=1).mean(dim=0)
            loss = _entropy(scores).mean() + (mean * torch.log(mean + 1e-5)).sum()
            loss = loss + SHOT_WEIGHT * torch.nn.functional.cross_entropy(scores, label[rows])
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            step += 1
    with torch.no_grad():
        return mixed(fold.classes, log_probabilities(head(extractor(used)).numpy().astype(np.float64)))


def _tensors(classes: Classes, z: Features) -> tuple[torch.Tensor, Callable[[torch.Tensor], torch.Tensor]]:
    """Give the features, and the start's head as it stays."""
    weight, bias = (torch.as_tensor(values, dtype=torch.float32) for values in (classes.weight, classes.bias))
    return torch.as_tensor(z[:, classes.columns], dtype=torch.float32), lambda rows: rows @ weight + bias


def _entropy(scores: torch.Tensor) -> torch.Tensor:
    found = scores.log_softmax(dim=1)
    return -(found.exp() * found).sum(dim=1)


def _centre_labels(rows: torch.Tensor, probability: torch.Tensor) -> torch.Tensor:
    """Give the class whose centre has the smallest angle, after one round of centres of these very classes."""
    unit = torch.nn.functional.normalize(torch.cat([rows, torch.ones(len(rows), 1)], dim=1))
    share, present = probability, probability.argmax(dim=1).bincount(minlength=probability.shape[1]) > 0
    for _ in range(2):
        centre = torch.nn.functional.normalize(share.T @ unit)
        similar = (unit @ centre.T).masked_fill(~present, -2.0)
        label = similar.argmax(dim=1)
        share = torch.nn.functional.one_hot(label, probability.shape[1]).float()
    return label


def self_trained(fold: Fold, z: Features) -> Outcome:
    """Train a metric map on the folder alone: the start's places as ratings, and a reconstruction of all utterances."""
    model = train_map(*_pseudo_rated(fold, z))
    return on_map(fold.classes, model.network.embed(z).astype(np.float64))


def train_map(features: Features, label: Floats) -> TrainedModel:
    """Train the network on ratings from the middle of the scale, ``NaN`` where only the features count."""
    return train_stacked([TrainingTask(features, label, 1.0, 0)], SELF_TRAINING)[0]


def _pseudo_rated(fold: Fold, z: Features) -> tuple[Features, Floats]:
    """Give all utterances without a rating, and as many draws with the start's place, the sure ones more often."""
    start, place = statistics_only(fold, z)
    sure = 1 + (np.exp(start) * start).sum(axis=1) / np.log(start.shape[1])
    drawn = np.random.default_rng(0).choice(len(z), size=len(z), p=sure / sure.sum())
    return np.concatenate([z, z[drawn]]), np.concatenate([np.full_like(place, np.nan), place[drawn]])


def self_trained_with_sources(fold: Fold, z: Features) -> Outcome:
    """Train the metric map of `self_trained` on the sources' labelled utterances besides."""
    features, label = _pseudo_rated(fold, z)
    source = fold.source
    model = train_map(np.concatenate([source.features, features]), np.concatenate([source.label, label]))
    return on_map(fold.classes, model.network.embed(z).astype(np.float64))
