"""Tables that describe a run."""

from dataclasses import fields

import numpy as np
import pandas as pd
import pytest
from sklearn.decomposition import PCA

from affectmap.corpora import CARDS, Corpus
from affectmap.experiment.config import ExperimentConfig
from affectmap.experiment.embeddings import Embeddings
from affectmap.experiment.protocol import Job, make_material
from affectmap.experiment.results import (
    PACKAGES,
    Results,
    corpora_table,
    curves_table,
    embeddings_table,
    findings_table,
    ratings_table,
)
from affectmap.model.network import DenoisingAutoencoder
from affectmap.model.training import TrainedModel, TrainingTask
from affectmap.preparation.folds import Fold
from affectmap.preparation.pooled_source import PooledSource
from affectmap.schema import Finding
from affectmap.stats.scores import Run
from factories import make_corpus, make_embedded, with_cells

NAN = float("nan")


def describe(sources, targets, **settings) -> pd.DataFrame:
    config = ExperimentConfig(source=["cats=cats"], **settings)
    source = PooledSource.of(sources)
    rows = np.arange(len(source.emotion))
    material = make_material(source, targets, Fold("all", rows, rows, shares_speakers=True), config)
    return corpora_table(sources, targets, material, config).set_index("corpus")


# Corpora


def test_corpora_are_counted():
    emotion = ["fear", None, *make_corpus("dogs").emotion[2:]]
    dogs = with_cells(make_corpus("dogs"), emotion=emotion, activation=[NAN] * 8 + [2.0, 3.0] * 20)
    table = describe([make_corpus("cats", n_speakers=5)], [dogs])
    cats, dogs = table.loc["cats"], table.loc["dogs"]
    assert cats[["role", "n_speakers", "n_found", "n_dropped", "n_used", "n_evaluated"]].tolist() == [
        "source",
        5,
        60,
        0,
        60,
        60,
    ]
    assert dogs[["role", "n_speakers", "n_used", "n_evaluated"]].tolist() == ["target", 4, 48, 38]
    assert cats[["neutral", "sad", "happy", "angry", "other"]].tolist() == [15, 15, 15, 15, 0]
    assert dogs[["neutral", "sad", "happy", "angry", "other"]].tolist() == [10, 12, 12, 12, 1]
    assert dogs[["n_activation", "n_valence"]].tolist() == [40, 48]


def test_what_was_dropped_counts_as_found():
    corpus = make_corpus("cats")
    gone = Finding("cats", "gone.wav", "missing", "is not there", dropped=True)
    fewer = corpus.table.iloc[3:]
    found = Corpus("cats", corpus.table, (gone,), card=CARDS["urdu"], language="ur")
    prepared = type(corpus)("cats", found, fewer, corpus.functionals[3:], (gone,))
    row = describe([prepared], []).loc["cats"]
    assert row[["n_found", "n_dropped", "n_used"]].tolist() == [49, 4, 45]
    assert row[["title", "language"]].tolist() == [CARDS["urdu"].title, "ur"]
    assert describe([make_corpus("cats")], [])["title"].tolist() == ["cats"]


@pytest.mark.parametrize(("asked", "told"), [(16000, 16000), (8000, 8000)])
def test_the_rate_that_was_measured_at_is_named(asked, told):
    assert describe([make_corpus()], [], sampling_rate=asked)["sampling_rate"].tolist() == [told]


def test_speakers_are_counted_only_where_all_are_known():
    corpus = make_corpus("cats")
    some = with_cells(corpus, speaker=[None, *corpus.table["speaker"][1:]])
    assert pd.isna(describe([some], []).loc["cats", "n_speakers"])


@pytest.mark.parametrize(
    ("policy", "folds", "of_source"),
    [
        ("target-20", "speaker", "source"),
        ("source", "speaker", "source"),
        ("speaker", "speaker", "speaker"),
        ("target-20", "corpus", "target-all"),
        ("target-all", "corpus", "target-all"),
        ("source", "corpus", "source"),
        ("speaker", "corpus", "speaker"),
    ],
)
def test_every_corpus_names_its_policy(policy, folds, of_source):
    table = describe([make_corpus("cats"), make_corpus("cows")], [make_corpus("dogs")], policy=policy, folds=folds)
    assert table["policy"].to_dict() == {"cats": of_source, "cows": of_source, "dogs": policy}


def test_synthetic_speech_says_so():
    assert describe([make_corpus()], [], synthetic=True)["synthetic"].tolist() == [True]
    assert describe([make_corpus()], [])["synthetic"].tolist() == [False]


def test_findings_of_all_corpora_in_order():
    findings = [Finding(name, f"{name}.wav", "outlier", "far out", dropped=True) for name in ("cats", "dogs")]
    corpora = [type(each)(each.name, each.corpus, each.table, each.functionals, (finding,))
               for each, finding in zip((make_corpus("cats"), make_corpus("dogs")), findings, strict=True)]  # fmt: skip
    table = findings_table(corpora)
    assert table.values.tolist() == [list(finding) for finding in findings]
    assert findings_table([make_corpus()]).empty


