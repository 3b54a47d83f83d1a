"""Heads corrected by a few ratings: the algebra against plain solvers, what priors promise, and what is refused."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import yaml
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import ConstantKernel, DotProduct

from affectmap.errors import ConfigError, ModelError
from affectmap.model.correction import (
    CLASS_STRENGTHS,
    MOST_RATED,
    RATING_STRENGTHS,
    Basis,
    Strengths,
    correct_rating,
    correct_scores,
    corrected_heads,
)
from affectmap.model.heads import CLASSES, ENOUGH_RATINGS, half_widths_in_use
from affectmap.model.model import load_model
from affectmap.model.onnx import check_parity, onnx_graph
from affectmap.track.running_statistics import Standardising
from cases import each
from model_files import HALF_WIDTHS, make_model, make_speech


def make_basis(n=60, n_features=5, seed=0):
    random = np.random.default_rng(seed)
    return Basis(random.normal(size=(n, 2)) @ [[2.0, 0.5], [0.0, 1.0]] + 1, random.normal(size=(n, n_features)))


def value_of(basis, found):
    return basis.inputs @ found.weight + found.bias


def test_one_strength_is_a_gaussian_process():
    basis, strengths = make_basis(), Strengths(0.25, 0.5, 0.75)
    rated, residual = np.arange(0, 60, 3), np.random.default_rng(1).normal(size=20)
    scaled = (basis.latent - basis.latent.mean(axis=0)) / basis.latent.std(axis=0)
    # Columns scaled so that a plain dot product has the variances of the strengths.
    design = np.hstack([np.sqrt(0.5) * scaled, np.sqrt(0.75 / 5) * basis.standardised])
    kernel = DotProduct(0.0, "fixed") + ConstantKernel(0.25, "fixed")
    process = GaussianProcessRegressor(kernel, alpha=1.0, optimizer=None).fit(design[rated], residual)
    found = correct_rating(basis, rated, residual, (strengths,))
    np.testing.assert_allclose(value_of(basis, found), process.predict(design), atol=1e-10)
    for row in range(3):
        rest = np.delete(np.arange(20), row)
        process.fit(design[rated[rest]], residual[rest])
        expected = residual[row] - process.predict(design[rated[[row]]])
        np.testing.assert_allclose(found.errors[row], expected[0], atol=1e-10)


def test_the_mean_over_strengths_goes_by_errors_left_out():
    basis = make_basis(200, 4)
    rated = np.arange(100)
    truth = basis.standardised @ [1.0, -1.0, 0.5, 0.0]
    large = correct_rating(basis, rated, truth[rated])
    assert np.mean((truth - value_of(basis, large)) ** 2) < 0.02
    noise = np.random.default_rng(3).normal(size=100)
    small = correct_rating(basis, rated, noise)
    assert np.std(value_of(basis, small)) < 0.2  # of noise nothing is learnt
    assert np.sqrt(np.mean(small.errors**2)) < 1.1 * small.before


@each("n", [1, 5, 20])
def test_no_harm_on_average_where_the_model_is_right(n):
    basis, random = make_basis(300, 40), np.random.default_rng(4)
    worse = []
    for _ in range(40):
        rated = random.permutation(300)[:n]
        found = correct_rating(basis, rated, random.normal(size=n))
        worse.append(np.mean(value_of(basis, found) ** 2))  # added to a mean square error of 1
    assert np.mean(worse) < 0.1


def test_a_shift_is_followed_the_further_the_more_ratings_there_are():
    basis = make_basis(200, 40)
    shifts = [correct_rating(basis, np.arange(n), np.full(n, 0.8)).bias for n in (1, 5, 20, 80)]
    assert shifts == sorted(shifts)
    assert 0 < shifts[0] < 0.1
    assert 0.6 < shifts[-1] < 0.8


def test_all_the_same_rating_twice_the_same_recording_and_none_right():
    basis = make_basis()
    for residual in (np.zeros(4), np.full(4, 2.0), np.array([2.0, -2.0, 2.0, -2.0])):
        found = correct_rating(basis, np.array([0, 0, 1, 1]), residual)
        assert np.isfinite([*found.weight, found.bias, *found.errors]).all()


def test_scores_follow_penalised_logistic_regression():
    basis, random = make_basis(40, 3), np.random.default_rng(5)
    number, score = random.integers(0, 3, size=40), random.normal(size=(40, 3))
    rows = np.arange(40)
    weight, bias = correct_scores(basis, rows, score, number)
    added = basis.inputs @ weight + bias
    chances = np.exp(score + added)
    chances /= chances.sum(axis=1, keepdims=True)
    share = (40 / 3 / np.bincount(number))[number]
    # At the maximum of the penalised likelihood the correction is the kernel times the weighted residuals.
    residual = share[:, None] * (np.eye(3)[number] - chances)
    np.testing.assert_allclose(added, basis.kernel(rows, CLASS_STRENGTHS) @ residual, atol=1e-5)


def rated_model(n=80, seed=0, model=None, **ratings):
    features = make_speech(200)
    random = np.random.default_rng(seed)
    empty = np.full(200, np.nan)
    columns = {}
    for name in ratings or ("activation", "valence"):
        columns[name] = empty.copy()
        columns[name][:n] = random.uniform(1, 5, size=n).round()
    return (model or make_model()).adapt(features, ratings=columns), features


def test_a_corrected_model_is_written_and_read(tmp_path):
    model, features = rated_model()
    model.save(tmp_path / "rated")
    read = load_model(tmp_path / "rated")
    pd.testing.assert_frame_equal(read.transform(features), model.transform(features))
    assert read.metadata["correction"]["valence"]["n"] == 80
    assert "corrected: activation by 80 ratings (error " in repr(read)
    assert "Corrected by ratings of other utterances: activation by 80 ratings" in read.card
    again = read.adapt(make_speech(30, seed=5))
    assert again.card.count("## Adapted") == again.card.count("Corrected by") == 1


def test_a_row_has_the_same_bits_alone_and_the_graph_gives_the_same():
    model, features = rated_model()
    whole = model.transform(features)
    pd.testing.assert_frame_equal(model.transform(features[7:8]), whole.iloc[7:8].reset_index(drop=True))
    assert check_parity(model, onnx_graph(model), features)["largest_difference"] < 1e-9


def test_speakers_and_tracks_take_a_corrected_model():
    model, features = rated_model()
    by_speaker = model.transform(features, speaker=["a", "b"] * 100)
    assert by_speaker[["activation", "valence", "angry"]].notna().all(axis=None)
    running = Standardising(model, "running")
    assert running is not None
    assert model.adapt(features).transform(features)["activation"].notna().all()


def test_values_move_to_ratings_and_stay_on_the_scale():
    features, model = make_speech(200), make_model()
    before = model.adapt(features).transform(features)["activation"].to_numpy()
    ratings = np.full(200, np.nan)
    ratings[::2] = np.clip(before[::2] + 1, 1, 5)
    after = model.adapt(features, ratings={"activation": ratings}).transform(features)
    assert 0.5 < np.mean(after["activation"].to_numpy()[1::2] - before[1::2]) < 1.1
    assert after["activation"].between(1, 5).all()
    np.testing.assert_array_equal(after["valence"], model.adapt(features).transform(features)["valence"])


def test_classes_are_corrected_by_two_or_more():
    features, model = make_speech(200), make_model()
    adapted = model.adapt(features)
    emotion = np.full(200, None, dtype=object)
    emotion[:40] = ["happy", "sad"] * 20
    corrected = model.adapt(features, ratings={"emotion": emotion})
    assert corrected.metadata["correction"] == {"classes": {"n": 40}}
    assert corrected.metadata["temperature"] == 1.0
    before, after = adapted.transform(features[:40]), corrected.transform(features[:40])
    hit = [after[name][i] > before[name][i] for i, name in enumerate(["happy", "sad"] * 20)]
    assert np.mean(hit) > 0.9
    np.testing.assert_allclose(after[list(CLASSES)].sum(axis=1), 1)
    np.testing.assert_array_equal(before["activation"], after["activation"])
    with pytest.raises(ConfigError, match="none tells two of the classes neutral, sad, happy, angry; give more"):
        model.adapt(features, ratings={"emotion": np.where(np.arange(200) < 9, "happy", None)})
    with pytest.raises(ConfigError, match="no usable recording"):
        model.adapt(features, ratings={"emotion": np.full(200, "boredom", dtype=object)})


def widths(n, statistics="rated", seed=0):
    model, features = rated_model(n, seed)
    model = model if statistics == "rated" else model.adapt(features)
    return half_widths_in_use(model.metadata, ("activation", "valence")), model.metadata["intervals"].get("rated", {})


def test_few_ratings_never_make_intervals_narrower():
    own = HALF_WIDTHS["adapted"]
    assert widths(5) == ([own, {name: max(each[name] for each in HALF_WIDTHS.values()) for name in own}], {})
    for n in (9, 20, ENOUGH_RATINGS - 1):
        (of_corpus, of_speaker), rated = widths(n)
        assert set(rated) == set(own)
        for name, width in own.items():
            assert of_corpus[name] == max(width, rated[name])
            assert of_speaker[name] >= of_corpus[name]


def test_many_ratings_tell_the_width_of_these_recordings_alone():
    features, model = make_speech(200), make_model()
    ratings = np.full(200, np.nan)
    value = model.adapt(features).transform(features)["activation"].to_numpy()
    n = ENOUGH_RATINGS
    ratings[:n] = np.clip(value[:n] + np.resize([0.1, -0.1], n), 1, 5)
    rated = model.adapt(features, ratings={"activation": ratings})
    (of_corpus, of_speaker) = half_widths_in_use(rated.metadata, ("activation", "valence"))
    assert of_corpus["activation"] < 0.3
    assert of_corpus["valence"] == HALF_WIDTHS["adapted"]["valence"]
    assert of_speaker["activation"] == HALF_WIDTHS["source"]["activation"]
    again = half_widths_in_use(rated.adapt(features).metadata, ("activation", "valence"))[0]
    assert again["activation"] == HALF_WIDTHS["adapted"]["activation"]


def test_a_model_without_heads_cannot_be_corrected():
    with pytest.raises(ConfigError, match="has no ratings and no classes that could be corrected"):
        rated_model(model=make_model(heads=None))


def test_too_many_ratings_are_refused():
    basis, heads = make_basis(MOST_RATED + 1), replace(make_model().heads)
    label = np.full((MOST_RATED + 1, 2), 3.0)
    with pytest.raises(ConfigError, match=f"{MOST_RATED + 1} recordings are rated; adapt takes {MOST_RATED} at most"):
        corrected_heads(heads, basis, label, np.full(len(label), None), 0.9)


def test_what_is_unlike_all_training_data_plays_no_part():
    features, model = make_speech(100), make_model()
    features[0] += 1e4
    ratings = np.full(100, np.nan)
    ratings[0] = 5.0
    with pytest.raises(ConfigError, match="no usable recording has a rating of activation or valence"):
        model.adapt(features, ratings={"activation": ratings})
    ratings[1] = 5.0
    assert model.adapt(features, ratings={"activation": ratings}).metadata["correction"]["activation"]["n"] == 1


def test_strengths_begin_with_none_and_grow():
    assert RATING_STRENGTHS[0] == (0, 0, 0)
    assert [sum(one) for one in RATING_STRENGTHS] == sorted(sum(one) for one in RATING_STRENGTHS)


ABOUT = {"n": 5, "error_before": 1.0, "error": 1.0}


@each(
    ("change", "message"),
    [
        ({"correction": []}, "lacks a number or has another value"),
        ({"correction": {}}, "lacks a number or has another value"),
        ({"correction": {"dominance": {"n": 1}}}, "correction is of .'dominance'."),
        ({"correction": {"activation": ABOUT}}, "correction is of .'activation'."),
        ({"correction": {"activation": ABOUT, "valence": {"n": 5}}}, "error_before"),
        ({"correction": {"activation": ABOUT, "valence": ABOUT | {"n": -1}}}, "makes no sense"),
        ({"correction": {"activation": ABOUT, "valence": ABOUT | {"n": True}}}, "makes no sense"),
        ({"correction": {"activation": ABOUT, "valence": 5}}, "lacks a number or has another value"),
        ({"correction": None}, "intervals of ratings without a correction"),
        ({"standardisation": {"policy": "adapted", "n_utterances": 9, "prior": 10.0, "rated": 1}}, "neither true nor"),
    ],
)
def test_a_damaged_correction_is_refused(change, message, tmp_path_factory):
    folder = tmp_path_factory.mktemp("models") / "rated"
    rated_model()[0].save(folder)
    metadata = yaml.safe_load((folder / "model.yaml").read_text()) | change
    metadata = {name: value for name, value in metadata.items() if value is not None}
    (folder / "model.yaml").write_text(yaml.safe_dump(metadata))
    with pytest.raises(ModelError, match=message):
        load_model(folder)
