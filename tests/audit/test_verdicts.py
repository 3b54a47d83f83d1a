"""What an audit says, and how figures are marked."""

import pandas as pd

from affectmap.audit.verdicts import SHARED, Audit, Check, Mark, Verdict, counted_verdicts, footnotes, signs_of

LEAK, CONFOUNDED = Verdict.LEAK, Verdict.CONFOUNDED


def check(verdict, name="durations", corpus="cats", detail="cats purr"):
    return Check(name, corpus, "", verdict, 0.0, 1, detail)


def test_only_the_figures_that_are_meant_are_marked():
    rows = [("cats", "held-out", 1), ("cats", "held-out", 2), ("cats", "within", 1), ("dogs", "held-out", 1)]
    runs = pd.DataFrame(rows, columns=["corpus", "reading", "fold"])
    audit = Audit((), (Mark("cats", "held-out", 2, LEAK), Mark("dogs", "held-out", 0, CONFOUNDED)))
    assert audit.marked(runs)["audit"].tolist() == ["", "leak", "", "confounded"]
    assert audit.marked(runs.drop(columns="fold"))["audit"].tolist() == ["leak", "leak", "", "confounded"]
    assert audit.marked(runs[["corpus"]])["audit"].tolist() == ["leak", "leak", "leak", "confounded"]
    within = Audit((), (Mark("cats", "within", 0, LEAK),))
    assert within.marked(runs[["corpus"]])["audit"].tolist() == [""] * 4


def test_nothing_is_marked_without_marks_and_both_verdicts_are_named():
    runs = pd.DataFrame({"corpus": ["cats"], "reading": ["held-out"]})
    assert Audit(()).marked(runs)["audit"].tolist() == [""]
    both = Audit((), (Mark("cats", "held-out", 0, CONFOUNDED), Mark("cats", "held-out", 1, LEAK)))
    assert both.marked(runs)["audit"].tolist() == ["leak, confounded"]
    assert Audit(()).marked(runs.iloc[:0]).columns.tolist() == ["corpus", "reading", "audit"]


def test_notes_say_what_marked_figures_suffer_from():
    unnamed = check(Verdict.UNKNOWN, SHARED, detail="cats are not named")
    checks = (check(Verdict.SOUND), check(Verdict.WARNING), unnamed, check(LEAK, detail="cats leak"))
    assert Audit(checks).notes() == ["cats leak."]
    assert Audit(checks).bad()
    marked = Audit(checks, (Mark("cats", "held-out", 1, LEAK),))
    assert marked.notes() == ["cats are not named.", "cats leak."]
    assert not Audit(checks[:3]).bad()


def test_the_table_is_plain_text_and_numbers():
    table = Audit((check(LEAK),)).table()
    assert table.values.tolist() == [["durations", "cats", "", "leak", 0.0, 1, "cats purr"]]
    assert type(table["verdict"].iloc[0]) is str


def test_signs_and_footnotes():
    assert signs_of(["", "confounded", "leak"]) == "†‡"
    assert signs_of([float("nan"), None, ""]) == ""
    assert [sign for sign, _ in footnotes(["confounded"])] == ["‡"]
    assert footnotes([]) == []


def test_counts_begin_with_the_worst():
    assert counted_verdicts(["sound", "warning", "leak", "sound"]) == "1 leak, 1 warning, 2 sound"
    assert counted_verdicts([]) == ""
