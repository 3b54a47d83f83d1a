"""The methods that ``experiments/listening`` compares, on made classes, and its committed page and table."""

import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from affectmap.model.listening import log_probabilities
from affectmap.stats.metrics import uar

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "experiments" / "listening"
NAMES = (
    "command",
    "compare",
    "encoder_material",
    "evaluation",
    "folds",
    "methods_page",
    "peers",
    "training_corpora",
    "with_sources",
)
CLASSES = ("angry", "happy", "neutral", "sad")
DIM = 6


@pytest.fixture(scope="module")
def modules():
    before = {name: sys.modules.pop(name, None) for name in NAMES}
    path = list(sys.path)
    sys.path.insert(0, str(FOLDER))
    import compare

    yield {name: sys.modules[name] for name in ("compare", "folds", "methods_page", "peers", "with_sources")}
    assert compare
    sys.path[:] = path
    for name in NAMES:
        sys.modules.pop(name, None)
        if before[name] is not None:
            sys.modules[name] = before[name]


def made(modules, n=60, turn=0.0, columns=DIM, seed=0):
    """Make a fold whose classes lie on axes, and a folder where they are turned by an angle towards each other."""
    folds, rng = modules["folds"], np.random.default_rng(seed)
    centre = 3.0 * np.eye(len(CLASSES), DIM)
    moved = np.cos(turn) * centre + np.sin(turn) * np.roll(centre, 1, axis=0)
    truth = np.repeat(np.arange(len(CLASSES)), n)
    z = (moved[truth] + rng.normal(size=(len(truth), DIM))).astype(np.float32)
    place = np.array([[1.0, -1.0], [1.0, 1.0], [0.0, 0.0], [-1.0, -1.0]])
    rows = (centre[truth] + rng.normal(size=z.shape)).astype(np.float32)
    source = folds.SourceRows(rows, place[truth], np.array(CLASSES, dtype=object)[truth])
    classes = folds.Classes(
        CLASSES, np.arange(columns), centre.T[:columns], np.zeros(4), place, np.eye(DIM)[:columns], centre
    )
    half = DIM // 2
    views = tuple(
        folds.Classes(CLASSES, part, centre.T[part], np.zeros(4), place, np.eye(DIM)[part], centre)
        for part in (np.arange(half + 1), np.arange(half - 1, DIM))
    )
    return folds.Fold("whisper", classes, views, source), z, np.array(CLASSES)[truth]


def guess(outcome):
    return np.array(CLASSES)[outcome.log_probability.argmax(axis=1)]


def check(name, method, modules, least):
    fold, z, truth = made(modules)
    outcome = method(fold, z)
    assert np.exp(outcome.log_probability).sum(axis=1) == pytest.approx(1.0), name
    assert outcome.embedding.shape == (len(z), 2), name
    assert np.isfinite(outcome.embedding).all(), name
    assert uar(truth, guess(outcome)) > least, name


def quick_methods(modules):
    compare = modules["compare"]
    found = compare.MODEL_ONLY | compare.TWO_EARS | compare.NEED_SOURCES
    return {name: method for name, method in found.items() if name not in compare.LONG}


def test_every_method_gives_probabilities_and_finds_what_is_plain(modules):
    for name, method in quick_methods(modules).items():
        check(name, method, modules, 0.8)


@pytest.mark.slow
def test_networks_find_it_too(modules):
    # Few steps, and two dimensions: chance is .25.
    for name in ("self_trained", "self_trained_with_sources"):
        check(name, getattr(modules["peers"], name), modules, 0.6)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_methods_of_skada_find_it_too(modules):
    pytest.importorskip("skada")
    for name, method in modules["compare"].SKADA.items():
        if "subspace" not in name:  # it takes more components than these features have
            check(name, method, modules, 0.8)


def test_methods_give_the_same_again(modules):
    fold, z, _ = made(modules, n=15)
    for name, method in quick_methods(modules).items():
        one, other = method(fold, z), method(fold, z)
        np.testing.assert_array_equal(one.log_probability, other.log_probability, err_msg=name)


def test_em_gains_where_classes_moved(modules):
    fold, z, truth = made(modules, n=200, turn=0.6)
    peers = modules["peers"]
    start = uar(truth, guess(peers.statistics_only(fold, z)))
    assert start < 0.97
    assert uar(truth, guess(peers.shared_covariance(fold, z))) > start + 0.01


