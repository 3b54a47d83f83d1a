"""``affectmap embed`` as a user meets it."""

import io
import json
import os
import sys
from pathlib import Path

import audformat
import numpy as np
import pandas as pd
import pytest
import soundfile
import soxr

from affectmap.model.model import load_model
from conftest import make_voice

HEADER = (
    "file,embedding_0,embedding_1,activation,activation_low,activation_high,valence,valence_low,valence_high,"
    "neutral,sad,happy,angry,too_short,silent,quiet,clipped,narrow_band,uneven_channels,mostly_pause,rumble,"
    "not_speech,unfamiliar,note,problem"
)


def write(file, **options):
    file.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(file, make_voice(**{"seconds": 0.5} | options), 16000, format="WAV")
    return file


def write_speech(file, pitch=150.0):
    """Syllables of which the second half is higher and softer: no flag calls it something else than speech."""
    file.parent.mkdir(parents=True, exist_ok=True)
    syllables = make_voice(seconds=1.0, pitch=pitch) * np.clip(np.sin(np.arange(16000) / 1200), 0, 1)
    glide = make_voice(seconds=1.0, pitch=1.3 * pitch)
    soundfile.write(file, 0.5 * np.concatenate([syllables, 0.3 * glide]), 16000)
    return file


def table_of(text):
    return pd.read_csv(io.StringIO(text), index_col="file")


def test_one_file(affectmap, here):
    write(here / "a.wav")
    done = affectmap("embed", "a.wav")
    assert done.code == 0
    assert done.err == ""
    assert done.out.splitlines()[0] == HEADER
    expected, found = load_model().embed("a.wav"), table_of(done.out)
    assert found.index.tolist() == ["a.wav"]
    numbers = expected.select_dtypes("float").columns
    np.testing.assert_allclose(found[numbers], expected[numbers], rtol=1e-6)


def in_channels(here, name, *shares):
    """Write speech into channels, each with a share of it; give its samples."""
    signal = soundfile.read(write_speech(here / "mono.wav"))[0]
    soundfile.write(here / name, np.outer(signal, shares), 16000)
    return signal


def test_a_voice_in_one_of_many_channels_has_the_values_of_the_voice_alone(affectmap, here):
    for name, shares in {"dead": (1, 0), "centre": (0, 0, 1, 0, 0, 0), "turned": (1, -1), "near": (1, -0.9)}.items():
        in_channels(here, f"{name}.wav", *shares)
    done = affectmap("embed", "mono.wav", "dead.wav", "centre.wav", "turned.wav", "near.wav")
    table = table_of(done.out)
    numbers = table.select_dtypes("float").columns.difference(["note", "problem"])
    np.testing.assert_allclose(table[numbers], np.tile(table.loc["mono.wav", numbers].astype(float), (5, 1)), atol=0.02)
    assert table["uneven_channels"].tolist() == [False, True, True, True, True]
    assert done.err == (
        "note: uneven_channels: 4 of 5 recordings, first dead.wav: channel 2 of 2 is silent and was left out\n"
    )
    assert table.loc["centre.wav", "note"] == "channels 1, 2, 4, 5 and 6 of 6 are silent and were left out"


def test_two_voices_are_told_and_can_be_measured_apart(affectmap, here):
    first, second = (soundfile.read(write_speech(here / f"{pitch}.wav", pitch))[0] for pitch in (110.0, 230.0))
    both = np.stack([np.r_[first, 0 * second], np.r_[0 * first, second]], axis=1)
    soundfile.write(here / "call.wav", both, 16000)
    soundfile.write(here / "second.wav", both[:, 1], 16000)
    done = affectmap("embed", "call.wav")
    assert "call.wav: channels 1 and 2 of 2 hold different voices or sounds, which were added; measure each" in done.err
    alone = affectmap("embed", "call.wav", "--channel", "2")
    assert "channel" not in alone.err
    expected = table_of(affectmap("embed", "second.wav").out)
    pd.testing.assert_frame_equal(table_of(alone.out).reset_index(drop=True), expected.reset_index(drop=True))


