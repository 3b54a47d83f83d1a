"""``affectmap reproduce``: the whole protocol, from recordings to tables, report and models."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from affectmap.cli import options

if TYPE_CHECKING:
    from affectmap.experiment.config import ExperimentConfig

_Methods = Annotated[
    list[str] | None,
    typer.Option(
        "--method",
        metavar="[unsupervised|activation|valence|joint]",
        help="What to train; repeat for several (all four).",
    ),
]
_Reference = Annotated[
    str | None,
    typer.Option(metavar="superb[=MODEL]", help="A large model beside ours in table 4; MODEL: its folder or hub id."),
]


def reproduce_command(
    source: options.Source = None,
    target: options.Target = None,
    labels: options.Labels = None,
    output: options.Output = Path("results"),
    overwrite: options.Overwrite = False,
    config: options.ConfigFile = None,
    methods: _Methods = None,
    emotions: options.Emotions = None,
    excited_as_happy: options.ExcitedAsHappy = None,
    features: options.Features = None,
    reference: _Reference = None,
    sampling_rate: options.SamplingRate = None,
    outlier_threshold: options.OutlierThreshold = None,
    policy: options.Policy = None,
    folds: options.Folds = None,
    n_folds: options.NFolds = None,
    strict: options.Strict = None,
    preset: options.Preset = None,
    weight: options.Weight = None,
    noise_std: options.NoiseStd = None,
    latent_dim: options.LatentDim = None,
    epochs: options.Epochs = None,
    batch_size: options.BatchSize = None,
    learning_rate: options.LearningRate = None,
    seed: options.Seed = None,
    n_seeds: options.NSeeds = None,
    device: options.Device = None,
    n_jobs: options.NJobs = None,
    backend: options.Backend = None,
    scheduler: options.Scheduler = None,
    cache: options.Cache = None,
) -> None:
    """Train on the source, carry over to the targets, and leave tables, report.html, figures and models.

    Every method is trained on the folds of the source and scored on its held-out speakers and on every target.
    """
    flags = dict(locals())
    options.require_training("reproduce")
    from affectmap.experiment.config import make_config
    from affectmap.parallel.cluster import work_on

    for name in ("output", "overwrite", "config", "backend", "scheduler", "cache"):
        del flags[name]
    lists = {name: flags.pop(name) or None for name in ("source", "target", "methods")}
    settings = make_config(config, **lists, **flags)
    with work_on(backend, scheduler):
        run_and_save(settings, output, overwrite=overwrite, cache=cache, command=command_line())


def command_line() -> str:
    """Give the command of this process as it can be typed again."""
    return shlex.join(["affectmap", *sys.argv[1:]])


def run_and_save(
    settings: ExperimentConfig, output: Path, *, overwrite: bool, cache: Path | None, command: str
) -> None:
    """Run an experiment, write its folder, and print tables and the report's path.

    Args:
        settings: All settings.
        output: Folder to be made.
        overwrite: Whether it may replace one that affectmap wrote.
        cache: Folder of cached functionals.
        command: The command, for the report.
    """
    from affectmap.cli.progress import progress_bar
    from affectmap.cli.tables import print_tables
    from affectmap.experiment.experiment import Experiment
    from affectmap.files import check_new_folder, new_folder
    from affectmap.report import write_report

    check_new_folder(output, overwrite=overwrite)
    experiment = Experiment(settings, cache=cache, notify=_note, progress=progress_bar)
    results = experiment.run(command)
    _note("writing the report")
    with new_folder(output, overwrite=overwrite) as folder:
        write_report(results, folder)
        for name, embedder in results.embedders.items():
            embedder.save(folder / "models" / name)
    print_tables(results)
    typer.echo(f"\nreport: {(output / 'report.html').resolve()}")


def _note(line: str) -> None:
    typer.echo(line, err=True)
