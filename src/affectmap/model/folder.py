"""The folder of a model: its files, and the checks before any of them is used.

``weights.safetensors``
    weights of the network and the heads, mean and standard deviation of every feature;
``model.yaml``
    what the model takes and gives, how it was trained, thresholds, half widths of intervals, and the SHA-256 digest of
    every other file;
``CARD.md``
    for people: what was measured, what it is for, its limits and licences;
``LICENSE.md``
    the terms of the weights, where they are not the package's own;
``curves.csv``
    the learning curves, where they are known.

Nothing is unpickled, nothing in a folder can name another file, and nothing is built before its size is known.
"""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Mapping
from dataclasses import dataclass, replace
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import yaml
from safetensors.numpy import save as serialise

from affectmap.documents import first_line
from affectmap.errors import ModelError
from affectmap.files import new_folder, write_json, write_text
from affectmap.model.correction import Corrected, correction_text
from affectmap.model.heads import ENOUGH_RATINGS, Calibration, Heads
from affectmap.model.listening import LISTENED, SOURCE, Listened, SourceClasses, listening_text
from affectmap.model.metadata import ADVICE, parse_metadata, plain
from affectmap.model.tensors import Array, check_tensors, parse_tensors
from affectmap.preparation.standardisation import Statistics, well_adapted
from affectmap.schema import CORRECTED, EGEMAPS, WHISPER

if TYPE_CHECKING:
    import pandas as pd

