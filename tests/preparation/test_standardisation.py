import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.preprocessing import StandardScaler

from affectmap.errors import ConfigError
from affectmap.preparation import standardisation as preprocessing
from affectmap.preparation.standardisation import (
    POLICIES,
    PRIOR,
    Statistics,
    adapted_statistics,
    block_statistics,
    constant_features,
    fit_statistics,
    mixed_statistics,
    outlier_mask,
    speaker_statistics,
    standardise_target,
)
from affectmap.schema import FUNCTIONALS

SPEAKERS = np.array(["ann", "bob", "cat", "dan"])


def corpus(seed=0, n=50, n_features=6):
    rng = np.random.default_rng(seed)
    features = rng.normal(rng.uniform(-20, 20, n_features), rng.uniform(0.1, 5, n_features), (n, n_features))
    return features.astype(np.float32), SPEAKERS[rng.integers(0, 4, n)]


def plain_z(features, rows):
    raw = features.astype(np.float64)
    return (raw - raw[rows].mean(axis=0)) / raw[rows].std(axis=0)


# Statistics


def test_statistics_are_those_of_scikit_learn():
    features, _ = corpus()
    scaler = StandardScaler().fit(features.astype(np.float64))
    statistics = fit_statistics(features)
    np.testing.assert_allclose(statistics.mean, scaler.mean_, rtol=1e-12)
    np.testing.assert_allclose(statistics.std, scaler.scale_, rtol=1e-12)
    np.testing.assert_allclose(statistics.apply(features), scaler.transform(features.astype(np.float64)), atol=1e-6)
    assert statistics.apply(features).dtype == np.float32


def test_float32_input_is_summed_in_double_precision():
    features = (1e4 + np.random.default_rng(0).normal(size=(100_000, 1))).astype(np.float32)
    raw = features.astype(np.float64)
    assert fit_statistics(features).mean[0] == pytest.approx(raw.mean(), rel=1e-12)
    assert fit_statistics(features).std[0] == pytest.approx(raw.std(), rel=1e-9)


@pytest.mark.parametrize("value", [0.0, 0.1, -201.0, 1e-20, 1e12])
@pytest.mark.parametrize("n", [1, 3, 387])
def test_constant_feature_has_no_spread_and_maps_to_zero(value, n):
    features = np.column_stack([np.full(n, value), np.arange(float(n))])
    statistics = fit_statistics(features)
    assert statistics.std[0] == 0
    assert statistics.usable.tolist() == [False, n > 1]
    other = statistics.apply(features + np.array([1e6, 0]))
    assert not other[:, 0].any()


def test_spread_of_float32_rounding_is_none():
    nearly = np.full((100, 1), 3.3, dtype=np.float32)
    nearly[::2] = np.nextafter(nearly[0], np.float32(4))
    assert fit_statistics(nearly).std[0] == 0
    small = np.float32(3.3) + 1e-4 * np.random.default_rng(0).normal(size=(100, 1))
    assert fit_statistics(small.astype(np.float32)).usable.all()


@pytest.mark.parametrize("damage", [np.nan, np.inf, -np.inf])
def test_feature_that_is_not_finite_maps_to_zero_and_leaves_the_others(damage):
    features, _ = corpus()
    damaged = features.copy()
    damaged[7, 2] = damage
    statistics = fit_statistics(damaged)
    assert statistics.usable.tolist() == [True, True, False, True, True, True]
    assert np.isnan(statistics.std[2])
    expected = fit_statistics(features).apply(features)
    expected[:, 2] = 0
    np.testing.assert_array_equal(statistics.apply(damaged), expected)


def test_apply_refuses_what_it_cannot_scale():
    statistics = fit_statistics(corpus()[0])
    damaged = corpus(1)[0]
    damaged[[3, 4], 0] = np.nan
    with pytest.raises(ConfigError, match="2 of 50 utterances have features that are not finite; leave them out"):
        statistics.apply(damaged)
    with pytest.raises(ConfigError, match="got 5 features; the statistics are of 6"):
        statistics.apply(damaged[:, :5])


@pytest.mark.parametrize(
    ("features", "message"),
    [
        (np.empty((0, 3)), "at least one utterance, got none"),
        (np.zeros(3), r"features have shape \(3,\); expected \(utterances, features\)"),
        ([["loud"]], "features must be numbers"),
        ([[1.0], [1.0, 2.0]], "features must be numbers, one row for each utterance"),
    ],
)
def test_statistics_refuse_what_is_no_table_of_numbers(features, message):
    with pytest.raises(ConfigError, match=message):
        fit_statistics(features)