def test_a_channel_that_is_not_there_is_a_problem(affectmap, here):
    in_channels(here, "two.wav", 1, 1)
    done = affectmap("embed", "two.wav", "mono.wav", "--channel", "2")
    assert done.code == 0
    assert table_of(done.out).loc["mono.wav", "problem"] == "it has 1 channel, and no channel 2; name one of them"
    assert affectmap("embed", "mono.wav", "--channel", "0").code == 2


def test_narrow_bands_are_flagged(affectmap, here):
    signal = in_channels(here, "stereo.wav", 1, 1)
    narrow = soxr.resample(signal, 16000, 8000)
    soundfile.write(here / "low.wav", narrow, 8000)
    soundfile.write(here / "resampled.wav", soxr.resample(narrow, 8000, 16000), 16000)
    soundfile.write(here / "fast.wav", soxr.resample(narrow, 8000, 44100), 44100)
    done = affectmap("embed", "mono.wav", "stereo.wav", "low.wav", "resampled.wav", "fast.wav")
    table = table_of(done.out)
    assert table["narrow_band"].tolist() == [False, False, True, True, True]
    assert table.loc["low.wav", "note"].startswith("recorded at 8000 Hz: its sound ends near ")
    assert done.err.startswith("note: narrow_band: 3 of 5 recordings, first low.wav: recorded at 8000 Hz: ")


def test_a_folder_in_the_order_of_names_with_bad_files(affectmap, here):
    for name in ("b.wav", "a.wav", "deep/c.WAV", ".hidden/d.wav"):
        write(here / "rec" / name)
    (here / "rec" / "bad.wav").write_text("no sound")
    (here / "rec" / "notes.txt").write_text("x")
    done = affectmap("embed", "rec")
    assert done.code == 0
    table = table_of(done.out)
    assert table.index.tolist() == ["rec/a.wav", "rec/b.wav", "rec/bad.wav", "rec/deep/c.WAV"]
    assert table["activation"].notna().tolist() == [True, True, False, True]
    assert "not audio" in table.loc["rec/bad.wav", "problem"]
    assert done.err.startswith("note: no values for rec/bad.wav: broken, or not audio")
    assert len(done.err.splitlines()) == 1


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux lets a name be any bytes")
@pytest.mark.parametrize(
    "output", [(), ("-o", "out.csv"), ("-o", "out.parquet"), ("--format", "json", "-o", "out.json")]
)
def test_a_name_that_is_no_text_costs_no_other_row(affectmap, here, output):
    write(here / "rec" / "a.wav")
    write(here / "rec" / "b.wav", seed=1).rename(os.fsdecode(bytes(here) + b"/rec/caf\xe9.wav"))  # not yet in the cache
    write(here / "rec" / "z.wav")
    done = affectmap("embed", "rec", *output)
    assert done.code == 0, done.err
    problem = "its path is not UTF-8; rename file or folder"
    assert done.err == f"note: no values for rec/caf\\xe9.wav: {problem}\n"
    readers = {"csv": table_of, "json": lambda text: pd.read_json(io.StringIO(text), lines=True).set_index("file")}
    suffix = output[-1].rsplit(".", 1)[-1] if output else "csv"
    if suffix == "parquet":
        table = pd.read_parquet(here / "out.parquet")
    else:
        table = readers[suffix]((here / output[-1]).read_text() if output else done.out)
    assert table.index.tolist() == ["rec/a.wav", "rec/caf\\xe9.wav", "rec/z.wav"]
    assert table["activation"].notna().tolist() == [True, False, True]
    assert table["problem"].tolist()[1] == problem


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux lets a name be any bytes")
def test_a_speaker_of_a_name_that_is_no_text(affectmap, here):
    write(here / "rec" / "a.wav")
    write(here / "rec" / "b.wav", seed=1).rename(os.fsdecode(bytes(here) + b"/rec/caf\xe9.wav"))
    (here / "who.csv").write_text("file,speaker\nrec/a.wav,anna\nrec/caf\\xe9.wav,anna\n")
    done = affectmap("embed", "rec", "--speakers", "who.csv")
    assert done.code == 0, done.err
    assert table_of(done.out)["activation"].notna().tolist() == [True, False]


def test_none_usable_ends_in_1_with_the_table(affectmap, here):
    (here / "bad.wav").write_text("no sound")
    done = affectmap("embed", "bad.wav", "gone.wav")
    assert done.code == 1
    assert done.error == "none of 2 recordings could be used; the column problem says why"
    assert len(table_of(done.out)) == 2


