"""One contract for both databases."""

import csv
import io
import sqlite3
import threading
import uuid
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import pandas as pd
import pytest
from sqlalchemy.exc import DBAPIError, IntegrityError
from starlette.exceptions import HTTPException

from affectmap.agreement import read_ratings, read_raw
from affectmap.annotator.database import DatabaseAwayError, open_database
from affectmap.annotator.ratings import ConflictError, Rating
from affectmap.annotator.results import as_ratings, raw_csv, save_ratings
from affectmap.errors import CorpusError, StorageError, UsageError


def give(item, **values):
    return Rating(**{"item": item, "key": uuid.uuid4(), "activation": 3.5, "valence": 2.0, "seconds": 3.0, **values})


@pytest.fixture
def store(make_store, database):
    return make_store(database=database, raters=("Ada", "Bob"))


@pytest.fixture
def ada(store):
    return store.raters.named("Ada")


def items_of(store, rater):
    """Rate everything; give the files in the order in which they came."""
    while (code := store.ratings.progress(rater).item) is not None:
        store.ratings.save(rater, give(code))
    return [row["file"] for row in store.ratings.all() if row["rater"] == rater.name]


def test_a_list_from_beginning_to_end(store, ada):
    start = store.ratings.progress(ada)
    assert (start.n_done, start.n_items, start.previous, start.rating) == (0, 13, None, None)  # 12, and one again
    files = items_of(store, ada)
    assert set(files) == {f"{number:02}.wav" for number in range(12)}
    end = store.ratings.progress(ada)
    assert (end.n_done, end.n_items, end.item, end.following) == (13, 13, None, None)
    rows = store.ratings.all()
    assert sorted(row["presentation"] for row in rows) == [1] * 12 + [2]
    assert store.ratings.pace_s(ada) == 3.0
    assert store.ratings.progress(store.raters.named("Bob")).n_done == 0


def test_orders_are_seeded_and_differ(make_store, store, tmp_path):
    orders = [items_of(store, store.raters.named(name)) for name in ("Ada", "Bob")]
    assert orders[0] != orders[1]
    again = make_store(labels=tmp_path / "again")
    assert items_of(again, again.raters.named("Ada")) == orders[0]
    other = make_store(labels=tmp_path / "other", seed=1)
    assert items_of(other, other.raters.named("Ada")) != orders[0]


def test_the_same_key_is_one_rating(store, ada):
    first = give(store.ratings.progress(ada).item)
    assert [store.ratings.save(ada, first) for _ in range(3)] == [1, 1, 1]
    assert len(store.ratings.all()) == 1
    with pytest.raises(HTTPException, match="this key belongs to another rating"):
        store.ratings.save(ada, give(store.ratings.progress(ada).item, key=first.key))


def test_two_tabs(store, ada):
    code = store.ratings.progress(ada).item
    store.ratings.save(ada, give(code))
    with pytest.raises(ConflictError, match="rated already"):
        store.ratings.save(ada, give(code, valence=5.0))
    assert [row["valence"] for row in store.ratings.all()] == [2.0]


def test_corrections_are_new_rows(store, ada):
    code = store.ratings.progress(ada).item
    store.ratings.save(ada, give(code, comment="first"))
    assert store.ratings.save(ada, give(code, corrects=1, valence=4.0)) == 2
    with pytest.raises(ConflictError, match="changed meanwhile"):
        store.ratings.save(ada, give(code, corrects=1, valence=1.0))
    with pytest.raises(ConflictError):
        store.ratings.save(ada, give(store.ratings.progress(ada).item, corrects=1))
    rows = store.ratings.all()
    assert [(row["revision"], row["valence"], row["comment"]) for row in rows] == [(1, 2.0, "first"), (2, 4.0, "")]
    progress = store.ratings.progress(ada)
    assert (progress.n_done, progress.previous, progress.rating["revision"]) == (1, code, 2)
    assert progress.rating["valence"] == 4.0


