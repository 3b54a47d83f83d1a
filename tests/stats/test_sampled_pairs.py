"""Sampled pairs against all pairs: how often the interval holds the exact value, and what it does at the edges."""

import math
import tracemalloc

import numpy as np
import pytest

from affectmap.errors import ConfigError
from affectmap.stats.metrics import pairwise_adjusted_r2
from affectmap.stats.sampled_pairs import LEVEL, SampledFit, sampled_pairwise_adjusted_r2

NAN = float("nan")
N_SEEDS = 300


def relation(kind: str, n: int = 2000):
    rng = np.random.default_rng(3)
    half_steps = rng.integers(2, 11, n) / 2
    noise = rng.normal(size=(n, 2))
    label = rng.normal(size=n) if kind == "none" else half_steps
    slope, spread = {"strong": (2.0, 0.3), "medium": (1.0, 1.0), "weak": (0.2, 1.0), "none": (0.0, 1.0)}[kind]
    return spread * noise + slope * label[:, None] * [1.0, 0.0], label


@pytest.mark.parametrize("kind", ["strong", "medium", "weak", "none"])
def test_the_interval_holds_the_value_of_all_pairs_as_often_as_it_says(kind):
    latent, label = relation(kind)
    exact = pairwise_adjusted_r2(latent, label).adjusted_r2
    fits = [sampled_pairwise_adjusted_r2(latent, label, 20_000, seed) for seed in range(N_SEEDS)]
    held = np.mean([fit.low <= exact <= fit.high for fit in fits])
    # Four standard deviations of a binomial share of so many seeds. Below R² = 0 nothing can lie, so there the
    # interval is in truth one-sided and may hold the value more often.
    tolerance = 4 * math.sqrt(LEVEL * (1 - LEVEL) / N_SEEDS)
    assert held >= LEVEL - tolerance
    assert held <= LEVEL + tolerance or kind in ("weak", "none")
    assert np.mean([fit.adjusted_r2 for fit in fits]) == pytest.approx(exact, abs=2e-3)
    assert all(fit.low <= fit.adjusted_r2 <= fit.high <= 1 for fit in fits)


def test_the_interval_narrows_with_the_root_of_the_pairs():
    latent, label = relation("medium")
    widths = [
        np.mean([fit.high - fit.low for fit in (sampled_pairwise_adjusted_r2(latent, label, m, s) for s in range(20))])
        for m in (4000, 64_000)
    ]
    assert widths[0] / widths[1] == pytest.approx(4, rel=0.15)


def test_the_variance_is_that_of_the_influences_pair_by_pair():
    latent, label = relation("medium", 300)
    fit = sampled_pairwise_adjusted_r2(latent, label, 5000, 1)
    rng = np.random.default_rng(1)
    one, other = rng.integers(300, size=5000), rng.integers(299, size=5000)
    other += other >= one
    a = np.abs(label[one] - label[other])
    b = np.linalg.norm(latent[one] - latent[other], axis=1)
    r = np.corrcoef(a, b)[0, 1]
    u, v = (a - a.mean()) / a.std(), (b - b.mean()) / b.std()
    margin = 1.959964 * np.sqrt(np.mean((u * v - r / 2 * (u * u + v * v)) ** 2) / 5000) / (1 - r * r)
    pairs = 300 * 299 / 2
    expected = [1 - (1 - np.tanh(np.arctanh(r) + k * margin) ** 2) * (pairs - 1) / (pairs - 2) for k in (0, -1, 1)]
    assert fit[:3] == pytest.approx(expected, rel=1e-6)


def test_pairs_are_drawn_uniformly_and_never_a_row_with_itself():
    # Of three far apart rows each pair has its own label distance; a row with itself would be a distance of 0.
    from affectmap.stats.sampled_pairs import _drawn

    rows = np.array([[0.0], [1.0], [3.0]])
    distances = np.concatenate([label for label, _ in _drawn(rows, rows, 60_000, 0)])
    kinds, counts = np.unique(distances, return_counts=True)
    assert kinds.tolist() == [1.0, 2.0, 3.0]
    np.testing.assert_allclose(counts / 60_000, 1 / 3, atol=4 * math.sqrt(2 / 9 / 60_000))


