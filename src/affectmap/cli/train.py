"""``affectmap train``: from corpora to a model."""

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
    from affectmap.model.model import Model

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
    output: options.Output = Path("model"),
    overwrite: options.Overwrite = False,
    config: options.ConfigFile = None,
    recipe: _Recipe = "transfer",
    method: _Method = "joint",
    backend: options.Backend = "local",
    scheduler: options.Scheduler = None,
    cache: options.Cache = None,
) -> None:
    """Train a model on all utterances of the sources, for embed, adapt, track and serve.

    It gets heads for the ratings and classes that the sources have, and intervals measured on held-out corpora or
    speakers. Unless --recipe paper is given, it is trained for unseen corpora: some sources may have classes alone.
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
        model = experiment.fit_model(chosen, output.resolve().name)
    model.save(output, overwrite=overwrite)
    _summarise(model, len(settings.source))
    typer.echo(output.resolve())


def _summarise(model: Model, n_sources: int) -> None:
    curves, intervals = model.curves, model.metadata.get("intervals")
    lines = [f"loss after {len(curves)} epochs: {curves['total'].iloc[-1]:.3f}"]
    widths = {label: f" ±{intervals['source'][label]:.2f}" if intervals else "" for label in model.heads.labels}
    heads = [*(f"{label}{width}" for label, width in widths.items()), *model.heads.classes]
    lines.append(f"heads: {', '.join(heads) or 'none'}")
    if n_sources > 1 or "recipe" in model.metadata["training"]:
        lines.append("note: its mean and standard deviation are those of all sources together; adapt it before use")
    for line in lines:
        note(line)


command = options.build(train_command, "train")
