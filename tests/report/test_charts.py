import numpy as np
import pytest

from affectmap.report.canvas import drawing
from affectmap.report.charts import dot_plot, learning_curves
from affectmap.report.tables import build_table

CORPORA = ["emodb", "urdu", "aesdd"]


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


@pytest.mark.parametrize("absent", [np.nan, 0.0])
def test_a_loss_that_a_method_lacks_has_no_line(whole_results, absent):
    curves = whole_results.curves.copy()
    curves.loc[curves["method"] == "DAE-Unsupervised", ["slope", "residual"]] = absent
    figure = learning_curves(curves)
    slope = next(line for line in figure.axes[2].lines if line.get_label() == "DAE-Unsupervised")
    assert len(slope.get_xdata()) == 0
    assert [text.get_text() for text in figure.legends[0].get_texts()] == list(whole_results.curves["method"].unique())


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
    means = [record["mean"] for row in rows if (record := row.value("urdu", "activation"))]
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
    assert right >= min(1.0, max(record["ci_high"] for record in shown))
    assert [axes.get_xlabel() for axes in figure.axes[3:]] == ["UAR of N-S-H-A in %"] * 2 + ["UAR of S-H-A in %"]


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