def test_gaussian_scores_are_those_of_the_definition(modules):
    peers, rng = modules["peers"], np.random.default_rng(3)
    rows, share = rng.normal(size=(9, 2)), np.eye(2)[rng.integers(0, 2, 9)]
    centre = np.array([[0.0, 1.0], [1.0, 0.0]])
    found = peers.gaussian_scores(rows, share, centre)
    mean = [(rows[share[:, k] == 1].sum(axis=0) + 20 * centre[k]) / ((share[:, k] == 1).sum() + 20) for k in range(2)]
    within = sum(np.outer(row - mean[k], row - mean[k]) for row, k in zip(rows, share.argmax(axis=1), strict=True)) / 9
    covariance = 0.7 * within + 0.3 * np.trace(within) / 2 * np.eye(2)
    squares = [[(row - m) @ np.linalg.solve(covariance, row - m) for m in mean] for row in rows]
    expected = -0.5 * np.array(squares)
    np.testing.assert_allclose(found - found[:, [0]], expected - expected[:, [0]], atol=1e-12)


def test_a_fold_of_some_classes_is_that_of_these_classes_alone(modules):
    fold, z, _ = made(modules)
    few = fold.only(("sad", "angry"))
    assert few.classes.names == ("sad", "angry")
    assert set(few.source.emotion) == {"sad", "angry"}
    both = fold.classes.log_probability(z)[:, [3, 0]]
    np.testing.assert_allclose(few.classes.log_probability(z), log_probabilities(both))
    assert few.views[0].centre.shape == (2, DIM)


def test_source_rows_are_drawn_evenly(modules):
    folds = modules["folds"]
    emotion = np.array(["sad"] * 900 + ["angry"] * 600 + ["sad"] * 700, dtype=object)
    corpus = np.array([0] * 1500 + [1] * 700)
    features = np.arange(2200, dtype=np.float32)[:, None]
    drawn = folds._drawn(folds.Material(features, np.zeros((2200, 2)), emotion, corpus, None))
    assert len(drawn.features) == 3 * (1000 // 3)
    assert (drawn.emotion == "angry").sum() == 333
    assert (drawn.features[drawn.emotion == "angry", 0] >= 900).all()


def test_what_is_scored_is_what_is_named(modules):
    compare, folds, peers = modules["compare"], modules["folds"], modules["peers"]
    fold, z, truth = made(modules, n=5)
    emotion = truth.astype(object)
    emotion[0] = "fear"
    label = np.full((len(z), 2), np.nan)
    label[5:, 0], label[5:, 1] = np.linspace(1, 5, 15), np.linspace(5, 1, 15)
    perfect = np.log(np.maximum(np.eye(4)[np.repeat(np.arange(4), 5)], 1e-9))
    outcome = peers.Outcome(perfect, np.nan_to_num(label - 3))
    found = compare.scores(fold, folds.Target("whole", "corpus", z, emotion, label), outcome)
    assert found == pytest.approx(dict.fromkeys(found, 1.0))
    bare = compare.scores(fold, folds.Target("whole", "corpus", z, emotion, np.full_like(label, np.nan)), outcome)
    assert bare["uar"] == 1.0
    assert np.isnan(bare["r2_valence"])


def test_the_page_shows_the_committed_table(modules):
    text = (ROOT / "docs" / "adaptation.md").read_text(encoding="utf-8")
    for name, table in modules["methods_page"].page_tables(FOLDER):
        shown = text.split(f"<!-- {name}:begin -->\n")[1].split(f"\n<!-- {name}:end -->")[0]
        assert shown == table, f"table {name} of docs/adaptation.md is not that of the committed file"


def test_the_committed_table_holds_every_method_on_every_corpus(modules):
    compare, table = modules["compare"], pd.read_csv(FOLDER / "methods.csv")
    first = table[table["sources_without"].isna() & (table["folder"] == "whole") & (table["normalisation"] == "corpus")]
    for ear, rows in first.groupby("ear"):
        names = compare.MODEL_ONLY | (compare.TWO_EARS if ear == "whisper" else {}) | compare.NEED_SOURCES
        assert set(rows["method"]) == set(names | compare.SKADA)
        assert (rows.groupby("method")["corpus"].nunique() == 7).all()
    assert not table.duplicated(["ear", "sources_without", "folder", "normalisation", "corpus", "method"]).any()


def test_gains_are_differences_to_the_start_on_the_same_corpus(modules):
    rows = pd.DataFrame(
        [
            ("statistics only", "emodb", 0.5),
            ("EM", "emodb", 0.75),
            ("statistics only", "urdu", 0.5),
            ("EM", "urdu", 0.25),
        ],
        columns=["method", "corpus", "uar"],
    )
    assert modules["methods_page"].gains(rows).loc["EM"].to_dict() == {"emodb": 0.25, "urdu": -0.25}
