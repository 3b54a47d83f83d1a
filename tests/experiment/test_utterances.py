"""The table of utterances of a run: every value of tables 1, 3 and 4 comes out of it again, and out of docs' lines."""

import os
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import balanced_accuracy_score

from affectmap.experiment.config import make_config
from affectmap.experiment.experiment import Experiment
from affectmap.schema import FUNCTIONALS
from affectmap.stats.baselines import FUNCTIONALS_88
from affectmap.stats.metrics import adjusted_r2, pairwise_adjusted_r2
from affectmap.utterances import write_large, write_utterances
from corpus_files import FAST, make_rows, write_table

RUN = ["method", "corpus", "reading", "fold", "seed"]
PAGE = Path(__file__).parents[2] / "docs" / "utterances.md"


def run_on(folder, n_sources=1, **changes):
    """A short run over one source or two, which lacks no class, carried over to owls, who are never neutral."""
    sources = [write_table(folder, name, make_rows(6, seed=seed)) for seed, name in enumerate(["birds", "bats"])]
    rows = make_rows(n_speakers=5, emotions=("sad", "happy", "angry"), seed=2)
    rows.loc[3, ["emotion", "activation", "valence"]] = None, np.nan, np.nan
    target = [write_table(folder, "owls", rows)]
    settings = FAST | {"n_seeds": 2, "methods": ["joint", "activation"]} | changes
    return Experiment(make_config(**settings, source=sources[:n_sources], target=target)).run()


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    return run_on(tmp_path_factory.mktemp("one"))


def standardised(results, training, tested):
    """The 88 functionals of some rows, each source by its training rows."""
    features = results.features.set_index(["corpus", "file", "start"])[list(FUNCTIONALS)]
    train, test = (
        features.loc[pd.MultiIndex.from_frame(part[["corpus", "file", "start"]])] for part in (training, tested)
    )
    train = train[train.index.get_level_values("corpus").isin(tested["corpus"].astype(str))].to_numpy(np.float64)
    return ((test.to_numpy(np.float64) - train.mean(axis=0)) / train.std(axis=0)).astype(np.float32)


def recomputed(results, row, groups, training):
    """One value of the run, by nothing but the table of utterances."""
    reading = "zero-shot" if row.reading == "probe" else row.reading
    key = (row.method, row.corpus, reading, row.fold, row.seed)
    # A single source's own baselines are its values within the corpus.
    own = (*key[:2], "held-out", *key[3:]) if key not in groups and reading == "within" else key
    mine = groups[own]
    if row.table == "4":
        name = f"probe_{row.quantity}" if row.reading == "probe" else row.quantity
        told = mine[mine[name].notna()]
        return balanced_accuracy_score(told["emotion"].astype(str), told[name].astype(str)), len(told)
    z = mine.filter(regex=r"^z\d+$").dropna(axis=1, how="all").to_numpy()
    if not z.shape[1]:
        z = standardised(results, training[row.method, row.fold, row.seed], mine)
    if row.table == "1":
        value, _, n = pairwise_adjusted_r2(z, mine[row.quantity].to_numpy())
        return value, n
    fit = adjusted_r2(mine[row.quantity].to_numpy(), z)
    return fit.adjusted_r2, fit.n


def assert_recomputed(results, *, functionals=True):
    table = results.utterances
    groups = dict(iter(table[table["use"] == "evaluated"].groupby(RUN, observed=True)))
    training = dict(iter(table[table["use"] == "training"].groupby(["method", "fold", "seed"], observed=True)))
    runs = results.runs[results.runs["table"].isin(list("134"))]
    assert {"held-out", "zero-shot", "probe", "within", "supervised"} <= set(runs["reading"])
    for row in runs.itertuples():
        if row.table == "1" and row.method == FUNCTIONALS_88 and not functionals:
            continue  # standardised by others than the training rows
        value, n = recomputed(results, row, groups, training)
        assert (value, n) == (pytest.approx(row.value, abs=1e-6), row.n), row


def test_every_value_comes_out_of_the_table_again(results):
    assert_recomputed(results)


@pytest.mark.slow
@pytest.mark.parametrize("changes", [{"folds": "corpus"}, {"policy": "speaker"}, {"latent_dim": 3}], ids=str)
def test_every_value_of_two_sources_does_too(tmp_path, changes):
    assert_recomputed(run_on(tmp_path, n_sources=2, **changes), functionals="latent_dim" in changes)


def test_every_row_says_what_it_was_used_for(results):
    table = results.utterances[results.utterances["method"] == "PCA-2"]
    for (fold, seed), each in table.groupby(["fold", "seed"]):
        birds, owls = each[each["corpus"] == "birds"], each[each["corpus"] == "owls"]
        assert birds["use"].value_counts().to_dict() == {"evaluated": 24, "training": 24, "statistics": 0}
        assert birds["file"].nunique() == 48
        # A fifth of 30 gave the statistics; the one of which nothing is known is there for the first fold alone.
        counts = owls["use"].value_counts()
        assert counts["evaluated"] + counts["statistics"] == owls["file"].nunique()
        assert len(owls) == (30 if (fold, seed) == (1, 0) else 29)
        assert counts["statistics"] in (5, 6)
        assert birds.loc[birds["use"] == "training", "reading"].isna().all()


