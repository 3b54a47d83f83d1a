"""``affectmap reproduce``, and ``affectmap demo``: the whole protocol on corpora, and on synthetic speech."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import Any

import typer

from affectmap.cli import options
from affectmap.cli.explore import PAGE, Explore, write_explorer
from affectmap.cli.progress import note, progress_bar
from affectmap.experiment.config import ExperimentConfig, make_config
from affectmap.extras import installed
from affectmap.model.settings import PRESETS
from affectmap.settings import fields_of

#: Settings that a TOML file alone gives.
TOML_ONLY = {
    "hidden_dims", "losses", "reconstruction", "schedule", "batches",
    "svc_c", "svc_c_functionals", "ridge_penalty", "synthetic",
}  # fmt: skip
SETTINGS = tuple(name for name in fields_of(ExperimentConfig) if name not in TOML_ONLY)


@options.verb(
    "affectmap reproduce --source emodb=DIR --target urdu=DIR --labels DIR",
    "affectmap reproduce --config run.toml --n-seeds 10 -o results-10",
    settings=ExperimentConfig,
    names=SETTINGS,
    defaults=PRESETS,
)
def reproduce_command(
    given: dict[str, Any],
    output: options.Output = Path("results"),
    overwrite: options.Overwrite = False,
    explore: Explore = False,
    config: options.ConfigFile = None,
    backend: options.Backend = "local",
    scheduler: options.Scheduler = None,
    cache: options.Cache = None,
) -> None:
    """Run the whole protocol: train on the source, evaluate on the targets, and write tables, report and models.

    Every method is trained on the folds of the source and evaluated on its held-out speakers and on every target.
    Leaves report.html, tables, pictures and models in the folder named with -o.
    """
    options.require_training("reproduce")
    from affectmap.parallel.cluster import work_on

    settings = make_config(config, **given)
    with work_on(backend, scheduler):
        run_and_save(
            settings, output, overwrite=overwrite, explore=explore, config=config, cache=cache, command=command_line()
        )


def command_line() -> str:
    """Give the command of this process as it can be typed again."""
    return shlex.join(["affectmap", *sys.argv[1:]])


def run_and_save(
    settings: ExperimentConfig,
    output: Path,
    *,
    overwrite: bool,
    explore: bool = False,
    config: Path | None = None,
    cache: Path | None,
    command: str,
) -> None:
    """Run an experiment, write its folder, and print its tables and the path of its report."""
    from affectmap.cli.tables import print_tables
    from affectmap.experiment.experiment import Experiment
    from affectmap.files import new_folder
    from affectmap.report import write_report

    inputs = [each for each in options.inputs_of(settings, config, cache) if each is not None]
    options.check_folder(output, overwrite=overwrite, inputs=inputs)
    experiment = Experiment(settings, cache=cache, notify=note, progress=progress_bar)
    results = experiment.run(command)
    note("writing the report")
    with new_folder(output, overwrite=overwrite, inputs=inputs) as folder:
        write_report(results, folder, explorer=PAGE if explore else "")
        if explore:
            from affectmap.explorer.sources import left_out, run_points

            points = run_points(results.utterances, left_out(results.findings))
            write_explorer(points, folder / PAGE, n_jobs=settings.n_jobs)
        for name, embedder in results.embedders.items():
            embedder.save(folder / "models" / name)
    if not installed("pyarrow"):
        note('utterances and features are written as CSV; pip install "affectmap[parquet]" makes them parquet')
    print_tables(results)
    typer.echo(f"\nreport: {(output / 'report.html').resolve()}")


@options.verb(
    "affectmap demo -o demo",
    "affectmap demo --seed 1 --n-jobs 4 -o demo-1",
    settings=ExperimentConfig,
    names=("seed", "n_jobs"),
)
def demo_command(
    given: dict[str, Any],
    output: options.Output = Path("demo"),
    overwrite: options.Overwrite = False,
    explore: Explore = False,
) -> None:
    """Run the whole protocol on synthetic speech: espeak-ng speaks five small corpora, reproduce does the rest.

    Leaves DIR/speech (recordings and tables) and DIR/results (report.html and the rest). The speech is synthetic: it
    shows the pipeline and proves nothing about people.
    """
    options.require_training("demo")
    from affectmap.corpora.synthetic.recordings import NOTICE, speak_corpora

    speech, results = output / "speech", output / "results"
    for folder in (speech, results):
        options.check_folder(folder, overwrite=overwrite)
    flags: dict[str, Any] = {"synthetic": True, **given}
    seed = make_config(source=["checked=first"], **flags).seed  # before the time that speaking takes
    note(f"{NOTICE}\nspeaking five corpora into {speech}")
    tables = speak_corpora(speech, seed=seed, overwrite=overwrite)
    specs = [f"table:{name}={table}" for name, table in tables.items()]
    settings = make_config(source=specs[:1], target=specs[1:], **flags)
    run_and_save(
        settings, results, overwrite=overwrite, explore=explore, cache=output / "cache", command=command_line()
    )
