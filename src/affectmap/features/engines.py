"""What measures a recording: our own `affectmap.egemaps`, its corrected set, openSMILE, or a speech encoder.

All get the same signal, the recording's mean removed (`affectmap.audio.cleaning`), so that they differ by their
arithmetic alone. The corrected set counts as an engine. Features of two engines, rates or ways of cleaning are not
mixed: all three stand in the keys of the cache, in ``model.yaml`` and in reports, as `how_measured` has them.

The engine ``whisper`` gives what layer 3 of Whisper base (Radford et al. 2022) makes of a recording, the mean of each
of its 512 numbers over time, and behind these the 88 functionals of ``egemaps``, which tell speech from other sounds.
The 88 stand last in the row of every engine.
"""

from __future__ import annotations

import threading
from functools import cache as cached
from importlib import metadata
from typing import TYPE_CHECKING

import numpy as np

from affectmap import egemaps
from affectmap.audio.cleaning import CLEANING, without_offset
from affectmap.audio.reading import Signal
from affectmap.errors import AudioError, ConfigError, UsageError
from affectmap.extras import installed, require
from affectmap.features.encoders.locate import find_encoder
from affectmap.features.encoders.whisper_base import encoder_version, whisper_base
from affectmap.schema import (
    CORRECTED,
    DEFAULT_ENGINE,
    ENGINES,
    FUNCTIONALS,
    USUAL_RATE,
    WHISPER,
    WHISPER_DIM,
    WHISPER_FEATURES,
    WHISPER_LAYER,
    Engine,
)

if TYPE_CHECKING:
    import opensmile

FEATURE_SETS: dict[Engine, str] = {
    "egemaps": "eGeMAPSv02",
    "opensmile": "eGeMAPSv02",
    CORRECTED: "eGeMAPSv02 corrected",
    WHISPER: f"Whisper base layer {WHISPER_LAYER} and eGeMAPSv02",
}
LEVEL = "Functionals"

_LARGEST_SAMPLE = 32767 / 32768  # openSMILE works on 16 bits, and lets what lies outside wrap around to the other sign
_TITLES = {
    "egemaps": "affectmap.egemaps",
    "opensmile": "openSMILE",
    CORRECTED: "affectmap.egemaps",
    WHISPER: "affectmap.whisper",
}
_building = threading.Lock()


def feature_names(engine: Engine) -> tuple[str, ...]:
    """Name what an engine measures, in its order: the 88 functionals, with an encoder's numbers before them or not.

    Example:
        >>> feature_names("egemaps")[36], feature_names("egemaps-corrected")[36]
        ('logRelF0-H1-H2_sma3nz_amean', 'H1-H2_sma3nz_amean')
        >>> len(feature_names("whisper")), feature_names("whisper")[512:] == feature_names("egemaps")
        (600, True)
    """
    return {CORRECTED: egemaps.CORRECTED_NAMES, WHISPER: WHISPER_FEATURES}.get(engine, FUNCTIONALS)


def input_text(engine: Engine, sampling_rate: int) -> str:
    """Say in words what a model takes whose features an engine measures.

    Example:
        >>> input_text("egemaps", 16000)
        'the 88 eGeMAPSv02 functionals at 16000 Hz'
    """
    if engine == WHISPER:
        means = f"{WHISPER_DIM} means of Whisper base, layer {WHISPER_LAYER}"
        return f"{means}, and the 88 eGeMAPSv02 functionals at {sampling_rate} Hz"
    return f"the 88 {FEATURE_SETS[engine]} functionals at {sampling_rate} Hz"


def measure_functionals(signal: Signal, sampling_rate: int, engine: Engine = DEFAULT_ENGINE) -> Signal:
    """Measure one signal, its mean removed: eGeMAPS (Eyben et al. 2016) in its version 02, or another set.

    Args:
        signal: Mono, shape (n_samples,), full scale at 1, at least 0.06 s; what lies beyond is clipped, save for
            the corrected set.
        sampling_rate: In Hz, 2000 or more.
        engine: What measures.

    Returns:
        The features in the order of `feature_names`, float32, shape (88,) or (600,), all finite.

    Raises:
        AudioError: If the engine cannot measure it.
        ConfigError: If the engine does not measure at that rate.
        ModelError: If its encoder cannot be found.
        UsageError: If the engine is not installed.

    Example:
        >>> tone = np.sin(2 * np.pi * 220 * np.arange(8000) / 16000).astype(np.float32)
        >>> measure_functionals(tone, 16000).shape
        (88,)
    """
    check_engine(engine, sampling_rate)
    try:
        functionals = _measured(without_offset(signal), sampling_rate, engine)
    except MemoryError:  # the machine is at fault, not the recording
        raise
    except Exception as error:  # whatever an engine makes of it, one recording does not end the work
        raise AudioError(f"{_TITLES[engine]} cannot measure it ({error})") from error
    n_unusable = int(np.sum(~np.isfinite(functionals)))
    if n_unusable:
        raise AudioError(f"{n_unusable} of its {len(functionals)} functionals are not finite")
    return functionals