def test_applying_to_no_rows_gives_no_rows():
    assert fit_statistics(corpus()[0]).apply(np.empty((0, 6))).shape == (0, 6)


def test_constant_features_are_named_in_their_order():
    features = np.random.default_rng(0).normal(size=(20, 88))
    features[:, 4], features[:, 80], features[3, 17] = 0.1, -201.0, np.nan
    assert constant_features(features, FUNCTIONALS) == [FUNCTIONALS[k] for k in (4, 17, 80)]
    assert constant_features(features[:, :4], FUNCTIONALS[:4]) == []
    with pytest.raises(ConfigError, match="got 4 features and 88 names"):
        constant_features(features[:, :4], FUNCTIONALS)


# Outliers


def test_outliers_are_far_from_the_mean_of_their_corpus():
    features, _ = corpus(n=300)
    features[11, 3] += 500
    features[40, 0] -= 500
    expected = (np.abs(plain_z(features, np.arange(300))) > 10).any(axis=1)
    mask = outlier_mask(features)
    np.testing.assert_array_equal(mask, expected)
    assert np.flatnonzero(mask).tolist() == [11, 40]


def test_unit_and_offset_of_a_feature_make_no_outlier():
    features = np.random.default_rng(1).standard_t(2, (400, 5))
    mask = outlier_mask(features, threshold=6)
    assert 0 < mask.sum() < 40
    np.testing.assert_array_equal(outlier_mask(features * [1e-6, 1, 5, 1e6, -3] + 8, threshold=6), mask)


def test_a_hundred_and_one_utterances_have_no_outlier_by_default():
    for n, expected in ((101, 0), (103, 1)):
        features = np.zeros((n, 1))
        features[5] = 1e9
        assert outlier_mask(features).sum() == expected


def test_constant_feature_makes_no_outlier():
    assert not outlier_mask(np.full((300, 2), 0.1)).any()


@pytest.mark.parametrize("damage", [np.nan, np.inf])
def test_value_that_is_not_finite_is_an_outlier_and_hides_no_other(damage):
    features, _ = corpus(n=300)
    features[11, 3] += 500
    damaged = features.copy()
    damaged[7, 3] = damage
    assert np.flatnonzero(outlier_mask(damaged)).tolist() == [7, 11]
    damaged[:, 3] = damage
    assert outlier_mask(damaged).all()


def test_lower_threshold_drops_more():
    features = np.random.default_rng(2).standard_t(2, (300, 4))
    masks = [outlier_mask(features, threshold) for threshold in (2, 4, 8)]
    assert (masks[0] >= masks[1]).all()
    assert (masks[1] >= masks[2]).all()
    assert masks[0].sum() > masks[2].sum()
    assert not outlier_mask(features, float("inf")).any()


@pytest.mark.parametrize("threshold", [0, -1, float("nan")])
def test_threshold_is_above_zero(threshold):
    with pytest.raises(ConfigError, match="expected a number above 0"):
        outlier_mask(np.zeros((3, 1)), threshold)


def test_no_utterances_have_no_outlier():
    assert outlier_mask(np.empty((0, 4))).shape == (0,)


# Policies


def test_source_uses_nothing_of_the_target():
    features, speaker = corpus()
    source = fit_statistics(corpus(5)[0])
    scaled, evaluated = standardise_target(features, "source", source=source, speaker=speaker)
    np.testing.assert_array_equal(scaled, source.apply(features))
    assert evaluated.all()
    alone, _ = standardise_target(features[:1], "source", source=source)
    np.testing.assert_array_equal(alone, scaled[:1])


@pytest.mark.parametrize("seed", range(5))
def test_target_20_evaluates_no_utterance_that_it_took_statistics_from(seed):
    features, _ = corpus()
    scaled, evaluated = standardise_target(features, "target-20", seed=seed)
    assert (~evaluated).sum() == 10
    np.testing.assert_allclose(scaled, plain_z(features, ~evaluated), atol=1e-5)
    moved = features.copy()
    moved[evaluated] = 1e6 * np.random.default_rng(0).normal(size=(40, 6))
    again, same = standardise_target(moved, "target-20", seed=seed)
    np.testing.assert_array_equal(same, evaluated)
    np.testing.assert_array_equal(again[~evaluated], scaled[~evaluated])


