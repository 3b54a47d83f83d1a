import dataclasses
import json
import re
import subprocess
import sys
import warnings
from html.parser import HTMLParser
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from PIL import Image

from affectmap.errors import StorageError
from affectmap.report import with_titles, write_report, write_tables
from affectmap.report.page import page_tables, render
from browsers import axe_violations, check_colours, close_tabs, luminance, open_tab

VOID = {"meta", "img", "br", "path", "link", "source", "circle"}
PLACES = ("map", "maps", "circumplex", "network", "latent", "baselines", "curves", "table3", "table4")
NO_PICTURES = {place: [] for place in PLACES}


class Page(HTMLParser):
    """What a browser would find in the page; of its text, what no reader has to unfold."""

    def __init__(self, html):
        super().__init__()
        self.open, self.tags, self.ids, self.text, self.headings, self.main_line = [], [], [], "", [], ""
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        attributes = dict(attrs)
        self.tags.append((tag, attributes))
        self.ids += [attributes["id"]] if "id" in attributes else []
        if tag not in VOID:
            self.open.append(tag)
        if re.fullmatch("h[1-6]", tag):
            self.headings.append(int(tag[1]))

    def handle_startendtag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] != "style":
            self.text += data
            folded = self.open.count("details")
            if not folded or (folded == 1 and "summary" in self.open):
                self.main_line += data

    def all(self, tag):
        return [attributes for name, attributes in self.tags if name == tag]


def rendered(results):
    results = with_titles(results)
    return render(results, page_tables(results), NO_PICTURES)


@pytest.fixture(scope="module")
def folder(whole_results, tmp_path_factory):
    """The report of a run, with pictures of two methods of four: each is drawn by the same functions."""
    path = tmp_path_factory.mktemp("report")
    embeddings = whole_results.embeddings
    pictured = embeddings[embeddings["method"].isin(["DAE-Unsupervised", "DAE-Metric-Act"])]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        write_report(dataclasses.replace(whole_results, embeddings=pictured), path)
    return path


@pytest.fixture(scope="module")
def html(folder):
    return (folder / "report.html").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def page(html):
    return Page(html)


@pytest.mark.slow  # imports PyTorch
def test_stand_in_has_the_fields_of_the_real_results(whole_results):
    from affectmap.experiment.results import Results

    real = {field.name for field in dataclasses.fields(Results)}
    assert {field.name for field in dataclasses.fields(whole_results)} == real - {"embedders"}


def test_behind_the_averages_are_classes_sexes_and_speakers(html):
    behind = html.partition('id="behind"')[2].partition('id="table2"')[0]
    assert "URDU, DAE-Metric-Act</caption>" in behind  # the method that recognises more
    assert behind.count("--share: 0.75") == 2
    for words in ("Recall of each class", "Mean absolute error", "By sex", "URDU by speaker", "UAR of two speakers"):
        assert words in behind


def test_a_run_without_details_has_no_such_part(whole_results, tmp_path):
    none = dataclasses.replace(whole_results, details=pd.DataFrame(), confusion=pd.DataFrame())
    assert 'id="behind"' not in rendered(none)
    write_tables(none, tmp_path)
    assert not (tmp_path / "details.csv").exists()


def test_the_lowest_error_is_the_best(whole_results):
    table = page_tables(whole_results)["error"]
    (compared,) = (group for group in table.groups if group.title == "Autoencoders")
    for number, column in enumerate(table.columns):
        means = {row.label: row.records[column]["mean"] for row in compared.rows}
        assert next(row.cells[number].best for row in compared.rows if row.label == min(means, key=means.get))


def test_costs_stand_under_table_4_and_in_a_file_of_their_own(whole_results, tmp_path):
    row = {"model": "SUPERB, tiny", "parameters": 7804, "seconds_per_minute": 1.5, "memory_mb": 495.2, "device": "cpu"}
    results = dataclasses.replace(whole_results, costs=pd.DataFrame([row]))
    page = rendered(results)
    assert "<td>7,804</td><td>1.50</td><td>495</td>" in page
    assert "where a corpus has fewer classes, the likeliest of those counts" in page
    write_tables(results, tmp_path)
    assert pd.read_csv(tmp_path / "costs.csv").to_dict("records") == [row]


