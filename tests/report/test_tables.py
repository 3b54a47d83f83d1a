import numpy as np
import pandas as pd

from affectmap.report.tables import GROUPS, build_table

CORPORA = ["emodb", "urdu", "aesdd"]
MAIN = ["held-out", "zero-shot"]


def cell(table, label, corpus, quantity):
    row = next(row for group in table.groups for row in group.rows if row.label == label)
    return row.cells[table.columns.index((corpus, quantity))]


def test_form_is_the_papers(whole_results):
    table = build_table(whole_results.summary, "3", CORPORA, MAIN)
    assert table.columns == [(corpus, label) for corpus in CORPORA for label in ("activation", "valence")]
    assert table.spans == [("emodb", 2), ("urdu", 2), ("aesdd", 2)]
    assert [group.title for group in table.groups] == list(GROUPS[:3])
    names = [[row.label for row in group.rows] for group in table.groups]
    assert names[0] == ["Metric-Act (supervised)", "Metric-Val (supervised)"]
    assert names[1] == ["DAE-Unsupervised", "DAE-Metric-Act", "DAE-Metric-Val", "DAE-Metric-Joint"]
    assert names[2] == ["PCA-2", "Ridge (activation, valence)", "88 functionals"]


def test_a_corpus_without_neutral_has_its_own_columns(whole_results):
    table = build_table(whole_results.summary, "4", CORPORA, MAIN)
    assert table.columns[-2:] == [("aesdd", "S-A"), ("aesdd", "S-H-A")]
    assert table.columns[:2] == [("emodb", "N-S-A"), ("emodb", "N-S-H-A")]


def test_classes_that_the_paper_does_not_name_have_columns_too(whole_results):
    summary = whole_results.summary.assign(quantity=whole_results.summary["quantity"].replace("S-H-A", "N-S-H"))
    table = build_table(summary, "4", CORPORA, MAIN)
    assert table.columns[-2:] == [("aesdd", "S-A"), ("aesdd", "N-S-H")]
    only = build_table(summary[summary["quantity"] == "N-S-H"], "4", CORPORA, MAIN)
    assert only.columns == [("aesdd", "N-S-H")]


def test_values_are_those_of_the_summary(whole_results):
    summary = whole_results.summary
    is_row = (summary["table"] == "4") & (summary["method"] == "DAE-Metric-Val") & (summary["corpus"] == "urdu")
    record = summary[is_row & (summary["quantity"] == "N-S-H-A") & (summary["reading"] == "zero-shot")].iloc[0]
    shown = cell(build_table(summary, "4", CORPORA, MAIN), "DAE-Metric-Val", "urdu", "N-S-H-A")
    assert shown.mean == f"{record['mean']:.2f}"[1:]
    assert shown.sd == f"{record['sd']:.2f}"[1:]
    assert shown.interval == f"{record['ci_low']:.2f}"[1:] + " to " + f"{record['ci_high']:.2f}"[1:]
    assert "5 runs, 310 utterances" in shown.hint


def test_readings_do_not_mix(whole_results):
    probe = build_table(whole_results.summary, "4", CORPORA, ["probe"])
    main = build_table(whole_results.summary, "4", CORPORA, MAIN)
    assert probe.corpora == ["urdu", "aesdd"]
    assert [group.title for group in probe.groups] == list(GROUPS[:2])
    names = ("DAE-Metric-Act", "urdu", "N-S-H-A")
    assert cell(probe, *names).mean != cell(main, *names).mean
    within = "88 functionals, within the corpus"
    assert cell(probe, within, "urdu", "N-S-A") == cell(main, within, "urdu", "N-S-A")


def test_best_is_the_highest_of_the_compared_alone(whole_results):
    table = build_table(whole_results.summary, "3", CORPORA, MAIN)
    for column in range(len(table.columns)):
        cells = {row.label: row.cells[column] for group in table.groups for row in group.rows}
        best = [label for label, value in cells.items() if value.best]
        means = {row.label: row.records[table.columns[column]]["mean"] for row in table.groups[1].rows}
        assert max(means, key=means.get) in best
        assert set(best) <= set(means)


