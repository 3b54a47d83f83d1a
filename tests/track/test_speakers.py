"""Who of two speaks: found where there are two, not invented where there is one."""

import itertools

import numpy as np
import pytest

from affectmap.track.speakers import MIN_WINDOWS, _smoothed, separate

N = 60


def windows(rng, who, apart=6.0, n_dimensions=6):
    centres = np.zeros((2, n_dimensions))
    centres[1, :2] = apart / np.sqrt(2)
    return centres[who] + rng.normal(size=(len(who), n_dimensions))


def turns(rng, n_windows=N, first=5, second=5):
    parts = [np.full(rng.integers(1, 2 * (first, second)[i % 2]), i % 2) for i in range(n_windows)]
    who = np.concatenate(parts)[:n_windows]
    return who, np.append(True, np.diff(who) != 0)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("second", [5, 2])
def test_two_are_told_apart(seed, second):
    rng = np.random.default_rng(seed)
    who, after_pause = turns(rng, second=second)
    found = separate(windows(rng, who), after_pause)
    assert found.n_speakers == 2
    assert np.mean(found.states == who) > 0.95
    assert found.states[0] == 0


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("n_windows", [1, 2, 7, 60, 400])
def test_a_second_is_not_invented(seed, n_windows):
    rng = np.random.default_rng(seed)
    found = separate(rng.normal(size=(n_windows, 6)), rng.random(n_windows) < 0.3)
    assert (found.n_speakers, found.states.tolist()) == (1, [0] * n_windows)
    assert found.evidence < 0.3


def test_the_evidence_grows_with_the_distance():
    evidence = []
    for apart in (2.0, 4.0, 8.0):
        rng = np.random.default_rng(0)
        who, after_pause = turns(rng)
        evidence.append(separate(windows(rng, who, apart), after_pause).evidence)
    assert evidence == sorted(evidence)


def test_gain_and_place_of_the_embeddings_origin_do_not_matter():
    rng = np.random.default_rng(0)
    who, after_pause = turns(rng)
    voices = windows(rng, who)
    np.testing.assert_array_equal(separate(voices + 1000, after_pause).states, separate(voices, after_pause).states)


def test_nothing_and_too_little():
    for n_windows in range(2 * MIN_WINDOWS):
        voices = np.repeat([[0.0], [50.0]], n_windows, axis=0)[:n_windows]
        assert separate(voices, np.ones(n_windows, bool)).n_speakers == 1


def test_an_outlier_is_no_speaker():
    voices = np.random.default_rng(0).normal(size=(40, 6))
    voices[17] += 40
    assert separate(voices, np.ones(40, bool)).n_speakers == 1


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("which", [0, 1])
def test_the_enrolled_voice_is_speaker_0(seed, which):
    rng = np.random.default_rng(seed)
    who, after_pause = turns(rng)
    voices = windows(rng, who)
    known = windows(rng, np.full(10, which))
    found = separate(voices, after_pause, known)
    assert np.mean((found.states == 0) == (who == which)) > 0.95


def test_of_another_alone_nothing_is_the_enrolled_ones_and_of_the_enrolled_alone_all():
    rng = np.random.default_rng(0)
    known = windows(rng, np.zeros(10, int))
    for which in (0, 1):
        found = separate(windows(rng, np.full(20, which)), np.ones(20, bool), known)
        assert found.states.tolist() == [which] * 20


def test_likelihood_and_probabilities_are_those_of_all_sequences():
    rng = np.random.default_rng(0)
    logarithms, stay = rng.normal(size=(6, 2)), np.array([0.9, 0.97, 0.7, 0.97, 0.7, 0.97])
    total, shares = 0.0, np.zeros((6, 2))
    for states in itertools.product((0, 1), repeat=6):
        steps = [stay[i] if states[i] == states[i - 1] else 1 - stay[i] for i in range(1, 6)]
        likelihood = 0.5 * np.prod(steps) * np.exp(sum(logarithms[i, each] for i, each in enumerate(states)))
        total += likelihood
        for i, each in enumerate(states):
            shares[i, each] += likelihood
    found, probabilities = _smoothed(logarithms, stay)
    assert found == pytest.approx(np.log(total))
    np.testing.assert_allclose(probabilities, shares / total)


def test_unlikely_windows_do_not_overflow():
    voices = np.concatenate([np.zeros((10, 2)), np.full((10, 2), 1e5)])
    found = separate(voices, np.ones(20, bool))
    assert found.states.tolist() == [0] * 10 + [1] * 10
