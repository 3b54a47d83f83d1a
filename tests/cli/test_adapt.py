"""``affectmap adapt`` as a user meets it."""

import os
import sys

import numpy as np
import pytest
import soundfile

from affectmap.model.model import load_model
from conftest import make_voice


def write_recordings(folder, n=4):
    folder.mkdir()
    for i in range(n):
        pitch = 110 + 30 * i
        voice = make_voice(seconds=1.0, pitch=pitch, seed=i) * np.clip(np.sin(np.arange(16000) / 1200), 0, 1)
        glide = make_voice(seconds=1.0, pitch=1.3 * pitch, seed=i)
        soundfile.write(folder / f"{i}.wav", 0.5 * np.concatenate([voice, 0.3 * glide]), 16000)


def test_a_model_of_a_folder(affectmap, here):
    write_recordings(here / "rec")
    (here / "rec" / "bad.wav").write_text("no sound")
    soundfile.write(here / "rec" / "silent.wav", np.zeros(16000), 16000)
    noise = 0.1 * np.random.default_rng(0).normal(size=16000)
    soundfile.write(here / "rec" / "noise.wav", noise, 16000)
    done = affectmap("adapt", "rec", "-o", "mine")
    assert done.code == 0, done.err
    assert done.out.strip() == str(here / "mine")
    assert done.err.splitlines() == [
        "note: left out rec/bad.wav: broken, or not audio (Format not recognised); restore or convert it",
        "note: left out rec/noise.wav: no speech",
        "note: left out rec/silent.wav: silent",
        "adapted to 4 recordings; 0 outliers left out",
    ]
    model, files = load_model(), [here / "rec" / f"{i}.wav" for i in range(4)]
    expected = model.adapt(model.measure(files)[0])
    np.testing.assert_array_equal(load_model("mine").statistics.mean, expected.statistics.mean)
    assert load_model("mine").metadata["standardisation"]["n_utterances"] == 4


def test_nothing_to_adapt_to(affectmap, here):
    (here / "rec").mkdir()
    (here / "rec" / "bad.wav").write_text("no sound")
    done = affectmap("adapt", "rec", "-o", "mine")
    assert done.code == 1
    assert done.err.splitlines()[-1].endswith("none of one recording could be used; name others")
    assert not (here / "mine").exists()


def test_a_recording_on_the_input_is_not_enough(affectmap, here):
    write_recordings(here / "rec", 2)
    done = affectmap("adapt", "rec", "-", "-o", "mine")
    assert done.code == 2
    assert done.error == "adapt takes files and folders, many of them; a recording on the input is one"
    assert not (here / "mine").exists()


def test_a_folder_is_not_replaced_unasked(affectmap, here):
    write_recordings(here / "rec", 2)
    assert affectmap("adapt", "rec", "-o", "mine").code == 0
    done = affectmap("adapt", "rec", "-o", "mine")
    assert done.code == 1
    assert "--overwrite" in done.error
    assert affectmap("adapt", "rec", "-o", "mine", "--overwrite").code == 0
    before = (here / "mine" / "model.yaml").read_bytes()
    for model in ("mine", "rec/../mine"):
        done = affectmap("adapt", "rec", "-o", "mine", "--overwrite", "--model", model)
        assert (done.code, done.error.split(",")[0]) == (1, f"mine holds {model}")
    (here / "mine" / "talk.wav").write_bytes(b"the only copy")
    done = affectmap("adapt", "rec", "-o", "mine", "--overwrite")
    assert (done.code, done.error.split(";")[0]) == (
        1,
        "mine is left alone: talk.wav in it is not as affectmap wrote it",
    )
    assert (here / "mine" / "model.yaml").read_bytes() == before


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux lets a name be any bytes")
def test_a_name_that_is_no_text_is_left_out_by_name(affectmap, here):
    write_recordings(here / "rec")
    (here / "rec" / "3.wav").rename(os.fsdecode(bytes(here) + b"/rec/caf\xe9.wav"))
    done = affectmap("adapt", "rec", "-o", "mine")
    assert done.code == 0, done.err
    assert "note: left out rec/caf\\xe9.wav: its path is not UTF-8; rename file or folder" in done.err


def test_a_few_ratings_correct_the_model(affectmap, here):
    write_recordings(here / "rec", 4)
    soundfile.write(here / "rec" / "silent.wav", np.zeros(16000), 16000)
    (here / "rated.csv").write_text(
        "file,activation,valence,emotion\n0.wav,4,2,angry\n1.wav,2.5,,sad\nsilent.wav,1,,\n9.wav,1,1,\n"
    )
    done = affectmap("adapt", "rec", "--ratings", "rated.csv", "-o", "mine")
    assert done.code == 0, done.err
    *_, strange, _, lost, adapted, corrected = done.err.splitlines()
    assert strange == "note: rated.csv: one recording is not among those given, first 9.wav"
    assert lost == "note: one rated recording cannot be used; see above"
    assert adapted == "adapted to 4 recordings; 0 outliers left out"
    assert corrected.startswith("corrected activation by two ratings (error ")
    assert corrected.endswith("; classes by two recordings")
    model = load_model("mine")
    assert model.metadata["correction"]["activation"]["n"] == 2
    done = affectmap("embed", "--model", "mine", "--format", "csv", "rec/0.wav", "rec/1.wav")
    assert done.code == 0, done.err
    expected = model.transform(model.measure([here / "rec" / "0.wav", here / "rec" / "1.wav"])[0])
    rows = [line.split(",") for line in done.out.splitlines()]
    values = [float(row[rows[0].index("activation")]) for row in rows[1:]]
    np.testing.assert_allclose(values, expected["activation"], rtol=1e-6)


def test_ratings_of_nothing_that_is_there(affectmap, here):
    write_recordings(here / "rec", 2)
    (here / "rated.csv").write_text("file,valence\nx.wav,3\n")
    done = affectmap("adapt", "rec", "--ratings", "rated.csv", "-o", "mine")
    assert done.code == 1
    assert done.error == ("rated.csv rates none of the recordings given (first x.wav); write the ends of their paths")
    assert not (here / "mine").exists()
