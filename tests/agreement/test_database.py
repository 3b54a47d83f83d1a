"""The annotator's database as a source of ratings: whole, in use, copied, damaged, or somebody else's."""

import os
import random
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from pathlib import Path
from types import SimpleNamespace

import pytest

from affectmap.agreement import database as module
from affectmap.agreement import read_ratings, read_raw, write_ratings
from affectmap.agreement.database import CLOSED, IN_USE, read_database
from affectmap.errors import AffectmapError, LabelError
from cases import each

TABLES = """
CREATE TABLE items (id INTEGER PRIMARY KEY, path TEXT);
CREATE TABLE raters (id INTEGER PRIMARY KEY, name TEXT);
CREATE TABLE assignments (id INTEGER PRIMARY KEY, rater_id INTEGER, item_id INTEGER, presentation INTEGER);
CREATE TABLE ratings (id INTEGER PRIMARY KEY, assignment_id INTEGER, revision INTEGER, activation REAL, valence REAL,
    emotion TEXT, cannot_tell INTEGER, comment TEXT, seconds REAL, rated_at TEXT);
INSERT INTO items VALUES (1, 'a/1.wav'), (2, 'a/2.wav');
INSERT INTO raters VALUES (1, 'Ada'), (2, 'file');
INSERT INTO assignments VALUES (1, 1, 1, 1), (2, 2, 1, 1), (3, 1, 2, 1);
"""
TIME = "2026-01-31T12:00:00.000Z"


class Annotator:
    """Writes as the annotator does."""

    def __init__(self, file):
        self.connection = sqlite3.connect(file, isolation_level=None)
        self.connection.execute("PRAGMA journal_mode=WAL")
        self.connection.executescript(TABLES)
        self.state(IN_USE)
        self.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def state(self, version):
        self.connection.execute(f"PRAGMA user_version={version}")

    def rate(self, assignment, activation, revision=1, comment=""):
        values = (assignment, revision, activation, 2.5, None, 0, comment, 4.5, TIME)
        self.connection.execute(
            "INSERT INTO ratings (assignment_id, revision, activation, valence, emotion, cannot_tell, comment, seconds,"
            " rated_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            values,
        )

    def close(self):
        self.state(CLOSED)
        self.connection.close()


@pytest.fixture
def file(tmp_path):
    return tmp_path / "labels" / "ratings.sqlite3"


@pytest.fixture
def annotator(file):
    file.parent.mkdir()
    started = Annotator(file)
    started.rate(1, 3.0)
    started.rate(1, 3.5, revision=2, comment="line\r\nanother, “quoted”")
    started.rate(2, 4.0)
    yield started
    started.connection.close()


def never(line):
    raise AssertionError(line)


def values(source, notify=never):
    return read_raw(source, notify)[["file", "rater", "activation", "revision"]].to_numpy().tolist()


EXPECTED = [["a/1.wav", "Ada", 3.0, 1], ["a/1.wav", "Ada", 3.5, 2], ["a/1.wav", "file", 4.0, 1]]


def test_in_use(annotator, file):
    """What is still in the log alone is read, too."""
    assert values(file) == values(str(file)) == values(file.parent) == EXPECTED
    annotator.rate(3, 5.0)
    assert values(file)[3:] == [["a/2.wav", "Ada", 5.0, 1]]
    row = read_ratings(file, never).iloc[0]
    assert (row["valence"], row["cannot_tell"], row["seconds"], row["rated_at"]) == (2.5, False, 4.5, TIME)
    assert row["comment"] == "line\r\nanother, “quoted”"
    assert row["emotion"] is None


def test_closed_leaves_nothing_behind(annotator, file):
    annotator.close()
    assert values(file) == EXPECTED
    assert list(file.parent.iterdir()) == [file]


def test_killed(annotator, file, tmp_path):
    """The log stays where the annotator was killed; copies of it are read as it is, with the index or without."""
    for name, endings in [("all", ("", "-wal", "-shm")), ("two", ("", "-wal"))]:
        (tmp_path / name).mkdir()
        for ending in endings:
            shutil.copy(f"{file}{ending}", tmp_path / name)
        assert values(tmp_path / name) == EXPECTED


