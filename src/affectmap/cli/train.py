"""``affectmap train``: fit one embedder on all of a source and save it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from affectmap.cli import options

if TYPE_CHECKING:
    from affectmap.model.embedder import Embedder

_Recipe = Annotated[
    Literal["transfer", "paper"],
    typer.Option(help="For corpora never heard, or the paper's method."),
]
_Method = Annotated[
    Literal["unsupervised", "activation", "valence", "joint"],
    typer.Option(help="Labels that the metric loss follows; others than joint need --recipe paper."),
]
_Preset = Annotated[
    Literal["paper", "authors-code"] | None,
    typer.Option(help="The paper, or the code its authors released; the latter needs --recipe paper."),
]
_Weight = Annotated[float | None, typer.Option(help="Weight λ of the losses on the latent (the recipe's).")]
_NoiseStd = Annotated[float | None, typer.Option(help="Noise σ on standardised features (the recipe's).")]
_LatentDim = Annotated[int | None, typer.Option(help="Size of the latent (the recipe's).")]
_Epochs = Annotated[int | None, typer.Option(help="Passes over the data (the recipe's).")]
_BatchSize = Annotated[int | None, typer.Option(help="Utterances a step (the recipe's).")]
_LearningRate = Annotated[float | None, typer.Option(help="Adam's (the recipe's).")]


def train_command(
    source: options.Source = None,
    labels: options.Labels = None,
    output: options.Output = Path("embedder"),
    overwrite: options.Overwrite = False,
    config: options.ConfigFile = None,
    recipe: _Recipe = "transfer",
    method: _Method = "joint",
    emotions: options.Emotions = None,
    excited_as_happy: options.ExcitedAsHappy = None,
    features: options.Features = None,
    sampling_rate: options.SamplingRate = None,
    outlier_threshold: options.OutlierThreshold = None,
    strict: options.Strict = None,
    preset: _Preset = None,
    weight: _Weight = None,
    noise_std: _NoiseStd = None,
    latent_dim: _LatentDim = None,
    epochs: _Epochs = None,
    batch_size: _BatchSize = None,
    learning_rate: _LearningRate = None,
    seed: options.Seed = None,
    device: options.Device = None,
    n_jobs: options.NJobs = None,
    backend: options.Backend = None,
    scheduler: options.Scheduler = None,
    cache: options.Cache = None,
) -> None:
    """Train one embedder on all utterances of the sources and save it as a folder for Embedder.load.

    Unless --recipe paper is given, it is trained for corpora never heard: sources may be several, and some may have
    classes of emotion and no ratings.
    """
    flags = dict(locals())
    options.require_training("train")
    from affectmap.cli.progress import progress_bar
    from affectmap.experiment.config import given_settings, make_config
    from affectmap.experiment.experiment import Experiment
    from affectmap.files import check_new_folder
    from affectmap.parallel.cluster import work_on
    from affectmap.transfer.settings import recipe_for

    for name in ("output", "overwrite", "config", "backend", "scheduler", "cache", "method", "recipe"):
        del flags[name]
    # A saved embedder has one mean and spread, those of its source: it is trained with them, whatever targets get.
    fixed = {"source": source or None, "methods": [method], "policy": "source"}
    settings = make_config(config, **(flags | fixed))
    chosen = recipe_for(given_settings(config, **(flags | fixed))) if recipe == "transfer" else None
    check_new_folder(output, overwrite=overwrite)
    experiment = Experiment(
        settings, cache=cache, notify=lambda line: typer.echo(line, err=True), progress=progress_bar
    )
    with work_on(backend, scheduler):
        embedder = experiment.fit_embedder() if chosen is None else experiment.fit_recipe(chosen)
    embedder.save(output, overwrite=overwrite)
    _tell(embedder, len(settings.source))
    typer.echo(output.resolve())


def _tell(embedder: Embedder, n_sources: int) -> None:
    last = embedder.curves_.iloc[-1]
    lines = [f"loss after {len(embedder.curves_)} epochs: {last['total']:.3f}"]
    note = "note: its mean and spread are those of all sources together; adapt it before use"
    if embedder.recipe_:
        lines.append(note)
    elif n_sources > 1:
        lines.insert(0, note)
    for line in lines:
        typer.echo(line, err=True)
