"""``affectmap audit``: what is printed, where, and how it ends."""

import pandas as pd
import pytest

from corpus_files import make_rows, read_sheet, write_emodb, write_sheet, write_table


@pytest.fixture
def audit(affectmap):
    return lambda *arguments: affectmap("audit", "--n-folds", 2, *arguments)


def test_clean_tables_exactly(audit, here):
    birds = write_table(here, "birds")
    cats = write_table(here, "cats", make_rows(n_speakers=3, seed=1))
    code, out, err = audit("--source", birds, "--target", cats)
    assert code == 0
    assert out.splitlines() == [
        "check                            corpus  verdict  value  of",
        "shared speakers                  birds   sound        0   2",
        "emotion from the speaker         birds   sound      .25  32",
        "emotion from the speaker         cats    sound      .25  24",
        "duplicate recordings             birds   sound        0  32",
        "duplicate recordings             cats    sound        0  24",
        "duplicate recordings             all     sound        0  56",
        "duplicates in training and test  birds   sound        0   2",
        "labels and recordings            birds   sound        0  32",
        "labels and recordings            cats    sound        0  24",
        "mean and standard deviation      birds   sound        0  16",
        "mean and standard deviation      cats    sound        0   5",
    ]
    assert err.splitlines() == [
        "birds: 32 utterances found, 0 dropped, 32 used, 32 rated",
        "cats: 24 utterances found, 0 dropped, 24 used, 24 rated",
        "11 sound",
    ]


def test_a_leak_is_told_first_and_makes_audit_fail(audit, here):
    birds = write_table(here, "birds")
    code, out, err = audit("--source", birds, "--folds", "stratified")
    assert code == 0
    assert out.split("\n\n")[1] == (
        "leak: 2 of 2 folds of birds share speakers between training and test (4 of 4 speakers): the held-out results "
        "say nothing about unseen speakers; use --folds speaker\n"
    )
    assert err.splitlines()[-1] == "1 leak, 5 sound"
    assert audit("--source", birds, "--folds", "stratified", "--fail") == (1, out, err)
    assert audit("--source", birds, "--fail").code == 0


def test_the_file_has_every_sentence(audit, here):
    rows = make_rows()
    rows["speaker"] = rows["emotion"] + rows["speaker"].str[-1]
    birds = write_table(here, "birds", rows)
    assert audit("--source", birds, "--policy", "speaker", "--fail", "-o", "audit.csv").code == 1
    table = pd.read_csv("audit.csv", keep_default_na=False)
    assert table.columns.tolist() == ["check", "corpus", "other", "verdict", "value", "n", "detail"]
    assert table["verdict"].value_counts()["confounded"] == 1
    assert table["detail"].str.len().min() > 20
    tex = (here / "audit.tex").read_text(encoding="utf-8")
    assert r"mean and standard deviation & birds & confounded &" in tex
    assert tex.count(r" \\") == 1 + len(table)


def test_a_table_in_latex_is_no_more_replaced_than_the_file_beside_it(audit, here):
    birds = write_table(here, "birds")
    (here / "audit.tex").write_text("mine")
    outcome = audit("--source", birds, "-o", "audit.csv")
    assert outcome.code != 0
    assert "audit.tex exists" in outcome.error
    assert (here / "audit.tex").read_text() == "mine"
    assert not (here / "audit.csv").exists()
    assert audit("--source", birds, "-o", "audit.csv", "--overwrite").code == 0
    assert audit("--source", birds, "-o", "/dev/stdout").code == 0, "no table beside a stream"


def test_recordings_and_sheets_that_do_not_fit(audit, here):
    write_emodb(here)
    lines = read_sheet(here)
    write_sheet(here, [*lines[2:], "99a01Wa.wav,3,3"])
    copy = here / "emodb" / "wav" / "03a01Wa.wav"
    copy.write_bytes((here / "emodb" / "wav" / "08a01Wa.wav").read_bytes())
    code, out, _ = audit("--source", "emodb=emodb", "--labels", "labels")
    assert code == 0
    assert "labels and recordings            emodb   warning" in out
    assert "(missing 2, unlabelled 2); affectmap corpora or the report names each" in out
    assert "pair of recordings with the same sound (same samples 1) in EMO-DB, first wav/03a01Wa.wav, wav/08a" in out
    assert "leak: two speakers of EMO-DB have the same sound in 1 pair" in out


def test_a_source_that_cannot_be_split_is_still_audited(audit, here):
    birds = write_table(here, "birds", make_rows(n_speakers=1))
    code, out, err = audit("--source", birds)
    assert code == 0
    assert "note: not split: birds: speakers are too few, 1 for 2 folds" in err
    assert "cannot be told: birds was not split" in out


def test_without_a_source_it_says_what_to_give(audit):
    assert audit() == (
        2, "", "affectmap: error: no source is given; add --source NAME=DIR, or source = [...] to the settings file\n"
    )  # fmt: skip


@pytest.mark.slow
def test_it_needs_no_torch(process, here):
    birds = write_table(here, "birds")
    first = "import atexit, sys\natexit.register(lambda: print('torch' in sys.modules))"
    assert process("audit", "--source", birds, first=first).out.endswith("\nFalse\n")
