"""The folder of a model: its files, and the checks before any of them is used.

``weights.safetensors``
    weights of the network and the heads, mean and standard deviation of every feature;
``model.yaml``
    what the model takes and gives, how it was trained, thresholds, half widths of intervals, and the SHA-256 digest of
    every other file;
``CARD.md``
    for people: what was measured, what it is for, its limits and licences;
``curves.csv``
    the learning curves, where they are known.

Nothing is unpickled, nothing in a folder can name another file, and nothing is built before its size is known.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from importlib import metadata as installed
from importlib.resources.abc import Traversable
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import yaml
from safetensors import SafetensorError
from safetensors.numpy import load as read_tensors
from safetensors.numpy import save as serialise

from affectmap.audio.quality import THRESHOLDS
from affectmap.errors import ModelError
from affectmap.features.functionals import FEATURE_SET, USUAL_RATE
from affectmap.files import new_folder, write_json, write_text
from affectmap.model.heads import Calibration, Heads
from affectmap.preparation.standardisation import Statistics, well_adapted
from affectmap.schema import FUNCTIONALS, LABELS

#: Format of the folder; to be raised when an older affectmap could not read it rightly.
FORMAT = 2
WEIGHTS_FILE, METADATA_FILE, CARD_FILE, CURVES_FILE = "weights.safetensors", "model.yaml", "CARD.md", "curves.csv"
#: Largest files that are read, in bytes.
MAX_BYTES = {WEIGHTS_FILE: 256 << 20, METADATA_FILE: 4 << 20, CARD_FILE: 1 << 20, CURVES_FILE: 16 << 20}
#: What a model takes: the 88 functionals, which affectmap measures itself, or other features.
EGEMAPS, OTHER = "egemaps", "other"
#: Whose statistics a model normalises with and whose intervals it has: its training data's, or those of recordings that
#: it was adapted to.
INTERVAL_STATISTICS = ("source", "adapted")

#: Thresholds of the flags; experiments/shipped-model measures and explains them.
FLAG_THRESHOLDS = {
    "clipped_share": 0.001, "min_voiced_share": 0.02, "min_pitch_spread": 0.005, "min_loudness_spread": 0.15,
}  # fmt: skip

Array = npt.NDArray[np.float32] | npt.NDArray[np.float64]

_ADVICE = "train or download the model again"
#: What ``model.yaml`` must have, and of which type.
_REQUIRED: dict[str, type] = {
    "format": int, "name": str, "affectmap": str, "features": str, "sampling_rate": int, "inputs": list,
    "outputs": dict, "training": dict, "standardisation": dict, "flags": dict, "files": dict,
}  # fmt: skip
#: Levels of lists and tables within each other, far more than a model has.
_MAX_DEPTH = 20
#: Where the card of an adapted model says so.
_ADAPTED = "## Adapted"
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True, eq=False)
class ModelFolder:
    """The content of a model's folder.

    Attributes:
        tensors: ``mean`` and ``std`` (F,); ``encoder.0.weight`` (40, F), ``encoder.0.bias`` (40,) and so on;
            ``decoder...`` likewise, where it was trained; ``ratings.weight`` (L, D), ``ratings.bias`` (L,),
            ``classes.weight`` (C, D) and ``classes.bias`` (C,), where there are heads.
        metadata: Content of ``model.yaml``.
        card: Content of ``CARD.md``.
        curves: Content of ``curves.csv``; empty where there is none.
    """

    tensors: dict[str, Array]
    metadata: dict[str, Any]
    card: str
    curves: str = ""

    def write(self, folder: Path, *, overwrite: bool, hub: bool, more: Mapping[str, bytes]) -> None:
        """Write the folder with fresh digests, whole or not at all; see `Model.save`."""
        tensors = {name: np.ascontiguousarray(value) for name, value in self.tensors.items()}
        files = {WEIGHTS_FILE: serialise(tensors), CARD_FILE: self.card.encode()}
        files |= {CURVES_FILE: self.curves.encode()} if self.curves else {}
        metadata = plain(self.metadata | {"files": {name: _digest(content) for name, content in files.items()}})
        with new_folder(folder, overwrite=overwrite) as temporary:
            # Written here: a full disk then gets its own line, which safetensors' writer does not give.
            for name, content in {**files, **more}.items():
                (temporary / name).write_bytes(content)
            write_text(temporary / METADATA_FILE, _yaml(metadata))
            if hub:
                write_text(temporary / "README.md", f"---\n{_yaml(_hub_header(metadata))}---\n\n{self.card}")
                write_json(temporary / "config.json", {"model_type": "affectmap", **metadata})

    def with_heads(self, heads: Heads, calibration: Calibration | None) -> ModelFolder:
        """Give the content with other heads."""
        outputs = {"embedding": self.metadata["outputs"]["embedding"]}
        outputs |= {"ratings": list(heads.labels)} if heads.labels else {}
        outputs |= {"probabilities": list(heads.classes)} if heads.classes else {}
        metadata = self.metadata | {"outputs": outputs, "temperature": float(heads.temperature)}
        metadata.pop("intervals", None)
        if calibration is not None:
            metadata["flags"] = metadata["flags"] | {"max_distance": float(calibration.max_distance)}
            if calibration.half_widths:
                metadata["intervals"] = {"level": calibration.level, **calibration.half_widths}
        tensors = {name: value for name, value in self.tensors.items() if not name.startswith(("ratings.", "classes."))}
        return replace(self, tensors={**tensors, **heads.tensors()}, metadata=metadata)

    def adapted(self, statistics: Statistics, standardisation: dict[str, Any]) -> ModelFolder:
        """Give the content with the statistics of other utterances, and a card that says so."""
        n_used, prior = standardisation["n_utterances"], standardisation["prior"]
        width = "those of adapted corpora" if well_adapted(n_used, prior) else "the wider of as trained and adapted"
        note = (
            f"{_ADAPTED}\n\nMean and standard deviation were taken from {n_used} other utterances. What is said above "
            f"of the model as trained does not apply here. Intervals, if there are any, are {width}.\n"
        )
        return replace(
            self,
            tensors=self.tensors | {"mean": statistics.mean, "std": statistics.std},
            metadata=self.metadata | {"standardisation": standardisation},
            card=f"{self.card.split(_ADAPTED)[0].rstrip()}\n\n{note}",
        )

    def described(self, card: str | None, training: dict[str, Any], named: dict[str, Any]) -> ModelFolder:
        """Give the content with another card, other values that are not ``None``, or more about the training."""
        metadata = self.metadata | {name: value for name, value in named.items() if value is not None}
        metadata["training"] = metadata["training"] | training
        return replace(self, metadata=metadata, card=self.card if card is None else card)

    def curves_table(self) -> pd.DataFrame:
        """Give the learning curves as a table."""
        if not self.curves:
            return pd.DataFrame(index=pd.RangeIndex(0, name="epoch"))
        # By way of text: what read_csv makes of a number may differ from what was written in the last bit.
        table = pd.read_csv(io.StringIO(self.curves), index_col="epoch", dtype=str)
        return table.set_index(table.index.astype(np.int64)).astype(np.float64)


def _yaml(content: dict[str, Any]) -> str:
    return str(yaml.safe_dump(content, sort_keys=False, allow_unicode=True, width=100))


def _hub_header(metadata: Mapping[str, Any]) -> dict[str, Any]:
    """Give the block with which a model card on the Hub begins."""
    return {
        "library_name": "affectmap",
        "pipeline_tag": "audio-classification",
        "tags": ["speech-emotion-recognition", "activation", "valence", "eGeMAPS"],
        "language": list(metadata["training"].get("languages", [])),
        "license": str(metadata["training"].get("licence", "other")),
    }


def new_metadata(inputs: Sequence[str], latent_dim: int) -> dict[str, Any]:
    """Give the content of ``model.yaml`` for a model that was trained just now, without heads."""
    is_egemaps = list(inputs) == list(FUNCTIONALS)
    measured = {"version": installed.version("opensmile"), "feature_set": FEATURE_SET, "level": "Functionals"}
    return {
        "format": FORMAT,
        "name": "unnamed",
        "affectmap": installed.version("affectmap"),
        "features": EGEMAPS if is_egemaps else OTHER,
        **({"opensmile": measured} if is_egemaps else {}),
        "sampling_rate": USUAL_RATE,
        "outputs": {"embedding": [f"embedding_{i}" for i in range(latent_dim)]},
        "units": {
            "embedding": "none; distances mean something, axes do not",
            "ratings": "1 to 5, 3 is the middle",
            "probabilities": "0 to 1, classes taken as equally frequent",
        },
        "training": {},
        "standardisation": {"policy": "source"},
        "flags": {**FLAG_THRESHOLDS, "max_distance": 10.0},
        "inputs": list(inputs),
    }


def plain(value: Any) -> Any:  # noqa: ANN401 (anything that YAML has)
    """Give Python's own numbers, lists and dictionaries for NumPy's and tuples."""
    if hasattr(value, "tolist"):
        value = value.tolist()
    if isinstance(value, dict):
        return {str(name): plain(each) for name, each in value.items()}
    return [plain(each) for each in value] if isinstance(value, (list, tuple)) else value


def read_model_folder(folder: Path | Traversable) -> ModelFolder:
    """Read a model's folder and check all of it.

    Args:
        folder: A folder that affectmap wrote, or one within the package.

    Returns:
        Its content.

    Raises:
        ModelError: If a file is missing, damaged, too large or of another format, if the files do not fit each other,
            or if the model needs another openSMILE.
    """
    if not folder.is_dir():
        what = "is a file" if folder.is_file() else "does not exist"
        raise ModelError(f"{folder} {what}; expected the folder of a model, as affectmap train writes it")
    metadata = _read_metadata(folder)
    names = [WEIGHTS_FILE, CARD_FILE, *([CURVES_FILE] if CURVES_FILE in metadata["files"] else [])]
    contents = {name: _read(folder, name) for name in names}
    for name, content in contents.items():
        if metadata["files"].get(name) != _digest(content):
            raise ModelError(
                f"{folder / name} is not the file that {METADATA_FILE} was written with (its SHA-256 digest differs); "
                f"{_ADVICE}"
            )
    tensors = _tensors(contents[WEIGHTS_FILE], str(folder / WEIGHTS_FILE))
    _check_tensors(tensors, metadata, str(folder))
    texts = [contents.get(name, b"").decode("utf-8", "replace") for name in (CARD_FILE, CURVES_FILE)]
    return ModelFolder(tensors, metadata, *texts)


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _read(folder: Path | Traversable, name: str) -> bytes:
    file, largest = folder / name, MAX_BYTES[name]
    if not file.is_file():
        is_old = any((folder / old).is_file() for old in ("embedder.json", "model.onnx"))
        old = "; the folder is of an earlier affectmap: train the model again" if is_old else ""
        expected = ", ".join((METADATA_FILE, WEIGHTS_FILE, CARD_FILE))
        raise ModelError(f"{file} does not exist; expected {expected} in the folder of a model{old}")
    try:
        with file.open("rb") as handle:
            content: bytes = handle.read(largest + 1)
    except OSError as error:
        raise ModelError(f"{file} cannot be read ({error.strerror}); check its permissions") from error
    if len(content) > largest:
        raise ModelError(f"{file} has more than {largest:,} bytes; a model of affectmap is far smaller")
    return content


def _read_metadata(folder: Path | Traversable) -> dict[str, Any]:
    file, content = folder / METADATA_FILE, _read(folder, METADATA_FILE)
    try:
        _check_nesting(content)
        metadata = yaml.load(content, _LOADER)
    except (yaml.YAMLError, UnicodeDecodeError, ValueError, RecursionError) as error:
        raise ModelError(f"{file} is damaged ({first_line(error)}); {_ADVICE}") from error
    if not isinstance(metadata, dict) or type(metadata.get("format")) is not int:
        raise ModelError(f"{file} names no format; it is not a model of affectmap")
    if metadata["format"] != FORMAT:
        advice = "update affectmap" if metadata["format"] > FORMAT else "it is of an earlier affectmap: train it again"
        raise ModelError(f"{file} has format {metadata['format']}, this affectmap reads {FORMAT}; {advice}")
    wrong = [name for name, kind in _REQUIRED.items() if not isinstance(metadata.get(name), kind)]
    if wrong:
        raise ModelError(f"{file} lacks {wrong[0]} or has it of another type; {_ADVICE}")
    _check_inputs(metadata, str(file))
    _check_outputs(metadata["outputs"], str(file))
    _check_numbers(metadata, str(file))
    return metadata


def _check_nesting(content: bytes) -> None:
    """Refuse references, of which a small file can make a huge one, and lists within lists without end."""
    depth = 0
    for event in yaml.parse(content, _LOADER):
        if isinstance(event, yaml.AliasEvent):
            raise yaml.YAMLError("it refers to another part of itself")
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > _MAX_DEPTH:
            raise yaml.YAMLError(f"its lists lie in each other more than {_MAX_DEPTH} times")


def _check_inputs(metadata: Mapping[str, Any], file: str) -> None:
    """See that the functionals are those that this installation measures; other features it does not measure."""
    inputs = metadata["inputs"]
    if metadata["features"] != EGEMAPS:
        if not all(isinstance(name, str) for name in inputs) or len(set(inputs)) != len(inputs):
            raise ModelError(f"{file}: inputs are not names that differ; {_ADVICE}")
        return
    if inputs != list(FUNCTIONALS):
        different = [i for i, (a, b) in enumerate(zip(inputs, FUNCTIONALS, strict=False)) if a != b]
        where = f", number {different[0]} is {str(inputs[different[0]])[:80]!r}" if different else ""
        raise ModelError(
            f"{file}: the model takes {len(inputs)} inputs{where}; expected the 88 functionals of eGeMAPSv02"
        )
    needed, found = metadata.get("opensmile"), installed.version("opensmile")
    if not isinstance(needed, dict) or (needed.get("feature_set"), needed.get("level")) != (
        "eGeMAPSv02",
        "Functionals",
    ):
        raise ModelError(f"{file}: the model takes {str(needed)[:80]}; expected eGeMAPSv02, Functionals")
    if str(needed.get("version")).split(".")[:2] != found.split(".")[:2]:
        raise ModelError(
            f"{file}: made with openSMILE {needed.get('version')}, installed is {found}, which may measure otherwise; "
            f"run pip install opensmile=={needed.get('version')}"
        )
    if not 1000 <= metadata["sampling_rate"] <= 192000:
        raise ModelError(f"{file}: sampling_rate is {metadata['sampling_rate']}; expected 1000 to 192000 Hz")


def _check_outputs(outputs: dict[str, Any], file: str) -> None:
    known = ("embedding", "ratings", "probabilities")
    names = [name for each in outputs.values() if isinstance(each, list) for name in each]
    if (
        "embedding" not in outputs
        or not set(outputs) <= set(known)
        or not all(isinstance(each, list) and each for each in outputs.values())
        or not all(isinstance(name, str) for name in names)
        or len(set(names)) != len(names)
    ):
        expected = f"lists of names that differ, for embedding and any of {', '.join(known[1:])}"
        raise ModelError(f"{file}: outputs are {str(outputs)[:80]}; expected {expected}")
    if outputs.get("ratings", list(LABELS)) not in ([*LABELS], *([label] for label in LABELS)):
        raise ModelError(f"{file}: the model rates {', '.join(outputs['ratings'])[:80]}; expected {', '.join(LABELS)}")


def _check_numbers(metadata: Mapping[str, Any], file: str) -> None:
    """See that thresholds, half widths of intervals and the statistics' origin make sense."""
    try:
        numbers = [float(metadata["flags"][name]) for name in THRESHOLDS]
        policy = metadata["standardisation"]["policy"]
        numbers += [float(metadata["standardisation"].get(name, 0)) for name in ("n_utterances", "prior")]
        widths = {name: metadata["intervals"][name] for name in INTERVAL_STATISTICS} if "intervals" in metadata else {}
        if widths:
            widths |= {"speaker": metadata["intervals"]["speaker"]} if "speaker" in metadata["intervals"] else {}
            numbers.append(float(metadata["intervals"]["level"]))
        if "probabilities" in metadata["outputs"]:
            numbers += [float(metadata["temperature"]), 1 / float(metadata["temperature"])]
        numbers += [float(each[label]) for each in widths.values() for label in metadata["outputs"].get("ratings", ())]
    except (AttributeError, KeyError, TypeError, ValueError, ZeroDivisionError) as error:
        raise ModelError(f"{file} lacks a number or has another value ({first_line(error)}); {_ADVICE}") from error
    if policy not in INTERVAL_STATISTICS or not all(0 <= number < np.inf for number in numbers):
        raise ModelError(f"{file} has a policy or threshold that makes no sense; {_ADVICE}")


