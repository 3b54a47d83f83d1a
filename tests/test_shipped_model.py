"""What card, README and docstrings say of the shipped model is what was measured."""

import re
from pathlib import Path

import pandas as pd
import pytest

import affectmap.inference
from affectmap.inference import load_model

ROOT = Path(__file__).parents[1]
MEASURED = ROOT / "experiments" / "shipped-model"
LEVEL = 0.9


@pytest.fixture(scope="module")
def coverage():
    return pd.read_csv(MEASURED / "coverage.csv")


@pytest.fixture(scope="module")
def intervals():
    return load_model().metadata["intervals"]


def between_marks(text):
    found = re.findall(r"<!-- coverage:begin -->(.*?)<!-- coverage:end -->", text, flags=re.DOTALL)
    assert len(found) == 1
    return " ".join(found[0].split())


def told():
    files = {name: name.read_text(encoding="utf-8") for name in (ROOT / "README.md", MEASURED / "notes.md")}
    return [*map(between_marks, files.values()), between_marks(affectmap.inference.__doc__)]


@pytest.mark.parametrize("place", range(3))
def test_what_intervals_held_is_told_as_measured(coverage, intervals, place):
    text = told()[place]
    low, high = (f"{share:.2f}".removeprefix("0") for share in (coverage["coverage"].min(), coverage["coverage"].max()))
    assert f"held {low} to {high} of the ratings" in text
    widths = [width for policy in ("source", "adapted", "speaker") for width in intervals[policy].values()]
    assert f"±{min(widths):.1f} to ±{max(widths):.1f} points" in text
    assert ("do not hold everywhere" in text) == (coverage["coverage"] < LEVEL).any()
    assert text in load_model().card


def test_the_card_has_the_table_of_coverage(coverage):
    titles, card = {"emodb": "EMO-DB", "urdu": "URDU", "aesdd": "AESDD"}, load_model().card
    for row in coverage.itertuples():
        cells = (
            f"| {row.way} | {titles[row.corpus]} | {row.label} | {row.half_width:.2f} | {row.coverage:.2f} | {row.n} |"
        )
        assert cells in card


def test_every_way_that_gets_an_interval_was_tried(coverage, intervals):
    assert intervals["level"] == LEVEL
    assert set(coverage["way"]) >= {"one recording alone", "30 of the place", "all of the place", "all of the speaker"}
    assert (coverage.groupby("way").size() == 6).all()  # three corpora, two ratings
    assert set(intervals) == {"level", "source", "adapted", "speaker"}


def test_the_card_says_what_was_chosen_on_the_corpora_it_reports():
    card = load_model().card
    for words in ("chosen looking at these three corpora", "fewer than 30", "temperature (1)", "was not measured"):
        assert words in card
