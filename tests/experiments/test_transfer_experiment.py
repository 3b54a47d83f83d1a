"""The committed page and tables of ``experiments/transfer``, and the arithmetic behind them."""

import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

ROOT = Path(__file__).parents[2]
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


def test_comparisons_are_paired_and_corrected_by_holm(modules):
    rng = np.random.default_rng(0)
    noise = {target: rng.normal(0, 0.05, 2000) for target in ("emodb", "urdu", "aesdd")}
    resampled = {}
    for name, gain in (("low", 0.0), ("same", 0.0), ("high", 0.01)):
        for target, values in noise.items():
            own = rng.normal(0, 0.001, 2000) if name != "low" else 0.0
            resampled[name, "speaker", target, "uar"] = 0.5 + values + gain + own
    table = modules[0].compared(resampled, [("same", "low"), ("high", "low")], "speaker", "uar").set_index("setup")
    # The noise that both share is far larger than their difference.
    assert table.loc["high", "difference"] == pytest.approx(0.01, abs=1e-3)
    assert table.loc["high", "p"] == pytest.approx(1 / 2000)
    assert table.loc["high", "p_holm"] == pytest.approx(2 / 2000)
    assert table.loc["same", "p_holm"] > 0.05


def test_claims_say_which_way_a_difference_goes(modules):
    quantities = ("uar", "uar_3", "r2_activation", "r2_valence", "pairwise_activation")
    rng, resampled = np.random.default_rng(1), {}
    for name in ("DAE-Unsupervised", "DAE-Metric-Act", "DAE-Metric-Val", "DAE-Metric-Joint"):
        for target in ("emodb", "urdu", "aesdd"):
            for quantity in quantities:
                level = (
                    0.4 + 0.3 * (quantity == "r2_activation") - 0.2 * (name == "DAE-Metric-Val" and quantity == "uar")
                )
                values = level + rng.normal(0, 0.001, 4000)
                resampled[name, "target-20", target, quantity] = values
    found = modules[0].claims(resampled).set_index(["claim", "target"])
    assert set(found.loc["b"]["verdict"]) == {"holds"}
    assert set(found.loc["f"]["verdict"]) == {"does not hold"}
    assert set(found.loc["e"]["verdict"]) == {"cannot be told"}
