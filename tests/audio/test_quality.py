"""What the samples and functionals of a recording tell."""

import numpy as np
import pytest

from affectmap.audio.quality import (
    FLAGS,
    LATER_THRESHOLDS,
    THRESHOLDS,
    SignalFlags,
    narrow_band_note,
    not_speech,
    notes_on,
    signal_flags,
)
from affectmap.audio.reading import MIN_DURATION_S, SILENCE_PEAK, check_signal
from affectmap.errors import AudioError
from affectmap.features.engines import measure_functionals
from affectmap.model.metadata import FLAG_THRESHOLDS as DEFAULTS
from cases import each

RATE = 16000
TIME = np.arange(2 * RATE) / RATE


def flags_of(signal, clipped_share=0.001):
    return signal_flags(np.asarray(signal, dtype=np.float32), RATE, clipped_share)


def is_speech(signal):
    functionals = measure_functionals(np.asarray(signal, dtype=np.float32), RATE).astype(np.float64)
    return not not_speech(functionals[None], DEFAULTS)[0]


def test_the_defaults_hold_every_threshold_but_the_measured_one():
    assert {*DEFAULTS, "max_distance"} == set(THRESHOLDS)
    assert len(FLAGS) == 10


def test_a_voice_has_no_flag(voice):
    assert flags_of(voice(1.0)) == SignalFlags()


@pytest.mark.parametrize(("n", "too_short"), [(0, True), (1, True), (959, True), (960, False)])
def test_too_short_begins_below_the_shortest_duration(n, too_short, voice):
    assert round(MIN_DURATION_S * RATE) == 960
    told = flags_of(voice(1.0)[:n])
    assert told.too_short is too_short
    assert (told.problem is not None) is too_short


@pytest.mark.parametrize(("peak", "silent"), [(0.0, True), (0.9 * SILENCE_PEAK, True), (1.1 * SILENCE_PEAK, False)])
def test_silence_is_a_flag_and_no_problem(peak, silent):
    told = flags_of(peak * np.sin(2 * np.pi * 200 * TIME))
    assert (told.silent, told.problem) == (silent, None)


@each("offset", [0.0, 0.02, 0.3, -0.9])
def test_a_constant_is_silent_and_so_it_is_in_a_corpus(offset):
    for signal in (np.full(RATE, offset), offset + 0.0009 * np.sin(2 * np.pi * 200 * TIME)):
        assert flags_of(signal).silent
        with pytest.raises(AudioError, match="silent, its peak of"):
            check_signal(signal.astype(np.float32), RATE, "a.wav")
    for peak in (0.0011, 0.05):
        signal = offset + peak * np.sin(2 * np.pi * 200 * TIME)
        assert not flags_of(signal).silent
        check_signal(signal.astype(np.float32), RATE, "a.wav")


@pytest.mark.parametrize(("n_clipped", "clipped"), [(0, False), (31, False), (32, True), (16000, True)])
def test_clipped_counts_samples_at_full_scale_on_both_sides(n_clipped, clipped, voice):
    signal = 0.9 * voice(2.0)
    signal[:n_clipped] = np.resize([1.0, -1.0], n_clipped)
    assert flags_of(signal).clipped is clipped


@pytest.mark.parametrize("strange", [np.nan, np.inf, -np.inf])
def test_samples_that_are_no_numbers_are_a_problem(strange, voice):
    signal = voice(1.0)
    signal[5] = strange
    assert flags_of(signal).problem == "1 of 16000 samples are NaN or infinity"


def test_a_signal_in_whole_numbers_is_told(voice):
    told = flags_of(30000 * voice(1.0))
    assert told.clipped
    assert "scale it to full scale 1" in told.problem


def test_noise_tones_hums_and_chords_are_no_speech():
    noise = np.random.default_rng(0).normal(size=len(TIME))
    sounds = {
        "silence": 0 * TIME,
        "one bit": np.sign(noise) / 32768,
        "white": 0.1 * noise,
        "full scale bits": np.sign(noise),
        "tone": 0.5 * np.sin(2 * np.pi * 220 * TIME),
        "square": 0.5 * np.sign(np.sin(2 * np.pi * 100 * TIME)),
        "hum": 0.2 * sum(np.sin(2 * np.pi * 50 * k * TIME) / k for k in range(1, 10)),
        "chord": 0.2 * sum(np.sin(2 * np.pi * pitch * TIME) for pitch in (220.0, 277.2, 329.6)),
    }
    assert [name for name, signal in sounds.items() if is_speech(signal)] == []


