"""Class prototypes, against plain loops."""

import math

import numpy as np
import pytest

from affectmap.errors import ConfigError
from affectmap.transfer.prototypes import LEAST, Prototypes

NAN = float("nan")
CLASSES = ("angry", "sad", "neutral")


def make(sizes, seed=0):
    """Classes and ratings of one corpus: as many of each class as said."""
    rng = np.random.default_rng(seed)
    emotion = [name for name, n in sizes.items() for _ in range(n)]
    order = rng.permutation(len(emotion))
    return [emotion[i] for i in order], rng.uniform(1, 5, (len(emotion), 2)).tolist()


def looped(emotions, labels, name):
    """Mean and spread of a class by plain loops: means of corpora, and the root of the mean of their variances."""
    means, variances, n = [], [], 0
    for emotion, label in zip(emotions, labels, strict=True):
        rows = [y for e, y in zip(emotion, label, strict=True) if e == name and not any(map(math.isnan, y))]
        if len(rows) < LEAST:
            continue
        mean = [sum(column) / len(rows) for column in zip(*rows, strict=True)]
        means.append(mean)
        variances.append([sum((y[i] - mean[i]) ** 2 for y in rows) / (len(rows) - 1) for i in range(2)])
        n += len(rows)
    mean = [sum(column) / len(means) for column in zip(*means, strict=True)]
    std = [math.sqrt(sum(column) / len(variances)) for column in zip(*variances, strict=True)]
    between = [
        math.sqrt(sum((m[i] - mean[i]) ** 2 for m in means) / (len(means) - 1)) if len(means) > 1 else NAN
        for i in range(2)
    ]
    return mean, std, between, n, len(means)


@pytest.fixture
def corpora():
    """Three corpora of different size; one has no neutral speech, one too little sadness, one missing ratings."""
    sizes = [{"angry": 40, "sad": 7, "neutral": 9}, {"angry": 6, "sad": 30}, {"angry": 5, "sad": LEAST - 1}]
    emotions, labels = map(list, zip(*(make(each, seed) for seed, each in enumerate(sizes)), strict=True))
    for row in range(0, 50, 7):
        labels[0][row][row % 2] = NAN
    return emotions, labels


@pytest.mark.parametrize("name", CLASSES)
def test_means_and_spreads_are_those_of_plain_loops(corpora, name):
    row = Prototypes.of(*corpora).table.loc[name]
    mean, std, between, n, n_corpora = looped(*corpora, name)
    np.testing.assert_allclose(row[["activation", "valence"]].to_numpy(float), mean)
    np.testing.assert_allclose(row[["activation_std", "valence_std"]].to_numpy(float), std)
    np.testing.assert_allclose(row[["activation_between", "valence_between"]].to_numpy(float), between)
    assert (row["n"], row["n_corpora"]) == (n, n_corpora)


def test_every_corpus_counts_the_same_however_large():
    few, many = [[1.0, 2.0]] * LEAST, [[3.0, 4.0]] * 500
    row = Prototypes.of([["sad"] * LEAST, ["sad"] * 500], [few, many]).table.loc["sad"]
    assert (row["activation"], row["valence"]) == (2.0, 3.0)
    assert (row["n"], row["n_corpora"]) == (505, 2)


def test_a_corpus_without_ratings_changes_nothing(corpora):
    emotions, labels = corpora
    alone = Prototypes.of(emotions, labels).table
    more = Prototypes.of([*emotions, ["angry"] * 50], [*labels, [[NAN, NAN]] * 50]).table
    assert more.equals(alone)


def test_utterances_without_a_class_or_with_half_a_rating_take_no_part():
    emotion, label = ["sad"] * 6 + [None, "sad"], [[1.0, 2.0]] * 6 + [[5.0, 5.0], [5.0, NAN]]
    row = Prototypes.of([emotion], [label]).table.loc["sad"]
    assert (row["activation"], row["valence"], row["n"]) == (1.0, 2.0, 6)


