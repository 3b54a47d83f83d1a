"""Every verb with a model on an encoder, and the line where the encoder is missing."""

import io
import json
import os

import pandas as pd
import pytest
import soundfile

from affectmap.features.encoders.locate import VARIABLE
from affectmap.model.model import load_model
from dask_processes import dask_processes
from whisper_files import make_speech_sound, make_whisper_model, write_whisper_base


@pytest.fixture(scope="module")
def encoder(tmp_path_factory):
    return write_whisper_base(tmp_path_factory.mktemp("encoders") / "whisper-base")


@pytest.fixture
def material(here, encoder, monkeypatch):
    """Give options of a verb; without --encoder there is no encoder."""
    monkeypatch.setenv(VARIABLE, str(encoder))
    make_whisper_model().save(here / "tiny")
    monkeypatch.setenv(VARIABLE, str(here / "none"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(here / "own"))
    (here / "talk").mkdir()
    for number in range(3):
        soundfile.write(here / "talk" / f"{number}.wav", make_speech_sound(2.0, 120 + 20 * number), 16000)
    return "--model", "tiny", "--encoder", encoder


def table(outcome):
    assert outcome.code == 0, outcome.err
    return pd.read_csv(io.StringIO(outcome.out))


def test_embed_finds_again_what_it_measured(affectmap, here, material, monkeypatch):
    first = affectmap("embed", "talk", *material)
    assert len(table(first)) == 3
    assert os.environ[VARIABLE] == str(here / "none")
    assert (here / "cache" / "recordings-whisper.npz").is_file()
    monkeypatch.setattr("affectmap.features.single_recordings.measure_functionals", lambda *given: 1 / 0)
    assert affectmap("embed", "talk", *material).out == first.out


def test_adapt_gives_a_model_of_the_same_kind(affectmap, here, material):
    outcome = affectmap("adapt", "talk", *material, "-o", "adapted")
    assert (outcome.code, outcome.err) == (0, "adapted to 3 recordings; 0 outliers left out\n")
    adapted = affectmap("embed", "talk", "--model", "adapted", *material[2:])
    assert table(adapted)["activation"].tolist() != table(affectmap("embed", "talk", *material))["activation"].tolist()


def test_track_and_a_stream_give_the_same(affectmap, here, material, monkeypatch):
    windows = table(affectmap("track", "talk/0.wav", "--windows", 1, *material))
    samples = soundfile.read(here / "talk/0.wav", dtype="int16")[0].astype("<i2").tobytes()
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(samples)))
    stream = table(affectmap("track", "--stream", "--windows", 1, *material))
    shared = ["start", "end", "activation", "valence", "neutral", "unfamiliar"]
    pd.testing.assert_frame_equal(stream[shared], windows[shared])
    assert len(windows) == 2


def test_score_by_a_table_of_recordings(affectmap, here, material):
    rows = [f"talk/{n}.wav,{emotion},{n + 2},3,s{n}" for n, emotion in enumerate(("sad", "angry", "happy"))]
    (here / "mine.csv").write_text("\n".join(["file,emotion,activation,valence,speaker", *rows]) + "\n")
    outcome = affectmap("score", "table:mine=mine.csv", *material)
    assert outcome.code == 0, outcome.err
    assert outcome.out.startswith("tiny on mine: three utterances of three speakers")


@pytest.mark.parametrize("verb", ["embed", "adapt", "track", "score", "serve"])
def test_without_the_encoder_one_line_says_what_to_run(affectmap, here, material, verb):
    (here / "mine.csv").write_text("file,emotion\ntalk/0.wav,sad\n")
    given = {"track": ["talk/0.wav", "--windows", 1], "score": ["table:mine=mine.csv"], "serve": []}.get(verb, ["talk"])
    outcome = affectmap(verb, *given, "--model", "tiny")
    assert (outcome.code, outcome.out) == (1, "")
    assert outcome.error.startswith(f"{VARIABLE} names {here / 'none'}, which holds no encoder whisper-base")
    assert outcome.error.endswith("run `affectmap models fetch whisper-base`")


@pytest.mark.parametrize("verb", ["embed", "adapt", "track", "serve"])
def test_another_encoder_than_the_model_s_is_one_line(affectmap, here, material, verb):
    write_whisper_base(here / "other", seed=1)
    given = {"track": ["talk/0.wav", "--windows", 1], "serve": []}.get(verb, ["talk"])
    outcome = affectmap(verb, *given, "--model", "tiny", "--encoder", "other")
    assert (outcome.code, outcome.out) == (1, "")
    assert outcome.error.startswith("tiny/model.yaml: its functionals are of whisper 1-1-")
    assert outcome.error.endswith("; name the encoder that it was trained with by --encoder, or train the model again")


