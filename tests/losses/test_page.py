"""docs/losses.md tells of every loss what the classes say, and the committed comparison has all of them."""

import re
from pathlib import Path

import pandas as pd

from affectmap.losses import LOSSES
from cases import each

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/losses.md").read_text(encoding="utf-8")
FORMULAS, COMPARISON = PAGE.split("<!-- comparison:begin -->")
ROWS = {
    row[0]: row for row in re.findall(r"^\| `([\w-]+)` \| `(\w+)` \| (.*) \| (.*) \| (.*) \| (.*) \|$", FORMULAS, re.M)
}


def test_the_page_has_all_losses_and_no_others():
    assert set(ROWS) == set(LOSSES)
    assert set(re.findall(r"^\| `([\w-]+)` \|", COMPARISON, re.M)) == set(LOSSES)


@each("name", LOSSES)
def test_class_and_promises_are_those_of_the_code(name):
    _, kind, _, blind_to, _, _ = ROWS[name]
    promised = [word for word in ("rotation", "shift", "scale") if getattr(LOSSES[name], f"{word}_invariant")]
    assert kind == LOSSES[name].__name__
    assert blind_to == (", ".join(promised) or "–")


def test_the_comparison_is_of_all_losses_on_three_corpora_with_five_seeds():
    results = pd.read_csv(ROOT / "experiments/losses/results.csv")
    trained = results[results["loss"].isin(list(LOSSES))]
    assert set(trained["loss"]) == set(LOSSES)
    assert (trained.groupby("loss").size() == 15).all()
    assert (trained.groupby(["loss", "target"])["seed"].nunique() == 5).all()
    for column in ("r2_activation", "r2_valence", "uar"):
        assert results[column].between(-0.05, 1).all()


def test_examples_on_the_page_run():
    for block in re.findall(r"```python\n(.*?)```", PAGE, re.S):
        exec(compile(block, "docs/losses.md", "exec"), {})
