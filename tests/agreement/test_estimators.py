"""Mean, median and the evaluator-weighted estimator."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from affectmap.agreement import estimates, gold_standard
from affectmap.agreement.estimators import evaluator_weights, weighted_estimate
from affectmap.errors import ConfigError
from rating_files import make_ratings, simulate

_ = np.nan


def random_matrix(seed=0, missing=0.3, shape=(20, 5)):
    rng = np.random.default_rng(seed)
    ratings = rng.uniform(1, 5, size=(shape[0], 1)) + rng.normal(scale=np.arange(1, shape[1] + 1) / 2, size=shape)
    return np.where(rng.random(shape) < missing, np.nan, ratings)


def test_the_weighted_estimate_is_its_formula():
    for seed in range(4):
        ratings = random_matrix(seed)
        n, k = ratings.shape
        weights = []
        for rater in range(k):
            pairs = []
            for item in range(n):
                others = [ratings[item, j] for j in range(k) if j != rater and ratings[item, j] == ratings[item, j]]
                if others and ratings[item, rater] == ratings[item, rater]:
                    pairs.append((ratings[item, rater], sum(others) / len(others)))
            weights.append(max(0, np.corrcoef(np.transpose(pairs))[0, 1]))
        np.testing.assert_allclose(evaluator_weights(ratings), weights)
        for item, value in enumerate(weighted_estimate(ratings)):
            there = [(w, x) for w, x in zip(weights, ratings[item], strict=True) if x == x]
            total = sum(w for w, _ in there)
            mean = (
                sum(w * x for w, x in there) / total if total else np.mean([x for _, x in there]) if there else np.nan
            )
            assert value == pytest.approx(mean, nan_ok=True)


def test_careful_raters_weigh_more_and_contrary_ones_nothing():
    weights = evaluator_weights(random_matrix(missing=0, shape=(500, 4)))
    assert (np.diff(weights) < 0).all()
    ratings = np.repeat(np.linspace(1, 5, 9)[:, None], 4, axis=1)
    ratings[:, 3] = 6 - ratings[:, 3]
    assert evaluator_weights(ratings)[3] == 0
    np.testing.assert_allclose(weighted_estimate(ratings), ratings[:, 0])


def test_the_estimate_does_not_depend_on_order_and_lies_among_the_ratings():
    ratings = random_matrix(2)
    order = [3, 1, 4, 0, 2]
    np.testing.assert_allclose(weighted_estimate(ratings[::-1, order])[::-1], weighted_estimate(ratings))
    rated = ~np.isnan(ratings).all(axis=1)
    values = weighted_estimate(ratings)[rated]
    assert (np.nanmin(ratings[rated], axis=1) <= values).all()
    assert (values <= np.nanmax(ratings[rated], axis=1)).all()


_CELLS = st.one_of(st.sampled_from([_, 1.0, 1.1, 2.2, 3.3, 4.7, 5.0]), st.floats(1, 5))


@settings(deadline=None, max_examples=60)
@given(matrix=arrays(np.float64, st.tuples(st.integers(1, 8), st.integers(1, 5)), elements=_CELLS))
def test_every_estimate_lies_among_the_ratings_to_the_last_bit(matrix):
    cells = [(f"{i:02}.wav", str(k), value) for (i, k), value in np.ndenumerate(matrix)]
    ratings = make_ratings(*({"file": file, "rater": rater, "activation": value} for file, rater, value in cells))
    table = estimates(ratings)
    lowest, highest = np.nanmin(matrix, axis=1, initial=np.inf), np.nanmax(matrix, axis=1, initial=-np.inf)
    rated = np.isfinite(lowest)
    for estimator in ("mean", "median", "ewe"):
        values = table[f"activation_{estimator}"].to_numpy()
        assert (np.isnan(values) == ~rated).all()
        assert ((lowest <= values) & (values <= highest))[rated].all(), estimator
    same = rated & (lowest == highest) & ((~np.isnan(matrix)).sum(axis=1) > 1)
    assert (table["activation_spread"][same] == 0).all()


def test_who_all_rate_five_gets_five():
    """With these weights the formula alone gives 5.000000000000001 for some of the studies."""
    for seed in range(10):
        rng = np.random.default_rng(seed)
        matrix = rng.integers(2, 11, size=(60, 3)) / 2
        matrix[:3] = 5, 5, 5
        assert weighted_estimate(matrix)[:3].tolist() == [5, 5, 5], seed


@pytest.mark.parametrize(
    ("ratings", "expected"),
    [
        (np.empty((0, 2)), []),
        ([[3.0], [4.0]], [3, 4]),
        ([[1.0, 2.0]], [1.5]),
        ([[3.0, 4.0]] * 5, [3.5] * 5),
        ([[_, _], [1.0, _], [_, 2.0]], [_, 1, 2]),
        ([[1, 5], [3, 3], [5, 1]], [3, 3, 3]),
    ],
)
def test_without_weights_it_is_the_mean(ratings, expected):
    np.testing.assert_allclose(weighted_estimate(ratings), expected)


def test_a_table_of_estimates():
    rows = [
        ("a.wav", "x", 1.0, "sad"),
        ("a.wav", "y", 2.0, "sad"),
        ("a.wav", "z", 5.0, "angry"),
        ("b.wav", "x", 4.0, None),
    ]
    names = ("file", "rater", "activation", "emotion")
    ratings = make_ratings(*(dict(zip(names, row, strict=True)) for row in rows))
    first, second = estimates(ratings).to_dict("records")
    assert first["activation_mean"] == pytest.approx(8 / 3)
    assert (first["activation_median"], first["activation_n_raters"]) == (2, 3)
    assert first["activation_spread"] == pytest.approx(np.std([1, 2, 5], ddof=1))
    assert (first["emotion"], first["emotion_n_raters"]) == ("sad", 3)
    assert first["emotion_share"] == pytest.approx(2 / 3)
    assert (second["activation_ewe"], second["activation_n_raters"], second["emotion"]) == (4, 1, None)
    assert np.isnan([second["activation_spread"], second["valence_ewe"], second["emotion_share"]]).all()


def test_a_tie_of_classes_gives_none():
    ratings = make_ratings(*({"file": "a", "rater": str(i), "emotion": e} for i, e in enumerate(["sad", "angry"])))
    assert gold_standard(ratings)["emotion"].tolist() == [None]


def test_repeats_do_not_count():
    once, with_repeats = simulate(12), simulate(12, n_repeats=12)
    first = with_repeats[with_repeats["presentation"] == 1]
    assert estimates(with_repeats).equals(estimates(first))
    assert len(estimates(once)) == 12


def test_a_gold_standard_takes_its_columns_from_the_estimates():
    ratings = simulate(10)
    table = estimates(ratings)
    for estimator in ("ewe", "mean", "median"):
        gold = gold_standard(ratings, estimator)
        assert list(gold.columns) == ["file", "activation", "valence", "emotion", "n_raters"]
        assert gold["valence"].equals(table[f"valence_{estimator}"].rename("valence"))
        assert gold["n_raters"].unique().tolist() == [3]


def test_no_ratings_give_an_empty_gold_standard():
    assert gold_standard(make_ratings()).empty


def test_an_unknown_estimator():
    with pytest.raises(ConfigError, match="estimator is 'mode'; expected one of ewe, mean, median"):
        gold_standard(simulate(3), "mode")
