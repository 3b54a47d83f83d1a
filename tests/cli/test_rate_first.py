"""``affectmap ratings suggest`` and ``annotate --suggest`` as a user meets them."""

import sqlite3

import numpy as np
import soundfile

from affectmap.annotator import AnnotatorSettings, app, open_store
from cli.test_adapt import write_recordings


def test_a_sheet_to_fill_in(affectmap, here):
    write_recordings(here / "rec", 4)
    soundfile.write(here / "rec" / "silent.wav", np.zeros(16000), 16000)
    done = affectmap("ratings", "suggest", "rec", "-n", "2", "-o", "rated.csv")
    assert done.code == 0, done.err
    assert done.out.strip() == str(here / "rated.csv")
    assert done.err.splitlines() == ["note: one recording of 5 cannot be used"]
    header, *rows = (here / "rated.csv").read_text().splitlines()
    assert header == "file,activation,valence,emotion"
    assert len(rows) == len(set(rows)) == 2
    assert all(row.startswith("rec/") and row.endswith(".wav,,,") for row in rows)
    (here / "rated.csv").write_text("\n".join([header, rows[0].replace(",,,", ",,4,"), rows[1]]))
    done = affectmap("adapt", "rec", "--ratings", "rated.csv", "-o", "mine")
    assert done.code == 0, done.err
    assert "corrected valence by one rating" in done.err
    assert affectmap("ratings", "suggest", "rec", "-n", "2", "-o", "rated.csv").code == 1
    printed = affectmap("ratings", "suggest", "rec", "-n", "2")
    assert printed.out.splitlines() == [header, *rows]


def test_more_than_can_be_used_and_none(affectmap, here):
    write_recordings(here / "rec", 2)
    done = affectmap("ratings", "suggest", "rec", "-n", "3")
    assert (done.code, done.error) == (2, "3 recordings are asked for, and 2 can be used; ask for fewer")
    (here / "bad").mkdir()
    (here / "bad" / "a.wav").write_text("no sound")
    done = affectmap("ratings", "suggest", "bad", "-n", "1")
    assert (done.code, done.error) == (1, "none of one recording could be used; name others")


def test_suggested_recordings_come_first_to_every_rater(affectmap, here, monkeypatch):
    write_recordings(here / "rec", 6)
    given = []
    monkeypatch.setattr(app, "annotate", lambda settings, **options: given.append(settings))
    done = affectmap("annotate", "rec", "--suggest", "2", "--no-browser")
    assert done.code == 0, done.err
    (settings,) = given
    assert len(settings.first) == 2
    sheet = affectmap("ratings", "suggest", "rec", "-n", "2").out.splitlines()[1:]
    assert {f"rec/{name},,," for name in settings.first} == set(sheet)


def test_lists_begin_with_what_is_to_be_rated_first(here):
    write_recordings(here / "rec", 6)
    (here / "rec" / "t.csv").write_text("file,activation,valence\n5.wav,1,1\n")
    first = ("4.wav", "1.wav")
    store = open_store(
        AnnotatorSettings(here / "rec", raters=("Ada", "Bo"), training=here / "rec" / "t.csv", first=first)
    )
    store.close()
    with sqlite3.connect(here / "rec-labels" / "ratings.sqlite3") as database:
        for rater in (1, 2):
            rows = database.execute(
                "SELECT path FROM assignments JOIN items ON items.id = item_id WHERE rater_id = ? ORDER BY position",
                (rater,),
            )
            order = [path for (path,) in rows]
            assert set(order[:2]) == set(first)
            assert sorted(order) == ["0.wav", "1.wav", "2.wav", "3.wav", "4.wav"]
    database.close()


def test_a_model_without_suggestions(affectmap, here):
    write_recordings(here / "rec", 2)
    done = affectmap("annotate", "rec", "--model", "egemaps")
    assert done.code == 2
    assert done.error.startswith("--model says on whose map recordings are suggested; give --suggest N, too")
