"""Pictures of docs are those that their commands drew, of the shipped model and the committed results."""

import json
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

FOLDER = Path(__file__).parents[2] / "experiments" / "pictures"


@pytest.fixture
def draw(monkeypatch):
    monkeypatch.syspath_prepend(str(FOLDER))
    import draw

    yield draw
    sys.modules.pop("draw")


def test_no_picture_is_outdated(draw):
    assert draw.outdated() == []


def test_a_picture_of_another_model_is_told(draw, monkeypatch, tmp_path):
    notes = json.loads(draw.NOTES.read_text(encoding="utf-8"))
    notes["serve.png"][draw.SHIPPED] = "0" * 64
    notes["gone.png"] = {}
    del notes["losses.png"]["docs/losses.png"]
    (tmp_path / "pictures.json").write_text(json.dumps(notes), encoding="utf-8")
    monkeypatch.setattr(draw, "NOTES", tmp_path / "pictures.json")
    assert draw.outdated() == [
        "docs/gone.png has no command in experiments/pictures/draw.py",
        "docs/losses.png: docs/losses.png changed; run make pictures PICTURES=losses.png",
        f"docs/serve.png: {draw.SHIPPED} changed; run make pictures PICTURES=serve.png",
    ]


def test_without_data_what_needs_it_is_left(draw, monkeypatch, tmp_path, capsys):
    asked, done = [], SimpleNamespace(returncode=0)
    monkeypatch.delenv("AFFECTMAP_DATA", raising=False)
    monkeypatch.setattr(draw.subprocess, "run", lambda words, **options: asked.append(words[2:]) or done)
    monkeypatch.setattr(draw, "NOTES", tmp_path / "pictures.json")
    draw.main(["track.png", "annotate.png", "annotate-phone.png"])
    assert asked == [["annotate"]]
    assert "left as they are without AFFECTMAP_DATA: track.png" in capsys.readouterr().out
    assert sorted(json.loads(draw.NOTES.read_text())) == ["annotate-phone.png", "annotate.png"]
    done.returncode = 1
    (tmp_path / "pictures.json").unlink()
    with pytest.raises(SystemExit, match=r"left as they were noted: pictures/pages\.py annotate"):
        draw.main(["annotate.png"])
    assert json.loads(draw.NOTES.read_text()) == {}
    with pytest.raises(SystemExit, match=r"there is no picture map\.png; there are annotate\.png"):
        draw.main(["map.png"])
