"""An evaluation in words and tables."""

from dataclasses import replace

import pytest

from affectmap.evaluation.scoring import score
from affectmap.evaluation.tables import text_tables
from affectmap.evaluation.verdict import as_text, verdict
from cases import each
from model_files import make_model
from scored import make_corpus


@pytest.fixture(scope="module")
def found():
    return score(make_model(), make_corpus())


def words(found):
    return {statement.about: statement.words for statement in verdict(found)}


@each(
    ("training", "about", "warns"),
    [({"corpora": ["Pets"]}, "IN-SAMPLE", True), ({"corpora": ["cats"]}, "Unseen", False), ({}, "Unknown", True)],
)
def test_whether_the_corpus_is_in_the_model_comes_first(training, about, warns):
    first = verdict(score(make_model().described(training=training), make_corpus()))[0]
    assert (first.about, first.warns) == (about, warns)


def test_words_carry_the_values(found):
    said = words(found)
    assert said["Classes"].startswith(f"UAR {found.row('uar').value:.2f}".replace("0.", "."))
    assert "where chance is .25: " in said["Classes"]
    assert f"{found.row('mean_absolute_error', 'valence').value:.2f} points off" in said["Valence"]
    assert said["Intervals"].startswith("Meant for .90 of the ratings, they contain ")
    assert said["Sex"].startswith("Female minus male: UAR ")
    assert said["Utterances"].startswith(
        "40 utterances of 40 used: 40 of the classes neutral, sad, happy and angry, 40"
    )


def test_the_worst_class_is_named_with_what_it_is_taken_for(found):
    recall = {name: found.row(f"recall_{name}").value for name in found.classes}
    worst = min(recall, key=recall.get)
    wrong = found.confusion.loc[worst].drop(worst)
    if wrong.max():
        assert f"; worst {worst}," in words(found)["Classes"]
        assert f"most often taken for {wrong.idxmax()} " in words(found)["Classes"]


def test_classes_that_are_found_alike_have_no_best_and_worst(found):
    alike = tuple(row._replace(value=1.0) if row.measure.startswith("recall_") else row for row in found.values)
    assert "The recall of each is 1.00." in words(replace(found, values=alike))["Classes"]


def test_other_emotions_and_missing_classes_are_told():
    said = words(score(make_model(), make_corpus(emotion=["sad", "fear"] * 10 + ["happy", "angry"] * 10)))["Utterances"]
    assert "Not scored as classes, since the model has no such class: 10 fear." in said
    assert "Nobody here is neutral: the model chooses among the other classes." in said


@each("cells", [{"n_speakers": 2}, {"n_speakers": 1}, {"speaker": None}])
def test_without_intervals_no_difference_is_claimed(cells):
    found = score(make_model(), make_corpus(**cells))
    said = words(found)
    assert said["Speakers"].startswith("No intervals: ")
    for about in ("Classes", "Activation", "Valence"):
        assert "on these utterances (" in said[about]
        assert "which may be chance" in said[about]
        assert "clearly" not in said[about]
    of_whom = "of the other speakers" if found.counts["speakers"] == 2 else "of all, for other speakers are not known"
    assert all(f"Mean rating: {of_whom}." in table.legend for table in text_tables(found)[2:4])
    for difference in said.get("Sex", "UAR").split(": ")[-1].split(";"):
        assert "Sex" not in said or "which may be chance" in difference


def test_tables_have_titles_and_rows(found):
    assert [table.title for table in text_tables(found)] == [
        "Classes", "Each class", "Activation", "Valence", "Probabilities", "Intervals of ratings", "By sex", "By speaker"
    ]  # fmt: skip
    assert [row[0] for row in text_tables(found)[-1].rows] == ["s0", "s1", "s2", "s3", "s4"]
    assert text_tables(found)[-2].header == ["", "female", "male", "female minus male"]


def test_text_has_words_before_tables(found):
    text = as_text(found)
    assert text.startswith("small on pets: 40 utterances of five speakers; each recording alone")
    assert text.index("\nClasses: UAR") < text.index("\nClasses\n") < text.index("\nBy speaker\n")
    assert str(found) == text
