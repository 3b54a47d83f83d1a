"""``affectmap ratings`` as a user meets it."""

import pandas as pd
import pytest

from affectmap.agreement import gold_standard, read_raw, write_ratings
from affectmap.corpora import load_corpus
from rating_files import make_ratings, simulate

SHEET = "filename,activation,valence \n03a01Fa.wav,3,3.5\n03a01Nc.wav,2,3\n"


@pytest.fixture
def sheet(here):
    (here / "labels").mkdir()
    (here / "labels" / "EMO_DB.csv").write_text(SHEET)
    return "labels/EMO_DB.csv"


def test_a_sheet_becomes_the_ratings_of_one_rater(affectmap, here, sheet):
    (here / "emodb" / "wav").mkdir(parents=True)
    (here / "emodb" / "wav" / "03a01Fa.wav").touch()
    done = affectmap("ratings", "import", sheet, "--rater", "first", "--audio", "emodb", "-o", "ratings.csv")
    assert done.code == 0
    assert done.out == f"{here / 'ratings.csv'}\n"
    assert done.err.splitlines() == [
        "note: labels/EMO_DB.csv: left out, without a recording: 03a01Nc.wav",
        "one rating of first",
    ]
    assert read_raw(here / "ratings.csv")[["file", "rater", "valence"]].values.tolist() == [
        ["wav/03a01Fa.wav", "first", 3.5]
    ]


def test_a_second_rater_beside_the_first(affectmap, here, sheet):
    affectmap("ratings", "import", sheet, "--rater", "first", "-o", "first.csv")
    (here / "second.csv").write_text("file,rater,activation,valence\n03a01Fa.wav,bo,4,3.5\n03a01Nc.wav,bo,3,2\n")
    done = affectmap("agreement", "first.csv", "second.csv")
    assert done.code == 0
    assert "bo, first  activation  .33     1.00       −1.00      2" in done.out.splitlines()
    done = affectmap("ratings", "export", "first.csv", "second.csv", "-o", "new/EMO_DB.csv")
    assert done.code == 0
    assert (here / "new" / "EMO_DB.csv").read_text().splitlines()[1] == "03a01Fa.wav,3.5,3.5"


@pytest.mark.parametrize("estimator", ["mean", "median"])
def test_a_sheet_by_estimator(affectmap, here, estimator):
    ratings = simulate(6)
    write_ratings(ratings, here / "all.csv")
    done = affectmap("ratings", "export", "all.csv", "--estimator", estimator, "-o", "mine.csv")
    assert (done.code, done.out) == (0, f"{here / 'mine.csv'}\n")
    written = pd.read_csv(here / "mine.csv")
    expected = gold_standard(ratings, estimator)
    pd.testing.assert_frame_equal(
        written.rename(columns={"filename": "file"}), expected[["file", "activation", "valence"]], check_dtype=False
    )


def test_a_database(affectmap, here):
    ratings = simulate(6)
    write_ratings(ratings, here / "all.csv")
    for file in ratings["file"].unique():
        (here / "audio" / file).parent.mkdir(parents=True, exist_ok=True)
        (here / "audio" / file).touch()
    done = affectmap("ratings", "export", "all.csv", "--format", "audformat", "--audio", "audio", "-o", "rated")
    assert (done.code, done.out) == (0, f"{here / 'rated'}\n")
    assert len(load_corpus("rated=rated").table) == 6
    assert affectmap("ratings", "export", "all.csv", "--format", "audformat", "-o", "rated").code == 1


def test_raw_ratings_keep_every_revision(affectmap, here):
    rows = [{"file": "a.wav", "rater": "bo", "valence": v, "revision": i} for i, v in enumerate((1.0, 2.0), 1)]
    write_ratings(make_ratings(*rows), here / "raters" / "bo.csv")
    write_ratings(make_ratings({"file": "a.wav", "rater": "anna", "valence": 3.0}), here / "raters" / "anna.csv")
    assert affectmap("ratings", "export", "raters", "--format", "csv", "-o", "all.csv").code == 0
    assert read_raw(here / "all.csv")["revision"].tolist() == [1, 1, 2]


