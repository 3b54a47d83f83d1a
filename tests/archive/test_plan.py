"""What an archive is made of: decided once, read back without holding it, and refused where it differs."""

import json
import os
import sys
import tracemalloc

import pytest

from affectmap.archive.plan import LIST_FILE, PLAN_FILE, open_plan
from affectmap.errors import CorpusError, StorageError, UsageError
from affectmap.manifest import foreign_entry

HOW = {"model": "mine", "channel": None}


@pytest.fixture
def speech(tmp_path, monkeypatch):
    """A folder of empty recordings, named as they come in a listing, and others that are passed over."""
    monkeypatch.chdir(tmp_path)
    for name in ("b.wav", "a/z.WAV", "a/a.flac", "a.wav", ".hidden.wav", ".git/x.wav", "a/__MACOSX/x.wav", "notes.txt"):
        (tmp_path / "speech" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "speech" / name).touch()
    return tmp_path / "speech"


def names(plan, parts=None):
    return list(plan.recordings(range(plan.n_parts) if parts is None else parts))


def test_recordings_are_listed_once_in_the_order_of_their_paths(speech, tmp_path):
    plan = open_plan(tmp_path / "out", ["speech", "gone.wav", "speech"], HOW, part_size=2)
    assert names(plan) == ["speech/a/a.flac", "speech/a/z.WAV", "speech/a.wav", "speech/b.wav", "gone.wav"]
    assert [names(plan, [number]) for number in range(plan.n_parts)] == [
        names(plan)[:2],
        names(plan)[2:4],
        ["gone.wav"],
    ]
    assert names(plan, [0, 2]) == [*names(plan)[:2], "gone.wav"]
    assert [plan.size(number) for number in range(3)] == [2, 2, 1]
    assert foreign_entry(tmp_path / "out") is None


def test_the_folder_one_is_in(speech, tmp_path, monkeypatch):
    monkeypatch.chdir(speech)
    assert names(open_plan(tmp_path / "out", ["."], HOW)) == ["a/a.flac", "a/z.WAV", "a.wav", "b.wav"]


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux lets a name be any bytes")
def test_names_may_be_any_bytes(tmp_path):
    odd = [b"caf\xe9.wav", b"two\nlines.wav", b'"quoted" \\.wav', "straße ☃.wav".encode(), b" .wav"]
    for name in odd:
        (tmp_path / os.fsdecode(name)).touch()
    plan = open_plan(tmp_path / "out", [str(tmp_path)], HOW)
    found = [os.fsencode(each).rpartition(b"/")[2] for each in names(plan)]
    assert sorted(found) == sorted(odd)
    assert names(open_plan(tmp_path / "out", [str(tmp_path)], HOW)) == names(plan)


def test_what_needs_an_extra_is_told(speech, tmp_path, monkeypatch):
    monkeypatch.setattr("affectmap.corpora.folder.installed", lambda module: False)
    for number in range(7):
        (speech / f"{number}.m4a").touch()
    plan = open_plan(tmp_path / "out", ["speech"], HOW)
    assert plan.n_recordings == 4
    assert plan.notes[0].startswith(
        "speech holds 7 recordings that libsndfile cannot read, passed over (7 .m4a: 0.m4a, 1.m4a, 2.m4a, 3.m4a, 4.m4a, ...)"
    )


def test_folders_without_recordings(tmp_path):
    (tmp_path / "none").mkdir()
    with pytest.raises(CorpusError, match="none holds no recordings; expected files such as"):
        open_plan(tmp_path / "out", [str(tmp_path / "none")], HOW)
    assert not (tmp_path / "out").exists()


