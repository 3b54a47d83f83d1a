"""Heads, temperature, intervals and what they promise."""

import numpy as np
import pytest
from scipy.stats import binom
from sklearn.linear_model import LinearRegression, LogisticRegression

from affectmap.errors import ConfigError
from affectmap.model.heads import (
    CLASSES,
    Heads,
    coverage,
    fit_heads,
    half_width,
    largest_half_width,
    with_temperature,
)
from affectmap.schema import LABELS
from affectmap.stats.measures import calibration_error

NAN = float("nan")


def make_rated(n=200, seed=0, latent_dim=2):
    rng = np.random.default_rng(seed)
    latent = rng.normal(size=(n, latent_dim))
    label = 3 + 0.5 * latent[:, :1] * [[1, -1]] + 0.2 * rng.normal(size=(n, 2))
    emotion = np.array(CLASSES, dtype=object)[rng.integers(0, 4, size=n)]
    return latent + 0.8 * np.eye(4, latent_dim)[[CLASSES.index(e) for e in emotion]], label, emotion


def test_heads_are_the_regressions_of_scikit_learn():
    latent, label, emotion = make_rated()
    heads = fit_heads(latent, label, emotion)
    line = LinearRegression().fit(latent, label)
    np.testing.assert_allclose(heads.ratings(latent), line.predict(latent).clip(1, 5))
    logistic = LogisticRegression(C=100.0, class_weight="balanced", max_iter=5000, tol=1e-8).fit(latent, emotion)
    order = [list(logistic.classes_).index(name) for name in CLASSES]
    np.testing.assert_allclose(heads.probabilities(latent), logistic.predict_proba(latent)[:, order], atol=1e-3)


def test_missing_labels_and_other_emotions_are_left_out():
    latent, label, emotion = make_rated()
    more = np.concatenate([latent, np.full((5, 2), 9.0)])
    gaps = np.concatenate([label, np.full((5, 2), NAN)])
    others = np.concatenate([emotion, np.array(["fear", None, "fear", "boredom", None], dtype=object)])
    one, other = fit_heads(latent, label, emotion), fit_heads(more, gaps, others)
    for name in ("rating_weight", "rating_bias", "class_weight", "class_bias"):
        np.testing.assert_allclose(getattr(one, name), getattr(other, name), atol=1e-10)


def test_ratings_stay_on_the_scale_and_probabilities_sum_to_one():
    heads = fit_heads(*make_rated())
    far = np.array([[1e4, 1e4], [-1e4, 1e4], [0, 0]])
    assert ((heads.ratings(far) >= 1) & (heads.ratings(far) <= 5)).all()
    np.testing.assert_allclose(heads.probabilities(far).sum(axis=1), 1)


def test_separable_classes_stay_finite():
    latent = 10.0 * np.eye(4)[np.arange(40) % 4]
    heads = fit_heads(latent, np.full((40, 2), 3.0), np.resize(np.array(CLASSES, dtype=object), 40))
    assert np.isfinite(heads.class_weight).all()
    assert (heads.probabilities(latent).argmax(axis=1) == np.arange(40) % 4).all()


def test_lengths_that_do_not_fit():
    for n_labels, n_emotions in ((8, 9), (9, 8)):
        with pytest.raises(ConfigError, match=f"got 9 latents, {n_labels} labels and {n_emotions} emotions"):
            fit_heads(np.zeros((9, 2)), np.full((n_labels, 2), 3.0), ["sad"] * n_emotions)


def test_what_has_too_little_gets_no_head():
    latent, label, emotion = make_rated()
    few = np.where(np.arange(200)[:, None] < 3, label, NAN)
    assert fit_heads(latent, few, emotion).labels == ()
    assert fit_heads(latent, np.where(np.arange(200)[:, None] < 4, label, NAN), emotion).labels == LABELS
    for none in (None, ["fear"] * 200, ["sad"] * 200):
        heads = fit_heads(latent, label, none)
        assert heads.classes == ()
        assert heads.probabilities(latent).shape == (200, 0)
        np.testing.assert_allclose(heads.ratings(latent), fit_heads(latent, label, emotion).ratings(latent))


def test_one_label_alone_gets_its_head():
    latent, label, emotion = make_rated()
    heads = fit_heads(latent, label * [1, NAN], emotion)
    assert heads.labels == ("activation",)
    np.testing.assert_allclose(heads.ratings(latent), fit_heads(latent, label, emotion).ratings(latent)[:, :1])


@pytest.mark.parametrize("left_out", [{"neutral"}, {"neutral", "happy"}])
def test_classes_that_are_missing_are_left_out(left_out):
    latent, label, emotion = make_rated()
    kept = ~np.isin(emotion, [*left_out])
    heads = fit_heads(latent[kept], label[kept], emotion[kept])
    assert heads.classes == tuple(name for name in CLASSES if name not in left_out)
    logistic = LogisticRegression(C=100.0, class_weight="balanced", max_iter=5000, tol=1e-8)
    logistic.fit(latent[kept], emotion[kept])
    order = [list(logistic.classes_).index(name) for name in heads.classes]
    np.testing.assert_allclose(heads.probabilities(latent), logistic.predict_proba(latent)[:, order], atol=1e-3)


