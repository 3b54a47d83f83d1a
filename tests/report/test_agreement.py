"""The page of agreement, its pictures and its files."""

import re

import numpy as np
import pandas as pd
import pytest

from affectmap.agreement import agreement_table, estimates, warnings_of
from affectmap.agreement.table import text_tables
from affectmap.errors import StorageError
from affectmap.report.agreement import (
    DRAWN_ITEMS,
    DRAWN_RATERS,
    affect_grid,
    drawn_raters,
    render,
    scale_use,
    write_agreement,
)
from affectmap.text import latex_tables
from browsers import axe_violations, check_colours, close_tabs, open_tab
from rating_files import make_ratings, simulate


def write(ratings, folder, **options):
    table = agreement_table(ratings)
    write_agreement(ratings, table, warnings_of(ratings), folder, **options)
    return table


@pytest.fixture(scope="module")
def usual(tmp_path_factory):
    """Ratings of three raters, their table, and the folder that was written."""
    ratings, folder = simulate(20, n_repeats=5), tmp_path_factory.mktemp("usual") / "out"
    return ratings, write(ratings, folder), folder


def test_everything_is_written(usual):
    ratings, table, folder = usual
    names = {str(file.relative_to(folder)) for file in folder.rglob("*") if file.is_file()}
    figures = {f"figures/{stem}.{kind}" for stem in ("affect-grid", "scale-use") for kind in ("png", "svg")}
    assert names == {".affectmap", "agreement.csv", "agreement.html", "gold_standard.csv", "tables.tex", *figures}
    written = pd.read_csv(
        folder / "agreement.csv", keep_default_na=False, na_values={"value": "", "low": "", "high": ""}
    )
    pd.testing.assert_frame_equal(written, table, rtol=1e-5, check_dtype=False)
    tex = (folder / "tables.tex").read_text(encoding="utf-8")
    assert tex == latex_tables(text_tables(ratings, table))
    assert r"\caption{Two raters. CCC is 1 where" in tex
    gold = pd.read_csv(folder / "gold_standard.csv")
    np.testing.assert_allclose(gold["valence_ewe"], estimates(ratings)["valence_ewe"], rtol=1e-5)


def test_the_page_needs_nothing_beside_it_and_escapes_names():
    ratings = simulate(20, raters=("<b>anna</b>", "bo & co"))
    page = render(ratings, agreement_table(ratings), ["<script>alert(1)</script>"])
    assert "<b>anna" not in page
    assert "&lt;b&gt;anna&lt;/b&gt;, bo &amp; co" in page
    assert "<script" not in page
    assert not re.search(r'(?:src|href)="(?!data:|#)', page)
    assert "<h1>Two raters, 20 recordings</h1>" in page


def test_warnings_stand_on_top_or_nowhere():
    ratings = simulate(20)
    table = agreement_table(ratings)
    page = render(ratings, table, ["bo never moved valence."])
    assert page.index('class="answer"') < page.index("bo never moved valence.") < page.index('id="table1"')
    assert "Read this first" not in render(ratings, table, [])


def test_the_page_begins_with_a_verdict_and_the_grid(usual):
    page = (usual[-1] / "agreement.html").read_text(encoding="utf-8")
    order = ['id="verdict"', "raters agree", 'id="affect-grid"', 'id="table1"', 'id="scale-use"', 'id="how"']
    places = [page.index(mark) for mark in order]
    assert places == sorted(places)
    assert page.count('media="(max-width: 700px)"') == 2


def test_a_long_table_is_folded():
    ratings = simulate(3, raters=tuple(f"r{i}" for i in range(6)))
    page = render(ratings, agreement_table(ratings), [])
    assert re.search(r"<summary><b>All \d+ rows</b></summary>", page)