def test_the_database_itself_refuses_changes(store, ada):
    store.ratings.save(ada, give(store.ratings.progress(ada).item))
    for statement in ("UPDATE ratings SET valence = 1", "DELETE FROM ratings"):
        with (
            pytest.raises((DBAPIError, DatabaseAwayError), match="never changed"),
            store._database.writing() as connection,
        ):
            connection.exec_driver_sql(statement)
    assert [row["valence"] for row in store.ratings.all()] == [2.0]


def test_who_is_paused_keeps_what_is_saved(store, ada):
    saved = give(store.ratings.progress(ada).item)
    store.ratings.save(ada, saved)
    assert store.raters.pause(ada.id, True)
    with pytest.raises(ConflictError, match="paused") as caught:
        store.ratings.save(ada, give(store.ratings.progress(ada).item))
    assert caught.value.paused
    assert store.ratings.save(ada, saved) == 1  # sent again after a lost answer
    store.raters.pause(ada.id, False)
    assert store.ratings.save(ada, give(store.ratings.progress(ada).item)) == 1
    assert not store.raters.pause(999, True)


def test_lists_of_others(store, ada):
    bobs = store.ratings.progress(store.raters.named("Bob")).item
    with pytest.raises(HTTPException, match="not in your list") as caught:
        store.ratings.save(ada, give(bobs))
    assert caught.value.status_code == 404
    with pytest.raises(HTTPException, match="not in your list"):
        store.sound(ada, bobs)


def test_tabs_that_are_equally_fast(store, ada):
    """Many threads rate the same entry, half of them with one key."""
    code, key = store.ratings.progress(ada).item, uuid.uuid4()
    start = threading.Barrier(12)

    def rate(number):
        start.wait()
        try:
            return store.ratings.save(ada, give(code, **({"key": key} if number % 2 else {})))
        except ConflictError:
            return None

    with ThreadPoolExecutor(12) as pool:
        found = list(pool.map(rate, range(12)))
    assert len(store.ratings.all()) == 1
    assert set(found) == {1, None}


def test_a_row_that_another_process_wrote_just_before(store, ada, monkeypatch):
    rating, save, calls = give(store.ratings.progress(ada).item), store.ratings._save, []

    def save_late(*given):
        calls.append(save(*given))  # the other process
        if len(calls) == 1:
            raise IntegrityError("INSERT", {}, Exception("UNIQUE"))
        return calls[-1]

    monkeypatch.setattr(store.ratings, "_save", save_late)
    assert store.ratings.save(ada, rating) == 1
    assert len(store.ratings.all()) == 1


@pytest.mark.slow
def test_fifty_raters_for_a_while(make_store, database):
    names = tuple(f"rater {number}" for number in range(50))
    store = make_store(database=database, raters=names)
    confirmed = []

    def rate(name):
        rater = store.raters.named(name)
        for _ in range(4):
            rating = give(store.ratings.progress(rater).item)
            store.ratings.save(rater, rating)
            store.ratings.save(rater, rating)
            confirmed.append(rating.key)

    with ThreadPoolExecutor(25) as pool:
        list(pool.map(rate, names))
    assert len(store.ratings.all()) == len(confirmed) == 200


def test_new_files_come_last(store, ada, speech, tools):
    first = store.ratings.progress(ada).item
    tools.fill(speech, 3, first=20)
    assert store.scan() == 15
    progress = store.ratings.progress(ada)
    assert (progress.item, progress.n_items) == (first, 16)
    assert set(items_of(store, ada)[13:]) == {"20.wav", "21.wav", "22.wav"}
    assert store.scan() == 15


