"""A model as a folder of plain files: what is in it, and the checks before any of it is used.

``model.onnx``
    the graph: standardise, encode, and the heads where there are any. Mean and scale are *inputs* of it;
``statistics.json``
    mean and scale of the 88 functionals, so that adapting to other recordings writes numbers and not a graph;
``model.yaml``
    what the model takes and gives, from what it was made, the thresholds of its flags, and the SHA-256 digest of every
    other file;
``CARD.md``
    for people: what was measured, what it is for, its limits and licences.

Nothing is unpickled, and nothing in a folder can name another file.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import metadata as installed
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from affectmap.errors import ModelError
from affectmap.files import new_folder, write_json, write_text
from affectmap.preparation.standardisation import Statistics
from affectmap.schema import FUNCTIONALS

#: Format of the folder; to be raised when an older affectmap could not read it rightly.
FORMAT = 1
GRAPH_FILE, STATISTICS_FILE, METADATA_FILE, CARD_FILE = "model.onnx", "statistics.json", "model.yaml", "CARD.md"
#: Largest files that are read, in bytes.
MAX_BYTES = {GRAPH_FILE: 16 << 20, STATISTICS_FILE: 1 << 20, METADATA_FILE: 1 << 20, CARD_FILE: 1 << 20}

#: What ``model.yaml`` must hold, and of which type.
_REQUIRED: dict[str, type] = {
    "format": int,
    "name": str,
    "affectmap": str,
    "opensmile": dict,
    "sampling_rate": int,
    "inputs": list,
    "outputs": dict,
    "training": dict,
    "standardisation": dict,
    "flags": dict,
    "files": dict,
}


@dataclass(frozen=True, eq=False)
class ModelFolder:
    """The content of a model's folder.

    Attributes:
        graph: The ONNX file.
        statistics: Mean and standard deviation of the 88 functionals; not usable where one carries nothing.
        metadata: Content of ``model.yaml``.
        card: Content of ``CARD.md``.
    """

    graph: bytes
    statistics: Statistics
    metadata: dict[str, Any]
    card: str

    def write(self, folder: Path, *, overwrite: bool = False, hub: bool = False) -> None:
        """Write the folder, whole or not at all, with fresh digests.

        Args:
            folder: To be made.
            overwrite: Whether to replace one that affectmap wrote.
            hub: Whether to add what a repository on the Hugging Face Hub has: ``README.md``, which is the card with a
                header, and ``config.json``.

        Raises:
            StorageError: If it may not be replaced or cannot be written.
        """
        files = {
            GRAPH_FILE: self.graph,
            STATISTICS_FILE: _statistics_text(self.statistics).encode(),
            CARD_FILE: self.card.encode(),
        }
        digests = {name: hashlib.sha256(content).hexdigest() for name, content in files.items()}
        with new_folder(folder, overwrite=overwrite) as temporary:
            for name, content in files.items():
                (temporary / name).write_bytes(content)
            text = yaml.safe_dump({**self.metadata, "files": digests}, sort_keys=False, allow_unicode=True, width=100)
            write_text(temporary / METADATA_FILE, text)
            if hub:
                write_text(temporary / "README.md", _hub_header(self.metadata) + self.card)
                write_json(temporary / "config.json", {"model_type": "affectmap", **self.metadata, "files": digests})


class _PlainLoader(yaml.SafeLoader):  # type: ignore[misc]
    """Safe, and without references, of which a small file can make a huge one."""

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            raise yaml.YAMLError("it refers to another part of itself")
        node: yaml.Node | None = super().compose_node(parent, index)
        return node


def read_model_folder(folder: Path | Traversable) -> ModelFolder:
    """Read a model's folder and check all of it.

    Args:
        folder: A folder that affectmap wrote, or one within the package.

    Returns:
        Its content.

    Raises:
        ModelError: If a file is missing, damaged, too large or of a newer format, or if the model takes other inputs
            or needs another openSMILE.
    """
    if not folder.is_dir():
        what = "is a file" if folder.is_file() else "does not exist"
        raise ModelError(f"{folder} {what}; expected the folder of a model, as affectmap export writes it")
    metadata = _read_metadata(folder)
    contents = {name: _read(folder, name) for name in (GRAPH_FILE, STATISTICS_FILE, CARD_FILE)}
    for name, content in contents.items():
        if metadata["files"].get(name) != hashlib.sha256(content).hexdigest():
            raise ModelError(
                f"{folder / name} is not the file that {METADATA_FILE} was written with (its SHA-256 digest differs); "
                "export or download the model again"
            )
    statistics = _parse_statistics(contents[STATISTICS_FILE], str(folder / STATISTICS_FILE))
    return ModelFolder(contents[GRAPH_FILE], statistics, metadata, contents[CARD_FILE].decode("utf-8", "replace"))


def _read(folder: Path | Traversable, name: str) -> bytes:
    file, largest = folder / name, MAX_BYTES[name]
    if not file.is_file():
        advice = f"; run affectmap export {folder} -o MODEL first" if (folder / "embedder.json").is_file() else ""
        raise ModelError(f"{file} does not exist; expected {', '.join(MAX_BYTES)} in the folder of a model{advice}")
    try:
        with file.open("rb") as handle:
            content: bytes = handle.read(largest + 1)
    except OSError as error:
        raise ModelError(f"{file} cannot be read ({error.strerror}); check its permissions") from error
    if len(content) > largest:
        raise ModelError(f"{file} has more than {largest:,} bytes; a model of affectmap is far smaller")
    return content


def _read_metadata(folder: Path | Traversable) -> dict[str, Any]:
    file = folder / METADATA_FILE
    try:
        metadata = yaml.load(_read(folder, METADATA_FILE), _PlainLoader)
    except (yaml.YAMLError, UnicodeDecodeError, ValueError, RecursionError) as error:
        raise ModelError(f"{file} is damaged ({_first_line(error)}); export or download the model again") from error
    if not isinstance(metadata, dict) or not isinstance(metadata.get("format"), int):
        raise ModelError(f"{file} names no format; it is not a model of affectmap")
    if metadata["format"] != FORMAT:
        raise ModelError(
            f"{file} has format {metadata['format']}, this affectmap reads {FORMAT}; "
            "update affectmap, or export the model again"
        )
    wrong = [name for name, kind in _REQUIRED.items() if not isinstance(metadata.get(name), kind)]
    if wrong:
        raise ModelError(f"{file} lacks {wrong[0]} or has it of another type; export or download the model again")
    _check_measures(metadata, str(file))
    return metadata


def _check_measures(metadata: Mapping[str, Any], file: str) -> None:
    """See that the functionals are those that this installation measures."""
    inputs = metadata["inputs"]
    if inputs != list(FUNCTIONALS):
        different = [i for i, (a, b) in enumerate(zip(inputs, FUNCTIONALS, strict=False)) if a != b]
        where = f", number {different[0]} is {inputs[different[0]]!r}" if different else ""
        raise ModelError(
            f"{file}: the model takes {len(inputs)} inputs{where}; expected the 88 functionals of eGeMAPSv02"
        )
    needed, found = metadata["opensmile"], installed.version("opensmile")
    if needed.get("feature_set") != "eGeMAPSv02" or needed.get("level") != "Functionals":
        raise ModelError(f"{file}: the model takes {needed}; expected eGeMAPSv02, Functionals")
    if str(needed.get("version")).split(".")[:2] != found.split(".")[:2]:
        raise ModelError(
            f"{file}: made with openSMILE {needed.get('version')}, installed is {found}, which may measure otherwise; "
            f"run pip install opensmile=={needed.get('version')}"
        )
    if not 1000 <= metadata["sampling_rate"] <= 192000:
        raise ModelError(f"{file}: sampling_rate is {metadata['sampling_rate']}; expected 1000 to 192000 Hz")


def _hub_header(metadata: Mapping[str, Any]) -> str:
    """The block of YAML with which a model card on the Hub begins."""
    header = {
        "library_name": "affectmap",
        "pipeline_tag": "audio-classification",
        "tags": ["speech-emotion-recognition", "activation", "valence", "eGeMAPS", "onnx"],
        "language": list(metadata["training"].get("languages", [])),
        "license": str(metadata["training"].get("licence", "other")),
    }
    return f"---\n{yaml.safe_dump(header, sort_keys=False, allow_unicode=True)}---\n\n"


def _statistics_text(statistics: Statistics) -> str:
    usable = statistics.usable
    content = {
        "mean": {
            name: float(m) if u else None for name, m, u in zip(FUNCTIONALS, statistics.mean, usable, strict=True)
        },
        "scale": {
            name: float(s) if u else None for name, s, u in zip(FUNCTIONALS, statistics.std, usable, strict=True)
        },
    }
    return json.dumps(content, indent=1, allow_nan=False) + "\n"


def _parse_statistics(content: bytes, file: str) -> Statistics:
    try:
        found = json.loads(content)
        mean, scale = (
            np.array([np.nan if found[what][name] is None else found[what][name] for name in FUNCTIONALS], np.float64)
            for what in ("mean", "scale")
        )
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise ModelError(f"{file} is damaged ({_first_line(error)}); export or download the model again") from error
    if np.isinf(mean).any() or np.isinf(scale).any() or (scale <= 0).any():
        raise ModelError(f"{file} holds a scale that is not above 0, or an infinite value; export the model again")
    return Statistics(mean, scale)


def _first_line(error: Exception) -> str:
    return next(iter(str(error).strip().splitlines()), type(error).__name__)
