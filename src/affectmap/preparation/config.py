"""Every setting of an experiment, its default and its range; read from a TOML file, with flags over it."""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, PositiveInt, ValidationError
from pydantic_core import ErrorDetails

from affectmap.errors import UsageError
from affectmap.features.encoders.layers import parse_encoder
from affectmap.features.encoders.weights import parse_reference

Method = Literal["unsupervised", "activation", "valence", "joint"]
METHODS: tuple[Method, ...] = ("unsupervised", "activation", "valence", "joint")
#: Features that are measured by default: the 88 functionals.
EGEMAPS = "egemaps"


def _each_once(names: list[Method]) -> list[Method]:
    if len(set(names)) < len(names):
        raise ValueError("every method can be named once only")
    return names


def _known_features(text: str) -> str:
    if text != EGEMAPS:
        _as_value(parse_encoder, text)
    return text


def _known_reference(text: str) -> str:
    _as_value(parse_reference, text)
    return text


def _as_value(parse: Callable[[str], object], text: str) -> None:
    try:
        parse(text)
    except UsageError as error:
        raise ValueError(str(error)) from error


class ExperimentConfig(BaseModel):
    """Settings of `affectmap reproduce`; the defaults are the paper's.

    Example:
        >>> ExperimentConfig(source=["emodb=corpora/emodb"]).folds
        'auto'
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    source: list[str] = Field(min_length=1, description="corpora trained on, as NAME=DIR; several are pooled")
    target: list[str] = Field(default=[], description="corpora only evaluated on")
    labels: Path | None = Field(default=None, description="folder of the label sheets")
    excited_as_happy: bool = Field(default=True, description="IEMOCAP: count excited as happy")
    emotions: Literal["auto", "all", "four"] = Field(
        default="auto",
        description="utterances of a source: all, or neutral, sad, happy, angry; auto: four on IEMOCAP (the paper)",
    )
    features: Annotated[str, AfterValidator(_known_features)] = Field(
        default=EGEMAPS, description="what is measured of an utterance: egemaps, or ssl:MODEL@LAYERS"
    )
    reference: Annotated[str, AfterValidator(_known_reference)] | None = Field(
        default=None, description="a large model beside ours in table 4: superb, or superb=MODEL"
    )
    sampling_rate: int | None = Field(default=None, gt=0, description="resample to this rate in Hz")
    outlier_threshold: float = Field(default=10.0, gt=0, description="drop utterances with any |z| above it")
    policy: Literal["source", "target-20", "target-all", "speaker"] = Field(
        default="target-20", description="whose statistics standardise the targets"
    )
    folds: Literal["auto", "speaker", "session", "stratified", "corpus"] = Field(
        default="auto",
        description="auto: by session where there are sessions, else by speaker; stratified folds share speakers",
    )
    n_folds: int = Field(default=5, ge=2, description="folds by speaker, or stratified")
    methods: Annotated[list[Method], AfterValidator(_each_once)] = Field(
        default=list(METHODS), min_length=1, description="what is trained"
    )
    preset: Literal["paper", "authors-code"] = Field(default="paper", description="loss, decoder and their settings")
    weight: float = Field(default=1.0, ge=0, description="λ of eq. 6")
    noise_std: float = Field(default=1.0, ge=0, description="σ of the noise on standardised features")
    hidden_dims: list[PositiveInt] = Field(default=[40, 20, 10], description="the encoder's hidden layers")
    latent_dim: int = Field(default=2, ge=1, description="size of the latent")
    epochs: int | None = Field(default=None, ge=1, description="the preset's if not given: 50, or 100")
    batch_size: int = Field(default=64, ge=2, description="utterances a step")
    learning_rate: float | None = Field(default=None, gt=0, description="the preset's if not given: 1e-3, or 1e-4")
    seed: int = Field(default=0, ge=0, lt=2**31, description="of folds, statistics, weights and resamples")
    n_seeds: int = Field(default=1, ge=1, description="models for each fold and method")
    svc_c: float = Field(default=1.0, gt=0, description="penalty of the classifier on embeddings")
    svc_c_functionals: float = Field(default=0.1, gt=0, description="penalty of the classifier on 88 functionals")
    ridge_penalty: float = Field(default=300.0, gt=0, description="penalty of the ridge baseline")
    n_resamples: int = Field(default=1000, ge=1, description="resamples of speakers for intervals")
    device: Literal["cpu", "cuda"] = Field(default="cpu", description="where to train")
    n_jobs: int | None = Field(default=None, ge=1, description="cores; all if not given")
    strict: bool = Field(default=False, description="stop at the first unusable recording")
    synthetic: bool = Field(default=False, description="the corpora are synthetic speech; every page says so")


def make_config(file: Path | None = None, **flags: Any) -> ExperimentConfig:  # noqa: ANN401 (checked by the model)
    """Read settings from a TOML file and put flags over them.

    Args:
        file: TOML with the names of `ExperimentConfig`; relative paths in it are relative to its folder.
        **flags: Settings by name; ``None`` means not given.

    Returns:
        The checked settings.

    Raises:
        UsageError: If the file cannot be read, a name is unknown, or a value is out of range.

    Example:
        >>> make_config(source=["urdu=corpora/urdu"], n_folds=4).n_folds
        4
    """
    given = {name: value for name, value in flags.items() if value is not None}
    settings = ({} if file is None else _read_toml(file)) | given
    try:
        return ExperimentConfig(**settings)
    except ValidationError as error:
        # What is missing comes last: a misspelt name may be the reason for it.
        first = min(error.errors(), key=lambda one: one["type"] == "missing")
        where = f"{file}: " if file is not None and first["loc"][0] in settings.keys() - given.keys() else ""
        raise UsageError(where + _explain(first)) from error


def _explain(error: ErrorDetails) -> str:
    names, name = list(ExperimentConfig.model_fields), ".".join(str(part) for part in error["loc"])
    if error["type"] == "missing":
        return "no source is given; add --source NAME=DIR, or source = [...] to the settings file"
    if error["type"] == "extra_forbidden":
        close = get_close_matches(name, names, n=1)
        return f"unknown setting {name}" + (
            f"; did you mean {close[0]}?" if close else f"; known are {', '.join(names)}"
        )
    told = getattr(error.get("ctx", {}).get("error"), "__cause__", None)
    if isinstance(told, UsageError):  # says by itself what was given
        return str(told)
    message = error["msg"].removeprefix("Value error, ")
    return f"{name}: {message[0].lower()}{message[1:]}, got {error['input']!r}"


def _read_toml(file: Path) -> dict[str, Any]:
    try:
        settings = tomllib.loads(file.read_text(encoding="utf-8-sig"))
    except FileNotFoundError as error:
        raise UsageError(f"{file} does not exist; expected a TOML file of settings") from error
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        reason = getattr(error, "strerror", None) or error
        raise UsageError(f"{file} cannot be read as TOML: {reason}") from error
    for name in ("source", "target"):
        if isinstance(settings.get(name), list):
            settings[name] = [_beside(file, spec) for spec in settings[name]]
    if isinstance(settings.get("labels"), str):
        settings["labels"] = file.parent / Path(settings["labels"]).expanduser()
    return settings


def _beside(file: Path, spec: Any) -> Any:  # noqa: ANN401 (checked by the model afterwards)
    if not isinstance(spec, str) or "=" not in spec:
        return spec
    front, path = spec.split("=", 1)
    return f"{front}={file.parent / Path(path).expanduser()}"
