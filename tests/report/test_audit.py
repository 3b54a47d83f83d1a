"""The audit on the page: what is said, and which figures are signed."""

import pandas as pd
import pytest

from affectmap.report import with_titles
from affectmap.report.audit import audit_view
from affectmap.report.figures import _marked
from affectmap.report.page import page_tables, render

NO_PICTURES = {place: [] for place in ("circumplex", "network", "latent", "baselines", "curves", "table3", "table4")}


def checks(*verdicts):
    rows = [("durations", "cats", "dogs", verdict, 2.0, 1000, f"cats {verdict}") for verdict in verdicts]
    return pd.DataFrame(rows, columns=["check", "corpus", "other", "verdict", "value", "n", "detail"])


@pytest.mark.parametrize(
    ("verdicts", "headline"),
    [
        ([], "Nothing was checked."),
        (["sound", "sound"], "Nothing speaks against the figures: all two checks are sound."),
        (["sound", "warning"], "No leak was found; one of two checks asks for care."),
        (["leak", "warning"], "Some figures must not be taken at face value: one of two checks found a leak"),
    ],
)
def test_headline(verdicts, headline):
    assert audit_view(checks(*verdicts)).headline.startswith(headline)


def test_what_is_not_sound_is_told_the_worst_first():
    view = audit_view(checks("sound", "warning", "leak", "cannot be told", "confounded"))
    assert [row["verdict"] for row in view.told] == ["leak", "confounded", "warning", "cannot be told"]
    assert len(view.rows) == 5
    assert (view.rows[0]["shown"], view.rows[0]["of"], view.rows[0]["where"]) == ("2", "1,000", "cats, dogs")


@pytest.fixture
def page(make_results, whole_results):
    """Render the page with the figures of some corpus and reading marked."""

    def make(verdict, corpus, reading):
        def mark(frame):
            mine = (frame["corpus"] == corpus) & (frame.get("reading", reading) == reading)
            return frame.assign(audit=mine.map({True: verdict, False: ""}))

        changed = {name: mark(getattr(whole_results, name)) for name in ("runs", "summary", "claims")}
        results = with_titles(make_results(**changed))
        tables = page_tables(results)
        return render(results, tables, NO_PICTURES), tables

    return make


def test_without_marks_there_is_no_sign_and_no_footnote(page):
    html, tables = page("leak", "nothing", "held-out")
    assert not any(sign in html for sign in "†‡")
    assert tables["table3"].footnotes == []


def test_marked_cells_have_their_sign_and_the_table_its_footnote(page):
    html, tables = page("leak", "emodb", "held-out")
    assert {cell.signs for group in tables["table1"].groups for row in group.rows for cell in row.cells} == {"†"}
    cells = [row.cells for group in tables["table3"].groups[1:] for row in group.rows]
    assert {cell.signs for row in cells for cell in row[:2]} == {"†"}
    assert {cell.signs for row in cells for cell in row[2:]} == {""}
    assert html.count("<b>†</b> a speaker or a recording is, or may be, on both sides of the split") >= 3


def test_a_confounded_target_is_signed_in_its_cards_too(page):
    html, _ = page("confounded", "urdu", "zero-shot")
    assert '<span>Activation explained<sup class="sign">‡</sup></span>' in html
    assert "<b>‡</b> standardised by speaker" in html


def test_captions_name_the_corpora_that_are_signed():
    records = [{"corpus": "URDU", "audit": "leak"}, {"corpus": "AESDD", "audit": ""}, {"corpus": "EMO-DB"}]
    assert _marked(records).startswith(" † URDU: a speaker or a recording is")
    assert _marked(records[1:]) == ""


def test_the_section_stands_near_the_top_and_names_corpora_by_title(page):
    html, _ = page("leak", "nothing", "held-out")
    assert html.index('id="summary"') < html.index('id="audit"') < html.index('id="corpora"')
    assert '<td class="text">URDU, AESDD</td>' in html
    assert "26 of 29 speakers of URDU show one emotion." in html
