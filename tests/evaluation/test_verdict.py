"""An evaluation in words and tables."""

from dataclasses import replace

import pytest

from affectmap.evaluation.scoring import score
from affectmap.evaluation.tables import text_tables
from affectmap.evaluation.verdict import answer, as_text, verdict
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


def changed(found, **ends):
    """The same with the ends of every comparison with a baseline moved."""
    values = tuple(row._replace(**ends) if row.versus else row for row in found.values)
    return replace(found, values=values)


def test_it_compares_with_what_needs_no_model(found):
    better = answer(changed(found, value=-0.2, low=-0.3, high=-0.1))
    assert "activation better than the mean rating would (CCC " in better
    assert "emotions worse than chance (UAR " in better
    unsure = answer(changed(found, value=-0.2, low=-0.3, high=0.1))
    assert "activation not surely better than the mean rating would" in unsure
    assert "emotions not surely better than chance" in unsure
    assert unsure.count(". ") == 0


@pytest.mark.parametrize(
    ("in_sample", "words"),
    [
        (True, "On pets, on which it was trained, small"),
        (None, ", which may be in its training,"),
        (False, "On pets small"),
    ],
)
def test_it_says_whether_the_corpus_was_in_training(found, in_sample, words):
    assert words in answer(replace(found, in_sample=in_sample, model="small"))


def test_without_labels_nothing_is_said(found):
    assert answer(replace(found, values=())).startswith("On pets nothing says how good")
