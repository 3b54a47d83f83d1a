import csv
import os
import resource
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import soundfile

from affectmap.egemaps import (
    FUNCTIONAL_NAMES,
    LLD_NAMES,
    compiled,
    functionals,
    functionals_of_batch,
    functionals_of_blocks,
    lld,
)
from egemaps.signals import all_signals, voice

FOLDER = Path(__file__).parent
# What rests on the formants, whose system of equations is ill conditioned: rounding in the last place shows.
NEAR_FORMANTS = np.array([name.startswith(("F1", "F2", "F3", "logRelF0-H1-A3")) for name in FUNCTIONAL_NAMES])


def read_table(name: str) -> tuple[list[str], list[str], np.ndarray]:
    with (FOLDER / name).open(encoding="utf-8", newline="") as file:
        header, *rows = csv.reader(file)
    return header[1:], [row[0] for row in rows], np.array([[float(value) for value in row[1:]] for row in rows])


SIGNAL_NAMES, GOLDEN_NAMES, GOLDEN = read_table("golden_functionals.csv")


def assert_near(values: np.ndarray, expected: np.ndarray) -> None:
    np.testing.assert_allclose(values[~NEAR_FORMANTS], expected[~NEAR_FORMANTS], rtol=1e-3, atol=2e-5)
    np.testing.assert_allclose(values[NEAR_FORMANTS], expected[NEAR_FORMANTS], rtol=1e-3, atol=1e-3)


@pytest.fixture(params=["numpy", *compiled.builds()])
def kernels(request, monkeypatch):
    """Measure by NumPy, then by each of the compiled kernels that this processor runs."""
    build = None if request.param == "numpy" else request.param
    monkeypatch.setattr(compiled, "builds", lambda: (build,) if build else ())


@pytest.mark.usefixtures("kernels")
class TestFunctionals:
    def test_names_and_order_are_those_of_the_set(self):
        assert list(FUNCTIONAL_NAMES) == GOLDEN_NAMES

    @pytest.mark.parametrize("name", SIGNAL_NAMES)
    def test_agrees_with_the_golden_table(self, name):
        values = functionals(*all_signals()[name])
        assert values.shape == (88,)
        assert_near(values, GOLDEN[:, SIGNAL_NAMES.index(name)])

    def test_silence_is_silent(self):
        values = dict(zip(FUNCTIONAL_NAMES, functionals(np.zeros(16000), 16000), strict=True))
        assert values["equivalentSoundLevel_dBp"] == pytest.approx(-120)
        assert values["F0semitoneFrom27.5Hz_sma3nz_amean"] == 0
        assert values["VoicedSegmentsPerSec"] == 0

    def test_less_than_60_ms_is_nan(self):
        assert np.isnan(functionals(voice()[0][:959], 16000)).all()
        assert np.isfinite(functionals(voice()[0][:960], 16000)).all()
        assert np.isnan(functionals(np.zeros(0), 16000)).all()

    def test_full_scale_is_clipped_and_does_not_wrap_around(self):
        samples = 2.5 * voice()[0]
        clipped = np.clip(samples, -1, 32767 / 32768)
        np.testing.assert_array_equal(functionals(samples, 16000), functionals(clipped, 16000))

    def test_precision_of_the_samples_does_not_matter(self):
        samples = np.round(32767 * voice()[0]) / 32768
        np.testing.assert_array_equal(functionals(samples.astype(np.float32), 16000), functionals(samples, 16000))

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
            functionals(signal, 16000)

    def test_refuses_a_sampling_rate_too_low(self):
        with pytest.raises(ValueError, match="1000 Hz; at least 2000 Hz"):
            functionals(np.zeros(16000), 1000)


@pytest.mark.usefixtures("kernels")
class TestFunctionalsOfBlocks:
    @pytest.mark.parametrize("length", [400, 1111, 16000])
    def test_blocks_of_any_length_give_the_same(self, length):
        samples, rate = voice()
        blocks = [samples[first : first + length] for first in range(0, len(samples), length)]
        np.testing.assert_allclose(
            functionals_of_blocks(blocks, rate), functionals(samples, rate), rtol=1e-6, atol=1e-9
        )

    def test_no_blocks_are_nan(self):
        assert np.isnan(functionals_of_blocks([], 16000)).all()

    @pytest.mark.slow
    def test_half_an_hour_needs_little_memory(self):
        samples, rate = voice(seconds=10.0)
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        values = functionals_of_blocks((samples for _ in range(180)), rate)
        assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 300_000  # kilobytes
        short = functionals(np.tile(samples, 3), rate)
        level = FUNCTIONAL_NAMES.index("equivalentSoundLevel_dBp")
        assert values[level] == pytest.approx(short[level], abs=0.01)
        assert values[0] == pytest.approx(short[0], rel=1e-3)


