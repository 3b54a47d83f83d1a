"""``affectmap score``."""

import json

import numpy as np
import pandas as pd
import pytest

from corpus_files import make_rows, write_emodb, write_table
from model_files import write_model

FILES = {
    ".affectmap", "confusion.csv", "measures.csv", "reliability.csv", "score.html", "score.json", "tables.tex",
    "unusable.csv", "utterances.parquet",
}  # fmt: skip


@pytest.fixture
def pets(here):
    write_model(here / "model")
    return write_table(here, "pets")


def test_a_table_is_scored_in_words(affectmap, pets):
    outcome = affectmap("score", pets, "--model", "model")
    assert outcome.code == 0
    lines = outcome.out.splitlines()
    assert lines[0] == (
        "small on pets: 32 utterances of four speakers; each recording alone, with the statistics of the model"
    )
    assert "Unknown: The model does not say on which corpora it was trained" in outcome.out
    assert "\nEach class\n" in outcome.out


def test_a_second_run_prints_and_writes_the_same(affectmap, here, pets):
    first, second = (affectmap("score", pets, "--model", "model", "-o", name) for name in ("one", "two"))
    assert first.out == second.out
    assert {file.name for file in (here / "one").iterdir()} == FILES
    for name in FILES - {".affectmap"}:
        assert (here / "one" / name).read_bytes() == (here / "two" / name).read_bytes(), name
    assert first.err.splitlines()[-1] == f"written: {here / 'one' / 'score.html'}"


def test_json_and_files_have_the_same_numbers(affectmap, here, pets):
    printed = json.loads(affectmap("score", pets, "--model", "model", "--format", "json", "-o", "out").out)
    written = json.loads((here / "out" / "score.json").read_text())
    assert {name: cell for name, cell in written.items() if name != "verdict"} == printed
    measures = pd.read_csv(here / "out" / "measures.csv", keep_default_na=False)
    assert len(measures) == len(printed["measures"])
    utterances = pd.read_parquet(here / "out" / "utterances.parquet")
    uar = next(row for row in printed["measures"] if row["measure"] == "uar" and row["by"] == "all")
    hits = (utterances["emotion"] == utterances["N-S-H-A"]).groupby(utterances["emotion"]).mean()
    assert uar["value"] == pytest.approx(hits.mean())
    tex = (here / "out" / "tables.tex").read_text()
    assert tex.count(r"\begin{tabular}") == tex.count(r"\bottomrule") == 8 - 1  # no sex is known


@pytest.mark.parametrize("adapt", ["corpus", "speaker"])
def test_adapting_is_told(affectmap, pets, adapt):
    outcome = affectmap("score", pets, "--model", "model", "--adapt", adapt)
    assert outcome.out.startswith("small on pets: 32 utterances of four speakers; adapted to ")
    alone = affectmap("score", pets, "--model", "model")
    assert outcome.out.splitlines()[5:] != alone.out.splitlines()[5:]


def test_recordings_are_measured_with_the_shipped_model_and_their_sheet(affectmap, here):
    wav = write_emodb(here)
    (wav / "16a01Wb.wav").write_bytes(b"no sound")
    outcome = affectmap("score", f"emodb={wav.parent}", "--labels", "labels")
    assert outcome.code == 0
    assert "IN-SAMPLE: the model was trained on EMO-DB." in outcome.out
    assert "16 utterances of 17 used" in outcome.out
    assert "16a01Wb.wav" in outcome.out


