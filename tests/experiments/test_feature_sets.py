"""The descriptors and the committed pages of ``experiments/feature-sets``."""

import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from affectmap.egemaps.syllables import Timing
from affectmap.text import between_marks

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "experiments" / "feature-sets"
MODULES = ("descriptors", "pages")


@pytest.fixture(scope="module")
def modules():
    before = {name: sys.modules.pop(name, None) for name in MODULES}
    sys.path.insert(0, str(FOLDER))
    import descriptors
    import pages

    yield descriptors, pages
    sys.path.remove(str(FOLDER))
    for name in MODULES:
        sys.modules.pop(name, None)
        if before[name] is not None:
            sys.modules[name] = before[name]


def test_shape_of_a_glide(modules):
    time = np.arange(100) * 0.01
    for slope in (-8.0, 5.0):
        found = modules[0].pitch_shape(20 + slope * time)
        for name in ("declination", "slope", "final"):
            assert found[name] == pytest.approx(slope)
        assert found["speed"] == pytest.approx(abs(slope))
        assert found["range"] == pytest.approx(0.9 * abs(slope) * 0.99)
        assert found["turns"] == pytest.approx(1)
        for name in ("curvature", "bend", "slope_sd", "skew"):
            assert found[name] == pytest.approx(0, abs=1e-8)


def test_shape_of_an_arch_and_of_vibrato(modules):
    time = np.arange(100) * 0.01
    arch = modules[0].pitch_shape(20 - 12 * (time - 0.495) ** 2)
    assert arch["curvature"] == pytest.approx(-12)
    assert arch["bend"] == pytest.approx(12, rel=0.02)
    assert arch["final"] == pytest.approx(-2 * 12 * (0.92 - 0.495), rel=0.01)
    vibrato = modules[0].pitch_shape(20 + 2 * np.sin(2 * np.pi * 3 * time))
    assert vibrato["turns"] == pytest.approx(7, abs=1)
    shallow = modules[0].pitch_shape(20 + 0.4 * np.sin(2 * np.pi * 3 * time))
    assert shallow["turns"] == 0


def test_slopes_are_of_stretches_of_voice_and_the_last_one_ends(modules):
    falling, rising = 20 - 6 * np.arange(30) * 0.01, 15 + 9 * np.arange(40) * 0.01
    found = modules[0].pitch_shape(np.concatenate([falling, np.zeros(20), rising, np.zeros(9), [17.0, 30.0]]))
    assert found["slope"] == pytest.approx((-6 + 9) / 2)
    assert found["slope_sd"] == pytest.approx(7.5)
    assert found["final"] == pytest.approx(9)


def test_nothing_voiced_has_no_shape(modules):
    for contour in (np.zeros(0), np.zeros(50), np.array([10.0, 0, 11, 0])):
        assert np.isnan(list(modules[0].pitch_shape(contour).values())).all()


def test_modulation_of_noise_at_a_known_rate(modules):
    time, random = np.arange(48000) / 16000, np.random.default_rng(0)
    for rate, band in ((1.5, "1-2"), (3.0, "2-4"), (5.0, "4-8"), (11.0, "8-16")):
        noise = (1 + 0.8 * np.sin(2 * np.pi * rate * time)) * random.standard_normal(len(time)) * 0.1
        envelope = np.sqrt(np.square(noise[: len(noise) // 160 * 160].reshape(-1, 160)).mean(axis=1))
        found = modules[0].modulation(envelope)
        assert found[f"modulation_{band}"] > 0.9
        assert found["modulation_centre"] == pytest.approx(rate, rel=0.12)
        assert found["depth"] == pytest.approx(0.8 / 2**0.5, rel=0.1)
    assert np.isnan(modules[0].modulation(np.zeros(300))["depth"])


def test_rhythm_of_even_and_of_alternating_intervals(modules):
    speech = np.array([[0, 99], [150, 260]])
    even = modules[0].rhythm(Timing(np.array([10, 30, 50, 70, 160, 180, 200]), speech))
    assert even == pytest.approx({"npvi": 0, "varco": 0})
    # 10, 30, 10 frames, and none across the pause.
    found = modules[0].rhythm(Timing(np.array([10, 20, 50, 60, 200]), speech))
    assert found["npvi"] == pytest.approx(100)
    assert found["varco"] == pytest.approx(100 * np.std([10, 30, 10]) / np.mean([10, 30, 10]))
    assert np.isnan(modules[0].rhythm(Timing(np.array([10]), speech))["npvi"])


def test_pages_show_the_committed_tables(modules):
    pages, results = modules[1], pd.read_csv(FOLDER / "results.csv")
    page = pages.PAGE.read_text(encoding="utf-8")
    assert between_marks(page, "feature-sets", pages.summary(results)) == page
    written = (FOLDER / "results.md").read_text(encoding="utf-8")
    for method in pages.METHODS:
        assert pages.values(results, method) in written
    assert pages.choices(pd.read_csv(FOLDER / "chosen.csv")) in written
