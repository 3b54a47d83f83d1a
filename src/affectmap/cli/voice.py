"""``affectmap voice``: recordings named on the command line, measured for people to read."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from affectmap.cli import options
from affectmap.cli.embed import CHUNK, Sources, list_recordings, measured_rows, print_rows, write_rows
from affectmap.errors import AudioError

if TYPE_CHECKING:
    from affectmap.audio.quality import SignalFlags
    from affectmap.cli.embed import Columns

_TableFormat = Annotated[
    Literal["csv", "json", "parquet"] | None,
    typer.Option("--format", help="csv; json: a line each.", show_default="csv"),
]


@options.verb("affectmap voice visit.wav", "affectmap voice visits/ -o voices.csv")
def voice_command(
    source: Sources,
    output: options.TableFile = None,
    format: _TableFormat = None,
    overwrite: options.Overwrite = False,
    channel: options.Channel = None,
    n_jobs: options.NJobs = None,
) -> None:
    """Measure voices: pitch, harmonics to noise, cepstral peak, speaking rate, pauses, one row a recording.

    docs/voice.md has what each column is, and its unit. A cell is empty where nothing can be measured; the column
    problem says why of a whole recording. No model takes part. A file may last ten minutes.
    """
    chosen = options.table_format(format, output)
    recordings = list_recordings(source)
    options.check_file(output, chosen, overwrite=overwrite, inputs=recordings)
    tables = measured_rows(recordings, source, partial(_voices, channel=channel, n_jobs=n_jobs), CHUNK)
    n_failed = print_rows(tables, chosen) if output is None else write_rows(tables, chosen, output, overwrite=overwrite)
    if n_failed == len(recordings):
        raise AudioError(f"none of {n_failed} recordings could be used; the column problem says why")


def _voices(files: list[str], **measuring: Any) -> tuple[Columns, list[SignalFlags]]:  # noqa: ANN401 (options of measure_voices)
    import numpy as np

    from affectmap.egemaps import VOICE_NAMES
    from affectmap.features.voices import measure_voices

    values, flags = measure_voices(files, **measuring)
    texts = {name: np.array([getattr(each, name) for each in flags], dtype=object) for name in ("note", "problem")}
    return {**dict(zip(VOICE_NAMES, values.T, strict=True)), **texts}, flags
