import os
from functools import cache

import numpy as np
import pytest
import soundfile

from affectmap.egemaps import (
    CORRECTED_LLD_NAMES,
    CORRECTED_NAMES,
    FUNCTIONAL_NAMES,
    LLD_NAMES,
    compiled,
    corrected_functionals,
    corrected_functionals_of_batch,
    corrected_functionals_of_blocks,
    corrected_lld,
    functionals,
)
from affectmap.egemaps.baseline import BaselineRemover
from affectmap.egemaps.level import Level
from affectmap.egemaps.resampling import Resampler
from egemaps.signals import all_signals, voice
from egemaps.test_extraction import recordings
from vowels import MEN, harmonics, vowel, vowel_formants, vowel_levels

UNCHANGED = [place for place, name in enumerate(CORRECTED_NAMES) if name == FUNCTIONAL_NAMES[place]]
PITCHES = (100, 140, 200, 250, 300)


def named(signal, sampling_rate=16000):
    return dict(zip(CORRECTED_NAMES, corrected_functionals(signal, sampling_rate), strict=True))


def median_of_voiced(contours, name):
    values = contours[f"{name}_sma3nz"]
    return np.median(values[values != 0])


class TestNames:
    def test_all_differ_and_what_changed_has_no_name_of_egemaps(self):
        assert len(set(CORRECTED_NAMES)) == 88
        changed = set(CORRECTED_NAMES) - set(FUNCTIONAL_NAMES)
        assert len(changed) == 88 - len(UNCHANGED) == 64
        assert [name for place, name in enumerate(CORRECTED_NAMES) if name in FUNCTIONAL_NAMES] == [
            FUNCTIONAL_NAMES[place] for place in UNCHANGED
        ]
        assert len(set(CORRECTED_LLD_NAMES)) == len(LLD_NAMES)

    def test_functionals_begin_with_a_descriptor(self):
        stems = {name.split("_")[0] for name in CORRECTED_LLD_NAMES}
        formants = [name for name in CORRECTED_NAMES if name.startswith(("formant", "H1", "harmonics", "mfcc1_"))]
        assert {name.split("_")[0] for name in formants} <= stems


class TestFormants:
    def test_of_synthetic_vowels_are_found(self):
        for pitch in PITCHES:
            errors = []
            for name in MEN:
                contours = corrected_lld(vowel(name, pitch, 0.3), 16000)
                found = [median_of_voiced(contours, f"formant{n}") for n in (1, 2, 3)]
                errors.append(np.abs(np.array(found) - vowel_formants(name, pitch)[:3]))
            assert (np.mean(errors, axis=0) < [35, 40, 45]).all(), pitch
            assert (np.max(errors, axis=0) < 75).all(), pitch

    def test_bandwidths_are_those_of_the_tract(self):
        contours = corrected_lld(vowel("ɛ", 100), 16000)
        assert median_of_voiced(contours, "formant1Bandwidth") == pytest.approx(60, abs=30)
        assert median_of_voiced(contours, "formant2Bandwidth") == pytest.approx(90, abs=45)

    def test_unvoiced_frames_have_none(self):
        contours = corrected_lld(np.random.default_rng(0).standard_normal(16000), 16000)
        voiced = contours["F0semitoneFrom27.5Hz_sma3nz"] > 0
        for name in CORRECTED_LLD_NAMES[10:]:
            assert not contours[name][~voiced].any(), name