def test_ties_as_written_are_both_best_and_a_value_alone_is_none(whole_results):
    summary = whole_results.summary.query("table == '1'").copy()
    summary.loc[summary["quantity"] == "activation", "mean"] = [0.4001, 0.4004, 0.1, 0.2]
    table = build_table(summary, "1", CORPORA, ["held-out"])
    assert [row.cells[0].best for row in table.groups[0].rows] == [True, True, False, False]
    alone = build_table(summary[summary["method"] == "DAE-Metric-Act"], "1", CORPORA, ["held-out"])
    assert not any(value.best for value in alone.groups[0].rows[0].cells)


def test_negative_values_can_be_best(whole_results):
    summary = whole_results.summary.query("table == '1' and quantity == 'valence'").copy()
    summary["mean"] = [-0.3, -0.1, -0.2, np.nan]
    (group,) = build_table(summary, "1", CORPORA, ["held-out"]).groups
    assert [row.cells[0].best for row in group.rows] == [False, True, False, False]
    assert group.rows[1].cells[0].mean == "−.10"
    assert group.rows[3].cells[0].mean == "–"


def test_significance_of_any_kind(whole_results):
    for flag, expected in ((True, True), (False, False), (np.True_, True), (None, False), (float("nan"), False)):
        summary = whole_results.summary.query("table == '1'").assign(significant=flag)
        cells = build_table(summary, "1", CORPORA, ["held-out"]).groups[0].rows[0].cells
        assert cells[0].significant is expected, flag


def test_what_is_missing_is_a_dash_without_a_spread(whole_results):
    table = build_table(whole_results.summary, "3", CORPORA, MAIN)
    gap = cell(table, "Metric-Act (supervised)", "emodb", "activation")
    assert (gap.mean, gap.sd, gap.interval, gap.hint) == ("–", "", "", "no value")


def test_one_run_has_no_spread_and_few_speakers_no_interval(whole_results):
    summary = whole_results.summary.assign(sd=np.nan, ci_low=np.nan, n_runs=1)
    shown = build_table(summary, "1", CORPORA, ["held-out"]).groups[0].rows[0].cells[0]
    assert (shown.sd, shown.interval) == ("", "")
    assert "±" not in shown.hint
    assert "no interval over speakers; 1 runs" in shown.hint


def test_nothing_for_a_table_gives_none(whole_results):
    assert build_table(whole_results.summary, "9", CORPORA, MAIN) is None
    within = whole_results.summary.query("reading == 'within'")
    assert build_table(within, "4", CORPORA, MAIN) is None


def test_values_within_the_corpus_alone_make_no_column(whole_results):
    summary = whole_results.summary
    without = summary[~((summary["corpus"] == "urdu") & (summary["reading"] == "zero-shot"))]
    assert build_table(without, "4", CORPORA, MAIN).corpora == ["emodb", "aesdd"]


def test_listeners_are_a_group_of_their_own(whole_results):
    one = whole_results.summary.query("table == '3' and corpus == 'urdu' and method == 'PCA-2'")
    rater = one.assign(method="One rater, of the others' mean", reading="rater", mean=0.52)
    table = build_table(pd.concat([whole_results.summary, rater]), "3", CORPORA, MAIN)
    assert [group.title for group in table.groups] == list(GROUPS)
    assert cell(table, "One rater, of the others' mean", "urdu", "activation").mean == ".52"
    assert cell(table, "One rater, of the others' mean", "aesdd", "activation").mean == "–"


def test_unknown_compared_methods_follow_the_known(whole_results):
    extra = whole_results.summary.query("method == 'DAE-Metric-Act'").assign(method="DAE-New")
    summary = pd.concat([extra, whole_results.summary], ignore_index=True)
    labels = [row.label for row in build_table(summary, "1", CORPORA, ["held-out"]).groups[0].rows]
    assert labels[-1] == "DAE-New"
    assert labels[0] == "DAE-Unsupervised"
