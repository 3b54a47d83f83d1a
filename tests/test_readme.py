"""Python examples of README and docs run, its commands have the options that it names, and its links lead somewhere."""

import re
import tomllib
from pathlib import Path

import pytest
import typer

from affectmap.cli import app

ROOT = Path(__file__).parents[1]
README = ROOT / "README.md"
PAGES = (README, *sorted((ROOT / "docs").rglob("*.md")))
BLOCKS = [
    pytest.param(block, id=f"{page.name}-{number}")
    for page in PAGES
    for number, block in enumerate(
        re.findall(r"```python\n(.*?)```", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    )
]


def commands(page):
    """Give the words of every command line of a page, without what only stands for more."""
    text = page.read_text(encoding="utf-8")
    for block in re.findall(r"^```\n(.*?)^```$|^```.*?^```$", text, flags=re.DOTALL | re.MULTILINE):
        for line in block.replace("\\\n", " ").splitlines():
            if found := re.search(r"(?:^|\| )affectmap (.*)", line.partition("  #")[0]):
                yield found[1].split()


COMMANDS = [words for page in PAGES for words in commands(page)]


def test_pages_have_examples():
    assert len(BLOCKS) >= 4


@pytest.mark.parametrize("block", BLOCKS)
def test_an_example_runs(block):
    exec(compile(block, "example", "exec"), {})


def test_commands_are_found():
    assert len(COMMANDS) > 15


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_a_command_has_the_options_that_are_named(words):
    command = typer.main.get_command(app)
    while words and hasattr(command, "commands"):
        command, words = command.get_command(None, words[0]), words[1:]
    known = {option for each in command.params for option in (*each.opts, *each.secondary_opts)}
    assert {word for word in words if re.match(r"--?[a-z]", word)} <= known


def test_every_extra_is_told():
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["optional-dependencies"]
    rows = re.findall(
        r"^\| (`.*?`) \|",
        (ROOT / "docs" / "install.md").read_text(encoding="utf-8").partition("| extra |")[2],
        flags=re.MULTILINE,
    )
    told = {name for row in rows for name in re.findall(r"`([\w-]+)`", row)}
    assert set(extras) <= told


@pytest.mark.parametrize("page", [*PAGES, ROOT / "CONTRIBUTING.md"], ids=lambda page: page.name)
def test_links_lead_somewhere(page):
    links = re.findall(r'(?:\]\(|src=")([^)"#:]+)[)"]', page.read_text(encoding="utf-8"))
    assert [link for link in links if not (page.parent / link).exists()] == []
