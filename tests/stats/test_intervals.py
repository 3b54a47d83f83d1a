from itertools import product

import numpy as np
import pytest
from scipy.stats import bootstrap, t, ttest_1samp, ttest_ind

from affectmap.errors import ConfigError
from affectmap.stats.intervals import (
    FEWEST_SPEAKERS,
    Interval,
    LeftOut,
    difference,
    fold_mean,
    interval,
    leave_out,
    left_out,
    mean,
    p_value,
    speaker_interval,
    t_quantile,
)
from cases import each

NAN = float("nan")


def of_speakers(values, corpus: str = "cats") -> LeftOut:
    """The mean of one value a speaker."""
    values = np.asarray(values, dtype=float)
    without = [np.delete(values, k).mean() for k in range(len(values))]
    return left_out(values.mean(), without, [f"s{k}" for k in range(len(values))], np.ones(len(values)), corpus)


def test_the_mean_of_one_value_a_speaker_has_student_s_interval():
    for n in (3, 4, 10, 29):
        values = np.random.default_rng(n).normal(size=n)
        expected = ttest_1samp(values, 0).confidence_interval(0.95)
        np.testing.assert_allclose(interval(of_speakers(values)), [values.mean(), *expected, n], rtol=1e-5)


def test_utterances_of_a_speaker_count_as_one():
    rng = np.random.default_rng(1)
    value = np.repeat(rng.normal(size=8), 50)
    speaker = np.repeat([f"s{k}" for k in range(8)], 50)
    found = speaker_interval(lambda rows: value[rows].mean(), speaker)
    np.testing.assert_allclose(found, interval(of_speakers(value[::50])), rtol=1e-9)


def test_the_order_of_rows_does_not_matter():
    rng = np.random.default_rng(2)
    value, speaker = rng.random(60), rng.choice([*"abcde"], 60)
    order = rng.permutation(60)
    one = speaker_interval(lambda rows: value[rows].mean(), speaker, "share")
    other = speaker_interval(lambda rows: value[order][rows].mean(), speaker[order], "share")
    np.testing.assert_allclose(one, other, rtol=1e-12)


def test_p_values_are_student_s_and_agree_with_the_interval():
    for n in (3, 5, 12):
        values = 0.4 + np.random.default_rng(n).normal(size=n)
        assert p_value(of_speakers(values)) == pytest.approx(ttest_1samp(values, 0).pvalue, abs=1e-7)
    found = of_speakers(0.8 + np.random.default_rng(1).normal(size=9))
    ends = interval(found, level=1 - p_value(found))
    assert min(abs(ends.low), abs(ends.high)) < 1e-6
    assert np.isnan(p_value(of_speakers([1.0, 2.0])))
    assert p_value(of_speakers([0.0] * 4)) == 1
    assert p_value(of_speakers([0.1] * 4)) == pytest.approx(0)


def test_level():
    found = of_speakers([1.0, 2.0, 4.0, 8.0])
    half, wide = interval(found, level=0.5), interval(found, level=0.99)
    assert wide.low < half.low < found.value < half.high < wide.high
    np.testing.assert_allclose(wide.high - found.value, t.ppf(0.995, 3) * np.std([1, 2, 4, 8], ddof=1) / 2, rtol=1e-5)


def test_quantiles_of_student_s_t():
    for share, freedom in product((0.5, 0.75, 0.975, 0.995), (1, 1.5, 2, 3.7, 9, 28, 1000)):
        assert t_quantile(share, freedom) == pytest.approx(t.ppf(share, freedom), rel=1e-5, abs=1e-9)


def test_most_utterances_of_few_speakers_leave_few_degrees_of_freedom():
    rng = np.random.default_rng(3)
    without = 0.5 + 0.01 * rng.normal(size=28)
    names = [f"s{k}" for k in range(28)]
    even = interval(left_out(0.5, without, names, np.full(28, 10)))
    few = interval(left_out(0.5, without, names, np.r_[100, 100, 100, np.ones(25)]))
    ratio = (few.high - few.low) / (even.high - even.low)
    m = 325**2 / (3 * 100**2 + 25)
    assert ratio == pytest.approx(t.ppf(0.975, m - 1) / t.ppf(0.975, 27), rel=1e-5)


