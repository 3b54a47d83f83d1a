"""``affectmap embed`` into a folder of parts, as a user meets it: interrupted, gone on with, and refused."""

import re
import signal
import sys

import numpy as np
import pandas as pd
import pytest
import soundfile

from affectmap.features import single_recordings as module
from affectmap.manifest import foreign_entry
from conftest import make_voice

OUT = ["--format", "parquet", "-o", "out"]

#: Before the command: rows reach the cache at once, every measurement is counted in a file, and so many are survived.
COUNTED = """
import os, signal
from affectmap.features import cache, single_recordings
cache.FLUSH_S = 0.0
measure = single_recordings.measure_functionals
def counting(*arguments):
    with open("measured", "a") as counts:
        counts.write(".")
    if os.path.getsize("measured") == {n_survived}:
        os.kill(os.getpid(), signal.SIGKILL)
    return measure(*arguments)
single_recordings.measure_functionals = counting
"""


@pytest.fixture
def speech(here):
    """Twelve recordings, one that is broken, and names that are none of the usual."""
    (here / "speech" / "more").mkdir(parents=True)
    names = ["more/straße ☃", "more/a b", *map(str, range(10))]
    for number, name in enumerate(names):
        voice = make_voice(seconds=0.3, pitch=100 + 10 * number, seed=number)
        soundfile.write(here / "speech" / f"{name}.wav", voice, 16000)
    (here / "speech" / "broken.wav").write_text("no sound")
    return here / "speech"


@pytest.fixture
def measured(monkeypatch):
    """How many samples were measured, each time."""
    asked, measure = [], module.measure_functionals
    monkeypatch.setattr(
        module, "measure_functionals", lambda one, *how: (asked.append(len(one)), measure(one, *how))[1]
    )
    return asked


def check_same(found, whole):
    """Whether two tables have the same rows; a column without a text may be of another type."""
    found, whole = (pd.read_parquet(each).astype({"note": "str", "problem": "str"}) for each in (found, whole))
    texts = ["note", "problem"]
    pd.testing.assert_frame_equal(found.drop(columns=texts), whole.drop(columns=texts), check_exact=True)
    for name in texts:
        assert found[name].fillna("").tolist() == whole[name].fillna("").tolist()


def parts(here):
    return sorted(file.name for file in (here / "out").glob("*.parquet"))


def test_parts_hold_the_rows_of_one_file(affectmap, here, speech):
    done = affectmap("embed", "speech", *OUT, "--part-size", 5)
    assert (done.code, done.out) == (0, "")
    assert "out has 13 recordings, 1 of them without values: the column problem says why" in done.err
    assert parts(here) == ["part-00000.parquet", "part-00001.parquet", "part-00002.parquet"]
    assert affectmap("embed", "speech", "-o", "whole.parquet").code == 0
    check_same(here / "out", here / "whole.parquet")
    assert foreign_entry(here / "out") is None


def test_parts_without_a_note_have_the_same_types(affectmap, here, speech):
    import pyarrow.parquet as parquet

    assert affectmap("embed", "speech", *OUT, "--part-size", 1).code == 0
    schemas = [parquet.read_schema(here / "out" / name).remove_metadata() for name in parts(here)]
    assert len(schemas) == 13
    assert all(schema.equals(schemas[0]) for schema in schemas)


def test_the_same_command_measures_nothing_again(affectmap, here, speech, measured):
    assert affectmap("embed", "speech", *OUT, "--part-size", 5, "--no-cache").code == 0
    n_first = len(measured)
    before = [(here / "out" / name).stat().st_mtime_ns for name in parts(here)]
    again = affectmap("embed", "speech", *OUT, "--no-cache")
    assert (again.code, n_first, len(measured)) == (0, 12, 12)
    assert again.err.splitlines() == [
        "3 of 3 parts were there before",
        "out has 13 recordings, 1 of them without values: the column problem says why",
    ]
    assert [(here / "out" / name).stat().st_mtime_ns for name in parts(here)] == before


