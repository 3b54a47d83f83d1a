"""Verdicts on scores made by hand, whose answer is known."""

import numpy as np
import pytest

from affectmap.experiment.comparisons import FAILS, HOLDS, OPEN
from affectmap.experiment.paper_claims import CLAIM_COLUMNS, STATEMENTS, TABLE2_COLUMNS, judge_claims, table2
from affectmap.features.encoders.features import SUPERB
from affectmap.stats.scores import Scores
from affectmap.style import ACT, SUPERVISED, UNSUPERVISED, VAL
from factories import make_score

NAN = float("nan")
TOLD = (HOLDS, FAILS, OPEN)
WOBBLE = np.array([-0.005, 0.0, 0.005])
#: Differences between methods whose interval is above, below, or around 0.
ABOVE, BELOW, AROUND = 0.1, -0.1, 0.0


def cells(values: dict[str, float], corpora=("cats", "dogs"), **cell) -> list:
    """One value a method and corpus; all but the unsupervised move a little with the speakers."""
    return [
        make_score(value, value + WOBBLE * (method != UNSUPERVISED), method=method, corpus=corpus, **cell)
        for corpus in corpora
        for method, value in values.items()
    ]


def overall(scores: list, claim: str) -> dict:
    judged = judge_claims(Scores(scores))
    (row,) = judged[(judged["claim"] == claim) & (judged["corpus"] == "all")].to_dict("records")
    return row


def comparisons(scores: list, claim: str):
    judged = judge_claims(Scores(scores))
    return judged[(judged["claim"] == claim) & (judged["corpus"] != "all")]


def test_no_scores_no_claims():
    judged = judge_claims(Scores([]))
    assert judged.empty
    assert tuple(judged.columns) == CLAIM_COLUMNS


def test_every_claim_has_its_statement_and_one_overall_row():
    scores = [
        *cells({UNSUPERVISED: 0.2, ACT: 0.3, VAL: 0.3}, table="3", quantity="activation"),
        *cells({UNSUPERVISED: 0.1, ACT: 0.2, VAL: 0.2}, table="3", quantity="valence"),
        *cells({UNSUPERVISED: 0.4, ACT: 0.5, VAL: 0.6}, quantity="N-S-H-A"),
        *cells({UNSUPERVISED: 0.6, ACT: 0.7, VAL: 0.8, SUPERB: 0.5}),
        *cells(
            {UNSUPERVISED: 0.2, ACT: 0.3, VAL: 0.1}, ("cows",), table="1", quantity="activation", reading="held-out"
        ),
        *cells({SUPERVISED["valence"]: 0.4}, table="3", quantity="valence", reading="supervised"),
    ]
    judged = judge_claims(Scores(scores))
    assert judged.drop_duplicates("claim")[["claim", "statement"]].values.tolist() == [
        [k, v] for k, v in STATEMENTS.items()
    ]
    for _, group in judged.groupby("claim"):
        assert (group["corpus"] == "all").tolist() == [False] * (len(group) - 1) + [True]
    assert judged["verdict"].isin(TOLD).all()


# (a) and (c)


@pytest.mark.parametrize(("claim", "cell"), [("a", {"table": "3", "quantity": "valence"}), ("c", {"table": "4"})])
@pytest.mark.parametrize(("gain", "verdict"), [(ABOVE, HOLDS), (BELOW, FAILS), (AROUND, OPEN)])
def test_metric_methods_against_the_unsupervised(claim, cell, gain, verdict):
    scores = cells({UNSUPERVISED: 0.4, ACT: 0.4 + gain, VAL: 0.4 + gain}, **cell)
    row = overall(scores, claim)
    assert (row["verdict"], row["comparison"]) == (verdict, "mean of the comparisons")
    assert row["difference"] == pytest.approx(gain)
    # Two corpora of three speakers: four degrees of freedom.
    margin = 2.77645 * np.sqrt(2 * 2 / 3 * 2 * (0.005 / 2) ** 2)
    assert [row["ci_low"], row["ci_high"]] == pytest.approx([gain - margin, gain + margin], rel=1e-5)
    single = comparisons(scores, claim)
    assert single[["corpus", "comparison"]].values.tolist() == [
        [corpus, f"{method} − {UNSUPERVISED}"] for corpus in ("cats", "dogs") for method in (ACT, VAL)
    ]
    assert set(single["verdict"]) == {verdict}


