"""Values without each speaker are those of the other speakers' rows."""

import numpy as np
import pytest

from affectmap.errors import ConfigError
from affectmap.stats.left_out import adjusted_r2_left_out, pairwise_left_out
from affectmap.stats.metrics import adjusted_r2, pairwise_adjusted_r2
from cases import each

NAMES = np.array(["ann", "bob", "cat", "dan", "eve"])


def utterances(seed, n=40, latent_dim=2):
    rng = np.random.default_rng(seed)
    latent = rng.normal(size=(n, latent_dim))
    label = np.round(2 * (3 + latent[:, 0] + rng.normal(size=n))) / 2
    return latent, label, NAMES[rng.integers(0, 5, n)]


@each("latent_dim", [1, 2, 5])
def test_adjusted_r2_of_the_others(latent_dim):
    latent, label, speaker = utterances(latent_dim, latent_dim=latent_dim)
    label[[0, 9]] = np.nan
    found = adjusted_r2_left_out(label, latent, speaker, "pets")
    assert found.value == pytest.approx(adjusted_r2(label, latent).adjusted_r2, rel=1e-9)
    for name in NAMES:
        rest = speaker != name
        assert found.without["pets", name] == pytest.approx(adjusted_r2(label[rest], latent[rest]).adjusted_r2)
    assert sum(found.share.values()) == pytest.approx(1)
    assert found.share["pets", "ann"] == np.sum((speaker == "ann") & np.isfinite(label)) / 38


@each("n", [31, 32, 33, 64, 130])
def test_pairs_of_the_others(n):
    latent, label, speaker = utterances(n, n=n)
    label[::5] = np.nan
    found = pairwise_left_out(latent, label, speaker)
    assert found.value == pytest.approx(pairwise_adjusted_r2(latent, label).adjusted_r2, rel=1e-9)
    for name in NAMES:
        rest = speaker != name
        assert found.without["", name] == pytest.approx(pairwise_adjusted_r2(latent[rest], label[rest]).adjusted_r2)


def test_pairs_of_two_labels_at_once():
    latent, label, speaker = utterances(1)
    both = np.column_stack([label, label[::-1]])
    found = pairwise_left_out(latent, both, speaker)
    rest = speaker != "bob"
    assert found.without["", "bob"] == pytest.approx(pairwise_adjusted_r2(latent[rest], both[rest]).adjusted_r2)


def test_order_of_rows_and_large_offsets_do_not_matter():
    latent, label, speaker = utterances(2, n=70)
    order = np.random.default_rng(0).permutation(70)
    for quantity, arguments in ((adjusted_r2_left_out, (label, latent)), (pairwise_left_out, (latent, label))):
        expected = quantity(*arguments, speaker)
        moved = quantity(*(each + 1e6 for each in arguments), speaker)
        mixed = quantity(*(each[order] for each in arguments), speaker[order])
        assert mixed.without == pytest.approx(expected.without, rel=1e-9)
        assert moved.without == pytest.approx(expected.without, rel=1e-6)


def test_what_the_others_cannot_tell_is_nan():
    label, speaker = np.repeat([1.0, 2.0, 4.0], [4, 4, 1]), np.repeat(["a", "b", "a"], [4, 4, 1])
    latent = np.arange(9.0)
    assert np.isnan(adjusted_r2_left_out(label, latent, speaker).without["", "a"])  # b's label is constant
    alone = adjusted_r2_left_out(label, latent, ["a"] * 9)
    assert np.isfinite(alone.value)
    assert np.isnan(alone.without["", "a"])
    assert np.isnan(pairwise_left_out(latent, label, ["a"] * 9).without["", "a"])
    few = adjusted_r2_left_out([1.0, 2.0, 4.0, 3.0], np.array([[1, 2], [2, 1], [0, 3], [5, 1]]), [*"aabb"])
    assert np.isnan([*few.without.values()]).all()  # two rows for three coefficients


def test_no_rows():
    for found in (adjusted_r2_left_out([], np.empty((0, 2)), []), pairwise_left_out(np.empty((0, 2)), [], [])):
        assert np.isnan(found.value)
        assert found.without == {}


def test_errors_name_what_was_given():
    with pytest.raises(ConfigError, match=r"speaker has shape \(1,\); expected one name for each of 2 rows"):
        pairwise_left_out([0, 1], [0, 1], ["a"])
    with pytest.raises(ConfigError, match="label has 2 columns"):
        adjusted_r2_left_out([[0, 1]], [0], ["a"])
    with pytest.raises(ConfigError, match="1 of 2 rows of latent are not finite"):
        pairwise_left_out([0, np.nan], [0, 1], ["a", "b"])
