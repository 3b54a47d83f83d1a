"""The committed page and tables of ``experiments/transfer``, and the arithmetic behind them."""

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from affectmap.corpora import CARDS, Corpus
from affectmap.preparation.prepared_corpus import prepare
from affectmap.schema import COLUMNS, FUNCTIONALS, segmented_index
from affectmap.stats.intervals import left_out

ROOT = Path(__file__).parents[2]
TARGETS = ("emodb", "urdu", "aesdd")
FOLDER = ROOT / "experiments" / "transfer"


@pytest.fixture(scope="module")
def modules():
    names = ("evaluation", "tables", "page", "setups", "nested", "maps")
    before = {name: sys.modules.pop(name, None) for name in names}
    sys.path.insert(0, str(FOLDER))
    import page
    import setups
    import tables

    yield tables, page, setups
    sys.path.remove(str(FOLDER))
    for name in names:
        sys.modules.pop(name, None)
        if before[name] is not None:
            sys.modules[name] = before[name]


def committed(name):
    return pd.read_csv(FOLDER / f"{name}.csv")


def test_the_page_shows_the_committed_tables(modules):
    text = (ROOT / "docs" / "transfer.md").read_text(encoding="utf-8")
    for name, table in modules[1].page_tables(FOLDER).items():
        shown = text.split(f"<!-- {name}:begin -->\n")[1].split(f"\n<!-- {name}:end -->")[0]
        assert shown == table, f"table {name} of docs/transfer.md is not that of the committed files"


def test_the_committed_runs_hold_every_method_seed_and_corpus(modules):
    runs = committed("runs")
    names = [setup.name for setup in modules[2].all_setups()]
    assert set(runs["setup"]) == {*names, "recipe, chosen by nesting"}
    drawn = runs[~runs["group"].isin(["simple"])]
    assert (drawn.groupby(["setup", "policy", "target"])["seed"].nunique() >= 10).all()
    assert set(runs["target"]) == {"emodb", "urdu", "aesdd"}
    assert len(names) == len(set(names))


def test_the_summary_is_the_mean_of_the_runs():
    runs, summary = committed("runs"), committed("summary")
    one = summary[(summary["setup"] == "recipe") & (summary["policy"] == "target-all") & (summary["quantity"] == "uar")]
    some = runs[(runs["setup"] == "recipe") & (runs["policy"] == "target-all")]
    by_target = some.groupby("target")["uar"].mean()
    found = one.set_index("target")["value"]
    assert found["mean"] == pytest.approx(by_target.mean(), abs=2e-4)
    assert found[by_target.index].to_numpy() == pytest.approx(by_target.to_numpy(), abs=2e-4)
    assert (one["low"] < one["value"]).all()
    assert (one["value"] < one["high"]).all()


def without_speakers(target, value, moved):
    names = [f"s{number}" for number in range(len(moved))]
    return left_out(value, value + np.asarray(moved), names, [10] * len(names), target)


def test_comparisons_are_paired_and_corrected_by_holm(modules):
    rng = np.random.default_rng(0)
    noise = {target: rng.normal(0, 0.05, 10) for target in TARGETS}
    values = {}
    for name, gain in (("low", 0.0), ("same", 0.0), ("high", 0.01)):
        for target, moved in noise.items():
            own = rng.normal(0, 0.0002, 10) if name != "low" else 0.0
            values[name, "card", target, "uar"] = without_speakers(target, 0.5 + gain, moved + own)
    table = modules[0].compared(values, [("same", "low"), ("high", "low")], "card", "uar").set_index("setup")
    # The noise that both share is far larger than their difference.
    assert table.loc["high", "difference"] == pytest.approx(0.01, abs=1e-3)
    assert table.loc["high", "p"] < 0.001
    assert table.loc["high", "p_holm"] == pytest.approx(2 * table.loc["high", "p"])
    assert table.loc["same", "p_holm"] > 0.05


def test_claims_say_which_way_a_difference_goes(modules):
    quantities = ("uar", "uar_3", "r2_activation", "r2_valence", "pairwise_activation")
    rng, values = np.random.default_rng(1), {}
    for name in ("DAE-Unsupervised", "DAE-Metric-Act", "DAE-Metric-Val", "DAE-Metric-Joint"):
        for target in TARGETS:
            for quantity in quantities:
                level = (
                    0.4 + 0.3 * (quantity == "r2_activation") - 0.2 * (name == "DAE-Metric-Val" and quantity == "uar")
                )
                values[name, "target-20", target, quantity] = without_speakers(target, level, rng.normal(0, 0.0005, 10))
    found = modules[0].claims(values).set_index(["claim", "target"])
    assert set(found.loc["b"]["verdict"]) == {"holds"}
    assert set(found.loc["f"]["verdict"]) == {"does not hold"}
    assert set(found.loc["e"]["verdict"]) == {"cannot be told"}


def corpus_of(n_rows):
    index = segmented_index([f"{number}.wav" for number in range(n_rows)])
    table = pd.DataFrame({"speaker": ["anna", "bo"] * (n_rows // 2)}, index).reindex(columns=list(COLUMNS))
    values = np.random.default_rng(2).normal(size=(n_rows, len(FUNCTIONALS)))
    return Corpus("pets", table, functionals=pd.DataFrame(values, index, list(FUNCTIONALS)))


def test_a_corpus_is_by_speaker_where_its_card_allows_that_whatever_its_labels_are(modules):
    pets = prepare(corpus_of(8))
    evaluation = sys.modules["evaluation"]
    talk_show = replace(pets, corpus=replace(pets.corpus, card=CARDS["urdu"]))
    acted = replace(pets, corpus=replace(pets.corpus, card=CARDS["emodb"]))
    for emotion in (None, "sad"):
        table = pets.table.assign(emotion=emotion)
        for corpus, wanted in ((talk_show, "target-all"), (acted, "speaker")):
            relabelled = replace(corpus, table=table)
            found, evaluated = evaluation.target_rows([], relabelled, "card", 0)
            assert np.array_equal(found, evaluation.target_rows([], relabelled, wanted, 0)[0])
            assert evaluated.all()
