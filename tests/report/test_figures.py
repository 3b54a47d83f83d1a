import dataclasses

import numpy as np
import pandas as pd
import pytest

from affectmap.report import figures
from affectmap.report.canvas import Drawn, Picture, drawing
from affectmap.report.dots import dot_plot
from affectmap.report.figures import learning_curves
from affectmap.report.page import page_tables
from affectmap.report.tables import build_table

CORPORA = ["emodb", "urdu", "aesdd"]


@pytest.fixture
def draw(monkeypatch, tmp_path):
    """Draw, but keep the pictures' words and write nothing."""
    monkeypatch.setattr(
        figures,
        "save",
        lambda figure, folder, stem, caption, alt, narrow: Picture(
            stem, caption, alt, "data:", 1, 1, Drawn("data:", 1, 1)
        ),
    )
    return lambda results: figures.draw_figures(results, page_tables(results), tmp_path)


@pytest.mark.slow
def test_captions_tell_what_is_seen(draw, whole_results):
    pictures = draw(whole_results)
    assert {place: len(mine) for place, mine in pictures.items()} == {
        "map": 1,
        "maps": 1,
        "circumplex": 1,
        "network": 1,
        "latent": 4,
        "baselines": 0,
        "curves": 1,
        "table3": 1,
        "table4": 1,
    }
    assert "emodb’s raters" in pictures["circumplex"][0].caption
    assert "Hollow: the same for aesdd and urdu." in pictures["circumplex"][0].caption
    assert "88-40-20-10-2-10-20-40-88" in pictures["network"][0].caption
    assert pictures["latent"][1].caption.startswith("DAE-Metric-Act: the embedding of 219 utterances")
    assert "five runs a method" in pictures["curves"][0].caption
    assert pictures["table4"][0].stem == "figure6-table-4"
    assert "guessing" in pictures["table4"][0].caption
    assert pictures["map"][0].caption.startswith(
        "One dot an utterance, 219 in all, none of them used in training, by DAE"
    )
    assert "read out by one line fitted on the training rows" in pictures["map"][0].caption
    assert "Maps of emodb, urdu and aesdd, valence to the right" in pictures["map"][0].alt


def test_baselines_are_apart_and_lettered_on(draw, source_only):
    few = source_only.embeddings.groupby("method", sort=False).head(5)
    extra = few.query("method == 'DAE-Unsupervised'").assign(method="PCA-2")
    empty = {"embeddings": pd.concat([extra, few], ignore_index=True), "curves": source_only.curves[:0]}
    pictures = draw(dataclasses.replace(source_only, summary=source_only.summary[:0], **empty))
    assert [picture.stem for picture in pictures["baselines"]] == ["figure3e-pca-2"]
    assert len(pictures["latent"]) == 4


def test_more_latent_numbers_than_two_are_told(draw, source_only):
    embeddings = source_only.embeddings.query("method == 'DAE-Unsupervised'")
    empty = {"curves": source_only.curves[:0], "summary": source_only.summary[:0]}
    small = dataclasses.replace(source_only, embeddings=embeddings, settings={"latent_dim": 5}, **empty)
    assert "five numbers are rotated onto their two principal components" in draw(small)["latent"][0].caption


def test_places_without_data_have_no_picture(draw, source_only):
    empty = {name: getattr(source_only, name).iloc[:0] for name in ("embeddings", "ratings", "curves", "summary")}
    pictures = draw(dataclasses.replace(source_only, **empty))
    assert [place for place, mine in pictures.items() if mine] == ["circumplex", "network"]
    assert "no pairs of ratings" in pictures["circumplex"][0].caption


