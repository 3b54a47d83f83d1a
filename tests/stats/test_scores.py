"""Means, spreads and intervals by hand."""

import numpy as np
import pandas as pd
import pytest

from affectmap.stats.scores import RUN_COLUMNS, SUMMARY_COLUMNS, Key, Scores
from factories import make_score

NAN = float("nan")
KEY = make_score(0.0).key


def test_summary_by_hand():
    values = (0.5, 0.6, 0.7, 0.9)
    scores = Scores(
        make_score(v, [v - 0.1, v, v + 0.1], fold=k % 2 + 1, seed=k // 2, n=100 + k) for k, v in enumerate(values)
    )
    (row,) = scores.summary().to_dict("records")
    assert tuple(row) == SUMMARY_COLUMNS
    assert tuple(row[name] for name in Key._fields) == KEY
    assert row["mean"] == pytest.approx(0.675)
    assert row["sd"] == pytest.approx(np.sqrt((0.175**2 + 0.075**2 + 0.025**2 + 0.225**2) / 3))
    # 2.5 % and 97.5 % of three values lie 5 % of the way from the outermost to the middle one.
    assert (row["ci_low"], row["ci_high"]) == (pytest.approx(0.58), pytest.approx(0.77))
    assert (row["n_runs"], row["n"]) == (4, 102)
    assert row["significant"] is None


def test_one_run_has_no_spread():
    (row,) = Scores([make_score(0.5)]).summary().to_dict("records")
    assert np.isnan(row["sd"])
    assert (row["mean"], row["n_runs"]) == (0.5, 1)


def test_what_cannot_be_computed_is_left_out_of_means():
    scores = Scores(
        [make_score(0.4, [0.3, 0.5]), make_score(NAN, [NAN, NAN], fold=2), make_score(0.8, [NAN, 0.9], fold=3)]
    )
    assert scores.mean(KEY) == pytest.approx(0.6)
    np.testing.assert_allclose(scores.resamples(KEY), [0.3, 0.7])
    (row,) = scores.summary().to_dict("records")
    assert row["sd"] == pytest.approx(np.std([0.4, 0.8], ddof=1))
    assert row["n_runs"] == 3


def test_nothing_computable_is_nan_without_a_warning():
    scores = Scores([make_score(NAN, [NAN, NAN]), make_score(NAN, [NAN, NAN], fold=2)])
    assert np.isnan(scores.mean(KEY))
    assert np.isnan(scores.resamples(KEY)).all()
    (row,) = scores.summary().to_dict("records")
    assert np.isnan([row["mean"], row["sd"], row["ci_low"], row["ci_high"]]).all()


@pytest.mark.parametrize(
    ("p_values", "expected"),
    [
        ([0.01, 0.04], True),
        ([0.01, 0.05], False),
        ([0.01, 0.2], False),
        ([0.01, NAN], True),
        ([NAN, NAN], None),
    ],
)
def test_significant_is_below_five_percent_in_every_fold(p_values, expected):
    scores = Scores(make_score(0.1, fold=k, p_value=p) for k, p in enumerate(p_values, start=1))
    assert scores.summary()["significant"].tolist() == [expected]


def test_every_value_is_a_row():
    scores = Scores(
        [make_score(0.5, fold=1), make_score(0.1, table="3", p_value=0.02, n=7), make_score(0.6, fold=2, seed=3)]
    )
    runs = scores.runs()
    assert tuple(runs.columns) == RUN_COLUMNS
    assert runs[["table", "fold", "seed", "value", "n"]].values.tolist() == [
        ["4", 1, 0, 0.5, 100],
        ["4", 2, 3, 0.6, 100],
        ["3", 1, 0, 0.1, 7],
    ]
    assert runs["p_value"].isna().tolist() == [True, True, False]


def test_cells_come_in_the_order_in_which_they_were_first_seen():
    scores = Scores(make_score(0.5, corpus=corpus) for corpus in ("dogs", "cats", "dogs", "ants"))
    assert [key.corpus for key in scores] == ["dogs", "cats", "ants"]
    assert KEY in scores
    assert KEY._replace(table="1") not in scores
    with pytest.raises(KeyError):
        scores.mean(KEY._replace(table="1"))


def test_cells_differ_in_every_part_of_their_key():
    others = [KEY._replace(**{name: "else"}) for name in Key._fields]
    scores = Scores([make_score(1.0), *(make_score(0.0)._replace(key=other) for other in others)])
    assert scores.mean(KEY) == 1.0
    assert len(scores.summary()) == 7


def test_no_scores_make_empty_tables():
    scores = Scores([])
    assert list(scores) == []
    assert tuple(scores.runs().columns) == RUN_COLUMNS
    assert tuple(scores.summary().columns) == SUMMARY_COLUMNS
    assert isinstance(scores.summary(), pd.DataFrame)
    assert scores.summary().empty
