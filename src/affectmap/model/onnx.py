"""A model as an ONNX graph, for programs without affectmap, and the proof that both give the same.

The graph is written node by node: there are a dozen, which can be read. All its arithmetic is in float64, with the
numbers of the model.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto, helper, numpy_helper

from affectmap.errors import ModelError
from affectmap.model.computation import Computation
from affectmap.model.listening import Shift
from affectmap.model.model import Model
from affectmap.schema import LABEL_RANGE, Floats

#: Version of ONNX' operators; old enough for any runtime of the last years.
OPSET, IR_VERSION = 17, 8
#: Largest difference between the model and the graph that is let through.
TOLERANCE = 1e-9
#: Random rows that both are compared on.
N_RANDOM = 64


def onnx_graph(model: Model) -> bytes:
    """Write a model as an ONNX graph.

    Args:
        model: Any model.

    Returns:
        The content of an ONNX file. Inputs: ``features`` (N, F), not standardised, and ``mean`` and ``scale`` (F,),
        which are the model's own where they are not given. Outputs: ``embedding`` (N, D), ``distance`` (N, 1) and, of
        the heads that there are, ``ratings`` (N, L) and ``probabilities`` (N, C).

    Example:
        >>> from affectmap import load_model
        >>> [node.op_type for node in onnx.load_from_string(onnx_graph(load_model())).graph.node][:4]
        ['Sub', 'Div', 'Gemm', 'Relu']
    """
    writer, statistics, heads, computation = _Writer(), model.statistics, model.heads, Computation(model.folder)
    usable = statistics.usable
    writer.number("mean", np.where(usable, statistics.mean, 0.0))
    writer.number("scale", np.where(usable, statistics.std, np.inf))
    hidden = writer.add("Div", writer.add("Sub", "features", "mean"), "scale", name="standardised")
    for number, (weight, bias) in enumerate(model.layers):
        is_last = number == len(model.layers) - 1
        name = "embedding" if computation.shift is None else "unmoved"
        hidden = writer.linear(hidden, weight, bias, name if is_last else f"hidden_{number}")
        hidden = hidden if is_last else writer.add("Relu", hidden)
    if computation.shift is not None:
        writer.moved(computation.shift)
    squared = writer.add("Mul", "standardised", "standardised")
    writer.add("Sqrt", writer.add("ReduceMean", squared, axes=[1], keepdims=1), name="distance")
    outputs = {"embedding": len(model.layers[-1][1]), "distance": 1}
    is_corrected = "correction" in model.metadata
    source = writer.add("Concat", "embedding", "standardised", axis=1) if is_corrected else "embedding"
    if heads.labels:
        rating = writer.linear(source, heads.rating_weight, heads.rating_bias, "unbounded_ratings")
        low, high = (writer.number(name, value) for name, value in zip(("low", "high"), LABEL_RANGE, strict=True))
        writer.add("Clip", rating, low, high, name="ratings")
        outputs["ratings"] = len(heads.labels)
    if heads.classes:
        if computation.shift is not None and computation.hears_classes:
            columns = writer.indices(
                "columns", [computation.shift.source.classes.index(name) for name in heads.classes]
            )
            temperate = writer.add("Gather", "scores_after", columns, axis=1)
        else:
            scores = writer.linear(source, heads.class_weight, heads.class_bias, "scores")
            temperate = writer.add("Div", scores, writer.number("temperature", heads.temperature))
        writer.add("Softmax", temperate, name="probabilities")
        outputs["probabilities"] = len(heads.classes)
    return writer.finished(len(model.inputs), outputs)


class _Writer:
    """Collects nodes and numbers of a graph; every value has a name."""

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.numbers: list[onnx.TensorProto] = []

    def add(self, operator: str, *inputs: str, name: str = "", **attributes: Any) -> str:  # noqa: ANN401
        output = name or f"{operator.lower()}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(operator, list(inputs), [output], **attributes))
        return output

    def number(self, name: str, value: npt.ArrayLike) -> str:
        self.numbers.append(numpy_helper.from_array(np.asarray(value, dtype=np.float64), name))
        return name

    def indices(self, name: str, value: list[int]) -> str:
        self.numbers.append(numpy_helper.from_array(np.asarray(value, dtype=np.int64), name))
        return name

    def moved(self, shift: Shift) -> None:
        """Move the points by what was learned by listening."""
        before = self.linear("standardised", shift.source.weight, shift.source.bias, "scores_before")
        after = self.linear("standardised", shift.weight, shift.bias, "scores_after")
        changes = self.add("Sub", self.add("Softmax", after), self.add("Softmax", before))
        move = self.add("MatMul", changes, self.number("places", shift.source.place))
        self.add("Add", "unmoved", move, name="embedding")

    def linear(self, source: str, weight: Floats, bias: Floats, name: str) -> str:
        weights = self.number(f"{name}_weight", np.ascontiguousarray(weight))
        return self.add("Gemm", source, weights, self.number(f"{name}_bias", bias), name=name)

    def finished(self, n_features: int, outputs: Mapping[str, int]) -> bytes:
        inputs: dict[str, list[str | int]] = {
            "features": ["N", n_features],
            "mean": [n_features],
            "scale": [n_features],
        }
        graph = helper.make_graph(
            self.nodes,
            "affectmap",
            [helper.make_tensor_value_info(name, TensorProto.DOUBLE, shape) for name, shape in inputs.items()],
            [helper.make_tensor_value_info(name, TensorProto.DOUBLE, ["N", size]) for name, size in outputs.items()],
            self.numbers,
        )
        opset = helper.make_opsetid("", OPSET)
        model = helper.make_model(graph, opset_imports=[opset], ir_version=IR_VERSION, producer_name="affectmap")
        onnx.checker.check_model(model, full_check=True)
        return bytes(model.SerializeToString(deterministic=True))


def check_parity(model: Model, graph: bytes, examples: npt.ArrayLike | None = None) -> dict[str, float | int]:
    """Compare a graph with the model that it was made of.

    onnxruntime runs the graph where it is installed, otherwise the reference of the package onnx.

    Args:
        model: The model.
        graph: As `onnx_graph` gives it.
        examples: Real features (N, F), besides random ones around the model's mean.

    Returns:
        ``largest_difference``, of embeddings relative to the largest value where that is above 1, ``n_random`` and
        ``n_examples``.

    Raises:
        ModelError: If the difference is above `TOLERANCE`, or the graph cannot be run.
    """
    statistics = model.statistics
    around = np.random.default_rng(0).normal(size=(N_RANDOM, len(model.inputs)))
    rows = [np.where(statistics.usable, statistics.mean + around * statistics.std, 0.0)]
    if examples is not None and len(np.asarray(examples)):
        rows.append(np.asarray(examples, dtype=np.float64))
    features = np.concatenate(rows)
    latent, distance = model.embedding(features)
    expected = {"embedding": latent, "distance": distance[:, None]}
    ratings, probabilities = Computation(model.folder).predictions(features, latent)
    expected |= {"ratings": ratings} if model.heads.labels else {}
    expected |= {"probabilities": probabilities} if model.heads.classes else {}
    try:
        found = dict(zip(expected, _session(graph)(list(expected), {"features": features}), strict=True))
    except Exception as error:  # errors of the runtimes have no common base
        raise ModelError(f"the graph cannot be run ({' '.join(str(error).split())[:200]})") from error
    differences = [
        float(np.abs(found[name] - each).max() / max(1.0, np.abs(each).max())) for name, each in expected.items()
    ]
    largest = float(np.max(differences))
    if not largest <= TOLERANCE:
        raise ModelError(f"the exported graph differs from the model by {largest:.2g}; expected at most {TOLERANCE}")
    return {
        "largest_difference": float(f"{largest:.1e}"),
        "n_random": N_RANDOM,
        "n_examples": len(features) - N_RANDOM,
    }


def _session(graph: bytes) -> Callable[..., Any]:
    if importlib.util.find_spec("onnxruntime") is None:
        from onnx.reference import ReferenceEvaluator

        return ReferenceEvaluator(graph).run
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4  # what goes wrong is raised
    run: Callable[..., Any] = onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"]).run
    return run
