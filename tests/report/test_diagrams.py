import numpy as np
import pandas as pd
import pytest

from affectmap.report.canvas import drawing
from affectmap.report.diagrams import circumplex, find_settings, layer_sizes, mean_ratings, network


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