def test_files_that_go_and_come_back(store, ada, speech):
    files = items_of(store, ada)[:1]
    (speech / "03.wav").rename(speech.parent / "aside.wav")
    (speech / files[0]).unlink()
    assert store.scan() == 10
    bob = store.raters.named("Bob")
    assert store.ratings.progress(bob).n_items in (10, 11)  # the repeat may be of one that is gone
    assert {each.path: each.note for each in store.passed_over()}["03.wav"] == "no longer in the folder; put it back"
    assert "training item" in {each.path: each.note for each in store.passed_over()}["training.wav"]
    assert store.ratings.progress(ada).n_done == 13  # what was rated stays
    (speech.parent / "aside.wav").rename(speech / "03.wav")
    assert store.scan() == 11
    assert "03.wav" in items_of(store, bob)


def test_a_sound_that_changes_after_it_was_rated(store, ada, speech, tools):
    file = items_of(store, ada)[0]
    kept = (speech / file).read_bytes()
    (speech / file).write_bytes((speech / "training.wav").read_bytes())
    assert store.scan() == 11
    assert "its sound has changed" in {each.path: each.note for each in store.passed_over()}[file]
    assert store.scan() == 11
    (speech / file).write_bytes(kept)
    assert store.scan() == 12


def test_a_sound_that_changes_before_it_was_rated(store, speech):
    (speech / "00.wav").write_bytes((speech / "01.wav").read_bytes())
    assert store.scan() == 12


def test_files_that_cannot_be_played(store, ada, speech):
    code = store.ratings.progress(ada).item
    _, path = store.ratings.recording_of(ada, code)
    (speech / path).unlink()
    with pytest.raises(HTTPException, match="passed over; the next one comes") as caught:
        store.sound(ada, code)
    assert caught.value.status_code == 410
    assert store.ratings.progress(ada).item != code


def test_links_out_of_the_folder(make_store, speech, tmp_path):
    (tmp_path / "secret.wav").write_bytes((speech / "00.wav").read_bytes())
    (speech / "link.wav").symlink_to(tmp_path / "secret.wav")
    (speech / "within.wav").symlink_to(speech / "00.wav")
    (speech / "text.wav").write_text("no sound")
    (speech / ".hidden.wav").write_bytes(b"")
    store = make_store()
    notes = {each.path: each.note for each in store.passed_over()}
    assert notes["link.wav"].startswith("not a file within the folder")
    assert notes["text.wav"].startswith("broken, or not audio")
    assert set(notes) == {"link.wav", "text.wav", "training.wav"}
    assert "within.wav" in store.worklist.known()


def test_a_link_that_is_put_there_later(store, ada, speech, tmp_path):
    code = store.ratings.progress(ada).item
    _, path = store.ratings.recording_of(ada, code)
    (speech / path).rename(tmp_path / "secret.wav")
    (speech / path).symlink_to(tmp_path / "secret.wav")
    with pytest.raises(HTTPException, match="cannot be played"):
        store.sound(ada, code)


def test_folders_without_recordings(make_store, tmp_path):
    with pytest.raises(CorpusError, match="is not a folder"):
        make_store(folder=tmp_path / "none")
    (tmp_path / "empty").mkdir()
    with pytest.raises(CorpusError, match="holds no recordings"):
        make_store(folder=tmp_path / "empty", training=None, language="ur")
    (tmp_path / "empty" / "a.wav").write_text("text")
    with pytest.raises(CorpusError, match=r"no recording that can be rated; first a.wav: broken, or not audio"):
        make_store(folder=tmp_path / "empty", training=None, language="ur")


def test_names_of_raters(store):
    assert store.raters.named("ADA").name == "Ada"
    with pytest.raises(UsageError, match="called 'ada' already"):
        store.raters.add("ada")
    for name in ("", " Ada", "a\nb", "x" * 61):
        with pytest.raises(UsageError, match="is no name"):
            store.raters.add(name)
    assert store.raters.by_token("\0") is None


