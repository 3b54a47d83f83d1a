import importlib.util
import socket
import subprocess
import sys
import uuid

import pytest

from affectmap.annotator import AnnotatorSettings, app, open_store
from affectmap.annotator.ratings import Rating
from affectmap.annotator.results import save_ratings
from affectmap.cli.web import _names


@pytest.fixture
def speech(write_voice):
    return write_voice("speech/a.wav").parent


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (["--port", "70000"], "--port is 70000; expected a whole number from 0 to 65535"),
        (["--repeat", "2"], "--repeat is 2.0; expected a number from 0 to 0.5"),
        (["--repeat", "nan"], "--repeat is nan"),
        (["--language", "Klingon!"], "--language is 'Klingon!', expected a code such as en or ur"),
        (["--rater", "A", "--raters", "B, a"], "--raters names one twice: A, B, a; name each once"),
        (["--raters", "A,a"], "--raters names one twice: A, a; name each once"),
        (["--raters", "5000"], "--raters names 5,000 raters, expected at most 1,000"),
        (["--rater", ""], "--raters: '' is no name"),
        (["--classes", "sad,sad"], "--classes names one twice"),
        (["--database", "mysql://x/y"], "--database is of kind mysql"),
        (["--password-file", "none"], "--password-file none cannot be read"),
    ],
)
def test_what_cannot_be_annotated(affectmap, speech, options, reason):
    ended = affectmap("annotate", speech, *options)
    assert (ended.code, ended.out) == (2, "")
    assert ended.error.startswith(reason)


@pytest.mark.parametrize(
    ("folder", "reason"), [("none", "none is not a folder"), (".", "t.csv, line 2: path 'a.wav' is no file")]
)
def test_folders_that_cannot_be_annotated(affectmap, here, folder, reason):
    (here / "t.csv").write_text("file,activation,valence\na.wav,1,1\n")
    ended = affectmap("annotate", folder, "--ratings", here / "labels", "--training", here / "t.csv")
    assert (ended.code, ended.out) == (1, "")
    assert reason in ended.error


def test_a_short_password(affectmap, speech, monkeypatch):
    monkeypatch.setenv("AFFECTMAP_PASSWORD", "short")
    (speech.parent / "t.csv").write_text("file,activation,valence\na.wav,1,1\n")
    monkeypatch.setattr(app, "open_store", lambda settings: FakeStore(settings))
    ended = affectmap("annotate", speech)
    assert ended.code == 2
    assert "the organiser's password is too short; use 8 characters or more" in ended.error


class FakeStore:
    def __init__(self, settings):
        self.settings = settings

    def close(self):
        pass


def test_a_port_in_use(affectmap, write_voice, speech):
    write_voice("speech/t.wav", seed=1)
    (speech.parent / "t.csv").write_text("file,activation,valence\nt.wav,1,1\n")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        ended = affectmap("annotate", speech, "--training", speech.parent / "t.csv", "--port", taken.getsockname()[1])
    assert ended.code == 2
    assert "choose another with --port" in ended.error


def test_names(monkeypatch):
    assert _names(["Ada"]) == ("Ada",)
    assert _names(["3"]) == ("rater 1", "rater 2", "rater 3")
    assert _names([" Ada, Björn ,"]) == _names(["Ada", "Björn"]) == ("Ada", "Björn")
    monkeypatch.setattr("getpass.getuser", lambda: "somebody")
    assert _names(None) == ("somebody",)

    def nobody():
        raise KeyError

    monkeypatch.setattr("getpass.getuser", nobody)
    assert _names(None) == ("rater",)


def test_without_the_extra(affectmap, speech, monkeypatch):
    found = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "sqlalchemy" else found(name))
    ended = affectmap("annotate", speech)
    assert (ended.code, ended.out) == (2, "")
    assert 'annotate needs sqlalchemy; run pip install "affectmap[annotate]"' in ended.error


def test_the_annotator_is_not_imported_by_other_commands():
    code = "import sys, affectmap.cli; print([name for name in ('fastapi', 'sqlalchemy') if name in sys.modules])"
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert told.stdout == "[]\n"


@pytest.mark.slow
def test_what_was_rated_trains_a_model(affectmap, here, speech, write_voice):
    for number in range(8):
        write_voice(f"speech/{number}.wav", pitch=100 + 20 * number, seed=number)
    (here / "training.csv").write_text("file,activation,valence\na.wav,3,3\n")
    store = open_store(AnnotatorSettings(speech, raters=("Ada",), training=here / "training.csv"))
    ada = store.raters.named("Ada")
    while (item := store.ratings.progress(ada).item) is not None:
        number = store.ratings.progress(ada).n_done
        store.ratings.save(
            ada, Rating(item=item, key=uuid.uuid4(), activation=1.0 + number / 2, valence=5.0 - number % 4)
        )
    save_ratings(store)
    store.close()
    done = affectmap("ratings", "export", "speech-labels", "--format", "audformat", "--audio", speech, "-o", "rated")
    assert done.code == 0, done.err
    done = affectmap("train", "--source", "mine=rated", "--epochs", "1", "-o", "embedder")
    assert done.code == 0, done.err
    assert "mine: 8 utterances found, 0 dropped, 8 used, 8 rated" in done.err
