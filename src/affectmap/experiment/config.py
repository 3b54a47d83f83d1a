"""Every setting of an experiment, of preparation, training and its own; read from TOML, with options over it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

from pydantic import AfterValidator, Field, ValidationError
from pydantic.dataclasses import dataclass

from affectmap.documents import DocumentError, parse_toml, read_start
from affectmap.errors import ConfigError, UsageError
from affectmap.features.encoders.weights import parse_reference
from affectmap.model.settings import PAPER, FitSettings
from affectmap.preparation.config import PreparationSettings
from affectmap.settings import CHECKED, Real, Switch, Whole, fields_of, first_error

Method = Literal["unsupervised", "activation", "valence", "joint"]
METHODS: tuple[Method, ...] = ("unsupervised", "activation", "valence", "joint")


def _each_once(names: list[Method]) -> list[Method]:
    if len(set(names)) < len(names):
        raise ValueError(f"methods is {names!r}; expected every method once")
    return names


def _known_reference(text: str) -> str:
    try:
        parse_reference(text)
    except UsageError as error:
        raise ValueError(str(error)) from error
    return text


@dataclass(frozen=True, kw_only=True, config=CHECKED)
class ExperimentConfig(FitSettings, PreparationSettings):
    """All settings of `affectmap reproduce`; the defaults are the paper's.

    Example:
        >>> ExperimentConfig(source=["emodb=corpora/emodb"]).folds
        'auto'
    """

    panel: ClassVar[str] = "Experiment"

    methods: Annotated[list[Method], AfterValidator(_each_once)] = Field(
        default=list(METHODS), min_length=1, description="what to train: the labels that the loss follows"
    )
    reference: Annotated[str, AfterValidator(_known_reference)] | None = Field(
        default=None, description="a large model beside ours in table 4: superb, or superb=MODEL, its folder or hub id"
    )
    batch_size: Whole = Field(
        default=PAPER.batch_size, ge=2, description=fields_of(FitSettings)["batch_size"].description
    )
    n_seeds: Whole = Field(
        default=5, ge=1, description="seeds; each splits the source, picks a target's fifth and trains models anew"
    )
    keep_models: Literal["first", "all"] = Field(
        default="first", description="models that are written: those of the first seed, or of all seeds"
    )
    svc_c: Real = Field(default=1.0, gt=0, description="penalty of the classifier on embeddings")
    svc_c_functionals: Real = Field(default=0.1, gt=0, description="penalty of the classifier on 88 functionals")
    ridge_penalty: Real = Field(default=300.0, gt=0, description="penalty of the ridge baseline")
    synthetic: Switch = Field(default=False, description="the corpora are synthetic speech; every page says so")


def given_settings(file: Path | None = None, **options: Any) -> dict[str, Any]:  # noqa: ANN401 (checked afterwards)
    """Collect the settings that a TOML file and options give; options go over it, ``None`` means not given.

    Raises:
        UsageError: If the file cannot be read.
    """
    given = {name: value for name, value in options.items() if value is not None}
    return ({} if file is None else _read_toml(file)) | given


def make_config(file: Path | None = None, **options: Any) -> ExperimentConfig:  # noqa: ANN401 (checked here)
    """Read settings from a TOML file and put options over them.

    Args:
        file: TOML with the names of `ExperimentConfig`; relative paths in it are relative to its folder.
        **options: Settings by name; ``None`` means not given.

    Returns:
        The checked settings.

    Raises:
        UsageError: If the file cannot be read, a name is unknown, or a value is out of range.

    Example:
        >>> make_config(source=["urdu=corpora/urdu"], n_folds=4).n_folds
        4
    """
    settings = given_settings(file, **options)
    try:
        return ExperimentConfig(**settings)
    except ConfigError as error:
        cause = error.__cause__
        first = first_error(cause) if isinstance(cause, ValidationError) else None
        if first is not None and first["type"].startswith("missing"):
            message = "no source is given; add --source NAME=DIR, or source = [...] to the settings file"
            raise UsageError(message) from error
        name = "" if first is None else str(first["loc"][0])
        in_file = file is not None and name in settings and options.get(name) is None
        raise UsageError(f"{file}: {error}" if in_file else str(error)) from error


def _read_toml(file: Path) -> dict[str, Any]:
    try:
        settings = parse_toml(read_start(file))
    except FileNotFoundError as error:
        raise UsageError(f"{file} does not exist; expected a TOML file of settings") from error
    except (OSError, DocumentError) as error:
        reason = getattr(error, "strerror", None) or error
        raise UsageError(f"{file} cannot be read as TOML: {reason}") from error
    for name in ("source", "target"):
        if isinstance(settings.get(name), list):
            settings[name] = [_beside(file, spec) for spec in settings[name]]
    if isinstance(settings.get("labels"), str):
        settings["labels"] = file.parent / Path(settings["labels"]).expanduser()
    return settings


def _beside(file: Path, spec: Any) -> Any:  # noqa: ANN401 (checked by the declaration afterwards)
    if not isinstance(spec, str) or "=" not in spec:
        return spec
    front, path = spec.split("=", 1)
    return f"{front}={file.parent / Path(path).expanduser()}"