def _measured(signal: Signal, sampling_rate: int, engine: Engine) -> Signal:
    if engine == WHISPER:
        functionals = egemaps.functionals(signal, sampling_rate).astype(np.float32)
        encoder = whisper_base()
        return np.concatenate([encoder.pooled(signal)[: encoder.dim], functionals])
    if engine != "opensmile":
        measure = egemaps.corrected_functionals if engine == CORRECTED else egemaps.functionals
        return measure(signal, sampling_rate).astype(np.float32)
    with _building:
        smile = _smile()
    measured = smile(np.clip(signal, -1.0, _LARGEST_SAMPLE), sampling_rate)
    return np.asarray(measured, dtype=np.float32).reshape(-1)


@cached
def _smile() -> opensmile.Smile:
    import opensmile  # half a second, which a run that finds everything in the cache need not spend

    return opensmile.Smile(opensmile.FeatureSet.eGeMAPSv02, opensmile.FeatureLevel.Functionals)


def check_engine(engine: str, sampling_rate: int = USUAL_RATE) -> None:
    """Make sure that an engine is known and installed, its encoder there, and the rate one that it takes.

    Raises:
        ConfigError: If it measures at another rate only.
        ModelError: If its encoder cannot be found; the message says what to run.
        UsageError: If it is not known or not installed; the message says what to run.

    Example:
        >>> check_engine("praat")
        Traceback (most recent call last):
        affectmap.errors.UsageError: engine is 'praat'; expected one of egemaps, opensmile, egemaps-corrected, whisper
    """
    if engine not in ENGINES:
        raise UsageError(f"engine is {engine!r}; expected one of {', '.join(ENGINES)}")
    if engine == "opensmile":
        require("the engine opensmile", "opensmile", "opensmile")
    if engine == WHISPER:
        if sampling_rate != USUAL_RATE:
            raise ConfigError(f"sampling_rate is {sampling_rate}, and {WHISPER} measures at {USUAL_RATE} Hz alone")
        whisper_base()


def engine_of(features: str, engine: Engine) -> Engine:
    """Give what measures these features: the engine, or what measures a set that has its own.

    Raises:
        UsageError: If an engine is named that does not measure that set.

    Example:
        >>> engine_of("egemaps", "opensmile"), engine_of("egemaps-corrected", "egemaps")
        ('opensmile', 'egemaps-corrected')
    """
    own: dict[str, Engine] = {CORRECTED: CORRECTED, WHISPER: WHISPER}
    if features in own and engine != DEFAULT_ENGINE:
        raise UsageError(f"engine is {engine}, which does not measure {features}; leave --engine out")
    return own.get(features, engine)


def engine_version(engine: Engine) -> str:
    """Give the version of an engine's numbers, an encoder's weights included; empty where it is not installed."""
    if engine == WHISPER:
        version = encoder_version()
        return f"{egemaps.VERSION}-{version}" if version else ""
    if engine != "opensmile":
        return egemaps.CORRECTED_VERSION if engine == CORRECTED else egemaps.VERSION
    return metadata.version("opensmile") if installed("opensmile") else ""


def how_measured(engine: Engine) -> dict[str, str]:
    """Say how functionals are measured, for caches, models and reports.

    Example:
        >>> sorted(how_measured("egemaps"))
        ['cleaning', 'engine', 'feature_set', 'level', 'version']
        >>> how_measured("egemaps")["cleaning"]
        'mean removed'
    """
    version, feature_set = engine_version(engine), FEATURE_SETS[engine]
    return {"engine": engine, "version": version, "feature_set": feature_set, "level": LEVEL, "cleaning": CLEANING}


def otherwise_measured(measured: object) -> str:
    """Say what keeps functionals from being measured as somebody else's `how_measured` has it; empty if nothing does.

    Example:
        >>> otherwise_measured(how_measured("egemaps") | {"version": "0"})
        'its functionals are of egemaps 0, and here they are of 1; train the model again'
    """
    if not isinstance(measured, dict) or measured.get("engine") not in ENGINES:
        return f"its functionals are of {str(measured)[:80]}; expected engine {' or '.join(ENGINES)}"
    expected = how_measured(measured["engine"])
    for name in ("feature_set", "level", "cleaning"):
        if measured.get(name) != expected[name]:
            return f"{name} is {str(measured.get(name))[:80]}; expected {expected[name]}; train the model again"
    version, here = str(measured.get("version"))[:40], expected["version"]
    if here and version.split(".")[:2] != here.split(".")[:2]:
        advice = {
            "opensmile": f"run pip install opensmile=={version}",
            WHISPER: "name the encoder that it was trained with by --encoder, or train the model again",
        }.get(measured["engine"], "train the model again")
        found = f"its functionals are of {measured['engine']} {version}, and here they are of {here}"
        if measured["engine"] == WHISPER and version.rpartition("-")[0] == here.rpartition("-")[0]:
            found += f", since the encoder in {find_encoder()} is another or damaged"
        return f"{found}; {advice}"
    return ""
