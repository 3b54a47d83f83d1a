import numpy as np
import pandas as pd
import pytest

from affectmap.report.canvas import drawing
from affectmap.report.diagrams import (
    circumplex,
    find_settings,
    layer_sizes,
    mean_ratings,
    network,
)
from affectmap.report.latent import common_frame, latent_figure


def texts(figure):
    return [text.get_text() for text in figure.axes[0].texts]


def test_mean_ratings_are_those_of_a_corpus_and_emotion(whole_results):
    ratings = whole_results.ratings
    sad = ratings[(ratings["corpus"] == "urdu") & (ratings["emotion"] == "sad")]
    means = mean_ratings(ratings)
    row = means[(means["corpus"] == "urdu") & (means["emotion"] == "sad")].iloc[0]
    assert row["n"] == len(sad)
    assert row["activation"] == pytest.approx(sad["activation"].mean())
    assert row["sd_valence"] == pytest.approx(sad["valence"].std())


def test_mean_ratings_leave_out_other_emotions_and_what_is_not_rated(whole_results):
    ratings = whole_results.ratings.copy()
    ratings.loc[ratings["emotion"] == "happy", "valence"] = np.nan
    assert set(mean_ratings(ratings)["emotion"]) == {"neutral", "sad", "angry"}
    assert mean_ratings(ratings.iloc[:0]).empty


def test_circumplex_has_its_axes_the_right_way_and_names_the_source_only():
    rows = {"role": ["source", "target"], "corpus": ["a", "b"], "emotion": "angry", "activation": [4.5, 4.0]}
    ratings = pd.DataFrame(rows | {"valence": [1.5, 2.0], "sd_activation": 0.5, "sd_valence": 0.5, "n": 9})
    with drawing():
        axes = circumplex(ratings).axes[0]
    assert not axes.xaxis_inverted()
    assert not axes.yaxis_inverted()
    words = {text.get_text(): text.get_position() for text in axes.texts}
    assert words["valence"][0] > 5
    assert words["activation"][1] > 5
    assert words["excited"] > words["tired"]
    assert [text.get_text() for text in axes.texts].count("angry") == 1
    places = [tuple(np.ravel(line.get_data()).astype(float)) for line in axes.lines if line.get_marker() == "D"]
    assert (1.5, 4.5) in places
    assert (2.0, 4.0) in places


def test_the_name_avoids_another_mark():
    rows = {"role": ["source", "target"], "corpus": ["a", "b"], "emotion": "sad", "activation": [2.0, 2.2]}
    ratings = pd.DataFrame(rows | {"valence": [2.0, 2.4], "sd_activation": 0.5, "sd_valence": 0.5, "n": 9})
    label = next(text for text in circumplex(ratings).axes[0].texts if text.get_text() == "sad")
    assert (label.get_ha(), label.get_va()) != ("left", "bottom")


def test_circumplex_without_ratings_has_words_alone(whole_results):
    ratings = mean_ratings(whole_results.embeddings.iloc[:0])
    assert "gloomy" in texts(circumplex(ratings))
    assert "angry" not in texts(circumplex(ratings))


def test_one_rated_utterance_has_no_spread_and_is_drawn_all_the_same():
    rows = {
        "method": "a",
        "role": "source",
        "corpus": "a",
        "file": "1",
        "emotion": "sad",
        "activation": [2.0],
        "valence": [1.5],
    }
    ratings = mean_ratings(pd.DataFrame(rows))
    assert np.isnan(ratings["sd_activation"]).all()
    assert "sad" in texts(circumplex(ratings))


@pytest.mark.parametrize(
    "settings",
    [
        {"hidden_dims": [32, 8], "latent_dim": 3, "noise_std": 0.5},
        {"training": {"hidden_dims": (32, 8), "latent_dim": 3}, "noise_std": 0.5},
        {"hidden_dims": [1], "training": {"hidden_dims": [32, 8], "latent_dim": 3, "noise_std": 0.5}},
    ],
)
def test_settings_are_found_wherever_they_stand(settings):
    assert layer_sizes(settings) == [88, 32, 8, 3, 8, 32, 88]
    assert find_settings(settings)["noise_std"] == 0.5


@pytest.mark.parametrize("hidden_dims", [[40, 20, 10], [], [128, 256]])
def test_network_names_every_layer(hidden_dims):
    settings = {"hidden_dims": hidden_dims, "latent_dim": 2, "noise_std": 0.75}
    with drawing():
        drawn = texts(network(settings))
    sizes = layer_sizes(settings)
    assert [text for text in drawn if text.isdigit()] == [str(size) for size in sizes]
    assert any("0.8" in text or "0.75" in text for text in drawn)
    assert "embedding" in drawn


@pytest.fixture
def embeddings(whole_results):
    return whole_results.embeddings.query("method == 'DAE-Metric-Act'").reset_index(drop=True)


def panels(figure):
    return [axes for axes in figure.axes if axes.get_aspect() == 1.0]


def drawn(axes):
    return sum(len(points.get_offsets()) for points in axes.collections)


def arrows(axes):
    return [text for text in axes.texts if getattr(text, "arrow_patch", None) is not None]


