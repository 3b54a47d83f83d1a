import itertools
import math

import numpy as np
import pytest

import affectmap.stats.bootstrap
from affectmap.errors import ConfigError
from affectmap.stats.bootstrap import SpeakerBootstrap, estimate, interval, resampled_sums
from affectmap.stats.least_squares import explained
from affectmap.stats.metrics import adjusted_r2, pairwise_adjusted_r2, uar

NAMES = ["ann", "bob", "cat", "dan", "eve"]


def utterances(seed, n=40, n_classes=3, latent_dim=2):
    rng = np.random.default_rng(seed)
    latent = rng.normal(size=(n, latent_dim))
    label = np.round(2 * (3 + latent[:, 0] + rng.normal(size=n))) / 2
    truth, prediction = rng.integers(0, n_classes, n), rng.integers(0, n_classes, n)
    return latent, label, truth, prediction, np.array(NAMES)[rng.integers(0, len(NAMES), n)]


def copies(bootstrap, resample, speaker):
    """Numbers of the rows that a resample holds, each as often as its speaker was drawn."""
    count = dict(zip(bootstrap.speakers, bootstrap.counts[resample], strict=True))
    return np.repeat(np.arange(len(speaker)), [count[name] for name in speaker])


def pairs_of_copies(bootstrap, resample, latent, label, speaker):
    """Distances of all pairs that a resample holds, with one list entry for each drawn copy of a speaker."""
    drawn = np.repeat(bootstrap.speakers, bootstrap.counts[resample])
    people = [(name, np.flatnonzero(speaker == name)) for name in drawn]
    pairs = [pair for _, rows in people for pair in itertools.combinations(rows, 2)]
    for (name, rows), (other, others) in itertools.combinations(people, 2):
        if name != other:
            pairs += list(itertools.product(rows, others))
    label = label.reshape(len(label), -1)
    return np.array([[math.dist(label[i], label[j]), math.dist(latent[i], latent[j])] for i, j in pairs])


def test_counts_draw_as_many_speakers_as_there_are():
    bootstrap = SpeakerBootstrap(NAMES, n_resamples=2000, seed=3)
    assert bootstrap.counts.shape == (2000, 5)
    assert (bootstrap.counts.sum(axis=1) == 5).all()
    np.testing.assert_allclose(bootstrap.counts.mean(axis=0), 1, atol=0.1)
    np.testing.assert_allclose(bootstrap.counts.var(axis=0), 0.8, atol=0.1)


def test_seed_and_speakers_decide_and_their_order_does_not():
    one = SpeakerBootstrap(NAMES, n_resamples=20, seed=1)
    same = SpeakerBootstrap(NAMES[::-1], n_resamples=20, seed=1)
    other = SpeakerBootstrap(NAMES, n_resamples=20, seed=2)
    np.testing.assert_array_equal(one.counts, same.counts)
    assert one.speakers == same.speakers == sorted(NAMES)
    assert (one.counts != other.counts).any()


@pytest.mark.parametrize("seed", range(4))
def test_uar_is_that_of_copied_rows(seed):
    _, _, truth, prediction, speaker = utterances(seed, n=25)
    bootstrap = SpeakerBootstrap(NAMES, n_resamples=60, seed=seed)
    values = bootstrap.uar(truth, prediction, speaker)
    for resample, value in enumerate(values):
        rows = copies(bootstrap, resample, speaker)
        assert value == pytest.approx(uar(truth[rows], prediction[rows]), abs=1e-12)


@pytest.mark.parametrize("latent_dim", [1, 2, 5])
def test_adjusted_r2_is_that_of_copied_rows(latent_dim):
    latent, label, _, _, speaker = utterances(latent_dim, latent_dim=latent_dim)
    label[[0, 9]] = np.nan
    bootstrap = SpeakerBootstrap(NAMES, n_resamples=60, seed=5)
    values = bootstrap.adjusted_r2(label, latent, speaker)
    for resample, value in enumerate(values):
        rows = copies(bootstrap, resample, speaker)
        assert value == pytest.approx(adjusted_r2(label[rows], latent[rows]).adjusted_r2, rel=1e-9)


