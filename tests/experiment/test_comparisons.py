"""Autoencoders against simpler maps and the corpus' own labels: what is set against what, and the verdicts."""

import pytest

from affectmap.experiment.comparisons import COMPARISON_COLUMNS, compare_baselines
from affectmap.stats.baselines import FUNCTIONALS_88, PCA_2
from affectmap.stats.scores import Scores
from affectmap.style import ACT, RIDGE, UNSUPERVISED
from factories import make_score

STEADY = {"table": "3", "quantity": "valence"}


def compared(*scores):
    return compare_baselines(Scores(scores))


def test_nothing_is_compared_with_nothing():
    found = compared(make_score(0.5, method=ACT, **STEADY))
    assert found.empty
    assert tuple(found.columns) == COMPARISON_COLUMNS


def test_what_is_set_against_what():
    found = compared(
        make_score(0.5, method=ACT, **STEADY),
        make_score(0.4, method=UNSUPERVISED, **STEADY),
        make_score(0.3, method=PCA_2, **STEADY),
        make_score(0.6, method=RIDGE, **STEADY),
        make_score(0.7, method=RIDGE, reading="within", **STEADY),
        make_score(0.5, method=ACT),
        make_score(0.8, method=FUNCTIONALS_88, reading="within"),
        make_score(0.9, method=RIDGE, reading="within"),
        # Of a source the ridge baseline is within the corpus already.
        make_score(0.5, method=ACT, corpus="cows", role="source", reading="held-out", **STEADY),
        make_score(0.6, method=RIDGE, corpus="cows", role="source", reading="held-out", **STEADY),
        make_score(0.6, method=RIDGE, corpus="cows", role="source", reading="within", **STEADY),
        # Neither probes nor table 1.
        make_score(0.5, method=ACT, reading="probe"),
        make_score(0.5, method=PCA_2, reading="probe"),
        make_score(0.5, method=ACT, table="1", quantity="valence", reading="held-out"),
        make_score(0.5, method=PCA_2, table="1", quantity="valence", reading="held-out"),
    )
    assert found[["table", "corpus", "method", "against"]].values.tolist() == [
        ["3", "cats", ACT, PCA_2],
        ["3", "cats", ACT, RIDGE],
        ["3", "cats", ACT, f"{RIDGE}, within the corpus"],
        ["3", "cats", UNSUPERVISED, PCA_2],
        ["3", "cats", UNSUPERVISED, RIDGE],
        ["3", "cats", UNSUPERVISED, f"{RIDGE}, within the corpus"],
        ["4", "cats", ACT, f"{FUNCTIONALS_88}, within the corpus"],
        ["3", "cows", ACT, RIDGE],
    ]
    assert found["difference"].tolist() == pytest.approx([0.2, -0.1, -0.2, 0.1, -0.2, -0.3, -0.3, -0.1])


@pytest.mark.parametrize(
    ("value", "without", "verdict"),
    [
        (0.5, [0.49, 0.5, 0.51], "above"),
        (0.1, [0.09, 0.1, 0.11], "below"),
        (0.31, [0.2, 0.3, 0.4], "cannot be told"),
        (0.5, [0.5, 0.5], "cannot be told"),
    ],
)
def test_verdicts_and_intervals(value, without, verdict):
    (row,) = compared(
        make_score(value, without, method=ACT, **STEADY), make_score(0.3, [0.3] * len(without), method=PCA_2, **STEADY)
    ).to_dict("records")
    assert row["verdict"] == verdict
    assert row["difference"] == pytest.approx(value - 0.3)
    assert row["n_speakers"] == len(without)
    assert (row["ci_low"] <= row["difference"] <= row["ci_high"]) == (len(without) > 2)
