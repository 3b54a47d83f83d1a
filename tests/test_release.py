"""A release says one version everywhere, and its files for continuous integration and containers name what there is."""

import re
import tomllib
from pathlib import Path

import pytest
import yaml

from affectmap import __version__

ROOT = Path(__file__).parents[1]


def read(name):
    return (ROOT / name).read_text(encoding="utf-8")


def test_all_say_the_same_version():
    project = tomllib.loads(read("pyproject.toml"))["project"]
    citation = yaml.safe_load(read("CITATION.cff"))
    changes = re.findall(r"^## \[(.*?)\](?: - (\d{4}-\d\d-\d\d))?$", read("CHANGELOG.md"), flags=re.MULTILINE)
    assert changes[0] == ("Unreleased", "")
    assert {project["version"], str(citation["version"]), changes[1][0]} == {__version__}
    assert str(citation["date-released"]) == changes[1][1]


@pytest.fixture(scope="module")
def jobs():
    return yaml.safe_load(read(".github/workflows/checks.yml"))["jobs"]


def test_the_workflow_has_three_systems_and_three_pythons(jobs):
    matrix = jobs["test"]["strategy"]["matrix"]
    assert matrix["os"] == ["ubuntu-latest", "macos-latest", "windows-latest"]
    assert matrix["python"] == ["3.11", "3.12", "3.13"]


def test_the_workflow_runs_what_there_is(jobs):
    lines = " ".join(step.get("run", "") for job in jobs.values() for step in job["steps"])
    targets = set(re.findall(r"^([\w-]+):", read("Makefile"), flags=re.MULTILINE))
    assert set(re.findall(r"\bmake ([\w-]+)", lines)) <= targets
    named = re.findall(r"[\w.]+/[\w./-]+\.(?:txt|py)|constraints\.txt|Containerfile", lines)
    assert len(named) >= 4
    assert [name for name in named if not (ROOT / name).exists()] == []
    markers = re.search(r"not \((.*?)\)", lines)[1]
    assert f"LONG := {markers}\n" in read("Makefile")


def test_the_container_copies_what_it_needs_and_no_more():
    copied = [line[1:] for line in read(".containerignore").splitlines() if line.startswith("!")]
    assert [name for name in copied if not (ROOT / name).exists()] == []
    assert read(".containerignore") == read(".dockerignore")  # each program reads its own
    project = tomllib.loads(read("pyproject.toml"))["project"]
    assert {"src", "requirements", "pyproject.toml", "setup.py", "MANIFEST.in", project["readme"]} <= set(copied)
    assert "requirements/container.txt" in read("Containerfile")