@pytest.mark.slow
def test_importing_the_report_does_not_import_torch():
    code = "import sys, affectmap.report; sys.exit('torch' in sys.modules or 'matplotlib.pyplot' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_all_files_are_there_and_nothing_else(folder):
    names = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
    tables = [
        "audit",
        "table1",
        "table2",
        "table3",
        "table4",
        "claims",
        "comparisons",
        "confusion",
        "corpora",
        "details",
        "findings",
        "runs",
        "curves",
    ]
    figures = [
        "map",
        "figure1-circumplex",
        "figure2-network",
        "figure3-maps",
        "figure3a-dae-unsupervised",
        "figure3b-dae-metric-act",
        "figure4-learning-curves",
        "figure5-table-3",
        "figure6-table-4",
    ]
    expected = {f"tables/{name}.{ending}" for name in tables for ending in ("csv", "json")}
    expected |= {f"figures/{name}.{ending}" for name in figures for ending in ("png", "svg")}
    assert names == expected | {"report.html", "tables/settings.json", "tables/tables.tex"}


def test_missing_folder_is_one_clear_line(whole_results, tmp_path):
    with pytest.raises(StorageError, match=r"absent is no folder; make it before") as caught:
        write_report(whole_results, tmp_path / "absent")
    assert "\n" not in str(caught.value)
    assert not list(tmp_path.iterdir())


def test_page_needs_nothing_but_itself(page, html):
    sources = [attributes[key] for _, attributes in page.tags for key in ("src", "srcset") if key in attributes]
    assert sources
    assert all(source.startswith("data:image/svg+xml;base64,") for source in sources)
    assert all(attributes["href"].startswith("#") for attributes in page.all("a"))
    assert not page.all("script")
    assert not page.all("link")
    assert "@import" not in html
    assert "url(" not in html
    policy = next(meta["content"] for meta in page.all("meta") if "http-equiv" in meta)
    assert policy == "default-src 'none'; img-src data:; style-src 'unsafe-inline'"


def test_page_is_well_formed_and_its_links_lead_somewhere(page):
    assert page.open == []
    assert len(page.ids) == len(set(page.ids))
    assert {link["href"][1:] for link in page.all("a")} <= set(page.ids)
    labels = [a["aria-labelledby"] for _, a in page.tags if "aria-labelledby" in a]
    assert set(labels) <= set(page.ids)


def test_headings_are_in_order(page):
    assert page.headings[0] == 1
    assert page.headings.count(1) == 1
    assert all(after - before <= 1 for before, after in zip(page.headings, page.headings[1:], strict=False))


def test_sections_come_in_the_order_of_reading(html):
    order = [
        "<h1",
        'id="answer"',
        "Read this first",
        'id="map"',
        'id="summary"',
        'id="table3"',
        'id="figure5-table-3"',
        'id="table4"',
        'id="figure6-table-4"',
        'id="table1"',
        'id="table4-probe"',
        'id="table2"',
        'id="figure3-maps"',
        'id="figure3a-dae-unsupervised"',
        'id="figure1-circumplex"',
        'id="figure2-network"',
        'id="figure4-learning-curves"',
        'id="claims"',
        'id="rivals"',
        'id="audit"',
        'id="corpora"',
        'id="dropped"',
        'id="settings"',
        'id="reading"',
        'id="limits"',
    ]
    places = [html.index(mark) for mark in order]
    assert places == sorted(places)


def test_the_main_line_is_short(page, whole_results):
    assert 700 < len(page.main_line.split()) < 1500
    for words in ("Source: held-out speakers", "it shows that the pipeline runs", *whole_results.claims["statement"]):
        assert words in page.main_line, words
    for words in ("[40, 20, 10]", "standard deviations from the corpus's mean", "How aroused a voice sounds"):
        assert words in page.text, words
        assert words not in page.main_line, words


def test_a_wide_table_is_folded_and_its_picture_is_not(copied):
    page = Page(rendered(copied(["c4", "c5"])))
    assert page.main_line.count("DAE-Metric-Joint") < page.text.count("DAE-Metric-Joint")
    assert "▲ ." not in page.main_line
    assert "▲ ." in page.text


