"""Tables 1 and 3 against statsmodels, on utterances placed by hand."""

import warnings
from itertools import pairwise

import numpy as np
import pytest
import statsmodels.api
from scipy.spatial.distance import pdist

from affectmap.stats import regression as evaluation
from affectmap.stats.regression import MANY_PREDICTORS, Run, label_scores, pairwise_scores, sampling_notes
from affectmap.stats.sampled_pairs import sampled_pairwise_adjusted_r2
from factories import make_embedded, run_of


@pytest.fixture
def cloud():
    """60 utterances of six speakers in two dimensions; activation follows the first, valence nothing."""
    rng = np.random.default_rng(5)
    space = rng.normal(size=(60, 2))
    label = np.column_stack([3 + space[:, 0] + 0.3 * rng.normal(size=60), rng.uniform(1, 5, 60)])
    return make_embedded(space, label=label, speaker=np.repeat([*"abcdef"], 10), role="source")


def regression(label: np.ndarray, predictors: np.ndarray):
    return statsmodels.api.OLS(label, statsmodels.api.add_constant(predictors)).fit()


def test_table_3_is_a_linear_regression(cloud):
    for name, score, label in zip(
        ("activation", "valence"), label_scores(run_of(cloud), cloud, "held-out"), cloud.label.T, strict=True
    ):
        fit = regression(label, cloud.embedding)
        assert score.key == ("3", "PCA-2", "cats", "source", name, "held-out")
        assert (score.value, score.p_value) == (pytest.approx(fit.rsquared_adj), pytest.approx(fit.f_pvalue))
        assert (score.n, score.fold, score.seed) == (60, 1, 0)


def test_table_1_is_a_regression_over_all_pairs(cloud):
    for name, score, label in zip(
        ("activation", "valence"), pairwise_scores(run_of(cloud), cloud), cloud.label.T, strict=True
    ):
        fit = regression(pdist(cloud.embedding), pdist(label[:, None]))
        assert score.key == ("1", "PCA-2", "cats", "source", name, "held-out")
        assert score.value == pytest.approx(fit.rsquared_adj)
        assert score.n == 60 * 59 / 2


def test_pairs_depend_on_each_other_so_they_get_no_p_value(cloud):
    assert all(np.isnan(score.p_value) for score in pairwise_scores(run_of(cloud), cloud))


def test_resamples_are_those_of_the_corpus_and_shared_by_quantities(cloud):
    run = run_of(cloud)
    bootstrap = run.bootstraps["cats"]
    (activation, _), (pairs, _) = label_scores(run, cloud, "held-out"), pairwise_scores(run, cloud)
    np.testing.assert_array_equal(
        activation.resamples, bootstrap.adjusted_r2(cloud.label[:, 0], cloud.embedding, cloud.speaker)
    )
    np.testing.assert_array_equal(
        pairs.resamples, bootstrap.pairwise_adjusted_r2(cloud.embedding, cloud.label[:, 0], cloud.speaker)
    )
    assert activation.resamples.shape == (50,)


def test_missing_labels_leave_their_rows_out(cloud):
    cloud.label[::3, 0] = np.nan
    known = np.isfinite(cloud.label[:, 0])
    activation, valence = label_scores(run_of(cloud), cloud, "held-out")
    assert (activation.n, valence.n) == (40, 60)
    assert activation.value == pytest.approx(regression(cloud.label[known, 0], cloud.embedding[known]).rsquared_adj)
    pairs, _ = pairwise_scores(run_of(cloud), cloud)
    assert pairs.n == 40 * 39 / 2


@pytest.mark.parametrize(("n_known", "expected"), [(60, 2), (7, 2), (6, 1), (0, 1)])
def test_a_regression_needs_more_than_twice_its_coefficients(cloud, n_known, expected):
    cloud.label[n_known:, 0] = np.nan
    assert len(list(label_scores(run_of(cloud), cloud, "held-out"))) == expected


@pytest.mark.parametrize(("n_known", "expected"), [(3, 2), (2, 1), (0, 1)])
def test_pairs_need_three_labels(cloud, n_known, expected):
    cloud.label[n_known:, 0] = np.nan
    assert len(list(pairwise_scores(run_of(cloud), cloud))) == expected


