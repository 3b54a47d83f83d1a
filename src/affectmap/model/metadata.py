"""What ``model.yaml`` says of a model: what a new one gets, and what must hold before a stranger's is used."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from importlib import metadata as installed
from typing import Any

from affectmap.audio.quality import CLIPPED_SHARE, LATER_THRESHOLDS, THRESHOLDS
from affectmap.documents import DocumentError, first_line, parse_yaml
from affectmap.errors import ConfigError, ModelError
from affectmap.features.engines import (
    FEATURE_SETS,
    check_engine,
    feature_names,
    how_measured,
    input_text,
    otherwise_measured,
)
from affectmap.model import MAX_WIDTH
from affectmap.schema import CORRECTED, DEFAULT_ENGINE, EGEMAPS, FUNCTIONALS, LABELS, USUAL_RATE, WHISPER, Engine

#: Format of the folder; to be raised when an older affectmap could not read it rightly.
FORMAT = 3
#: What a model takes: features that affectmap measures itself, by their name, with what measures them by default;
#: columns of a table, whatever measured them; or features of which nothing was said.
MEASURED: dict[str, Engine] = {EGEMAPS: DEFAULT_ENGINE, CORRECTED: CORRECTED, WHISPER: WHISPER}
COLUMNS, OTHER = "columns of a table", "other"
#: Whose statistics a model normalises with and whose intervals it has: its training data's, or those of recordings that
#: it was adapted to.
INTERVAL_STATISTICS = ("source", "adapted")
#: Most features that a model takes.
MAX_INPUTS = 16_384
#: What to do about a damaged model.
ADVICE = "train or download the model again"

#: Thresholds of the flags; experiments/shipped-model measures and explains them.
FLAG_THRESHOLDS = {
    "clipped_share": CLIPPED_SHARE, "min_voiced_share": 0.02, "min_pitch_spread": 0.005, "min_loudness_spread": 0.15,
    **LATER_THRESHOLDS,
}  # fmt: skip

#: What ``model.yaml`` must have, and of which type.
_REQUIRED: dict[str, type] = {
    "format": int, "name": str, "affectmap": str, "features": str, "sampling_rate": int, "inputs": list,
    "outputs": dict, "training": dict, "standardisation": dict, "flags": dict, "files": dict,
}  # fmt: skip


def new_metadata(inputs: Sequence[str], latent_dim: int) -> dict[str, Any]:
    """Give the content of ``model.yaml`` for a model that was trained just now, without heads."""
    features = next((name for name, engine in MEASURED.items() if tuple(inputs) == feature_names(engine)), OTHER)
    return {
        "format": FORMAT,
        "name": "unnamed",
        "affectmap": installed.version("affectmap"),
        "features": features,
        **({"measured": how_measured(MEASURED[features])} if features in MEASURED else {}),
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


def text_of_inputs(metadata: Mapping[str, Any]) -> str:
    """Say what a model takes, in words.

    Args:
        metadata: Content of its ``model.yaml``.

    Example:
        >>> text_of_inputs({"features": "other", "inputs": ["f0", "f1"]})
        '2 features, first f0'
    """
    if metadata["features"] in MEASURED:
        return input_text(metadata["measured"]["engine"], int(metadata["sampling_rate"]))
    whose = {OTHER: "", COLUMNS: f" ({COLUMNS})"}.get(metadata["features"], f" of {metadata['features']}")
    return f"{len(metadata['inputs'])} features{whose}, first {metadata['inputs'][0]}"


def check_measurable(metadata: Mapping[str, Any]) -> None:
    """Raise an error if recordings cannot be measured for a model.

    Args:
        metadata: Content of its ``model.yaml``.

    Raises:
        ConfigError: If it takes other features than those that recordings are measured by.
        ModelError: If it needs an encoder that cannot be found, or another one than is here.
        UsageError: If what measures them is not installed.

    Example:
        >>> check_measurable({"name": "mine", "features": "other", "inputs": ["f0", "f1"]})
        Traceback (most recent call last):
        affectmap.errors.ConfigError: mine takes 2 features, first f0, which are not measured here; give a table of them
    """
    name = metadata["name"]
    if metadata["features"] not in MEASURED:
        raise ConfigError(f"{name} takes {text_of_inputs(metadata)}, which are not measured here; give a table of them")
    check_engine(metadata["measured"]["engine"], int(metadata["sampling_rate"]))
    if problem := otherwise_measured(metadata["measured"]):  # by an encoder that came after the model
        raise ModelError(f"{name}: {problem}")


def plain(value: Any) -> Any:  # noqa: ANN401 (anything that YAML has)
    """Give Python's own numbers, lists and dictionaries for NumPy's and tuples."""
    if hasattr(value, "tolist"):
        value = value.tolist()
    if isinstance(value, dict):
        return {str(name): plain(each) for name, each in value.items()}
    return [plain(each) for each in value] if isinstance(value, (list, tuple)) else value


def parse_metadata(content: bytes, file: str) -> dict[str, Any]:
    """Read and check ``model.yaml``; `file` is its path, for messages.

    Raises:
        ModelError: If it is damaged, of another format, or says what cannot be, or its features are measured otherwise.
    """
    try:
        metadata = parse_yaml(content)
    except DocumentError as error:
        raise ModelError(f"{file} is damaged ({error}); {ADVICE}") from error
    if not isinstance(metadata, dict) or type(metadata.get("format")) is not int:
        raise ModelError(f"{file} names no format; it is not a model of affectmap")
    if metadata["format"] != FORMAT:
        advice = "update affectmap" if metadata["format"] > FORMAT else "it is of an earlier affectmap: train it again"
        raise ModelError(f"{file} has format {metadata['format']}, this affectmap reads {FORMAT}; {advice}")
    wrong = [name for name, kind in _REQUIRED.items() if type(metadata.get(name)) is not kind]
    if wrong:
        raise ModelError(f"{file} lacks {wrong[0]} or has it of another type; {ADVICE}")
    _check_plain(metadata, file)
    _check_inputs(metadata, file)
    _check_outputs(metadata["outputs"], file)
    metadata["flags"] |= {name: value for name, value in LATER_THRESHOLDS.items() if name not in metadata["flags"]}
    _check_numbers(metadata, file)
    _check_listening(metadata, file)
    _check_training(metadata, file)
    return metadata


def _check_plain(content: object, file: str) -> None:
    """Refuse what can be in YAML but not in every file that a model is written to: dates, sets, bytes, huge numbers."""
    if isinstance(content, dict):
        if not all(type(name) is str for name in content):
            raise ModelError(f"{file} has an entry whose name is no text; {ADVICE}")
        for each in content.values():
            _check_plain(each, file)
    elif isinstance(content, list):
        for each in content:
            _check_plain(each, file)
    elif not (
        content is None or type(content) in (str, bool, float) or (type(content) is int and abs(content) < 1 << 63)
    ):
        raise ModelError(f"{file} has {str(content)[:40]!r}, which is no text and no number; {ADVICE}")


def _check_inputs(metadata: Mapping[str, Any], file: str) -> None:
    """See that features are those that this installation measures; others it does not measure."""
    inputs = metadata["inputs"]
    if not 1 <= len(inputs) <= MAX_INPUTS:
        raise ModelError(f"{file}: the model takes {len(inputs)} inputs; expected 1 to {MAX_INPUTS}")
    if metadata["features"] not in MEASURED:
        if not all(isinstance(name, str) for name in inputs) or len(set(inputs)) != len(inputs):
            raise ModelError(f"{file}: inputs are not names that differ; {ADVICE}")
        return
    expected = feature_names(MEASURED[metadata["features"]])
    if tuple(inputs) != expected:
        different = [i for i, (a, b) in enumerate(zip(inputs, expected, strict=False)) if a != b]
        noun = "functionals" if len(expected) == len(FUNCTIONALS) else "features"
        where = f", number {different[0]} is {str(inputs[different[0]])[:80]!r}" if different else ""
        raise ModelError(
            f"{file}: the model takes {len(inputs)} inputs{where}; expected the {len(expected)} {noun} of "
            f"{FEATURE_SETS[MEASURED[metadata['features']]]}"
        )
    if problem := otherwise_measured(metadata.get("measured")):
        raise ModelError(f"{file}: {problem}")
    if feature_names(metadata["measured"]["engine"]) != expected:
        raise ModelError(f"{file}: {metadata['measured']['engine']} does not measure {metadata['features']}; {ADVICE}")
    if not 2000 <= metadata["sampling_rate"] <= 192000:
        raise ModelError(f"{file}: sampling_rate is {metadata['sampling_rate']}; expected 2000 to 192000 Hz")
    if metadata["features"] == WHISPER and metadata["sampling_rate"] != USUAL_RATE:
        raise ModelError(f"{file}: sampling_rate is {metadata['sampling_rate']}; expected {USUAL_RATE} Hz for whisper")


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
    if max(map(len, outputs.values())) > MAX_WIDTH:
        raise ModelError(f"{file}: the model has more than {MAX_WIDTH} outputs of a kind; {ADVICE}")
    if outputs.get("ratings", list(LABELS)) not in ([*LABELS], *([label] for label in LABELS)):
        raise ModelError(f"{file}: the model rates {', '.join(outputs['ratings'])[:80]}; expected {', '.join(LABELS)}")


def _check_numbers(metadata: Mapping[str, Any], file: str) -> None:
    """See that thresholds, half widths of intervals and the statistics' origin make sense."""
    try:
        numbers = [metadata["flags"][name] for name in THRESHOLDS]
        policy = metadata["standardisation"]["policy"]
        numbers += [metadata["standardisation"].get(name, 0) for name in ("n_utterances", "prior")]
        widths = {name: metadata["intervals"][name] for name in INTERVAL_STATISTICS} if "intervals" in metadata else {}
        if widths:
            widths |= {"speaker": metadata["intervals"]["speaker"]} if "speaker" in metadata["intervals"] else {}
            numbers.append(metadata["intervals"]["level"])
        numbers += _correction_numbers(metadata)
        if "probabilities" in metadata["outputs"]:
            numbers += [metadata["temperature"], 1 / metadata["temperature"]]
        numbers += [each[label] for each in widths.values() for label in metadata["outputs"].get("ratings", ())]
    except (AttributeError, KeyError, TypeError, ValueError, ZeroDivisionError) as error:
        raise ModelError(f"{file} lacks a number or has another value ({first_line(error)}); {ADVICE}") from error
    if policy not in INTERVAL_STATISTICS or not all(_is_measure(number) for number in numbers):
        raise ModelError(f"{file} has a policy or threshold that makes no sense; {ADVICE}")


