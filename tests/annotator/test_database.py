"""Opening, damage, and what a copy of the database's file knows."""

import shutil
import sqlite3
import uuid

import pytest

from affectmap.agreement import read_ratings
from affectmap.agreement.database import CLOSED, IN_USE
from affectmap.annotator import database as module
from affectmap.annotator.database import DATABASE, DatabaseAwayError, network_of, open_database
from affectmap.annotator.ratings import Rating
from affectmap.errors import AffectmapError, StorageError
from cases import each


def version_of(file):
    with sqlite3.connect(f"file:{file}?immutable=1", uri=True) as connection:
        return connection.execute("PRAGMA user_version").fetchone()[0]


def never(line):
    raise AssertionError(line)


def rate(store, name="Ada"):
    rater = store.raters.named(name)
    item = store.ratings.progress(rater).item
    store.ratings.save(rater, Rating(item=item, key=uuid.uuid4(), activation=3.5, valence=2))


def test_agreement_reads_it_meanwhile_and_a_minute_later_from_a_copy(make_store, tmp_path):
    store = make_store()
    file = store.settings.labels_folder / DATABASE
    assert version_of(file) == IN_USE
    told = []
    for n_rated in (1, 2):
        rate(store)
        assert len(read_ratings(file.parent, never)) == n_rated
        copy = shutil.copy(file, tmp_path / "copy.sqlite3")
        assert len(read_ratings(copy, told.append)) == n_rated - 1
        store.checkpoint()
        assert len(read_ratings(shutil.copy(file, copy), told.append)) == n_rated
    assert len(told) == 4
    store.close()
    assert version_of(file) == CLOSED
    assert [each.name for each in file.parent.iterdir() if each.is_file()] == [DATABASE]
    assert len(read_ratings(file.parent, never)) == 2
    assert open_database(None, file.parent).close() is None


def test_the_raw_columns_are_those_of_the_reader(make_store):
    store = make_store(emotions=("sad",))
    rate(store)
    row = store.ratings.all()[0]
    read = read_ratings(store.settings.labels_folder, never).iloc[0]
    assert row["cannot_tell"] is False
    assert {name: read[name] for name in row} == row


@each(
    ("content", "reason"),
    [
        (b"no database at all, but long enough to be taken for one" * 100, "damaged (file is not a database)"),
        ("CREATE TABLE ratings (id INTEGER PRIMARY KEY, stars INTEGER)", "no such column: ratings.assignment_id"),
        (None, "damaged ("),
    ],
)
def test_what_cannot_be_opened(tmp_path_factory, content, reason):
    folder = tmp_path_factory.mktemp("labels")
    file = folder / DATABASE
    if isinstance(content, bytes):
        file.write_bytes(content)
    elif content:
        with sqlite3.connect(file) as connection:
            connection.execute(content)
        connection.close()
    else:
        open_database(None, folder).close()
        whole = bytearray(file.read_bytes())
        whole[8192:12288] = b"\xff" * 4096
        file.write_bytes(whole)
    before = file.read_bytes()
    with pytest.raises(StorageError) as caught:
        open_database(None, folder)
    assert f"{file} cannot be used: " in str(caught.value)
    assert reason in str(caught.value)
    assert "\n" not in str(caught.value)
    if content is not None and isinstance(content, bytes):
        assert file.read_bytes() == before


def test_damage_under_way_is_told(make_store, tools):
    site = tools.site(make_store())
    file = site.store.settings.labels_folder / DATABASE
    item = site.get("next")["item"]["id"]
    site.store.checkpoint()
    with file.open("r+b") as stream:
        stream.seek(4096)
        stream.write(b"\xff" * (file.stat().st_size - 4096))
    site.store._database.dispose()
    answer = site.rate(item)
    assert answer.status_code == 503
    assert "the database is damaged" in answer.json()["detail"]
    with pytest.raises(DatabaseAwayError, match=r"restore a copy, or save what can be read by sqlite3"):
        site.store.ratings.all()


def test_a_disk_that_cannot_write_ahead(tmp_path, monkeypatch):
    connect = sqlite3.dbapi2.connect

    class Refusing(sqlite3.Connection):
        def execute(self, statement, *values):
            return super().execute(statement.replace("journal_mode=WAL", "journal_mode=DELETE"), *values)

    monkeypatch.setattr(
        sqlite3.dbapi2, "connect", lambda *given, **options: connect(*given, factory=Refusing, **options)
    )
    with pytest.raises(StorageError, match=r"cannot be written ahead \(delete\), as on some network disks; name a"):
        open_database(None, tmp_path)


def test_network_disks_are_named(tmp_path, monkeypatch, make_store):
    assert network_of(tmp_path) is None
    mounts = [("/", "ext4"), (tmp_path, "nfs4"), (f"{tmp_path}/a\\040b/c", "cifs"), (f"{tmp_path}/d", "ext4")]
    (tmp_path / "mounts").write_text("".join(f"device {place} {kind} rw 0 0\n" for place, kind in mounts))
    monkeypatch.setattr(module, "MOUNTS", tmp_path / "mounts")
    expected = {"e": "nfs4", "a b/c/f": "cifs", "a b/g": "nfs4", "d/e": None}
    assert {name: network_of(tmp_path / name) for name in expected} == expected
    assert any(note.startswith("ratings are kept on a network disk (nfs4)") for note in make_store().notes)
    monkeypatch.setattr(module, "MOUNTS", tmp_path / "none")
    assert network_of(tmp_path) is None


@pytest.mark.postgres
def test_agreement_reads_a_server_meanwhile(make_store, postgres):
    url = postgres.new_url()
    store = make_store(database=url)
    rate(store)
    for written in (url, url.replace("postgresql:", "postgresql+psycopg:")):
        assert read_ratings(written, never)["activation"].tolist() == [3.5]
    with pytest.raises(AffectmapError, match=r"cannot be read \(relation \"ratings\" does not exist"):
        read_ratings(postgres.new_url())
