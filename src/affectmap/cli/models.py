"""``affectmap train`` and ``affectmap export``: models from corpora, and other formats of them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from affectmap.cli import options
from affectmap.cli.progress import note, progress_bar
from affectmap.errors import UsageError
from affectmap.experiment.config import ExperimentConfig, given_settings, make_config
from affectmap.extras import require
from affectmap.model.settings import PAPER, PRESETS
from affectmap.preparation.config import CorpusSettings
from affectmap.settings import differing, fields_of
from affectmap.transfer.settings import TEACHER, recipe_for

if TYPE_CHECKING:
    from affectmap.model.model import Model
    from affectmap.schema import Floats

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
    from affectmap.parallel.cluster import work_on

    # A saved model has one mean and standard deviation, those of its source, whatever targets get.
    chosen_settings = given_settings(config, **given, methods=[method], policy="source")
    settings = make_config(config, **given, methods=[method], policy="source")
    chosen = recipe_for(chosen_settings) if recipe == "transfer" else None
    options.check_folder(output, overwrite=overwrite, inputs=options.inputs_of(settings, config, cache))
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


_Model = Annotated[Path, typer.Argument(metavar="MODEL", help="Folder of a model.")]
_Onnx = Annotated[bool, typer.Option("--onnx", help="Write an ONNX graph; -o may name the file, such as model.onnx.")]
_Name = Annotated[str | None, typer.Option(help="Name of the model.", show_default="its own")]
_Hub = Annotated[bool, typer.Option("--hub", help="Add README.md and config.json, as the Hugging Face Hub has them.")]
_Examples = Annotated[
    Path | None,
    typer.Option(metavar="TABLE", help="CSV or parquet with features of real recordings to compare the graph on."),
]
_Card = Annotated[
    Path | None, typer.Option(metavar="FILE", help="Text about the model, Markdown.", show_default="its own")
]


@options.verb("affectmap export model --onnx -o model.onnx", "affectmap export model --hub -o repository")
def export_command(
    model: _Model,
    output: options.Output = Path("exported"),
    overwrite: options.Overwrite = False,
    onnx: _Onnx = False,
    hub: _Hub = False,
    name: _Name = None,
    card: _Card = None,
    examples: _Examples = None,
) -> None:
    """Export a model as an ONNX graph, compared with the model, or as a repository for the Hugging Face Hub."""
    from affectmap.files import is_stream, new_file
    from affectmap.model.model import load_model

    if not onnx and not hub:
        raise UsageError("export needs a format: add --onnx for a graph, --hub for a repository, or both")
    if examples and not onnx:
        raise UsageError("--examples are compared with a graph; add --onnx")
    is_file = onnx and (output.suffix.lower() == ".onnx" or is_stream(output))
    if hub and output.suffix.lower() == ".onnx":
        raise UsageError(f"{output} is one file; name a folder for --hub")
    if onnx:
        require("export --onnx", "onnx", "onnx")
    if is_file:
        options.check_file(output, ".onnx", overwrite=overwrite, inputs=[model, card, examples])
    else:
        options.check_folder(output, overwrite=overwrite, inputs=[model, card, examples])
    text = options.read_text(card, "--card", "a text file for --card") if card else None
    exported = load_model(model).described(name=name, card=text)
    graph = _checked_graph(exported, examples) if onnx else None
    if is_file and graph is not None:
        with new_file(output, overwrite=overwrite) as temporary:
            temporary.write_bytes(graph)
    else:
        exported.save(output, overwrite=overwrite, hub=hub, more={} if graph is None else {"model.onnx": graph})
    options.tell_where(output)


def _checked_graph(model: Model, examples: Path | None) -> bytes:
    from affectmap.model.onnx import check_parity, onnx_graph

    graph = onnx_graph(model)
    parity = check_parity(model, graph, _read_examples(examples, model.inputs) if examples else None)
    on = f"{parity['n_random']} random rows and {parity['n_examples']} examples"
    note(f"differs from the model by at most {parity['largest_difference']:.1e}, on {on}")
    return graph


def _read_examples(table: Path, inputs: list[str]) -> Floats:
    """Give the rows that have all features; the others are counted on stderr."""
    import numpy as np

    from affectmap.corpora.feature_columns import read_inputs

    values: Floats = read_inputs(table, inputs).to_numpy(np.float64)
    usable = np.isfinite(values).all(axis=1)
    if not usable.any():
        raise UsageError(f"{table}: none of its {len(values)} rows has a number for each of {len(inputs)} features")
    if not usable.all():
        note(f"note: {int((~usable).sum())} of {len(values)} examples lack a feature")
    return values[usable]
