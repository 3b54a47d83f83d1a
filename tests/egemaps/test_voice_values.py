import os
from pathlib import Path

import numpy as np
import pytest
import soundfile

from affectmap.egemaps import VOICE_NAMES, measure_voice
from affectmap.egemaps.cepstral_peak import cepstral_peak_prominence
from affectmap.egemaps.framing import FrameGrid
from affectmap.egemaps.spectra import long_plan, power
from affectmap.egemaps.syllables import find_syllables, frame_level
from cases import each

RATE = 16000
# Syllables of the ten sentences of EMO-DB (Burkhardt et al. 2005).
SYLLABLES = {
    "a01": 8, "a02": 9, "a04": 11, "a05": 17, "a07": 10, "b01": 15, "b02": 19, "b03": 23, "b09": 16, "b10": 14,
}  # fmt: skip


def buzz(seconds=2.0, pitch=150.0, rate=RATE, noise=0.0, seed=0):
    """Harmonics of falling strength, and noise of this root mean square beside them, whose own is 0.1."""
    time = np.arange(round(seconds * rate)) / rate
    tone = sum(np.sin(2 * np.pi * pitch * k * time + k * k) / k for k in range(1, int(4500 / pitch)))
    return 0.1 * tone / tone.std() + noise * np.random.default_rng(seed).standard_normal(len(time))


def in_syllables(per_second, seconds=2.0, **sound):
    """A buzz whose amplitude rises and falls so often, by 14 dB."""
    time = np.arange(round(seconds * RATE)) / RATE
    return buzz(seconds, **sound) * (0.6 - 0.4 * np.cos(2 * np.pi * per_second * time))


def spectra(signal, rate=RATE):
    grid = FrameGrid.at(rate)
    frames = grid.frames(signal.astype(np.float32), grid.long, grid.n_frames(len(signal), grid.long))
    return power(long_plan(grid).transform(frames)), long_plan(grid)


def real_recordings(every):
    """Names, samples and rates of some recordings of EMO-DB."""
    if "AFFECTMAP_DATA" not in os.environ:
        pytest.skip("AFFECTMAP_DATA names no folder of recordings")
    for file in sorted(Path(os.environ["AFFECTMAP_DATA"], "corpora", "emodb", "wav").iterdir())[::every]:
        signal, rate = soundfile.read(file)
        yield file.name, signal - signal.mean(), rate


class TestCepstralPeak:
    def test_falls_with_noise_and_not_with_level(self):
        clear, breathy, hoarse = (measure_voice(buzz(noise=noise), RATE)["cpp_db"] for noise in (0.001, 0.02, 0.1))
        whispered = measure_voice(np.random.default_rng(1).standard_normal(32000) * 0.1, RATE)["cpp_db"]
        assert clear > breathy + 1 > hoarse + 2 > whispered + 3
        assert measure_voice(0.1 * buzz(noise=0.02), RATE)["cpp_db"] == pytest.approx(breathy, abs=0.3)

    def test_is_the_same_at_other_rates(self):
        values = [
            measure_voice(buzz(rate=rate, noise=0.01 * (rate / 16000) ** 0.5), rate)["cpp_db"]
            for rate in (16000, 22050, 44100)
        ]
        assert np.ptp(values) < 1

    def test_of_nothing_is_none(self):
        powers, plan = spectra(np.zeros(960))
        assert np.isfinite(cepstral_peak_prominence(powers, plan)).all()

    @pytest.mark.slow
    @pytest.mark.real
    def test_follows_praat(self):
        praat = pytest.importorskip("parselmouth")
        ours, theirs = [], []
        for _, signal, rate in real_recordings(every=40):
            cepstra = praat.praat.call(praat.Sound(signal, rate), "To PowerCepstrogram", 60, 0.01, 5000, 50)
            smoothing, search = (False, 0.03, 0.0005), (60, 330, 0.05, "parabolic")
            line = (0.001, 0.05, "Straight", "Least squares")
            theirs.append(praat.praat.call(cepstra, "Get CPPS", *smoothing, *search, *line))
            ours.append(measure_voice(signal, rate)["cpp_db"])
        assert np.corrcoef(ours, theirs)[0, 1] > 0.95
        assert abs(np.mean(ours) - np.mean(theirs)) < 1


class TestLevel:
    def test_is_that_of_a_sine_whatever_the_offset(self):
        for rate in (8000, 16000, 44100):
            sine = 0.1 * np.sin(2 * np.pi * 300 * np.arange(rate) / rate)
            assert frame_level(*spectra(sine + 0.2, rate)) == pytest.approx(-23.0, abs=0.2)
        assert frame_level(*spectra(np.zeros(2000))) == pytest.approx(-120)