def test_the_bits_of_a_row_depend_on_the_row_alone():
    rng = np.random.default_rng(7)
    heads = fit_heads(*make_rated())
    latent = rng.normal(size=(300, 2))
    alone = np.concatenate([heads.probabilities(latent[i : i + 1]) for i in range(300)])
    np.testing.assert_array_equal(alone, heads.probabilities(latent))


@pytest.mark.parametrize("true_temperature", [0.5, 2.0, 4.0])
def test_the_temperature_that_made_the_classes_is_found(true_temperature):
    rng = np.random.default_rng(1)
    scores = 3 * rng.normal(size=(40_000, 4))
    heads = Heads(np.zeros((2, 2)), np.zeros(2), np.zeros((2, 4)), np.zeros(4))
    chances = np.exp(scores / true_temperature)
    chances /= chances.sum(axis=1, keepdims=True)
    drawn = (chances.cumsum(axis=1) > rng.random((len(scores), 1))).argmax(axis=1)
    found = with_temperature(heads, scores, np.array(CLASSES, dtype=object)[drawn]).temperature
    assert found == pytest.approx(true_temperature, rel=0.1)


def test_calibration_error_falls_with_the_temperature():
    rng = np.random.default_rng(2)
    latent = rng.normal(size=(6000, 2))
    emotion = np.array(CLASSES, dtype=object)[
        (latent @ rng.normal(size=(2, 4)) + rng.gumbel(size=(6000, 4))).argmax(axis=1)
    ]
    heads = fit_heads(latent[:3000], np.full((3000, 2), 3.0), emotion[:3000])
    oversure = Heads(heads.rating_weight, heads.rating_bias, 5 * heads.class_weight, 5 * heads.class_bias)
    calibrated = with_temperature(oversure, oversure.scores(latent[:3000]), emotion[:3000])
    before, after = (
        calibration_error(emotion[3000:], each.probabilities(latent[3000:]), CLASSES).value
        for each in (oversure, calibrated)
    )
    assert calibrated.temperature > 2
    assert after < 0.05 < before


def test_a_temperature_needs_a_class():
    heads = fit_heads(*make_rated())
    with pytest.raises(ConfigError, match="the temperature needs some"):
        with_temperature(heads, np.zeros((2, 4)), ["fear", None])


def test_a_temperature_at_the_end_of_the_search_is_told():
    heads = Heads(np.zeros((2, 2)), np.zeros(2), np.zeros((2, 4)), np.zeros(4))
    with pytest.warns(UserWarning, match=r"ends at 100, where the search does.*no better than chance"):
        wrong = with_temperature(heads, -9.0 * np.eye(4), [*CLASSES])
    assert wrong.temperature == pytest.approx(100, rel=0.01)
    with pytest.warns(UserWarning, match=r"ends at 0\.01, where the search does.*without a mistake"):
        with_temperature(heads, 0.1 * np.eye(4), [*CLASSES])


def test_a_temperature_above_ten_is_found():
    heads = Heads(np.zeros((2, 2)), np.zeros(2), np.zeros((2, 4)), np.zeros(4))
    # Likelihood by hand: three right and one wrong of four at a lead of a: e^(a/T) = 9.
    scores, emotion = 60.0 * np.eye(4)[[0, 1, 2, 3] * 4], [*CLASSES] * 3 + [*CLASSES[1:], CLASSES[0]]
    assert with_temperature(heads, scores, emotion).temperature == pytest.approx(60 / np.log(9), rel=1e-3)


def test_half_width_is_the_order_statistic():
    residual = np.random.default_rng(3).normal(size=99)
    assert half_width(residual, 0.9) == np.sort(np.abs(residual))[89]  # ceil(100 * 0.9) = 90
    assert half_width([*residual, NAN], 0.9) == half_width(residual, 0.9)


@pytest.mark.parametrize("n", [0, 1, 8])
def test_too_few_residuals_give_the_whole_scale(n):
    assert half_width(np.zeros(n), 0.9) == 4.0


@pytest.mark.parametrize("level", [0.0, 1.0, -1.0, NAN])
def test_a_level_that_is_none(level):
    with pytest.raises(ConfigError, match="the level is"):
        half_width([1.0], level)


@pytest.mark.parametrize("level", [0.5, 0.8, 0.9])
def test_intervals_cover_what_they_promise_on_exchangeable_data(level):
    rng = np.random.default_rng(4)
    held = 0
    for _ in range(2000):
        residual = rng.standard_t(3, size=60)
        held += abs(residual[-1]) <= half_width(residual[:-1], level)
    low, high = binom.interval(0.9999, 2000, np.ceil(60 * level) / 60)
    assert low <= held <= high


def test_the_largest_width_covers_every_group():
    rng = np.random.default_rng(6)
    spreads, held = (0.3, 1.0, 0.5), np.zeros(3)
    for _ in range(500):
        groups = [spread * rng.normal(size=60) for spread in spreads]
        width = largest_half_width([group[1:] for group in groups], 0.8)
        assert width == max(half_width(group[1:], 0.8) for group in groups)
        held += [abs(group[0]) <= width for group in groups]
    assert (held >= binom.ppf(0.0001, 500, 0.8)).all()


def test_the_largest_width_needs_a_group():
    with pytest.raises(ConfigError, match="one group or more"):
        largest_half_width([])


def test_coverage_of_nothing_is_nan():
    assert np.isnan(coverage([NAN], [3.0], 1.0))