def test_curves_are_of_the_folds_and_of_compared_methods(draw, source_only, monkeypatch):
    seen = []
    monkeypatch.setattr(figures, "learning_curves", lambda rows, narrow: seen.append(rows))
    curves = source_only.curves
    whole = curves[curves["fold"] == 1].assign(fold=0, total=1e9)
    within = curves[curves["fold"] == 1].assign(method="Metric-Act (supervised)")
    empty = {"embeddings": source_only.embeddings[:0], "summary": source_only.summary[:0]}
    draw(dataclasses.replace(source_only, curves=pd.concat([curves, whole, within]), **empty))
    assert len(seen[0]) == len(seen[1]) == len(curves)  # wide and narrow
    draw(dataclasses.replace(source_only, curves=whole, **empty))
    assert len(seen[2]) == len(whole)


@pytest.mark.slow
def test_of_a_large_corpus_some_points_are_drawn_always_the_same(draw, source_only, monkeypatch):
    drawn = []
    kept = figures.latent_figure
    monkeypatch.setattr(
        figures, "latent_figure", lambda rows, corpora, **width: drawn.append(rows) or kept(rows, corpora, **width)
    )
    embeddings = source_only.embeddings.query("method == 'DAE-Unsupervised'")
    empty = {"curves": source_only.curves[:0], "summary": source_only.summary[:0]}
    few = dataclasses.replace(source_only, embeddings=embeddings, **empty)
    assert "The figure draws" not in draw(few)["latent"][0].caption
    monkeypatch.setattr(figures, "DRAWN_POINTS", 20)
    assert "The figure draws 20, at most 20 of a corpus, chosen at random." in draw(few)["latent"][0].caption
    draw(few)
    assert len(drawn[0]) == len(embeddings)
    few_rows = drawn[2:]  # wide and narrow, twice
    assert few_rows[0].index.is_monotonic_increasing
    assert len(few_rows) == 4
    for other in few_rows[1:]:
        pd.testing.assert_frame_equal(few_rows[0], other)


def dots(axes):
    """Places of the dots: one point each, drawn with a marker."""
    lines = [
        line
        for line in axes.lines
        if line.get_marker() not in ("None", "") and len(np.atleast_1d(line.get_xdata())) == 1
    ]
    return sorted((float(line.get_ydata()[0]), float(line.get_xdata()[0])) for line in lines)


def test_curves_are_means_with_their_range(whole_results):
    with drawing():
        figure = learning_curves(whole_results.curves)
    assert [axes.get_title(loc="left") for axes in figure.axes] == [
        "total loss",
        "reconstruction",
        "metric: slope",
        "metric: residual",
    ]
    curves = whole_results.curves.query("method == 'DAE-Metric-Act'").groupby("epoch")["total"]
    line = next(line for line in figure.axes[0].lines if line.get_label() == "DAE-Metric-Act")
    assert line.get_ydata() == pytest.approx(curves.mean().to_numpy())
    band = figure.axes[0].collections[1].get_paths()[0].vertices
    assert band[:, 1].max() == pytest.approx(curves.max().max())


def test_losses_of_held_out_rows_are_thin_lines_and_absent_ones_none(draw, whole_results):
    curves = whole_results.curves.assign(validation_total=lambda table: table["total"] + 0.1, validation_slope=0.0)
    figure = learning_curves(curves)
    thin = [line for line in figure.axes[0].lines if line.get_linewidth() < 1]
    assert len(thin) == 4
    expected = curves[curves["method"] == "DAE-Metric-Act"].groupby("epoch")["validation_total"].mean()
    assert any(np.allclose(line.get_ydata(), expected) for line in thin)
    assert all(line.get_linewidth() > 1 for line in figure.axes[2].lines)
    assert len(figure.legends[0].get_texts()) == 4
    empty = {"embeddings": whole_results.embeddings[:0], "summary": whole_results.summary[:0]}
    (picture,) = draw(dataclasses.replace(whole_results, curves=curves, **empty))["curves"]
    assert picture.caption.endswith("Thin lines: mean on rows held out, one batch a run.")


