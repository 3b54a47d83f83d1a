"""The engine whisper: an encoder's means before the functionals, known by its weights, found or told what to run."""

import threading

import numpy as np
import pandas as pd
import pytest

from affectmap import whisper
from affectmap.audio.cleaning import without_offset
from affectmap.errors import ConfigError, ModelError, UsageError
from affectmap.features.encoders import whisper_base
from affectmap.features.encoders.locate import VARIABLE
from affectmap.features.engines import (
    check_engine,
    engine_of,
    engine_version,
    feature_names,
    how_measured,
    measure_functionals,
    otherwise_measured,
)
from affectmap.features.functionals import extract_functionals
from affectmap.features.recordings import RecordingCache
from affectmap.features.single_recordings import measure_rows
from affectmap.schema import FUNCTIONALS, WHISPER, segmented_index
from whisper_files import write_whisper_base


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write_whisper_base(tmp_path_factory.mktemp("encoders") / "whisper-base")


@pytest.fixture
def encoder(folder, monkeypatch):
    monkeypatch.setenv(VARIABLE, str(folder))
    return folder


@pytest.fixture
def no_encoder(tmp_path, monkeypatch):
    monkeypatch.setenv(VARIABLE, str(tmp_path / "none"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def test_a_row_is_the_encoders_means_and_then_the_functionals(voice, encoder):
    signal = voice().astype(np.float32) + np.float32(0.1)
    row = measure_functionals(signal, 16000, WHISPER)
    loaded, centred = whisper.load_encoder(encoder, 3), without_offset(signal)
    np.testing.assert_array_equal(row[:512], loaded.pooled(centred)[:512])
    np.testing.assert_allclose(row[:512], loaded.hidden(centred).mean(axis=0), atol=2e-3)  # products in 16 bits
    np.testing.assert_array_equal(row[512:], measure_functionals(signal, 16000))
    names = feature_names(WHISPER)
    assert len(row) == len(names) == len(set(names))
    assert (names[0], names[511], names[512:]) == ("mean_000", "mean_511", FUNCTIONALS)


def test_another_encoder_is_another_version(encoder, tmp_path, monkeypatch):
    here = how_measured(WHISPER)
    assert here["version"].startswith("1-1-")
    assert otherwise_measured(here) == ""
    monkeypatch.setenv(VARIABLE, str(write_whisper_base(tmp_path / "other", seed=1)))
    there = how_measured(WHISPER)
    assert {name for name in here if here[name] != there[name]} == {"version"}
    assert otherwise_measured(here).endswith(
        f", since the encoder in {tmp_path / 'other'} is another or damaged; name the encoder that it was trained with "
        "by --encoder, or train the model again"
    )
    older = here | {"version": here["version"].replace("1-1-", "0-1-")}
    assert "damaged" not in otherwise_measured(older)


def test_it_is_loaded_once_though_many_threads_ask(encoder, monkeypatch):
    loaded = []

    def load(*given):
        loaded.append(threading.get_ident())
        return whisper.read_weights(*given)

    whisper_base._loaded.cache_clear()
    monkeypatch.setattr(whisper_base, "read_encoder", load)
    asking = [threading.Thread(target=whisper_base.whisper_base) for _ in range(8)]
    for thread in asking:
        thread.start()
    for thread in asking:
        thread.join()
    whisper_base._loaded.cache_clear()
    assert len(loaded) == 1


def test_where_there_is_none_a_line_says_what_to_run(voice, no_encoder):
    for act in (
        lambda: check_engine(WHISPER),
        lambda: measure_functionals(voice(), 16000, WHISPER),
        lambda: measure_rows([voice()], 16000, 16000, engine=WHISPER),
    ):
        with pytest.raises(ModelError, match="run `affectmap models fetch whisper-base`"):
            act()
    # A model of its features can still be read, for features that are given.
    assert engine_version(WHISPER) == ""
    assert otherwise_measured(how_measured(WHISPER) | {"version": "1-1-abc"}) == ""


def test_an_encoder_of_another_size_is_refused(tmp_path, monkeypatch):
    monkeypatch.setenv(VARIABLE, str(write_whisper_base(tmp_path / "small", dim=64)))
    with pytest.raises(ModelError, match="small gives 64 numbers; expected the 512 of Whisper base"):
        check_engine(WHISPER)


def test_a_damaged_encoder_is_refused_in_one_line(tmp_path, monkeypatch):
    folder = write_whisper_base(tmp_path / "torn")
    weights = folder / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:1000])
    monkeypatch.setenv(VARIABLE, str(folder))
    with pytest.raises(ModelError, match=r"model\.safetensors cannot be read"):
        check_engine(WHISPER)


def test_other_rates_and_engines_are_refused(encoder, voice):
    with pytest.raises(ConfigError, match="sampling_rate is 8000, and whisper measures at 16000 Hz alone"):
        measure_functionals(voice(), 8000, WHISPER)
    with pytest.raises(UsageError, match="engine is opensmile, which does not measure whisper; leave --engine out"):
        engine_of(WHISPER, "opensmile")
    assert engine_of(WHISPER, "egemaps") == WHISPER


def test_a_cache_keeps_both_apart(encoder, tmp_path, write_voice, monkeypatch):
    file = write_voice("a.wav", 22050)
    with RecordingCache(tmp_path / "cache") as cache:
        short, _ = measure_rows([file], None, 16000, cache=cache)
        long, _ = measure_rows([file], None, 16000, engine=WHISPER, cache=cache)
    assert (short.shape, long.shape) == ((1, 88), (1, 600))
    monkeypatch.setattr("affectmap.features.single_recordings.measure_functionals", lambda *given: 1 / 0)
    with RecordingCache(tmp_path / "cache") as cache:
        np.testing.assert_array_equal(measure_rows([file], None, 16000, cache=cache)[0], short)
        np.testing.assert_array_equal(measure_rows([file], None, 16000, engine=WHISPER, cache=cache)[0], long)
    assert cache.notices == []


def test_a_corpus_is_measured_once_with_its_encoder(encoder, tmp_path, write_voice, monkeypatch):
    table = pd.DataFrame(index=segmented_index([str(write_voice(f"{n}.wav", pitch=100.0 + n)) for n in range(3)]))
    options = {"cache": tmp_path / "cache", "engine": WHISPER}
    found, findings = extract_functionals("hums", table, **options)
    assert (found.shape, findings) == ((3, 600), [])
    monkeypatch.setattr("affectmap.features.functionals.measure_functionals", lambda *given: 1 / 0)
    again, _ = extract_functionals("hums", table, n_jobs=1, **options)
    pd.testing.assert_frame_equal(again, found)
    monkeypatch.setenv(VARIABLE, str(write_whisper_base(tmp_path / "other", seed=1)))
    with pytest.raises(ZeroDivisionError):  # of another encoder nothing is known
        extract_functionals("hums", table, **options)
