"""Listening: what it learns, when it learns nothing, and what a folder says of it."""

from dataclasses import replace

import numpy as np
import pytest

from affectmap import load_model
from affectmap.errors import ConfigError, ModelError
from affectmap.model.computation import Computation
from affectmap.model.encoder import standardised
from affectmap.model.heads import probabilities_of
from affectmap.model.listening import (
    USUAL,
    Listened,
    Shift,
    SourceClasses,
    listen,
    listening_text,
    log_probabilities,
)

PLACES = np.array([[-3.0, 0.0], [3.0, 0.0], [0.0, 3.0]])


@pytest.fixture
def source():
    return SourceClasses(("sad", "happy", "angry"), PLACES.T, -0.5 * (PLACES**2).sum(axis=1), PLACES, np.eye(2), PLACES)


def folder(n, move=(0.0, 0.0), spread=1.0, seed=0):
    """So many recordings of every class, all moved."""
    rng = np.random.default_rng(seed)
    return np.repeat(PLACES + move, n, axis=0) + spread * rng.normal(size=(3 * n, 2)), np.repeat(np.arange(3), n)


def classes_of(points, weight, bias):
    return (points @ weight + bias).argmax(axis=1)


def test_classes_that_moved_are_found_again(source):
    points, truth = folder(100, move=(1.6, 0.0))
    listened = listen(points, source)
    before, after = classes_of(points, source.weight, source.bias), classes_of(points, listened.weight, listened.bias)
    assert listened.is_used
    assert (before == truth).mean() < 0.9
    assert (after == truth).mean() > (before == truth).mean() + 0.02


def test_classes_where_they_were_stay(source):
    points, truth = folder(100)
    listened = listen(points, source)
    assert listened.agreement > 0.97
    after = classes_of(points, listened.weight, listened.bias)
    assert (after == truth).mean() > (classes_of(points, source.weight, source.bias) == truth).mean() - 0.01


def test_what_is_no_class_of_the_sources_teaches_nothing(source):
    # One cloud far broader than a class, between all of them: half of it changes class on the way.
    points = np.random.default_rng(0).normal(size=(400, 2)) * [0.3, 4.0] + [0.0, 2.0]
    listened = listen(points, source, USUAL._replace(least_agreement=0.95))
    assert not listened.is_used
    assert listened.tensors() == {}
    assert listened.weight is source.weight


def test_one_class_alone_is_not_made_into_several(source):
    points, truth = folder(100)
    alone = points[truth == 0]
    listened = listen(alone, source)
    assert (classes_of(alone, listened.weight, listened.bias) == 0).mean() >= 0.97


@pytest.mark.parametrize("n", [0, 1, USUAL.least_recordings - 1])
def test_few_recordings_are_not_listened_to(source, n):
    listened = listen(folder(40)[0][:n], source)
    assert (listened.n_recordings, listened.is_used) == (n, False)
    assert np.isnan(listened.agreement)
    assert "agreement" not in listened.metadata()


def test_copies_of_a_recording_count_once(source):
    listened = listen(np.repeat(folder(10)[0], 20, axis=0), source)
    assert (listened.n_recordings, listened.is_used) == (30, False)


def test_order_of_recordings_changes_nothing(source):
    points, _ = folder(60, move=(0.5, 0.5))
    order = np.random.default_rng(1).permutation(len(points))
    one, other = listen(points, source), listen(points[order], source)
    np.testing.assert_allclose(one.weight, other.weight, rtol=1e-9)
    assert one.agreement == other.agreement


def test_rounds_by_plain_loops(source):
    points, _ = folder(40, move=(0.8, -0.3), seed=3)
    listened = listen(points, source)
    scores = points @ source.weight + source.bias
    classes = scores.argmax(axis=1)
    for _ in range(USUAL.rounds):
        means = np.array([
            (sum(p for p, c in zip(points, classes, strict=True) if c == k) + 20 * source.mean[k])
            / ((classes == k).sum() + 20)
            for k in range(3)
        ])  # fmt: skip
        covariance = sum(np.outer(p - means[c], p - means[c]) for p, c in zip(points, classes, strict=True))
        covariance = 0.7 * covariance / len(points) + 0.3 * np.trace(covariance / len(points)) / 2 * np.eye(2)
        inverse = np.linalg.inv(covariance)
        likelihood = np.array([[-0.15 * (p - m) @ inverse @ (p - m) for m in means] for p in points])
        chance = np.exp(likelihood) / np.exp(likelihood).sum(axis=1, keepdims=True)
        own = np.log(chance / np.maximum(chance.mean(axis=0), 1e-3) ** 0.25)
        classes = own.argmax(axis=1)
    expected = log_probabilities(0.5 * scores + 0.5 * own)
    np.testing.assert_allclose(log_probabilities(points @ listened.weight + listened.bias), expected, atol=1e-9)


def test_points_move_by_what_probabilities_change(source):
    shift = Shift(source, source.weight[:, ::-1].copy(), source.bias[::-1].copy())
    points = folder(4)[0]
    before = probabilities_of(points @ source.weight + source.bias)
    np.testing.assert_allclose(shift.moved(points), (before[:, ::-1] - before) @ PLACES, atol=1e-12)
    np.testing.assert_array_equal(Shift(source, source.weight, source.bias).moved(points), 0.0)
    np.testing.assert_array_equal(shift.moved(points)[2:3], shift.moved(points[2:3]))  # the same bits alone


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ({"n_recordings": 3, "is_used": False}, "three recordings of speech are few"),
        ({"n_recordings": 90, "is_used": False, "agreement": 0.5}, "only 50% of 90 recordings keep the class"),
        ({"n_recordings": 90, "is_used": True, "agreement": 0.8}, "learned the classes of this folder: 80% of 90"),
        ({"n_recordings": 90, "is_used": True, "agreement": 1.0, "largest_share": 0.9}, "but 90% are taken for one"),
    ],
)
def test_sentence(said, expected):
    assert expected in listening_text(said)


