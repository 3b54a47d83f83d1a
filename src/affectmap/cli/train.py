"""``affectmap train``: fit one embedder on all of a source and save it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from affectmap.cli import options
from affectmap.cli.progress import note, progress_bar
from affectmap.experiment.config import ExperimentConfig, given_settings, make_config
from affectmap.model.settings import PAPER, PRESETS
from affectmap.preparation.config import CorpusSettings
from affectmap.settings import differing, fields_of
from affectmap.transfer.settings import TEACHER, recipe_for

if TYPE_CHECKING:
    from affectmap.model.embedder import Embedder

_Recipe = Annotated[Literal["transfer", "paper"], typer.Option(help="For unseen corpora, or the paper's method.")]
_Method = Annotated[
    Literal["unsupervised", "activation", "valence", "joint"],
    typer.Option(help="Labels that the losses follow; others than joint need --recipe paper."),
]
SETTINGS = (
    *fields_of(CorpusSettings), "outlier_threshold", "preset", "weight", "noise_std", "latent_dim", "epochs",
    "batch_size", "learning_rate", "seed", "device", "n_jobs",
)  # fmt: skip


@options.verb(
    "affectmap train --source emodb=DIR --labels DIR -o model",
    "affectmap train --source emodb=DIR --labels DIR --recipe paper --epochs 20",
    settings=ExperimentConfig,
    names=[name for name in SETTINGS if name != "target"],
    defaults={**PRESETS, "recipe transfer": differing(TEACHER, PAPER)},
)
def train_command(
    given: dict[str, Any],
    output: options.Output = Path("embedder"),
    overwrite: options.Overwrite = False,
    config: options.ConfigFile = None,
    recipe: _Recipe = "transfer",
    method: _Method = "joint",
    backend: options.Backend = "local",
    scheduler: options.Scheduler = None,
    cache: options.Cache = None,
) -> None:
    """Train one model on all utterances of the sources.

    It is trained for unseen corpora, unless --recipe paper is given: sources may be several, and some may have classes
    of emotion and no ratings.
    """
    options.require_training("train")
    from affectmap.experiment.experiment import Experiment
    from affectmap.files import check_new_folder
    from affectmap.parallel.cluster import work_on

    # A saved model has one mean and standard deviation, those of its source, whatever targets get.
    chosen_settings = given_settings(config, **given, methods=[method], policy="source")
    settings = make_config(config, **given, methods=[method], policy="source")
    chosen = recipe_for(chosen_settings) if recipe == "transfer" else None
    check_new_folder(output, overwrite=overwrite)
    experiment = Experiment(settings, cache=cache, notify=note, progress=progress_bar)
    with work_on(backend, scheduler):
        embedder = experiment.fit_embedder() if chosen is None else experiment.fit_recipe(chosen)
    embedder.save(output, overwrite=overwrite)
    _tell(embedder, len(settings.source))
    typer.echo(output.resolve())


def _tell(embedder: Embedder, n_sources: int) -> None:
    last = embedder.curves_.iloc[-1]
    lines = [f"loss after {len(embedder.curves_)} epochs: {last['total']:.3f}"]
    adapt = "note: its mean and standard deviation are those of all sources together; adapt it before use"
    if embedder.recipe_:
        lines.append(adapt)
    elif n_sources > 1:
        lines.insert(0, adapt)
    for line in lines:
        note(line)


command = options.build(train_command, "train")
