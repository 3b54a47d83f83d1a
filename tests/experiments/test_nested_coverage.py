"""Coverage leave-one-corpus-out, as experiments/shipped-model measures it."""

import runpy
from pathlib import Path

import numpy as np
import pytest

from affectmap.errors import ConfigError

FOLDER = Path(__file__).parents[2] / "experiments" / "shipped-model"
nested_coverage = runpy.run_path(str(FOLDER / "nested_coverage.py"))["nested_coverage"]


def test_nested_coverage_on_exchangeable_corpora():
    rng = np.random.default_rng(5)
    labels = {name: 3 + rng.normal(size=(800, 2)) * [0.3, 0.6] for name in "abcd"}
    table = nested_coverage(lambda sources, target, normalisation: np.full((800, 2), 3.0), labels, {"alone": ["alone"]})
    assert table["coverage"].between(0.87, 0.96).all()
    assert table["coverage"].mean() > 0.9
    assert len(table) == 8


def test_the_width_of_a_normalisation_comes_from_those_it_names():
    errors = {"alone": 1.0, "corpus": 0.5}
    labels = {name: np.full((50, 2), 3.0) for name in "abc"}
    measured = {"alone": ["alone"], "corpus": ["corpus"], "few": ["alone", "corpus"]}
    table = nested_coverage(
        lambda sources, target, normalisation: labels[target] + errors.get(normalisation, 0.7), labels, measured
    )
    assert table.groupby("normalisation")["half_width"].unique().explode().to_dict() == {
        "alone": 1.0,
        "few": 1.0,
        "corpus": 0.5,
    }
    assert (table["coverage"] == 1).all()


def test_one_hard_corpus_widens_the_intervals_of_others():
    labels = {name: np.full((50, 2), 3.0) for name in "abc"}
    table = nested_coverage(
        lambda sources, target, normalisation: labels[target] + (target == "a"), labels, {"alone": ["alone"]}
    )
    widths = table.groupby("corpus")["half_width"].max()
    assert widths.to_dict() == {"a": 0.0, "b": 1.0, "c": 1.0}


def test_nested_coverage_never_lets_the_reported_corpus_in():
    asked = []
    labels = {name: np.full((20, 2), float(i)) for i, name in enumerate("abc", 1)}

    def predict(sources, target, way):
        assert target not in sources
        asked.append((sources, target))
        return labels[target] + (10.0 if "c" in (*sources, target) else 0.0)

    table = nested_coverage(predict, labels, {"alone": ["alone"]}).set_index(["corpus", "label"])
    # Without c, a and b predict each other exactly, so that c's own width is 0 and holds nothing of c.
    assert table.loc[("c", "activation"), "half_width"] == 0
    assert table.loc[("c", "activation"), "coverage"] == 0
    assert (("a",), "b") in asked
    assert (("a", "b"), "c") in asked


def test_nested_coverage_needs_three():
    with pytest.raises(ConfigError, match="2 corpora; it needs at least 3"):
        nested_coverage(
            lambda *given: np.zeros((1, 2)), {name: np.zeros((1, 2)) for name in "ab"}, {"alone": ["alone"]}
        )