def test_a_constant_label_has_nothing_to_explain(cloud):
    cloud.label[:, 1] = 3.0
    _, valence = label_scores(run_of(cloud), cloud, "held-out")
    assert np.isnan([valence.value, valence.p_value]).all()
    assert np.isnan(valence.resamples).all()


def test_with_many_predictors_there_is_no_interval():
    rng = np.random.default_rng(0)
    speaker = np.repeat([*"abcdef"], 20)
    for n_dims, told in ((MANY_PREDICTORS, True), (MANY_PREDICTORS + 1, False)):
        wide = make_embedded(rng.normal(size=(120, n_dims)), label=rng.uniform(1, 5, (120, 2)), speaker=speaker)
        for score in label_scores(run_of(wide), wide, "within"):
            assert np.isfinite(score.value)
            assert score.resamples.shape == (50,)
            assert np.isfinite(score.resamples).any() == told


def test_a_single_speaker_has_a_value_and_no_interval(cloud):
    alone = make_embedded(cloud.embedding, label=cloud.label, speaker=["a"] * 60)
    for scores in (label_scores, pairwise_scores):
        for score in scores(run_of(alone), alone, *(["held-out"] if scores is label_scores else [])):
            assert np.isfinite(score.value)
            assert np.isnan(score.resamples).all()


def test_rows_by_number_and_by_mask_take_everything_along(cloud):
    rows = np.array([4, 2, 50])
    mask = np.zeros(60, dtype=bool)
    mask[rows] = True
    by_number, by_mask = cloud.rows(rows), cloud.rows(mask)
    for name in ("embedding", "emotion", "label", "speaker", "file"):
        np.testing.assert_array_equal(getattr(by_number, name), getattr(cloud, name)[rows])
        np.testing.assert_array_equal(getattr(by_mask, name), getattr(cloud, name)[np.sort(rows)])
    assert (by_mask.corpus, by_mask.role) == ("cats", "source")


def test_a_run_labels_its_scores(cloud):
    run = Run("DAE-Metric-Act", 3, 7, {})
    score = run.score("4", cloud, "N-S-A", "probe", 0.5, 60, np.ones(2))
    assert score.key == ("4", "DAE-Metric-Act", "cats", "source", "N-S-A", "probe")
    assert (score.fold, score.seed, score.value, score.n) == (3, 7, 0.5, 60)
    assert np.isnan(score.p_value)


def test_more_noise_explains_less(cloud):
    rng = np.random.default_rng(1)
    noisy = [
        make_embedded(cloud.embedding + sigma * rng.normal(size=(60, 2)), label=cloud.label, speaker=cloud.speaker)
        for sigma in (0.0, 1.0, 5.0)
    ]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        values = [next(label_scores(run_of(each), each, "held-out")).value for each in noisy]
    assert all(a > b for a, b in pairwise(values))


def test_above_the_limit_pairs_are_sampled_and_at_the_limit_they_are_not(monkeypatch):
    rng = np.random.default_rng(2)
    space = rng.normal(size=(2000, 2))
    label = np.column_stack([space[:, 0] + rng.normal(size=2000), rng.uniform(1, 5, 2000)])
    label[:100, 1] = np.nan
    cloud = make_embedded(space, label=label, speaker=np.repeat([*"abcdefghij"], 200), role="source")
    exact = list(pairwise_scores(run_of(cloud), cloud))
    monkeypatch.setattr(evaluation, "EXACT_UTTERANCES", 1900)
    activation, valence = pairwise_scores(run_of(cloud), cloud)
    assert activation.n == 1_000_000
    assert activation.value == sampled_pairwise_adjusted_r2(space, label[:, 0]).adjusted_r2
    assert activation.value == pytest.approx(exact[0].value, abs=0.01)
    assert np.std(activation.resamples) == pytest.approx(np.std(exact[0].resamples), rel=0.2)
    np.testing.assert_array_equal(valence.resamples, exact[1].resamples)
    assert (valence.value, valence.n) == (exact[1].value, 1900 * 1899 / 2)


def test_a_sample_is_told_and_all_pairs_are_not():
    assert sampling_notes([]) == sampling_notes([evaluation.EXACT_UTTERANCES]) == []
    (note,) = sampling_notes([10, evaluation.EXACT_UTTERANCES + 1])
    assert "20,000 utterances are rated (up to 20,001 in a fold)" in note
