import numpy as np
import pandas as pd
import pytest

from affectmap.report import with_titles
from affectmap.report.figures import _marked
from affectmap.report.page import (
    _settings,
    audit_view,
    claim_views,
    findings_by_corpus,
    flat_settings,
    interval_words,
    page_tables,
    render,
    rivals,
)

PLACES = ("map", "maps", "circumplex", "network", "latent", "baselines", "curves", "table3", "table4")
NO_PICTURES = {place: [] for place in PLACES}
COLUMNS = ["corpus", "file", "kind", "detail", "dropped"]


def test_tables_are_built_for_every_place(whole_results):
    tables = page_tables(whole_results)
    behind = ["recall", "ccc", "error", "uar by sex", "ccc by sex"]
    assert list(tables) == ["table1", "table3", "table4", "table4_probe", *behind]
    assert tables["ccc by sex"] is None
    assert tables["table1"].corpora == ["emodb"]
    assert tables["table4_probe"].corpora == ["urdu", "aesdd"]


def test_findings_keep_every_row_dropped_ones_first():
    rows = [
        ("a", "/x/wav/1.wav", "note", "n", False),
        ("a", "/x/wav/2.wav", "outlier", "o", True),
        ("b", "", "note", "whole", False),
        ("a", "/x/wav/sub/3.wav", "unreadable", "u", True),
    ]
    first, second = findings_by_corpus(pd.DataFrame(rows, columns=COLUMNS))
    assert first.headline == "two utterances dropped (1 outlier, 1 unreadable), one note"
    assert first.folder == "/x/wav/"
    assert [row["file"] for row in first.rows] == ["2.wav", "sub/3.wav", "1.wav"]
    assert (second.corpus, second.headline, second.folder) == ("b", "no utterances dropped, one note", "")
    assert len(first.rows) + len(second.rows) == len(rows)


def test_common_folder_is_made_of_whole_names():
    for files, folder in (
        (["/x/ab/1", "/x/ac/1"], "/x/"),
        (["/x/1", "/y/1"], "/"),
        (["/x/1"], ""),
        (["x/1", "x/2"], ""),
        (["/x/1", "x/2"], ""),
        (["", ""], ""),
    ):
        frame = pd.DataFrame({"corpus": "a", "file": files, "kind": "outlier", "detail": "", "dropped": True})
        (group,) = findings_by_corpus(frame)
        assert group.folder == folder, files
        assert [group.folder + row["file"] for row in group.rows] == files


def test_no_findings():
    assert findings_by_corpus(pd.DataFrame(columns=COLUMNS)) == []


def test_nested_settings_that_repeat_one_of_the_run_are_shown_once():
    settings = {
        "epochs": 50,
        "preset": "paper",
        "training": {"epochs": 50, "preset": "authors-code", "schedule": "constant"},
    }
    shown = _settings(settings)
    assert [name for name, _, _ in shown] == ["epochs", "preset", "training.preset", "training.schedule"]


def test_settings_are_flat_and_plain():
    settings = {"a": {"b": {"c": [1, 2]}, "d": None}, "e": {}, "f": "text", "g": True, "h": 1e-3}
    assert dict(flat_settings(settings)) == {
        "a.b.c": "[1, 2]",
        "a.d": "null",
        "e": "{}",
        "f": "text",
        "g": "true",
        "h": "0.001",
    }


def checks(*verdicts):
    rows = [("durations", "cats", "dogs", verdict, 2.0, 1000, f"cats {verdict}") for verdict in verdicts]
    return pd.DataFrame(rows, columns=["check", "corpus", "other", "verdict", "value", "n", "detail"])


def test_headline():
    for verdicts, headline in (
        ([], "Nothing was checked."),
        (["sound"], "Nothing speaks against the results: the one check that was made is sound."),
        (["sound", "sound"], "Nothing speaks against the results: all two checks are sound."),
        (["sound", "warning"], "No leak was found; one of two checks asks for care."),
        (["leak", "warning"], "Some results must not be taken at face value: one of two checks found a leak"),
    ):
        assert audit_view(checks(*verdicts)).headline.startswith(headline), verdicts


def test_what_is_not_sound_is_told_the_worst_first():
    view = audit_view(checks("sound", "warning", "leak", "cannot be told", "confounded"))
    assert [row["verdict"] for row in view.faults] == ["leak", "confounded", "warning", "cannot be told"]
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


