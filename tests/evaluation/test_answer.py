"""How good a model is, in one sentence."""

import dataclasses

import pytest

from affectmap.evaluation.answer import answer
from affectmap.evaluation.scoring import score
from model_files import make_model
from scored import make_corpus


@pytest.fixture(scope="module")
def found():
    return score(make_model(), make_corpus())


def changed(found, **ends):
    """The same with the ends of every comparison with a baseline moved."""
    values = tuple(row._replace(**ends) if row.versus else row for row in found.values)
    return dataclasses.replace(found, values=values)


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
    assert words in answer(dataclasses.replace(found, in_sample=in_sample, model="small"))


def test_without_labels_nothing_is_said(found):
    assert answer(dataclasses.replace(found, values=())).startswith("On pets nothing says how good")
