import numpy as np
import pandas as pd
import pytest

from affectmap.report.canvas import drawing
from affectmap.report.latent import common_frame, latent_figure


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