def test_the_exception_of_the_paper_is_shown_and_not_counted():
    low = cells({UNSUPERVISED: 0.6, ACT: 0.3, VAL: 0.7}, ("emodb",), table="3", quantity="activation")
    rest = cells({UNSUPERVISED: 0.4, ACT: 0.5, VAL: 0.5}, ("emodb",), table="3", quantity="valence")
    single = comparisons([*low, *rest], "a")
    assert single[["quantity", "comparison", "verdict"]].values.tolist() == [
        ["activation", f"{ACT} − {UNSUPERVISED} (the paper's exception)", FAILS],
        ["activation", f"{VAL} − {UNSUPERVISED}", HOLDS],
        ["valence", f"{ACT} − {UNSUPERVISED}", HOLDS],
        ["valence", f"{VAL} − {UNSUPERVISED}", HOLDS],
    ]
    row = overall([*low, *rest], "a")
    assert (row["comparison"], row["verdict"]) == ("mean of 3 of 4 comparisons", HOLDS)
    assert row["difference"] == pytest.approx(0.1)
    # Only there: the same values of another corpus, or of classes, count.
    other = cells({UNSUPERVISED: 0.6, ACT: 0.3, VAL: 0.7}, ("cats",), table="3", quantity="activation")
    assert overall(other, "a")["comparison"] == "mean of the comparisons"


def test_the_mean_decides_where_comparisons_disagree():
    row = overall(cells({UNSUPERVISED: 0.4, ACT: 0.7, VAL: 0.3}), "c")
    assert (row["verdict"], row["difference"]) == (HOLDS, pytest.approx(0.1))
    single = comparisons(cells({UNSUPERVISED: 0.4, ACT: 0.7, VAL: 0.3}), "c")
    assert single["verdict"].tolist() == [HOLDS, FAILS] * 2


def test_only_unseen_corpora_count():
    held_out = cells({UNSUPERVISED: 0.4, ACT: 0.7, VAL: 0.7}, role="source", reading="held-out")
    probe = cells({UNSUPERVISED: 0.4, ACT: 0.7, VAL: 0.7}, reading="probe")
    assert judge_claims(Scores([*held_out, *probe])).empty


def test_other_methods_take_no_part():
    scores = cells({UNSUPERVISED: 0.4, "DAE-Metric-Joint": 0.9, "PCA-2": 0.9, "88 functionals": 0.9})
    assert "c" not in set(judge_claims(Scores(scores))["claim"])


def test_differences_are_paired_by_resample():
    # Both methods swing far with the speakers, but always together.
    swing = np.array([-0.3, 0.0, 0.3])
    scores = [
        make_score(0.5, 0.5 + swing, method=UNSUPERVISED),
        make_score(0.55, 0.55 + swing, method=ACT),
    ]
    row = overall(scores, "c")
    assert (row["verdict"], row["ci_low"], row["ci_high"]) == (HOLDS, pytest.approx(0.05), pytest.approx(0.05))


def test_folds_and_seeds_are_averaged_before_they_are_compared():
    scores = [
        make_score(value, [value] * 3, method=method, fold=fold, seed=seed)
        for method, values in ((UNSUPERVISED, (0.5, 0.1, 0.3)), (ACT, (0.1, 0.5, 0.6)))
        for (fold, seed), value in zip(((1, 0), (2, 0), (1, 1)), values, strict=True)
    ]
    assert overall(scores, "c")["difference"] == pytest.approx(0.1)


@pytest.mark.parametrize(
    ("value", "without"),
    [(NAN, [NAN, NAN, NAN]), (NAN, [0.1, 0.2, 0.3]), (0.2, [NAN, NAN, NAN])],
    ids=["nothing known", "no value", "one speaker"],
)
def test_a_comparison_that_tells_nothing_leaves_the_others_their_verdict(value, without):
    scores = cells({UNSUPERVISED: 0.4, ACT: 0.5})
    lame = [make_score(value, without, method=method, corpus="ants") for method in (UNSUPERVISED, ACT)]
    row = overall([*scores, *lame], "c")
    assert (row["verdict"], row["comparison"]) == (HOLDS, "mean of 2 of 3 comparisons")
    assert row["difference"] == pytest.approx(0.1)
    single = comparisons([*scores, *lame], "c")
    assert single.loc[single["corpus"] == "ants", "verdict"].tolist() == [OPEN]
    alone = overall(lame, "c")
    assert (alone["verdict"], alone["comparison"]) == (OPEN, "mean of 0 of 1 comparisons")
    assert np.isnan([alone["difference"], alone["ci_low"], alone["ci_high"]]).all()


