"""The experiment on gates of listening: signals on made folders, thresholds that other corpora choose, certainty."""

import importlib
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from affectmap.model.listening import listen

FOLDER = Path(__file__).parents[2] / "experiments" / "listening"
WANTED = (
    "command",
    "gates",
    "signals",
    "thresholds",
    "certainty",
    "gates_page",
    "certainty_page",
    "folds",
    "methods_page",
)
NAMES = (*WANTED, "folders", "listening_page", "scoring", "encoder_material", "evaluation")
CLASSES = ("angry", "happy", "neutral", "sad")
DIM = 6


@pytest.fixture(scope="module")
def modules():
    """The scripts, and none of another experiment that has the name of one of them."""
    before, path = {name: sys.modules.pop(name, None) for name in NAMES}, list(sys.path)
    sys.path.insert(0, str(FOLDER))
    yield {name: importlib.import_module(name) for name in WANTED}
    sys.path[:] = path
    for name, module in before.items():
        sys.modules.pop(name, None)
        if module is not None:
            sys.modules[name] = module


def folder(n=60, distance=4.0, seed=0):
    """So many recordings of every class, each class on an axis of its own."""
    truth = np.repeat(np.arange(len(CLASSES)), n)
    z = distance * np.eye(len(CLASSES), DIM)[truth] + np.random.default_rng(seed).normal(size=(len(truth), DIM))
    return (z - z.mean(axis=0)).astype(np.float32), truth


@pytest.fixture
def known(modules):
    folds, (rows, truth) = modules["folds"], folder(seed=1)
    centre = np.array([rows[truth == k].mean(axis=0) for k in range(len(CLASSES))], dtype=np.float64)
    place, bias = np.zeros((len(CLASSES), 2)), -0.5 * (centre**2).sum(axis=1)

    def view(columns):
        """See some of the features."""
        part = centre[:, columns]
        own = -0.5 * (part**2).sum(axis=1)
        return folds.Classes(CLASSES, columns, part.T, own, place, np.eye(DIM)[columns], centre)

    classes = folds.Classes(CLASSES, np.arange(DIM), centre.T, bias, place, np.eye(DIM), centre)
    source = folds.SourceRows(rows, place[truth], np.array(CLASSES, dtype=object)[truth])
    views = view(np.arange(4)), view(np.array([0, 1, 2, 3, 5]))
    return modules["signals"].reference(folds.Fold("whisper", classes, views, source))


def test_signals_of_a_folder_like_the_sources_and_of_one_that_says_nothing(modules, known):
    z, _ = folder()
    rng = np.random.default_rng(0)
    shuffled = np.stack([rng.permutation(column) for column in z.T], axis=1)
    good, bad = (modules["signals"].signals(known, each) for each in (z, shuffled))
    assert good["class kept"] == listen(z.astype(np.float64), known.source).agreement > 0.95
    for name in ("class kept", "two halves", "classes over one normal", "between over within", "spread of classes"):
        assert good[name] > bad[name], name
    assert good["sure before"] > bad["sure before"] + 0.05
    assert good["two inputs"] > 0.95
    assert good["near, 95 %"] == pytest.approx(0.95, abs=0.03)
    assert abs(good["classes over prototypes"]) < 0.05 < good["classes over background"]


def test_recordings_far_from_all_classes_are_seen(modules, known):
    z, _ = folder()
    away = z + np.float32(6) * np.eye(DIM, dtype=np.float32)[4]
    assert modules["signals"].signals(known, away)["near, 99 %"] < 0.05


def test_mixture_by_plain_sums(modules):
    mixture = modules["signals"].Mixture(np.array([[0.0, 0.0], [2.0, 0.0]]), np.diag([1.0, 4.0]))
    density = sum(np.exp(-0.5 * ((1.0 - m) ** 2 + 3.0**2 / 4)) / (2 * np.pi * 2) for m in (0.0, 2.0)) / 2
    assert mixture.log_density(np.array([[1.0, 3.0]]))[0] == pytest.approx(np.log(density))