class TestSyllables:
    def test_shallow_dips_are_none(self):
        time = np.arange(300) * 0.01
        for depth, n_expected in ((1.8, 0), (2.2, 11)):
            level = -20 + depth / 2 * np.cos(2 * np.pi * 4 * time)
            assert len(find_syllables(level, np.ones(300, bool)).nuclei) == n_expected

    def test_unvoiced_peaks_are_none(self):
        noise = np.random.default_rng(3).standard_normal(32000) * (1 - np.cos(2 * np.pi * 4 * np.arange(32000) / RATE))
        level = frame_level(*spectra(0.1 * noise))
        assert len(find_syllables(level, np.ones(len(level), bool)).nuclei) > 0
        assert len(find_syllables(level, np.zeros(len(level), bool)).nuclei) == 0
        found = measure_voice(0.1 * noise, RATE)
        assert np.isnan([found[name] for name in ("n_syllables", "speaking_rate", "articulation_rate")]).all()

    def test_pauses_of_three_tenths_count(self):
        speech, short, long = in_syllables(4.0, 1.0), np.zeros(3000), np.zeros(9600)
        found = measure_voice(np.concatenate([long, speech, short, speech, long, speech, long, long]), RATE)
        # A pause is some 30 ms longer for the soft ends of the syllables, and shorter by the frame's length.
        assert found["n_syllables"] == 12
        assert found["mean_pause_s"] == pytest.approx(0.6, abs=0.06)
        assert found["pauses_per_min"] == pytest.approx(60 / 3.8, rel=0.05)
        assert found["pause_share"] == pytest.approx(0.6 / 3.8, rel=0.1)
        assert found["speaking_rate"] == pytest.approx(12 / 3.8, rel=0.05)
        assert found["articulation_rate"] == pytest.approx(12 / 3.2, rel=0.05)

    def test_a_click_is_no_speech(self):
        found = find_syllables(np.where(np.arange(200) // 5 == 20, -10.0, -70.0), np.ones(200, bool))
        assert not len(found.speech)
        assert not len(found.nuclei)

    @pytest.mark.slow
    @pytest.mark.real
    def test_follow_the_syllables_of_the_sentences(self):
        counted, true = [], []
        for name, signal, rate in real_recordings(every=6):
            found = measure_voice(signal, rate)
            counted.append(found["n_syllables"])
            true.append(SYLLABLES[name[2:5]])
        assert np.corrcoef(counted, true)[0, 1] > 0.8
        assert np.median(np.divide(counted, true)) == pytest.approx(0.9, abs=0.15)


class TestVoice:
    def test_names_a_voice_in_units(self):
        found = measure_voice(in_syllables(4.0, pitch=200.0, noise=0.001), RATE)
        assert tuple(found) == VOICE_NAMES
        assert found["duration_s"] == 2
        assert found["f0_hz"] == pytest.approx(200, rel=0.01)
        assert found["f0_range_semitones"] < 0.5
        assert found["hnr_db"] > 12
        assert np.isnan(found["mean_pause_s"])

    def test_the_level_moves_nothing(self):
        signal = np.concatenate([in_syllables(4.0, 1.0, noise=0.002), np.zeros(9600), in_syllables(4.0, 1.0)])
        assert measure_voice(0.01 * signal, RATE) == pytest.approx(measure_voice(signal, RATE), rel=0.02)

    def test_blocks_of_frames_join_without_a_seam(self, monkeypatch):
        signal = in_syllables(3.0, noise=0.02)
        whole = measure_voice(signal, RATE)
        monkeypatch.setattr("affectmap.egemaps.voice_values._FRAMES_AT_ONCE", 7)
        assert measure_voice(signal, RATE) == pytest.approx(whole, nan_ok=True, rel=1e-6)


@each("pitch", [70.0, 110.0, 200.0, 320.0])
def test_is_that_of_a_plain_loop_over_one_frame(pitch):
    powers, plan = spectra(buzz(0.06, pitch, noise=0.01))
    logarithms = 10 * np.log10(powers[0, :321].astype(float))
    n = 640
    both = np.concatenate([logarithms, logarithms[-2:0:-1]])
    squares = [(np.sum(both * np.cos(2 * np.pi * q * np.arange(n) / n)) / n) ** 2 for q in range(321)]
    padded = [squares[0]] * 2 + squares + [squares[-1]] * 2
    cepstrum = [10 * np.log10(np.mean(padded[q : q + 5])) for q in range(321)]
    slope, constant = np.polyfit(np.arange(10, 321), cepstrum[10:], 1)
    best = max(range(31, 167), key=cepstrum.__getitem__)
    a, b, c = np.polyfit([-1, 0, 1], cepstrum[best - 1 : best + 2], 2)
    expected = c - b**2 / (4 * a) - constant - slope * (best - b / (2 * a))
    assert cepstral_peak_prominence(powers, plan)[0] == pytest.approx(expected, abs=1e-6)
    assert best * 1e-4 == pytest.approx(1 / pitch, abs=1.01e-4)


@each("per_second", [2.0, 4.0, 6.0, 8.0])
def test_counts_rises_of_the_level(per_second):
    assert measure_voice(in_syllables(per_second), RATE)["speaking_rate"] == pytest.approx(per_second, rel=0.06)


@each("n_samples", [0, 100, 959, 960, 1100, 1760])
def test_what_is_too_short_has_no_values(n_samples):
    found = measure_voice(np.zeros(n_samples), RATE)
    assert tuple(found) == VOICE_NAMES
    assert np.isnan([found[name] for name in ("f0_hz", "speaking_rate", "pause_share")]).all()
    assert np.isnan(found["cpp_db"]) == (n_samples < 960)


@each("signal", [np.zeros((2, 4000)), np.zeros(4000, np.int16), np.full(4000, np.nan)])
def test_refuses_what_is_no_signal(signal):
    with pytest.raises(ValueError, match=r"one channel|floating-point|not finite"):
        measure_voice(signal, RATE)


@each("rate", [2000, 8000, 11025, 44100, 48000])
def test_measures_at_any_rate(rate):
    found = measure_voice(buzz(1.0, rate=rate, noise=0.003), rate)
    assert found["f0_hz"] == pytest.approx(150, rel=0.02)
    assert found["cpp_db"] > 5
    assert found["hnr_db"] > 5
