"""The layers of an encoder as an ONNX graph, for the benchmark of encoders; see whisper.py."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from affectmap.whisper.plain import EPSILON, Linear, Parameters, parameters_of
from affectmap.whisper.weights import EncoderWeights


class Graph:
    """Nodes and weights as they are added; `value` is the output of the last."""

    def __init__(self, value: str) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.weights: list[onnx.TensorProto] = []
        self.value = value

    def weight(self, array: np.ndarray) -> str:
        name = f"w{len(self.weights)}"
        self.weights.append(numpy_helper.from_array(np.asarray(array, order="C"), name))
        return name

    def add(self, kind: str, *others: np.ndarray | str, of: str | None = None, **attributes: object) -> str:
        names = [other if isinstance(other, str) else self.weight(other) for other in others]
        name = f"v{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, [of or self.value, *names], [name], **attributes))
        self.value = name
        return name

    def linear(self, linear: Linear) -> str:
        self.add("MatMul", linear.weight)
        return self.add("Add", linear.bias)


def write_graph(weights: EncoderWeights, file: Path) -> Path:
    """Write a graph from a spectrogram, shape (n_bands, 2 n), to the frames of the last layer, shape (n, dim)."""
    used, shape = parameters_of(weights), weights.shape
    graph = Graph("spectrogram")
    graph.add("Unsqueeze", np.array([0]))
    for name, stride in (("conv1", 1), ("conv2", 2)):
        arrays = (weights.tensors[f"{name}.{part}"].astype(np.float32) for part in ("weight", "bias"))
        graph.add("Conv", *arrays, kernel_shape=[3], pads=[1, 1], strides=[stride])
        graph.add("Gelu")
    graph.add("Squeeze", np.array([0]))
    frames = graph.add("Transpose", perm=[1, 0])
    n_frames = graph.add("Shape", end=1)
    positions = graph.add("Slice", np.array([0]), n_frames, np.array([0]), of=graph.weight(used.positions))
    graph.add("Add", positions, of=frames)
    for layer in range(shape.n_layers):
        _add_layer(graph, used, layer)
    inputs = [helper.make_tensor_value_info("spectrogram", TensorProto.FLOAT, [shape.n_bands, "steps"])]
    outputs = [helper.make_tensor_value_info(graph.value, TensorProto.FLOAT, ["frames", shape.dim])]
    made = helper.make_graph(graph.nodes, "layers", inputs, outputs, graph.weights)
    model = helper.make_model(made, opset_imports=[helper.make_opsetid("", 20)], ir_version=10)
    onnx.checker.check_model(model)
    onnx.save(model, file)
    return file


def _add_layer(graph: Graph, used: Parameters, number: int) -> None:
    layer, n_heads = used.layers[number], used.n_heads
    frames = graph.value
    graph.add("LayerNormalization", *layer.attention_norm, epsilon=EPSILON)
    joined = graph.linear(layer.qkv)
    head = layer.qkv.weight.shape[0] // n_heads
    graph.add("Reshape", np.array([0, 3, n_heads, head]), of=joined)
    heads = graph.add("Transpose", perm=[1, 2, 0, 3])
    q, k, v = (graph.add("Gather", np.array(part), of=heads, axis=0) for part in range(3))
    graph.add("Mul", np.array(head**-0.5, np.float32), of=q)
    scaled = graph.value
    turned = graph.add("Transpose", of=k, perm=[0, 2, 1])
    graph.add("MatMul", turned, of=scaled)
    graph.add("Softmax", axis=-1)
    graph.add("MatMul", v)
    graph.add("Transpose", perm=[1, 0, 2])
    graph.add("Reshape", np.array([0, n_heads * head]))
    graph.linear(layer.out)
    frames = graph.add("Add", frames)
    graph.add("LayerNormalization", *layer.forward_norm, epsilon=EPSILON)
    graph.linear(layer.fc1)
    graph.add("Gelu")
    graph.linear(layer.fc2)
    graph.add("Add", frames)