def test_a_file_is_not_replaced_unasked(affectmap, here, sheet):
    (here / "mine.csv").write_text("the only copy")
    for arguments in (("import", sheet, "--rater", "x"), ("export", "none.csv")):
        done = affectmap("ratings", *arguments, "-o", "mine.csv")
        assert (done.code, done.error) == (
            1,
            "mine.csv exists; name another file with -o, or add --overwrite to replace it",
        )
    assert (here / "mine.csv").read_text() == "the only copy"
    assert affectmap("ratings", "import", sheet, "--rater", "x", "-o", "mine.csv", "--overwrite").code == 0


def test_a_wrong_command_line(affectmap, sheet):
    assert affectmap("ratings").code == 2
    assert affectmap("ratings", "import", sheet, "-o", "a.csv").code == 2
    done = affectmap("ratings", "export", "a.csv", "--audio", ".", "-o", "b.csv")
    expected = "--audio is for audformat, whose tables then have absolute paths; a sheet has none"
    assert (done.code, done.error) == (2, expected)


def test_exports_name_the_speakers(affectmap, here):
    (here / "raw.csv").write_text("file,rater,activation,valence\na.wav,x,2,3\nb.wav,x,3,4\n")
    (here / "who.csv").write_text("file,spk\na.wav,1\nb.wav,2\n")
    ended = affectmap("ratings", "export", "raw.csv", "--speakers", "who.csv", "--format", "csv", "-o", "out.csv")
    assert ended.code == 0, ended.err
    assert "note: column 'spk' is read as speaker" in ended.err
    assert [line.rpartition(",")[2] for line in (here / "out.csv").read_text().splitlines()] == ["speaker", "1", "2"]
    refused = affectmap("ratings", "export", "raw.csv", "--speakers", "who.csv", "--overwrite", "-o", "who.csv")
    assert refused.code
    assert (here / "who.csv").read_text().startswith("file,spk")


def test_the_annotators_database(affectmap, here):
    sqlalchemy = pytest.importorskip("sqlalchemy")
    from affectmap.annotator import database

    opened = database.open_database(None, here / "labels")
    with opened.writing() as connection:
        for table, row in [
            (
                database.ITEMS,
                {"path": "a.wav", "content": "", "n_bytes": 1, "changed_ns": 1, "duration_s": 1, "note": ""},
            ),
            (database.RATERS, {"name": "file", "token": "t", "paused": False, "added_at": ""}),
            (database.ASSIGNMENTS, {"code": "c", "rater_id": 1, "position": 0, "item_id": 1, "presentation": 1}),
            (
                database.RATINGS,
                {"assignment_id": 1, "revision": 1, "key": "k", "activation": 2.5, "valence": 4.0, "cannot_tell": False}
                | {"comment": "=1+1", "seconds": 3.0, "rated_at": "2026-01-31T12:00:00Z"},
            ),
        ]:
            connection.execute(sqlalchemy.insert(table).values(row))
    for source in ("labels", "labels/ratings.sqlite3"):
        ended = affectmap("ratings", "export", source, "--format", "csv", "--overwrite", "-o", "out.csv")
        assert (ended.code, "may be missing" in ended.err) == (0, False), ended.err
        assert (here / "out.csv").read_text().splitlines()[1].startswith("a.wav,file,2.5,4,,false,'=1+1,1,1,")
    refused = affectmap("ratings", "export", "labels", "--format", "csv", "--overwrite", "-o", "labels/ratings.sqlite3")
    assert refused.code
    opened.close()
    (here / "labels" / "ratings.sqlite3").write_bytes(b"x" * 5000)
    ended = affectmap("agreement", "labels")
    assert (ended.code, ended.out) == (1, "")
    assert "ratings.sqlite3 cannot be read (file is not a database)" in ended.error