@pytest.mark.usefixtures("kernels")
class TestFunctionalsOfBatch:
    def test_gives_what_each_recording_gives(self):
        signals = [voice(pitch=pitch, seed=seed)[0] for seed, pitch in enumerate((90, 140, 230, 320))]
        expected = [functionals(signal, 16000) for signal in signals]
        np.testing.assert_allclose(functionals_of_batch(signals, 16000), expected, rtol=1e-9, atol=1e-12)

    @pytest.mark.slow
    def test_more_than_is_finished_together(self):
        signals = [np.tile(voice()[0], 12)] * 6
        values = functionals_of_batch(signals, 16000)
        np.testing.assert_allclose(values, np.tile(functionals(signals[0], 16000), (6, 1)), rtol=1e-9, atol=1e-12)

    def test_nothing_is_an_empty_table(self):
        assert functionals_of_batch([], 16000).shape == (0, 88)


@pytest.mark.usefixtures("kernels")
class TestLld:
    def test_agrees_with_the_golden_table(self):
        golden = np.loadtxt(FOLDER / "golden_lld.csv", delimiter=",", skiprows=1)
        contours = lld(*voice())
        assert tuple(contours) == LLD_NAMES
        for (name, contour), expected in zip(contours.items(), golden.T, strict=True):
            assert contour.shape == expected.shape, name
            if name.startswith(("F1", "F2", "F3", "logRelF0-H1-A3")):
                assert np.corrcoef(contour, expected)[0, 1] > 0.97, name
            else:
                np.testing.assert_allclose(contour, expected, rtol=1e-3, atol=1e-4, err_msg=name)

    def test_names_stand_in_the_golden_table(self):
        with (FOLDER / "golden_lld.csv").open(encoding="utf-8") as file:
            assert file.readline().strip().split(",") == list(LLD_NAMES)

    def test_less_than_60_ms_is_empty(self):
        assert {contour.shape for contour in lld(np.zeros(900), 16000).values()} == {(0,)}

    def test_one_frame_gives_two_rows(self):
        assert {contour.shape for contour in lld(np.zeros(960), 16000).values()} == {(2,)}


def recordings() -> list[Path]:
    root = Path(os.environ["AFFECTMAP_DATA"]) / "corpora"
    files = [file for corpus in ("emodb", "urdu", "aesdd") for file in sorted((root / corpus).rglob("*.wav"))[::60]]
    return [file for file in files if file.stat().st_size > 1000]


@pytest.mark.real
@pytest.mark.slow
@pytest.mark.skipif("AFFECTMAP_DATA" not in os.environ, reason="AFFECTMAP_DATA does not name a folder of recordings")
@pytest.mark.filterwarnings("ignore")
def test_agrees_with_opensmile_on_recordings():
    opensmile = pytest.importorskip("opensmile")
    extractor = opensmile.Smile(opensmile.FeatureSet.eGeMAPSv02, opensmile.FeatureLevel.Functionals)
    ours, theirs = [], []
    for file in recordings():
        samples, rate = soundfile.read(file, always_2d=True)
        signal = np.clip(samples[:, 0], -1, 32767 / 32768)
        ours.append(functionals(signal, rate))
        theirs.append(extractor.process_signal(signal, rate).to_numpy()[0])
    ours, theirs = np.array(ours), np.array(theirs, np.float64)
    correlations = np.array([np.corrcoef(pair)[0, 1] for pair in zip(ours.T, theirs.T, strict=True)])
    differences = np.abs(ours - theirs) / theirs.std(axis=0)
    # Ties apart: in a recording in a hundred an extremum or a period falls on the other side.
    assert np.quantile(differences, 0.99) < 1e-4
    # The sample is small, so that one tie shows; over all recordings the least is 0.99997.
    assert correlations.min() > 0.999
    assert np.sort(correlations)[4] > 0.9999


def test_the_room_imports_numpy_alone():
    source = FOLDER.parents[1] / "src" / "affectmap" / "egemaps"
    lines = [line.split() for file in source.rglob("*.py") for line in file.read_text(encoding="utf-8").splitlines()]
    modules = {second for words in lines for first, second in pairwise(words[:2]) if first in ("import", "from")}
    others = {module for module in modules if not module.startswith("affectmap.egemaps")}
    standard = {"collections.abc", "ctypes", "dataclasses", "functools", "math", "pathlib", "typing"}
    assert others <= {"numpy", "numpy.typing", *standard}