def test_copied_without_its_log(annotator, file, tmp_path):
    told = []
    copy = shutil.copy(file, tmp_path / "copy.sqlite3")
    assert values(copy, told.append) == []
    assert told == [
        f"{copy} was copied while the annotator ran, or has lost its log, so that the newest ratings may be missing; "
        "copy copy.sqlite3-wal with it, or end the annotator first"
    ]
    with pytest.warns(UserWarning, match="the newest ratings may be missing"):
        read_raw(copy)
    annotator.connection.execute("PRAGMA wal_checkpoint(PASSIVE)")
    assert values(shutil.copy(file, copy), told.append) == EXPECTED
    annotator.close()
    assert values(shutil.copy(file, copy)) == EXPECTED


def test_where_nobody_may_write(annotator, file, monkeypatch):
    """SQLite itself refuses to read such a log."""
    reading = module._read

    def read(file, how):
        if how == "mode=ro":
            error = sqlite3.OperationalError("unable to open database file")
            error.sqlite_errorname = "SQLITE_CANTOPEN"
            raise error
        return reading(file, how)

    monkeypatch.setattr(module, "_read", read)
    assert values(file) == EXPECTED


@pytest.mark.skipif(os.getuid() != 0, reason="NOT ROOT: reading as somebody else is NOT tested")
def test_as_somebody_who_may_only_read(annotator, file):
    code = (
        "import os, sys, pandas, tempfile; from affectmap.agreement import read_raw; os.setuid(65534);"
        "tempfile.tempdir = '/tmp'; [print(len(read_raw(place))) for place in sys.argv[1:]]"
    )
    with tempfile.TemporaryDirectory() as folder:  # below one that everybody may enter
        places = [Path(folder, name) for name in ("used", "copied", "closed")]
        for place, endings in zip(places, (("", "-wal", "-shm"), ("", "-wal"), ("",)), strict=True):
            place.mkdir()
            if place.name == "closed":
                annotator.close()
            for ending in endings:
                shutil.copy(f"{file}{ending}", place)
        Path(folder).chmod(0o755)
        done = subprocess.run([sys.executable, "-W", "error", "-c", code, *places], capture_output=True, text=True)
    assert done.stderr == ""
    assert done.stdout == "3\n3\n3\n"


def test_an_export_beside_it_counts_once(annotator, file):
    write_ratings(read_raw(file, never), file.parent / "ratings.csv")
    annotator.rate(3, 5.0)
    assert len(values(file.parent)) == 4
    (file.parent / "bo.csv").write_text("file,rater,activation\na/1.wav,Bo,2\n")
    assert len(values(file.parent)) == 5
    (file.parent / "bo.csv").write_text("file,rater,activation\na/1.wav,file,2\n")
    with pytest.raises(LabelError, match=r"rating 3 and .*bo.csv, line 2 both give revision 1 of file's rating"):
        values(file.parent)


def damaged(content):
    return content[:4096] + bytes(random.Random(0).randbytes(len(content) - 4096))


