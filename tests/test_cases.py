"""The loop over cases: all of them run, a failure names its own, and fixtures and marks get through."""

import pytest

from cases import each


def test_all_cases_run_and_a_failure_names_its_own():
    seen = []

    @each("first", [1, 2])
    @each(("second", "third"), [(3, 4), (5, 6)])
    def body(first, second, third):
        seen.append((first, second, third))
        assert first + second < 7

    with pytest.raises(AssertionError) as error:
        body()
    assert seen == [(1, 3, 4), (1, 5, 6), (2, 3, 4), (2, 5, 6)]
    assert error.value.__notes__ == ["case: {'second': 5, 'third': 6}", "case: {'first': 2}"]


@each("number", [1, 2])
def test_fixtures_are_handed_through(number, tmp_path):
    (tmp_path / str(number)).write_text("")
    assert len(list(tmp_path.iterdir())) == number


def test_a_loop_over_nothing_is_refused():
    with pytest.raises(AssertionError, match="tests nothing"):
        each("number", [])
