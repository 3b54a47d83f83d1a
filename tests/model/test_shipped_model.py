"""What card, README and docstrings say of the shipped model is what was measured."""

import json
import re
from pathlib import Path

import pandas as pd
import pytest

import affectmap.model.model
from affectmap.model.model import SHIPPED, load_model
from affectmap.transfer.recipe import recorded
from affectmap.transfer.settings import Recipe

ROOT = Path(__file__).parents[2]
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


def reported():
    files = {name: name.read_text(encoding="utf-8") for name in (ROOT / "docs" / "embed.md", MEASURED / "notes.md")}
    return [*map(between_marks, files.values()), between_marks(affectmap.model.model.__doc__)]


@pytest.mark.parametrize("place", range(3))
def test_coverage_is_reported_as_measured(coverage, intervals, place):
    text = reported()[place]
    low, high = (f"{share:.2f}".removeprefix("0") for share in (coverage["coverage"].min(), coverage["coverage"].max()))
    assert f"contained {low} to {high} of the ratings" in text
    widths = [width for policy in ("source", "adapted", "speaker") for width in intervals[policy].values()]
    assert f"±{min(widths):.1f} to ±{max(widths):.1f} points" in text
    assert ("Coverage is below that for" in text) == (coverage["coverage"] < LEVEL).any()
    assert text in load_model().card


def test_the_card_has_the_table_of_coverage(coverage):
    titles, card = {"emodb": "EMO-DB", "urdu": "URDU", "aesdd": "AESDD"}, load_model().card
    for row in coverage.itertuples():
        cells = f"| {row.normalisation} | {titles[row.corpus]} | {row.label} | {row.half_width:.2f} | {row.coverage:.2f} | {row.n} |"
        assert cells in card


def test_every_normalisation_that_gets_an_interval_was_tried(coverage, intervals):
    assert intervals["level"] == LEVEL
    assert set(coverage["normalisation"]) >= {
        "one recording alone",
        "30 of the corpus",
        "all of the corpus",
        "all of the speaker",
    }
    assert (coverage.groupby("normalisation").size() == 6).all()  # three corpora, two ratings
    assert set(intervals) == {"level", "source", "adapted", "speaker"}


def test_it_was_trained_with_the_default_recipe_on_five_corpora():
    """If the recipe's defaults changed, run experiments/shipped-model/run.py again."""
    training = load_model().metadata["training"]
    recipe = training["recipe"]
    assert recipe["settings"] == recorded([], Recipe(), None)["settings"]
    assert list(recipe["sources"]) == ["emodb", "urdu", "aesdd", "ravdess", "emovo"]
    assert [recipe["sources"][name]["rated"] for name in ("ravdess", "emovo")] == [0, 0]
    assert training["languages"] == ["de", "ur", "el", "en", "it"]
    settings = json.loads((MEASURED / "settings.json").read_text(encoding="utf-8"))
    assert settings["recipe"] == recipe["settings"]


def test_anger_is_activated_and_sadness_is_not():
    prototypes = load_model().metadata["training"]["recipe"]["prototypes"]
    assert prototypes["angry"]["activation"] > 4 > 2.5 > prototypes["sad"]["activation"]
    assert prototypes["happy"]["valence"] > 3 > prototypes["angry"]["valence"]
    elsewhere = pd.read_csv(MEASURED / "elsewhere.csv")
    assert (elsewhere["activation of angry"] > elsewhere["activation of happy"]).all()
    assert (elsewhere["activation of happy"] > elsewhere["activation of sad"]).all()


def test_the_card_names_languages_and_licences():
    card = load_model().card
    for words in (
        "EMO-DB (de; free)",
        "URDU (ur; research only)",
        "AESDD (el; none stated)",
        "RAVDESS (en; CC BY-NC-SA 4.0)",
        "EMOVO (it; research, says a mirror; no licence text found)",
        "they gave classes only",
        "Class prototypes:",
        "5 languages and 75 speakers",
    ):
        assert words in card


def test_the_page_has_the_table_of_normalisations():
    runs, page = pd.read_csv(MEASURED / "normalisations.csv"), (ROOT / "docs" / "embed.md").read_text(encoding="utf-8")
    for normalisation in ("one recording alone", "all of the corpus", "all of the speaker"):
        mean = runs[runs["normalisation"] == normalisation].groupby("corpus").mean(numeric_only=True)
        cells = [
            " / ".join(f"{mean.loc[name, column]:.2f}".removeprefix(zero) for name in ("emodb", "urdu", "aesdd"))
            for column, zero in (("uar", "0"), ("r2_activation", "0"), ("mae_activation", ""))
        ]
        assert f"| {normalisation.replace('corpus', 'recording condition')} | {' | '.join(cells)} |" in page, (
            normalisation
        )


def test_it_stays_small():
    folder = ROOT / "src" / "affectmap" / "models" / SHIPPED
    assert sum(file.stat().st_size for file in folder.iterdir()) < 100_000


def test_the_card_says_what_was_chosen_on_the_corpora_it_reports():
    card = load_model().card
    for words in ("chosen looking at these three corpora", "fewer than 30", "temperature (1)", "was not measured"):
        assert words in card
