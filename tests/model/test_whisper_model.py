"""A model on an encoder: it embeds, adapts and tells speech as the other one, and needs the encoder for sound alone."""

import numpy as np
import pandas as pd
import pytest
import soundfile

from affectmap.corpora import Corpus
from affectmap.errors import ConfigError, ModelError
from affectmap.evaluation.predictions import columns_for
from affectmap.evaluation.scoring import score
from affectmap.features.encoders.locate import VARIABLE
from affectmap.features.engines import measure_functionals
from affectmap.model.model import load_model
from affectmap.schema import FUNCTIONALS, WHISPER, WHISPER_FEATURES, segmented_index, validate_table
from affectmap.track import track
from model_files import SPEECH
from whisper_files import make_speech_sound, make_whisper_model, write_whisper_base


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write_whisper_base(tmp_path_factory.mktemp("encoders") / "whisper-base")


@pytest.fixture
def model(folder, monkeypatch):
    monkeypatch.setenv(VARIABLE, str(folder))
    return make_whisper_model()


@pytest.fixture
def saved(model, tmp_path):
    model.save(tmp_path / "model")
    return tmp_path / "model"


@pytest.fixture
def write_speech(tmp_path):
    def write(name, pitch=130.0):
        soundfile.write(tmp_path / name, make_speech_sound(2.0, pitch), 16000)
        return tmp_path / name

    return write


@pytest.fixture
def no_encoder(tmp_path, monkeypatch):
    monkeypatch.setenv(VARIABLE, str(tmp_path / "none"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def make_rows(n=40, seed=0):
    rows = np.random.default_rng(seed).normal(size=(n, len(WHISPER_FEATURES)))
    rows[:, [512 + column for column in SPEECH]] = 1 + np.abs(rows[:, [512 + column for column in SPEECH]])
    return rows


def test_a_recording_is_the_map_of_what_the_engine_measures(model, write_speech):
    file = write_speech("a.wav")
    table = model.embed(file)
    row = model.measure(file)[0].to_numpy()
    pd.testing.assert_frame_equal(
        table[list(model.columns)[:11]], model.transform(row).set_index(table.index)[list(model.columns)[:11]]
    )
    expected = (row.astype(np.float64) - model.statistics.mean) @ model.layers[0][0]
    np.testing.assert_allclose(table[["embedding_0", "embedding_1"]], expected, rtol=1e-9)
    assert row.shape == (1, 600)
    assert not table["not_speech"].item()


def test_the_functionals_behind_the_means_tell_what_is_no_speech(model):
    rows = make_rows(2)
    rows[1, 512 + FUNCTIONALS.index("VoicedSegmentsPerSec")] = 0.0
    assert model.transform(rows)["not_speech"].tolist() == [False, True]
    adapted = model.adapt(np.concatenate([make_rows(), rows[1:]]))
    assert adapted.metadata["standardisation"]["n_utterances"] == 40


def test_it_says_what_it_takes(model, tmp_path):
    assert model.input_text == "512 means of Whisper base, layer 3, and the 88 eGeMAPSv02 functionals at 16000 Hz"
    assert "measured: by whisper 1-1-" in repr(model)
    model.save(tmp_path / "hub", hub=True)
    assert "- whisper\n" in (tmp_path / "hub" / "README.md").read_text()


def test_without_its_encoder_it_takes_features_and_no_recordings(saved, no_encoder, write_voice):
    loaded = load_model(saved)
    assert len(loaded.transform(make_rows())) == 40
    for act in (lambda: loaded.embed(write_voice("a.wav")), lambda: track(write_voice("a.wav"), loaded, window_s=1.0)):
        with pytest.raises(ModelError, match="run `affectmap models fetch whisper-base`"):
            act()


def test_another_encoder_than_its_own_is_refused(saved, tmp_path, monkeypatch):
    monkeypatch.setenv(VARIABLE, str(write_whisper_base(tmp_path / "other", seed=1)))
    with pytest.raises(ModelError, match="name the encoder that it was trained with by --encoder"):
        load_model(saved)


def test_another_encoder_that_comes_after_the_model_is_refused(saved, no_encoder, tmp_path, monkeypatch, write_voice):
    loaded = load_model(saved)
    monkeypatch.setenv(VARIABLE, str(write_whisper_base(tmp_path / "other", seed=1)))
    for act in (lambda: loaded.embed(write_voice("a.wav")), lambda: track(write_voice("a.wav"), loaded, window_s=1.0)):
        with pytest.raises(
            ModelError, match=r"^tiny: its functionals are of whisper 1-1-.*, and here they are of 1-1-"
        ):
            act()


def test_a_rate_that_it_cannot_measure_at_is_refused(model, tmp_path):
    model.described(sampling_rate=8000).save(tmp_path / "model")
    with pytest.raises(ModelError, match="sampling_rate is 8000; expected 16000 Hz for whisper"):
        load_model(tmp_path / "model")


def test_names_of_shipped_models_are_no_folders(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "egemaps").mkdir()
    assert load_model("egemaps").name == load_model().name
    with pytest.raises(ModelError, match=r"egemaps/model\.yaml does not exist"):
        load_model("./egemaps/")


def test_a_track_s_windows_are_the_recordings_of_embed(model, write_voice, voice):
    file = write_voice("a.wav", seconds=4.0)
    table = track(file, model, window_s=2.0, n_jobs=2).table
    signal = voice(seconds=4.0)
    alone = [model.embed(signal[start : start + 32000], 16000) for start in (0, 32000)]
    np.testing.assert_allclose(table["activation"], pd.concat(alone)["activation"], atol=1e-3)  # 16 bits of the file
    assert len(table) == 2


def test_a_corpus_is_scored_by_recordings_or_by_a_table(model, tmp_path, write_speech):
    files = [str(write_speech(f"{n}.wav", 100.0 + 20 * n)) for n in range(8)]
    cells = {"emotion": ["sad", "angry"] * 4, "activation": [2.0, 4.0] * 4, "speaker": [*"aaaabbbb"]}
    table = validate_table(pd.DataFrame(cells, segmented_index(files)), "voices")
    measured = score(model, Corpus("voices", table), adapt="corpus")
    rows = [measure_functionals(soundfile.read(file, dtype="float32")[0], 16000, WHISPER) for file in files]
    pd.DataFrame(rows, columns=list(WHISPER_FEATURES)).assign(file=files, **cells).to_csv(
        tmp_path / "rows.csv", index=False
    )
    given = score(model, f"table:voices={tmp_path}/rows.csv", adapt="corpus")
    assert columns_for(model) == WHISPER
    assert given.row("uar").value == measured.row("uar").value
    np.testing.assert_allclose(
        given.utterances["predicted_activation"], measured.utterances["predicted_activation"], atol=1e-4
    )


def test_functionals_alone_are_not_enough_for_it(model):
    functionals = pd.DataFrame(np.ones((2, 88)), columns=list(FUNCTIONALS))
    with pytest.raises(ConfigError, match="512 of the 600 features are missing, first mean_000"):
        model.embed(functionals)