@pytest.mark.parametrize(
    ("arguments", "code", "line"),
    [
        (["pets"], 2, "cannot read corpus 'pets'"),
        (["table:pets=none.csv"], 1, "does not exist"),
        ([], 2, "missing argument 'CORPUS'"),
        (["table:pets=pets.parquet", "--adapt", "hear"], 2, "'hear' is not one of 'corpus', 'listen', 'speaker'"),
        (["table:pets=pets.parquet", "--model", "none"], 1, "none does not exist; expected the folder of a model"),
        (["table:pets=pets.parquet", "-o", "pets.parquet"], 2, "pets.parquet ends in .parquet as a file does"),
        (["table:pets=pets.parquet", "-o", "model"], 1, "model"),
        (["table:bare=bare.csv", "--model", "model"], 1, "bare: none of 32 usable utterances has a label"),
        (["table:nobody=nobody.csv", "--model", "model", "--adapt", "speaker"], 1, "nobody: the speaker of 32 of 32"),
    ],
)
def test_bad_input_is_one_line(affectmap, here, pets, arguments, code, line):
    rows = make_rows()
    rows.drop(columns=["emotion", "activation", "valence"]).to_csv("bare.csv", index=False)
    rows.drop(columns="speaker").to_csv("nobody.csv", index=False)
    outcome = affectmap("score", *arguments)
    assert (outcome.code, outcome.out) == (code, "")
    assert line in outcome.error


def test_without_packages_for_a_page_all_else_is_written(affectmap, here, pets, monkeypatch):
    monkeypatch.setattr("affectmap.cli.score.installed", lambda name: name != "jinja2")
    outcome = affectmap("score", pets, "--model", "model", "-o", "out")
    assert outcome.code == 0
    assert {file.name for file in (here / "out").iterdir()} == FILES - {"score.html"}
    assert 'note: no page: it needs jinja2 and matplotlib; run pip install "affectmap[score]"' in outcome.err
    assert outcome.err.splitlines()[-1] == f"written: {here / 'out' / 'score.json'}"


def write_raters(here, files, noise):
    rng, rows = np.random.default_rng(0), []
    for rater, scale in noise.items():
        for number, file in enumerate(files):
            activation = float(np.clip(1 + number % 9 / 2 + scale * rng.normal(), 1, 5))
            rows.append({"file": file, "rater": rater, "activation": activation})
    pd.DataFrame(rows).to_csv(here / "ratings.csv", index=False)


def test_raters_say_what_the_model_may_be_used_for(affectmap, here, pets):
    files = make_rows()["file"]
    write_raters(here, files, {"Ada": 0.2, "Bo": 0.2})
    outcome = affectmap("score", pets, "--model", "model", "--ratings", "ratings.csv", "-o", "out")
    assert outcome.code == 0
    assert "Use of activation: " in outcome.out
    assert "Use of valence" not in outcome.out
    assert "Use of activation" in (here / "out" / "score.html").read_text(encoding="utf-8")
    assert json.loads((here / "out" / "score.json").read_text())["raters"]["activation"]["names"] == ["Ada", "Bo"]


def test_ratings_of_one_person_or_of_other_recordings_are_refused(affectmap, here, pets):
    write_raters(here, make_rows()["file"], {"Ada": 0.2})
    outcome = affectmap("score", pets, "--model", "model", "--ratings", "ratings.csv")
    assert (outcome.code, outcome.out) == (1, "")
    assert "ratings.csv has ratings of one person; --ratings needs those of two or more" in outcome.err
    write_raters(here, ["elsewhere/x.wav", "y.wav"], {"Ada": 0.2, "Bo": 0.2})
    outcome = affectmap("score", pets, "--model", "model", "--ratings", "ratings.csv")
    assert (outcome.code, outcome.out) == (1, "")
    assert "none of the recordings rated in ratings.csv is in pets" in outcome.err


def test_labels_that_are_not_the_raters_mean_are_noted(affectmap, here):
    rows = make_rows()
    rows.to_csv("mine.csv", index=False)
    given = rows[["file"]].assign(rater="Ada", activation=6 - rows["activation"], valence=3.0)
    pd.concat([given, given.assign(rater="Bo", activation=given["activation"].clip(1.5, 4.5))]).to_csv(
        "ratings.csv", index=False
    )
    done = affectmap("score", "table:mine=mine.csv", "--ratings", "ratings.csv")
    assert "activation of mine is not the mean of the ratings in ratings.csv (" in done.err
