"""embed, adapt and track find what any of them measured before."""

import pytest
import soundfile

from affectmap.features import single_recordings as module
from conftest import make_voice


@pytest.fixture
def measured(monkeypatch):
    """How many samples were measured, each time."""
    asked, measure = [], module.measure_functionals
    monkeypatch.setattr(
        module, "measure_functionals", lambda one, *how: (asked.append(len(one)), measure(one, *how))[1]
    )
    return asked


@pytest.fixture
def speech(here):
    (here / "speech").mkdir()
    for number in range(4):
        soundfile.write(here / "speech" / f"{number}.wav", make_voice(seconds=1.0, pitch=100 + 40 * number), 16000)


def test_the_second_run_measures_nothing_and_says_the_same(affectmap, speech, measured):
    first = affectmap("embed", "speech")
    n_first = len(measured)
    again = affectmap("embed", "speech")
    assert (first.code, n_first, len(measured)) == (0, 4, 4)
    assert again == first
    assert affectmap("adapt", "speech", "-o", "mine").code == 1  # its voices are no speech
    assert len(measured) == 4


def test_a_track_finds_its_segments(affectmap, speech, measured):
    first = affectmap("track", "speech/0.wav", "--windows", 0.5)
    n_first = len(measured)
    assert (first.code, n_first) == (0, 2)
    assert affectmap("track", "speech/0.wav", "--windows", 0.5) == first
    assert len(measured) == n_first


def test_without_a_cache_all_is_measured_and_nothing_kept(affectmap, here, speech, measured):
    for n_done in (1, 2):
        assert affectmap("embed", "speech/0.wav", "--no-cache").code == 0
        assert affectmap("track", "speech/0.wav", "--no-cache", "--windows", 2).code == 0
        assert len(measured) == 2 * n_done
    assert not (here / "cache").exists()
    done = affectmap("embed", "speech", "--no-cache", "--cache", "mine")
    assert (done.code, done.error) == (2, "--cache and --no-cache exclude each other; take one")


def test_a_folder_named_for_it(affectmap, here, speech, measured):
    for _ in range(2):
        assert affectmap("embed", "speech/0.wav", "--cache", "mine").code == 0
    assert (len(measured), [file.name for file in (here / "mine").glob("*.npz")]) == (1, ["recordings.npz"])
    (here / "file").touch()
    done = affectmap("embed", "speech/0.wav", "--cache", "file")
    assert (done.code, done.out.count("\n")) == (0, 2)
    assert "note: the cache file cannot be written" in done.err
