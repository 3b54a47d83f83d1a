"""The graph against plain NumPy."""

import numpy as np
import onnx
import pytest

from affectmap.errors import ModelError
from affectmap.model.graph import Graph
from affectmap.model.onnx import build_graph
from affectmap.preparation.standardisation import Statistics
from affectmap.schema import LABELS
from model_files import make_embedder, make_functionals, make_heads

EMBEDDER = make_embedder()
HEADS = make_heads(EMBEDDER)
COLUMNS = {
    "embedding": ["embedding_0", "embedding_1"],
    "distance": ["distance"],
    "ratings": list(LABELS),
    "probabilities": list(HEADS.classes),
}


def make_graph(heads=HEADS, columns=None):
    names = {name: each for name, each in COLUMNS.items() if heads or name in ("embedding", "distance")}
    return Graph(build_graph(EMBEDDER, heads), columns or names, "model.onnx")


def by_hand(functionals, statistics):
    """The same in a few lines of NumPy."""
    z = np.where(statistics.usable, (functionals - statistics.mean) / np.where(statistics.usable, statistics.std, 1), 0)
    hidden = z
    for number, layer in enumerate(EMBEDDER.network_.encoder):
        hidden = hidden @ layer.weight.detach().numpy().astype(float).T + layer.bias.detach().numpy().astype(float)
        hidden = np.maximum(hidden, 0) if number < 3 else hidden
    scores = (hidden @ HEADS.class_weight + HEADS.class_bias) / HEADS.temperature
    chances = np.exp(scores - scores.max(axis=1, keepdims=True))
    return {
        "embedding": hidden,
        "distance": np.sqrt((z**2).mean(axis=1, keepdims=True)),
        "ratings": np.clip(hidden @ HEADS.rating_weight + HEADS.rating_bias, 1, 5),
        "probabilities": chances / chances.sum(axis=1, keepdims=True),
    }


def test_the_graph_computes_what_its_formulas_say():
    functionals = make_functionals(40, seed=5)
    found, expected = make_graph().run(functionals, EMBEDDER.statistics_), by_hand(functionals, EMBEDDER.statistics_)
    assert found.keys() == expected.keys()
    for name, values in expected.items():
        np.testing.assert_allclose(found[name], values, rtol=1e-12, atol=1e-12, err_msg=name)


def test_a_functional_that_carries_nothing_counts_as_zero():
    mean, std = EMBEDDER.statistics_.mean.copy(), EMBEDDER.statistics_.std.copy()
    std[7], mean[9], std[11] = 0.0, np.nan, np.nan
    statistics = Statistics(mean, std)
    functionals = make_functionals(5, seed=6)
    found = make_graph().run(functionals, statistics)
    np.testing.assert_allclose(found["embedding"], by_hand(functionals, statistics)["embedding"], rtol=1e-12)


def test_rows_do_not_know_each_other():
    functionals = make_functionals(30, seed=7)
    functionals[3, 5], functionals[8, 0] = np.nan, np.inf
    graph = make_graph()
    found = graph.run(functionals, EMBEDDER.statistics_)
    for row in range(30):
        alone = graph.run(functionals[row : row + 1], EMBEDDER.statistics_)
        for name, values in alone.items():
            np.testing.assert_allclose(values[0], found[name][row], rtol=0, atol=1e-12)
    assert [row for row in range(30) if np.isnan(found["embedding"][row]).all()] == [3, 8]


def test_no_rows_give_no_rows():
    found = make_graph().run(np.zeros((0, 88)), EMBEDDER.statistics_)
    assert {name: values.shape for name, values in found.items()}["probabilities"] == (0, 4)


@pytest.mark.parametrize(
    "columns",
    [
        {"embedding": ["a"], "distance": ["d"]},
        {"embedding": ["a", "b"]},
        {"embedding": ["a", "b"], "distance": ["d"], "ratings": list(LABELS)},
        {"distance": ["d"]},
        {},
        {"embedding": "ab", "distance": ["d"]},
    ],
)
def test_outputs_that_are_described_otherwise_are_refused(columns):
    with pytest.raises(ModelError, match=r"gives .* expected"):
        make_graph(None, columns or {"nothing": ["x"]})


def test_ratings_of_something_else_are_refused():
    with pytest.raises(ModelError, match="rates arousal, valence; expected activation, valence"):
        make_graph(columns=COLUMNS | {"ratings": ["arousal", "valence"]})


def test_inputs_of_another_kind_are_refused():
    model = onnx.load_from_string(build_graph(EMBEDDER))
    model.graph.input[0].type.tensor_type.shape.dim[1].dim_value = 25
    with pytest.raises(ModelError, match=r"m\.onnx (takes|cannot be run)"):
        Graph(model.SerializeToString(), {}, "m.onnx")


def test_a_graph_that_does_not_hold_together_cannot_be_run():
    model = onnx.load_from_string(build_graph(EMBEDDER))
    del model.graph.initializer[0]
    with pytest.raises(ModelError, match=r"m\.onnx cannot be run \(") as caught:
        Graph(model.SerializeToString(), {}, "m.onnx")
    assert "\n" not in str(caught.value)
