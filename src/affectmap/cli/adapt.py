"""``affectmap adapt``: give a model the statistics of other recordings."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from affectmap.cli import options
from affectmap.cli.progress import note, progress_bar
from affectmap.cli.recordings import STDIN, find_recordings
from affectmap.errors import AudioError, UsageError

_Sources = Annotated[
    list[str], typer.Argument(metavar="FOLDER", help="Recordings of the place, language or person; no labels needed.")
]


@options.verb("affectmap adapt speech/ -o adapted", "affectmap embed --model adapted speech/ > map.csv")
def adapt_command(
    source: _Sources,
    output: options.Output = Path("adapted"),
    overwrite: options.Overwrite = False,
    model: options.ModelFolder = None,
    n_jobs: options.NJobs = None,
) -> None:
    """Adapt a model to unlabelled recordings and save it, for embed --model.

    Take thirty recordings or more, of many emotions and, where people shall be compared, of many people.
    """
    from affectmap.audio.reading import printable
    from affectmap.files import check_new_folder
    from affectmap.model.model import load_model

    if STDIN in source:
        raise UsageError("adapt takes files and folders, many of them; a recording on the input is one")
    check_new_folder(output, overwrite=overwrite)
    loaded, recordings = load_model(model), find_recordings(source)
    with progress_bar("recordings") as progress:
        functionals, heard = loaded.measure(recordings, n_jobs=n_jobs, progress=progress)
    no_speech = loaded.transform(functionals)["not_speech"]
    reasons = [
        told.problem or ("silent" if told.silent else "no speech" if is_none else None)
        for told, is_none in zip(heard, no_speech, strict=True)
    ]
    for file, reason in zip(recordings, reasons, strict=True):
        if reason:
            note(f"note: left out {printable(file)}: {reason}")
    used = functionals[[reason is None for reason in reasons]]
    if used.empty:
        raise AudioError(f"none of {len(recordings)} recordings could be used; name others")
    adapted = loaded.adapt(used)
    adapted.save(output, overwrite=overwrite)
    standardisation = adapted.metadata["standardisation"]
    n_used, n_outliers = standardisation["n_utterances"], standardisation["n_left_out"]
    note(f"adapted to {n_used} recordings; {n_outliers} outliers left out")
    typer.echo(output.resolve())


command = options.build(adapt_command, "adapt")
