"""The test over speakers against labels whose signs are flipped by hand."""

from itertools import product

import numpy as np
import pytest

from affectmap.stats import sign_flips
from affectmap.stats.metrics import adjusted_r2
from affectmap.stats.sign_flips import label_products, sign_flip_p_value
from cases import each


def recordings(seed, n_speakers=6, slope_sd=0.3, slope=0.0, n=12, n_dims=1):
    """Every speaker has a slope and an offset of its own."""
    rng = np.random.default_rng(seed)
    who = np.repeat(np.arange(n_speakers), n)
    latent = rng.normal(size=(n_speakers * n, n_dims)) + 0.5 * rng.normal(size=(n_speakers, n_dims))[who]
    own = slope + slope_sd * rng.normal(size=(n_speakers, n_dims))
    return np.sum(own[who] * latent, axis=1) + rng.normal(size=len(who)), latent, who


@each("n_dims", [1, 2, 5])
def test_parts_add_up_to_r2(n_dims):
    label, latent, speaker = recordings(0, n_dims=n_dims)
    label[3] = np.nan
    known = np.isfinite(label)
    fit = adjusted_r2(label, latent)
    r2 = 1 - (1 - fit.adjusted_r2) * (fit.n - n_dims - 1) / (fit.n - 1)
    parts = label_products(label, latent, speaker).parts
    assert parts.shape == (6, 6)
    assert parts.sum() == pytest.approx(r2)
    reference = label_products(label[known], latent[known] * [10.0**k for k in range(n_dims)], speaker[known])
    np.testing.assert_allclose(parts, reference.parts, atol=1e-12)


def test_by_flipping_the_labels_of_speakers():
    label, latent, speaker = recordings(1, slope=0.15, n_dims=2)
    y, x = label - label.mean(), latent - latent.mean(axis=0)

    def explained(signs):
        flipped = np.array(signs)[speaker] * y
        return np.sum((x @ np.linalg.lstsq(x, flipped)[0]) ** 2)

    values = [explained(signs) for signs in product((1, -1), repeat=6)]
    expected = np.mean(np.array(values) >= explained([1] * 6) * (1 - 1e-9))
    found = sign_flip_p_value([label_products(label, latent, speaker)])
    assert 1 / 32 < found < 1
    assert found == pytest.approx(expected)


def test_drawn_signs_agree_with_all_signs(monkeypatch):
    parts = [label_products(*recordings(2, n_speakers=9, slope=0.15))]
    exact = sign_flip_p_value(parts)
    monkeypatch.setattr(sign_flips, "ALL_SIGNS", 5)
    assert 0.02 < exact < 0.8
    assert sign_flip_p_value(parts) == pytest.approx(exact, abs=0.03)
    assert sign_flip_p_value(parts, seed=1) != sign_flip_p_value(parts, seed=2)


@each(
    ("n_speakers", "folds", "smallest"),
    [
        (5, [[0, 1, 2, 3, 4]], None),
        (6, [[0, 1, 2, 3, 4, 5]], 1 / 32),
        (10, [[0, 1], [2, 3], [4, 5], [6, 7], [8, 9]], 1 / 32),
        (8, [[0, 1], [2, 3], [4, 5], [6, 7]], None),
        (6, [[0], [1], [2], [3], [4], [5]], None),
        (1, [[0]], None),
    ],
)
def test_the_smallest_p_value(n_speakers, folds, smallest):
    label, latent, speaker = recordings(3, n_speakers, slope=2, slope_sd=0.1)
    of_fold = [np.isin(speaker, fold) for fold in folds]
    found = sign_flip_p_value([label_products(label[rows], latent[rows], speaker[rows]) for rows in of_fold])
    assert np.isnan(found) if smallest is None else found == smallest


def test_nothing_to_test():
    assert np.isnan(sign_flip_p_value([]))
    for label, latent in ((np.ones(12), np.arange(12.0)), (np.arange(12.0), np.ones(12))):
        parts = label_products(label, latent, np.repeat(np.arange(6), 2))
        assert not parts.parts.any()
        assert np.isnan(sign_flip_p_value([parts]))


def test_slopes_of_single_speakers_are_no_finding():
    """Where speakers differ and nothing is common, one in twenty is found at most; the F-test finds far more."""
    over_speakers, over_utterances = [], []
    for seed in range(200):
        label, latent, speaker = recordings(seed, n_speakers=8, slope_sd=0.6)
        over_speakers.append(sign_flip_p_value([label_products(label, latent, speaker)]) < 0.05)
        over_utterances.append(adjusted_r2(label, latent).p_value < 0.05)
    assert np.mean(over_speakers) < 0.08
    assert np.mean(over_utterances) > 0.25


def test_what_is_common_is_found():
    found = [sign_flip_p_value([label_products(*recordings(seed, 8, slope=0.8))]) < 0.05 for seed in range(40)]
    assert np.mean(found) > 0.9