@pytest.mark.browser
@pytest.mark.parametrize(("width", "dark"), [(1280, False), (1280, True), (390, False), (390, True)])
def test_the_answer_and_its_figure_are_the_first_screen(browser, folder, tmp_path, width, dark):
    tab = open_tab(browser, tmp_path, width, 1000, dark=dark)
    try:
        tab.get((folder / "report.html").as_uri())
        assert tab.execute_script("return document.documentElement.scrollWidth") <= width
        place = "return document.querySelector(arguments[0]).getBoundingClientRect()"
        assert tab.execute_script(place, ".answer")["bottom"] < 320
        picture = tab.execute_script(place, "#map img")
        assert picture["top"] < 560
        assert picture["right"] <= width
        assert picture["bottom"] < 700 or width < 700
        # Text in figures keeps its size: they are not shrunk to fit.
        shown = (
            "return [...document.querySelectorAll('main > section > figure img')].map((i) => [i.width, i.naturalWidth])"
        )
        for on_screen, natural in tab.execute_script(shown):
            assert on_screen > 0.9 * natural
        tab.execute_script("scrollTo({top: 3000, behavior: 'instant'})")
        contents = tab.execute_script(place, ".contents")
        assert 0 <= contents["top"] < contents["bottom"] <= 1000
        ground = tab.execute_script("return getComputedStyle(document.body).backgroundColor")
        assert (luminance(ground) < 0.2) == dark
        check_colours(tab, 200)
        assert dark or axe_violations(tab) == []  # the same elements in both
        assert tab.get_log("browser") == []
    finally:
        close_tabs(browser)


@pytest.mark.browser
@pytest.mark.parametrize("width", [390, 1280])
def test_folded_figures_fit_and_their_text_keeps_its_size(browser, folder, tmp_path, width):
    tab = open_tab(browser, tmp_path, width, 1000)
    try:
        tab.get((folder / "report.html").as_uri())
        tab.execute_script("for (const each of document.querySelectorAll('details')) each.open = true")
        sizes = tab.execute_script(
            "return [...document.querySelectorAll('figure img')].map((each) => [each.getBoundingClientRect().width, each.naturalWidth])"
        )
        assert len(sizes) == 9
        assert all(0.9 * natural < on_screen <= width for on_screen, natural in sizes)
        pictures = "[...document.querySelectorAll('.picture')]"
        assert tab.execute_script(f"return {pictures}.every((each) => each.scrollWidth <= each.clientWidth)")
        assert tab.execute_script("return document.documentElement.scrollWidth") <= width
    finally:
        close_tabs(browser)


def test_every_picture_has_words_and_a_size(page):
    pictures = page.all("img")
    assert len(pictures) == 9
    assert all(len(picture["alt"]) > 20 and int(picture["width"]) > 300 for picture in pictures)
    assert len({picture["alt"] for picture in pictures}) == 9


def test_page_shows_notes_command_settings_versions_and_terms(page, whole_results):
    for text in (*whole_results.notes, whole_results.command, "latent_dim", "[40, 20, 10]", "opensmile", "31.2\u202fs"):
        assert text in page.text
    for term in ("Activation", "Adjusted R²", "UAR", "Zero-shot", "Probe"):
        assert term in page.text
    assert "arousal" in page.text
    assert "diagnosis" in page.text


def test_every_finding_is_on_the_page(html, whole_results):
    for detail in whole_results.findings["detail"]:
        assert detail in html.replace("&#39;", "'")


@pytest.mark.parametrize("table", ["1", "3", "4"])
def test_csv_gives_the_summary_back_exactly(folder, whole_results, table):
    read = pd.read_csv(folder / f"tables/table{table}.csv", dtype={"table": str})
    summary = whole_results.summary
    expected = summary[summary["table"] == table].reset_index(drop=True)
    assert len(read) == len(expected) > 0
    for column in expected.columns.drop("significant"):
        assert read[column].tolist() == expected[column].tolist()
    if table != "4":
        assert read["significant"].astype(bool).tolist() == expected["significant"].astype(bool).tolist()


def test_json_holds_the_same_with_null_for_missing(folder, whole_results):
    runs = json.loads((folder / "tables/runs.json").read_text())
    assert [row["value"] for row in runs] == whole_results.runs["value"].tolist()
    assert {row["p_value"] for row in runs if row["table"] == "4"} == {None}
    about = json.loads((folder / "tables/settings.json").read_text())
    assert about["settings"]["hidden_dims"] == [40, 20, 10]
    assert about["command"] == whole_results.command


