"""Read the corpora and train, for every held-out one, what adaptation without labels starts from.

Sources are the other six of EMO-DB, URDU, AESDD, RAVDESS, EMOVO, TurEV-DB and CASIA. An *ear* is a set of features:
``whisper`` (512 means of an encoder's layer, then 88 functionals) or ``egemaps`` (the 88 alone). Of the held-out corpus
nothing is used but its features; every method gets the same fold.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

import numpy as np

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / name) for name in ("transfer", "whisper-model", "shipped-model")]

from encoder_material import read_table  # noqa: E402

from affectmap.corpora import load_corpus  # noqa: E402
from affectmap.model.listening import log_probabilities  # noqa: E402
from affectmap.preparation.prepared_corpus import PreparedCorpus, prepare  # noqa: E402
from affectmap.schema import FOUR_CLASSES, WHISPER, Features, Floats, Mask, Objects, Rows  # noqa: E402
from affectmap.schema import FUNCTIONALS as NAMES_OF_88  # noqa: E402
from affectmap.transfer.recipe import Material, gather  # noqa: E402
from affectmap.transfer.settings import ENCODER_RECIPE  # noqa: E402
from affectmap.transfer.source_classes import classes_of  # noqa: E402
from evaluation import CLASSED, RATED, UNSEEN, by_card, by_corpus  # noqa: E402

EARS = (WHISPER, "egemaps")
CORPORA = (*RATED, *CLASSED, *UNSEEN)
#: A corpus whose words are too short for the start to be of use; folds are also trained without it.
APART = "turev-db"
N_SEEDS = 3
#: Source utterances that methods see that need the sources' recordings.
N_SOURCE_ROWS = 1000
#: Folders: as it is, its classes unknown; and cut to the four classes, which the methods know.
WHOLE, FOUR = "whole", "four"
#: Whose statistics standardise the held-out corpus.
NORMALISATIONS = {"corpus": by_corpus, "card": by_card}


@dataclass(frozen=True, eq=False)
class Classes:
    """What is known of K classes from the sources, for D features in the columns of an ear.

    Attributes:
        names: Names of the classes.
        columns: Which columns of the ear are used.
        weight: Of the soft prototypes, ``(F, K)``.
        bias: Of the soft prototypes, ``(K,)``.
        place: Activation and valence of the classes from the middle of the scale, ``(K, 2)``.
        basis: Takes features to a space where the sources' classes have unit covariance, ``(F, D)``.
        centre: Means of the sources' classes there, ``(K, D)``.
    """

    names: tuple[str, ...]
    columns: Rows
    weight: Floats
    bias: Floats
    place: Floats
    basis: Floats
    centre: Floats

    def log_probability(self, z: Features) -> Floats:
        """Give what the soft prototypes say of standardised features, ``(N, K)``."""
        return log_probabilities(z[:, self.columns].astype(np.float64) @ self.weight + self.bias)

    def rows(self, z: Features) -> Floats:
        """Take standardised features to the space of the classes, ``(N, D)``."""
        return z[:, self.columns].astype(np.float64) @ self.basis

    def only(self, names: Sequence[str]) -> Classes:
        """Keep some of the classes."""
        kept = [self.names.index(name) for name in names]
        return replace(
            self,
            names=tuple(names),
            weight=self.weight[:, kept],
            bias=self.bias[kept],
            place=self.place[kept],
            centre=self.centre[kept],
        )


class SourceRows(NamedTuple):
    """Source utterances, the same number of every class of every corpus as far as there are: features and labels."""

    features: Features
    label: Floats
    emotion: Objects


@dataclass(frozen=True, eq=False)
class Fold:
    """What adaptation to a held-out corpus starts from.

    Attributes:
        ear: ``whisper`` or ``egemaps``.
        classes: What a model folder would hold.
        views: The same of the encoder's means and of the functionals alone; none where the ear has no two parts.
        source: Utterances of the sources, which a model folder does not hold.
    """

    ear: str
    classes: Classes
    views: tuple[Classes, ...]
    source: SourceRows

    def only(self, names: Sequence[str]) -> Fold:
        """Keep some of the classes."""
        kept = np.isin(self.source.emotion, list(names))
        return replace(
            self,
            classes=self.classes.only(names),
            views=tuple(each.only(names) for each in self.views),
            source=SourceRows(*(values[kept] for values in self.source)),
        )


class Target(NamedTuple):
    """A held-out folder as methods see it (`z`), and what scores them."""

    folder: str
    normalisation: str
    z: Features
    emotion: Objects
    label: Floats


def read(ear: str) -> dict[str, PreparedCorpus]:
    """Read all corpora from the folder of data, which is the current one."""
    found = {}
    for name in CORPORA:
        if name in RATED:
            corpus = load_corpus(f"{name}=corpora/{name}", Path("corpora/labels"))
            found[name] = prepare(corpus, engine=WHISPER) if ear == WHISPER else prepare(corpus)
        else:
            table = f"table:{name}=features/{name}.parquet"
            found[name] = read_table(name) if ear == WHISPER else prepare(load_corpus(table))
    return found


def train(ear: str, sources: Sequence[PreparedCorpus], n_seeds: int = N_SEEDS) -> Fold:
    """Train the source side of a fold."""
    material = gather(sources, ENCODER_RECIPE)
    functionals = np.array([name in NAMES_OF_88 for name in sources[0].feature_names])
    everything = np.ones_like(functionals)
    views = () if functionals.all() else (~functionals, functionals)
    return Fold(
        ear,
        _classes(material, everything, n_seeds),
        tuple(_classes(material, columns, 1) for columns in views),
        _drawn(material),
    )


def _classes(material: Material, used: Mask, n_seeds: int) -> Classes:
    columns = np.flatnonzero(used)
    features = np.ascontiguousarray(material.features[:, columns])
    found = classes_of(material._replace(features=features), n_seeds=n_seeds)
    return Classes(found.classes, columns, found.weight, found.bias, found.place, found.projection, found.mean)


def _drawn(material: Material) -> SourceRows:
    groups = [
        np.flatnonzero((material.corpus == number) & (material.emotion == name))
        for number in np.unique(material.corpus)
        for name in np.unique(material.emotion[material.corpus == number].astype(str))
    ]
    rng, most = np.random.default_rng(0), N_SOURCE_ROWS // len(groups)
    rows = np.concatenate([rng.permutation(each)[:most] for each in groups])
    return SourceRows(material.features[rows], material.label[rows], material.emotion[rows])


def targets(corpus: PreparedCorpus) -> Iterator[Target]:
    """Give a held-out corpus as both folders, each under both normalisations, by statistics of that folder."""
    four = np.isin(corpus.emotion, FOUR_CLASSES)
    cut = replace(corpus, table=corpus.table[four], functionals=corpus.functionals[four])
    for folder, each in ((WHOLE, corpus), (FOUR, cut)):
        for normalisation, standardise in NORMALISATIONS.items():
            yield Target(folder, normalisation, standardise(each), each.emotion, each.label)


def distinct_targets(corpus: PreparedCorpus) -> Iterator[Target]:
    """Give what `targets` gives, but the folder cut to the four classes only where that cuts something."""
    is_mixed = not np.isin(corpus.emotion, FOUR_CLASSES).all()
    yield from (target for target in targets(corpus) if target.folder == WHOLE or is_mixed)
