"""Tables as text, letter for letter."""

from types import SimpleNamespace

import pandas as pd
import pytest

from affectmap.cli.tables import format_table, print_tables

COLUMNS = ["table", "method", "corpus", "quantity", "reading", "mean", "sd"]
NAN = float("nan")


def frame(*rows):
    return pd.DataFrame(rows, columns=COLUMNS)


@pytest.fixture
def summary():
    return frame(
        ("3", "DAE-Unsupervised", "birds", "activation", "held-out", 0.631, 0.05),
        ("3", "DAE-Metric-Act", "birds", "activation", "held-out", 0.689, 0.1),
        ("3", "PCA-2", "birds", "activation", "held-out", 0.7, NAN),
        ("3", "Ridge (activation, valence)", "birds", "activation", "within", 0.744, NAN),
        ("3", "DAE-Unsupervised", "cats", "valence", "zero-shot", -0.026, 0.004),
        ("3", "DAE-Metric-Act", "cats", "valence", "zero-shot", NAN, NAN),
        ("3", "Metric-Act (supervised)", "cats", "valence", "supervised", 0.9, 0.1),
        ("3", "Metric-Val (supervised)", "cats", "valence", "supervised", 0.8, 0.1),
        ("4", "DAE-Metric-Act", "cats", "N-S-A", "probe", 1.0, 0.0),
    )


def test_a_table_exactly(summary):
    assert format_table(summary, "3", ("held-out", "zero-shot")).splitlines() == [
        "                     Unsup.       Act   PCA-2   within  superv.",
        "birds  activation   .63±.05   .69±.10▲    .70      .74",
        "cats   valence     −.03±.00         –       –           .80±.10",
    ]


def test_without_values_within_the_corpus_there_is_no_column_of_them(summary):
    text = format_table(summary[~summary["reading"].isin(["within", "supervised"])], "3", ("held-out",))
    assert text.splitlines()[0].split() == ["Unsup.", "Act", "PCA-2"]


def test_what_a_rater_explains_has_a_column(summary):
    rater = frame(("3", "One rater, of the others' mean", "cats", "valence", "rater", 0.52, 0.04))
    lines = format_table(pd.concat([summary, rater]), "3", ("held-out", "zero-shot")).splitlines()
    assert lines[0].split()[-3:] == ["within", "superv.", "rater"]
    assert lines[2].endswith("  .80±.10  .52±.04")


def test_one_alone_is_not_marked_as_best(summary):
    assert format_table(summary, "4", ("probe",)).splitlines()[1] == "cats  N-S-A  1.00±.00"


def test_a_tie_is_marked_twice_and_baselines_never():
    rows = [("DAE-Unsupervised", 0.4), ("DAE-Metric-Act", 0.501), ("DAE-Metric-Val", 0.499), ("PCA-2", 0.9)]
    table = frame(*(("4", method, "cats", "N-S-A", "zero-shot", mean, NAN) for method, mean in rows))
    assert format_table(table, "4", ("zero-shot",)).splitlines()[1] == "cats  N-S-A     .40   .50▲  .50▲    .90"
    # A lead that the digits do not show is none.
    assert "▲" not in format_table(table.iloc[1:], "4", ("zero-shot",))


def test_nothing_to_show_is_no_text(summary):
    assert format_table(summary, "1", ("held-out",)) == ""
    assert format_table(summary, "4", ("zero-shot",)) == ""


def test_all_that_is_printed_exactly(summary, capsys):
    columns = ["claim", "statement", "corpus", "verdict"]
    claims = pd.DataFrame(
        [("a", "Cats purr.", "cats", "holds"), ("a", "Cats purr.", "all", "cannot be told")], columns=columns
    )
    settings = {"policy": "speaker", "folds": "session", "outlier_threshold": 10.0}
    print_tables(SimpleNamespace(notes=["Read this first."], summary=summary, claims=claims, settings=settings))
    out, err = capsys.readouterr()
    assert err == ""
    assert out.splitlines() == [
        "Note: Read this first.",
        "",
        "Table 3. Labels explained by the embedding (adjusted R²)",
        *format_table(summary, "3", ("held-out", "zero-shot")).splitlines(),
        "",
        "Table 4, probe. Emotion classes (UAR), classifier cross-validated by speaker on the target",
        *format_table(summary, "4", ("probe",)).splitlines(),
        "",
        "± standard deviation over folds and seeds; ▲ best of the autoencoders; within: trained on the corpus' own labels, "
        "held-out speakers (table 3: ridge; table 4: a linear classifier on the 88 features); superv.: the metric loss so "
        "trained on the rating of the row; rater: what one rater explains of the others' mean, where there are two or more",
        "targets standardised by policy speaker; source folds by session; utterances with any |z| > 10 dropped",
        "",
        "The paper's claims on these corpora",
        "  (a) cannot be told: Cats purr.",
    ]


def test_without_claims_there_is_no_heading(summary, capsys):
    settings = {"policy": "speaker", "folds": "session", "outlier_threshold": 10.0}
    claims = pd.DataFrame([], columns=["claim", "corpus"])
    print_tables(SimpleNamespace(notes=[], summary=summary, claims=claims, settings=settings))
    assert "claims" not in capsys.readouterr().out


def test_corpora_that_an_audit_found_fault_with_are_signed(summary):
    marked = summary.assign(audit=["leak"] * 4 + ["confounded"] + [""] * 4)
    lines = format_table(marked, "3", ("held-out", "zero-shot")).splitlines()
    assert lines[1].startswith("birds†  activation   .63±.05   .69±.10▲    .70     .74†")
    assert lines[2].startswith("cats‡   valence")


def test_signs_are_explained_below_the_tables(summary, capsys):
    settings = {"policy": "speaker", "folds": "session", "outlier_threshold": 10.0}
    claims = pd.DataFrame([], columns=["claim", "corpus"])
    marked = summary.assign(audit=["leak"] + [""] * 8)
    print_tables(SimpleNamespace(notes=[], summary=marked, claims=claims, settings=settings))
    assert (
        capsys.readouterr().out.splitlines()[-1].startswith("† a speaker or a recording is, or may be, on both sides")
    )
