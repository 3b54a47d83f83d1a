"""The site builds without a warning, loads nothing from elsewhere, and shows what lies outside docs."""

import importlib.util
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
SITE = ROOT / "docs" / "site"


def hook(name):
    spec = importlib.util.spec_from_file_location(f"site_{name}", SITE / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


repository, api, examples = (hook(name) for name in ("repository", "api", "examples"))


def build(config, out):
    command = [sys.executable, "-m", "mkdocs", "build", "-f", config, "-d", out]
    environment = {"PATH": "", "NO_MKDOCS_2_WARNING": "1"}
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, env=environment, check=False)


def test_an_address_and_a_file_of_the_repository_belong_together():
    for path, uri in {
        "docs/track.md": "track.md",
        "docs/api/x.md": "api/x.md",
        "README.md": "repository/README.md",
        "experiments/track/detector.csv": "repository/experiments/track/detector.csv",
    }.items():
        assert repository.site_path(path) == uri
        assert repository.repository_path(uri) == path


def test_links_that_lead_to_files_are_found():
    text = "[a](../README.md#top) [b](nowhere.md) [c](https://example.org) [d](#here) [e](track.md) [f](../..)"
    assert repository.linked("docs/embed.md", text) == ["README.md", "docs/track.md"]
    assert repository.linked("README.md", "[a](../outside.md) [b](docs/track.md)") == ["docs/track.md"]


def test_a_private_or_empty_module_has_no_reference():
    names = api.modules("egemaps")
    assert names[0] == "affectmap.egemaps"
    assert "affectmap.egemaps.pitch" in names
    assert not [name for name in names if "compiled" in name or "._" in name]


def test_every_room_has_a_page_or_is_a_page_for_people():
    rooms = {file.parent.name for file in (ROOT / "src/affectmap").glob("*/__init__.py")}
    assert rooms - set(api.ROOMS) == {"annotator", "cli", "explorer", "service", "web"}
    contents = repository.entries(settings()["nav"])
    assert {f"api/{room}.md" for room in api.ROOMS} <= set(contents)


def test_public_names_have_a_home_and_a_line():
    homes = api.homes()
    assert homes["load_model"] == "model.model"
    assert homes["Corpus"] == "corpora.folder"  # the package `corpora` only hands it on
    assert api.summary("model.model", "load_model")
    assert [name for name in homes if not api.summary(homes[name], name)] == ["FUNCTIONALS"]


def test_examples_become_code():
    class Docstring:
        value = "Do.\n\n    L = 1::\n\n        x\n\n    Example:\n        >>> f(1)\n"

    class Function:
        docstring = Docstring()

    examples.Examples().on_object(obj=Function())
    assert Function.docstring.value == "Do.\n\n    L = 1:\n\n        x\n\n    Examples:\n        >>> f(1)\n"


def settings():
    return yaml.safe_load((ROOT / "mkdocs.yml").read_text(encoding="utf-8"))


def test_contents_name_each_page_once():
    entries = repository.entries(settings()["nav"])
    assert len(entries) == len(set(entries))
    kept = [entry for entry in entries if not entry.startswith(("api/", "notebooks/"))]
    assert [entry for entry in kept if not (ROOT / repository.repository_path(entry)).exists()] == []
    pages = {file.relative_to(ROOT / "docs").as_posix() for file in (ROOT / "docs").rglob("*.md")}
    assert pages == {entry for entry in kept if not entry.startswith("repository/")}
    shown = {entry.removesuffix(".md") for entry in entries if entry.startswith("notebooks/")}
    assert shown == {f"notebooks/{file.stem}" for file in (ROOT / "docs/notebooks").glob("*.ipynb")}


@pytest.mark.slow
def test_a_link_that_leads_nowhere_fails_the_build(tmp_path):
    (tmp_path / "docs").mkdir()
    page = tmp_path / "docs" / "index.md"
    config = tmp_path / "mkdocs.yml"
    kept = {name: settings()[name] for name in ("strict", "validation")}
    config.write_text(yaml.safe_dump({"site_name": "x", "hooks": [str(SITE / "repository.py")], **kept}))
    page.write_text("[versions](../constraints.txt)\n")
    assert build(config, tmp_path / "out").returncode == 0
    assert (tmp_path / "out/repository/constraints.txt").exists()
    page.write_text("[versions](../constraint.txt)\n")
    failed = build(config, tmp_path / "out")
    assert failed.returncode == 1
    assert "'../constraint.txt'" in failed.stderr


@pytest.mark.slow
def test_the_site_builds_and_needs_no_network(tmp_path):
    built = build(ROOT / "mkdocs.yml", tmp_path)
    assert built.returncode == 0, built.stderr[-2000:]
    assert "WARNING" not in built.stderr
    pages = {
        file.relative_to(tmp_path).as_posix(): file.read_text(encoding="utf-8") for file in tmp_path.rglob("*.html")
    }
    loaded = r'<(?:script|img|iframe|source)[^>]*\ssrc="(?:https?:)?//[^"]*"|<link[^>]*rel="(?:stylesheet|icon|preconnect)"[^>]*href="(?:https?:)?//'
    assert {page: found for page, text in pages.items() if (found := re.findall(loaded, text))} == {}
    assert "ContinuousMetricLoss" in pages["api/losses.html"]
    assert "<code>repository/" not in pages["index.html"]
    assert "affectmap-egemaps-v1" in pages["repository/src/affectmap/models/affectmap-egemaps-v1/CARD.html"]
    assert '<img alt="What this cell draws" src="first-look-1.png"' in pages["notebooks/first-look.html"]
    assert (tmp_path / "notebooks/first-look-1.png").read_bytes().startswith(b"\x89PNG")
    assert not list((tmp_path / "site").glob("*.py"))