def test_a_class_with_too_few_ratings_has_no_prototype(corpora):
    emotions, labels = corpora
    table = Prototypes.of([[*emotions[0], *["fear"] * (LEAST - 1)]], [[*labels[0], *[[3.0, 3.0]] * (LEAST - 1)]]).table
    assert sorted(table.index) == ["angry", "neutral", "sad"]


@pytest.mark.parametrize("emotions", [[["sad"] * (LEAST - 1)], [[None] * 20], [["sad"] * 20]])
def test_nothing_to_learn_from(emotions):
    rating = NAN if emotions[0] == ["sad"] * 20 else 3.0
    with pytest.raises(ConfigError, match=r"no class of emotion has 5 utterances.*; .*give a corpus that has ratings"):
        Prototypes.of(emotions, [[[rating, rating]] * len(each) for each in emotions])


def test_no_corpus_at_all():
    with pytest.raises(ConfigError, match="of no corpus; give one that has ratings"):
        Prototypes.of([], [])


def test_labels_by_class(corpora):
    prototypes = Prototypes.of(*corpora)
    found = prototypes.label(["sad", None, "surprise", "angry", "sad"])
    for row, name in ((0, "sad"), (3, "angry"), (4, "sad")):
        np.testing.assert_allclose(found[row], looped(*corpora, name)[0])
    assert np.isnan(found[1:3]).all()
    assert prototypes.label([]).shape == (0, 2)


def test_drawn_labels_have_mean_and_spread_of_their_class():
    rng = np.random.default_rng(0)
    label = [3.0, 2.5] + rng.normal(size=(500, 2)) * [0.4, 0.2]
    prototypes = Prototypes.of([["sad"] * 500], [label])
    drawn = prototypes.drawn_label(["sad"] * 20_000 + ["surprise", None], np.random.default_rng(1))
    assert np.isnan(drawn[-2:]).all()
    row = prototypes.table.loc["sad"]
    np.testing.assert_allclose(drawn[:-2].mean(axis=0), row[["activation", "valence"]].to_numpy(float), atol=0.02)
    np.testing.assert_allclose(
        drawn[:-2].std(axis=0), row[["activation_std", "valence_std"]].to_numpy(float), rtol=0.03
    )


def test_drawn_labels_stay_on_the_scale_and_are_those_of_their_seed():
    prototypes = Prototypes.of([["angry"] * 6], [[[5.0, 1.0], [4.0, 3.0]] * 3])
    first, again, other = (prototypes.drawn_label(["angry"] * 500, np.random.default_rng(seed)) for seed in (0, 0, 1))
    assert first.min() == 1
    assert first.max() == 5
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


@pytest.mark.parametrize("share", [0, 0.3, 1])
def test_smoothed_ratings_lie_between_rating_and_prototype(corpora, share):
    emotions, labels = corpora
    prototypes = Prototypes.of(emotions, labels)
    emotion, label = (
        ["sad", "angry", "surprise", None, "sad", None],
        [*np.arange(8.0).reshape(4, 2), [NAN, 2], [NAN] * 2],
    )
    found = prototypes.smoothed(label, emotion, share)
    for row, name in ((0, "sad"), (1, "angry")):
        own, prototype = label[row], looped(*corpora, name)[0]
        np.testing.assert_allclose(found[row], [(1 - share) * own[i] + share * prototype[i] for i in range(2)])
    np.testing.assert_array_equal(found[2:4], label[2:4])
    np.testing.assert_allclose(found[4], looped(*corpora, "sad")[0])
    assert np.isnan(found[5]).all()


@pytest.mark.parametrize("share", [-0.1, 1.1, NAN])
def test_a_share_out_of_range(corpora, share):
    with pytest.raises(ConfigError, match=r"share of the prototypes is .*; expected a number from 0 to 1"):
        Prototypes.of(*corpora).smoothed([[3.0, 3.0]], ["sad"], share)
