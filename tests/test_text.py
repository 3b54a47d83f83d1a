"""Numbers, lists and tables as people read them."""

import numpy as np
import pytest

from affectmap.errors import ConfigError
from affectmap.text import (
    TextTable,
    aligned,
    between_marks,
    count_or_score,
    counted,
    is_number,
    language_name,
    latex,
    latex_tables,
    latex_text,
    listed,
    markdown,
    number,
    score,
    score_range,
)


def test_what_is_no_number_is_a_dash():
    for value in (float("nan"), float("inf"), None, "1.0", [1.0]):
        assert not is_number(value), value
        for write in (number, score, count_or_score):
            assert write(value) == "–", (write, value)
    assert number(None, unit="s") == "–"
    assert score_range(0.1, None) == score_range(float("nan"), 0.5) == "–"


def test_numbers_of_any_kind_are_numbers():
    for value in (0, 1.5, np.float32(2), np.int64(-3), True):
        assert is_number(value), value


def test_zero_has_no_sign_and_minus_is_a_minus():
    for value, signed, text in (
        (-0.0004, False, "0.000"),
        (0.0, True, "0.000"),
        (-0.0015, True, "−0.002"),
        (0.25, True, "+0.250"),
    ):
        assert number(value, 3, signed=signed) == text, value


def test_scores_have_two_digits_and_no_zero_before_the_point():
    cases = {
        0.0: ".00",
        -0.004: ".00",
        0.999: "1.00",
        -0.5: "−.50",
        -1.25: "−1.25",
        12.345: "12.35",
        0.105: ".10",
        10.0: "10.00",
    }
    for value, text in cases.items():
        assert score(value) == text, value
    assert (score(0.5, signed=True), score(-0.5, signed=True), score(0.001, signed=True)) == ("+.50", "−.50", ".00")
    assert score_range(-0.1, 0.25, signed=True) == "−.10 to +.25"


def test_a_number_does_not_break_from_its_unit():
    assert number(9310.4, 0, unit="MB") == "9,310\u202fMB"


def test_counts_are_plain_and_shares_are_scores():
    assert [count_or_score(value) for value in (0, 26.0, 1234, 0.964)] == ["0", "26", "1,234", ".96"]


def test_lists_as_sentences_have_them():
    assert listed([]) == ""
    assert listed(["a", "b"]) == "a and b"
    assert listed(str(i) for i in range(3)) == "0, 1 and 2"


def test_counts_have_the_right_number():
    assert counted(0, "note") == "no notes"
    assert counted(2, "corpus") == "two corpora"
    assert counted(2, "unseen corpus") == "two unseen corpora"
    assert counted(11, "point") == "11 points"


def test_languages_by_name():
    assert language_name("en-GB, de") == "British English, German"
    assert language_name("") == language_name(float("nan")) == "–"


def test_tables_are_aligned_without_trailing_spaces():
    rows = [["", "", "UAR"], ["cats", "valence", "–"], ["a", "b", "1.00"]]
    assert aligned(rows, n_text=2).splitlines() == ["                UAR", "cats  valence     –", "a     b        1.00"]
    assert aligned([["a", "1"]]) == "a  1"
    assert aligned([["a", "note"]], n_text=2) == "a  note"
    assert markdown([["corpus", "n"], ["cats", "2"]], n_text=1) == "| corpus | n |\n|---|---:|\n| cats | 2 |"


def test_every_character_is_set_as_it_is():
    assert latex_text(r"a\b_c {50 %} #1 & $2 ~ x^2") == (
        r"a\textbackslash{}b\_c \{50 \%\} \#1 \& \$2 \textasciitilde{} x\textasciicircum{}2"
    )
    assert latex_text("−.05±.10, – <.01 café 日本\u202fs\nnext") == (r"$-$.05$\pm$.10, -- $<$.01 café 日本\,s next")
    assert latex_text("e\u0301") == "é", "a letter and its accent are one character, as the fonts have it"


def test_tables_in_latex_have_a_cell_for_each():
    lines = latex([["", "UAR"], ["[1] & co", ".5"], ["* best", "–"]], caption="A & B").splitlines()
    assert lines[1:3] == [r"\caption{A \& B}", r"\begin{tabular}{lr}"]
    assert lines[6:8] == [r"{}[1] \& co & .5 \\", r"{}* best & -- \\"], "no option of the line break before"
    assert lines[0] == r"\begin{table}"
    assert lines[-1] == r"\end{table}"
    assert r"\caption" not in latex([["a"], ["b"]])


def test_a_file_of_tables_has_legends_and_no_empty_table():
    full, empty = (
        TextTable("Cats", ["", "R²"], [["a_b", ".5"]], 1, "* is p < .05."),
        TextTable("Dogs", ["a"], [], 1, ""),
    )
    text = latex_tables([full, empty, full._replace(legend="")])
    assert text.count(r"\begin{table}") == 2
    assert r"\caption{Cats. * is p $<$ .05.}" in text
    assert r"\caption{Cats}" in text
    assert "Dogs" not in text
    assert text.endswith("\\end{table}\n")
    assert latex_tables([empty]) == ""


def test_text_stands_between_marks_indented_like_them():
    page = "a\n  <!-- x:begin -->\n  old\n  <!-- x:end -->\nb\n"
    filled = between_marks(page, "x", "one\n\ntwo\n")
    assert filled == "a\n  <!-- x:begin -->\n  one\n\n  two\n  <!-- x:end -->\nb\n"
    assert between_marks(filled, "x", "one\n\ntwo") == filled


@pytest.mark.parametrize("page", ["", "<!-- x:begin -->", "<!-- x:end --> <!-- x:begin -->"])
def test_a_page_without_marks_is_refused(page):
    with pytest.raises(ConfigError, match=r"the page has no <!-- x:begin --> before <!-- x:end -->; put both where"):
        between_marks(page, "x", "new")
