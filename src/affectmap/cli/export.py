"""``affectmap export``: a trained embedder as a model that runs without PyTorch."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from affectmap.cli import options
from affectmap.extras import require
from affectmap.schema import UsageError

_Embedder = Annotated[Path, typer.Argument(metavar="EMBEDDER", help="Folder that affectmap train or reproduce wrote.")]
_Name = Annotated[str | None, typer.Option(help="Name of the model (that of the folder).")]
_Hub = Annotated[bool, typer.Option("--hub", help="Add README.md and config.json, as the Hugging Face Hub has them.")]
_Card = Annotated[Path | None, typer.Option(metavar="FILE", help="Text about the model, Markdown.")]


def export_command(
    embedder: _Embedder,
    output: options.Output = Path("model"),
    overwrite: options.Overwrite = False,
    name: _Name = None,
    card: _Card = None,
    hub: _Hub = False,
) -> None:
    """Export an embedder as a folder with an ONNX graph, and see that it gives the same there.

    It has no heads: it gives an embedding and flags. In Python, affectmap.export.export_model takes heads.
    """
    require("export", "train", "torch", "onnx", "sklearn", "scipy")
    from affectmap.embedder import Embedder
    from affectmap.export import export_model
    from affectmap.storage import check_new_folder

    check_new_folder(output, overwrite=overwrite)
    text = _read_card(card) if card else ""
    loaded = Embedder.load(embedder)
    export_model(loaded, output, name=name or output.resolve().name, card=text, hub=hub, overwrite=overwrite)
    typer.echo(output.resolve())


def _read_card(card: Path) -> str:
    try:
        return card.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{card} cannot be read ({error}); name a text file for --card") from error