def test_target_20_is_seeded_and_looks_at_the_number_of_rows_alone():
    features, _ = corpus()
    masks = [standardise_target(features, "target-20", seed=seed)[1] for seed in range(20)]
    assert len({tuple(mask) for mask in masks}) == 20
    np.testing.assert_array_equal(standardise_target(corpus(9)[0], "target-20", seed=3)[1], masks[3])
    np.testing.assert_array_equal(standardise_target(features[::-1], "target-20", seed=3)[1], masks[3])
    assert np.all(np.mean(masks, axis=0) > 0.4)


@pytest.mark.parametrize(("n", "n_fitted"), [(8, 2), (12, 2), (13, 3), (100, 20), (535, 107)])
def test_target_20_takes_a_fifth(n, n_fitted):
    assert (~standardise_target(corpus(n=n)[0], "target-20")[1]).sum() == n_fitted


def test_target_all_has_mean_zero_and_spread_one():
    features, _ = corpus()
    scaled, evaluated = standardise_target(features, "target-all")
    np.testing.assert_allclose(scaled, plain_z(features, np.arange(50)), atol=1e-5)
    np.testing.assert_allclose(scaled.mean(axis=0), 0, atol=1e-6)
    np.testing.assert_allclose(scaled.std(axis=0), 1, atol=1e-6)
    assert evaluated.all()


def test_speaker_standardises_each_speaker_by_itself():
    features, speaker = corpus()
    scaled, evaluated = standardise_target(features, "speaker", speaker=speaker)
    assert evaluated.all()
    for name in SPEAKERS:
        own = speaker == name
        np.testing.assert_allclose(scaled[own], plain_z(features[own], np.arange(own.sum())), atol=1e-5)
    moved = features.copy()
    moved[speaker == "ann"] = 3 * moved[speaker == "ann"] + 100
    np.testing.assert_allclose(standardise_target(moved, "speaker", speaker=speaker)[0], scaled, atol=1e-4)
    np.testing.assert_array_equal(
        standardise_target(moved, "speaker", speaker=speaker)[0][speaker != "ann"], scaled[speaker != "ann"]
    )


def test_speaker_with_one_utterance_or_constant_features_maps_to_zero():
    features, speaker = corpus()
    speaker = speaker.astype(object)
    speaker[4] = "zoe"
    features[speaker == "bob", 2] = 0.7
    scaled, _ = standardise_target(features, "speaker", speaker=speaker)
    assert not scaled[4].any()
    assert not scaled[speaker == "bob", 2].any()
    assert scaled[speaker == "ann", 2].all()


@settings(max_examples=40, deadline=None, derandomize=True)
@given(
    seed=st.integers(0, 10**6),
    scale=st.floats(1e-3, 1e3),
    offset=st.floats(-100, 100),
    policy=st.sampled_from(["target-20", "target-all", "speaker"]),
)
def test_unit_and_offset_of_the_features_do_not_matter(seed, scale, offset, policy):
    features, speaker = corpus(seed)
    moved = features.astype(np.float64) * scale + offset * scale
    one, evaluated = standardise_target(features, policy, speaker=speaker, seed=seed)
    two, same = standardise_target(moved, policy, speaker=speaker, seed=seed)
    np.testing.assert_allclose(two, one, rtol=1e-3, atol=1e-3)
    np.testing.assert_array_equal(same, evaluated)


@pytest.mark.parametrize("policy", ["target-20", "target-all", "speaker"])
def test_standardising_twice_is_standardising_once(policy):
    features, speaker = corpus()
    features[:, 1] = 4.2
    once, _ = standardise_target(features, policy, speaker=speaker, seed=1)
    twice, _ = standardise_target(once, policy, speaker=speaker, seed=1)
    np.testing.assert_allclose(twice, once, atol=1e-5)


def test_every_policy_gives_float32_and_leaves_its_input_alone():
    features, speaker = corpus()
    before = features.copy()
    for policy in POLICIES:
        scaled, evaluated = standardise_target(features, policy, source=fit_statistics(features), speaker=speaker)
        assert scaled.dtype == np.float32
        assert scaled.shape == features.shape
        assert evaluated.shape == (50,)
    np.testing.assert_array_equal(features, before)


