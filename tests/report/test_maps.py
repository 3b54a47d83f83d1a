"""Maps with named axes on one scale."""

import numpy as np
import pandas as pd
import pytest

from affectmap.report.canvas import NARROW_WIDTH, drawing
from affectmap.report.maps import map_figure, plane_of
from affectmap.style import LABEL_COLOURS

TITLES = {"emodb": "EMO-DB, German (held-out part)", "urdu": "URDU", "aesdd": "AESDD, Greek"}
METHODS = ["DAE-Unsupervised", "DAE-Metric-Act"]


def panels(figure):
    return [axes for axes in figure.axes if axes.get_aspect() == 1.0]


def test_all_maps_share_the_scale_of_the_ratings(whole_results):
    with drawing():
        figure = map_figure(whole_results.embeddings, METHODS, TITLES)
    axes = panels(figure)
    assert len(axes) == 6
    assert {(*a.get_xlim(), *a.get_ylim()) for a in axes} == {(0.75, 5.25, 0.75, 5.25)}
    assert [a.get_title(loc="left") for a in axes[:3]] == list(TITLES.values())
    assert [a.get_ylabel() for a in axes if a.get_ylabel()] == ["calm ← activation → excited"] * 2
    assert {a.yaxis.label.get_color() for a in axes if a.get_ylabel()} == {LABEL_COLOURS["activation"]}
    assert {a.xaxis.label.get_color() for a in axes if a.get_xlabel()} == {LABEL_COLOURS["valence"]}


def test_every_utterance_is_a_dot_and_every_emotion_has_its_two_means(whole_results):
    mine = whole_results.embeddings.query("method == 'DAE-Metric-Act'")
    figure = map_figure(mine, ["DAE-Metric-Act"], TITLES)
    for axes, corpus in zip(panels(figure), TITLES, strict=True):
        rows = mine[mine["corpus"] == corpus]
        assert sum(len(points.get_offsets()) for points in axes.collections) == len(rows)
        sad = rows[rows["emotion"] == "sad"]
        marks = [line for line in axes.lines if line.get_marker() == "s"]
        places = [tuple(float(value[0]) for value in line.get_data()) for line in marks]
        assert places[0] == pytest.approx((sad["valence"].mean(), sad["activation"].mean()))
        assert places[1] == pytest.approx((sad["predicted_valence"].mean(), sad["predicted_activation"].mean()))


def test_without_ratings_of_the_source_axes_have_no_names(whole_results):
    mine = whole_results.embeddings.query("method == 'DAE-Metric-Act'").assign(predicted_valence=np.nan)
    plane = plane_of(mine)
    assert (plane.x, plane.y, plane.is_named) == ("z1", "z2", False)
    figure = map_figure(mine, ["DAE-Metric-Act"], TITLES)
    assert {axes.get_xlabel() for axes in panels(figure)} == {"no named axis"}
    assert not plane_of(mine.drop(columns=["predicted_valence", "predicted_activation"])).is_named


def test_a_narrow_map_has_the_width_of_a_telephone(whole_results):
    many = {f"c{i}": f"corpus {i}" for i in range(5)}
    rows = pd.concat([whole_results.embeddings.query("corpus == 'urdu'").assign(corpus=name) for name in many])
    figure = map_figure(rows, METHODS, many, narrow=True)
    assert figure.get_figwidth() <= NARROW_WIDTH + 0.01
    assert len(panels(figure)) == 10
    boxes = [axes.get_position() for axes in panels(figure)]
    assert all(box.x0 >= 0 and box.x1 <= 1 and box.y0 >= 0 and box.y1 <= 1 for box in boxes)


def test_corpora_without_emotions_are_drawn(whole_results):
    mine = whole_results.embeddings.query("method == 'DAE-Metric-Act'").assign(emotion=None, activation=np.nan)
    figure = map_figure(mine, ["DAE-Metric-Act"], {"urdu": "n" * 60})
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["other"]
    assert panels(figure)[0].get_title(loc="left").endswith("n…")
