"""What measures functionals: one cleaned signal for both engines, and what is refused."""

import sys
import threading

import numpy as np
import pytest

from affectmap import egemaps
from affectmap.audio.cleaning import without_offset
from affectmap.errors import AudioError, UsageError
from affectmap.features import engines
from affectmap.features.engines import (
    check_engine,
    feature_names,
    how_measured,
    measure_functionals,
    otherwise_measured,
)
from affectmap.schema import CORRECTED, ENGINES, FUNCTIONALS, WHISPER
from cases import each


@pytest.fixture(scope="module")
def smile():
    opensmile = pytest.importorskip("opensmile")
    return opensmile.Smile(opensmile.FeatureSet.eGeMAPSv02, opensmile.FeatureLevel.Functionals)


def test_names_and_order_are_those_of_the_package():
    assert egemaps.FUNCTIONAL_NAMES == FUNCTIONALS


def test_our_own_measures_by_default(voice):
    signal = voice().astype(np.float32) + np.float32(0.1)
    expected = egemaps.functionals(without_offset(signal), 16000)
    np.testing.assert_array_equal(measure_functionals(signal, 16000), expected.astype(np.float32))


def test_the_corrected_set_has_names_of_its_own_and_knows_no_level(voice):
    signal = voice().astype(np.float32)
    functionals = measure_functionals(signal, 16000, CORRECTED)
    np.testing.assert_allclose(functionals, egemaps.corrected_functionals(signal, 16000), rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(
        measure_functionals(3 * signal + 0.2, 16000, CORRECTED), functionals, rtol=1e-3, atol=1e-4
    )
    assert feature_names(CORRECTED) == egemaps.CORRECTED_NAMES != feature_names("opensmile") == FUNCTIONALS
    corrected, compatible = how_measured(CORRECTED), how_measured("egemaps")
    assert {name for name in corrected if corrected[name] != compatible[name]} == {"engine", "feature_set"}
    assert not otherwise_measured(corrected)
    assert "of egemaps-corrected 0, and here they are of 1; train the model again" in otherwise_measured(
        corrected | {"version": "0"}
    )


def test_opensmile_gets_the_same_signal(voice, smile):
    signal = voice().astype(np.float32) + np.float32(0.1)
    assert smile.feature_names == list(FUNCTIONALS)
    expected = smile(without_offset(signal), 16000).ravel()
    np.testing.assert_array_equal(measure_functionals(signal, 16000, "opensmile"), expected)


@each("engine", ["egemaps", "opensmile"])
def test_samples_beyond_full_scale_are_clipped_and_do_not_wrap(voice, engine):
    signal = without_offset((2.2 * voice()).astype(np.float32))
    assert np.abs(signal).max() > 1
    clipped = np.clip(signal, -1, 32767 / 32768)
    # Clipping moves the mean by less than a bit of 16.
    expected = engines._measured(clipped, 16000, engine)
    np.testing.assert_array_equal(measure_functionals(signal, 16000, engine), expected)


@each("engine", [engine for engine in ENGINES if engine != WHISPER])
def test_an_engine_that_fails_is_named_and_no_traceback(voice, engine):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(engines, "_measured", lambda *given: 1 / 0)
        with pytest.raises(AudioError, match=r"(affectmap\.egemaps|openSMILE) cannot measure it \(division by zero\)"):
            measure_functionals(voice(), 16000, engine)


def test_memory_that_does_not_suffice_is_not_the_recordings_fault(voice, monkeypatch):
    def full(*given):
        raise MemoryError

    monkeypatch.setattr(egemaps, "functionals", full)
    with pytest.raises(MemoryError):
        measure_functionals(voice(), 16000)


def test_values_that_are_not_finite_are_refused(voice, monkeypatch):
    monkeypatch.setattr(egemaps, "functionals", lambda *given: np.array([np.inf, np.nan] + [0.0] * 86))
    with pytest.raises(AudioError, match="2 of its 88 functionals are not finite"):
        measure_functionals(voice(), 16000)


def test_opensmile_is_built_once_though_many_threads_ask(voice, monkeypatch):
    opensmile = pytest.importorskip("opensmile")
    built = []

    class Smile:
        def __init__(self, *arguments):
            built.append(threading.get_ident())

        def __call__(self, samples, sampling_rate):
            return np.zeros((1, 88, 1), np.float32)

    engines._smile.cache_clear()
    monkeypatch.setattr(opensmile, "Smile", Smile)
    asking = [threading.Thread(target=measure_functionals, args=(voice(), 16000, "opensmile")) for _ in range(8)]
    for thread in asking:
        thread.start()
    for thread in asking:
        thread.join()
    engines._smile.cache_clear()
    assert len(built) == 1


def test_an_engine_that_is_not_installed_says_what_to_run(voice, monkeypatch):
    monkeypatch.setitem(sys.modules, "opensmile", None)
    monkeypatch.setattr(engines, "installed", lambda name: False)
    monkeypatch.setattr("affectmap.extras.installed", lambda name: False)
    with pytest.raises(
        UsageError, match=r'the engine opensmile needs opensmile; run pip install "affectmap\[opensmile\]"'
    ):
        measure_functionals(voice(), 16000, "opensmile")
    # A model of openSMILE's functionals can still be read, for features that are given.
    assert otherwise_measured(how_measured("opensmile") | {"version": "2.6.0"}) == ""
    check_engine("egemaps")


@each(
    ("change", "told"),
    [
        ({}, ""),
        ({"version": "2"}, "its functionals are of egemaps 2, and here they are of 1; train the model again"),
        ({"engine": "praat"}, "expected engine egemaps or opensmile"),
        ({"cleaning": None}, "cleaning is None; expected mean removed; train the model again"),
        ({"feature_set": "GeMAPSv01b"}, "feature_set is GeMAPSv01b; expected eGeMAPSv02"),
        ({"level": "LowLevelDescriptors"}, "level is LowLevelDescriptors; expected Functionals"),
    ],
)
def test_what_was_measured_otherwise_is_told(change, told):
    found = otherwise_measured(how_measured("egemaps") | change)
    assert told in found
    assert bool(told) == bool(found)


@each("measured", [None, 3, [], {}, "egemaps"])
def test_what_says_nothing_of_an_engine_is_told(measured):
    assert otherwise_measured(measured).startswith(f"its functionals are of {measured}; expected engine")


def test_another_opensmile_is_told_with_what_to_run():
    pytest.importorskip("opensmile")
    found = otherwise_measured(how_measured("opensmile") | {"version": "1.0.0"})
    assert found.startswith("its functionals are of opensmile 1.0.0, and here they are of 2.")
    assert found.endswith("; run pip install opensmile==1.0.0")
