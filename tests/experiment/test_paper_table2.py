"""Table 2: the paper's constants, and ours beside them."""

import pytest

from affectmap.experiment.paper_table2 import COLUMNS, table2
from affectmap.stats.scores import Scores
from factories import make_score


def ours(*scores, sources=("cats",)):
    table = table2(Scores(scores), list(sources))
    return table[table["origin"] == "this run"]


def held_out(value: float, **cell):
    return make_score(value, **{"role": "source", "reading": "held-out", "quantity": "N-S-H-A"} | cell)


def test_the_paper_s_rows():
    table = table2(Scores([]), [])
    assert tuple(table.columns) == COLUMNS
    # Scores, number of classes and unit as printed in table 2 of Das et al. 2022.
    assert table[["n_classes", "score", "unit", "origin"]].values.tolist() == [
        [2, 66.0, "UAR", "literature"],
        [4, 50.0, "UA", "literature"],
        [4, 56.08, "UA", "literature"],
        [4, 55.42, "UA", "literature"],
        [4, 50.26, "UA", "literature"],
        [4, 52.09, "UA", "paper"],
    ]
    names = ["GAN", "FLUDA", "VAE+LSTM", "AE+LSTM", "Stacked-AE+BLSTM-RNN", "DAE+Linear-SVM"]
    assert [name.split(" (")[0].split(",")[0] for name in table["method"]] == names
    years = ["2019", "2021", "2018", "2018", "2016"]
    assert [name[-5:-1] for name in table["method"][:5]] == years


def test_ours_is_the_mean_over_folds_in_percent():
    (row,) = ours(held_out(0.4, fold=1), held_out(0.6, fold=2)).to_dict("records")
    assert row["score"] == pytest.approx(50)
    assert (row["n_classes"], row["unit"]) == (4, "UAR")
    assert row["method"] == "DAE-Unsupervised + linear SVC, N-S-H-A"
    assert row["features_corpus"] == "eGeMAPSv02, cats"


def test_a_source_without_neutral_has_three_classes():
    assert ours(held_out(0.4, quantity="S-H-A"))["n_classes"].tolist() == [3]


def test_each_source_has_a_row():
    rows = ours(held_out(0.4), held_out(0.5, corpus="dogs"), sources=("cats", "dogs"))
    assert rows["features_corpus"].tolist() == ["eGeMAPSv02, cats", "eGeMAPSv02, dogs"]


@pytest.mark.parametrize(
    "cell",
    [
        {"method": "DAE-Metric-Act"},
        {"method": "88 functionals"},
        {"corpus": "dogs"},
        {"reading": "zero-shot"},
        {"reading": "probe"},
        {"quantity": "N-S-A"},
        {"table": "3"},
    ],
)
def test_nothing_else_is_ours(cell):
    assert ours(held_out(0.4, **cell)).empty
