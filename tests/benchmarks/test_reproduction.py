"""Named stages add up to the whole, and the largest of our own is found."""

import pytest

from reproduction import AIMS, FREE, named_stages, stage_rows

SHARES = {"classifiers": 0.75, "figures": 0.5, "models": 0.25}


def make_run(functionals):
    inside = {"reading corpora": 1.0, "functionals": functionals, "folds and standardisation": 0.5, "training": 8.0}
    inside |= {"embedding": 0.5, "scoring": 4.0, "claims and tables": 1.0, "report": 8.0}
    return {"starting Python and imports": 5.0, **inside, "whole": 28.0 + functionals}


def test_stages_add_up_to_the_whole():
    cold, warm = make_run(70.0), make_run(2.0)
    stages = named_stages(cold, warm, SHARES)
    assert sum(stages.values()) == pytest.approx(cold["whole"])
    assert stages[FREE[0]] == 68.0
    assert stages[FREE[1]] == 3.0
    assert (stages["figures"], stages["writing models"], stages["page, tables and the end"]) == (4.0, 2.0, 2.0)
    assert sum(named_stages(warm, warm, SHARES).values()) == pytest.approx(warm["whole"])


def test_only_our_own_stages_count_for_the_aim():
    cold, warm = make_run(70.0), make_run(2.0)
    *stages, largest = stage_rows("cold", named_stages(cold, warm, SHARES), cold["whole"], AIMS[0])
    assert largest.value == pytest.approx(100 * 8 / 98)
    assert largest.aim == "≤ 15"
    assert largest.note.endswith("it is training")
    assert {row.unit for row in stages} == {"s"}
