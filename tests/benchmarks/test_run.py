"""The page of results and the block of docs/speed.md, from parts made by hand."""

import json

import pytest

import run
from harness import in_turn, ratios, row_of

ABOUT = {
    "commit": "abc1234",
    "date": "2026-01-02",
    "machine": {"processor": "Abacus", "cores": 2, "memory_gb": 8, "system": "Linux"},
    "versions": {"python": "3.11"},
}


def part(**changes):
    rows = [
        vars(row_of("stacked", [4.0, 3.0, 5.0], "×", "≥ 5", "on paper", headline=True)),
        vars(row_of("plain", 0.25, "s", "≤ 0.5")),
    ]
    curve = {"title": "Growth", "x": "rows", "y": "seconds", "lines": {"ours": [[1, 0.1], [10, None], [100, 2.0]]}}
    made = {"title": "Sums", "text": "Sums.", "rows": rows, "curves": [curve], "seconds": 3.0, "load_before": 0.5}
    return ABOUT | made | changes


@pytest.mark.parametrize(
    ("value", "aim", "unit", "told"),
    [
        (5.0, "≥ 5", "×", "met"),
        (4.0, "≥ 5", "×", "missed by 1.00 × (20%)"),
        (0.15, "≤ 0.15", "s", "met"),
        (0.18, "≤ 0.15", "s", "missed by 0.0300 s (20%)"),
        (1, "≤ 0", "", "missed by 1.00"),
        (1500.0, "≤ 1,500", "s", "met"),
        (3.0, "", "s", ""),
        (None, "≤ 1", "s", "not measured"),
        (float("nan"), "≥ 1", "s", "not measured"),
    ],
)
def test_verdict(value, aim, unit, told):
    assert run.verdict(value, aim, unit) == told


def test_an_aim_without_a_sign_is_refused():
    with pytest.raises(ValueError, match="begins with neither"):
        run.verdict(1.0, "about 3", "s")


@pytest.mark.parametrize(
    ("value", "told"), [(0.0, "0 s"), (12345.6, "12,346 s"), (0.0712, "0.0712 s"), (3e-9, "3.0e-09 s"), (None, "–")]
)
def test_amount(value, told):
    assert run.amount(value, "s") == told


def test_page_tells_what_was_missed_and_which_parts_are_old():
    results = run.merged({"parts": {"pairwise": part(commit="old0000")}}, {"training": part()}, ABOUT)
    page = run.page(results)
    assert "| stacked | 4.00 × | 3.00–5.00, n = 3 | ≥ 5 × | missed by 1.00 × (20%) |" in page
    assert "| plain | 0.250 s |  | ≤ 0.5 s | met |" in page
    assert page.count("Kept from commit old0000") == 1
    assert results["seconds"] == 6.0


def test_page_block_goes_between_the_marks_and_nothing_else_changes(tmp_path):
    page_file = tmp_path / "speed.md"
    results = run.merged({}, {"training": part()}, ABOUT)
    block = run.page_block(results, picture=True)
    assert "| stacked | 4.00 × | ≥ 5 × | missed by 1.00 × (20%) |" in block
    assert "plain" not in block
    for _ in range(2):
        page_file.write_text(f"before\n{run.BEGIN}\nold\n{run.END}\nafter\n", encoding="utf-8")
        assert run.into_page(block, page_file)
        assert page_file.read_text(encoding="utf-8") == f"before\n{run.BEGIN}\n{block}{run.END}\nafter\n"


def test_page_without_marks_or_without_headlines_is_left_alone(tmp_path):
    page_file = tmp_path / "speed.md"
    page_file.write_text("no marks", encoding="utf-8")
    assert not run.into_page("block", page_file)
    assert run.page_block(run.merged({}, {"x": part(rows=[])}, ABOUT), picture=False) == ""
    page_file.write_text(f"{run.BEGIN}\n{run.END}", encoding="utf-8")
    assert not run.into_page("", page_file)
    assert page_file.read_text(encoding="utf-8") == f"{run.BEGIN}\n{run.END}"


def test_curves_become_a_picture_and_none_no_picture(tmp_path):
    assert run.draw(run.merged({}, {"x": part()}, ABOUT), tmp_path / "growth.png")
    assert (tmp_path / "growth.png").read_bytes().startswith(b"\x89PNG")
    assert not run.draw(run.merged({}, {"x": part(curves=[])}, ABOUT), tmp_path / "none.png")


def test_parts_are_found_and_results_are_json():
    assert {"pairwise", "extraction", "command"} <= set(run.parts())
    assert not {"harness", "run"} & set(run.parts())
    json.dumps(run.about_now())


@pytest.mark.slow
def test_candidates_take_turns_after_a_warm_up():
    called = []
    times = in_turn({"a": lambda: called.append("a"), "b": lambda: called.append("b")}, rounds=2)
    assert called == ["a", "b"] * 3
    assert ratios({"a": [4.0, 9.0], "b": [2.0, 3.0]}, "a", "b") == [2.0, 3.0]
    assert [len(seconds) for seconds in times.values()] == [2, 2]