def test_a_folder_without_an_encoder_is_named(affectmap, here, material):
    outcome = affectmap("embed", "talk", "--model", "tiny", "--encoder", "talk")
    assert outcome.code == 1
    assert outcome.error.startswith("talk holds no encoder whisper-base: expected config.json and model.safetensors")


@pytest.mark.slow
def test_a_base_install_is_enough(process, here, material):
    hidden = (
        "import sys; sys.modules.update(dict.fromkeys(('torch', 'transformers', 'onnxruntime', 'scipy', 'sklearn')))"
    )
    outcome = process("embed", "talk", *material, first=hidden)
    assert (outcome.code, outcome.err) == (0, "")
    assert len(outcome.out.splitlines()) == 4


@pytest.fixture
def corpora(here, material):
    """Two corpora of recordings, each of three speakers, whose pitch follows the emotion."""
    for name, low in (("cats", 110), ("dogs", 150)):
        rows = ["file,emotion,activation,valence,speaker"]
        for speaker in range(3):
            for emotion, label in (("sad", "2,2"), ("angry", "5,2"), ("happy", "4,5"), ("neutral", "3,3")):
                file = f"{name}-{speaker}-{emotion}.wav"
                pitch = low + 8 * speaker + 25 * int(label[0])
                soundfile.write(here / file, make_speech_sound(1.5, pitch), 16000)
                rows.append(f"{file},{emotion},{label},s{speaker}")
        (here / f"{name}.csv").write_text("\n".join(rows) + "\n")
    return "--features", "whisper", *material[2:], "--cache", "cache", "--n-jobs", 1


@pytest.mark.slow
def test_a_model_trained_on_the_encoder_is_one_like_the_shipped(affectmap, here, corpora):
    outcome = affectmap("train", "--source", "table:cats=cats.csv", "--recipe", "paper", "--epochs", 2, *corpora)
    assert outcome.code == 0, outcome.err
    model = load_model(here / "model")
    assert (model.metadata["features"], len(model.inputs)) == ("whisper", 600)
    assert model.metadata["measured"]["engine"] == "whisper"
    assert len(table(affectmap("embed", "talk", "--model", "model", *corpora[2:4]))) == 3


@pytest.mark.slow
def test_a_run_on_the_encoder_says_how_many_features_it_has(affectmap, here, corpora):
    source, target = ("--source", "table:cats=cats.csv"), ("--target", "table:dogs=dogs.csv")
    fast = ("--method", "joint", "--epochs", 2, "--n-folds", 2, "--n-seeds", 1)
    outcome = affectmap("reproduce", *source, *target, *fast, *corpora, "-o", "results")
    assert outcome.code == 0, outcome.err
    settings = json.loads((here / "results/tables/settings.json").read_text())["settings"]
    assert (settings["features"], settings["input_dim"]) == ("whisper", 600)
    assert "600 features" in set(pd.read_csv(here / "results/tables/table4.csv")["method"])


def test_another_rate_is_refused_before_the_work(affectmap, corpora):
    outcome = affectmap("train", "--source", "table:cats=cats.csv", "--sampling-rate", 8000, *corpora)
    assert outcome.code == 1
    assert outcome.error == "sampling_rate is 8000, and whisper measures at 16000 Hz alone"


@pytest.mark.cluster
def test_workers_use_an_encoder_of_their_own(affectmap, here, encoder, material, monkeypatch, tmp_path_factory):
    expected = affectmap("embed", "talk", *material, "--no-cache").out
    for name, outcome in (("with", (0, expected)), ("without", (1, ""))):
        monkeypatch.setenv(VARIABLE, str(encoder if name == "with" else here / "none"))
        with dask_processes(tmp_path_factory.mktemp(name)) as started:
            started.start_scheduler()
            started.keep_workers("one", "two")
            on_cluster = ("--backend", "dask", "--scheduler", started.address)
            found = affectmap("embed", "talk", *material, "--no-cache", *on_cluster)
            assert (found.code, found.out) == outcome, found.err
    assert "has whisper none, not 1-1-" in found.error
    assert found.error.endswith("; name one encoder on all by AFFECTMAP_ENCODERS")


def test_a_folder_that_is_called_like_a_shipped_model_is_not_taken_in_silence(affectmap, here, material):
    (here / "tiny").rename(here / "egemaps")
    by_name = affectmap("embed", "talk", "--model", "egemaps")
    assert f"note: --model egemaps is the model that comes with affectmap; for the folder of that name give {here}" in (
        by_name.err
    )
    by_path = affectmap("embed", "talk", "--model", here / "egemaps", *material[2:])
    assert "note: --model" not in by_path.err
    assert table(by_path)["activation"].tolist() != table(by_name)["activation"].tolist()
