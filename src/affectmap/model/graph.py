"""The graph of a model, ready to run: raw functionals, mean and scale in; embedding, heads and distance out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import onnxruntime

from affectmap.errors import ModelError
from affectmap.model.graph_check import check_graph
from affectmap.preparation.standardisation import Statistics
from affectmap.schema import FUNCTIONALS, LABELS

Floats = npt.NDArray[np.float64]

#: Outputs that a graph may have; those of the heads may be missing.
OUTPUTS = ("embedding", "distance", "ratings", "probabilities")


class Graph:
    """A checked graph, which several threads may run at once.

    All arithmetic is in float64, so that a row gets the same values alone as among others.

    Args:
        content: The ONNX file.
        outputs: Names of the columns of every output.
        origin: Where it comes from, for messages.

    Raises:
        ModelError: If the graph is damaged, does more than arithmetic, or takes or gives something else.
    """

    def __init__(self, content: bytes, outputs: Mapping[str, Any], origin: str) -> None:
        check_graph(content, origin)
        self._session = _session(content, origin)
        self.outputs = _checked_outputs(self._session, outputs, origin)

    def run(self, functionals: Floats, statistics: Statistics) -> dict[str, Floats]:
        """Compute all outputs.

        Args:
            functionals: (N, 88), not standardised.
            statistics: Mean and spread to standardise with; a functional that is not usable counts as 0.

        Returns:
            By name: ``embedding`` (N, D), ``distance`` (N, 1) and, where there are heads, ``ratings`` (N, 2) and
            ``probabilities`` (N, C). Rows with a functional that is not finite are ``NaN``.
        """
        usable = statistics.usable
        # Divided by infinity, a functional that carries nothing becomes 0, as in Statistics.apply.
        mean, scale = np.where(usable, statistics.mean, 0.0), np.where(usable, statistics.std, np.inf)
        sound = np.asarray(np.isfinite(functionals).all(axis=1))
        inputs = {"functionals": np.where(sound[:, None], functionals, 0.0), "mean": mean, "scale": scale}
        found: list[Floats] = self._session.run(list(self.outputs), inputs)
        for values in found:
            values[~sound] = np.nan
        return dict(zip(self.outputs, found, strict=True))


def _session(content: bytes, origin: str) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4  # what goes wrong is raised, and told once
    options.intra_op_num_threads = options.inter_op_num_threads = 1  # so small a graph is slower with more
    try:
        return onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime's errors have no common base
        reason = " ".join(str(error).split())[:200]
        raise ModelError(f"{origin} cannot be run ({reason}); export or download the model again") from error


def _checked_outputs(
    session: onnxruntime.InferenceSession, columns: Mapping[str, Any], origin: str
) -> dict[str, list[str]]:
    inputs = {each.name: (each.type, each.shape[-1:]) for each in session.get_inputs()}
    expected = dict.fromkeys(("functionals", "mean", "scale"), ("tensor(double)", [len(FUNCTIONALS)]))
    if inputs != expected:
        raise ModelError(f"{origin} takes {inputs}; expected {expected}")
    described = {str(name): [str(each) for each in names] for name, names in columns.items() if isinstance(names, list)}
    widths = {name: ("tensor(double)", len(names)) for name, names in described.items()}
    given = {each.name: (each.type, each.shape[-1] if len(each.shape) == 2 else None) for each in session.get_outputs()}
    if given != widths or not {"embedding", "distance"} <= widths.keys() <= set(OUTPUTS):
        raise ModelError(f"{origin} gives {given}; expected {widths} after its model.yaml, of {', '.join(OUTPUTS)}")
    if described.get("ratings", list(LABELS)) != list(LABELS):
        raise ModelError(f"{origin} rates {', '.join(described['ratings'])}; expected {', '.join(LABELS)}")
    return described