def test_ratings_are_those_of_every_utterance_used():
    cats, dogs = make_corpus("cats"), with_cells(make_corpus("dogs", seed=1), emotion=None, valence=NAN)
    table = ratings_table([cats], [dogs])
    assert table[["corpus", "role"]].drop_duplicates().values.tolist() == [["cats", "source"], ["dogs", "target"]]
    np.testing.assert_array_equal(
        table[["activation", "valence"]].to_numpy(float), np.concatenate([cats.label, dogs.label])
    )
    assert table["emotion"][:48].tolist() == cats.emotion.tolist()
    assert table["emotion"][48:].isna().all()


# Embeddings


def placed_in(n_dims: int, method: str = "PCA-2") -> Embeddings:
    rng = np.random.default_rng(n_dims)
    train, test, target = (rng.normal(size=(n, n_dims)) * np.arange(1, n_dims + 1) for n in (50, 7, 9))
    label = np.column_stack([np.arange(9.0), np.full(9, NAN)])
    held_out = make_embedded(test, ["sad"] * 7, corpus="cats", role="source")
    dogs = make_embedded(target + 3, [None, *["angry"] * 8], label, corpus="dogs")
    return Embeddings(Run(method, 1, 0), make_embedded(train, role="source"), (held_out,), (dogs,))


def test_two_dimensions_are_shown_as_they_are():
    embeddings = placed_in(2)
    table = embeddings_table([embeddings])
    expected = np.concatenate([embeddings.held_out[0].embedding, embeddings.targets[0].embedding])
    np.testing.assert_array_equal(table[["z1", "z2"]], expected)
    assert table["corpus"].tolist() == ["cats"] * 7 + ["dogs"] * 9
    assert table["role"].tolist() == ["source"] * 7 + ["target"] * 9
    assert table["file"].tolist() == [f"cats/row {i}" for i in range(7)] + [f"dogs/row {i}" for i in range(9)]
    assert table["emotion"].fillna("unknown")[6:9].tolist() == ["sad", "unknown", "angry"]
    assert table["activation"][7:].tolist() == list(range(9))
    assert table["valence"].isna().all()


def test_one_dimension_lies_on_a_line():
    embeddings = placed_in(1)
    table = embeddings_table([embeddings])
    np.testing.assert_array_equal(table["z1"][7:], embeddings.targets[0].embedding[:, 0])
    assert (table["z2"] == 0).all()


def test_more_dimensions_are_turned_onto_the_training_rows_components():
    embeddings = placed_in(5)
    table = embeddings_table([embeddings])
    axes = PCA(n_components=2).fit(embeddings.train.embedding)
    for part, rows in ((embeddings.held_out[0], slice(0, 7)), (embeddings.targets[0], slice(7, 16))):
        np.testing.assert_allclose(np.abs(table[["z1", "z2"]][rows]), np.abs(axes.transform(part.embedding)))


def test_methods_stand_below_each_other():
    table = embeddings_table([placed_in(2, "PCA-2"), placed_in(5, "DAE-Metric-Act")])
    assert table["method"].tolist() == ["PCA-2"] * 16 + ["DAE-Metric-Act"] * 16
    assert table.index.tolist() == list(range(32))


def test_no_embeddings_make_an_empty_table():
    assert embeddings_table([]).columns.tolist() == embeddings_table([placed_in(2)]).columns.tolist()


# Curves and versions


def test_curves_are_told_apart():
    epochs = pd.RangeIndex(1, 4, name="epoch")
    curves = pd.DataFrame(
        {name: [3.0, 2.0, 1.0] for name in ("total", "reconstruction", "slope", "residual", "metric")}, epochs
    )
    task = TrainingTask(np.zeros((2, 88), np.float32), None)
    trained = [
        (
            Job("DAE-Unsupervised", (), "cats", fold, seed, task),
            TrainedModel(DenoisingAutoencoder(), curves * (fold + 1)),
        )
        for fold, seed in ((0, 0), (1, 7))
    ]
    table = curves_table(trained)
    assert table.columns.tolist() == ["method", "corpus", "fold", "seed", "epoch", *curves.columns]
    assert table[["fold", "seed", "epoch", "total"]].values.tolist() == [
        [fold, seed, epoch, (fold + 1) * (4 - epoch)] for fold, seed in ((0, 0), (1, 7)) for epoch in (1, 2, 3)
    ]


def test_results_name_the_versions_that_made_them():
    tables = [each.name for each in fields(Results) if each.type == "pd.DataFrame"]
    results = Results({}, "", [], {}, **dict.fromkeys(tables, pd.DataFrame()))
    assert set(results.versions) == set(PACKAGES)
    assert all(results.versions.values())