WEIGHTS_FILE, METADATA_FILE, CARD_FILE, CURVES_FILE = "weights.safetensors", "model.yaml", "CARD.md", "curves.csv"
LICENCE_FILE = "LICENSE.md"  # as hubs and tools look for it
#: Largest files that are read, in bytes.
MAX_BYTES = {
    WEIGHTS_FILE: 64 << 20, METADATA_FILE: 1 << 20, CARD_FILE: 1 << 20, CURVES_FILE: 4 << 20, LICENCE_FILE: 1 << 20,
}  # fmt: skip
#: Most columns of the learning curves.
MAX_CURVES = 100
#: Where the card of an adapted model says so.
_ADAPTED = "## Adapted"


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
        licence: Content of ``LICENSE.md``; empty where there is none.
    """

    tensors: dict[str, Array]
    metadata: dict[str, Any]
    card: str
    curves: str = ""
    licence: str = ""

    def write(self, folder: Path, *, overwrite: bool, hub: bool, more: Mapping[str, bytes]) -> None:
        """Write the folder with fresh digests, whole or not at all; see `Model.save`."""
        tensors = {name: np.ascontiguousarray(value) for name, value in self.tensors.items()}
        files = {WEIGHTS_FILE: serialise(tensors), CARD_FILE: self.card.encode()}
        files |= {CURVES_FILE: self.curves.encode()} if self.curves else {}
        files |= {LICENCE_FILE: self.licence.encode()} if self.licence else {}
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

    def adapted(
        self, statistics: Statistics, standardisation: dict[str, Any], listened: Listened | None = None
    ) -> ModelFolder:
        """Give the content with the statistics of other utterances, what was heard in them, and a card that says so."""
        metadata = {name: value for name, value in self.metadata.items() if name != "listening"}
        metadata |= {"standardisation": standardisation}
        tensors: dict[str, Array] = {
            name: value for name, value in self.tensors.items() if not name.startswith(LISTENED)
        }
        tensors |= {"mean": statistics.mean, "std": statistics.std}
        if listened is not None:
            tensors = {**tensors, **listened.tensors()}
            metadata["listening"] = listened.metadata()
        return replace(self, tensors=tensors, metadata=metadata, card=_adapted_card(self.card, metadata))

    def with_source_classes(self, source: SourceClasses) -> ModelFolder:
        """Give the content with what it can listen with."""
        tensors = {name: value for name, value in self.tensors.items() if not name.startswith((SOURCE, LISTENED))}
        metadata = self.metadata | {"source_classes": list(source.classes)}
        metadata.pop("listening", None)
        return replace(self, tensors={**tensors, **source.tensors()}, metadata=metadata)

    def corrected(self, found: Corrected) -> ModelFolder:
        """Give the content with heads that ratings corrected, intervals by their errors, and a card that says so."""
        rated = {"standardisation": self.metadata["standardisation"] | {"rated": True}, "correction": found.about}
        metadata = self.metadata | rated
        metadata |= {"temperature": float(found.heads.temperature)} if found.heads.classes else {}
        if "intervals" in metadata:
            own = {name: each for name, each in metadata["intervals"].items() if name != "rated"}
            metadata["intervals"] = own | ({"rated": found.half_widths} if found.half_widths else {})
        tensors = self.tensors | found.heads.tensors()
        return replace(self, tensors=tensors, metadata=metadata, card=_adapted_card(self.card, metadata))

    def described(self, training: Mapping[str, Any], named: Mapping[str, Any]) -> ModelFolder:
        """Give the content with another ``card`` or ``licence``, other metadata, or more about the training."""
        given = {name: value for name, value in named.items() if value is not None}
        card, licence = given.pop("card", self.card), given.pop("licence", self.licence)
        metadata = self.metadata | given | {"training": self.metadata["training"] | training}
        return replace(self, metadata=metadata, card=card, licence=licence)

    @property
    def terms(self) -> dict[str, str]:
        """Terms of the weights in a few words, under their name; empty where they have none of their own."""
        licence = self.metadata["training"].get("licence", "of its own")
        return {"terms": f"{licence}; see {LICENCE_FILE} beside the weights"} if self.licence else {}

    def curves_table(self) -> pd.DataFrame:
        """Give the learning curves as a table."""
        import pandas as pd

        if not self.curves:
            return pd.DataFrame(index=pd.RangeIndex(0, name="epoch"))
        columns = _curves(self.curves)
        epochs = pd.Index(columns.pop("epoch"), dtype=np.int64, name="epoch")
        return pd.DataFrame(columns, epochs, dtype=np.float64)


def _adapted_card(card: str, metadata: Mapping[str, Any]) -> str:
    """Write what a card says of an adapted model, in place of what it said before."""
    standardisation, correction = metadata["standardisation"], metadata.get("correction")
    n_used, prior = standardisation["n_utterances"], standardisation["prior"]
    width = "those of adapted corpora" if well_adapted(n_used, prior) else "the wider of as trained and adapted"
    note = (
        f"{_ADAPTED}\n\nMean and standard deviation were taken from {n_used} other utterances. What is said above "
        f"of the model as trained does not apply here. Intervals, if there are any, are {width}.\n"
    )
    if "listening" in metadata:
        note += f"\n{listening_text(metadata['listening'])}\n"
    if correction:
        note += (
            f"\nCorrected by ratings of other utterances: {correction_text(correction)}. The intervals of a rating are "
            f"as wide as the errors on ratings left out where there are {ENOUGH_RATINGS} or more of these very "
            "utterances, and never narrower than said above with fewer.\n"
        )
    return f"{card.split(_ADAPTED)[0].rstrip()}\n\n{note}"


def _curves(text: str) -> dict[str, list[float]]:
    """Read learning curves by column, ``epoch`` among them."""
    header, *rows = [row for row in csv.reader(io.StringIO(text), strict=True) if row] or [[]]
    if "epoch" not in header or len(set(header)) < len(header):
        raise ValueError(f"its columns are {', '.join(header)[:80]}; expected epoch and others, each once")
    if any(len(row) != len(header) for row in rows):
        raise ValueError(f"a row has more or fewer than {len(header)} cells")
    cells = list(zip(*rows, strict=True)) or [()] * len(header)
    return {
        name: [int(cell) if name == "epoch" else float(cell or "nan") for cell in column]
        for name, column in zip(header, cells, strict=True)
    }


def _yaml(content: dict[str, Any]) -> str:
    return str(yaml.safe_dump(content, sort_keys=False, allow_unicode=True, width=100))


#: What the Hub calls the features that models take.
_TAGS = {EGEMAPS: ("eGeMAPS",), CORRECTED: ("eGeMAPS",), WHISPER: ("eGeMAPS", "whisper")}


def _hub_header(metadata: Mapping[str, Any]) -> dict[str, Any]:
    """Give the block with which a model card on the Hub begins."""
    return {
        "library_name": "affectmap",
        "pipeline_tag": "audio-classification",
        "tags": ["speech-emotion-recognition", "activation", "valence", *_TAGS.get(metadata["features"], ())],
        "language": list(metadata["training"].get("languages", [])),
        "license": str(metadata["training"].get("licence", "other")),
        **({"license_link": LICENCE_FILE} if LICENCE_FILE in metadata["files"] else {}),
    }


def read_model_folder(folder: Path | Traversable) -> ModelFolder:
    """Read a model's folder and check all of it.

    Args:
        folder: A folder that affectmap wrote, or one within the package.

    Returns:
        Its content.

    Raises:
        ModelError: If a file is missing, damaged, too large or of another format, if the files do not fit each other,
            or if the model needs features that are measured otherwise.
    """
    if not folder.is_dir():
        what = "is a file" if folder.is_file() else "does not exist"
        raise ModelError(f"{folder} {what}; expected the folder of a model, as affectmap train writes it")
    metadata = parse_metadata(_read(folder, METADATA_FILE), str(folder / METADATA_FILE))
    names = [WEIGHTS_FILE, CARD_FILE, *(name for name in (CURVES_FILE, LICENCE_FILE) if name in metadata["files"])]
    contents = {name: _read(folder, name) for name in names}
    for name, content in contents.items():
        if metadata["files"].get(name) != _digest(content):
            raise ModelError(
                f"{folder / name} is not the file that {METADATA_FILE} was written with (its SHA-256 digest differs); "
                f"{ADVICE}"
            )
    tensors = parse_tensors(contents[WEIGHTS_FILE], str(folder / WEIGHTS_FILE))
    check_tensors(tensors, metadata, str(folder))
    texts = [contents.get(name, b"").decode("utf-8", "replace") for name in (CARD_FILE, CURVES_FILE, LICENCE_FILE)]
    found = ModelFolder(tensors, metadata, *texts)
    _check_curves(found, str(folder / CURVES_FILE))
    return found


def _check_curves(content: ModelFolder, file: str) -> None:
    n_columns = content.curves.partition("\n")[0].count(",") + 1
    if n_columns > MAX_CURVES:
        raise ModelError(f"{file} has {n_columns} columns; expected at most {MAX_CURVES}; {ADVICE}")
    try:
        if content.curves:
            _curves(content.curves)
    except (ValueError, csv.Error) as error:
        raise ModelError(f"{file} cannot be read as learning curves ({first_line(error)}); {ADVICE}") from error


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