def test_a_corpus_of_few_speakers_takes_no_part_in_the_mean():
    scores = [
        *cells({UNSUPERVISED: 0.4, ACT: 0.5}, ("cats",)),
        make_score(0.4, [0.4, 0.4], method=UNSUPERVISED, corpus="dogs"),
        make_score(0.9, [0.8, 1.0], method=ACT, corpus="dogs"),
    ]
    row = overall(scores, "c")
    assert (row["difference"], row["comparison"]) == (pytest.approx(0.1), "mean of 1 of 2 comparisons")
    assert comparisons(scores, "c")[["n_speakers", "verdict"]].values.tolist() == [[3, HOLDS], [2, OPEN]]


# (b)


@pytest.mark.parametrize(("gain", "verdict"), [(ABOVE, HOLDS), (BELOW, FAILS), (AROUND, OPEN)])
def test_activation_against_valence(gain, verdict):
    scores = [
        *cells({ACT: 0.2 + gain}, table="3", quantity="activation"),
        *(
            make_score(0.2, [0.2] * 3, method=ACT, corpus=corpus, table="3", quantity="valence")
            for corpus in ("cats", "dogs")
        ),
    ]
    assert overall(scores, "b")["verdict"] == verdict
    assert comparisons(scores, "b")["comparison"].tolist() == [f"activation − valence, {ACT}"] * 2


def test_activation_alone_is_compared_with_nothing():
    assert judge_claims(Scores(cells({ACT: 0.3}, table="3", quantity="activation"))).empty


# (d)


def classes(gain: float, swaps: float | None, names=("N-S-A", "N-S-H-A")) -> list:
    three = [make_score(0.5, [0.5] * 3, method=ACT, corpus=corpus, quantity=names[1]) for corpus in ("cats", "dogs")]
    by_chance = 1 / len(names[0].split("-")) - 1 / len(names[1].split("-"))
    easier = cells({ACT: 0.5 + gain + by_chance}, quantity=names[0])
    confused = [] if swaps is None else cells({ACT: swaps}, table="d", quantity="happy-angry confusion")
    return [*three, *easier, *confused]


@pytest.mark.parametrize(
    ("gain", "swaps", "verdict"),
    [
        (ABOVE, ABOVE, HOLDS),
        (ABOVE, AROUND, OPEN),
        (ABOVE, BELOW, FAILS),
        (AROUND, ABOVE, OPEN),
        (BELOW, ABOVE, FAILS),
        (AROUND, BELOW, FAILS),
        (ABOVE, None, OPEN),
        (BELOW, None, FAILS),
    ],
)
def test_both_halves_of_the_happy_angry_claim_must_hold(gain, swaps, verdict):
    row = overall(classes(gain, swaps), "d")
    assert (row["verdict"], row["comparison"]) == (verdict, "all parts")
    assert np.isnan([row["difference"], row["ci_low"], row["ci_high"]]).all()


def test_guessing_makes_three_classes_no_easier_than_four():
    chance = [*cells({ACT: 1 / 4 + ABOVE}, quantity="N-S-H-A"), *cells({ACT: 1 / 3 + ABOVE}, quantity="N-S-A")]
    assert comparisons(chance, "d")["difference"].abs().max() < 1e-12


def test_without_neutral_two_classes_are_compared_with_three():
    single = comparisons(classes(ABOVE, ABOVE, ("S-A", "S-H-A")), "d")
    assert single["comparison"].tolist()[::2] == [
        f"S-A − S-H-A, each above guessing, {ACT}",
        f"happy and angry errors that are swaps − even share, {ACT}",
    ]
    assert single["quantity"].tolist() == ["UAR", "UAR", "confusion", "confusion"]


def test_without_angry_there_is_nothing_to_confuse():
    assert "d" not in set(
        judge_claims(Scores(cells({ACT: 0.5}, quantity="N-S-H") + cells({ACT: 0.6}, quantity="N-S")))["claim"]
    )


# (e)


def pairwise(activation: dict[str, float], valence: dict[str, float]) -> list:
    return [
        make_score(
            value,
            value + WOBBLE * {UNSUPERVISED: 0, ACT: 1, VAL: -1}[method],
            method=method,
            corpus="cows",
            role="source",
            table="1",
            quantity=quantity,
            reading="held-out",
        )
        for quantity, values in (("activation", activation), ("valence", valence))
        for method, value in values.items()
    ]


NO_GAIN = {UNSUPERVISED: 0.2, VAL: 0.1}