def test_a_voice_that_moves_is_speech():
    pitch = 150 * 2 ** (0.3 * np.sin(2 * np.pi * 1.5 * TIME))
    buzz = sum(np.sin(k * 2 * np.pi * np.cumsum(pitch) / RATE) / k for k in range(1, 12))
    assert is_speech(0.3 * buzz * np.clip(np.sin(2 * np.pi * 2 * TIME), 0, 1))


def test_missing_functionals_are_not_told_to_be_no_speech():
    assert not not_speech(np.full((1, 88), np.nan), DEFAULTS)[0]


@each(
    ("bandwidth", "rate", "own_rate", "words"),
    [
        (3400.0, 16000, 16000, "its sound ends near 3.4 kHz, as over the telephone"),
        (3400.0, 16000, 48000, "its sound ends near 3.4 kHz, as over the telephone"),
        (5500.0, 16000, 11025, "recorded at 11025 Hz: its sound ends near 5.5 kHz"),
        (6000.0, 16000, 12800, None),
        (0.0, 16000, 8000, "recorded at 8000 Hz: its sound ends near 4.0 kHz"),
        (4000.0, 16000, 8000, "recorded at 8000 Hz: its sound ends near 4.0 kHz"),
        (5199.0, 16000, 16000, "its sound ends near 5.2 kHz, as over the telephone"),
        (5200.0, 16000, 16000, None),
        (0.0, 16000, 16000, None),  # nothing was heard
        (3900.0, 8000, 8000, None),  # a model of 8 kHz
    ],
)
def test_what_is_narrow(bandwidth, rate, own_rate, words):
    assert narrow_band_note(bandwidth, rate, own_rate, 5200.0) == words


def test_notes_are_told_a_line_for_every_flag():
    narrow, dead = ("narrow_band", "ends"), ("uneven_channels", "dead")
    flags = [SignalFlags(), SignalFlags(notes=(narrow, dead)), SignalFlags(notes=(dead, ("uneven_channels", "turned")))]
    assert flags[0].note is None
    assert flags[2].note == "dead; turned"
    assert notes_on("abc", flags) == ["b: ends", "uneven_channels: 2 of 3 recordings, first b: dead"]
    assert notes_on([], []) == []


LIMITS = LATER_THRESHOLDS


def heard(signal, own_rate=RATE):
    return SignalFlags().with_levels(np.asarray(signal, np.float32), RATE, own_rate, **LIMITS)


def speech(gain=1.0):
    """A buzz in syllables with breath, loudest near -17 dB."""
    noise = np.random.default_rng(0).standard_normal(len(TIME))
    buzz = sum(np.sin(2 * np.pi * 150 * k * TIME) for k in range(1, 40)) + noise
    return gain * 0.03 * buzz * np.clip(np.sin(2 * np.pi * 2 * TIME), 0, 1)


def test_speech_has_no_flag():
    assert heard(speech()) == SignalFlags()


@each(("gain", "quiet"), [(1.0, False), (0.2, False), (0.05, True), (0.01, True)])
def test_a_faint_voice_is_quiet(gain, quiet):
    found = heard(speech(gain))
    assert found.quiet is quiet
    assert ("dB of full scale; record it louder" in (found.note or "")) is quiet


@each("level", [0.0005, 0.005, 0.1])
def test_room_tone_is_no_faint_voice(level):
    found = heard(level * np.random.default_rng(1).standard_normal(20 * RATE))
    assert not found.quiet
    assert not found.mostly_pause


@each(
    "moving",
    [0.3 * (TIME - TIME[-1] / 2), np.where(TIME < 1, 0, 0.1), 0.1 * np.sin(2 * np.pi * 5 * TIME),
     0.15 * np.sin(2 * np.pi * 12 * TIME)],
)  # fmt: skip
def test_an_offset_that_moves_is_told(moving):
    found = heard(speech() + moving)
    assert found.rumble
    assert "its offset moves" in (found.note or "")
    assert not heard(speech() + 0.01 * moving).rumble
    assert not heard(speech() + 0.2).rumble  # it stands still, and is removed


@each(("seconds", "noise", "mostly_pause"), [(0.2, 0, False), (2, 0, True), (20, 0, True), (5, 1e-3, True)])
def test_long_silence_around_speech_is_told(seconds, noise, mostly_pause):
    signal = np.pad(speech(), round(seconds * RATE))
    found = heard(signal + noise * np.random.default_rng(1).standard_normal(len(signal)))
    assert found.mostly_pause is mostly_pause
    assert not found.quiet


def test_silence_has_no_other_flag():
    silent = SignalFlags(silent=True)
    assert silent.with_levels(np.zeros(RATE, np.float32), RATE, 8000, **LIMITS) == silent


@each("n_samples", [1, 10, 320, 960])
def test_few_samples_are_heard_too(n_samples):
    heard(speech()[4000 : 4000 + n_samples])