def test_a_second_start_goes_on(make_store, database):
    one = make_store(database=database)
    ada = one.raters.named("Ada")
    one.ratings.save(ada, give(one.ratings.progress(ada).item))
    one.raters.finish_training(ada.id)
    ada = one.raters.named("Ada")
    one.close()
    two = make_store(database=database, raters=("Bob",))
    again = two.raters.named("Ada")
    assert again == ada
    assert two.ratings.progress(again).n_done == 1
    assert two.ratings.progress(two.raters.named("Bob")).n_done == 0


def test_the_raw_export_reads_as_agreement_reads(store, ada, tmp_path):
    for n, emotion in enumerate(["Anger", "joyous", None]):
        code = store.ratings.progress(ada).item
        store.ratings.save(ada, give(code, comment='say "no",\r\nplease', emotion=emotion))
        store.ratings.save(ada, give(code, activation=1.0625 + n, corrects=1))
    code = store.ratings.progress(ada).item
    store.ratings.save(ada, give(code, cannot_tell=True, activation=None, valence=None))
    rows = store.ratings.all()
    file = tmp_path / "ratings.csv"
    file.write_bytes(raw_csv(rows).encode())
    assert len(read_raw(file)) == len(rows) == 7
    pd.testing.assert_frame_equal(read_ratings(file), as_ratings(rows))


def test_the_raw_export(store, ada):
    code = store.ratings.progress(ada).item
    store.ratings.save(ada, give(code, comment='say "no",\nplease', emotion="sad"))
    store.ratings.save(
        ada, give(store.ratings.progress(ada).item, cannot_tell=True, activation=None, valence=None, comment="ä")
    )
    text = raw_csv(store.ratings.all())
    header, one, two = csv.reader(io.StringIO(text))
    expected = "file,rater,activation,valence,emotion,cannot_tell,comment,presentation,revision,rated_at,seconds"
    assert text.splitlines()[0] == expected == ",".join(header)
    assert one[1:9] == ["Ada", "3.5", "2", "sad", "false", 'say "no",\nplease', "1", "1"]
    assert two[1:9] == ["Ada", "", "", "", "true", "ä", "1", "1"]
    assert one[9].endswith("Z")
    assert one[10] == "3"


def test_only_ratings_of_this_database_are_replaced_at_the_end(store, ada):
    file = store.settings.labels_folder / "ratings.csv"
    assert save_ratings(store) == (0, file)
    for n_saved in (1, 2):
        store.ratings.save(ada, give(store.ratings.progress(ada).item))
        assert save_ratings(store) == (n_saved, file)
        assert len(read_raw(file)) == n_saved
    mine = file.read_text()
    more = mine + mine.splitlines()[1].replace("Ada", "Eve").replace("Z", "1Z") + "\n"
    for theirs in ("file,rater,activation,valence\na.wav,bo,3,3\n", "no ratings", "", more):
        file.write_text(theirs)
        with pytest.raises(StorageError, match=r"ratings.csv holds ratings that are not in the database; move it"):
            save_ratings(store)
        assert file.read_text() == theirs


def test_other_databases(tmp_path):
    for url, reason in [
        ("nonsense", "--database cannot be read"),
        ("mysql://localhost/x", "--database is of kind mysql"),
        ("sqlite:///x.db", "--database is of kind sqlite"),
    ]:
        with pytest.raises(UsageError, match=reason):
            open_database(url, tmp_path)


def test_a_file_of_another_program_is_left_as_it_is(tmp_path):
    file = tmp_path / "ratings.sqlite3"
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("CREATE TABLE birds (name)")
        connection.commit()
    before = file.read_bytes()
    with pytest.raises(StorageError, match=r"ratings.sqlite3 is another program's database and is left alone; name"):
        open_database(None, tmp_path)
    assert (file.read_bytes(), [each.name for each in tmp_path.iterdir()]) == (before, [file.name])


def test_a_server_that_is_not_there(tmp_path):
    pytest.importorskip("psycopg")
    with pytest.raises(DatabaseAwayError, match="does not answer"):
        open_database("postgresql://nobody@127.0.0.1:1/none", tmp_path)
