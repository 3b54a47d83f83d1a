"""``affectmap export``: a trained embedder as a model that runs without PyTorch."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from affectmap.cli import options
from affectmap.errors import UsageError
from affectmap.extras import require
from affectmap.schema import FUNCTIONALS

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_Embedder = Annotated[Path, typer.Argument(metavar="EMBEDDER", help="Folder that affectmap train or reproduce wrote.")]
_Name = Annotated[str | None, typer.Option(help="Name of the model (that of the folder).")]
_Hub = Annotated[bool, typer.Option("--hub", help="Add README.md and config.json, as the Hugging Face Hub has them.")]
_Examples = Annotated[
    Path | None,
    typer.Option(metavar="TABLE", help="CSV or parquet with the 88 functionals of real recordings to compare on."),
]
_Card = Annotated[Path | None, typer.Option(metavar="FILE", help="Text about the model, Markdown.")]


def export_command(
    embedder: _Embedder,
    output: options.Output = Path("model"),
    overwrite: options.Overwrite = False,
    name: _Name = None,
    card: _Card = None,
    examples: _Examples = None,
    hub: _Hub = False,
) -> None:
    """Export an embedder as a folder with an ONNX graph, and see that it gives the same there.

    It has no heads: it gives an embedding and flags. In Python, affectmap.model.onnx.export_model takes heads.
    """
    require("export", "train", "torch", "onnx", "sklearn", "scipy")
    from affectmap.files import check_new_folder
    from affectmap.model.embedder import Embedder
    from affectmap.model.onnx import export_model

    check_new_folder(output, overwrite=overwrite)
    text = _read_card(card) if card else ""
    rows = _read_examples(examples) if examples else None
    model = export_model(
        Embedder.load(embedder),
        output,
        name=name or output.resolve().name,
        card=text,
        examples=rows,
        hub=hub,
        overwrite=overwrite,
    )
    parity = model.metadata["parity"]
    on = f"{parity['n_random']} random rows and {parity['n_examples']} examples"
    typer.echo(f"differs from PyTorch by at most {parity['largest_difference']:.1e}, on {on}", err=True)
    typer.echo(output.resolve())


def _read_card(card: Path) -> str:
    try:
        return card.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{card} cannot be read ({error}); name a text file for --card") from error


def _read_examples(table: Path) -> NDArray[np.float64]:
    """Give the rows that have all functionals; the others are counted on stderr."""
    import numpy as np
    import pandas as pd

    expected = "expected CSV or parquet with the 88 functionals as columns"
    try:
        found = pd.read_parquet(table) if table.suffix.lower() == ".parquet" else pd.read_csv(table)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error).splitlines()[0]
        raise UsageError(f"{table} cannot be read ({reason}); {expected}") from error
    missing = [name for name in FUNCTIONALS if name not in found.columns]
    if missing:
        raise UsageError(f"{table}: {len(missing)} of the 88 functionals are missing, first {missing[0]}; {expected}")
    values = found[list(FUNCTIONALS)].apply(pd.to_numeric, errors="coerce").to_numpy(np.float64)
    usable = (np.abs(values) < np.finfo(np.float32).max).all(axis=1)
    if not usable.any():
        raise UsageError(f"{table}: none of its {len(values)} rows has a number for each functional; {expected}")
    if not usable.all():
        typer.echo(f"note: {int((~usable).sum())} of {len(values)} examples lack a functional", err=True)
    return np.asarray(values[usable], np.float64)