def test_an_empty_folder(affectmap, here):
    (here / "empty").mkdir()
    done = affectmap("embed", "empty")
    assert done.code == 1
    assert done.out == ""
    assert done.error.endswith("empty holds no recordings; expected files such as *.wav, in it or in its subfolders")


def test_nothing_named(affectmap):
    done = affectmap("embed")
    assert done.code == 2
    assert "missing argument" in done.error


@pytest.mark.parametrize("suffix", ["csv", "jsonl", "parquet"])
def test_formats_hold_the_same(affectmap, here, suffix):
    write(here / "a.wav")
    (here / "bad.wav").write_text("no sound")
    done = affectmap("embed", "a.wav", "bad.wav", "-o", f"out.{suffix}")
    assert (done.code, done.out) == (0, "")
    readers = {
        "csv": lambda file: pd.read_csv(file, index_col="file"),
        "jsonl": lambda file: pd.read_json(file, lines=True).set_index("file"),
        "parquet": pd.read_parquet,
    }
    found, expected = readers[suffix](here / f"out.{suffix}"), load_model().embed(["a.wav", "bad.wav"])
    assert found.index.tolist() == ["a.wav", "bad.wav"]
    np.testing.assert_allclose(found.iloc[0, :12].astype(float), expected.iloc[0, :12].astype(float), atol=1e-6)
    assert found.iloc[1, :12].isna().all()
    assert found["problem"].tolist()[1] == expected["problem"].tolist()[1]


def test_json_is_a_line_each(affectmap, here):
    write(here / "ä.wav")
    (here / "bad.wav").write_text("no sound")
    lines = affectmap("embed", "ä.wav", "bad.wav", "--format", "json").out.splitlines()
    first, second = map(json.loads, lines)
    assert first["file"] == "ä.wav"
    assert first["silent"] is False
    assert second["activation"] is None


# audformat 1.4 reads tables with an argument of pandas that has become deprecated.
@pytest.mark.filterwarnings("ignore:The inplace keyword")
def test_an_audformat_database(affectmap, here):
    write(here / "a.wav")
    (here / "bad.wav").write_text("no sound")
    done = affectmap("embed", "a.wav", "bad.wav", "--format", "audformat", "-o", "db")
    assert done.code == 0, done.err
    table = audformat.Database.load(str(here / "db"))["embedding"].get()
    assert table.index.tolist() == [str(here / "a.wav"), str(here / "bad.wav")]
    assert table["activation"].between(1, 5).tolist() == [True, False]
    assert not bool(table["silent"].iloc[0])
    again = affectmap("embed", "a.wav", "--format", "audformat", "-o", "db")
    assert again.code == 1
    assert "--overwrite" in again.error
    assert affectmap("embed", "a.wav", "--format", "audformat", "-o", "db", "--overwrite").code == 0


@pytest.mark.parametrize("form", ["parquet", "audformat"])
def test_what_is_no_text_needs_a_name(affectmap, here, form):
    done = affectmap("embed", "a.wav", "--format", form)
    assert done.code == 2
    assert done.error.startswith(f"{form} is no text; name a f")


def test_one_recording_on_the_input(process, here):
    file = write(here / "a.wav")
    with file.open("rb") as handle:
        done = process("embed", "-", stdin=handle)
    assert (done.code, done.err) == (0, "")
    found, expected = table_of(done.out), load_model().embed(file)
    assert found.index.tolist() == ["-"]
    assert found["activation"].iloc[0] == pytest.approx(expected["activation"].iloc[0], rel=1e-6)


@pytest.mark.parametrize(("content", "problem"), [(b"", "nothing is on the input"), (b"no sound", "none of 1 rec")])
def test_no_recording_on_the_input(affectmap, monkeypatch, content, problem):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content)))
    done = affectmap("embed", "-")
    assert done.code == 1
    assert problem in done.error
    assert "affectmap-" not in done.out + done.err


def test_too_much_on_the_input(affectmap, monkeypatch):
    import affectmap.cli.standard_input as recordings

    monkeypatch.setattr(recordings, "MAX_INPUT", 10)
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(bytes(11))))
    assert "more than 10 bytes are on the input" in affectmap("embed", "-").error