def test_panels_share_one_square_and_show_every_utterance(embeddings):
    with drawing():
        figure, frame = latent_figure(embeddings, ["emodb", "urdu", "aesdd"])
    axes = panels(figure)
    assert len(axes) == 9
    assert len({(*a.get_xlim(), *a.get_ylim()) for a in axes}) == 1
    left, right = axes[0].get_xlim()
    low, high = axes[0].get_ylim()
    assert right - left == pytest.approx(high - low) == pytest.approx(2 * frame.half)
    counts = embeddings["corpus"].value_counts()
    assert sorted(map(drawn, axes)) == sorted([*counts] * 3)


def test_corpora_are_columns_and_colourings_rows(embeddings):
    figure, _ = latent_figure(embeddings, ["urdu", "emodb"])
    axes = panels(figure)
    assert [a.get_title() for a in axes if a.get_title()] == ["urdu", "emodb"]
    assert [a.get_ylabel() for a in axes if a.get_ylabel()] == ["emotion", "activation", "valence"]
    assert axes[0].get_position().x0 < axes[-1].get_position().x0


def test_far_points_do_not_decide_the_frame():
    points = np.random.default_rng(0).normal(size=(500, 2))
    calm = common_frame(points)
    points[0] = [1e6, -1e6]
    shaken = common_frame(points)
    assert shaken.half < 1.2 * calm.half
    assert shaken.n_outside >= 1


@pytest.mark.parametrize("points", [np.empty((0, 2)), np.zeros((1, 2)), np.ones((50, 2))])
def test_frame_of_few_or_equal_points_has_a_size(points):
    frame = common_frame(points)
    assert frame.half > 0
    assert frame.n_outside == 0


def test_a_collapsed_embedding_is_drawn(embeddings):
    figure, frame = latent_figure(embeddings.assign(z1=0.0, z2=0.0), ["urdu"])
    assert frame.half > 0
    assert not any(arrows(axes) for axes in panels(figure))


def test_a_rating_nobody_gave_has_no_row_and_one_corpus_without_says_so(embeddings):
    figure, _ = latent_figure(embeddings.assign(valence=np.nan), ["emodb", "urdu"])
    assert len(panels(figure)) == 4
    partly = embeddings.assign(valence=embeddings["valence"].where(embeddings["corpus"] == "emodb"))
    figure, _ = latent_figure(partly, ["emodb", "urdu"])
    words = [text.get_text() for axes in panels(figure) for text in axes.texts]
    assert words.count("no valence ratings") == 1


def test_arrow_points_where_the_rating_rises():
    rng = np.random.default_rng(0)
    z = rng.normal(size=(300, 2))
    label = np.clip(3 + 0.4 * (0.6 * z[:, 0] - 0.8 * z[:, 1]), 1, 5)
    rows = {"corpus": "a", "emotion": None, "activation": label, "valence": np.nan, "z1": z[:, 0], "z2": z[:, 1]}
    figure, _ = latent_figure(pd.DataFrame(rows), ["a"])
    (arrow,) = arrows(panels(figure)[1])
    direction = np.array(arrow.xy) - np.array(arrow.xyann)
    assert direction / np.linalg.norm(direction) == pytest.approx([0.6, -0.8], abs=0.05)


@pytest.mark.parametrize("rated", [np.r_[np.arange(5.0) / 2 + 1, [np.nan] * 45], np.full(50, 3.0)])
def test_few_or_equal_ratings_have_no_arrow(rated):
    z = np.random.default_rng(0).normal(size=(50, 2))
    rows = {"corpus": "a", "emotion": "sad", "activation": rated, "valence": np.nan, "z1": z[:, 0], "z2": z[:, 1]}
    figure, _ = latent_figure(pd.DataFrame(rows), ["a"])
    assert len(panels(figure)) == 2
    assert not any(arrows(axes) for axes in panels(figure))


def test_key_names_the_emotions_that_occur(embeddings):
    figure, _ = latent_figure(embeddings[embeddings["emotion"] == "sad"], ["urdu"])
    assert [text.get_text() for text in panels(figure)[0].get_legend().get_texts()] == ["sad"]
    figure, _ = latent_figure(embeddings.assign(emotion=None), ["urdu"])
    assert [text.get_text() for text in panels(figure)[0].get_legend().get_texts()] == ["other or none"]


def test_utterances_without_a_place_are_left_out(embeddings):
    lost = embeddings.copy()
    lost.loc[lost["corpus"] == "urdu", "z1"] = np.nan
    figure, frame = latent_figure(lost, ["emodb", "urdu"])
    assert drawn(panels(figure)[3]) == 0
    assert np.isfinite(frame.half)


@pytest.mark.parametrize(("n", "rasterised"), [(100, False), (900, True)])
def test_many_points_become_a_picture_within_the_svg(n, rasterised):
    z = np.random.default_rng(0).normal(size=(n, 2))
    rows = {"corpus": "a", "emotion": "sad", "activation": np.nan, "valence": np.nan, "z1": z[:, 0], "z2": z[:, 1]}
    figure, _ = latent_figure(pd.DataFrame(rows), ["a"])
    assert {points.get_rasterized() for points in panels(figure)[0].collections} == {rasterised}
