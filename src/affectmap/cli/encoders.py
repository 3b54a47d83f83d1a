"""``affectmap models``: the models that come with the package, and the encoders that they listen through."""

from __future__ import annotations

import json
from collections.abc import Sequence
from importlib import resources
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from affectmap.cli import options
from affectmap.cli.progress import note, progress_bar
from affectmap.errors import ModelError, UsageError
from affectmap.features.encoders.cards import ENCODERS, EncoderCard
from affectmap.features.encoders.locate import WHISPER_BASE, encoders_folder, find_encoder
from affectmap.text import aligned

#: Shipped models, the better ones first, each with the encoder that it needs.
PREFERRED = {"whisper": WHISPER_BASE, "egemaps": None}

_Name = Annotated[str, typer.Argument(metavar="NAME", help="Encoder, as `affectmap models list` names it.")]
_Revision = Annotated[str, typer.Option(metavar="REV", help="Branch, tag or commit on the Hugging Face hub.")]
_Source = Annotated[
    Path | None,
    typer.Argument(metavar="DIR", help="Folder of the whole model or of a pack.", show_default="where encoders are"),
]
_Place = Annotated[
    Path | None,
    typer.Option(
        "-o", "--output", metavar="DIR", help="Folder to make.",
        show_default="AFFECTMAP_ENCODERS/NAME, or the user's cache folder",
    ),
]  # fmt: skip


@options.verb("affectmap models list", "affectmap models list --format json")
def list_command(
    format: Annotated[Literal["text", "json"], typer.Option("--format", help="What to print.")] = "text",
) -> None:
    """List the shipped models and their encoders.

    The encoder that a model needs must be on this machine; recommended is the best model whose encoder is.
    """
    encoders = [_describe_encoder(card) for card in ENCODERS.values()]
    models = _describe_models({row["name"] for row in encoders if row["state"] == "here"})
    if format == "json":
        typer.echo(json.dumps({"models": models, "encoders": encoders}, indent=2, ensure_ascii=False))
        return
    shown = {"model": "name", "inputs": "inputs", "MB": "megabytes", "encoder": "encoder"}
    typer.echo(_table(models, shown | {"state": "state", "licence": "licence"}))
    shown = {"encoder": "name", "layers": "layer", "MB": "megabytes", "state": "state", "folder": "folder"}
    typer.echo(f"\n{_table(encoders, shown | {'licence': 'licence'})}")
    for line in _advise(models, encoders):
        note(line)


def _table(rows: Sequence[dict[str, Any]], shown: dict[str, str]) -> str:
    """Give columns by their headings."""
    cells = [[str(row[name] or "") for name in shown.values()] for row in rows]
    return aligned([list(shown), *cells], len(shown))


def _describe_models(encoders: set[str]) -> list[dict[str, Any]]:
    """Describe the shipped models, given the encoders that are here; the best that can be used is recommended."""
    import yaml

    from affectmap.model.folder import METADATA_FILE, WEIGHTS_FILE
    from affectmap.model.model import SHIPPED_MODELS

    rows: list[dict[str, Any]] = []
    for name, encoder in PREFERRED.items():
        # Not by load_model, which refuses a model beside another encoder than its own.
        folder = resources.files("affectmap").joinpath("models", SHIPPED_MODELS[name])
        metadata = yaml.safe_load(folder.joinpath(METADATA_FILE).read_text(encoding="utf-8"))
        is_usable = encoder is None or encoder in encoders
        is_best = is_usable and not any(row["state"] == "recommended" for row in rows)
        rows.append(
            {
                "name": name,
                "title": metadata["name"],
                "inputs": len(metadata["inputs"]),
                "megabytes": round(len(folder.joinpath(WEIGHTS_FILE).read_bytes()) / 1e6, 2),
                "encoder": encoder,
                "state": "recommended" if is_best else "usable" if is_usable else "needs its encoder",
                "licence": metadata["training"].get("licence"),
            }
        )
    return rows


def _describe_encoder(card: EncoderCard) -> dict[str, Any]:
    from affectmap.features.encoders.pack import read_checked

    names = ("name", "title", "hub", "layer", "megabytes", "licence", "citation")
    row = {**{name: getattr(card, name) for name in names}, "state": "not here", "folder": None, "error": None}
    try:
        folder = find_encoder(card.name)
    except ModelError as error:
        return row | {"error": str(error)}
    try:
        read_checked(folder, card)
    except ModelError as error:
        return row | {"state": "not usable", "folder": str(folder), "error": str(error)}
    return row | {"state": "here", "folder": str(folder)}


def _advise(models: Sequence[dict[str, Any]], encoders: Sequence[dict[str, Any]]) -> list[str]:
    best = next(row["name"] for row in models if row["state"] == "recommended")
    return [
        *(f"note: {row['error']}" for row in encoders if row["error"]),
        f"take the recommended one by --model {best}",
    ]


@options.verb("affectmap models fetch whisper-base", "affectmap models fetch whisper-base --revision main -o DIR")
def fetch_command(
    name: _Name = WHISPER_BASE,
    output: _Place = None,
    revision: _Revision = "main",
    overwrite: options.Overwrite = False,
) -> None:
    """Fetch the needed layers of an encoder.

    They come from the Hugging Face hub, or a mirror named by HF_ENDPOINT, and are checked. What came before a network
    failed or the process ended is kept, and the next run goes on from there.
    """
    from affectmap.features.encoders.fetch import fetch_encoder

    card, folder = _card(name), output or encoders_folder() / name
    if output is None and not overwrite and (here := _usable(card)):
        note("note: it is here already; --overwrite fetches it again")
        typer.echo(here.resolve())
        return
    options.check_folder(folder, overwrite=True)
    with progress_bar(f"{name}, in kB") as progress:

        def report(done: int, total: int) -> None:
            progress(done // 1000, total // 1000)

        is_new = fetch_encoder(card, folder, revision=revision, overwrite=overwrite, progress=report)
    if not is_new:
        note("note: it is here already; --overwrite fetches it again")
    typer.echo(folder.resolve())


def _usable(card: EncoderCard) -> Path | None:
    """Give the folder in which the encoder is, its weights as they shall be, if there is one."""
    row = _describe_encoder(card)
    return Path(row["folder"]) if row["state"] == "here" else None


@options.verb("affectmap models pack -o whisper-base", "affectmap models pack openai-whisper-base/ -o whisper-base")
def pack_command(
    source: _Source = None,
    output: options.Output = Path(WHISPER_BASE),
    name: Annotated[str, typer.Option(metavar="NAME", help="Encoder.")] = WHISPER_BASE,
    overwrite: options.Overwrite = False,
) -> None:
    """Write the needed layers of an encoder to a folder.

    It is for machines without a network: bring it there and name it by --encoder or AFFECTMAP_ENCODERS. It has the same
    bytes each time, from whatever it is made.
    """
    from affectmap.features.encoders.pack import write_pack

    card = _card(name)
    folder = find_encoder(card.name, source)
    options.check_folder(output, overwrite=overwrite, inputs=[folder])
    write_pack(folder, output, card, overwrite=overwrite)
    typer.echo(output.resolve())


def _card(name: str) -> EncoderCard:
    if name not in ENCODERS:
        raise UsageError(f"no encoder is called {name}; expected {' or '.join(ENCODERS)}")
    return ENCODERS[name]


models_command = options.group(
    "models",
    "List the models that come with the package; fetch and pack the encoders that they need.",
    {"list": list_command, "fetch": fetch_command, "pack": pack_command},
    bare=list_command,
)
