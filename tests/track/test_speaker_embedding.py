"""Embeddings of speakers: alike for one voice whatever the level, apart for two."""

import numpy as np
import pytest

from affectmap.track.speaker_embedding import (
    HOP_S,
    N_STATISTICS,
    WINDOW_S,
    cepstral_statistics,
    embed_windows,
    window_starts,
)
from affectmap.whisper.mel import mel_filters


def test_two_voices_lie_apart_and_one_together(speak):
    (one, _), (again, _), (other, _) = (embed_windows(speak(who, 4.0, seed)) for who, seed in ((0, 0), (0, 1), (1, 2)))
    within = np.linalg.norm(one.mean(axis=0) - again.mean(axis=0))
    assert np.linalg.norm(one.mean(axis=0) - other.mean(axis=0)) > 3 * within


@pytest.mark.parametrize("gain", [0.05, 1.9])
def test_the_level_does_not_matter(speak, gain):
    signal = speak(0, 2.0)
    np.testing.assert_allclose(embed_windows(gain * signal)[0], embed_windows(signal)[0], atol=1e-6)


@pytest.mark.parametrize("n_samples", [1, 400, 8000, 25599, 25600, 25601, 32000, 112000])
def test_windows_cover_a_segment(n_samples):
    starts, length = window_starts(n_samples), min(n_samples, round(WINDOW_S * 16000))
    assert starts[0] == 0
    assert 0 <= n_samples - starts[-1] - length <= HOP_S / 2 * 16000
    assert np.diff(starts).max(initial=0) <= 1.5 * HOP_S * 16000
    embeddings, middles = embed_windows(np.random.default_rng(0).normal(size=n_samples))
    assert len(embeddings) == len(middles) == len(starts)
    assert np.isfinite(embeddings).all()


def test_silence_has_an_embedding_and_no_warning():
    assert np.isfinite(embed_windows(np.zeros(16000, np.float32))[0]).all()


def test_the_mean_cepstrum_is_that_of_the_frames_by_plain_loops():
    signal = np.random.default_rng(0).normal(size=4000)
    centred = signal - signal.mean()
    rows = []
    for first in range(0, 4000 - 400 + 1, 160):
        frame = centred[first : first + 400] * (0.5 - 0.5 * np.cos(2 * np.pi * np.arange(400) / 400))
        rows.append(np.log(np.abs(np.fft.rfft(frame)) ** 2 @ mel_filters(40)))
    rows = np.array(rows)
    loud = rows[rows.mean(axis=1) >= np.quantile(rows.mean(axis=1), 0.3)]
    cosine = [
        [sum(row[b] * np.cos(np.pi / 40 * (b + 0.5) * k) for b in range(40)) for k in range(1, 21)] for row in loud
    ]
    found = cepstral_statistics(signal)
    assert found.shape == (N_STATISTICS,)
    np.testing.assert_allclose(found[:20], np.mean(cosine, axis=0), rtol=1e-6)
    np.testing.assert_allclose(found[20:], np.log(np.std(cosine, axis=0) + 0.1), rtol=1e-6)
