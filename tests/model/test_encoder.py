"""The encoder in NumPy: the bits of a row, and what it computes."""

import numpy as np
from numpy.testing import assert_allclose, assert_array_equal

from affectmap.model.encoder import BLOCK_ROWS, encode, linear_map
from affectmap.preparation.standardisation import Statistics


def test_the_bits_of_a_row_depend_on_the_row_alone():
    rng = np.random.default_rng(7)
    values, weight, bias = rng.normal(size=(300, 88)), rng.normal(size=(88, 40)), rng.normal(size=40)
    together, order = linear_map(values, weight, bias), rng.permutation(300)
    assert_allclose(together, values @ weight + bias, rtol=1e-12, atol=1e-12)
    assert_array_equal(linear_map(values[order], weight, bias), together[order])
    assert_array_equal(np.concatenate([linear_map(values[i : i + 1], weight, bias) for i in range(300)]), together)


def test_it_standardises_and_runs_all_layers():
    rng = np.random.default_rng(8)
    features = rng.normal(3, 2, size=(BLOCK_ROWS + 5, 6)).astype(np.float32)
    features[7, 2] = np.inf
    mean, std = rng.normal(size=6), np.array([1.0, 2.0, 0.5, 1.0, 3.0, 0.0])
    layers = [(rng.normal(size=(6, 4)), rng.normal(size=4)), (rng.normal(size=(4, 2)), rng.normal(size=2))]
    latent, distance = encode(features, Statistics(mean, std), layers)
    z = np.zeros(features.shape)
    z[:, :5] = (np.where(np.isfinite(features), features, 0).astype(np.float64) - mean)[:, :5] / std[:5]
    expected = np.maximum(z @ layers[0][0] + layers[0][1], 0) @ layers[1][0] + layers[1][1]
    others = np.arange(len(features)) != 7
    assert_allclose(latent[others], expected[others], rtol=1e-10, atol=1e-12)
    assert_allclose(distance[others], np.sqrt(np.mean(z[others] ** 2, axis=1)), rtol=1e-12)
    assert np.isnan([*latent[7], distance[7]]).all()


def test_no_rows_are_no_error():
    latent, distance = encode(np.empty((0, 1)), Statistics(np.zeros(1), np.ones(1)), [(np.ones((1, 3)), np.zeros(3))])
    assert (latent.shape, distance.shape) == ((0, 3), (0,))
