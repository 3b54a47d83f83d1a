"""Pictures: drawn for every kind of track, the same twice, and what is drawn lies where it should."""

import numpy as np
import pandas as pd
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.image import imread

from affectmap.errors import ConfigError, StorageError, UsageError
from affectmap.track import picture as track_picture
from affectmap.track.picture import draw_track


def make_table(n_segments, seed=0, *, gap_s=0.0):
    rng = np.random.default_rng(seed)
    start = np.arange(n_segments) * (3.0 + gap_s)
    table = pd.DataFrame({"file": "talk.wav", "start": start, "end": start + 3, "speech": 0.9})
    for label in ("activation", "valence"):
        level = np.clip(3 + np.cumsum(0.2 * rng.normal(size=n_segments)), 1.5, 4.5)
        table[label] = np.clip(level + 0.3 * rng.normal(size=n_segments), 1, 5)
        for end, shift in (("", 0), ("_low", -0.3), ("_high", 0.3)):
            table[f"{label}_level{end}"] = level + shift
        table[f"{label}_low"], table[f"{label}_high"] = table[label] - 1, table[label] + 1
    for flag in ("too_short", "silent", "clipped", "not_speech", "unfamiliar"):
        table[flag] = rng.uniform(size=n_segments) < (0.1 if n_segments > 3 else 0)
    return table


def ink(file):
    return float(np.mean(imread(file)[..., :3].min(axis=-1) < 0.95))


@pytest.mark.parametrize(
    ("n_segments", "suffix"),
    [*((n_segments, ".png") for n_segments in (0, 1, 2, 7, 1200)), (0, ".svg"), (7, ".svg")],
)
def test_tracks_of_every_length(tmp_path, n_segments, suffix):
    file = tmp_path / f"track{suffix}"
    draw_track(make_table(n_segments), file, duration_s=max(3.0 * n_segments, 5), smoothing_s=10)
    if suffix == ".png":
        assert 0.005 < ink(file) < 0.6
    else:
        assert file.read_text().lstrip().startswith("<?xml")


def test_more_segments_leave_more_ink(tmp_path):
    for n_segments in (2, 400):
        draw_track(make_table(n_segments), tmp_path / f"{n_segments}.png", duration_s=1200, smoothing_s=10)
    assert ink(tmp_path / "400.png") > ink(tmp_path / "2.png")


@pytest.mark.parametrize("suffix", [".png", ".svg"])
def test_the_same_twice(tmp_path, suffix):
    for name in "ab":
        draw_track(make_table(40), tmp_path / f"{name}{suffix}", duration_s=120, smoothing_s=10)
    assert (tmp_path / f"a{suffix}").read_bytes() == (tmp_path / f"b{suffix}").read_bytes()


def test_two_speakers_have_lines_and_paths_of_their_own():
    table = make_table(12)
    table["too_short"] = table["silent"] = table["not_speech"] = False
    table["speaker"] = ["S1", "S2"] * 5 + [None, "S1"]
    upper, _, _, plane, *_ = drawn(table, 36).axes
    names = [text.get_text() for text in plane.texts]
    assert names == ["S1 start", "S1 end", "S2 start", "S2 end"]
    assert [text.get_text() for text in upper.texts if text.get_text().startswith("S")] == ["S1", "S2"]
    lines = {line.get_linestyle(): line for line in upper.lines if len(line.get_xdata()) > 2}
    assert lines["-"].get_xdata().tolist() == [1.5, 7.5, 13.5, 19.5, 25.5, 34.5]
    assert lines["--"].get_xdata().tolist() == [4.5, 10.5, 16.5, 22.5, 28.5]


def drawn(table, duration_s):
    figure = Figure()
    FigureCanvasAgg(figure)
    track_picture._fill(figure, table, duration_s, 10)
    figure.canvas.draw()
    return figure


def test_axes_are_those_of_the_ratings():
    upper, lower, strip, plane, _ = drawn(make_table(100), 300).axes
    for axis in (upper, lower):
        assert axis.get_ylim() == pytest.approx((0.92, 5.08))
    assert plane.get_xlim() == plane.get_ylim() == (1, 5)
    assert strip.get_xlim() == (0, 5)  # minutes
    assert "valence" in plane.get_xlabel()
    assert "activation" in plane.get_ylabel()