def _tensors(content: bytes, file: str) -> dict[str, Array]:
    try:
        tensors = read_tensors(content)
    except (SafetensorError, KeyError, ValueError, TypeError, AttributeError) as error:
        raise ModelError(f"{file} cannot be read ({first_line(error)}); {_ADVICE}") from error
    for name, value in tensors.items():
        if value.dtype not in (np.float32, np.float64):
            raise ModelError(f"{file} has {str(name)[:80]} of type {value.dtype}; expected float32 or float64")
        if name not in ("mean", "std") and not np.isfinite(value).all():
            raise ModelError(f"{file} has values in {str(name)[:80]} that are not finite; {_ADVICE}")
    return tensors


def _check_tensors(tensors: Mapping[str, Array], metadata: Mapping[str, Any], folder: str) -> None:
    """See that shapes are those that ``model.yaml`` speaks of, layer after layer, and statistics sensible."""
    outputs = metadata["outputs"]
    n_inputs, latent_dim = len(metadata["inputs"]), len(outputs["embedding"])
    n_layers = sum(name.startswith("encoder.") for name in tensors) // 2
    sizes = [tensors.get(f"encoder.{i}.bias", np.empty(0)).size for i in range(n_layers - 1)]
    chain = [n_inputs, *sizes, latent_dim]
    expected: dict[str, tuple[int, ...]] = {"mean": (n_inputs,), "std": (n_inputs,)}
    expected |= _layer_shapes("encoder", chain)
    if any(name.startswith("decoder.") for name in tensors):
        expected |= _layer_shapes("decoder", chain[::-1])
    for head, output in (("ratings", "ratings"), ("classes", "probabilities")):
        if output in outputs:
            size = len(outputs[output])
            expected |= {f"{head}.weight": (size, latent_dim), f"{head}.bias": (size,)}
    found = {name: value.shape for name, value in tensors.items()}
    for name in sorted(expected.keys() | found.keys()):
        if expected.get(name) != found.get(name):
            raise ModelError(
                f"{folder}: {name[:80]} is {found.get(name, 'missing')} in {WEIGHTS_FILE}, but "
                f"{expected.get(name, 'unknown')} by {METADATA_FILE} and the other layers; {_ADVICE}"
            )
    if np.isinf(tensors["mean"]).any() or np.isinf(tensors["std"]).any() or (tensors["std"] < 0).any():
        raise ModelError(f"{folder}/{WEIGHTS_FILE} has a mean or standard deviation that is none; {_ADVICE}")


def _layer_shapes(side: str, sizes: list[int]) -> dict[str, tuple[int, ...]]:
    shapes: dict[str, tuple[int, ...]] = {}
    for i, (n_in, n_out) in enumerate(pairwise(sizes)):
        shapes |= {f"{side}.{i}.weight": (n_out, n_in), f"{side}.{i}.bias": (n_out,)}
    return shapes


def first_line(error: Exception) -> str:
    """Give the first line of an error's message, or its kind where it has none."""
    return next(iter(str(error).strip().splitlines()), type(error).__name__)
