"""Tables of features from the command line: audited, trained on, scored, embedded and adapted to without any audio."""

import json

import numpy as np
import pandas as pd
import pytest

NAMES = [f"mean_{number}" for number in range(6)]


@pytest.fixture
def tables(here):
    """Two corpora of an encoder's features, of which the first carries activation; nothing else lies there."""
    for seed, name in enumerate(("cats", "dogs")):
        rng = np.random.default_rng(seed)
        activation = np.tile([2.0, 4.0, 3.0, 2.5], 12)
        values = rng.normal(size=(48, 6)) + np.outer(activation, np.eye(6)[0])
        frame = pd.DataFrame(values, columns=NAMES)
        frame.insert(0, "file", [f"{number}.wav" for number in range(48)])
        frame["speaker"] = [f"s{number // 12}" for number in range(48)]
        frame["emotion"] = np.tile(["sad", "angry", "happy", "neutral"], 12)
        frame["activation"], frame["valence"] = activation, np.tile([2.0, 2.0, 4.0, 3.0], 12) + 0.1 * rng.random(48)
        frame.to_csv(here / f"{name}.csv", index=False)
    return "table:cats=cats.csv", "table:dogs=dogs.csv"


@pytest.fixture
def model(affectmap, tables):
    given = ("--source", tables[0], "--features", "columns:mean_", "--recipe", "paper", "--epochs", "2")
    done = affectmap("train", *given, "-o", "model")
    assert done.code == 0, done.err
    return "model"


def test_corpora_and_audit_of_columns(affectmap, tables):
    done = affectmap("corpora", *tables, "--features", "columns", "--format", "json")
    assert [each["n_features"] for each in json.loads(done.out)["corpora"]] == [6, 6]
    assert affectmap("corpora", tables[0]).error.endswith(
        "if its 6 columns of numbers are features, add --features columns"
    )
    done = affectmap("audit", "--source", tables[0], "--target", tables[1], "--features", "columns:mean_")
    assert done.code == 0
    assert "functionals are looked at" not in done.err


def test_a_model_of_columns_is_scored_embedded_and_adapted(affectmap, here, tables, model):
    text = (here / model / "model.yaml").read_text()
    assert "features: columns of a table" in text
    assert "\nmeasured:" not in text
    assert "columns_of_tables:\n  - cats\n" in text
    scored = affectmap("score", tables[1], "--model", model)
    assert scored.code == 0, scored.err
    assert "48 utterances of four speakers" in scored.out
    embedded = affectmap("embed", "dogs.csv", "--model", model)
    assert embedded.code == 0
    assert len(embedded.out.splitlines()) == 49
    assert embedded.out.splitlines()[1].startswith("0.wav,")
    assert "what measured its features is not known" in embedded.err
    assert affectmap("embed", tables[1], "--model", model).out == embedded.out
    assert affectmap("adapt", "dogs.csv", "--model", model, "-o", "adapted").code == 0


def test_rows_without_a_number_are_rows_with_a_problem(affectmap, here, tables, model):
    frame = pd.read_csv(here / "dogs.csv")
    frame.loc[3, "mean_2"] = np.nan
    frame.to_csv(here / "dogs.csv", index=False)
    rows = affectmap("embed", "dogs.csv", "--model", model).out.splitlines()
    assert rows[4].endswith("1 of its 6 features are not finite numbers")


def test_a_table_without_rows_is_refused_in_one_line(affectmap, here, tables, model):
    pd.read_csv(here / "dogs.csv").iloc[:0].to_csv(here / "dogs.csv", index=False)
    for verb in (("embed",), ("adapt", "-o", "adapted")):
        found = affectmap(*verb, "dogs.csv", "--model", model)
        assert "dogs.csv has no rows; expected at least one utterance" in found.error
        assert found.out == ""


def test_other_features_are_refused_in_one_line(affectmap, here, tables, model):
    frame = pd.read_csv(here / "dogs.csv").rename(columns={"mean_5": "std_5"})
    frame.to_csv(here / "dogs.csv", index=False)
    told = "1 of the 6 features are missing, first mean_5"
    assert told in affectmap("embed", "dogs.csv", "--model", model).error
    assert "lacks 1 of 6 features, first mean_5" in affectmap("score", tables[1], "--model", model).error
    run = ("--source", tables[0], "--target", tables[1], "--features", "columns")
    assert "dogs lacks 1 of the 6 features of cats, first mean_5" in affectmap("audit", *run).error
    assert "88 of the 88 features are missing" in affectmap("embed", "cats.csv").error
    assert "give it alone" in affectmap("embed", "cats.csv", "a.wav").error
    assert (
        "columns of tables are not measured here"
        in affectmap("train", *run[:2], *run[4:], "--sampling-rate", 8000, "-o", "other").error
    )