@pytest.mark.parametrize("n_labels", [1, 2])
def test_pairwise_is_that_of_copied_speakers(n_labels):
    latent, label, _, _, speaker = utterances(7, n=37)
    label = np.column_stack([label, label[::-1]])[:, :n_labels]
    bootstrap = SpeakerBootstrap(NAMES, n_resamples=25, seed=6)
    values = bootstrap.pairwise_adjusted_r2(latent, label, speaker)
    for resample, value in enumerate(values):
        pairs = pairs_of_copies(bootstrap, resample, latent, label, speaker)
        columns = np.column_stack([np.ones(len(pairs)), pairs])
        assert value == pytest.approx(float(explained(columns.T @ columns).adjusted_r2), rel=1e-9)


def test_pairwise_leaves_out_missing_labels():
    latent, label, _, _, speaker = utterances(8)
    label[::5] = np.nan
    kept = ~np.isnan(label)
    bootstrap = SpeakerBootstrap(NAMES, n_resamples=30)
    np.testing.assert_allclose(
        bootstrap.pairwise_adjusted_r2(latent, label, speaker),
        bootstrap.pairwise_adjusted_r2(latent[kept], label[kept], speaker[kept]),
        rtol=1e-12,
    )


def test_every_speaker_once_is_the_quantity_itself():
    latent, label, truth, prediction, speaker = utterances(9, n=100)
    bootstrap = SpeakerBootstrap(NAMES, n_resamples=1)
    bootstrap.counts[:] = 1
    assert bootstrap.uar(truth, prediction, speaker)[0] == pytest.approx(uar(truth, prediction), rel=1e-12)
    assert bootstrap.adjusted_r2(label, latent, speaker)[0] == pytest.approx(
        adjusted_r2(label, latent).adjusted_r2, rel=1e-12
    )
    assert bootstrap.pairwise_adjusted_r2(latent, label, speaker)[0] == pytest.approx(
        pairwise_adjusted_r2(latent, label).adjusted_r2, rel=1e-10
    )


@pytest.mark.parametrize("n", [31, 32, 33, 64, 130])
def test_order_and_number_of_the_rows_do_not_matter(n):
    latent, label, truth, prediction, speaker = utterances(n, n=n)
    order = np.random.default_rng(0).permutation(n)
    bootstrap = SpeakerBootstrap(NAMES, n_resamples=40)
    for method, first, second in (
        ("uar", truth, prediction),
        ("adjusted_r2", label, latent),
        ("pairwise_adjusted_r2", latent, label),
    ):
        quantity = getattr(bootstrap, method)
        np.testing.assert_allclose(
            quantity(first[order], second[order], speaker[order]), quantity(first, second, speaker), rtol=1e-9
        )


def test_many_speakers_of_few_rows():
    rng = np.random.default_rng(1)
    names = [f"s{k:03}" for k in range(60)]
    speaker = np.repeat(names, 2)
    latent = rng.normal(size=(120, 2))
    label = latent[:, 0] + rng.normal(size=120)
    bootstrap = SpeakerBootstrap(names, n_resamples=3)
    for resample, value in enumerate(bootstrap.pairwise_adjusted_r2(latent, label, speaker)):
        pairs = pairs_of_copies(bootstrap, resample, latent, label, speaker)
        columns = np.column_stack([np.ones(len(pairs)), pairs])
        assert value == pytest.approx(float(explained(columns.T @ columns).adjusted_r2), rel=1e-9)


def test_large_offsets_do_not_matter():
    latent, label, _, _, speaker = utterances(11)
    bootstrap = SpeakerBootstrap(NAMES, n_resamples=50)
    np.testing.assert_allclose(
        bootstrap.adjusted_r2(label, latent + 1e6, speaker), bootstrap.adjusted_r2(label, latent, speaker), rtol=1e-6
    )
    np.testing.assert_allclose(
        bootstrap.pairwise_adjusted_r2(latent + 1e6, label, speaker),
        bootstrap.pairwise_adjusted_r2(latent, label, speaker),
        rtol=1e-6,
    )


def test_resamples_are_weighted_in_chunks_of_any_size(monkeypatch):
    latent, label, _, _, speaker = utterances(12)
    bootstrap = SpeakerBootstrap(NAMES, n_resamples=50)
    whole = bootstrap.adjusted_r2(label, latent, speaker)
    for size in (1, 100):
        monkeypatch.setattr(affectmap.stats.bootstrap, "STACK_SIZE", size)
        np.testing.assert_allclose(bootstrap.adjusted_r2(label, latent, speaker), whole, rtol=1e-12)