class TestHarmonics:
    def test_first_against_second_and_formant(self):
        for pitch in PITCHES:
            for name in ("i", "ɑ", "u"):
                contours, levels = corrected_lld(vowel(name, pitch, 0.3), 16000), vowel_levels(name, pitch)
                frequency, third = pitch * np.arange(1, len(levels) + 1), vowel_formants(name, pitch)[2]
                strongest = levels[np.abs(frequency / third - 1) < 0.2].max()
                assert median_of_voiced(contours, "H1-H2") == pytest.approx(levels[0] - levels[1], abs=0.25)
                assert median_of_voiced(contours, "H1-A3") == pytest.approx(levels[0] - strongest, abs=1)
                nearest = np.abs(frequency[:, None] - vowel_formants(name, pitch)[:3]).argmin(axis=0)
                # Another harmonic may be nearest to the formant that was found.
                near = [levels[max(0, place - 1) : place + 2] - levels[0] for place in nearest]
                for n, around in enumerate(near, start=1):
                    level = median_of_voiced(contours, f"formant{n}Level")
                    assert around.min() - 1 < level < around.max() + 1

    def test_every_difference_of_levels(self):
        for difference in (-25.0, -6.0, 0.0, 12.0, 20.0):
            levels = np.array([0.0, -difference, -difference - 6, *[-30.0] * 12])
            values = named(0.1 * harmonics(levels, 180.0))
            # The window lets 47 dB less of the next harmonic through.
            assert values["H1-H2_sma3nz_amean"] == pytest.approx(difference, abs=1 if difference < -20 else 0.25)
            # In eGeMAPS the second against the third.
            compatible = dict(zip(FUNCTIONAL_NAMES, functionals(0.1 * harmonics(levels, 180.0), 16000), strict=True))
            assert compatible["logRelF0-H1-H2_sma3nz_amean"] == pytest.approx(6, abs=1)

    def test_a_formant_at_f0_has_level_0_and_counts(self):
        levels = np.array([0.0, *(-20 - 3.0 * np.arange(20))])
        values = named(0.1 * harmonics(levels, 300.0))
        assert values["formant1_sma3nz_amean"] == pytest.approx(300, abs=40)
        assert values["formant1Level_sma3nz_amean"] == pytest.approx(0, abs=1e-6)

    @pytest.mark.parametrize("pitch", [80, 100, 150, 220, 300])
    def test_noise_ratio_is_that_of_the_signal(self, pitch):
        rng, tone = np.random.default_rng(0), harmonics(-6 * np.log2(np.arange(1, int(7900 / pitch) + 1)), pitch, 1.0)
        tone /= tone.std()
        for ratio, tolerance in ((0, 0.5), (10, 0.5), (20, 2.5)):
            noisy = tone + 10 ** (-ratio / 20) * rng.standard_normal(len(tone))
            assert named(0.1 * noisy)["harmonicsToNoise_sma3nz_amean"] == pytest.approx(ratio, abs=tolerance), ratio


class TestWhatDoesNotMatter:
    def test_level_and_offset(self):
        samples, rate = voice()
        expected = corrected_functionals(samples, rate)
        for factor, offset in ((0.003, 0.0), (1.0, 0.3), (4.0, -1.0)):
            np.testing.assert_allclose(
                corrected_functionals(factor * samples + offset, rate), expected, rtol=1e-4, atol=1e-6
            )

    def test_sampling_rate(self):
        soxr = pytest.importorskip("soxr")
        samples = vowel("ɛ", 140, 1.0)
        expected = corrected_functionals(samples, 16000)
        for rate in (22050, 24000, 44100, 48000):
            values = corrected_functionals(soxr.resample(samples, 16000, rate, quality="VHQ"), rate)
            # What lies between 7.6 and 8 kHz is lost.
            for name, value, other in zip(CORRECTED_NAMES, values, expected, strict=True):
                if name.endswith("amean") and not name.startswith("mfcc"):
                    assert value == pytest.approx(other, rel=0.03, abs=0.1), (rate, name)

    def test_silence_at_either_end(self):
        samples, rate = voice()
        padded = np.concatenate([np.zeros(4000), samples, np.zeros(4000)])
        values, expected = named(padded, rate), named(samples, rate)
        for name in ("F0semitoneFrom27.5Hz_sma3nz_amean", "formant1_sma3nz_amean", "formant1Level_sma3nz_amean"):
            assert values[name] == pytest.approx(expected[name], rel=0.02), name