def _correction_numbers(metadata: Mapping[str, Any]) -> list[object]:
    """Give the numbers of a correction by ratings, which other modules count on; none where there is none."""
    rated = metadata.get("intervals", {}).get("rated", {})
    if "correction" not in metadata:
        if rated:
            raise ValueError("intervals of ratings without a correction")
        return []
    correction, labels = metadata["correction"], set(metadata["outputs"].get("ratings", ()))
    known = labels | ({"classes"} if "probabilities" in metadata["outputs"] else set())
    if not correction or not set(correction) <= known or not set(rated) <= set(correction) & labels:
        raise ValueError(f"correction is of {str(list(correction))[:40]}")
    if type(metadata["standardisation"].get("rated", False)) is not bool:
        raise ValueError("rated is neither true nor false")
    fields = {name: ("n",) if name == "classes" else ("n", "error_before", "error") for name in correction}
    return [*rated.values(), *(correction[name][field] for name, each in fields.items() for field in each)]


def _check_listening(metadata: Mapping[str, Any], file: str) -> None:
    """See that the classes that a model listens with are names, and that what it says of listening makes sense."""
    classes, listening = metadata.get("source_classes", ["sad", "happy"]), metadata.get("listening", {})
    if (
        type(classes) is not list
        or not 2 <= len(classes) <= MAX_WIDTH
        or not all(type(name) is str for name in classes)
        or len(set(classes)) < len(classes)
    ):
        raise ModelError(f"{file}: source_classes are {str(classes)[:80]}; expected two or more names that differ")
    if type(listening) is not dict or not all(
        _is_measure(listening.get(name, 0)) for name in ("n_recordings", "agreement", "largest_share")
    ):
        raise ModelError(f"{file}: listening is {str(listening)[:80]}; expected numbers from 0 on; {ADVICE}")
    if listening and (type(listening.get("is_used")) is not bool or "n_recordings" not in listening):
        raise ModelError(f"{file}: listening does not say of how many recordings, or whether it is used; {ADVICE}")
    if listening and "source_classes" not in metadata:
        raise ModelError(f"{file}: listening is of no classes; {ADVICE}")


def _is_measure(number: object) -> bool:
    """Tell whether something is a number from 0 on; a text or a truth value is none."""
    return isinstance(number, (int, float)) and not isinstance(number, bool) and 0 <= number < math.inf


def _check_training(metadata: Mapping[str, Any], file: str) -> None:
    """See that what is said of the training is what others print and count on."""
    training, estimator = metadata["training"], metadata.get("estimator")
    expected = {"corpora": list, "languages": list, "labels": list, "recipe": dict, "licence": str}
    wrong = [name for name, kind in expected.items() if type(training.get(name, kind())) is not kind]
    wrong += [name for name in ("measured", "units", "intervals") if type(metadata.get(name, {})) is not dict]
    wrong += ["estimator"] if type(estimator) not in (dict, type(None)) else []
    wrong += ["files"] if not all(type(digest) is str for digest in metadata["files"].values()) else []
    if wrong:
        raise ModelError(f"{file} has {wrong[0]} of another type; {ADVICE}")
