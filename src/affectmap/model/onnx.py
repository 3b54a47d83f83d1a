"""From a trained embedder to a model folder that runs without PyTorch, and the proof that both give the same.

The graph is written node by node: there are a dozen, which can be read, and nothing depends on how PyTorch translates
itself. All its arithmetic is in float64; weights are those of the network, number for number.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any, cast

import numpy as np
import numpy.typing as npt
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper

from affectmap.errors import ModelError
from affectmap.features.functionals import FEATURE_SET, USUAL_RATE
from affectmap.model.embedder import Embedder
from affectmap.model.folder import FORMAT, ModelFolder
from affectmap.model.heads import Calibration, Heads
from affectmap.model.model import Model, load_model
from affectmap.schema import FUNCTIONALS, LABEL_RANGE, LABELS

Floats = npt.NDArray[np.float64]
#: Version of ONNX' operators; old enough for any runtime of the last years.
OPSET, IR_VERSION = 17, 8
#: Largest difference between the network and the graph that is let through.
TOLERANCE = 1e-5
#: Random rows that both are compared on.
N_RANDOM = 64
#: Thresholds of the flags; experiments/shipped-model measures and explains them.
FLAGS = {"clipped_share": 0.001, "min_voiced_share": 0.02, "min_pitch_spread": 0.005, "min_loudness_spread": 0.15}


def export_model(
    embedder: Embedder,
    folder: Path | str,
    *,
    name: str = "unnamed",
    heads: Heads | None = None,
    calibration: Calibration | None = None,
    card: str = "",
    training: Mapping[str, Any] | None = None,
    examples: npt.ArrayLike | None = None,
    sampling_rate: int = USUAL_RATE,
    hub: bool = False,
    overwrite: bool = False,
) -> Model:
    """Write an embedder as a model folder, and see that it gives the same there.

    Args:
        embedder: A fitted embedder of the 88 functionals, of any loss and latent size.
        folder: To be made.
        name: Of the model, for people.
        heads: Maps from the embedding to ratings and classes; without them the model gives an embedding and flags.
        calibration: Widths of intervals, and how far is unfamiliar; without it ratings have no interval, and only what
            lies ten standard deviations away on average is unfamiliar.
        card: For people, Markdown.
        training: Corpora, method and what else is known about the training; goes into ``model.yaml``.
        examples: Real functionals (N, 88) to compare on, besides random ones; ``parity`` in ``model.yaml`` tells
            the largest difference.
        sampling_rate: Rate in Hz that the training recordings had, and at which others will be measured.
        hub: Whether to add the files that a repository on the Hugging Face Hub has: ``README.md`` and ``config.json``.
        overwrite: Whether to replace a folder that affectmap wrote.

    Returns:
        The model, as read back.

    Raises:
        ModelError: If the embedder takes other features, or the graph does not give what the network gives.
        StorageError: If the folder may not be replaced or cannot be written.

    Example:
        >>> import tempfile
        >>> functionals = np.random.default_rng(0).normal(size=(60, 88))
        >>> embedder = Embedder(epochs=2, latent_dim=3).fit(functionals)
        >>> model = export_model(embedder, Path(tempfile.mkdtemp()) / "model")
        >>> model.transform(functionals).columns[:3].tolist()
        ['embedding_0', 'embedding_1', 'embedding_2']
    """
    _check_features(embedder)
    graph = build_graph(embedder, heads)
    metadata = _metadata(embedder, name, heads, calibration, dict(training or {}), sampling_rate)
    card = card or f"# {name}\n\nNothing was measured on this model: it has no card.\n"
    content = ModelFolder(graph, embedder.statistics_, metadata, card)
    largest = check_parity(Model(content, str(folder)), embedder, heads, examples)
    n_examples = 0 if examples is None else len(np.asarray(examples))
    metadata["parity"] = {"largest_difference": float(f"{largest:.1e}"), "n_random": N_RANDOM, "n_examples": n_examples}
    content.write(Path(folder), overwrite=overwrite, hub=hub)
    return load_model(folder)


def build_graph(embedder: Embedder, heads: Heads | None = None) -> bytes:
    """Write the encoder, and the heads where there are any, as an ONNX graph.

    Args:
        embedder: A fitted embedder.
        heads: Fitted on its embedding.

    Returns:
        The content of an ONNX file; inputs ``functionals`` (N, F), ``mean`` (F,) and ``scale`` (F,).

    Example:
        >>> graph = build_graph(Embedder(epochs=1).fit(np.random.default_rng(0).normal(size=(60, 88))))
        >>> [node.op_type for node in onnx.load_from_string(graph).graph.node][:4]
        ['Sub', 'Div', 'Gemm', 'Relu']
    """
    network, n_features = embedder.network_, embedder.n_features_in_
    writer = _Writer()
    standardised = writer.add("Div", writer.add("Sub", "functionals", "mean"), "scale", name="standardised")
    hidden = standardised
    for number, (layer, bends) in enumerate(zip(network.encoder, network.encoder_relu, strict=True)):
        linear = cast(torch.nn.Linear, layer)
        weight, bias = (part.detach().numpy().astype(np.float64) for part in (linear.weight, linear.bias))
        last = number == len(network.encoder) - 1
        hidden = writer.linear(hidden, weight.T, bias, "embedding" if last else f"hidden_{number}")
        hidden = writer.add("Relu", hidden) if bends else hidden
    squared = writer.add("Mul", "standardised", "standardised")
    writer.add("Sqrt", writer.add("ReduceMean", squared, axes=[1], keepdims=1), name="distance")
    outputs = {"embedding": embedding_size(embedder), "distance": 1}
    if heads is not None:
        writer.heads(heads)
        outputs |= {"ratings": len(LABELS), "probabilities": len(heads.classes)}
    return writer.finished(n_features, outputs)


def embedding_size(embedder: Embedder) -> int:
    """Give the number of dimensions of an embedder's embedding.

    Example:
        >>> embedding_size(Embedder(epochs=1, latent_dim=3).fit(np.random.default_rng(0).normal(size=(60, 88))))
        3
    """
    return len(embedder.get_feature_names_out())


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

    def linear(self, source: str, weight: Floats, bias: Floats, name: str) -> str:
        weights = self.number(f"{name}_weight", np.ascontiguousarray(weight))
        return self.add("Gemm", source, weights, self.number(f"{name}_bias", bias), name=name)

    def heads(self, heads: Heads) -> None:
        ratings = self.linear("embedding", heads.rating_weight, heads.rating_bias, "unbounded_ratings")
        low, high = (self.number(name, value) for name, value in zip(("lowest", "highest"), LABEL_RANGE, strict=True))
        self.add("Clip", ratings, low, high, name="ratings")
        scores = self.linear("embedding", heads.class_weight, heads.class_bias, "scores")
        self.add(
            "Softmax", self.add("Div", scores, self.number("temperature", heads.temperature)), name="probabilities"
        )

    def finished(self, n_features: int, outputs: Mapping[str, int]) -> bytes:
        inputs: dict[str, list[str | int]] = {
            "functionals": ["N", n_features],
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


def check_parity(
    model: Model, embedder: Embedder, heads: Heads | None = None, examples: npt.ArrayLike | None = None
) -> float:
    """Compare the model with the network it was made of, on single rows and on many.

    Args:
        model: The model.
        embedder: The embedder.
        heads: The heads.
        examples: Real functionals (N, 88), besides random ones around the embedder's mean.

    Returns:
        The largest difference; of embeddings it is relative to the largest value, where that is above 1.

    Raises:
        ModelError: If it is above `TOLERANCE`, or one row gets other values alone than among others.
    """
    statistics = embedder.statistics_
    around = np.random.default_rng(0).normal(size=(N_RANDOM, embedder.n_features_in_))
    rows = [np.where(statistics.usable, statistics.mean + around * statistics.std, 0.0)]
    if examples is not None and len(np.asarray(examples)):
        rows.append(np.asarray(examples, dtype=np.float64))
    # The embedder takes float32: both get numbers that float32 can hold.
    functionals = np.concatenate(rows).astype(np.float32).astype(np.float64)
    found = model.transform(functionals)
    with torch.no_grad():
        expected = embedder.network_.encode(torch.tensor(statistics.apply(functionals))).double().numpy()
    size = max(1.0, float(np.abs(expected).max()))
    names = [name for name in found.columns if name.startswith("embedding_")]
    differences = [np.abs(found[names].to_numpy() - expected).max() / size]
    if heads is not None:
        differences.append(np.abs(found[list(LABELS)].to_numpy() - heads.ratings(expected)).max())
        differences.append(np.abs(found[list(heads.classes)].to_numpy() - heads.probabilities(expected)).max())
    numbers = found.select_dtypes("float").columns
    alone = np.concatenate([model.transform(functionals[i : i + 1])[numbers] for i in range(min(len(functionals), 70))])
    differences.append(np.abs(alone - found[numbers].to_numpy()[: len(alone)]).max() / size)
    largest = float(np.max(differences))
    if not largest <= TOLERANCE:
        raise ModelError(f"the exported graph differs from the network by {largest:.2g}; expected at most {TOLERANCE}")
    return largest


def _check_features(embedder: Embedder) -> None:
    names = list(getattr(embedder, "feature_names_in_", FUNCTIONALS))
    if embedder.n_features_in_ != len(FUNCTIONALS) or names != list(FUNCTIONALS):
        raise ModelError(
            f"the embedder takes {embedder.n_features_in_} features, first {names[0]}; only the 88 functionals in "
            "openSMILE's order can be exported; use it in Python, with Embedder.load"
        )


def _axes(embedder: Embedder) -> str:
    if embedder.recipe_ is None:
        return "none; distances mean something, axes do not"
    return "points of the scale from its middle, 3; the first two are activation and valence"


def _metadata(
    embedder: Embedder,
    name: str,
    heads: Heads | None,
    calibration: Calibration | None,
    training: dict[str, Any],
    sampling_rate: int,
) -> dict[str, Any]:
    outputs: dict[str, Any] = {
        "embedding": [f"embedding_{i}" for i in range(embedding_size(embedder))],
        "distance": ["distance"],
    }
    units = {"embedding": _axes(embedder), "distance": "root mean square z-score"}
    if heads is not None:
        outputs |= {"ratings": list(LABELS), "probabilities": list(heads.classes)}
        units |= {"ratings": "1 to 5, 3 is the middle", "probabilities": "0 to 1, classes taken as equally frequent"}
    method = {"latent_dim": embedding_size(embedder), "weight": float(embedder.weight), "labels": embedder.label_names_}
    intervals = None
    if calibration is not None and heads is not None:
        intervals = {"level": calibration.level, **calibration.half_widths}
    return {
        "format": FORMAT,
        "name": name,
        "affectmap": version("affectmap"),
        "opensmile": {"version": version("opensmile"), "feature_set": FEATURE_SET, "level": "Functionals"},
        "sampling_rate": sampling_rate,
        "inputs": list(FUNCTIONALS),
        "outputs": outputs,
        "units": units,
        "training": {**training, **method, **({} if embedder.recipe_ is None else {"recipe": embedder.recipe_})},
        "standardisation": {"policy": "source"},
        **({"intervals": intervals} if intervals else {}),
        "flags": {**FLAGS, "max_distance": calibration.max_distance if calibration else 10.0},
    }
