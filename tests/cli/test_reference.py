"""The pages of settings and verbs are what the declarations make."""

from pathlib import Path

import pytest

from affectmap.cli import VERBS, reference

DOCS = Path(__file__).parents[2] / "docs"


@pytest.mark.parametrize(("page", "make"), [("settings", reference.settings_page), ("cli", reference.verbs_page)])
def test_committed_pages_are_what_is_made(page, make):
    made = make()
    committed = (DOCS / f"{page}.md").read_text(encoding="utf-8")
    assert committed == made, "run python -m affectmap.cli.reference docs"


def test_every_verb_has_its_help():
    page = reference.verbs_page()
    assert [line.split()[2] for line in page.splitlines() if line.startswith("## ") and line.count(" ") == 2] == [
        *VERBS
    ]
    assert "## affectmap ratings import" in page


def test_both_pages_are_written(tmp_path):
    reference.main(tmp_path)
    assert sorted(file.name for file in tmp_path.iterdir()) == ["cli.md", "settings.md"]