@pytest.mark.parametrize("policy", ["", "Source", "target", "target-50"])
def test_unknown_policy(policy):
    with pytest.raises(
        ConfigError, match=f"unknown policy '{policy}'; expected one of source, target-20, target-all, speaker"
    ):
        standardise_target(corpus()[0], policy)


def test_source_needs_statistics():
    with pytest.raises(ConfigError, match="policy 'source' needs the statistics of the source corpus, got none"):
        standardise_target(corpus()[0], "source")


@pytest.mark.parametrize("n", [0, 1, 7])
def test_target_20_needs_two_utterances_in_its_fifth(n):
    with pytest.raises(ConfigError, match=rf"takes its statistics from [01] of {n} utterances; .* use 'target-all'"):
        standardise_target(corpus()[0][:n], "target-20")


def test_target_all_needs_two_utterances():
    with pytest.raises(ConfigError, match="policy 'target-all' needs at least 2 utterances, got 1; use 'source'"):
        standardise_target(corpus()[0][:1], "target-all")


@pytest.mark.parametrize("missing", [None, np.nan])
def test_speaker_needs_every_speaker(missing):
    features, speaker = corpus()
    speaker = speaker.astype(object)
    speaker[[0, 3, 9]] = missing
    with pytest.raises(ConfigError, match="3 of 50 have none, use 'target-all'"):
        standardise_target(features, "speaker", speaker=speaker)
    with pytest.raises(ConfigError, match="50 of 50 have none"):
        standardise_target(features, "speaker")
    with pytest.raises(ConfigError, match="got 50 utterances and 49 speakers; expected as many"):
        standardise_target(features, "speaker", speaker=speaker[1:])


def test_statistics_are_compared_by_identity_as_arrays_have_no_single_truth():
    one = Statistics(np.zeros(2), np.ones(2))
    assert one == one
    assert one != Statistics(np.zeros(2), np.ones(2))


# Blocks


@pytest.mark.parametrize("block_rows", [1, 7, 50])
def test_blocks_change_nothing_but_the_last_digits(monkeypatch, block_rows):
    features, speaker = corpus()
    features[3, 1], features[4] = np.nan, 50.0
    whole = fit_statistics(features[5:]), outlier_mask(features, 3.0)
    scaled = standardise_target(features[5:], "speaker", speaker=speaker[5:])[0]
    monkeypatch.setattr(preprocessing, "BLOCK_ROWS", block_rows)
    statistics = fit_statistics(features[5:])
    np.testing.assert_allclose(statistics.mean, whole[0].mean, rtol=1e-13)
    np.testing.assert_allclose(statistics.std, whole[0].std, rtol=1e-13)
    np.testing.assert_array_equal(whole[0].apply(features[5:]), plain_z(features[5:], slice(None)).astype(np.float32))
    np.testing.assert_array_equal(outlier_mask(features, 3.0), whole[1])
    again = standardise_target(features[5:], "speaker", speaker=speaker[5:])[0]
    np.testing.assert_allclose(again, scaled, atol=1e-6)
    with pytest.raises(ConfigError, match="1 of 50 utterances"):
        whole[0].apply(features)


def test_statistics_by_block_are_those_of_the_rows_asked_for():
    features, _ = corpus()
    rows = np.array([9, 2, 30])
    found = block_statistics(3, lambda start, stop: features[rows[start:stop]])
    np.testing.assert_array_equal(found.mean, fit_statistics(features[rows]).mean)
    with pytest.raises(ConfigError, match="at least one utterance"):
        block_statistics(0, lambda start, stop: features[start:stop])


def peak_of(function, *arguments):
    tracemalloc.start()
    try:
        function(*arguments)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_a_large_table_is_never_copied_whole(monkeypatch):
    monkeypatch.setattr(preprocessing, "BLOCK_ROWS", 500)
    features = np.random.default_rng(0).normal(size=(20_000, 88)).astype(np.float32)
    assert peak_of(fit_statistics, features) < 0.3 * features.nbytes
    assert peak_of(outlier_mask, features) < 0.3 * features.nbytes
    statistics = fit_statistics(features)
    assert peak_of(statistics.apply, features) < 1.3 * features.nbytes