@pytest.mark.parametrize("line", [b"\xff\xfe\n", b"no json\n", b"5\n", b"[" * 100_000 + b"\n"])
def test_a_damaged_list_is_one_line(affectmap, here, speech, line):
    assert affectmap("embed", "speech", *OUT).code == 0
    listed = here / "out" / "_recordings.jsonl"
    listed.write_bytes(line + b"".join(listed.read_bytes().splitlines(keepends=True)[1:]))
    again = affectmap("embed", "speech", *OUT)
    assert again.code == 1
    assert re.match(r"out/_recordings.jsonl cannot be gone on with \(.*\); name another folder with -o", again.error)


def test_a_part_with_the_recordings_of_another_is_made_again(affectmap, here, speech):
    assert affectmap("embed", "speech", *OUT, "--part-size", 5).code == 0
    expected = pd.read_parquet(here / "out")
    first, second = (here / "out" / f"part-0000{number}.parquet" for number in range(2))
    second.write_bytes(first.read_bytes())
    again = affectmap("embed", "speech", *OUT)
    assert (again.code, again.err.splitlines()[0]) == (0, "2 of 3 parts were there before")
    pd.testing.assert_frame_equal(pd.read_parquet(here / "out"), expected)


def test_a_part_that_is_lost_or_damaged_is_made_again(affectmap, here, speech, measured):
    assert affectmap("embed", "speech", *OUT, "--part-size", 5, "--no-cache").code == 0
    expected = pd.read_parquet(here / "out")
    (here / "out" / "part-00000.parquet").unlink()
    part = here / "out" / "part-00002.parquet"
    part.write_bytes(part.read_bytes()[:-100])
    assert affectmap("embed", "speech", *OUT, "--no-cache").code == 0
    assert len(measured) == 12 + 4 + 3
    pd.testing.assert_frame_equal(pd.read_parquet(here / "out"), expected)
    assert foreign_entry(here / "out") is None


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="signals as on POSIX")
@pytest.mark.parametrize("n_survived", [3, 11])
def test_a_killed_run_is_gone_on_with(process, here, speech, n_survived):
    command = ["embed", "speech", *OUT, "--part-size", 5, "--n-jobs", 1]
    killed = process(*command, first=COUNTED.format(n_survived=n_survived))
    assert killed.code == -signal.SIGKILL
    assert len(parts(here)) in ((0,) if n_survived == 3 else (1, 2))  # ten of 13 were measured, the last just then
    (here / "out" / ".part-00002.parquet.0123456789ab.part").touch()  # as one killed while it writes leaves it
    again = process(*command, first=COUNTED.format(n_survived=-1))
    assert again.code == 0, again.err
    # The one that was measured just then, and the one before it, whose row was about to be kept.
    assert (here / "measured").stat().st_size <= 12 + 2
    assert process("embed", "speech", "-o", "whole.parquet").code == 0
    check_same(here / "out", here / "whole.parquet")
    assert foreign_entry(here / "out") is None


def test_killed_between_a_part_and_its_listing(affectmap, here, speech):
    assert affectmap("embed", "speech", *OUT, "--part-size", 5).code == 0
    marker = here / "out" / ".affectmap"
    marker.write_text(marker.read_text().replace("part-00001", "part-99999"))
    assert foreign_entry(here / "out").name == "part-00001.parquet"
    assert affectmap("embed", "speech", *OUT).code == 0
    assert foreign_entry(here / "out") is None
    assert affectmap("embed", "speech/0.wav", *OUT, "--overwrite").code == 0
    assert len(pd.read_parquet(here / "out")) == 1


def test_another_model_or_other_recordings_are_refused(affectmap, here, speech):
    assert affectmap("embed", "speech", *OUT, "--part-size", 5).code == 0
    rng = np.random.default_rng(0)
    from affectmap.model.model import load_model

    model = load_model()
    noise = rng.normal(size=(30, 88)) * model.statistics.std
    model.adapt(model.statistics.mean + 0.1 * noise).save(here / "mine")
    for given, message in {
        ("speech", "--model", "mine"): "out was begun with digest of the model ",
        ("speech", "--channel", 1): "out was begun with channel none, and now it is 1",
        ("speech", "--part-size", 6): "out was begun with part size 5, and now it is 6",
        ("speech/more",): "out was begun with 13 recordings, and now they are others, first speech/0.wav",
    }.items():
        refused = affectmap("embed", *given, *OUT)
        assert (refused.code, refused.out) == (1, "")
        assert refused.error.startswith(message)
        assert "add --overwrite to begin anew" in refused.error
    assert len(pd.read_parquet(here / "out")) == 13


