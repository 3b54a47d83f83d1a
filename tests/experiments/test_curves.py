"""``experiments/sensitivity`` and ``experiments/learning-curve``: tiny runs, and the committed tables and pages."""

import importlib.util
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from affectmap.model.training import TrainingSettings
from factories import make_corpus

ROOT = Path(__file__).parents[2]
FOLDERS = {name: ROOT / "experiments" / name for name in ("sensitivity", "learning-curve")}


@pytest.fixture(scope="module")
def modules():
    """The scripts under names of their own; what they share is found as when they are run."""
    path, before = list(sys.path), sys.modules.pop("corpora_and_splits", None)
    sys.path.insert(0, str(FOLDERS["sensitivity"]))
    loaded = {}
    for name, folder in FOLDERS.items():
        spec = importlib.util.spec_from_file_location(f"{name.replace('-', '_')}_run", folder / "run.py")
        loaded[name] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(loaded[name])
    yield SimpleNamespace(sensitivity=loaded["sensitivity"], curve=loaded["learning-curve"],
                          splits=sys.modules["corpora_and_splits"])  # fmt: skip
    sys.path[:] = path
    sys.modules.pop("corpora_and_splits", None)
    if before is not None:
        sys.modules["corpora_and_splits"] = before


@pytest.fixture(scope="module")
def corpora():
    names = ("emodb", "urdu", "aesdd")
    source, *targets = (make_corpus(name, n_takes=4, seed=seed) for seed, name in enumerate(names))
    return source, targets


def test_held_out_speakers_take_no_part_in_standardisation(modules, corpora):
    source, targets = corpora
    found = modules.splits.splits(source, targets, seed=3, n_folds=2)
    assert len(found) == 2
    for split in found:
        assert not set(split.train.speaker) & set(split.evaluated[0].speaker)
        np.testing.assert_allclose(split.train.features.mean(axis=0), 0, atol=1e-4)
        assert abs(split.evaluated[0].features.mean(axis=0)).max() > 0.01
        for part in split.evaluated[1:]:
            np.testing.assert_allclose(part.features.mean(axis=0), 0, atol=1e-4)


def test_scores_of_maps_that_know_all_and_nothing(modules, corpora):
    split = modules.splits.splits(*corpora, seed=0, n_folds=2)[0]
    for part, row in zip(split.evaluated, modules.splits.scores(lambda f: f[:, :0] @ np.zeros((0, 2)), split),
                         strict=True):  # fmt: skip
        assert row == {"corpus": part.corpus, "r2_activation": 0, "r2_valence": 0, "uar": 0.25}
    ways = np.linalg.pinv(np.random.default_rng(99).normal(size=(2, 88)))
    for row in modules.splits.scores(lambda f: f @ ways, split):
        assert row["r2_activation"] > 0.7
        assert row["uar"] > 0.7
    few = np.flatnonzero(split.train.emotion == "sad")
    assert {row["uar"] for row in modules.splits.scores(lambda f: f @ ways, split, few)} == {0.25}


def test_subsets_are_nested_and_even_over_speakers(modules):
    speaker = np.array(["a"] * 9 + ["b"] * 2 + ["c"] * 5, dtype=object)
    order = modules.curve.nested_order(speaker, 1)
    assert sorted(order) == list(range(16))
    for n in (3, 6):
        assert {name: (speaker[order[:n]] == name).sum() for name in "abc"} == dict.fromkeys("abc", n // 3)
    assert (speaker[order[-4:]] == "a").all()
    assert not np.array_equal(order, modules.curve.nested_order(speaker, 2))


@pytest.mark.slow  # trains
def test_a_tiny_learning_curve(modules, corpora, tmp_path):
    curve = modules.curve
    results = curve.run(*corpora, draws=(0, 1), sizes=(5, 0), settings=TrainingSettings(epochs=3), n_folds=2)
    assert len(results) == 4 * 2 * 2 * 3
    assert set(results["method"]) == set(curve.LINES)
    assert results[["r2_activation", "r2_valence", "uar"]].notna().all(axis=None)
    mean = results.groupby(["method", "n"])["r2_activation"].mean()
    assert mean[curve.RIDGE, 0] > mean[curve.RIDGE, 5]
    whole = results[results["n"] == 0].set_index(["method", "draw", "corpus"])[["r2_activation", "uar"]]
    pd.testing.assert_frame_equal(
        whole.loc[curve.ALONE], whole.loc[curve.REST], obj="with all labelled, both maps are one", atol=1e-5
    )
    curve.write(results, tmp_path)
    assert (tmp_path / "learning-curve.png").stat().st_size > 10_000


@pytest.mark.slow  # trains
def test_a_tiny_sensitivity(modules, corpora, monkeypatch, capsys):
    sensitivity = modules.sensitivity
    monkeypatch.setattr(sensitivity, "VARIED", {"weight": (0, 1), "noise_std": (1, 2), "latent_dim": (1, 2)})
    results = sensitivity.run(*corpora, seeds=(0, 1), epochs=2, n_folds=2)
    assert len(results) == 6 * 2 * 3
    paper = results[results["value"] == results["setting"].map(sensitivity.PAPER)]
    for _, group in paper.groupby(["seed", "corpus"]):
        assert group["uar"].nunique() == 1, "the paper's is one, however it is reached"
    assert len(capsys.readouterr().out.splitlines()) == 4, "and trained once"
    found = sensitivity.summary(results).set_index(["setting", "value"])
    assert (found.loc[("weight", 1), "d"] == 0).all()
    row = found.loc[("weight", 0)].iloc[0]
    at = results[(results["setting"] == "weight") & (results["corpus"] == row["corpus"])].set_index("value")
    assert row["d"] == pytest.approx((at.loc[0, row["quantity"]].to_numpy() - at.loc[1, row["quantity"]]).mean())
    assert "| 1 (paper) |" in sensitivity.page(results)


@pytest.mark.parametrize("name", FOLDERS)
def test_the_page_shows_the_committed_table(modules, name):
    module = modules.sensitivity if name == "sensitivity" else modules.curve
    results = pd.read_csv(FOLDERS[name] / "results.csv")
    assert (FOLDERS[name] / "results.md").read_text(encoding="utf-8") == module.page(results)
    if name == "sensitivity":
        assert results.groupby(["setting", "value", "corpus"])["seed"].nunique().eq(5).all()
    else:
        assert results.groupby(["method", "n", "corpus"])["draw"].nunique().ge(10).all()