def test_pngs_are_readable_and_svgs_keep_their_text(folder):
    for path in sorted((folder / "figures").glob("*.png")):
        with Image.open(path) as picture:
            picture.verify()
            assert "Software" not in picture.info
    svg = (folder / "figures/figure5-table-3.svg").read_text()
    assert ">DAE-Metric-Act<" in svg
    assert "system-ui" in svg
    assert "dc:date" not in svg
    assert "<script" not in svg


@pytest.mark.slow
def test_same_results_same_bytes(source_only, tmp_path):
    embeddings = source_only.embeddings.query("method == 'DAE-Unsupervised'")
    # Three figures of six: all are saved by one function.
    small = dataclasses.replace(
        source_only, embeddings=embeddings, curves=source_only.curves[:0], summary=source_only.summary[:0]
    )
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        write_report(small, tmp_path / name)
    files = sorted(path.relative_to(tmp_path / "a") for path in (tmp_path / "a").rglob("*") if path.is_file())
    assert len(files) > 20
    for file in files:
        assert (tmp_path / "a" / file).read_bytes() == (tmp_path / "b" / file).read_bytes(), file


def test_settings_of_matplotlib_are_left_as_they_were(folder):
    assert mpl.rcParams["svg.hashsalt"] is None
    assert mpl.rcParams["text.parse_math"] is True


def test_text_from_data_is_escaped(copied):
    evil = "<script>alert('x')</script>"
    results = copied([evil])
    results = dataclasses.replace(
        results,
        notes=[evil],
        command=f"affectmap {evil}",
        settings={evil: evil},
        versions={evil: evil},
        findings=pd.DataFrame(
            [(evil, evil, evil, evil, True)], columns=["corpus", "file", "kind", "detail", "dropped"]
        ),
        table2=results.table2.assign(method=evil, features_corpus=evil, unit=evil),
        claims=results.claims.assign(statement=evil, comparison=evil, quantity=evil),
    )
    html = rendered(results)
    page = Page(html)
    assert page.open == []
    assert "<script" not in html
    assert page.text.count(evil) > 30
    assert page.all("script") == []


@pytest.mark.slow
def test_strange_names_are_drawn_without_complaint(copied, tmp_path):
    results = copied(["<script>", "$\\frac{1", "اردو", "n" * 60])
    mine = results.embeddings["method"] == "DAE-Metric-Act"
    strange = ~results.embeddings["corpus"].isin(["emodb", "urdu", "aesdd"])
    few = results.embeddings[mine & strange].groupby("corpus").head(20)
    results = dataclasses.replace(results, embeddings=few, curves=results.curves[:0], summary=results.summary[:0])
    write_report(results, tmp_path)
    svg = (tmp_path / "figures/figure3a-dae-metric-act.svg").read_text()
    assert "&lt;script&gt;" in svg
    assert "<script" not in svg
    assert "$\\frac{1" in svg
    assert "اردو" in svg
    assert "n" * 29 + "…" in svg


def test_nothing_rated_at_all(unrated):
    text = Page(rendered(unrated("activation", "valence"))).text
    assert "No ratings of the source corpus" in text
    assert "No corpus has ratings" in text
    assert "Emotions recognised, of four" in text
    assert "explained 3" not in text


def test_initials_in_the_notes_are_spelt_out(make_results):
    text = Page(rendered(make_results(notes=["No N-S-A here, N-S-H-A there."]))).text
    assert "N-S-H-A: neutral, sad, happy, angry." in text.split("Bars:")[0]
    assert "neutral" not in Page(rendered(make_results(notes=["No corpus."]))).text.split("Bars:")[0]


def test_legend_tells_only_what_is_drawn(make_results):
    whole = make_results()
    legend = Page(rendered(whole)).text.split("Bars: ")[1].split("“Clearly”")[0]
    assert legend.startswith("of the four autoencoders the best on average")
    drawn = "Thin line: 95 % interval over speakers. Solid tick: DAE-Unsupervised. Dotted tick: guessing."
    assert " ".join(legend.split()).endswith(drawn)
    summary = whole.summary[(whole.summary["method"] == "DAE-Metric-Act") & (whole.summary["table"] != "4")]
    html = rendered(dataclasses.replace(whole, summary=summary.assign(ci_low=np.nan)))
    legend = Page(html).text.split("Bars: ")[1].split("“Clearly”")[0]
    assert legend.split() == ["what", "the", "method", "reaches."]
    assert '<span class="range"' not in html


