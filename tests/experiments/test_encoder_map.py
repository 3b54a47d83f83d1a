"""The committed page and tables of ``experiments/encoder-map``, and its maps."""

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from affectmap.schema import FUNCTIONALS
from factories import make_corpus

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "experiments" / "encoder-map"
NAMES = ("evaluation", "maps", "page", "setups", "summaries")


@pytest.fixture(scope="module")
def modules():
    before = {name: sys.modules.pop(name, None) for name in NAMES}
    path = list(sys.path)
    sys.path[:0] = [str(FOLDER), str(FOLDER.parent / "transfer")]
    import maps
    import page
    import setups

    yield maps, page, setups
    sys.path[:] = path
    for name in NAMES:
        sys.modules.pop(name, None)
        if before[name] is not None:
            sys.modules[name] = before[name]


@pytest.fixture(scope="module")
def corpora():
    """Two corpora with five further features, as an encoder's would stand before the functionals."""
    found = []
    for name, labelled in (("cats", True), ("dogs", False)):
        corpus = make_corpus(name, n_takes=4, seed=len(found), labelled=labelled)
        means = corpus.functionals[:, :5] ** 2
        names = (*(f"mean_{i}" for i in range(5)), *FUNCTIONALS)
        found.append(replace(corpus, functionals=np.hstack([means, corpus.functionals]), feature_names=names))
    return found


def committed(name):
    return pd.read_csv(FOLDER / f"{name}.csv")


def test_the_page_shows_the_committed_tables(modules):
    text = (ROOT / "docs" / "encoder-map.md").read_text(encoding="utf-8")
    for name, table in modules[1].page_tables(FOLDER).items():
        shown = text.split(f"<!-- {name}:begin -->\n")[1].split(f"\n<!-- {name}:end -->")[0]
        assert shown == table, f"table {name} of docs/encoder-map.md is not that of the committed files"


def test_the_committed_runs_hold_every_method(modules):
    runs, setups = committed("runs"), list(modules[2].all_setups())
    assert set(runs["setup"]) == {setup.name for setup in setups} | {"chosen by nesting"}
    rated = runs[runs["target"].isin(["emodb", "urdu", "aesdd"])]
    for setup in setups:
        seeds = rated[rated["setup"] == setup.name].groupby(["policy", "target"])["seed"].nunique()
        expected = 1 if setup.kind in ("pca", "ridge", "features") else setup.n_seeds or 10
        assert len(seeds) == 6
        assert (seeds == expected).all(), setup.name
    assert set(modules[2].CHOICES) == set(committed("nested")["choice"])


def test_the_summary_is_the_mean_of_the_runs():
    runs, summary = committed("runs"), committed("summary")
    means = runs.groupby(["setup", "policy", "target"])["r2_valence"].mean()
    some = summary[(summary["quantity"] == "r2_valence") & (summary["target"] != "mean")]
    for row in some.itertuples():
        assert row.value == pytest.approx(means[row.setup, row.policy, row.target], abs=2e-4)
        assert not row.low > row.value
        assert not row.high < row.value


def test_what_nesting_chose_is_the_best_of_the_other_corpora():
    runs, nested = committed("runs"), committed("nested")
    assert not (nested["left_out"] == nested["inner"]).any()
    scores = nested.groupby(["left_out", "choice"])["score"].mean().unstack()
    for target, choice in scores.idxmax(axis=1).items():
        own = runs[(runs["target"] == target) & (runs["setup"] == choice)]
        shown = runs[(runs["target"] == target) & (runs["setup"] == "chosen by nesting")]
        assert own["uar"].tolist() == shown["uar"].tolist()


@pytest.mark.parametrize("inputs", ["all", "means", "functionals"])
def test_a_line_weighs_corpora_alike_and_sees_its_inputs_alone(modules, corpora, inputs):
    maps, _, setups = modules
    setup = setups.Setup("line", "line", "ridge", penalty=2.0, inputs=inputs)
    (embed,) = maps.maps_of(setup, corpora, 1)
    material = maps.gather(corpora, setup.recipe)
    used = {"all": slice(None), "means": slice(0, 5), "functionals": slice(5, None)}[inputs]
    x, y = material.features[:, used].astype(float), material.label
    weight = np.array([len(x) / (2 * (material.corpus == number).sum()) for number in material.corpus])[:, None]
    middle = [(weight * values).sum(axis=0) / weight.sum() for values in (x, y)]
    x_centred, y_centred = x - middle[0], y - middle[1]
    normal = x_centred.T @ (weight * x_centred) + 2.0 * np.eye(x.shape[1])
    slope = np.linalg.solve(normal, x_centred.T @ (weight * y_centred))
    np.testing.assert_allclose(embed(material.features), middle[1] + x_centred @ slope, atol=2e-3)


def test_the_taught_map_sees_functionals_alone(modules, corpora):
    maps, _, setups = modules
    (setup,) = [each for each in setups.all_setups() if each.kind == "listener"]
    (embed,) = maps.maps_of(replace(setup, recipe=replace(setup.recipe, n_copies=2)), corpora, 1)
    rows = maps.gather(corpora, setup.recipe).features
    other = rows.copy()
    other[:, :5] = 9.0
    np.testing.assert_array_equal(embed(rows), embed(other))
    other[:, 5:] += 1.0
    assert not np.allclose(embed(rows), embed(other))
