"""The languages of the rating page: every file says everything, with the same gaps to fill."""

from __future__ import annotations

import json
import re
from importlib import resources

import pytest

from affectmap.schema import Emotion

STATIC = resources.files("affectmap") / "annotator" / "static"
FILES = sorted(file.name for file in (STATIC / "languages").iterdir())
RIGHT_TO_LEFT = {"ar", "fa", "he", "ur"}


def read(name: str) -> dict[str, str]:
    return json.loads((STATIC / "languages" / name).read_text(encoding="utf-8"))


def gaps(text: str) -> list[str]:
    return sorted(re.findall(r"\{\w+\}", text))


def test_five_languages_at_least():
    assert {"de.json", "el.json", "en.json", "fr.json", "ur.json"} <= set(FILES)


@pytest.mark.parametrize("name", FILES)
def test_says_what_english_says(name):
    english, texts = read("en.json"), read(name)
    assert list(texts) == list(english)
    assert all(isinstance(text, str) and text.strip() == text != "" for text in texts.values())
    assert {key: gaps(text) for key, text in texts.items()} == {key: gaps(text) for key, text in english.items()}


@pytest.mark.parametrize("name", FILES)
def test_direction(name):
    assert read(name)["direction"] == ("rtl" if name.removesuffix(".json") in RIGHT_TO_LEFT else "ltr")


def test_names_differ():
    assert len({read(name)["name"] for name in FILES}) == len(FILES)


def test_all_emotions_have_words():
    named = {key.removeprefix("emotion_") for key in read("en.json") if key.startswith("emotion_")}
    assert named == {str(emotion) for emotion in Emotion}


def test_all_words_that_the_page_uses_are_there_and_no_others():
    english = set(read("en.json")) - {"name", "direction"}
    names = ("index.html", "keys.js", "outbox.js", "page.js", "square.js", "view.js")
    sources = [(STATIC / name).read_text(encoding="utf-8") for name in names]
    used = set(re.findall(r'"([a-z_]+)"', " ".join(sources)))
    composed = {key for key in english if key.startswith(("emotion_", "unsaved_"))}
    assert english - used - composed == set()
    told = re.findall(r'(?:word\(|note\(|data-words=|data-label=)"([a-z_]+)"', " ".join(sources))
    assert set(told) <= english