class TestCorrectedFunctionals:
    def test_what_is_right_has_the_value_of_egemaps(self):
        samples, rate = voice()
        # So long a silence that all frames of the voice are decided before the end.
        samples = np.concatenate([samples, np.zeros(16000)])
        remover, level = BaselineRemover(), Level()
        cleaned = np.concatenate([remover.add(samples), remover.end()])
        level.add(cleaned)
        compatible = functionals(cleaned * level.gain, rate)
        for place, value in zip(UNCHANGED, corrected_functionals(samples, rate)[UNCHANGED], strict=True):
            # Silence is quantised there.
            tolerance = 0.2 if CORRECTED_NAMES[place].startswith("mfcc") else 1e-2
            assert value == pytest.approx(compatible[place], rel=5e-3, abs=tolerance), CORRECTED_NAMES[place]

    def test_every_signal_gives_finite_values(self):
        for name, (samples, rate) in all_signals().items():
            assert np.isfinite(corrected_functionals(samples, rate)).all(), name

    def test_silence_and_offset_alone_are_silent(self):
        for level in (0.0, 0.3):
            values = named(np.full(16000, level))
            assert values["F0semitoneFrom27.5Hz_sma3nz_amean"] == values["levelRange"] == 0
            assert values["unvoicedLength_amean"] == pytest.approx(0.95)

    def test_length_of_segments(self):
        tone = harmonics(np.zeros(20), 150.0, 0.5)
        values = named(np.concatenate([np.zeros(8000), tone, np.zeros(8000), tone, np.zeros(8000)]))
        assert values["VoicedSegmentsPerSec"] == pytest.approx(2 / 2.45)
        assert values["voicedLength_amean"] == pytest.approx(0.5, abs=0.06)
        assert values["unvoicedLength_amean"] == pytest.approx(0.5, abs=0.06)

    def test_slopes_do_not_lead_across_pauses(self):
        time = np.arange(8000) / 16000
        rising = sum(np.sin(2 * np.pi * k * (120 * time + 60 * time**2)) / k for k in range(1, 15))
        values = named(np.concatenate([rising, np.zeros(6000), rising]))
        assert values["F0semitone_sma3nz_fallingSlope_amean"] == pytest.approx(0, abs=2)
        # From 120 to 180 Hz in half a second, less what the frames' length takes at the ends.
        assert values["F0semitone_sma3nz_risingSlope_amean"] == pytest.approx(12 * np.log2(180 / 120) / 0.5, rel=0.15)
        compatible = functionals(np.concatenate([rising, np.zeros(6000), rising]) / 20, 16000)
        assert compatible[FUNCTIONAL_NAMES.index("F0semitoneFrom27.5Hz_sma3nz_meanFallingSlope")] > 50

    def test_level_range(self):
        tone = np.sin(2 * np.pi * 200 * np.arange(16000) / 16000)
        assert named(np.concatenate([tone, 0.25 * tone]))["levelRange"] == pytest.approx(20 * np.log10(4), abs=0.1)

    def test_less_than_60_ms_is_nan(self):
        assert np.isnan(corrected_functionals(voice()[0][:959], 16000)).all()
        assert np.isfinite(corrected_functionals(voice()[0][:960], 16000)).all()
        assert np.isnan(corrected_functionals(np.zeros(0), 16000)).all()
        assert np.isfinite(corrected_functionals(voice(sampling_rate=44100)[0][:2646], 44100)).all()

    @pytest.mark.parametrize(
        ("signal", "message"),
        [
            (np.zeros((2, 16000)), r"\(2, 16000\).*one channel"),
            (np.array([0.0, np.nan] * 800), "not finite"),
            (np.zeros(16000, np.int16), "int16; give floating-point"),
        ],
    )
    def test_refuses_what_is_not_one_channel_of_numbers(self, signal, message):
        with pytest.raises(ValueError, match=message):
            corrected_functionals(signal, 16000)

    def test_refuses_a_sampling_rate_too_low(self):
        with pytest.raises(ValueError, match="1000 Hz; at least 2000 Hz"):
            corrected_functionals(np.zeros(16000), 1000)


class TestBatchesAndBlocks:
    def test_batch_gives_what_each_recording_gives(self):
        signals = [voice(pitch=pitch, seed=seed)[0] for seed, pitch in enumerate((90, 140, 320))]
        expected = [corrected_functionals(signal, 16000) for signal in signals]
        np.testing.assert_allclose(corrected_functionals_of_batch(signals, 16000), expected, rtol=1e-9, atol=1e-12)
        assert corrected_functionals_of_batch([], 16000).shape == (0, 88)

    @pytest.mark.slow
    def test_blocks_of_any_length_give_the_same(self):
        for rate in (16000, 44100):
            samples, _ = voice(sampling_rate=rate)
            expected = corrected_functionals(samples + 0.1, rate)
            for length in (400, 1111, 16000):
                blocks = [samples[first : first + length] + 0.1 for first in range(0, len(samples), length)]
                np.testing.assert_allclose(
                    corrected_functionals_of_blocks(blocks, rate), expected, rtol=1e-5, atol=1e-7
                )
        assert np.isnan(corrected_functionals_of_blocks([], 16000)).all()

    def test_refuses_blocks_that_come_only_once(self):
        with pytest.raises(ValueError, match="only once; give a list"):
            corrected_functionals_of_blocks(iter([np.zeros(16000)]), 16000)


def test_all_kernels_give_the_same(monkeypatch):
    builds = compiled.builds()
    for name, (samples, rate) in all_signals().items():
        results = []
        for build in (None, *builds):
            monkeypatch.setattr(compiled, "builds", lambda build=build: (build,) if build else ())
            results.append(corrected_functionals(samples, rate))
        for values in results[1:]:
            np.testing.assert_allclose(values, results[0], rtol=1e-6, atol=1e-7, err_msg=name)