def test_the_same_again_is_gone_on_with(speech, tmp_path):
    begun = open_plan(tmp_path / "out", ["speech"], HOW, part_size=3)
    assert open_plan(tmp_path / "out", ["speech"], HOW) == begun
    assert open_plan(tmp_path / "out", ["speech"], HOW, part_size=3) == begun


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"how": {"model": "other"}},
            "out was begun with model mine, and now it is other; name another folder with -o",
        ),
        ({"how": {**HOW, "channel": 2}}, "out was begun with channel none, and now it is 2"),
        ({"part_size": 2}, "out was begun with part size 3, and now it is 2"),
        ({"sources": ["speech", "gone.wav"]}, r"begun with 4 recordings, and now they are others, first gone\.wav"),
        ({"sources": ["speech/a"]}, r"begun with 4 recordings, and now they are others, first speech/a\.wav"),
    ],
)
def test_what_differs_is_refused_and_named(speech, tmp_path, change, message):
    open_plan(tmp_path / "out", ["speech"], HOW, part_size=3)
    before = sorted((tmp_path / "out").iterdir())
    given = {"sources": ["speech"], "how": HOW, **change}
    with pytest.raises(StorageError, match=message) as raised:
        open_plan(tmp_path / "out", **given)
    assert "add --overwrite to begin anew" in str(raised.value)
    assert sorted((tmp_path / "out").iterdir()) == before
    open_plan(tmp_path / "out", **given, overwrite=True)
    assert open_plan(tmp_path / "out", **given).how == given["how"]


def test_a_recording_that_came_since_is_named(speech, tmp_path):
    open_plan(tmp_path / "out", ["speech"], HOW)
    (speech / "a" / "new.wav").touch()
    with pytest.raises(StorageError, match=r"others, first speech/a/new\.wav"):
        open_plan(tmp_path / "out", ["speech"], HOW)


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"format": 9, "n_recordings": 1, "part_size": 1, "how": {}}', "[" * 9999]
)
def test_a_damaged_plan(speech, tmp_path, text):
    open_plan(tmp_path / "out", ["speech"], HOW)
    (tmp_path / "out" / PLAN_FILE).write_text(text)
    with pytest.raises(StorageError, match=r"_archive\.json cannot be gone on with") as raised:
        open_plan(tmp_path / "out", ["speech"], HOW)
    assert "\n" not in str(raised.value)


def test_a_folder_of_others_is_left_alone(speech, tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "thesis.txt").write_text("years of work")
    with pytest.raises(StorageError, match="out exists; name another folder"):
        open_plan(tmp_path / "out", ["speech"], HOW)
    with pytest.raises(StorageError, match="was not written by affectmap and is left alone"):
        open_plan(tmp_path / "out", ["speech"], HOW, overwrite=True)
    assert (tmp_path / "out" / "thesis.txt").read_text() == "years of work"


def test_the_recordings_are_never_replaced(speech):
    with pytest.raises(StorageError, match="which is read for the result"):
        open_plan(speech, [str(speech)], HOW, overwrite=True)


def test_a_part_has_a_recording_at_least(speech, tmp_path):
    with pytest.raises(UsageError, match="part size is 0, expected at least 1"):
        open_plan(tmp_path / "out", ["speech"], HOW, part_size=0)


@pytest.mark.skipif(sys.platform == "win32", reason="no such locks")
def test_two_processes_do_not_write_the_same_parts(speech, tmp_path):
    plan = open_plan(tmp_path / "out", ["speech"], HOW)
    message = r"another process writes .*out; wait for it"
    with plan.locked(), pytest.raises(StorageError, match=message), plan.locked():
        pytest.fail("it went on")
    with plan.locked():
        pass


def test_reading_a_list_holds_no_list(tmp_path):
    (tmp_path / "a.wav").touch()
    plan = open_plan(tmp_path / "out", [str(tmp_path / "a.wav")], HOW)
    n = 50_000
    with (tmp_path / "out" / LIST_FILE).open("w") as lines:
        lines.writelines(f'"speech/{number:08}.wav"\n' for number in range(n))
    content = json.loads((tmp_path / "out" / PLAN_FILE).read_text())
    (tmp_path / "out" / PLAN_FILE).write_text(json.dumps({**content, "n_recordings": n}))
    plan = type(plan)(plan.folder, n, 10_000, HOW)
    tracemalloc.start()
    count = sum(1 for _ in plan.recordings(range(plan.n_parts)))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert (count, peak < 1_000_000) == (n, True)
