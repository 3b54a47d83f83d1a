"""From model to graph, and what is refused."""

import sys
from dataclasses import replace

import numpy as np
import onnx
import pytest

from affectmap.errors import ModelError
from affectmap.model.embedder import Embedder
from affectmap.model.model import load_model
from affectmap.model.onnx import check_parity, onnx_graph
from model_files import make_embedder, make_functionals, make_heads, make_model


def make_models():
    """Models of several sizes, with all heads, some and none."""
    heads = replace(make_heads(make_embedder()), temperature=1.7)
    yield "shipped", load_model()
    yield "wide", make_model(embedder=make_embedder(7))
    yield "tempered", make_model(heads=heads)
    yield "authors", make_embedder(2, "authors-code").model_
    yield "bare", make_embedder(1).model_
    yield "other features", Embedder(epochs=1, hidden_dims=(9,)).fit(make_functionals()[:, :12]).model_
    constant = make_functionals()
    constant[:, 3] = 5.0
    yield "constant", Embedder(epochs=1).fit(constant).model_


def test_any_model_gives_the_same_as_a_graph(monkeypatch):
    for name, model in make_models():
        graph = onnx_graph(model)
        examples = make_functionals(20, seed=2, offset=-5.0, scale=20.0)[:, : len(model.inputs)]
        parity = check_parity(model, graph, examples)
        assert parity["largest_difference"] < 1e-9, name
        assert (parity["n_random"], parity["n_examples"]) == (64, 20)
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert check_parity(model, graph)["largest_difference"] < 1e-9  # the reference of the package onnx


def test_other_statistics_can_be_given():
    import onnxruntime

    model, rows = load_model(), make_functionals(60)
    adapted = model.adapt(np.abs(rows), prior=0)
    session = onnxruntime.InferenceSession(onnx_graph(model), providers=["CPUExecutionProvider"])
    given = {"features": rows, "mean": adapted.statistics.mean, "scale": adapted.statistics.std}
    np.testing.assert_allclose(session.run(["embedding"], given)[0], adapted.embedding(rows)[0], atol=1e-9)


def test_the_graph_is_sound_to_onnx():
    graph = onnx.load_from_string(onnx_graph(make_model()))
    onnx.checker.check_model(graph, full_check=True)
    assert [each.name for each in graph.graph.input] == ["features", "mean", "scale"]
    assert [each.name for each in graph.graph.output] == ["embedding", "distance", "ratings", "probabilities"]
    assert onnx_graph(make_model()) == onnx_graph(make_model())


def test_a_graph_that_differs_is_seen():
    model = make_model()
    others = {
        "network": Embedder(epochs=2, random_state=5).fit(make_functionals()).model_.with_heads(model.heads),
        "ratings": model.with_heads(replace(model.heads, rating_bias=model.heads.rating_bias + 0.1)),
        "temperature": model.with_heads(replace(model.heads, temperature=2.0)),
    }
    for name, other in others.items():
        with pytest.raises(
            ModelError, match=r"the exported graph differs from the model by .*; expected at most 1e-09"
        ):
            check_parity(model, onnx_graph(other))
        assert check_parity(other, onnx_graph(other)), name


def test_a_graph_that_cannot_be_run():
    graph = onnx.load_from_string(onnx_graph(make_model()))
    del graph.graph.initializer[2]
    with pytest.raises(ModelError, match=r"the graph cannot be run \(") as caught:
        check_parity(make_model(), graph.SerializeToString())
    assert "\n" not in str(caught.value)