def test_one_segment_is_a_point_without_a_bar_of_colours():
    figure = drawn(make_table(1), 3)
    *_, plane = axes = figure.axes
    assert len(axes) == 4
    assert plane.get_xlim() == plane.get_ylim() == (1, 5)
    assert [text.get_text() for text in plane.texts] == ["one segment"]
    assert "1 segment in 3 s. Dot: the segment. Ring and band: level" in figure.texts[1].get_text()
    unsure = make_table(1).assign(activation_level_low=np.nan, activation_level_high=np.nan)
    assert "Dot: the segment. Ring: level (smoothed" in drawn(unsure, 3).texts[1].get_text()
    ring, band = axes[0].lines[1], axes[0].collections[1]
    row = make_table(1).iloc[0]
    assert ring.get_xydata().tolist() == [[1.5, row["activation_level"]]]
    assert band.get_segments()[0][:, 1].tolist() == [row["activation_level_low"], row["activation_level_high"]]


def test_no_segment_is_told_with_the_same_axes():
    figure = drawn(make_table(0), 0.4)
    assert len(figure.axes) == 4
    assert figure.axes[0].get_xlim() == (0, 0.4)
    assert [text.get_text() for text in figure.texts] == ["no speech was found", "0 segments in 0.4 s."]
    silent = drawn(make_table(3).assign(silent=True), 9)
    assert silent.texts[1].get_text() == "3 segments in 9 s, none with values to show."


def test_the_bar_of_colours_shows_times_as_they_are():
    table = make_table(2).assign(silent=False)
    table[["start", "end"]] += 3600
    bar = drawn(table, 3606).axes[4]
    assert bar.yaxis.get_offset_text().get_text() == ""
    assert bar.get_ylim() == pytest.approx(((3601.5 / 60), (3604.5 / 60)))


def test_the_path_is_that_of_the_levels():
    table = make_table(60)
    plane = drawn(table, 180).axes[3]
    used = table[~table[["silent", "not_speech", "too_short"]].any(axis=1)]
    segments = plane.collections[-1].get_segments()
    np.testing.assert_allclose(segments[0][0], used[["valence_level", "activation_level"]].iloc[0])
    np.testing.assert_allclose(segments[-1][1], used[["valence_level", "activation_level"]].iloc[-1])
    assert {text.get_text() for text in plane.texts} == {"start", "end"}


def test_the_line_is_interrupted_where_nobody_speaks():
    table = make_table(10, gap_s=1).assign(silent=False, not_speech=False, too_short=False)
    whole = len(drawn(table, 600).axes[0].lines)
    table.loc[5:, ["start", "end"]] += 400
    assert len(drawn(table, 600).axes[0].lines) == whole + 1


def test_segments_without_values_are_left_out(tmp_path):
    table = make_table(20)
    table.loc[3:5, ["activation", "valence"]] = np.nan
    draw_track(table, tmp_path / "a.png", duration_s=60, smoothing_s=10)
    table[["activation", "valence", "activation_level", "valence_level"]] = np.nan
    draw_track(table, tmp_path / "b.png", duration_s=60, smoothing_s=10)
    assert ink(tmp_path / "b.png") < ink(tmp_path / "a.png")


@pytest.mark.parametrize("name", ["$x_1$.wav", "a" * 300 + ".wav", "Gespräch 日本.wav"])
@pytest.mark.filterwarnings("ignore:Glyph")
def test_names_that_matplotlib_could_stumble_over(tmp_path, name):
    draw_track(make_table(5).assign(file=name), tmp_path / "a.svg", duration_s=15, smoothing_s=10)


def test_what_cannot_be_drawn(tmp_path, monkeypatch):
    table = make_table(5)
    with pytest.raises(UsageError, match=r"ends in \.png or \.svg"):
        draw_track(table, tmp_path / "a.bmp", duration_s=15, smoothing_s=10)
    with pytest.raises(ConfigError, match="gives no valence; a picture needs both"):
        draw_track(table.drop(columns="valence_level"), tmp_path / "a.png", duration_s=15, smoothing_s=10)
    (tmp_path / "b.png").mkdir()
    with pytest.raises(StorageError, match="is a folder"):
        draw_track(table, tmp_path / "b.png", duration_s=15, smoothing_s=10)
    monkeypatch.setattr("affectmap.extras.installed", lambda module: module != "matplotlib")
    with pytest.raises(ConfigError, match=r'pip install "affectmap\[plot\]"'):
        draw_track(table, tmp_path / "a.png", duration_s=15, smoothing_s=10)