def test_where_all_pairs_are_few_all_are_taken():
    latent, label = relation("medium", 40)
    exact = pairwise_adjusted_r2(latent, label).adjusted_r2
    assert sampled_pairwise_adjusted_r2(latent, label) == SampledFit(exact, exact, exact, 780)
    assert math.isnan(sampled_pairwise_adjusted_r2(latent[:2], label[:2]).adjusted_r2)


def test_a_seed_gives_the_same_and_another_another():
    latent, label = relation("medium")
    first = sampled_pairwise_adjusted_r2(latent, label, 5000, 7)
    assert sampled_pairwise_adjusted_r2(latent, label, 5000, 7) == first
    assert sampled_pairwise_adjusted_r2(latent, label, 5000, 8) != first


def test_rows_without_a_label_are_never_drawn():
    latent, label = relation("medium")
    label[::3] = NAN
    latent[::3] = 1e6
    kept = np.isfinite(label)
    assert sampled_pairwise_adjusted_r2(latent, label, 5000) == sampled_pairwise_adjusted_r2(
        latent[kept], label[kept], 5000
    )


def test_shift_and_scale_do_not_matter():
    latent, label = relation("medium")
    plain = sampled_pairwise_adjusted_r2(latent, label, 5000)
    for moved in ((latent + 1e6, label - 50), (1e8 * latent, 1e-6 * label)):
        assert sampled_pairwise_adjusted_r2(*moved, 5000)[:3] == pytest.approx(plain[:3], rel=1e-5)


def test_several_labels_are_one_distance():
    rng = np.random.default_rng(0)
    label = rng.normal(size=(2000, 2))
    fit = sampled_pairwise_adjusted_r2(label + 0.5 * rng.normal(size=(2000, 2)), label, 50_000)
    assert 0.3 < fit.low < fit.high < 0.9


def test_edges():
    label = np.random.default_rng(1).normal(size=200)
    assert sampled_pairwise_adjusted_r2(5 * label, label, 2000) == SampledFit(1.0, 1.0, 1.0, 2000)
    assert sampled_pairwise_adjusted_r2(label, np.full(200, 0.1), 2000) == SampledFit(0.0, 0.0, 0.0, 2000)
    collapsed = sampled_pairwise_adjusted_r2(np.full(200, 0.1), label, 2000)
    assert np.isnan(collapsed[:3]).all()
    lonely = np.zeros(100_000)
    lonely[0] = 1  # in 2 of 100,000 pairs: none of these 1,000
    assert np.isnan(sampled_pairwise_adjusted_r2(np.arange(1e5), lonely, 1000)[:3]).all()


@pytest.mark.parametrize(
    ("latent", "label", "n_pairs", "message"),
    [
        ([1.0], [1.0], 999, "n_pairs is 999; expected at least 1,000"),
        ([np.inf, 1.0], [1.0, 2.0], 1000, "1 of 2 rows of latent are not finite"),
        ([0.0, 1.0], [1.0], 1000, "label has 1 rows and latent 2"),
        ([0.0, 1.0], [1.0, np.inf], 1000, "label holds infinite values"),
    ],
)
def test_it_tells_what_is_wrong(latent, label, n_pairs, message):
    with pytest.raises(ConfigError, match=message):
        sampled_pairwise_adjusted_r2(latent, label, n_pairs)


def test_memory_does_not_grow_with_the_pairs():
    latent, label = relation("medium", 3000)
    peaks = []
    for n_pairs in (50_000, 800_000):
        tracemalloc.start()
        sampled_pairwise_adjusted_r2(latent, label, n_pairs)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 1.1 * peaks[0]
