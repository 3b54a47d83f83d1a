"""A short search over all kinds of files, and whether a search finds what it should."""

import numpy as np
import pytest

from fuzz.kinds import KINDS
from fuzz.runner import generator, search


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_damaged_files_are_read_or_refused(kind):
    found = list(search([kind], 40, seed=1))
    assert len(found) == 40
    for finding in found:
        assert not finding.problem, f"{finding.kind} {finding.number}: {finding.problem}\n{finding.details}"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "problem"),
    [
        ("refused", ""),
        ("foreign", "builtins.KeyError: 'missing'"),
        ("slow", "takes more than 0.5 s"),
        ("large", "takes 1,2"),
        ("dead", "the process ends with -11"),
    ],
)
def test_a_search_finds_what_it_should(kind, problem):
    found = list(search([kind], 2, module="fuzz.traps", max_s=0.5 if kind == "slow" else 10.0))
    assert [finding.number for finding in found] == [0, 1]
    assert all(finding.problem.startswith(problem) for finding in found)
    assert any(finding.problem for finding in found) == bool(problem)


def test_an_input_is_the_same_for_the_same_seed(tmp_path):
    kind = KINDS["ratings"]
    for name in ("one", "two", "three"):
        (tmp_path / name).mkdir()
        kind.make(tmp_path / name)
        kind.damage(tmp_path / name, generator("ratings", 7, 3 if name != "three" else 4))
    one, two, three = ((tmp_path / name / "ratings.csv").read_bytes() for name in ("one", "two", "three"))
    assert one == two != three


@pytest.mark.parametrize("kind", [kind for kind in KINDS if "model" not in kind and kind != "embedder"])
def test_every_damage_gives_bytes(kind, tmp_path):
    KINDS[kind].make(tmp_path)
    for name, damage in KINDS[kind].damages.items():
        content = (tmp_path / name).read_bytes()
        damaged = [damage(content, np.random.default_rng(seed)) for seed in range(10)]
        assert all(isinstance(each, bytes) for each in damaged)
        assert any(each != content for each in damaged)
