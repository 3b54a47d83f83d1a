"""Whether a model may be used, from distances made by hand."""

from dataclasses import replace

import numpy as np
import pytest

from affectmap.evaluation.baselines import MEAN_RATING
from affectmap.evaluation.scoring import MODEL, Row, score
from affectmap.evaluation.use import Raters, use, uses
from affectmap.evaluation.verdict import verdict
from cases import each
from model_files import make_model
from scored import make_corpus

RATERS = Raters(("Ada", "Bo"), 0.8, 0.6, 100)


@pytest.fixture(scope="module")
def scored():
    return score(make_model().described(training={"corpora": ["cats"]}), make_corpus())


def made(scored, *, nearer=(-0.3, -0.4, -0.2), ccc=(0.5, 0.4, 0.6), raters=RATERS, sex=None, **changes):
    """An evaluation of activation with a difference from the mean rating and a CCC."""
    fixed = {"group": "", "quantity": "activation", "n": 100, "n_speakers": 5}
    rows = [
        Row(by="all", measure="mean_absolute_error", method=MODEL, versus=MEAN_RATING, **fixed, **values(nearer)),
        Row(by="all", measure="ccc", method=MODEL, versus="", **fixed, **values(ccc)),
    ]
    if sex:
        other = fixed | {"group": "female"}
        rows += [Row(by="sex", measure="mean_absolute_error", method=MODEL, versus="male", **other, **values(sex))]
    return replace(scored, values=tuple(rows), raters={"activation": raters}, **changes)


def values(three):
    return dict(zip(("value", "low", "high"), three, strict=True))


@each(
    ("changes", "answer"),
    [
        ({}, "groups"),
        ({"ccc": (0.7, 0.6, 0.8)}, "recordings"),
        ({"ccc": (0.7, 0.59, 0.8)}, "groups"),
        ({"nearer": (-0.1, -0.3, 0.1)}, "not"),
        ({"nearer": (0.3, 0.2, 0.4)}, "not"),
        ({"nearer": (-0.3, np.nan, np.nan)}, "unknown"),
        ({"raters": RATERS._replace(reliability=0.49)}, "unknown"),
        ({"raters": RATERS._replace(reliability=np.nan)}, "unknown"),
        ({"ccc": (0.3, 0.1, 0.5)}, "groups"),
        ({"ccc": (0.29, 0.2, 0.4)}, "weak"),
        ({"ccc": (np.nan, np.nan, np.nan)}, "weak"),
    ],
)
def test_the_answer_follows_from_three_distances(scored, changes, answer):
    assert use(made(scored, **changes), "activation") == answer


def test_a_label_without_raters_gets_no_words(scored):
    found = made(scored)
    assert use(found, "valence") == "unknown"
    assert [statement.about for statement in uses(found)] == ["Use of activation", "Use"]
    assert list(uses(replace(found, raters={}))) == []


@each(
    ("changes", "begins", "warns"),
    [
        ({}, "Means over many recordings may be compared: ", False),
        ({"ccc": (0.7, 0.6, 0.8)}, "A single value may be taken like that of one more rater: its CCC", False),
        ({"ccc": (0.1, 0.05, 0.15)}, "As a hint at most. The model is nearer to the ratings", True),
        ({"nearer": (0.1, -0.2, 0.4)}, "Do not use it here. The model is not clearly nearer", True),
        ({"raters": RATERS._replace(reliability=0.3)}, "It cannot be told. The mean of Ada and Bo has", True),
        ({"nearer": (-0.3, np.nan, np.nan)}, "It cannot be told: below three known speakers", True),
    ],
)
def test_words_say_the_answer(scored, changes, begins, warns):
    first = next(uses(made(scored, **changes)))
    assert first.words.startswith(begins)
    assert first.warns == warns


def test_limits_are_said(scored):
    def said(**changes):
        return " ".join(statement.words for statement in uses(made(scored, **changes)))

    assert "trained on these recordings" in said(in_sample=True)
    assert "trained on these" not in said()
    assert "women with men by activation" in said(sex=(0.3, 0.1, 0.5))
    assert "women" not in said(sex=(0.3, -0.1, 0.5))
    assert "With 20 recordings rated by all this is preliminary" in said(raters=RATERS._replace(n=20))
    assert "preliminary" not in said()
    assert said().endswith("Never use it to diagnose, or to decide about a person.")


def test_it_stands_in_the_verdict_and_in_json(scored):
    found = replace(scored, raters={"activation": RATERS._replace(reliability=np.nan)})
    assert "Use of activation" in [statement.about for statement in verdict(found)]
    assert found.as_dict()["raters"] == {
        "activation": {"names": ["Ada", "Bo"], "reliability": None, "ccc": 0.6, "n": 100}
    }
    assert "Use" not in {statement.about for statement in verdict(scored)}
