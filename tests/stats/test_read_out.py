"""Ratings read out of an embedding by the line of the rated training rows."""

import numpy as np
import pytest

from affectmap.stats.read_out import read_out


def line_and_noise():
    rng = np.random.default_rng(0)
    z = rng.normal(size=(40, 2))
    return z, np.column_stack([3 + z @ [0.5, -0.3], rng.uniform(1, 5, 40)])


def test_a_line_is_found_again_and_noise_is_that_of_least_squares():
    z, label = line_and_noise()
    found = read_out(z[:30], label[:30], z[30:])
    assert found[:, 0] == pytest.approx(label[30:, 0])
    columns = np.column_stack([np.ones(30), z[:30]])
    line, *_ = np.linalg.lstsq(columns, label[:30, 1])
    assert found[:, 1] == pytest.approx(np.column_stack([np.ones(10), z[30:]]) @ line)


def test_each_rating_is_read_out_by_the_rows_that_have_it():
    z, label = line_and_noise()
    fewer = label.copy()
    fewer[7:, 1] = np.nan
    found = read_out(z, fewer, z)
    assert found[:, 0] == pytest.approx(label[:, 0])
    assert found[:, 1] == pytest.approx(read_out(z[:7], label[:7], z)[:, 1])
    fewer[6, 1] = np.nan
    assert np.isnan(read_out(z, fewer, z)[:, 1]).all()


def test_ratings_stay_on_their_scale():
    z = np.linspace(0, 1, 9)[:, None]
    assert read_out(z, 1 + 4 * z, np.array([[-9.0], [9.0]])).ravel().tolist() == [1.0, 5.0]
