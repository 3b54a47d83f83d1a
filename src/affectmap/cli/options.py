"""Options that several commands share; without a value the settings file's holds, and then the default."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from affectmap.extras import require

Source = Annotated[
    list[str] | None,
    typer.Option(metavar="SPEC", help="Corpus to train on: emodb=DIR, table:NAME=FILE; repeat to pool several."),
]
Target = Annotated[list[str] | None, typer.Option(metavar="SPEC", help="Corpus to carry over to; repeat for several.")]
Labels = Annotated[Path | None, typer.Option(metavar="DIR", help="Folder of activation and valence sheets.")]
ConfigFile = Annotated[Path | None, typer.Option("--config", metavar="FILE", help="TOML settings; flags go over it.")]
Output = Annotated[Path, typer.Option("-o", "--output", metavar="DIR", help="Folder to be made.")]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace the folder if affectmap wrote it.")]

Emotions = Annotated[
    Literal["auto", "all", "four"] | None,
    typer.Option(help="Utterances of a source; four: neutral, sad, happy, angry."),
]
ExcitedAsHappy = Annotated[
    bool | None,
    typer.Option("--excited-as-happy/--excited-apart", help="How IEMOCAP's excited counts."),
]
Features = Annotated[
    str | None,
    typer.Option(metavar="egemaps|ssl:MODEL", help="What is measured; ssl:MODEL@LAYERS: a speech encoder's features."),
]
SamplingRate = Annotated[int | None, typer.Option(metavar="HZ", help="Resample; else each file's own rate.")]
OutlierThreshold = Annotated[float | None, typer.Option(metavar="Z", help="Drop utterances with any |z| above (10).")]
Policy = Annotated[
    Literal["source", "target-20", "target-all", "speaker"] | None,
    typer.Option(help="Whose statistics standardise the targets (target-20)."),
]
Folds = Annotated[
    Literal["auto", "speaker", "session", "stratified", "corpus"] | None,
    typer.Option(help="How the source is split; stratified folds share speakers."),
]
NFolds = Annotated[int | None, typer.Option(help="Number of folds (5).")]
Strict = Annotated[bool | None, typer.Option("--strict", help="Stop at the first unusable recording.")]
Preset = Annotated[
    Literal["paper", "authors-code"] | None,
    typer.Option(help="The paper, or the code its authors released."),
]
Weight = Annotated[float | None, typer.Option(help="Weight λ of the metric loss (1).")]
NoiseStd = Annotated[float | None, typer.Option(help="Noise σ on standardised features (1).")]
LatentDim = Annotated[int | None, typer.Option(help="Size of the latent (2).")]
Epochs = Annotated[int | None, typer.Option(help="Passes over the data (the preset's: 50 or 100).")]
BatchSize = Annotated[int | None, typer.Option(help="Utterances a step (64).")]
LearningRate = Annotated[float | None, typer.Option(help="Adam's (the preset's: 0.001 or 0.0001).")]
Seed = Annotated[int | None, typer.Option(help="Of folds, weights and resamples (0).")]
NSeeds = Annotated[int | None, typer.Option(help="Models for each method, all on the same folds (1).")]
Device = Annotated[str | None, typer.Option(metavar="cpu|cuda", help="Where to train (cpu).")]
NJobs = Annotated[int | None, typer.Option(help="Cores (all).")]
Backend = Annotated[
    Literal["local", "dask"] | None, typer.Option(help="Where work goes: this machine, or a cluster (local).")
]
Scheduler = Annotated[str | None, typer.Option(metavar="ADDRESS", help="Of the cluster, such as tcp://host:8786.")]
Cache = Annotated[Path | None, typer.Option(metavar="DIR", help="Folder of cached functionals.")]


def require_training(command: str) -> None:
    """Make sure that PyTorch and what the report needs are installed.

    Args:
        command: The command that needs them, for the message.

    Raises:
        UsageError: If one is missing.

    Example:
        >>> require_training("train")
    """
    needed = ("torch", "safetensors", "jinja2", "matplotlib", "sklearn", "scipy")
    require(command, "demo" if command == "demo" else "train", *needed)
