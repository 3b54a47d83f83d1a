"""``experiments/few-labels``: the committed page, and that what is rated is never scored."""

import sys
from pathlib import Path

import numpy as np
import pytest

from affectmap.model.correction import Basis
from affectmap.model.heads import CLASSES

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "experiments" / "few-labels"


@pytest.fixture(scope="module")
def modules():
    path, before = list(sys.path), set(sys.modules)
    sys.path[:0] = [str(FOLDER), str(FOLDER.parent / "whisper-model"), str(FOLDER.parent / "shipped-model")]
    import few_labels_choices
    import few_labels_methods
    import few_labels_models
    import few_labels_page

    yield few_labels_models, few_labels_methods, few_labels_choices, few_labels_page
    sys.path[:] = path
    for name in set(sys.modules) - before:
        if str(getattr(sys.modules[name], "__file__", "")).startswith(str(ROOT / "experiments")):
            del sys.modules[name]


@pytest.fixture(scope="module")
def start(modules):
    """A corpus of which the model is a point off, everywhere."""
    random = np.random.default_rng(0)
    latent = random.normal(size=(120, 2))
    label = np.clip(3 + latent, 1, 5)
    emotion = np.array(CLASSES, dtype=object)[random.integers(0, 4, size=120)]
    basis = Basis(latent, random.normal(size=(120, 12)))
    return modules[0].Start(basis, label - 1, random.normal(size=(120, 4)), CLASSES, label, emotion)


def test_the_page_has_the_committed_tables(modules):
    page = modules[3]
    text = (ROOT / "docs" / "few-labels.md").read_text(encoding="utf-8")
    for name, table in page.page_tables(*page.read_tables()).items():
        assert f"<!-- {name}:begin -->\n{table.rstrip()}\n<!-- {name}:end -->" in text, name


def test_every_choice_gives_so_many_of_the_pool(modules, start):
    pool = np.arange(0, 120, 2)
    for name, choose in modules[2].CHOICES.items():
        for n in (5, 50):
            chosen = choose(start, pool, n, 0)
            assert len(set(chosen.tolist())) == n, name
            assert np.isin(chosen, pool).all()


def test_every_method_sees_the_rated_alone(modules, start):
    methods = modules[1]
    rated = np.arange(20)
    blind = start.label.copy()
    blind[20:] = np.nan
    hidden = modules[0].Start(start.basis, start.ratings, start.scores, start.classes, blind, start.emotion)
    for name, method in methods.METHODS.items():
        for setting in method.settings.values():
            found = method.predict(start, rated, setting)
            np.testing.assert_array_equal(found, method.predict(hidden, rated, setting), name)
    off = {name: methods.METHODS[name].predict(start, rated, next(iter(methods.METHODS[name].settings.values())))
           for name in (methods.NONE, "level, as it is", methods.ADAPT)}  # fmt: skip
    errors = {name: np.abs(each - start.label).mean() for name, each in off.items()}
    assert errors["level, as it is"] == pytest.approx(0)
    assert errors[methods.ADAPT] < errors[methods.NONE] == pytest.approx(1)
