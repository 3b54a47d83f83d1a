"""Train every setup on the sources of one target, many models in one stack, and give maps to embed with."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import TypeVar

import numpy as np
import numpy.typing as npt
from setups import Setup
from sklearn.decomposition import PCA
from sklearn.linear_model import Ridge

from affectmap.model.training import TrainedModel, TrainingSettings, TrainingTask, train_stacked
from affectmap.parallel.workers import mapped, n_workers
from affectmap.preparation.prepared_corpus import PreparedCorpus
from affectmap.transfer.recipe import Material, gather, student_task, teacher_tasks
from affectmap.transfer.settings import Recipe, student_settings
from evaluation import Embed, Features, by_card, by_corpus

T = TypeVar("T")
Floats = npt.NDArray[np.float64]


class Maps:
    """All maps of some setups for one target.

    Args:
        sources: Corpora to train on.
        target: The held-out corpus; its recordings are used by setups of the group ``sees target`` alone.
        n_seeds: Models a setup.
        n_jobs: Processes.
    """

    def __init__(self, sources: Sequence[PreparedCorpus], target: PreparedCorpus, n_seeds: int, n_jobs: int) -> None:
        self.sources, self.target, self.n_seeds, self.n_jobs = sources, target, n_seeds, n_jobs
        self._waiting: list[tuple[tuple[object, ...], TrainingTask, TrainingSettings]] = []
        self._models: dict[tuple[object, ...], TrainedModel] = {}

    def of(self, setups: Sequence[Setup]) -> dict[tuple[str, str], list[Embed]]:
        """Train all; give one map a seed for every setup and normalisation of the target (``corpus``, ``speaker``)."""
        found: dict[tuple[str, str], list[Embed]] = {}
        materials = {}
        for setup in setups:
            for normalisation, recipe in _normalisations(setup):
                material = materials[setup, normalisation] = _material(self.sources, self.target, setup, recipe)
                if setup.kind in ("pca", "ridge", "functionals"):
                    found[setup.name, normalisation] = [_simple(setup, material)]
                else:
                    self._plan(setup, normalisation, recipe, material)
        self._train()
        for setup in setups:
            for normalisation, recipe in _normalisations(setup):
                if setup.kind == "network":
                    models = [self._models[setup.name, normalisation, seed, 0] for seed in range(self.n_seeds)]
                    found[setup.name, normalisation] = [partial(_embed, [model], setup.aligned) for model in models]
                elif setup.kind == "mean":
                    groups = [self._teachers(setup, normalisation, recipe, seed) for seed in range(self.n_seeds)]
                    found[setup.name, normalisation] = [partial(_embed, group, setup.aligned) for group in groups]
        for setup in setups:
            if setup.kind == "student":
                for normalisation, recipe in _normalisations(setup):
                    students = self._students(setup, normalisation, recipe, materials[setup, normalisation])
                    found[setup.name, normalisation] = [partial(_embed, [model], "") for model in students]
        for setup in setups:
            normalisations = [normalisation for normalisation, _ in _normalisations(setup)]
            for normalisation in ("corpus", "speaker"):
                if normalisation not in normalisations:
                    found[setup.name, normalisation] = found[setup.name, normalisations[0]]
        return found

    def _plan(self, setup: Setup, normalisation: str, recipe: Recipe, material: Material) -> None:
        if setup.kind == "network":
            for seed, task in enumerate(teacher_tasks(material, recipe, range(self.n_seeds))):
                label = task.label[:, list(setup.labels)] if setup.labels else None
                task = replace(task, label=label)
                self._waiting.append(((setup.name, normalisation, seed, 0), task, recipe.training))
            return
        for seed in range(self.n_seeds):
            seeds = range(1000 * seed, 1000 * seed + recipe.n_teachers)
            for number, task in enumerate(teacher_tasks(material, recipe, seeds)):
                # A mean and a student of the same recipe have the same teachers.
                key = ("teacher", normalisation, seed, number, recipe)
                if key not in self._models and all(key != waiting for waiting, _, _ in self._waiting):
                    self._waiting.append((key, task, recipe.training))

    def _train(self) -> None:
        groups = defaultdict(list)
        for key, task, settings in self._waiting:
            groups[settings, len(task.features)].append((key, task))
        # One stack has too few models to be shared out, so stacks are; those with most steps go first.
        ordered = sorted(groups.items(), key=lambda group: -group[0][0].epochs * group[0][1] * len(group[1]))
        work = [partial(train_stacked, [task for _, task in waiting], settings) for (settings, _), waiting in ordered]
        for (_, waiting), models in zip(ordered, mapped(_called, work, n_jobs=n_workers(self.n_jobs)), strict=True):
            self._models.update(zip((key for key, _ in waiting), models, strict=True))
        self._waiting = []

    def _teachers(self, setup: Setup, normalisation: str, recipe: Recipe, seed: int) -> list[TrainedModel]:
        return [self._models["teacher", normalisation, seed, number, recipe] for number in range(recipe.n_teachers)]

    def _students(self, setup: Setup, normalisation: str, recipe: Recipe, material: Material) -> list[TrainedModel]:
        settings = student_settings(recipe)
        work = [
            partial(_student, material, self._teachers(setup, normalisation, recipe, seed), recipe, seed, settings)
            for seed in range(self.n_seeds)
        ]
        return mapped(_called, work, n_jobs=n_workers(self.n_jobs))


def _student(
    material: Material, teachers: list[TrainedModel], recipe: Recipe, seed: int, settings: TrainingSettings
) -> TrainedModel:
    return train_stacked([student_task(material, [teacher.network for teacher in teachers], recipe, seed)], settings)[0]


def _called(work: Callable[[], T]) -> T:
    return work()


def _normalisations(setup: Setup) -> list[tuple[str, Recipe]]:
    """Give the recipe as it is, which trains on both normalisations at once; other methods once for each."""
    if setup.recipe.standardised == ("corpus",) and setup.group != "change":
        return [("corpus", setup.recipe), ("speaker", replace(setup.recipe, standardised=("speaker",)))]
    return [("corpus", setup.recipe)]


def _material(sources: Sequence[PreparedCorpus], target: PreparedCorpus, setup: Setup, recipe: Recipe) -> Material:
    used = sources if recipe.classes else [each for each in sources if np.isfinite(each.label).any()]
    material = gather(used, recipe)
    if setup.aligned == "coral":
        return material._replace(features=_coral(material, by_corpus(target)))
    if setup.aligned == "unlabelled":
        rows = np.concatenate([by_corpus(target), by_card(target)])
        return material._replace(
            features=np.concatenate([material.features, rows]),
            label=np.concatenate([material.label, np.full((len(rows), 2), np.nan)]),
            emotion=np.concatenate([material.emotion, np.full(len(rows), None, dtype=object)]),
            corpus=np.concatenate([material.corpus, np.full(len(rows), len(used))]),
        )
    return material


def _coral(material: Material, target: Features) -> Features:
    """Give every source corpus the target's correlations, covariances plus unit matrix (Sun, Feng and Saenko 2016)."""
    features = np.empty_like(material.features)
    colour = _power(np.cov(target.T) + np.eye(target.shape[1]), 0.5)
    for number in np.unique(material.corpus):
        rows = material.corpus == number
        own = material.features[rows]
        features[rows] = own @ _power(np.cov(own.T) + np.eye(own.shape[1]), -0.5) @ colour
    return features


def _power(matrix: Floats, exponent: float) -> Floats:
    values, vectors = np.linalg.eigh(matrix)
    return (vectors * values**exponent) @ vectors.T


def _simple(setup: Setup, material: Material) -> Embed:
    if setup.kind == "functionals":
        return _same
    if setup.kind == "pca":
        return PCA(n_components=2, random_state=0).fit(material.features).transform
    known = np.isfinite(material.label).all(axis=1)
    return Ridge(alpha=300.0).fit(material.features[known], material.label[known]).predict


def _same(features: Features) -> Features:
    return features


def _embed(models: Sequence[TrainedModel], aligned: str, features: Features) -> Floats:
    latent = np.mean([model.network.embed(features) for model in models], axis=0, dtype=np.float64)
    return (latent - latent.mean(axis=0)) / latent.std(axis=0) if aligned == "latent" else latent