@pytest.mark.parametrize(
    ("activation", "valence", "verdict"),
    [
        ({UNSUPERVISED: 0.2, ACT: 0.4, VAL: 0.1}, NO_GAIN, HOLDS),
        # Higher than the others on average is not the highest.
        ({UNSUPERVISED: 0.5, ACT: 0.4, VAL: 0.1}, NO_GAIN, FAILS),
        ({UNSUPERVISED: 0.4, ACT: 0.4, VAL: 0.1}, NO_GAIN, OPEN),
        ({UNSUPERVISED: 0.2, ACT: 0.4, VAL: 0.4}, NO_GAIN, OPEN),
        # Metric-Val gains.
        ({UNSUPERVISED: 0.2, ACT: 0.4, VAL: 0.1}, {UNSUPERVISED: 0.1, VAL: 0.2}, FAILS),
        ({UNSUPERVISED: 0.2, ACT: 0.4, VAL: 0.1}, {UNSUPERVISED: 0.1, VAL: 0.1}, OPEN),
        # A method that was not trained leaves a part untold, whatever the others say.
        ({UNSUPERVISED: 0.2, ACT: 0.4}, {}, OPEN),
        ({UNSUPERVISED: 0.5, ACT: 0.4}, {}, FAILS),
    ],
)
def test_pairwise_claim(activation, valence, verdict):
    assert overall(pairwise(activation, valence), "e")["verdict"] == verdict


def test_pairwise_comparisons_are_of_the_source():
    scores = pairwise({UNSUPERVISED: 0.2, ACT: 0.4, VAL: 0.1}, {UNSUPERVISED: 0.3, ACT: 0.4, VAL: 0.1})
    single = comparisons(scores, "e")
    assert single[["corpus", "quantity", "comparison"]].values.tolist() == [
        ["cows", "activation", f"{ACT} − {UNSUPERVISED}"],
        ["cows", "activation", f"{ACT} − {VAL}"],
        ["cows", "valence", f"{UNSUPERVISED} − {VAL} (similar: {VAL} at most 0.02 higher)"],
    ]
    np.testing.assert_allclose(single["difference"], [0.2, 0.3, 0.2])


@pytest.mark.parametrize(
    ("gain", "spread", "verdict"),
    [(0.01, 1e-4, HOLDS), (-0.3, 1e-4, HOLDS), (0.03, 1e-4, FAILS), (0.02, 0.01, OPEN), (0.0, 0.01, OPEN)],
)
def test_similar_is_a_gain_of_two_hundredths_at_most(gain, spread, verdict):
    wobble = spread * np.array([-1.0, 0.0, 1.0])
    cell = {"corpus": "cows", "role": "source", "table": "1", "quantity": "valence", "reading": "held-out"}
    scores = [
        make_score(0.03, np.full(3, 0.03), method=UNSUPERVISED, **cell),
        make_score(0.03 + gain, 0.03 + gain + wobble, method=VAL, **cell),
    ]
    (row,) = comparisons(scores, "e").to_dict("records")
    assert (row["verdict"], row["difference"]) == (verdict, pytest.approx(-gain))


# (f)


def contest(*gains: float) -> list:
    return [
        score
        for i, gain in enumerate(gains)
        for score in (
            make_score(0.5, [0.5] * 3, method=ACT, corpus=f"corpus {i}"),
            make_score(0.5 + gain, 0.5 + gain + WOBBLE, method=VAL, corpus=f"corpus {i}"),
        )
    ]


@pytest.mark.parametrize(
    ("gains", "share", "verdict"),
    [
        ((ABOVE, ABOVE, ABOVE, BELOW), 0.25, HOLDS),
        ((ABOVE, BELOW, BELOW, BELOW), -0.25, FAILS),
        ((ABOVE, ABOVE, BELOW, BELOW), 0.0, OPEN),
        ((0.01, 0.01, 0.01), 0.5, OPEN),
        ((5.0, BELOW, BELOW), 1 / 3 - 0.5, FAILS),
    ],
)
def test_more_often_than_not_counts_comparisons(gains, share, verdict):
    row = overall(contest(*gains), "f")
    assert (row["verdict"], row["comparison"]) == (verdict, "share of the comparisons won, less one half")
    assert row["difference"] == pytest.approx(share)


def test_a_contest_that_tells_nothing_is_neither_won_nor_lost():
    lame = [make_score(NAN, [NAN] * 3, method=method, corpus="ants") for method in (ACT, VAL)]
    row = overall([*contest(ABOVE, ABOVE), *lame], "f")
    assert (row["verdict"], row["difference"]) == (HOLDS, pytest.approx(0.5))
    assert row["comparison"] == "share of 2 of 3 comparisons won, less one half"