def test_paired_quantities_meet_the_same_resamples():
    latent, label, truth, prediction, speaker = utterances(13, n=200)
    bootstrap = SpeakerBootstrap(NAMES, n_resamples=300)
    better = np.where(np.arange(200) % 4 == 0, truth, prediction)
    difference = bootstrap.uar(truth, better, speaker) - bootstrap.uar(truth, prediction, speaker)
    unpaired = bootstrap.uar(truth, better, speaker) - SpeakerBootstrap(NAMES, 300, seed=9).uar(
        truth, prediction, speaker
    )
    assert difference.std() < unpaired.std()
    np.testing.assert_array_equal(
        bootstrap.adjusted_r2(label, latent, speaker), bootstrap.adjusted_r2(label, latent, speaker)
    )


# What cannot be told


def test_resample_with_fewer_than_two_classes_is_nan():
    bootstrap = SpeakerBootstrap(["a", "b"], n_resamples=100)
    values = bootstrap.uar(["sad", "sad", "angry", "angry"], ["sad", "angry", "angry", "angry"], ["a", "a", "b", "b"])
    both = (bootstrap.counts > 0).all(axis=1)
    assert both.any()
    assert (~both).any()
    np.testing.assert_array_equal(values[both], 0.75)
    assert np.isnan(values[~both]).all()


def test_resample_with_a_constant_label_is_nan():
    bootstrap = SpeakerBootstrap(["a", "b"], n_resamples=100)
    label, speaker = np.repeat([0.1, 4.3], 4), np.repeat(["a", "b"], 4)
    predictor = np.array([1.0, 2.0, 3.0, 4.0, 6.0, 5.0, 7.0, 8.0])
    both = (bootstrap.counts > 0).all(axis=1)
    values = bootstrap.adjusted_r2(label, predictor, speaker)
    assert np.isnan(values[~both]).all()
    assert (values[both] > 0.5).all()
    # The other way round it is the predictor that is constant, and explains nothing.
    np.testing.assert_array_equal(bootstrap.adjusted_r2(predictor, label, speaker)[~both], 0.0)


def test_copies_do_not_make_a_saturated_fit_look_perfect():
    rng = np.random.default_rng(0)
    bootstrap = SpeakerBootstrap(["a", "b"], n_resamples=100)
    speaker = np.repeat(["a", "b"], 3)
    values = bootstrap.adjusted_r2(rng.normal(size=6), rng.normal(size=(6, 2)), speaker)
    both = (bootstrap.counts > 0).all(axis=1)
    assert np.isnan(values[~both]).all()
    assert np.isfinite(values[both]).all()
    pairs = bootstrap.pairwise_adjusted_r2(rng.normal(size=(4, 2)), rng.normal(size=4), ["a", "a", "b", "b"])
    assert np.isnan(pairs[~both]).all()
    assert np.isfinite(pairs[both]).all()


def test_single_speaker_tells_nothing_about_others():
    latent, label, truth, prediction, _ = utterances(14)
    bootstrap = SpeakerBootstrap(["a"], n_resamples=7)
    speaker = ["a"] * len(label)
    for values in (
        bootstrap.uar(truth, prediction, speaker),
        bootstrap.adjusted_r2(label, latent, speaker),
        bootstrap.pairwise_adjusted_r2(latent, label, speaker),
    ):
        assert values.shape == (7,)
        assert np.isnan(values).all()


def test_speakers_without_rows_and_no_rows_at_all():
    latent, label, _, _, speaker = utterances(15)
    bootstrap = SpeakerBootstrap([*NAMES, "zoe"], n_resamples=30)
    for resample, value in enumerate(bootstrap.adjusted_r2(label, latent, speaker)):
        rows = copies(bootstrap, resample, speaker)
        assert value == pytest.approx(adjusted_r2(label[rows], latent[rows]).adjusted_r2, rel=1e-9)
    assert np.isfinite(bootstrap.pairwise_adjusted_r2(latent, label, speaker)).all()
    assert np.isnan(bootstrap.uar([], [], [])).all()
    assert np.isnan(bootstrap.adjusted_r2([], np.empty((0, 2)), [])).all()
    assert np.isnan(bootstrap.pairwise_adjusted_r2(np.empty((0, 2)), [], [])).all()


# Errors


@pytest.mark.parametrize("names", [[], ["a", "b", "a"], ["a", None], ["a", 3]])
def test_every_speaker_is_named_once(names):
    with pytest.raises(ConfigError, match="needs every speaker's name once"):
        SpeakerBootstrap(names)