def test_another_model(affectmap, here):
    file = write_speech(here / "a.wav")
    model = load_model()
    model.adapt(np.concatenate([model.measure([file])[0]] * 3)).save("mine")
    plain, other = (table_of(affectmap("embed", "a.wav", *more).out) for more in ((), ("--model", "mine")))
    assert plain["activation"].iloc[0] != other["activation"].iloc[0]


def test_a_model_that_is_none(affectmap, here):
    write(here / "a.wav")
    done = affectmap("embed", "a.wav", "--model", "nowhere")
    assert done.code == 1
    assert done.error.startswith("nowhere does not exist; expected the folder of a model")


def test_speakers_by_a_table(affectmap, here):
    for i in range(4):
        write_speech(here / "rec" / f"{i}.wav", pitch=100 + 40 * i)
    (here / "rec" / "who.csv").write_text("file,speaker\n" + "".join(f"{i}.wav,anna\n" for i in range(4)))
    done = affectmap("embed", "rec", "--speakers", "rec/who.csv")
    assert done.code == 0
    assert "1 of 1 speakers have fewer than 10 usable utterances" in done.err
    assert not np.allclose(table_of(done.out)["activation"], table_of(affectmap("embed", "rec").out)["activation"])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("file,speaker\nother.wav,anna\n", "no speaker for 1 of 1 recordings, first a.wav"),
        ("file,speaker\na.wav,\n", "no speaker for 1 of 1"),
        ("file,who\na.wav,anna\n", "no column speaker"),
        ("", "is empty"),
    ],
)
def test_a_table_of_speakers_that_does_not_do(affectmap, here, text, message):
    write(here / "a.wav")
    (here / "who.csv").write_text(text)
    done = affectmap("embed", "a.wav", "--speakers", "who.csv")
    assert done.code == 1
    assert message in done.error


def test_speakers_need_names(affectmap, here):
    (here / "who.csv").write_text("file,speaker\n")
    done = affectmap("embed", "-", "--speakers", "who.csv")
    assert done.code == 2
    assert "a recording on the input has none" in done.error


def test_a_file_named_twice_is_one_row(affectmap, here):
    write(here / "a.wav")
    assert len(table_of(affectmap("embed", "a.wav", "a.wav", ".").out)) == 1


def test_one_file_loads_no_more_than_it_needs(process, here):
    file = write(here / "a.wav")
    first = (
        "import sys, atexit\n"
        "wrong = ('torch', 'onnx', 'onnxruntime', 'sklearn', 'scipy', 'matplotlib', 'pandas', 'pyarrow', 'joblib', 'numpy.ma', "
        "'affectmap.corpora', 'affectmap.settings')\n"
        "atexit.register(lambda: print([name for name in wrong if name in sys.modules], file=sys.stderr))"
    )
    done = process("embed", file, first=first)
    assert (done.code, done.err.strip()) == (0, "[]")


def test_rows_are_printed_part_by_part_with_one_header(affectmap, here, monkeypatch):
    import affectmap.cli.embed as embed

    monkeypatch.setattr(embed, "CHUNK", 2)
    for i in range(5):
        write(here / "rec" / f"{i}.wav", seed=i)
    (here / "rec" / "3.wav").write_text("no sound")
    done = affectmap("embed", "rec")
    assert done.code == 0
    assert [line.split(",")[0] for line in done.out.splitlines()] == ["file", *(f"rec/{i}.wav" for i in range(5))]
    affectmap("embed", "rec", "-o", "all.csv")
    assert (here / "all.csv").read_text() == done.out


def test_nobody_reads_on(process, here):
    for i in range(3):
        write(here / "rec" / f"{i}.wav", seed=i)
    first = "import os, affectmap.cli.embed as e\ne.CHUNK = 1\nr, w = os.pipe(); os.close(r); os.dup2(w, 1)"
    assert process("embed", "rec", first=first)[::2] == (0, "")


@pytest.mark.slow
def test_a_full_disk_is_told(process, here):
    write(here / "a.wav")
    with Path("/dev/full").open("w") as full:
        done = process("embed", "a.wav", stdout=full)
    assert done.code == 1
    assert "No space left on device" in done.error