def test_each_of_many_speakers_is_standardised_by_itself():
    features, _ = corpus(n=60)
    speaker = np.array([f"s{k // 3}" for k in np.random.default_rng(1).permutation(60)])
    scaled, _ = standardise_target(features, "speaker", speaker=speaker)
    for name in set(speaker):
        np.testing.assert_allclose(scaled[speaker == name], plain_z(features[speaker == name], slice(None)), atol=1e-5)


# Statistics of a model in use

ROWS = np.random.default_rng(0)
MODEL = Statistics(np.full(88, 2.0), np.full(88, 3.0))


def test_a_mixture_has_the_statistics_of_the_pooled_rows():
    one, other = ROWS.normal(1, 2, size=(30, 5)), ROWS.normal(-4, 0.5, size=(10, 5))
    found, pooled = mixed_statistics(fit_statistics(one), fit_statistics(other), 0.75), np.concatenate([one, other])
    np.testing.assert_allclose(found.mean, pooled.mean(axis=0), rtol=1e-12)
    np.testing.assert_allclose(found.std, pooled.std(axis=0), rtol=1e-12)


def test_without_a_prior_the_statistics_are_those_of_the_rows():
    rows = ROWS.normal(size=(40, 88))
    found, n_used = adapted_statistics(rows, MODEL, prior=0)
    np.testing.assert_array_equal(found.mean, fit_statistics(rows).mean)
    assert n_used == 40


def test_the_prior_counts_as_so_many_utterances():
    rows = ROWS.normal(size=(30, 88))
    found, _ = adapted_statistics(rows, MODEL)
    np.testing.assert_allclose(found.mean, (30 * rows.mean(axis=0) + PRIOR * 2.0) / (30 + PRIOR))


def test_one_utterance_will_do_with_a_prior_and_not_without():
    found, n_used = adapted_statistics(np.ones((1, 88)), MODEL)
    assert n_used == 1
    assert (found.std > 0).all()
    with pytest.raises(ConfigError, match="1 of 1 utterances are usable; adapting needs at least 2"):
        adapted_statistics(np.ones((1, 88)), MODEL, prior=0)


def test_outliers_and_gaps_play_no_part():
    rows = ROWS.normal(size=(300, 88))
    spoilt = np.concatenate([rows, np.full((1, 88), 1e6), np.full((2, 88), np.nan)])
    found, n_used = adapted_statistics(spoilt, MODEL)
    assert n_used == 300
    np.testing.assert_allclose(found.mean, adapted_statistics(rows, MODEL)[0].mean)


@pytest.mark.parametrize("rows", [np.zeros((0, 88)), np.full((3, 88), np.nan)])
def test_without_usable_rows_nothing_is_adapted(rows):
    with pytest.raises(ConfigError, match=f"0 of {len(rows)} utterances are usable"):
        adapted_statistics(rows, MODEL)


@pytest.mark.parametrize("prior", [-1, float("nan"), float("inf")])
def test_a_prior_that_is_none(prior):
    with pytest.raises(ConfigError, match="the prior is"):
        adapted_statistics(np.ones((3, 88)), MODEL, prior)


def test_speakers_do_not_know_each_other():
    rows, names = ROWS.normal(size=(60, 88)), np.array(["a", "b", "c"] * 20, dtype=object)
    together, which = speaker_statistics(rows, names, MODEL)
    alone, _ = speaker_statistics(rows[names == "b"], names[names == "b"], MODEL)
    np.testing.assert_array_equal(together[which[1]].mean, alone[1].mean)


def test_speakers_with_few_utterances_are_named():
    rows, names = ROWS.normal(size=(24, 88)), ["many"] * 20 + ["few"] * 3 + ["gone"]
    rows[-1] = np.nan
    with pytest.warns(
        UserWarning, match=r"2 of 3 speakers have fewer than 10 .* outweigh theirs: few \(3\), gone \(0\)"
    ):
        statistics, which = speaker_statistics(rows, names, MODEL)
    assert which[-1] == 0
    assert len(statistics) == 3


@pytest.mark.parametrize(
    ("names", "message"),
    [(["a"], "got 2 utterances and speakers of shape"), (["a", None], "1 of 2 utterances have no speaker")],
)
def test_speakers_that_do_not_fit(names, message):
    with pytest.raises(ConfigError, match=message):
        speaker_statistics(np.zeros((2, 88)), names, MODEL)
