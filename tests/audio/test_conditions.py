"""Recording conditions against signals of which they are known."""

import numpy as np
import pytest
import soxr

from affectmap.audio.conditions import LEAST_DB, Bandwidth, bandwidth_hz, measure_conditions, quantile
from cases import each

RATE = 16000


def noise(seconds=2.0, seed=0, scale=0.1):
    return (scale * np.random.default_rng(seed).standard_normal(round(seconds * RATE))).astype(np.float32)


def test_offset_and_level_are_told_apart():
    found = measure_conditions(noise() + np.float32(0.05), RATE)
    assert found.offset == pytest.approx(0.05, abs=2e-3)
    assert found.level_db == pytest.approx(-20.0, abs=0.1)
    assert found.duration_s == 2.0


def test_the_noise_floor_is_that_of_the_pauses():
    signal = noise(scale=0.001)
    signal[RATE:] += noise(1.0, seed=1)
    found = measure_conditions(signal, RATE)
    assert found.noise_floor_db == pytest.approx(-60.0, abs=1.5)  # the loud half moves the mean a little
    assert found.level_db == pytest.approx(-23.0, abs=0.2)


def test_twice_as_loud_is_six_decibels():
    one, two = measure_conditions(noise(), RATE), measure_conditions(2 * noise(), RATE)
    assert two.level_db - one.level_db == pytest.approx(6.02, abs=0.01)
    assert two.noise_floor_db - one.noise_floor_db == pytest.approx(6.02, abs=0.01)
    assert two.bandwidth_hz == one.bandwidth_hz


def test_a_quantile_is_numpys_to_the_bit():
    rng = np.random.default_rng(0)
    for size in (1, 2, 3, 10, 11, 97, 1000):
        values = 10.0 ** rng.uniform(-30, 2, size)
        for share in (0.0, 0.1, 0.25, 0.5, 0.77, 1.0):
            assert quantile(values, share) == np.quantile(values, share), (size, share)


@each(("rate", "expected"), [(8000, 4000), (11025, 5512.5), (4000, 2000)])
def test_the_bandwidth_is_that_of_the_rate_it_was_recorded_at(rate, expected):
    signal = soxr.resample(soxr.resample(noise(), RATE, rate), rate, RATE)
    assert expected - 250 <= bandwidth_hz(signal, RATE) <= expected + 125


def test_the_bandwidth_does_not_see_an_offset_or_the_level():
    signal = np.diff(noise(), prepend=np.float32(0)).astype(np.float32)  # little of it lies low
    narrow = soxr.resample(soxr.resample(signal, RATE, 8000), 8000, RATE)
    expected = measure_conditions(narrow, RATE).bandwidth_hz
    assert measure_conditions(0.001 * narrow + np.float32(0.5), RATE).bandwidth_hz == pytest.approx(expected, abs=130)


@each("constant", [0.0, 0.25])
def test_digital_silence_has_no_band_and_the_least_level(constant):
    found = measure_conditions(np.full(RATE, constant, np.float32), RATE)
    assert found == (constant, LEAST_DB, LEAST_DB, 0.0, 1.0)


@each("n_samples", [1, 10, 319, 320, 321, 511, 512, 513])
def test_few_samples_have_conditions_too(n_samples):
    found = measure_conditions(noise()[:n_samples], RATE)
    assert np.isfinite(found).all()
    assert found.duration_s == n_samples / RATE


@each("rate", [1000, 8000, 44100, 768_000])
def test_every_rate_that_is_read(rate):
    found = measure_conditions(noise(), rate)
    assert found.bandwidth_hz == pytest.approx(rate / 2, rel=0.01)


def syllables(seconds=3.0, seed=0):
    """Noise that comes and goes three times a second."""
    time = np.arange(round(seconds * RATE)) / RATE
    return noise(seconds, seed) * np.clip(np.sin(2 * np.pi * 3 * time), 0, 1).astype(np.float32)


def telephone(signal):
    return soxr.resample(soxr.resample(signal, RATE, 8000), 8000, RATE)


def test_one_fricative_shows_what_can_be_heard():
    signal = telephone(syllables())
    signal[RATE : RATE + 3200] += noise(0.2, seed=1, scale=0.01)
    assert bandwidth_hz(telephone(syllables()), RATE) < 4200
    assert bandwidth_hz(signal, RATE) > 7500


def test_a_click_and_the_noise_of_a_converter_are_no_band():
    signal = telephone(syllables())
    clicked = signal.copy()
    clicked[5000] = 0.5
    assert bandwidth_hz(clicked, RATE) < 4200
    assert bandwidth_hz(signal + noise(3.0, seed=2, scale=2e-4), RATE) < 4500
    assert bandwidth_hz(syllables() + noise(3.0, seed=2, scale=2e-4), RATE) > 7500


@each("size", [1, 100, 511, 4000, 100_000])
def test_the_bandwidth_of_blocks_is_that_of_the_whole(size):
    signal = telephone(syllables(1.0))
    bandwidth = Bandwidth(RATE)
    for first in range(0, len(signal), size):
        bandwidth.add(signal[first : first + size])
    assert bandwidth.hz() == bandwidth_hz(signal, RATE)
    assert Bandwidth(RATE).hz() == 0