def test_nothing_is_called_an_upper_bound(html):
    assert "Trained on the corpus itself" in html
    assert "upper bound" not in html.lower()


def test_no_targets(source_only):
    text = Page(rendered(source_only)).text
    assert "nothing can be said about transfer" in text
    assert "No probe was run." in text
    assert "No claim was tested." in text
    assert "there are no unseen corpora to show" in text


def test_empty_frames_make_a_page(make_results):
    results = make_results()
    frames = {
        field.name: getattr(results, field.name).iloc[:0]
        for field in dataclasses.fields(results)
        if isinstance(getattr(results, field.name), pd.DataFrame) and field.name != "corpora"
    }
    large = results.corpora.assign(n_speakers=10)
    frames["corpora"] = large
    text = Page(rendered(dataclasses.replace(results, notes=[], settings={}, timings={}, **frames))).text
    assert "Nothing could be measured" in text
    assert "No corpus has the emotion classes" in text
    assert "No comparison was made." in text
    assert "every recording that was found was used" in text
    assert "Read this first" not in text


def test_missing_values_are_dashes_and_never_nan(make_results):
    results = make_results()
    summary = results.summary.assign(sd=np.nan, ci_low=np.nan, ci_high=np.nan, n_runs=1)
    summary.loc[summary["method"] == "PCA-2", "mean"] = np.nan
    corpora = results.corpora.assign(n_speakers=[10, None, 6], language=["de", None, ""])
    claims = results.claims.assign(ci_low=np.nan, ci_high=np.nan)
    html = rendered(dataclasses.replace(results, summary=summary, corpora=corpora, claims=claims))
    text = Page(html).text
    assert "± –" not in text
    assert "–" in text
    assert "too few speakers" in text
    assert not re.search(r"\bnan\b|\bNone\b(?! of)|\binf\b", text)
    assert not re.search(r"[ \"M]nan\b", html.split("</style>")[1])


def test_two_thousand_findings_are_all_there(make_results):
    rows = {"corpus": "urdu", "file": [f"/data/{i}.wav" for i in range(2000)], "kind": "outlier", "dropped": True}
    findings = pd.DataFrame(rows).assign(detail="11 standard deviations from the corpus's mean")
    page = Page(rendered(make_results(findings=findings)))
    assert page.text.count("standard deviations from the corpus's mean") == 2000


def test_titles_name_corpora_on_the_page_only(whole_results, tmp_path):
    shown = with_titles(whole_results)
    assert shown.corpora["corpus"].tolist() == ["EMO-DB", "URDU", "AESDD"]
    assert shown.corpora["name"].tolist() == ["emodb", "urdu", "aesdd"]
    assert set(shown.claims["corpus"]) == {"URDU", "AESDD", "all"}
    assert whole_results.corpora["corpus"].tolist() == ["emodb", "urdu", "aesdd"]
    write_tables(whole_results, tmp_path)
    assert pd.read_csv(tmp_path / "corpora.csv")["corpus"].tolist() == ["emodb", "urdu", "aesdd"]


@pytest.mark.parametrize(
    ("titles", "shown"),
    [
        (["X", "X", "Y"], ["emodb", "urdu", "Y"]),
        (["", None, "Y"], ["emodb", "urdu", "Y"]),
        (["urdu", "emodb", "Y"], ["urdu", "emodb", "Y"]),
    ],
)
def test_titles_that_cannot_tell_corpora_apart_are_not_used(make_results, titles, shown):
    results = make_results()
    results = dataclasses.replace(results, corpora=results.corpora.assign(title=titles))
    titled = with_titles(results)
    assert titled.corpora["corpus"].tolist() == shown
    sources = titled.summary.loc[titled.summary["role"] == "source", "corpus"].unique()
    assert sources.tolist() == shown[:1]


def test_template_and_style_are_installed_with_the_package():
    settings = (Path(__file__).parents[2] / "pyproject.toml").read_text()
    assert '"affectmap.report" = ["*.css", "*.html"]' in settings
