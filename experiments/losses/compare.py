"""Train one small encoder with one loss, for every corpus left out and every seed at once, and score it there."""

from __future__ import annotations

import itertools
import math
import time
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd
import torch
from sklearn.preprocessing import StandardScaler
from torch import Tensor, nn

from affectmap.losses import LabelLoss, LinearHeadLoss
from affectmap.model.settings import PAPER
from affectmap.preparation.prepared_corpus import PreparedCorpus
from affectmap.preparation.standardisation import fit_statistics
from affectmap.schema import LABELS
from affectmap.stats.measures import scenarios
from affectmap.stats.metrics import adjusted_r2, uar
from affectmap.stats.scores import linear_svc

Floats = npt.NDArray[np.floating]

N_STEPS, SVC_C = 700, 1.0
BATCH_SIZE, LEARNING_RATE = PAPER.batch_size, PAPER.learning_rate
NOISE_STD, LATENT_DIM = PAPER.noise_std, PAPER.latent_dim


class Fold:
    """One corpus left out: the others to train on, each standardised by itself, and the target likewise.

    Args:
        target: The corpus left out.
        sources: The others.
    """

    def __init__(self, target: PreparedCorpus, sources: Sequence[PreparedCorpus]) -> None:
        self.name = target.name
        self.target, self.target_features = target, _standardised(target)
        self.features = np.concatenate([_standardised(each) for each in sources])
        self.label = np.concatenate([each.label for each in sources])
        self.emotion = np.concatenate([each.emotion for each in sources])

    def scores(self, source: Floats, target: Floats) -> dict[str, float]:
        """Score an embedding of the sources and of the target: R² of its ratings, UAR of classifiers of the sources."""
        found = {
            f"r2_{label}": adjusted_r2(self.target.label[:, i], target).adjusted_r2 for i, label in enumerate(LABELS)
        }
        classes = [str(each) for each in next(iter(scenarios(self.emotion, self.target.emotion).values()))]
        known, asked = np.isin(self.emotion, classes), np.isin(self.target.emotion, classes)
        # A classifier with a penalty sees the scale of the latent, which many losses leave free.
        scale = StandardScaler().fit(source)
        classifier = linear_svc(SVC_C).fit(scale.transform(source[known]), self.emotion[known].astype(str))
        guess = classifier.predict(scale.transform(target[asked]))
        return found | {"uar": uar(self.target.emotion[asked].astype(str), guess)}


def _standardised(corpus: PreparedCorpus) -> npt.NDArray[np.float32]:
    return fit_statistics(corpus.functionals).apply(corpus.functionals)


class EncoderStack(nn.Module):
    """K encoders 88-40-20-10-2 with ReLU between, one weight tensor a layer."""

    def __init__(self, input_dim: int, generators: Sequence[torch.Generator]) -> None:
        super().__init__()
        sizes = (input_dim, *PAPER.hidden_dims, LATENT_DIM)
        self.weights, self.biases = nn.ParameterList(), nn.ParameterList()
        for n_in, n_out in itertools.pairwise(sizes):
            bound = 1 / math.sqrt(n_in)
            drawn = [torch.empty(n_in + 1, n_out).uniform_(-bound, bound, generator=each) for each in generators]
            self.weights.append(torch.stack([each[:-1] for each in drawn]))
            self.biases.append(torch.stack([each[-1:] for each in drawn]))

    def forward(self, features: Tensor) -> Tensor:
        """Map ``(K, N, 88)`` to ``(K, N, 2)``."""
        values = features
        for layer, (weight, bias) in enumerate(zip(self.weights, self.biases, strict=True)):
            values = torch.baddbmm(bias, torch.relu(values) if layer else values, weight)
        return values


def compare(name: str, kind: type[LabelLoss] | None, folds: Sequence[Fold], seeds: Sequence[int]) -> pd.DataFrame:
    """Train a loss on every fold with every seed, and score it; a loss of None leaves the encoder as it was drawn."""
    models = [(fold, seed) for fold in folds for seed in seeds]
    generators = [torch.Generator().manual_seed(seed) for _, seed in models]
    stack = EncoderStack(folds[0].features.shape[1], generators)
    if kind is not None:
        _train(stack, _loss(kind, len(models)), [fold for fold, _ in models], generators)
    rows = []
    with torch.no_grad():
        for k, (fold, seed) in enumerate(models):
            source, target = (
                stack(torch.from_numpy(features).expand(len(models), -1, -1))[k].numpy().astype(np.float64)
                for features in (fold.features, fold.target_features)
            )
            rows.append({"loss": name, "target": fold.name, "seed": seed, **fold.scores(source, target)})
    return pd.DataFrame(rows)


def _loss(kind: type[LabelLoss], n_models: int) -> LabelLoss:
    if kind is LinearHeadLoss:
        head = torch.Generator().manual_seed(0)
        return LinearHeadLoss(LATENT_DIM, len(LABELS), n_models=n_models, generator=head)
    return kind.for_dims(LATENT_DIM, len(LABELS))


def _train(stack: EncoderStack, loss: LabelLoss, folds: Sequence[Fold], generators: Sequence[torch.Generator]) -> None:
    """Move all models as many steps; rows without a rating take no part in the loss, and there is no other term."""
    optimiser = torch.optim.Adam([*stack.parameters(), *loss.parameters()], lr=LEARNING_RATE)
    features = [torch.from_numpy(fold.features) for fold in folds]
    label = [torch.from_numpy(fold.label.astype(np.float32)) for fold in folds]
    order = [_batches(len(each), generator) for each, generator in zip(features, generators, strict=True)]
    for rows in zip(*order, strict=True):
        noise = torch.stack([torch.randn(BATCH_SIZE, features[0].shape[1], generator=each) for each in generators])
        clean = torch.stack([each[chosen] for each, chosen in zip(features, rows, strict=True)])
        latent = stack(clean + NOISE_STD * noise)
        value = loss(latent, torch.stack([each[chosen] for each, chosen in zip(label, rows, strict=True)]))
        optimiser.zero_grad()
        value.sum().backward()
        optimiser.step()


def _batches(n_rows: int, generator: torch.Generator) -> list[Tensor]:
    """Shuffle the rows again and again; what is left of a shuffle below a whole batch is not used."""
    batches: list[Tensor] = []
    while len(batches) < N_STEPS:
        order = torch.randperm(n_rows, generator=generator)
        batches += [part for part in order.split(BATCH_SIZE) if len(part) == BATCH_SIZE]
    return batches[:N_STEPS]


def step_ms(kinds: dict[str, type[LabelLoss]], n_repeats: int = 10, n_rounds: int = 40) -> dict[str, float]:
    """Time losses alone, forward and backward, on one batch: 64 rows, two dimensions, two labels.

    Processor time on one thread. The losses take turns, so that whatever else the machine does falls on all, and the
    best round counts.
    """
    generator = torch.Generator().manual_seed(0)
    latent = torch.randn(BATCH_SIZE, LATENT_DIM, generator=generator).requires_grad_()
    label = torch.randint(2, 11, (BATCH_SIZE, len(LABELS)), generator=generator) / 2
    losses = {name: kind.for_dims(LATENT_DIM, len(LABELS)) for name, kind in kinds.items()}
    best = dict.fromkeys(kinds, math.inf)
    for _ in range(n_rounds):
        for name, loss in losses.items():
            start = time.process_time()
            for _ in range(n_repeats):
                loss(latent, label).backward()
            best[name] = min(best[name], time.process_time() - start)
    return {name: 1000 * seconds / n_repeats for name, seconds in best.items()}