def test_a_loss_that_a_method_lacks_has_no_line(whole_results):
    for absent in (np.nan, 0.0):
        curves = whole_results.curves.copy()
        curves.loc[curves["method"] == "DAE-Unsupervised", ["slope", "residual"]] = absent
        figure = learning_curves(curves)
        slope = next(line for line in figure.axes[2].lines if line.get_label() == "DAE-Unsupervised")
        assert len(slope.get_xdata()) == 0, absent
        assert [text.get_text() for text in figure.legends[0].get_texts()] == list(curves["method"].unique()), absent


def test_one_epoch_is_a_point(whole_results):
    figure = learning_curves(whole_results.curves.query("epoch == 1"))
    assert {line.get_marker() for line in figure.axes[0].lines} == {"o", "s", "D", "^"}


def test_dots_stand_at_the_means_in_the_order_of_the_table(whole_results):
    table = build_table(whole_results.summary, "3", CORPORA, ["held-out", "zero-shot"])
    with drawing():
        figure = dot_plot(table)
    assert len(figure.axes) == 6
    first = figure.axes[1]
    assert first.get_title(loc="left") == "urdu"
    assert first.get_xlabel() == "adjusted R² of activation"
    rows = [row for group in table.groups for row in group.rows]
    means = [record["mean"] for row in rows if (record := row.records.get(("urdu", "activation")))]
    assert [x for _, x in dots(first)] == pytest.approx(means)
    names = [text.get_text() for text in figure.axes[0].get_yticklabels()]
    assert names == [row.label for row in rows]


def test_panels_of_a_row_share_their_axis_and_hold_every_interval(whole_results):
    table = build_table(whole_results.summary, "4", CORPORA, ["held-out", "zero-shot"])
    figure = dot_plot(table)
    assert len({axes.get_xlim() for axes in figure.axes[:3]}) == 1
    left, right = figure.axes[0].get_xlim()
    shown = [record for record in table.records if record["quantity"] in ("N-S-A", "S-A")]
    assert left <= min(record["ci_low"] for record in shown)
    assert [label.get_text() for label in figure.axes[0].get_xticklabels()][:2] in ([".20", ".40"], [".00", ".20"])
    assert right >= min(1.0, max(record["ci_high"] for record in shown))
    assert [axes.get_xlabel() for axes in figure.axes[3:]] == ["UAR of N-S-H-A"] * 2 + ["UAR of S-H-A"]


def test_guessing_is_marked_where_one_can_guess(whole_results):
    table = build_table(whole_results.summary, "4", CORPORA, ["held-out", "zero-shot"])
    axes = dot_plot(table).axes
    guesses = [next(line.get_xdata()[0] for line in a.lines if list(line.get_ydata()) == [0, 1]) for a in axes]
    assert guesses == pytest.approx([1 / 3, 1 / 3, 1 / 2, 1 / 4, 1 / 4, 1 / 3])


def test_missing_intervals_and_quantities_leave_gaps(whole_results):
    summary = whole_results.summary.assign(ci_low=np.nan, ci_high=np.nan)
    summary = summary[~((summary["corpus"] == "urdu") & (summary["quantity"] == "valence"))]
    table = build_table(summary, "3", CORPORA, ["held-out", "zero-shot"])
    figure = dot_plot(table)
    assert len(figure.axes) == 6
    assert dots(figure.axes[4]) == []
    assert figure.axes[4].get_xlabel() == ""


def test_one_hopeless_value_does_not_squeeze_the_others(whole_results):
    summary = whole_results.summary.copy()
    summary.loc[(summary["table"] == "3") & (summary["method"] == "PCA-2"), ["mean", "ci_low"]] = -40.0
    figure = dot_plot(build_table(summary, "3", CORPORA, ["held-out", "zero-shot"]))
    left, right = figure.axes[0].get_xlim()
    assert -0.6 < left < 0 < right <= 1.1
    hopeless = [line for line in figure.axes[0].lines if line.get_marker() == "<"]
    assert [line.get_xdata()[0] for line in hopeless] == [left]