def rows(left_out, corpus, *each):
    """Give rows of kind, gain and signal."""
    key = {"ear": "whisper", "left_out": left_out, "corpus": corpus, "n": 200, "normalisation": "corpus"}
    return [key | {"kind": kind, "gain": gain, "class kept": kept, "sign": sign} for kind, gain, kept, sign in each]


PETS = (("whole", 0.1, 0.8, 0.9), ("four", -0.05, 0.8, 0.3), ("features shuffled", 0.0, 0.9, 0.5))
BIRDS = (("whole", 0.04, 0.8, 0.6), ("four", -0.04, 0.6, 0.4), ("no known emotion", np.nan, 0.8, 0.7))


@pytest.fixture
def table():
    return pd.DataFrame([
        *rows("", "pets", *PETS), *rows("", "birds", *BIRDS), *rows("birds", "pets", *PETS), *rows("pets", "birds", *BIRDS)
    ])  # fmt: skip


def test_thresholds_are_those_of_the_other_corpus(modules, table):
    nested = modules["thresholds"].nested
    found = nested(table, "sign", "", ())
    # For the birds the highest that pets allow without the gain of theirs; for the pets that of the birds.
    assert (found["lowest"], found["highest"]) == (pytest.approx(0.5), pytest.approx(0.7))
    assert (found["gain_whole"], found["worst_four"]) == (pytest.approx(0.05), 0.0)
    assert (found["open features shuffled"], found["open no known emotion"]) == (1, 1)
    shut = nested(table, "sign", "", ("features shuffled", "no known emotion"))
    # What birds ask for keeps everything out, since their folder without a known emotion is above the one that gains.
    assert shut["highest"] == np.inf
    assert shut["open features shuffled"] == 0


def test_a_joined_gate_is_open_where_both_are(modules, table):
    blind, nested = table.assign(sign=1.0), modules["thresholds"].nested
    # The signal says nothing: alone it keeps all out that the other corpus forbids; the gate beside it helps the birds'.
    assert nested(blind, "sign", "", ())["gain_whole"] == 0.0
    joined = nested(blind, "sign", "class kept", ())
    assert (joined["gain_whole"], joined["worst_four"]) == (pytest.approx(0.05), -0.05)


def test_how_well_a_signal_parts(modules, table):
    found = modules["thresholds"].parted(table, "sign")
    assert (found["n_gain"], found["n_loss"], found["auc_loss"]) == (2, 2, 1.0)
    assert (found["n_real"], found["n_nothing"], found["auc_nothing"]) == (2, 2, 0.75)


def test_the_gate_in_use_is_a_row_of_its_own(modules, table):
    found = modules["thresholds"].thresholds(table).set_index("signal")
    assert found.loc["none, always open", "worst_four"] == -0.05
    assert found.loc["class kept, as it is", "open no known emotion"] == 1
    assert set(found.loc["sign", "joined"]) == {"", "class kept"}


def test_temperature_makes_probabilities_as_sure_as_they_are_right(modules):
    emotion = np.array(["sad"] * 75 + ["happy"] * 75, dtype=object)
    right = np.tile([1.0, 1.0, -1.0], 50)
    side = np.where(emotion == "sad", 1.0, -1.0) * right
    scores = np.stack([3.0 * side, np.zeros(150)], axis=1)
    row = {"after": scores, "emotion": emotion, "names": ["sad", "happy"]}
    temperature = modules["certainty"].best_temperature([row])
    assert temperature == pytest.approx(3 / np.log(2), rel=0.01)
    sure, fair = (
        modules["certainty"].judged(each, emotion, ["sad", "happy"]) for each in (scores, scores / temperature)
    )
    assert sure["over"] == pytest.approx(1 / (1 + np.exp(-3)) - 2 / 3)
    assert sure["ece"] > 0.28
    assert (abs(fair["over"]), fair["ece"]) == (pytest.approx(0, abs=1e-3), pytest.approx(0, abs=1e-3))


@pytest.mark.parametrize("name", ["gates_page", "certainty_page"])
def test_tables_of_the_page_are_those_of_the_files(modules, name):
    page = modules["command"].PAGE.read_text(encoding="utf-8")
    for mark, table in modules[name].page_tables(FOLDER):
        assert f"<!-- {mark}:begin -->\n{table.strip()}\n<!-- {mark}:end -->" in page, mark