def test_checks_are_told_at_the_top_and_name_corpora_by_title(page):
    html, _ = page("leak", "nothing", "held-out")
    assert "Checks: no leak was found; one of three checks asks for care." in html.split('id="summary"')[0]
    assert html.index('id="claims"') < html.index('id="audit"') < html.index('id="corpora"')
    assert '<td class="text">URDU, AESDD</td>' in html
    assert "26 of 29 speakers of URDU show one emotion." in html


def test_one_item_a_claim_with_all_its_comparisons(whole_results):
    views = claim_views(whole_results.claims)
    assert [view.letter for view in views] == list("abcdef")
    assert [view.verdict for view in views] == ["holds", "holds", "cannot be told", "holds", "does not hold", "holds"]
    assert all([row["corpus"] for row in view.rows] == ["urdu", "aesdd", "all"] for view in views)


def test_words_count_comparisons_and_explain_the_interval(whole_results):
    first, _, third, fourth, fifth, sixth = claim_views(whole_results.claims)
    assert first.overall == (
        "Of two comparisons two hold, none do not and none cannot be told. All together (mean of the comparisons): "
        "+.09. The whole interval lies above zero: other speakers would most likely show the same."
    )
    assert third.overall.startswith("Of two comparisons none hold, none do not and two cannot be told.")
    assert fourth.overall.endswith("It has parts of different kinds and holds only if all do.")
    assert fifth.overall == (
        "Of two comparisons none hold, two do not and none cannot be told. "
        "It has parts of different kinds and holds only if all do."
    )
    assert "share of comparisons won, less one half" in sixth.overall


def test_a_claim_of_likeness_may_hold_below_zero(whole_results):
    row = {"difference": -0.005, "ci_low": -0.015, "ci_high": 0.005, "verdict": "holds"}
    (view,) = claim_views(whole_results.claims.query("claim == 'e'").iloc[:1].assign(**row))
    assert view.rows[0]["words"] == "The interval includes zero, and ends above what still counts as similar."


def test_rivals_are_counted_and_listed(whole_results):
    first, second = rivals(whole_results.comparisons)
    assert (first.name, second.name) == ("PCA-2", "Ridge (activation, valence)")
    assert first.headline == "two comparisons: 1 above, 0 below, 1 cannot be told"
    assert [row["shown"]["difference"] for row in first.rows] == ["+.05", "−.01"]
    assert "lies above zero" in first.rows[0]["words"]
    assert rivals(whole_results.comparisons[:0]) == []


def test_places_of_the_small_plot_are_on_one_scale_around_zero(whole_results):
    for view in claim_views(whole_results.claims):
        ends = [
            row["places"][key] for row in view.rows for key in ("ci_low", "ci_high") if row["places"][key] is not None
        ]
        assert min(ends) >= 3
        assert max(ends) <= 97
        for row in view.rows:
            if row["places"]["difference"] is not None:
                assert np.sign(row["places"]["difference"] - 50) == np.sign(round(row["difference"], 12))


def test_missing_numbers_have_no_place_and_a_dash(whole_results):
    claims = whole_results.claims.assign(difference=np.nan, ci_low=np.nan, ci_high=np.nan)
    for view in claim_views(claims):
        assert set(view.rows[0]["places"].values()) == {None}
        assert view.rows[0]["shown"] == {"difference": "–", "interval": "–"}
        assert view.rows[0]["words"] == "There are too few speakers to say how sure this is."


def test_a_claim_without_overall_row_cannot_be_told(whole_results):
    single = whole_results.claims[whole_results.claims["corpus"] != "all"]
    assert {view.verdict for view in claim_views(single)} == {"cannot be told"}
    assert claim_views(single.iloc[:0]) == []


def test_equal_results_are_at_zero(whole_results):
    claims = whole_results.claims.assign(difference=0.0, ci_low=0.0, ci_high=0.0)
    assert claim_views(claims)[0].rows[0]["places"]["difference"] == 50
    assert "includes zero" in claim_views(claims)[0].rows[0]["words"]


def test_zero_belongs_to_the_interval():
    cases = ((1e-9, 1, "above"), (0.0, 1, "includes"), (-1, 0.0, "includes"), (-1, -1e-9, "below"))
    for low, high, word in cases:
        assert word in interval_words(low, high), (low, high)
    assert interval_words(None, None) == "There are too few speakers to say how sure this is."
