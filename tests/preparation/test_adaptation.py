"""Whose mean and spread."""

import numpy as np
import pytest

from affectmap.errors import ConfigError
from affectmap.preparation.adaptation import PRIOR, adapted_statistics, mixed_statistics, speaker_statistics
from affectmap.preparation.standardisation import Statistics, fit_statistics

RNG = np.random.default_rng(0)
SOURCE = Statistics(np.full(88, 2.0), np.full(88, 3.0))


def test_a_mixture_has_the_moments_of_the_pooled_rows():
    one, other = RNG.normal(1, 2, size=(30, 5)), RNG.normal(-4, 0.5, size=(10, 5))
    found, pooled = mixed_statistics(fit_statistics(one), fit_statistics(other), 0.75), np.concatenate([one, other])
    np.testing.assert_allclose(found.mean, pooled.mean(axis=0), rtol=1e-12)
    np.testing.assert_allclose(found.std, pooled.std(axis=0), rtol=1e-12)


def test_without_a_prior_the_statistics_are_those_of_the_rows():
    rows = RNG.normal(size=(40, 88))
    found, n_used = adapted_statistics(rows, SOURCE, prior=0)
    np.testing.assert_array_equal(found.mean, fit_statistics(rows).mean)
    assert n_used == 40


def test_the_prior_counts_as_so_many_utterances():
    rows = RNG.normal(size=(30, 88))
    found, _ = adapted_statistics(rows, SOURCE)
    np.testing.assert_allclose(found.mean, (30 * rows.mean(axis=0) + PRIOR * 2.0) / (30 + PRIOR))


def test_one_utterance_will_do_with_a_prior_and_not_without():
    found, n_used = adapted_statistics(np.ones((1, 88)), SOURCE)
    assert n_used == 1
    assert (found.std > 0).all()
    with pytest.raises(ConfigError, match="1 of 1 utterances are usable; adapting needs at least 2"):
        adapted_statistics(np.ones((1, 88)), SOURCE, prior=0)


def test_outliers_and_gaps_play_no_part():
    rows = RNG.normal(size=(300, 88))
    spoilt = np.concatenate([rows, np.full((1, 88), 1e6), np.full((2, 88), np.nan)])
    found, n_used = adapted_statistics(spoilt, SOURCE)
    assert n_used == 300
    np.testing.assert_allclose(found.mean, adapted_statistics(rows, SOURCE)[0].mean)


@pytest.mark.parametrize("rows", [np.zeros((0, 88)), np.full((3, 88), np.nan)])
def test_nothing_to_adapt_to(rows):
    with pytest.raises(ConfigError, match=f"0 of {len(rows)} utterances are usable"):
        adapted_statistics(rows, SOURCE)


@pytest.mark.parametrize("prior", [-1, float("nan"), float("inf")])
def test_a_prior_that_is_none(prior):
    with pytest.raises(ConfigError, match="the prior is"):
        adapted_statistics(np.ones((3, 88)), SOURCE, prior)


def test_speakers_do_not_know_each_other():
    rows, names = RNG.normal(size=(60, 88)), np.array(["a", "b", "c"] * 20, dtype=object)
    together, which = speaker_statistics(rows, names, SOURCE)
    alone, _ = speaker_statistics(rows[names == "b"], names[names == "b"], SOURCE)
    np.testing.assert_array_equal(together[which[1]].mean, alone[1].mean)


def test_speakers_with_few_utterances_are_named():
    rows, names = RNG.normal(size=(24, 88)), ["many"] * 20 + ["few"] * 3 + ["gone"]
    rows[-1] = np.nan
    with pytest.warns(
        UserWarning, match=r"2 of 3 speakers have fewer than 10 .* outweigh theirs: few \(3\), gone \(0\)"
    ):
        statistics, which = speaker_statistics(rows, names, SOURCE)
    assert which[-1] == 0
    assert len(statistics) == 3


@pytest.mark.parametrize(
    ("names", "message"),
    [(["a"], "got 2 utterances and speakers of shape"), (["a", None], "1 of 2 utterances have no speaker")],
)
def test_speakers_that_do_not_fit(names, message):
    with pytest.raises(ConfigError, match=message):
        speaker_statistics(np.zeros((2, 88)), names, SOURCE)
