"""``affectmap train``: fit one embedder on all of a source and save it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from affectmap.cli import options

_Method = Annotated[
    Literal["unsupervised", "activation", "valence", "joint"],
    typer.Option(help="Labels that the metric loss follows."),
]


def train_command(
    source: options.Source = None,
    labels: options.Labels = None,
    output: options.Output = Path("embedder"),
    overwrite: options.Overwrite = False,
    config: options.ConfigFile = None,
    method: _Method = "joint",
    emotions: options.Emotions = None,
    excited_as_happy: options.ExcitedAsHappy = None,
    features: options.Features = None,
    sampling_rate: options.SamplingRate = None,
    outlier_threshold: options.OutlierThreshold = None,
    strict: options.Strict = None,
    preset: options.Preset = None,
    weight: options.Weight = None,
    noise_std: options.NoiseStd = None,
    latent_dim: options.LatentDim = None,
    epochs: options.Epochs = None,
    batch_size: options.BatchSize = None,
    learning_rate: options.LearningRate = None,
    seed: options.Seed = None,
    device: options.Device = None,
    n_jobs: options.NJobs = None,
    backend: options.Backend = None,
    scheduler: options.Scheduler = None,
    cache: options.Cache = None,
) -> None:
    """Train one embedder on all utterances of the source and save it as a folder for Embedder.load."""
    flags = dict(locals())
    options.require_training("train")
    from affectmap.cli.progress import progress_bar
    from affectmap.cluster import work_on
    from affectmap.config import make_config
    from affectmap.experiment import Experiment
    from affectmap.storage import check_new_folder

    for name in ("output", "overwrite", "config", "backend", "scheduler", "cache", "method"):
        del flags[name]
    # A saved embedder has one mean and spread, those of its source: it is trained with them, whatever targets get.
    fixed = {"source": source or None, "methods": [method], "policy": "source"}
    settings = make_config(config, **(flags | fixed))
    check_new_folder(output, overwrite=overwrite)
    experiment = Experiment(
        settings, cache=cache, notify=lambda line: typer.echo(line, err=True), progress=progress_bar
    )
    with work_on(backend, scheduler):
        embedder = experiment.fit_embedder()
    if len(settings.source) > 1:
        typer.echo("note: its mean and spread are those of all sources together; adapt it before use", err=True)
    embedder.save(output, overwrite=overwrite)
    last = embedder.curves_.iloc[-1]
    typer.echo(f"loss after {len(embedder.curves_)} epochs: {last['total']:.3f}", err=True)
    typer.echo(output.resolve())
