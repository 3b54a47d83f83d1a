"""``affectmap models``: the models that come with the package, and the encoders that they listen through."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from affectmap.cli import options
from affectmap.cli.progress import note, progress_bar
from affectmap.errors import UsageError
from affectmap.features.encoders.cards import ENCODERS, EncoderCard
from affectmap.features.encoders.locate import WHISPER, encoders_folder, find_encoder

_Name = Annotated[str, typer.Argument(metavar="NAME", help="Encoder, such as whisper-base.")]
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


@options.verb("affectmap models fetch whisper-base", "affectmap models fetch whisper-base --revision main -o DIR")
def fetch_command(
    name: _Name = WHISPER,
    output: _Place = None,
    revision: _Revision = "main",
    overwrite: options.Overwrite = False,
) -> None:
    """Fetch an encoder from the Hugging Face hub, the layers that models need.

    What came before a network failed or the process ended is kept, and the next run goes on from there. HF_ENDPOINT
    names a mirror of the hub.
    """
    from affectmap.features.encoders.fetch import fetch_encoder

    card, folder = _card(name), output or encoders_folder() / name
    options.check_folder(folder, overwrite=True)
    with progress_bar(f"{name}, in kB") as progress:

        def report(done: int, total: int) -> None:
            progress(done // 1000, total // 1000)

        is_new = fetch_encoder(card, folder, revision=revision, overwrite=overwrite, progress=report)
    if not is_new:
        note("note: it is here already; --overwrite fetches it again")
    typer.echo(folder.resolve())


@options.verb("affectmap models pack -o whisper-base", "affectmap models pack openai-whisper-base/ -o whisper-base")
def pack_command(
    source: _Source = None,
    output: options.Output = Path(WHISPER),
    name: Annotated[str, typer.Option(metavar="NAME", help="Encoder.")] = WHISPER,
    overwrite: options.Overwrite = False,
) -> None:
    """Write the layers of an encoder that models need to a folder, to be taken where there is no network.

    It has the same bytes each time, from whatever it is made.
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
    {"fetch": fetch_command, "pack": pack_command},
)