# The model that comes with the package.


@pytest.fixture(scope="module")
def speech():
    """Features near the model's own mean, of two sorts of speech."""
    model, rng = load_model(), np.random.default_rng(0)
    sorts = np.repeat(rng.normal(size=(2, 88)), 60, axis=0)
    return model.statistics.mean + (0.5 * sorts + 0.3 * rng.normal(size=(120, 88))) * model.statistics.std


def test_a_model_that_listened_is_saved_and_read_again(speech, tmp_path):
    adapted = load_model().adapt(speech, listen=True)
    adapted.save(tmp_path / "model")
    again = load_model(tmp_path / "model")
    assert again.listening_text == adapted.listening_text
    for name, values in adapted.transform(speech).items():
        np.testing.assert_allclose(again.transform(speech)[name], values, atol=1e-6)
    assert "listening" in repr(again)
    assert load_model().listening_text is None


def test_listening_moves_points_and_statistics_alone_do_not_forget_it(speech):
    model = load_model()
    plain, listened = model.adapt(speech), model.adapt(speech, listen=True)
    used = listened.metadata["listening"]["is_used"]
    moved = np.abs(plain.transform(speech)["activation"] - listened.transform(speech)["activation"]).max()
    assert used == (moved > 1e-6)
    again = listened.adapt(speech)
    assert "listening" not in again.metadata
    np.testing.assert_array_equal(
        again.transform(speech)["activation"], plain.adapt(speech).transform(speech)["activation"]
    )


def test_probabilities_sum_to_one_and_missing_features_have_none(speech):
    listened = load_model().adapt(speech, listen=True)
    rows = speech.copy()
    rows[3, 5] = np.nan
    chances = listened.transform(rows)[list(listened.heads.classes)]
    assert chances.iloc[3].isna().all()
    np.testing.assert_allclose(chances.drop(index=3).sum(axis=1), 1.0)


def test_speakers_are_compared_with_themselves(speech):
    names = ["anna", "bo"] * 60
    by_speaker, plain = (load_model().adapt(speech, listen=True, speaker=each) for each in (names, None))
    assert by_speaker.metadata["standardisation"] == plain.metadata["standardisation"]
    with pytest.raises(ConfigError, match="1 of 120 utterances have no speaker"):
        load_model().adapt(speech, listen=True, speaker=[*names[:-1], None])


def test_a_model_without_classes_cannot_listen(speech):
    model = load_model()
    tensors = {name: value for name, value in model.folder.tensors.items() if not name.startswith("source_classes")}
    metadata = {name: value for name, value in model.folder.metadata.items() if name != "source_classes"}
    deaf = type(model)(replace(model.folder, tensors=tensors, metadata=metadata))
    with pytest.raises(ConfigError, match="knows nothing of the classes of its training corpora"):
        deaf.adapt(speech, listen=True)


@pytest.mark.parametrize(
    ("entry", "value", "message"),
    [
        ("source_classes", ["sad"], "two or more names"),
        ("source_classes", ["sad", "sad"], "two or more names"),
        ("source_classes", "sad", "two or more names"),
        ("source_classes", ["sad", "happy"], r"(source_classes|listened).bias is"),
        ("listening", {"n_recordings": -1, "is_used": True}, "expected numbers from 0 on"),
        ("listening", {"n_recordings": 5, "is_used": 1}, "or whether it is used"),
        ("listening", ["often"], "expected numbers from 0 on"),
    ],
)
def test_damaged_folders(speech, tmp_path, entry, value, message):
    adapted = load_model().adapt(speech, listen=True)
    folder_of = replace(adapted.folder, metadata=adapted.folder.metadata | {entry: value})
    folder_of.write(tmp_path / "model", overwrite=False, hub=False, more={})
    with pytest.raises(ModelError, match=message):
        load_model(tmp_path / "model")


def test_says_nothing_of_what_it_has_not(source):
    nothing = Listened(source.weight, source.bias, 3, float("nan"), is_used=False)
    assert nothing.metadata() == {"n_recordings": 3, "is_used": False}


def test_a_few_classes_correct_what_was_learned_by_listening(speech):
    model = load_model()
    listened = model.adapt(speech, listen=True)
    assert listened.metadata["listening"]["is_used"]
    classes = list(listened.heads.classes)
    before = listened.transform(speech)[classes].to_numpy()
    emotion = np.full(len(speech), None, dtype=object)
    for row in (0, 1, 40, 41):
        emotion[row] = classes[before[row].argmax()]
    both = model.adapt(speech, listen=True, ratings={"emotion": emotion})
    after = both.transform(speech)[classes].to_numpy()
    np.testing.assert_allclose(after.sum(axis=1), 1.0)
    assert (after[[0, 1, 40, 41]] >= before[[0, 1, 40, 41]]).any(axis=1).all()
    computation = Computation(listened.folder)
    inputs = np.hstack([listened.embedding(speech)[0], standardised(speech, listened.statistics)])
    np.testing.assert_allclose(computation._listened_heads().probabilities(inputs), before, atol=1e-9)
