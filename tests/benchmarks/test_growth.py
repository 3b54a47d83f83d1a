"""Tables of any size, what is worked out from times, and that every task runs; no time is asserted."""

import numpy as np
import pytest

import growth
import growth_run
from affectmap.preparation.prepared_corpus import prepare


def test_tables_are_single_precision_and_the_same_each_time():
    table = growth.make_table(9000)
    assert (table.shape, table.dtype) == ((9000, 88), np.float32)
    np.testing.assert_array_equal(growth.make_table(8192), table[:8192])
    assert abs(table.mean()) < 0.01


def test_every_speaker_has_rows():
    assert len(set(growth.make_speakers(1000))) == 2
    assert len(set(growth.make_speakers(5000))) == 10


def test_the_corpus_of_an_experiment_is_not_copied():
    table = growth.make_table(2500)
    corpus = growth_run.make_corpus(table, growth.make_speakers(2500))
    assert np.shares_memory(corpus.functionals.to_numpy(), table)
    assert np.shares_memory(prepare(corpus).functionals, table)
    assert corpus.table["emotion"].notna().sum() == growth_run.N_RATED


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in growth.TASKS if name != "whole experiment"])
def test_every_task_runs(name, tmp_path):
    growth.run_task(name, 64, str(tmp_path / "seconds"))
    assert float((tmp_path / "seconds").read_text()) > 0


def test_the_reach_follows_from_the_exponent():
    points = [(1_000, 1.0, 5.0), (10_000, 100.0, 50.0)]
    assert growth.exponent(points) == pytest.approx(2.0)
    assert growth.reach(points, 400.0) == pytest.approx(20_000)
    assert growth.classifier_row(points).value == pytest.approx(60_000)


def test_memory_is_told_in_tables_with_its_aim_at_a_million_only():
    table = 1_000_000 * 88 * 4 / 1e6
    _, memory = growth.rows_of("embedding", [(100_000, 1.0, table), (1_000_000, 10.0, 2 * table)])
    assert (memory.value, memory.unit, memory.aim) == (pytest.approx(2.0), "tables", "≤ 3")
    _, memory = growth.rows_of("embedding", [(10_000, 1.0, 20.0)])
    assert memory.aim == ""
    _, memory = growth.rows_of("adjusted R²", [(10_000, 1.0, 20.0)])
    assert memory.unit == "MB"


def test_a_size_that_would_take_too_long_is_left_out():
    asked = []

    def measured(name, n_rows):
        asked.append(n_rows)
        return n_rows, (n_rows / 1000) ** 2, 1.0

    points = growth.measure_growth("any", (1_000, 3_000, 7_000, 10_000, 20_000), measured)
    assert asked == [1_000, 3_000, 7_000]
    assert [n_rows for n_rows, _, _ in points] == asked