# (g)


def superb_cells(four: float, three: float, corpus: str, **cell) -> list:
    """The autoencoders reach .5 and .6, the reference something else."""
    ours = {UNSUPERVISED: 0.5, ACT: 0.5, VAL: 0.5}
    return [
        *cells(ours | {SUPERB: four}, (corpus,), quantity="N-S-H-A", **cell),
        *cells(dict.fromkeys(ours, 0.6) | {SUPERB: three}, (corpus,), quantity="N-S-A", **cell),
    ]


@pytest.mark.parametrize(
    ("ahead", "behind", "verdict"),
    [
        ((0.7, 0.8), (0.4, 0.3), HOLDS),
        ((0.3, 0.2), (0.4, 0.3), FAILS),  # behind where the paper sees it ahead
        ((0.7, 0.8), (0.7, 0.8), FAILS),  # ahead everywhere
        ((0.7, 0.8), (0.3, 0.5), FAILS),  # behind, but less with three classes
        ((0.7, 0.8), (0.4, 0.5), OPEN),  # behind by as much
    ],
)
def test_superb_ahead_on_two_corpora_and_behind_elsewhere(ahead, behind, verdict):
    scores = [
        *superb_cells(*ahead, "iemocap", reading="held-out"),
        *superb_cells(*ahead, "savee"),
        *superb_cells(*behind, "urdu"),
    ]
    row = overall(scores, "g")
    assert (row["verdict"], row["comparison"]) == (verdict, "all parts")


def test_without_the_two_corpora_it_cannot_hold():
    assert overall(superb_cells(0.4, 0.3, "urdu"), "g")["verdict"] == OPEN
    assert overall(superb_cells(0.9, 0.9, "urdu"), "g")["verdict"] == FAILS


def test_what_is_compared_with_superb():
    found = comparisons([*superb_cells(0.7, 0.8, "savee"), *superb_cells(0.4, 0.3, "urdu")], "g")
    savee, urdu = (found[found["corpus"] == corpus] for corpus in ("savee", "urdu"))
    assert savee["comparison"].tolist()[:3] == [f"{SUPERB} − {m}, N-S-H-A" for m in (UNSUPERVISED, ACT, VAL)]
    assert savee["difference"].tolist() == pytest.approx([0.2] * 6)
    assert urdu["comparison"].tolist()[:2] == [
        f"{UNSUPERVISED} − {SUPERB}, N-S-H-A",
        f"{UNSUPERVISED} − {SUPERB}: N-S-A − N-S-H-A",
    ]
    assert urdu["difference"].tolist() == pytest.approx([0.1, 0.2] * 3 + [0.3] * 3)


# (h)


def supervised(activation: float, valence: float) -> list:
    means = {"activation": activation, "valence": valence}
    return [
        score
        for quantity, zero_shot in (("activation", 0.4), ("valence", 0.1))
        for score in (
            *cells(dict.fromkeys((UNSUPERVISED, ACT, VAL), zero_shot), ("cats",), table="3", quantity=quantity),
            *cells(
                dict.fromkeys(SUPERVISED.values(), means[quantity]),
                ("cats",), table="3", quantity=quantity, reading="supervised",
            ),
        )
    ]  # fmt: skip


@pytest.mark.parametrize(("means", "verdict"), [((0.6, 0.3), HOLDS), ((0.2, -0.1), FAILS), ((0.4, 0.1), OPEN)])
def test_supervised_models_against_zero_shot(means, verdict):
    scores = supervised(*means)
    assert overall(scores, "h")["verdict"] == verdict
    # The loss on the rating of the row alone.
    assert comparisons(scores, "h")[["quantity", "comparison"]].values.tolist() == [
        [quantity, f"{name} − {method}"] for quantity, name in SUPERVISED.items() for method in (UNSUPERVISED, ACT, VAL)
    ]


def test_without_the_row_there_is_no_claim():
    assert "g" not in set(judge_claims(Scores(cells({UNSUPERVISED: 0.4, ACT: 0.5, VAL: 0.6})))["claim"])


def ours(*scores, sources=("cats",)):
    table = table2(Scores(scores), list(sources))
    return table[table["origin"] == "this run"]


def held_out(value: float, **cell):
    return make_score(value, **{"role": "source", "reading": "held-out", "quantity": "N-S-H-A"} | cell)


def test_the_paper_s_rows():
    table = table2(Scores([]), [])
    assert tuple(table.columns) == TABLE2_COLUMNS
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