@each(
    ("change", "reason"),
    [
        (lambda content: b"", "has no table assignments"),
        (lambda content: content[:50], "cannot be read ("),
        (lambda content: b"x" * len(content), "cannot be read (file is not a database)"),
        (damaged, "cannot be read (database disk image is malformed)"),
        (lambda content: content[: len(content) // 2], "cannot be read (database disk image is malformed)"),
        (lambda content: content.replace(b"2026-01", b"2026-99"), "rating 1: rated_at is '2026-99"),
    ],
)
def test_damage_is_one_line(tmp_path_factory, change, reason):
    file = tmp_path_factory.mktemp("labels") / "ratings.sqlite3"
    annotator = Annotator(file)
    for _ in range(200):
        annotator.rate(1, 3.0, comment="x" * 200)
    annotator.close()
    file.write_bytes(change(file.read_bytes()))
    with pytest.raises(LabelError) as caught:
        read_raw(file, never)
    assert reason in str(caught.value)
    assert "\n" not in str(caught.value)
    assert str(file) in str(caught.value)


@each(
    ("statement", "reason"),
    [
        ("UPDATE ratings SET activation = 9", "rating 1: activation is 9"),
        ("UPDATE ratings SET activation = 'high'", "rating 1: activation is 'high'"),
        ("UPDATE ratings SET activation = x'ff'", "rating 1: activation is"),
        ("UPDATE ratings SET revision = -1", "rating 1: revision is '-1'"),
        ("UPDATE ratings SET comment = zeroblob(5000000)", "cannot be read (string or blob too big)"),
        ("UPDATE raters SET name = ''", "rating 1: names no rater"),
        ("UPDATE items SET path = '/etc/passwd'", "rating 1: file is '/etc/passwd'"),
        ("DROP TABLE items", "has no table items"),
        ("ALTER TABLE ratings DROP COLUMN valence", "cannot be read (no such column: ratings.valence)"),
        (
            "DROP TABLE raters; CREATE VIEW raters AS WITH RECURSIVE n(id) AS (SELECT 1 UNION ALL SELECT id + 1 FROM n)"
            " SELECT id, 'x' AS name FROM n",
            "has no table raters",
        ),
    ],
)
def test_databases_of_strangers(tmp_path_factory, statement, reason):
    file = tmp_path_factory.mktemp("labels") / "ratings.sqlite3"
    annotator = Annotator(file)
    annotator.rate(1, 3.0)
    annotator.connection.executescript(statement)
    annotator.close()
    with pytest.raises(LabelError) as caught:
        read_raw(file, never)
    assert reason in str(caught.value)


def test_it_is_bounded(annotator, file, monkeypatch):
    monkeypatch.setattr(module, "MAX_RATINGS", 2)
    with pytest.raises(LabelError, match="more than 2 ratings; export them as CSV in parts"):
        read_raw(file)
    monkeypatch.setattr(module, "MAX_RATINGS", 20_000)
    monkeypatch.setattr(module, "_MAX_S", -1.0)
    count = "WITH RECURSIVE n(id) AS (SELECT 9 UNION ALL SELECT id + 1 FROM n WHERE id < 9999)"
    annotator.connection.execute(f"{count} INSERT INTO items SELECT id, 'x' FROM n")
    annotator.connection.execute("INSERT INTO assignments SELECT NULL, 1, id, 9 FROM items")
    annotator.connection.execute("INSERT INTO ratings SELECT NULL, id, 7, 1, 1, NULL, 0, '', 1, '' FROM assignments")
    with pytest.raises(LabelError, match=r"cannot be read \(interrupted\)"):
        read_raw(file)


def test_a_server_with_too_many_ratings_is_refused_and_not_cut_short(monkeypatch):
    psycopg = pytest.importorskip("psycopg")
    names = ("file", "rater", "activation", "valence", "emotion", "cannot_tell", "comment", "presentation", "revision")
    names += ("rated_at", "seconds")
    asked = []

    class Cursor:
        description = tuple(SimpleNamespace(name=name) for name in names)

        def __iter__(self):
            limit = int(asked[-1].rpartition(b"LIMIT ")[2])
            return iter([(f"{row}.wav", "x", 3, 3, None, False, "", 1, 1, "", None) for row in range(min(limit, 3))])

    class Server:
        def __enter__(self):
            return self

        def __exit__(self, *error):
            pass

        def execute(self, query):
            asked.append(query)
            return Cursor()

    monkeypatch.setattr(psycopg, "connect", lambda *address, **options: Server())
    monkeypatch.setattr(module, "MAX_RATINGS", 3)
    assert [row["file"] for row in module.read_server("postgresql://me@here/ratings")] == ["0.wav", "1.wav", "2.wav"]
    monkeypatch.setattr(module, "MAX_RATINGS", 2)
    with pytest.raises(LabelError, match="the database has more than 2 ratings; export them as CSV in parts"):
        module.read_server("postgresql://me@here/ratings")


def test_what_is_not_there(tmp_path):
    for name in ("none.sqlite3", "none.db"):
        with pytest.raises(LabelError, match=f"{name} does not exist or is not a file"):
            read_database(tmp_path / name, never)
    (tmp_path / "folder.sqlite3").mkdir()
    with pytest.raises(LabelError, match="has no CSV file"):
        read_raw(tmp_path / "folder.sqlite3")


def test_a_server_that_does_not_answer():
    pytest.importorskip("psycopg")
    with pytest.raises(AffectmapError) as caught:
        read_raw("postgresql://me:secret@127.0.0.1:1/none")
    assert str(caught.value).startswith("the database of 127.0.0.1:1/none cannot be read (")
    assert "secret" not in str(caught.value)