@pytest.mark.parametrize(
    ("given", "code", "message"),
    [
        (["empty", *OUT], 1, "empty holds no recordings"),
        (["speech", *OUT, "--speakers", "who.csv"], 2, "--speakers needs all recordings at once"),
        (["-", *OUT], 2, "out becomes a folder of parts; name a file, such as out.parquet, for one recording"),
        (["speech", "-o", "a.csv", "--part-size", "5"], 2, "--part-size is for a folder of parts"),
        (["speech", *OUT, "--part-size", "0"], 2, "should be greater than or equal to 1"),
        (["gone.wav", *OUT], 1, "none of 1 recordings could be used"),
    ],
)
def test_what_does_not_fit_is_told_in_one_line(affectmap, here, speech, given, code, message):
    (here / "empty").mkdir()
    refused = affectmap("embed", *given)
    assert (refused.code, refused.out) == (code, "")
    assert message in refused.error


def test_a_million_of_notes_are_a_line_a_flag(affectmap, here):
    (here / "speech").mkdir()
    for number in range(4):
        soundfile.write(here / "speech" / f"{number}.wav", make_voice(seconds=0.3, sampling_rate=8000), 8000)
        (here / "speech" / f"b{number}.wav").write_text("no sound")
    done = affectmap("embed", "speech", *OUT)
    lines = done.err.splitlines()
    assert lines[0].startswith("note: narrow_band: 4 of 8 recordings, first speech/0.wav: recorded at 8000 Hz")
    assert lines[-1].startswith("out has 8 recordings, 4 of them without values")
    assert not [line for line in lines if "b1.wav" in line]


@pytest.mark.cluster
def test_a_cluster_fills_the_parts_and_a_worker_may_die(affectmap, here, speech, shared_cluster, pair, monkeypatch):
    pytest.importorskip("distributed")
    from affectmap.archive import embedding

    assert affectmap("embed", "speech", "-o", "whole.parquet", "--no-cache").code == 0
    write = embedding._write

    def kill_and_write(plan, number, *rest):
        if number == 0:
            shared_cluster.kill("two")
        write(plan, number, *rest)

    monkeypatch.setattr(embedding, "_write", kill_and_write)
    done = affectmap("embed", "speech", *OUT, "--part-size", 5, "--backend", "dask", "--scheduler", pair)
    assert done.code == 0, done.err
    check_same(here / "out", here / "whole.parquet")


@pytest.mark.cluster
def test_no_worker_left_is_told_and_gone_on_with(affectmap, here, speech, shared_cluster, pair, monkeypatch, measured):
    pytest.importorskip("distributed")
    from affectmap.archive import embedding

    monkeypatch.setattr("affectmap.parallel.cluster.PATIENCE_S", 3.0)
    monkeypatch.setattr("affectmap.parallel.cluster.BATCH_SIZE", 1)
    monkeypatch.setattr("affectmap.parallel.cluster.AHEAD", 1)
    for number, file in enumerate(sorted(speech.rglob("*.wav"))):  # long enough that some are left when workers go
        if file.name != "broken.wav":
            soundfile.write(file, make_voice(seconds=3.0, pitch=100 + 10 * number, seed=number), 16000)
    write = embedding._write

    def kill_and_write(*given):
        write(*given)
        for name in ("one", "two"):
            shared_cluster.kill(name)

    with monkeypatch.context() as patch:
        patch.setattr(embedding, "_write", kill_and_write)
        ended = affectmap("embed", "speech", *OUT, "--part-size", 3, "--backend", "dask", "--scheduler", pair)
    assert ended.code == 1
    assert "has no workers any more" in ended.error
    n_parts = len(parts(here))
    assert n_parts >= 1
    done = affectmap("embed", "speech", *OUT)
    assert done.code == 0, done.err
    assert f"{n_parts} of 5 parts were there before" in done.err
    assert len(measured) <= 12 - 3 * n_parts + 1
    assert foreign_entry(here / "out") is None
