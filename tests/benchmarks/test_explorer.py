"""The explorer's benchmark: shapes of the part, and that its points are what a page takes."""

import pytest

import explorer
from affectmap.explorer.page import pack
from browsers import chromium


def test_scattered_points_are_the_same_each_time_and_whole():
    one, other = explorer.scattered(50), explorer.scattered(50)
    assert pack(one) == pack(other)
    assert [each.name for each in one.maps] == ["scattered", "ratings"]


@pytest.mark.browser
@pytest.mark.slow
def test_every_step_has_a_row(tmp_path):
    with chromium(tmp_path):  # says so where there is none
        pass
    rows = {row.name: row for row in explorer.measure(quick=True)["rows"]}
    assert set(explorer.STEPS) <= set(rows)
    assert rows["sound"].value <= 4
    assert rows["a frame, one map"].value > 0
