"""What a graph may not do."""

import contextlib

import numpy as np
import onnx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper

from affectmap.errors import ModelError
from affectmap.model.graph_check import OPERATORS, check_graph
from affectmap.model.onnx import build_graph
from model_files import make_embedder

GRAPH = build_graph(make_embedder())


def model_of(*nodes, initialisers=(), **options) -> onnx.ModelProto:
    value = helper.make_tensor_value_info("x", TensorProto.DOUBLE, ["N", 2])
    graph = helper.make_graph(list(nodes), "g", [value], [value], list(initialisers))
    return helper.make_model(graph, **options)


def test_an_exported_graph_passes():
    check_graph(GRAPH, "model.onnx")


@pytest.mark.parametrize("operator", ["Loop", "If", "Constant", "ConstantOfShape", "Expand", "MatMul"])
def test_other_operators_are_refused(operator):
    assert operator not in OPERATORS
    graph = model_of(helper.make_node(operator, ["x"], ["x"])).SerializeToString()
    with pytest.raises(ModelError, match=f"m.onnx has the operator '{operator}'; expected plain arithmetic"):
        check_graph(graph, "m.onnx")


def test_an_operator_of_another_domain_is_refused():
    graph = model_of(helper.make_node("Relu", ["x"], ["x"], domain="evil")).SerializeToString()
    with pytest.raises(ModelError, match="the operator 'Relu'"):
        check_graph(graph, "m.onnx")


def test_a_tensor_within_a_node_is_refused():
    tensor = numpy_helper.from_array(np.zeros(3))
    graph = model_of(helper.make_node("Relu", ["x"], ["x"], value=tensor)).SerializeToString()
    with pytest.raises(ModelError, match="a graph or tensor within Relu"):
        check_graph(graph, "m.onnx")


def test_numbers_in_another_file_are_refused():
    tensor = numpy_helper.from_array(np.zeros(3), "w")
    onnx.external_data_helper.set_external_data(tensor, location="/etc/passwd")
    tensor.ClearField("raw_data")
    graph = model_of(helper.make_node("Relu", ["x"], ["x"]), initialisers=[tensor]).SerializeToString()
    with pytest.raises(ModelError, match="has numbers in another file"):
        check_graph(graph, "m.onnx")


def test_sparse_numbers_and_functions_are_refused():
    model = model_of(helper.make_node("Relu", ["x"], ["x"]))
    values, places = numpy_helper.from_array(np.ones(1), "s"), numpy_helper.from_array(np.zeros(1, np.int64), "i")
    model.graph.sparse_initializer.append(helper.make_sparse_tensor(values, places, [4]))
    with pytest.raises(ModelError, match="has sparse numbers"):
        check_graph(model.SerializeToString(), "m.onnx")
    function = helper.make_function("own", "f", ["x"], ["y"], [], [helper.make_opsetid("", 17)])
    graph = model_of(helper.make_node("Relu", ["x"], ["x"]), functions=[function]).SerializeToString()
    with pytest.raises(ModelError, match="has functions of its own"):
        check_graph(graph, "m.onnx")


@pytest.mark.parametrize("content", [b"", b"\x00", b"PK\x03\x04", b"\x80\x04.", GRAPH[:1000], GRAPH[:-1], b"\xff" * 50])
def test_a_damaged_file_is_one_error(content):
    with pytest.raises(ModelError, match=r"m.onnx (is damaged or not an ONNX file|has )"):
        check_graph(content, "m.onnx")


def test_two_graphs_in_one_file_are_refused():
    with pytest.raises(ModelError, match="no single graph"):
        check_graph(GRAPH + GRAPH, "m.onnx")


@given(st.binary(max_size=300))
def test_any_bytes_end_in_an_answer(content):
    with pytest.raises(ModelError):
        check_graph(content, "m.onnx")


@given(st.integers(0, len(GRAPH) - 1), st.integers(1, 255))
def test_a_changed_byte_ends_in_an_answer(place, change):
    content = bytearray(GRAPH)
    content[place] ^= change
    with contextlib.suppress(ModelError):  # and nothing else
        check_graph(bytes(content), "m.onnx")