def test_truth_and_files_are_those_of_the_corpus(results):
    rows = make_rows(6, seed=0).set_index("file")
    birds = results.utterances.query("corpus == 'birds'")
    names = birds["file"].astype(str).str.rsplit("/", n=1).str[-1]
    for column in ("emotion", "speaker"):
        assert birds[column].astype(str).tolist() == rows.loc[names, column].tolist()
    for column in ("activation", "valence"):
        np.testing.assert_array_equal(birds[column], rows.loc[names, column])
    assert (birds["start"] == 0).all()
    assert birds["end"].isna().all()


def test_predicted_ratings_are_the_line_of_the_training_rows(results):
    table = results.utterances.query("method == 'PCA-2' and fold == 2 and seed == 1")
    train, test = table[table["use"] == "training"], table[table["use"] != "training"]
    for label in ("activation", "valence"):
        columns = np.column_stack([np.ones(len(train)), train[["z1", "z2"]]])
        line, *_ = np.linalg.lstsq(columns, train[label])
        expected = np.column_stack([np.ones(len(test)), test[["z1", "z2"]]]) @ line
        np.testing.assert_allclose(test[f"predicted_{label}"], expected.clip(1, 5), rtol=1e-9)
    ridge = results.utterances[results.utterances["method"].str.startswith("Ridge").astype(bool)]
    expected = ridge[["z1", "z2"]].clip(1, 5).to_numpy()
    np.testing.assert_array_equal(ridge[["predicted_activation", "predicted_valence"]], expected)


def test_a_predicted_class_is_one_of_its_set(results):
    table = results.utterances
    assert {"N-S-H-A", "N-S-A", "S-H-A", "S-A", "probe_S-H-A", "probe_S-A"} <= set(table.columns)
    evaluated = table["use"] == "evaluated"
    for name, emotions in {"N-S-A": {"neutral", "sad", "angry"}, "probe_S-A": {"sad", "angry"}}.items():
        told = table[table[name].notna()]
        assert set(told[name].astype(str)) <= emotions
        assert set(told["emotion"].astype(str)) == emotions
        assert evaluated[told.index].all()


def test_the_table_is_small_and_the_same_each_time(results, tmp_path):
    table = results.utterances
    assert table.memory_usage(deep=True).sum() < 150 * len(table)
    pd.testing.assert_frame_equal(run_on(tmp_path).utterances.drop(columns="file"), table.drop(columns="file"))


def run_page(results, folder, monkeypatch):
    """Give what the page's lines compute of a run."""
    (folder / "results").mkdir()
    write_utterances(results.utterances, folder / "results")
    write_large(results.features, folder / "results", "features")
    monkeypatch.chdir(folder)
    names = {}
    for block in re.findall(r"```py\n(.*?)```", PAGE.read_text(encoding="utf-8"), flags=re.DOTALL):
        exec(compile(block, PAGE.name, "exec"), names)
    return names


def assert_page(results, folder, monkeypatch):
    found = run_page(results, folder, monkeypatch)
    cells = results.summary[results.summary["reading"] != "probe"].set_index(["table", "quantity"])
    for name, key in {"table1": ("1", "activation"), "table3": ("3", "activation"), "table4": ("4", "N-S-H-A")}.items():
        published = cells.loc[[key]].set_index(["method", "corpus", "reading"])["mean"]
        assert len(found[name]) >= 4
        for cell, value in found[name].items():
            assert value == pytest.approx(published[cell], abs=1e-9)
    runs = results.runs.query("table == '1' and method == '88 functionals' and quantity == 'activation'")
    first = runs[(runs["fold"] == 1) & (runs["seed"] == 0)]["value"].item()
    assert found["functionals_r2"] == pytest.approx(first, abs=1e-6)


def test_the_page_gives_the_published_values(results, tmp_path, monkeypatch):
    assert_page(results, tmp_path, monkeypatch)


@pytest.mark.slow
@pytest.mark.skipif("AFFECTMAP_DATA" not in os.environ, reason="needs real corpora: set AFFECTMAP_DATA")
def test_the_page_gives_the_published_values_of_real_corpora(tmp_path, monkeypatch):
    corpora = Path(os.environ["AFFECTMAP_DATA"], "corpora")
    config = make_config(
        source=[f"emodb={corpora / 'emodb'}"],
        target=[f"urdu={corpora / 'urdu'}"],
        labels=corpora / "labels",
        n_seeds=2,
        methods=["activation", "valence"],
    )
    results = Experiment(config).run()
    assert_recomputed(results)
    assert_page(results, tmp_path, monkeypatch)