@pytest.mark.browser
@pytest.mark.parametrize(("width", "dark"), [(1280, False), (390, True)])
def test_the_page_fits_and_can_be_read_in_light_and_dark(browser, usual, tmp_path, width, dark):
    tab = open_tab(browser, tmp_path, width, 900, dark=dark)
    try:
        tab.get((usual[-1] / "agreement.html").as_uri())
        assert tab.execute_script("return document.documentElement.scrollWidth") <= width
        assert tab.execute_script("return document.querySelector('#affect-grid img').getBoundingClientRect().top") < 450
        check_colours(tab, 60)
        assert axe_violations(tab) == []
        assert tab.get_log("browser") == []
    finally:
        close_tabs(browser)


def test_pictures_of_what_there_is(tmp_path):
    valence = {"file": "a", "rater": "x", "valence": 2.0}
    for figures, *rows in (
        (0,),
        (0, {"file": "a", "rater": "x", "emotion": "sad"}),
        (1, valence),
        (1, valence, {"file": "b", "rater": "x", "activation": 2.0}),
        (2, {"file": "a", "rater": "$x$", "valence": 2.0, "activation": 4.0}),
    ):
        write(make_ratings(*rows), tmp_path / "out", overwrite=True)
        assert (tmp_path / "out" / "agreement.html").read_text().count("<figure") == figures, rows


@pytest.mark.slow
def test_the_same_ratings_give_the_same_bytes_and_no_folder_is_replaced_unasked(tmp_path):
    ratings = simulate(4, raters=("anna", "bo"))
    write(ratings, tmp_path / "out")
    with pytest.raises(StorageError, match="exists"):
        write(ratings, tmp_path / "out")
    first = {f.name: f.read_bytes() for f in (tmp_path / "out").rglob("*.*") if f.is_file()}
    write(ratings, tmp_path / "out", overwrite=True)
    second = {f.name: f.read_bytes() for f in (tmp_path / "out").rglob("*.*") if f.is_file()}
    assert first == second


def test_many_raters_are_chosen_from():
    ratings = simulate(3, raters=tuple(f"r{i:02}" for i in range(DRAWN_RATERS + 3)))
    ratings = ratings[~((ratings["rater"] == "r00") & (ratings["file"] > "wav/000.wav"))]
    drawn = drawn_raters(ratings)
    assert drawn == [f"r{i:02}" for i in range(1, DRAWN_RATERS + 1)]
    assert len(affect_grid(ratings, drawn).axes) == DRAWN_RATERS


def test_the_grid_draws_a_line_from_the_others_to_the_rater():
    ratings = make_ratings(
        {"file": "a", "rater": "x", "valence": 2.0, "activation": 4.0},
        {"file": "a", "rater": "y", "valence": 3.0, "activation": 5.0},
        {"file": "a", "rater": "z", "valence": 4.0, "activation": 1.0},
    )
    axes = affect_grid(ratings, ["x", "y", "z"]).axes[0]
    line, dots = axes.lines[2:]
    assert np.column_stack(line.get_data()).tolist() == [[2, 4], [3.5, 3]]
    assert np.column_stack(dots.get_data()).tolist() == [[2, 4]]
    assert axes.get_title(loc="left") == "x (1)"


def test_only_some_items_are_drawn_and_long_names_are_cut():
    ratings = simulate(DRAWN_ITEMS + 20, raters=("a rater with a very long name", "bo"))
    axes = affect_grid(ratings, drawn_raters(ratings)).axes[0]
    assert len(axes.lines[-1].get_xdata()) == DRAWN_ITEMS
    assert axes.get_title(loc="left") == "a rater with a … (170)"


def test_bars_count_the_steps_of_a_scale():
    ratings = make_ratings(*({"file": str(i), "rater": "x", "valence": v} for i, v in enumerate([1.0, 1.0, 4.5, 4.4])))
    activation, valence = scale_use(ratings, ["x"]).axes
    assert not activation.patches
    heights = {round(bar.get_x() + bar.get_width() / 2, 1): bar.get_height() for bar in valence.patches}
    assert heights == {1.0: 0.85, 4.5: 0.85}
