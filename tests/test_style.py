import itertools
import re
from importlib import resources

import numpy as np
import pytest

from affectmap.style import (
    ACT,
    EMOTION_MARKS,
    INK,
    LABEL_COLOURS,
    LABEL_COLOURS_DARK,
    METHOD_MARKS,
    MUTED,
    RULE,
    VAL,
    chance,
    class_names,
    ordered,
)

#: Machado et al. 2009, severity 1, on linear RGB.
BLINDNESS = {
    "none": np.eye(3),
    "protan": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "deutan": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
    "tritan": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]],
}


def linear(colour):
    value = np.array([int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)])
    return np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)


def lab(rgb):
    to_xyz = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
    x, y, z = np.clip(rgb, 0, 1) @ to_xyz.T / np.array([0.9505, 1, 1.089])
    f = [np.cbrt(t) if t > 0.008856 else 7.787 * t + 16 / 116 for t in (x, y, z)]
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


def contrast(one, other):
    light, heavy = sorted((float(linear(c) @ [0.2126, 0.7152, 0.0722]) for c in (one, other)), reverse=True)
    return (light + 0.05) / (heavy + 0.05)


@pytest.mark.parametrize("kind", BLINDNESS)
@pytest.mark.parametrize("marks", [EMOTION_MARKS, METHOD_MARKS], ids=["emotions", "methods"])
def test_colours_stay_apart_for_every_kind_of_sight(marks, kind):
    seen = [lab(np.array(BLINDNESS[kind]) @ linear(mark.colour)) for mark in marks.values()]
    assert min(np.linalg.norm(a - b) for a, b in itertools.combinations(seen, 2)) >= 18


@pytest.mark.parametrize("marks", [EMOTION_MARKS, METHOD_MARKS], ids=["emotions", "methods"])
def test_shapes_tell_what_colours_tell(marks):
    assert len({mark.marker for mark in marks.values()}) == len(marks)


def test_methods_differ_in_their_dashes_too():
    assert len({mark.dash for mark in METHOD_MARKS.values()}) == len(METHOD_MARKS)


def test_the_two_ratings_have_one_colour_each_on_both_grounds():
    assert METHOD_MARKS[ACT].colour == LABEL_COLOURS["activation"]
    assert METHOD_MARKS[VAL].colour == LABEL_COLOURS["valence"]
    for colours, ground in ((LABEL_COLOURS, "#ffffff"), (LABEL_COLOURS_DARK, "#14181d")):
        assert all(contrast(colour, ground) >= 4.5 for colour in colours.values())


@pytest.mark.parametrize("sheet", ["report/report.css", "service/static/page.css"])
def test_style_sheets_have_the_colours_of_the_ratings(sheet):
    css = resources.files("affectmap").joinpath(*sheet.split("/")).read_text()
    light, dark = css.split("prefers-color-scheme: dark", 1)
    for part, colours in ((light, LABEL_COLOURS), (dark, LABEL_COLOURS_DARK)):
        found = dict(re.findall(r"--(activation|valence): (#[0-9a-f]{6})", part))
        assert found == colours


def test_style_sheets_have_one_ground_one_ink_and_one_rule():
    sheets = ("report/report.css", "explorer/static/explorer.css", "service/static/page.css")
    sheets += ("annotator/static/rating.css", "annotator/static/organiser.css")
    found = []
    for sheet in sheets:
        css = resources.files("affectmap").joinpath(*sheet.split("/")).read_text()
        parts = css.split("prefers-color-scheme: dark", 1)
        found.append([dict(re.findall(r"--(ground|ink|muted|rule): (#[0-9a-f]{6})", part)) for part in parts])
    assert found[0][0] == {"ground": "#ffffff", "ink": INK, "muted": MUTED, "rule": RULE}
    assert set(found[0][1]) == set(found[0][0])
    assert found == [found[0]] * len(sheets)


@pytest.mark.parametrize("colour", [INK, MUTED])
def test_text_in_figures_can_be_read(colour):
    assert contrast(colour, "#ffffff") >= 4.5


def test_text_colours_of_the_page_can_be_read_on_both_grounds():
    css = resources.files("affectmap.report").joinpath("report.css").read_text()
    light, dark = css.split("prefers-color-scheme: dark", 1)
    names = "ink|muted|accent|link|amber|red|green|grey|activation|valence"
    for part in (light, dark):
        ground = re.search(r"--ground: (#[0-9a-f]{6})", part)[1]
        colours = re.findall(rf"--({names}): (#[0-9a-f]{{6}})", part)
        assert len(colours) == 10
        for name, colour in colours:
            assert contrast(colour, ground) >= 4.5, (name, colour, ground)
    assert not re.findall(r"[{; ]color: #", css)  # none that has no dark counterpart


def test_order_keeps_unknown_names_last_as_they_came():
    assert ordered(["y", "b", "x", "a", "y"], ("a", "b", "c")) == ["a", "b", "y", "x"]


@pytest.mark.parametrize(
    ("quantity", "names"),
    [
        ("N-S-H-A", ["neutral", "sad", "happy", "angry"]),
        ("N-S-A", ["neutral", "sad", "angry"]),
        ("S-A", ["sad", "angry"]),
    ],
)
def test_classes_and_guessing(quantity, names):
    assert class_names(quantity) == names
    assert chance(quantity) == 1 / len(names)