def test_errors_name_what_was_given():
    with pytest.raises(ConfigError, match="n_resamples is 0"):
        SpeakerBootstrap(["a"], n_resamples=0)
    bootstrap = SpeakerBootstrap(["a", "b"], n_resamples=2)
    with pytest.raises(ConfigError, match=r"speakers \['x'\] are not in the bootstrap"):
        bootstrap.uar([0, 1], [0, 1], ["a", "x"])
    with pytest.raises(ConfigError, match=r"speakers \['None'\] are not in the bootstrap"):
        bootstrap.adjusted_r2([0, 1], [0, 1], ["a", None])
    with pytest.raises(ConfigError, match=r"speaker has shape \(1,\); expected one name for each of 2 rows"):
        bootstrap.pairwise_adjusted_r2([0, 1], [0, 1], ["a"])
    with pytest.raises(ConfigError, match="label has 2 columns"):
        bootstrap.adjusted_r2([[0, 1]], [0], ["a"])
    with pytest.raises(ConfigError, match="1 of 2 rows of latent are not finite"):
        bootstrap.pairwise_adjusted_r2([0, np.nan], [0, 1], ["a", "b"])


# Intervals


def test_interval_is_that_of_the_percentiles():
    samples = np.random.default_rng(0).normal(size=999)
    assert interval(samples) == pytest.approx(tuple(np.quantile(samples, [0.025, 0.975])))
    low, high = interval(samples, level=0.5)
    assert np.mean((samples >= low) & (samples <= high)) == pytest.approx(0.5, abs=0.01)


def test_interval_leaves_nan_out():
    samples = np.array([np.nan, 1.0, 2.0, np.nan, 3.0])
    assert interval(samples) == interval([1.0, 2.0, 3.0])
    assert interval([4.0, np.nan]) == (4.0, 4.0)
    for empty in ([], [np.nan, np.nan]):
        assert all(math.isnan(end) for end in interval(empty))


@pytest.mark.parametrize("level", [0, 1, 95, -0.1, math.nan])
def test_level_is_a_share(level):
    with pytest.raises(ConfigError, match="expected a share above 0 and below 1"):
        interval([1.0], level=level)


def test_interval_over_speakers_is_wider_than_one_over_utterances():
    rng = np.random.default_rng(2)
    names = [f"s{k:02}" for k in range(12)]
    speaker = np.repeat(names, 50)
    # Each speaker is recognised well or badly, as people are.
    right = rng.random(600) < np.repeat(rng.uniform(0.2, 1.0, 12), 50)
    truth = rng.integers(0, 2, 600)
    low, high = interval(SpeakerBootstrap(names, 500).uar(truth, np.where(right, truth, 1 - truth), speaker))
    assert low < uar(truth, np.where(right, truth, 1 - truth)) < high
    assert high - low > 2 * 2 * 1.96 * math.sqrt(0.25 / 600) * 0.9


def test_sums_of_resamples_count_items_as_often_as_they_were_drawn(monkeypatch):
    sums = np.random.default_rng(0).normal(size=(30, 2))
    with_count = np.column_stack([sums, np.ones(30)])
    totals = resampled_sums(with_count, 3000, seed=1)
    assert (totals[:, 2] == 30).all()
    np.testing.assert_allclose(totals[:, :2].mean(axis=0), sums.sum(axis=0), atol=0.4)
    np.testing.assert_allclose(totals[:, :2].var(axis=0), 30 * sums.var(axis=0), rtol=0.1)
    np.testing.assert_array_equal(totals, resampled_sums(with_count, 3000, seed=1))
    assert resampled_sums(sums[:4]).shape == (0, 2)  # so few items give no interval
    monkeypatch.setattr(affectmap.stats.bootstrap, "COUNTS_SIZE", 100)
    assert resampled_sums(with_count, 10, seed=1).shape == (10, 3)


def test_an_estimate_has_the_interval_of_its_resamples():
    sums = np.column_stack([np.ones(8), np.arange(8.0)])
    resampled = resampled_sums(sums, 500)

    def mean(totals):
        return totals[:, 1] / totals[:, 0]

    assert estimate(sums, resampled, mean, 8) == (3.5, *interval(mean(resampled)), 8)
    value, low, high, n_items = estimate(sums, resampled[:0], mean, 8)
    assert (value, n_items) == (3.5, 8)
    assert math.isnan(low)
    assert math.isnan(high)
    assert all(math.isnan(each) for each in estimate(sums, resampled, lambda totals: totals[:, 0] * np.nan, 8)[:3])
