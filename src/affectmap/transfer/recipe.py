"""The recipe for embeddings of unseen corpora, languages and speakers.

What it adds to the paper's method, each step measured in ``experiments/transfer``:

1. several corpora at once, each standardised by itself, and once more speaker by speaker where that is sound;
2. corpora that have classes and no ratings, labelled by class prototypes; ratings moved halfway towards them;
3. the latent axes pulled onto activation and valence, beside the paper's loss on distances; no reconstruction;
4. few epochs in one cycle of the learning rate;
5. several models, whose mean one network learns (distillation, Hinton et al. 2015), so that it stays as small; with an
   encoder's features these are `affectmap.transfer.soft_prototypes`.

Conventions:
    * The embedding is in rating units from the middle of the scale: (0, 0) is activation 3, valence 3.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict
from typing import Any, NamedTuple, Protocol

import numpy as np
import numpy.typing as npt
import pandas as pd

from affectmap.audit.examination import speaker_sound
from affectmap.errors import ConfigError
from affectmap.model.embedder import Embedder
from affectmap.model.training import TrainingTask, train_stacked
from affectmap.preparation.prepared_corpus import PreparedCorpus
from affectmap.preparation.standardisation import fit_statistics
from affectmap.schema import LABELS, Features, Floats
from affectmap.transfer.prototypes import LEAST, Prototypes
from affectmap.transfer.settings import MOST_TEACHERS, Recipe, student_settings
from affectmap.transfer.soft_prototypes import SoftPrototypes, fit_soft_prototypes

#: Middle of the scale 1..5.
NEUTRAL = 3.0


class Material(NamedTuple):
    """What is trained on.

    Attributes:
        features: Standardised ``(N, F)``; an utterance has a row for every normalisation.
        label: Activation and valence from the middle of the scale ``(N, 2)``, ``NaN`` where unknown.
        emotion: Classes ``(N,)``, ``None`` where unknown.
        corpus: Number of the corpus ``(N,)``.
        prototypes: Prototypes of the rated corpora; ``None`` if none are needed, or none can be had.
    """

    features: Features
    label: Floats
    emotion: npt.NDArray[np.object_]
    corpus: npt.NDArray[np.int64]
    prototypes: Prototypes | None


def gather(corpora: Sequence[PreparedCorpus], recipe: Recipe) -> Material:
    """Standardise and label what the recipe trains on; without reconstruction, only rows that have labels.

    Args:
        corpora: Any number; at least one with ratings. One whose speakers predict its emotions, or are unknown, is
            standardised as a whole only.
        recipe: Which labels and normalisation.

    Raises:
        ConfigError: If no utterance has both ratings, one of them is the same for all, corpora have other features
            than each other, or one has classes alone and no class has a prototype.
    """
    _check_corpora(corpora)
    prototypes = _prototypes(corpora, recipe)
    parts: list[tuple[Features, Floats, npt.NDArray[np.object_], npt.NDArray[np.int64]]] = []
    for number, corpus in enumerate(corpora):
        label = _label(corpus, recipe, prototypes) - NEUTRAL
        kept = np.isfinite(label).all(axis=1) | (recipe.training.reconstruction > 0)
        origin = np.full(int(kept.sum()), number)
        parts += [(each[kept], label[kept], corpus.emotion[kept], origin) for each in standardised(corpus, recipe)]
    features, label, emotion, origin = (np.concatenate(values) for values in zip(*parts, strict=True))
    return Material(features, label, emotion, origin, prototypes)


def _check_corpora(corpora: Sequence[PreparedCorpus]) -> None:
    rated = [each.label[np.isfinite(each.label).all(axis=1)] for each in corpora]
    if not any(len(label) for label in rated):
        raise ConfigError("no utterance has ratings of activation and valence; give the label sheets, or such columns")
    for name, values in zip(LABELS, np.concatenate(rated).T, strict=True):
        if values.min() == values.max():
            of = "+".join(each.name for each in corpora)
            raise ConfigError(f"{of}: {name} is {values[0]:g} for all {len(values)} utterances; give its label sheet")
    for each in corpora[1:]:
        if each.feature_names != corpora[0].feature_names:
            raise ConfigError(f"{each.name} has other features than {corpora[0].name}; measure both in the same way")


def _prototypes(corpora: Sequence[PreparedCorpus], recipe: Recipe) -> Prototypes | None:
    emotions, labels = [each.emotion for each in corpora], [each.label for each in corpora]
    needed = recipe.smoothing > 0 or recipe.classes
    if not needed or not any(pd.notna(emotion).any() for emotion in emotions):
        return None
    try:
        return Prototypes.of(emotions, labels)
    except ConfigError:
        # Ratings do without; classes alone do not.
        if recipe.classes and not all(np.isfinite(label).all(axis=1).any() for label in labels):
            raise
        return None


def standardised(corpus: PreparedCorpus, recipe: Recipe) -> list[Features]:
    """Standardise a corpus by every normalisation that the recipe asks for and the corpus allows."""
    found = []
    by_speaker = "speaker" in recipe.standardised and speaker_sound(corpus)
    if "corpus" in recipe.standardised or not by_speaker:
        found.append(fit_statistics(corpus.functionals).apply(corpus.functionals))
    if by_speaker:
        found.append(corpus.standardised_by_speaker)
    return found


def _label(corpus: PreparedCorpus, recipe: Recipe, prototypes: Prototypes | None) -> Floats:
    if prototypes is None:
        return corpus.label
    own, rated = corpus.label, np.isfinite(corpus.label).all(axis=1, keepdims=True)
    label = prototypes.smoothed(own, corpus.emotion, recipe.smoothing)
    if not recipe.classes:
        return np.where(rated, label, np.nan)
    if recipe.drawn:
        drawn = prototypes.drawn_label(corpus.emotion, np.random.default_rng(len(own)))
        return np.where(rated, label, drawn)
    return label


def teacher_tasks(material: Material, recipe: Recipe, seeds: Sequence[int]) -> list[TrainingTask]:
    """Give the tasks of the teachers, one a seed, for `affectmap.model.training.train_stacked`."""
    return [
        TrainingTask(material.features, material.label, recipe.weight, seed, group=material.corpus) for seed in seeds
    ]


class Map(Protocol):
    """What places standardised features ``(N, F)`` on the plane ``(N, 2)``."""

    def embed(self, features: Features, /) -> Features:
        """Give the places."""


def soft_prototypes(material: Material, recipe: Recipe, seed: int) -> SoftPrototypes:
    """Learn soft prototypes (`fit_soft_prototypes`) of what was gathered.

    Raises:
        ConfigError: If no class has a prototype.
    """
    if material.prototypes is None:
        raise ConfigError(
            f"soft prototypes need a class of emotion with {LEAST} rated utterances or more in a corpus, and there is "
            "none; give one, or --recipe paper"
        )
    place = material.prototypes.table[list(LABELS)] - NEUTRAL
    return fit_soft_prototypes(
        material.features,
        material.label,
        material.emotion,
        material.corpus,
        {str(name): (activation, valence) for name, activation, valence in place.itertuples()},
        recipe.training,
        weight=recipe.weight,
        seed=seed,
    )


def student_task(material: Material, teachers: Sequence[Map], recipe: Recipe, seed: int) -> TrainingTask:
    """Give the task of the network that learns the teachers' mean, on the training rows and noisy copies of them.

    The copies have the recipe's noise, which training (`student_settings`) then has not.
    """
    rng, clean = np.random.default_rng(seed), material.features
    noise = recipe.training.noise_std
    copies = [clean]
    for _ in range(recipe.n_copies - 1):
        copies.append(clean + noise * rng.standard_normal(clean.shape, dtype=np.float32))
    rows = np.concatenate(copies)
    label = np.stack([teacher.embed(rows) for teacher in teachers]).mean(axis=0, dtype=np.float64)
    return TrainingTask(rows, label, 1.0, seed)


def _no_bar(label: str) -> AbstractContextManager[Callable[[int, int], None]]:
    return nullcontext(lambda done, total: None)


def fit_transfer(
    corpora: Sequence[PreparedCorpus],
    recipe: Recipe | None = None,
    *,
    seed: int = 0,
    device: str = "cpu",
    n_jobs: int = 1,
    notify: Callable[[str], None] = lambda line: None,
    progress: Callable[[str], AbstractContextManager[Callable[[int, int], None]]] = _no_bar,
) -> Embedder:
    """Train an embedder for unseen corpora.

    Args:
        corpora: What to train on, at least one with ratings of activation and valence.
        recipe: Its settings.
        seed: Seed of all draws.
        device: ``cpu`` or ``cuda``.
        n_jobs: Processes for the teachers.
        notify: Takes one line for people at a time.
        progress: Given a label, gives a context whose function takes the numbers done and in total.

    Returns:
        An embedder; its statistics are those of all corpora together, so adapt it to the recordings it is used on. Its
        first two axes are activation and valence from the middle of the scale. ``recipe_`` says how it was made.

    Raises:
        ConfigError: If corpora cannot be trained on together (`gather`), or settings do not fit.

    Example:
        >>> from dataclasses import replace
        >>> rated = replace(pets, table=pets.table.assign(valence=[1.0, 2.0, 3.0, 4.0]))
        >>> fit_transfer([rated], Recipe(n_teachers=2)).label_names_
        ['activation', 'valence']
    """
    recipe = recipe or Recipe()
    material = gather(corpora, recipe)
    for line in described(corpora, recipe, material.prototypes):
        notify(line)
    # Seeds of teachers are far from those of other runs, or two runs would share some.
    first = MOST_TEACHERS * seed
    seeds = range(first, first + recipe.n_teachers)
    settings, weight, teachers = recipe.training, recipe.weight, list[Map]()
    if recipe.teacher == "soft-prototypes":
        teachers += [soft_prototypes(material, recipe, each) for each in seeds]
    else:
        tasks = teacher_tasks(material, recipe, seeds)
        with progress("training, epochs of all models") as report:
            models = train_stacked(tasks, settings, device=device, n_jobs=n_jobs, progress=report)
        teachers += [model.network for model in models]
    if recipe.is_distilled:
        settings, weight = student_settings(recipe), 1.0
        with progress("training the network that learns from them, epochs") as report:
            student = [student_task(material, teachers, recipe, seed)]
            models = train_stacked(student, settings, device=device, progress=report)
    return Embedder.of_trained(
        models[0],
        fit_statistics(np.concatenate([each.functionals for each in corpora])),
        list(corpora[0].feature_names),
        list(LABELS),
        settings,
        recipe=recorded(corpora, recipe, material.prototypes),
        weight=weight,
        random_state=seed,
        device=device,
    )


def described(corpora: Sequence[PreparedCorpus], recipe: Recipe, prototypes: Prototypes | None) -> list[str]:
    """Say what takes part in training, a line a corpus, what the prototypes are, and what is trained."""
    lines = []
    for corpus in corpora:
        n_rated, n_by_class = n_labelled(corpus, recipe, prototypes)
        by_speaker = "speaker" in recipe.standardised and speaker_sound(corpus)
        how = " and speaker by speaker" if by_speaker and "corpus" in recipe.standardised else ""
        how = "speaker by speaker" if by_speaker and not how else f"as a whole{how}"
        left = len(corpus.table) - n_rated - n_by_class
        lines.append(
            f"{corpus.name}: {n_rated} rated, {n_by_class} labelled by class, {left} without; standardised {how}"
        )
    if prototypes is not None:
        means = prototypes.table[list(LABELS)].itertuples()
        means_by_class = ", ".join(f"{name} {activation:.1f}/{valence:.1f}" for name, activation, valence in means)
        lines.append(f"prototypes (activation/valence): {means_by_class}")
    n = f"{recipe.n_teachers} teachers" if recipe.n_teachers > 1 else "one teacher"
    kind = " (soft prototypes)" if recipe.teacher == "soft-prototypes" else ""
    then = f"training {n}{kind}, then the network that learns their mean"
    lines.append(then if recipe.is_distilled else "training one model")
    return lines


def n_labelled(corpus: PreparedCorpus, recipe: Recipe, prototypes: Prototypes | None) -> tuple[int, int]:
    """Count the utterances that have both ratings, and those that only their class labels."""
    rated = np.isfinite(corpus.label).all(axis=1)
    if prototypes is None or not recipe.classes:
        return int(rated.sum()), 0
    return int(rated.sum()), int((np.isfinite(prototypes.label(corpus.emotion)).all(axis=1) & ~rated).sum())


def recorded(corpora: Sequence[PreparedCorpus], recipe: Recipe, prototypes: Prototypes | None) -> dict[str, Any]:
    """Give the recipe as JSON has it: sources with utterances rated and labelled by class, settings, prototypes."""
    sources = {}
    for corpus in corpora:
        n_rated, n_by_class = n_labelled(corpus, recipe, prototypes)
        sources[corpus.name] = {"rated": n_rated, "by_class": n_by_class}
    settings = asdict(recipe)
    settings["standardised"] = list(recipe.standardised)
    settings["training"]["hidden_dims"] = list(recipe.training.hidden_dims)
    table: dict[str, dict[str, float | int | None]] | None = None
    if prototypes is not None:
        columns = {name: values.tolist() for name, values in prototypes.table.items()}  # to Python's own numbers
        table = {str(name): {} for name in prototypes.table.index}
        for column, values in columns.items():
            for row, value in zip(table.values(), values, strict=True):
                row[str(column)] = None if value != value else value
    return {"name": "transfer", "sources": sources, "settings": settings, "prototypes": table}