@each(
    ("scale", "value", "lowest", "highest"),
    [("share", 0.97, 0, 1), ("share", 0.03, 0, 1), ("correlation", 0.98, -1, 1), ("explained", 0.99, -1, 1)],
)
def test_ends_stay_where_the_value_can_be(scale, value, lowest, highest):
    found = interval(left_out(value, value + np.array([-0.02, 0.02, -0.01, 0.01]), "abcd", [5] * 4), scale)
    assert lowest <= found.low < value < found.high <= highest
    assert found.high - value != pytest.approx(value - found.low, rel=0.05)


def test_an_explained_variance_around_zero_reaches_below_it():
    found = interval(left_out(0.004, [0.02, -0.01, 0.005, 0.0], "abcd", [5] * 4), "explained")
    assert found.low < 0 < 0.004 < found.high
    mirrored = interval(left_out(-0.004, [-0.02, 0.01, -0.005, 0.0], "abcd", [5] * 4), "explained")
    np.testing.assert_allclose([mirrored.low, mirrored.high], [-found.high, -found.low])


@each("without", [[], [NAN], [0.4, 0.6], [0.4, NAN, 0.5, 0.6]])
def test_no_interval_of_few_speakers_or_of_what_one_alone_gives(without):
    names = [f"s{k}" for k in range(len(without))]
    found = interval(left_out(0.5, without, names, [5] * len(without)))
    assert (found.value, found.n_speakers) == (0.5, len(without))
    assert np.isnan([found.low, found.high]).all()


@each("end", [0.0, 1.0])
def test_no_interval_of_a_share_that_is_all_or_nothing_for_every_speaker(end):
    found = interval(left_out(end, [end] * 4, "abcd", [5] * 4), "share")
    assert (found.value, found.n_speakers) == (end, 4)
    assert np.isnan([found.low, found.high]).all()


def test_a_value_that_is_the_same_for_all_speakers_stays_there():
    assert interval(left_out(0.25, [0.25] * 4, "abcd", [5] * 4), "share")[:3] == pytest.approx((0.25,) * 3)
    assert interval(left_out(0.0, [0.0] * 4, "abcd", [5] * 4)) == Interval(0, 0, 0, 4)


def test_no_value_no_interval():
    assert np.isnan(interval(left_out(NAN, [0.1] * 4, "abcd", [5] * 4))[:3]).all()
    assert np.isnan(interval(fold_mean([left_out(NAN, [NAN], "a", [5])]))[:3]).all()
    assert speaker_interval(lambda rows: 0.5, ["a", "a"]).n_speakers == 1
    assert np.isnan(interval(fold_mean([]))[:3]).all()


def test_the_fewest_speakers():
    assert not np.isnan(interval(of_speakers(range(FEWEST_SPEAKERS))).low)
    assert np.isnan(interval(of_speakers(range(FEWEST_SPEAKERS - 1))).low)


@pytest.mark.parametrize("folds", [[[0], [1], [2], [3], [4], [5]], [[0, 1], [2, 3], [4, 5]], [[0, 1, 2, 3, 4, 5]]])
def test_folds_of_equally_many_speakers_give_the_interval_of_all(folds):
    values = np.array([0.4, 0.7, 0.5, 0.55, 0.9, 0.35])
    parts = [_fold(values, fold) for fold in folds]
    np.testing.assert_allclose(interval(fold_mean(parts)), interval(of_speakers(values)), rtol=1e-9)


def _fold(values, fold) -> LeftOut:
    some = values[fold]
    without = [np.delete(some, k).mean() if len(some) > 1 else NAN for k in range(len(some))]
    return left_out(some.mean(), without, [f"s{k}" for k in fold], np.ones(len(some)), "cats")


