"""Train a setup on some corpora; give maps of standardised features, one a seed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

import numpy as np
from setups import ALL, FUNCTIONALS, MEANS, Setup
from sklearn.decomposition import PCA
from sklearn.linear_model import Ridge

from affectmap.model.training import TrainingTask, train_stacked
from affectmap.preparation.prepared_corpus import PreparedCorpus
from affectmap.schema import FUNCTIONALS as NAMES_OF_88
from affectmap.schema import Features, Floats, Mask
from affectmap.transfer.recipe import Map, Material, gather, soft_prototypes, student_task, teacher_tasks
from affectmap.transfer.settings import Recipe, student_settings
from evaluation import Embed


def maps_of(setup: Setup, sources: Sequence[PreparedCorpus], n_seeds: int) -> list[Embed]:
    """Give a map a seed; each takes all features."""
    used = _used(setup.inputs, sources[0])
    recipe = setup.recipe
    corpora = sources if recipe.classes else [each for each in sources if np.isfinite(each.label).any()]
    material = gather(corpora, recipe)
    shown = material._replace(features=material.features[:, used])
    if setup.kind == "features":
        return [partial(_of, np.asarray, used)]
    if setup.kind == "pca":
        return [partial(_of, PCA(2, random_state=0).fit(shown.features).transform, used)]
    if setup.kind == "ridge":
        return [partial(_of, _line(shown, setup.penalty), used)]
    seeds = range(n_seeds if setup.n_seeds is None else min(n_seeds, setup.n_seeds))
    if setup.kind == "network":
        models = train_stacked(teacher_tasks(shown, recipe, seeds), recipe.training)
        return [partial(_of, model.network.embed, used) for model in models]
    found: list[Embed] = []
    for seed in seeds:
        teachers: list[Map] = [soft_prototypes(shown, recipe, 1000 * seed + i) for i in range(recipe.n_teachers)]
        if setup.kind == "listener":
            used = _used(FUNCTIONALS, sources[0])
            found.append(partial(_of, _listener(sources, teachers[0], used, seed), used))
        elif setup.kind == "student":
            task = student_task(shown, teachers, recipe, seed)
            found.append(partial(_of, train_stacked([task], student_settings(recipe))[0].network.embed, used))
        else:
            embed: Embed = teachers[0].embed
            if setup.kind == "sum":
                embed = partial(_sum, embed, _line(shown, setup.penalty), shown.features)
            found.append(partial(_of, embed, used))
    return found


def _used(inputs: str, corpus: PreparedCorpus) -> Mask:
    functionals = np.array([name in NAMES_OF_88 for name in corpus.feature_names])
    return {ALL: np.ones_like(functionals), MEANS: ~functionals, FUNCTIONALS: functionals}[inputs]


def _of(embed: Embed, used: Mask, features: Features) -> Floats:
    return np.asarray(embed(np.ascontiguousarray(features[:, used])), dtype=np.float64)


def _sum(embed: Embed, line: Embed, rows: Features, features: Features) -> Floats:
    """Average the two, each divided by its spread on the training rows."""
    values = [(each(features), each(rows).std(axis=0)) for each in (embed, line)]
    return np.mean([value / spread for value, spread in values], axis=0)


def _line(material: Material, penalty: float) -> Embed:
    """Fit the line to both ratings; every corpus weighs the same."""
    counts = np.bincount(material.corpus)
    share = len(material.corpus) / (np.count_nonzero(counts) * counts[material.corpus])
    predict: Embed = Ridge(alpha=penalty).fit(material.features, material.label, sample_weight=share).predict
    return predict


def _listener(sources: Sequence[PreparedCorpus], teacher: Map, used: Mask, seed: int) -> Embed:
    """Let a network with the functionals alone learn what the teacher says of all recordings, labelled or not."""
    recipe = replace(Recipe(), training=replace(Recipe().training, reconstruction=1.0))  # keeps rows without labels
    features = gather(sources, recipe).features
    rng, label, clean = np.random.default_rng(seed), teacher.embed(features), features[:, used]
    rows = [clean] + [
        clean + recipe.training.noise_std * rng.standard_normal(clean.shape, dtype=np.float32)
        for _ in range(recipe.n_copies - 1)
    ]
    task = TrainingTask(np.concatenate(rows), np.concatenate([label] * recipe.n_copies), 1.0, seed)
    return train_stacked([task], student_settings(Recipe()))[0].network.embed