class TestResampler:
    @pytest.mark.parametrize("rate", [8000, 11025, 22050, 44100, 48000])
    def test_a_tone_stays_what_it_is(self, rate):
        resampler, time = Resampler(rate), np.arange(rate) / rate
        tone = np.sin(2 * np.pi * 1000 * time)
        parts = [resampler.add(tone[first : first + 777]) for first in range(0, rate, 777)]
        resampled = np.concatenate([*parts, resampler.end()])
        assert len(resampled) == 16000
        expected = np.sin(2 * np.pi * 1000 * np.arange(16000) / 16000)
        np.testing.assert_allclose(resampled[200:-200], expected[200:-200], atol=1e-4)

    def test_what_16_khz_cannot_hold_is_gone(self):
        resampler = Resampler(48000)
        resampled = resampler.add(np.sin(2 * np.pi * 9000 * np.arange(48000) / 48000))
        assert np.abs(resampled[200:-200]).max() < 1e-3


class TestBaselineRemover:
    @pytest.mark.parametrize("length", [7, 160, 5000, 20000])
    def test_offset_and_drift_go_and_voices_stay(self, length):
        time = np.arange(20000) / 16000
        for pitch in (55, 100, 181, 380):
            hum, drift = np.sin(2 * np.pi * pitch * time), 0.3 + 0.2 * np.sin(2 * np.pi * 0.7 * time)
            remover, samples = BaselineRemover(), hum + drift
            parts = [remover.add(samples[first : first + length]) for first in range(0, len(samples), length)]
            cleaned = np.concatenate([*parts, remover.end()])
            assert len(cleaned) == len(hum)
            np.testing.assert_allclose(cleaned[1600:-1600], hum[1600:-1600], atol=5e-3, err_msg=str(pitch))

    def test_offset_alone_leaves_nothing(self):
        for length in (0, 1, 15, 16, 100, 5000):
            remover = BaselineRemover()
            cleaned = np.concatenate([remover.add(np.full(length, 0.3)), remover.end()])
            np.testing.assert_allclose(cleaned, np.zeros(length), atol=1e-12)


class TestLevel:
    def test_pauses_do_not_count(self):
        tone = np.sin(np.arange(32000) / 7)
        alone, with_pause = Level(), Level()
        alone.add(tone)
        for part in (tone, np.zeros(64000)):
            with_pause.add(part)
        assert with_pause.gain == pytest.approx(alone.gain, rel=1e-3)
        assert alone.gain * np.sqrt(0.5) == pytest.approx(10 ** (-26 / 20), rel=1e-3)

    def test_silence_and_nothing_have_none(self):
        for samples in (np.zeros(1000), np.zeros(0), np.ones(100)):
            level = Level()
            level.add(samples)
            assert level.gain == level.range == 0


@cache
def against_praat():
    """Give formants of voiced frames, ours and Praat's, one pair of arrays (n_frames, 3) a recording."""
    parselmouth = pytest.importorskip("parselmouth")
    pairs = []
    for file in recordings():
        samples, rate = soundfile.read(file, always_2d=True)
        contours = corrected_lld(samples[:, 0], rate)
        ours = np.column_stack([contours[f"formant{n}_sma3nz"] for n in (1, 2, 3)])
        burg = parselmouth.Sound(samples[:, 0], rate).to_formant_burg(0.01, 5, 5500, 0.025, 50)
        times = 0.03 + 0.01 * np.arange(len(ours))
        theirs = np.array([[burg.get_value_at_time(n, time) for n in (1, 2, 3)] for time in times])
        used = (ours > 0).all(axis=1) & np.isfinite(theirs).all(axis=1)
        if used.sum() > 20:
            pairs.append((ours[used], theirs[used]))
    return pairs


@pytest.mark.real
@pytest.mark.slow
@pytest.mark.skipif("AFFECTMAP_DATA" not in os.environ, reason="AFFECTMAP_DATA does not name a folder of recordings")
class TestAgainstPraat:
    def test_formants_of_frames(self):
        differences = np.concatenate([np.abs(ours - theirs) for ours, theirs in against_praat()])
        assert (np.median(differences, axis=0) < [20, 35, 50]).all()

    def test_means_of_recordings(self):
        ours, theirs = (
            np.array(means) for means in zip(*((a.mean(0), b.mean(0)) for a, b in against_praat()), strict=True)
        )
        for n in range(3):
            assert np.corrcoef(ours[:, n], theirs[:, n])[0, 1] > 0.97
