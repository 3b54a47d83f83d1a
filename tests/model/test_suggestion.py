"""Recordings to have rated first."""

import numpy as np
import pytest

from affectmap.errors import ConfigError
from affectmap.model.suggestion import spread_over_the_map
from cases import each


def test_one_of_every_group_the_largest_first():
    random = np.random.default_rng(0)
    groups = np.repeat([0, 1, 2], [40, 20, 10])
    places = np.array([[0.0, 0.0], [50.0, 0.0], [0.0, 50.0]])[groups] + random.normal(size=(70, 2))
    chosen = spread_over_the_map(places, 3)
    assert groups[chosen].tolist() == [0, 1, 2]
    for group, row in enumerate(chosen):
        own = places[groups == group]
        nearest = np.linalg.norm(own - own.mean(axis=0), axis=1).min()
        assert np.linalg.norm(places[row] - own.mean(axis=0)) == pytest.approx(nearest, abs=0.5)


@each("n", [1, 7, 60])
def test_each_once_and_the_same_again(n):
    places = np.random.default_rng(1).normal(size=(60, 2))
    chosen = spread_over_the_map(places, n)
    assert len(set(chosen.tolist())) == n
    assert chosen.tolist() == spread_over_the_map(places, n).tolist()


def test_scale_of_an_axis_does_not_count():
    places = np.random.default_rng(2).normal(size=(60, 2))
    assert spread_over_the_map(places * [1.0, 1000.0], 9).tolist() == spread_over_the_map(places, 9).tolist()


def test_recordings_that_are_the_same():
    places = np.repeat([[0.0, 1.0], [3.0, 1.0]], 5, axis=0)
    assert sorted(spread_over_the_map(places, 10).tolist()) == list(range(10))
    assert len(set(spread_over_the_map(places, 4).tolist())) == 4


@each("n", [0, 4, -1])
def test_more_than_there_are(n):
    with pytest.raises(ConfigError, match=f"{n} recordings were asked for; expected 1 to 3, which can be used"):
        spread_over_the_map(np.zeros((3, 2)), n)