def test_folds_may_be_other_ones_for_every_seed():
    values = np.array([0.4, 0.7, 0.5, 0.55, 0.9, 0.35])
    parts = [_fold(values, fold) for fold in ([0, 1], [2, 3], [4, 5], [0, 5], [1, 2], [3, 4])]
    np.testing.assert_allclose(interval(fold_mean(parts)), interval(of_speakers(values)), rtol=1e-9)


def test_a_fold_without_a_value_takes_no_part():
    parts = [_fold(np.arange(6.0), fold) for fold in ([0, 1], [2, 3], [4, 5])]
    nothing = left_out(NAN, [NAN, NAN], ["s6", "s7"], [1, 1], "cats")
    assert fold_mean([*parts, nothing]) == fold_mean(parts)


def test_paired_differences_have_less_to_vary():
    rng = np.random.default_rng(4)
    easy = rng.normal(size=12)
    more, less = of_speakers(easy + 0.2 + 0.05 * rng.normal(size=12)), of_speakers(easy)
    found = interval(difference(more, less))
    assert 0.1 < found.low < found.value < found.high < 0.3
    assert found.high - found.low < 0.3 * (interval(more).high - interval(more).low)
    np.testing.assert_allclose(interval(difference(more, more)), [0, 0, 0, 12], atol=1e-15)


def test_a_speaker_whom_one_side_lacks_moves_the_other_alone():
    more, less = left_out(0.5, [0.4, 0.6], "ab", [5, 5]), left_out(0.2, [0.1], "a", [5])
    found = difference(more, less)
    assert found.without == pytest.approx({("", "a"): 0.3, ("", "b"): 0.4})


def test_corpora_are_independent():
    rng = np.random.default_rng(5)
    cats, dogs = rng.normal(size=7), rng.normal(size=4)
    found = interval(difference(of_speakers(cats), of_speakers(dogs, "dogs")))
    expected = ttest_ind(cats, dogs, equal_var=False).confidence_interval(0.95)
    np.testing.assert_allclose(found[1:3], expected, rtol=1e-5)
    half = interval(mean([of_speakers(cats), of_speakers(-dogs, "dogs")]))
    np.testing.assert_allclose(half[1:3], np.array(expected) / 2, rtol=1e-5)


def test_several_statistics_at_once():
    value, speaker = np.arange(8.0), np.repeat([*"abcd"], 2)
    both = leave_out(lambda rows: {"mean": value[rows].mean(), "max": value[rows].max()}, speaker, "cats")
    assert both["max"].without == {("cats", "a"): 7, ("cats", "b"): 7, ("cats", "c"): 7, ("cats", "d"): 5}
    assert interval(both["mean"]) == speaker_interval(lambda rows: value[rows].mean(), speaker)


def test_with_many_speakers_it_is_the_bootstrap_s():
    rng = np.random.default_rng(6)
    values = rng.random(400)
    expected = bootstrap((values,), np.mean, rng=0, n_resamples=2000).confidence_interval
    np.testing.assert_allclose(interval(of_speakers(values), "share")[1:3], expected, atol=0.004)


def test_it_holds_the_true_value_as_often_as_it_says():
    """Recall with six speakers who differ much: a percentile bootstrap holds it in four of five cases."""
    rng = np.random.default_rng(7)
    chance = 1 / (1 + np.exp(-0.5 - rng.normal(size=(1000, 6))))
    true = float((1 / (1 + np.exp(-0.5 - rng.normal(size=200_000)))).mean())
    hits = rng.binomial(12, chance) / 12
    ends = np.array([interval(of_speakers(row), "share")[1:3] for row in hits])
    assert 0.93 < np.mean((ends[:, 0] <= true) & (true <= ends[:, 1])) < 0.97


@each(("name", "options"), [("level", {"level": 1.0}), ("scale", {"scale": "per cent"})])
def test_what_cannot_be_asked_for(name, options):
    with pytest.raises(ConfigError, match=f"{name}.*expected"):
        interval(of_speakers([1, 2, 3]), **options)
