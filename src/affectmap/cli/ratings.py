"""``affectmap agreement`` and ``affectmap ratings``: how far raters agree, and ratings from and for other programs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from affectmap.cli import options
from affectmap.cli.progress import note
from affectmap.errors import UsageError
from affectmap.extras import require
from affectmap.text import counted, table_text

_Ratings = Annotated[
    list[str],
    typer.Argument(
        metavar="RATINGS|FOLDER",
        help="Raw ratings: the annotator's ratings.sqlite3 or postgresql://URL (also while it runs), CSV, folders of "
        "them, or several.",
    ),
]
_Audio = Annotated[
    Path | None, typer.Option(metavar="DIR", help="Folder of audio, which the names of files start from.")
]


@options.verb(
    "affectmap ratings import EMO_DB.csv --rater expert -o expert.csv",
    "affectmap ratings import EMO_DB.csv --rater expert --audio emodb -o expert.csv",
)
def import_command(
    sheets: Annotated[list[Path], typer.Argument(metavar="SHEET", help="Label sheets, such as EMO_DB.csv.")],
    rater: Annotated[str, typer.Option(metavar="NAME", help="Name to give to the rater of the sheets.")],
    output: Annotated[Path, typer.Option("-o", "--output", metavar="FILE", help="CSV of raw ratings to be written.")],
    audio: _Audio = None,
    overwrite: options.Overwrite = False,
) -> None:
    """Import label sheets as the ratings of one rater.

    Others can be compared with that rater then.
    With --audio, names become paths below that folder, as the ratings of people who rated it have them.
    """
    from affectmap.agreement import import_sheets, write_ratings

    options.check_file(output, overwrite=overwrite, inputs=[*sheets, audio])
    raw, lacking = import_sheets(sheets, rater, audio, note)
    for sheet, names in lacking.items():
        if names:
            more = f" and {len(names) - 3} more" if len(names) > 3 else ""
            note(f"note: {sheet}: left out, without a recording: {', '.join(names[:3])}{more}")
    write_ratings(raw, output, overwrite=overwrite)
    note(f"{counted(len(raw), 'rating')} of {rater.strip()}")
    options.tell_where(output)


@options.verb(
    "affectmap ratings export speech-labels -o EMO_DB.csv",
    "affectmap ratings export speech-labels --format audformat -o database",
)
def export_command(
    ratings: _Ratings,
    output: Annotated[
        Path, typer.Option("-o", "--output", metavar="FILE|DIR", help="File to be written; a folder for audformat.")
    ],
    format: Annotated[
        Literal["sheet", "audformat", "csv"],
        typer.Option("--format", help="sheet: what reproduce --labels reads; audformat: a column a rater; csv: raw."),
    ] = "sheet",
    estimator: Annotated[
        Literal["ewe", "mean", "median"], typer.Option(help="How several ratings become one; ewe weighs the raters.")
    ] = "ewe",
    audio: _Audio = None,
    speakers: Annotated[
        Path | None,
        typer.Option(
            metavar="CSV", help="Columns file, speaker.", show_default="as a supported corpus's names of files say"
        ),
    ] = None,
    overwrite: options.Overwrite = False,
) -> None:
    """Export a label sheet, an audformat database, or one CSV.

    A sheet has the gold standard, a database all ratings and the gold standard, a CSV the raw ratings; all have the
    speaker where it is known.
    A sheet is read by reproduce --labels where it is named as the corpus's own, such as EMO_DB.csv, or NAME.csv.
    """
    from affectmap.agreement import add_speakers, export_database, export_sheet, last_revisions, read_raw, write_ratings

    if audio is not None and format != "audformat":
        raise UsageError(f"--audio is for audformat, whose tables then have absolute paths; a {format} has none")
    if format == "audformat":
        options.check_folder(output, overwrite=overwrite, inputs=[*ratings, audio, speakers])
    else:
        options.check_file(output, overwrite=overwrite, inputs=[*ratings, speakers])
    raw = read_raw(ratings, note)
    if speakers is not None or format != "sheet":  # which is joined to recordings whose names say it as well
        raw = add_speakers(raw, speakers, audio, lambda line: note(f"note: {line}"))
    if format == "csv":
        write_ratings(raw, output, overwrite=overwrite)
    elif format == "sheet":
        export_sheet(last_revisions(raw), output, estimator, overwrite=overwrite)
    else:
        export_database(last_revisions(raw), output, estimator, audio=audio, overwrite=overwrite)
    options.tell_where(output)


#: Rows of a table that are printed; the files have all.
N_SHOWN = 30

_Output = Annotated[
    Path | None, typer.Option("-o", "--output", metavar="DIR", help="Folder to make: page, CSV and pictures.")
]


@options.verb("affectmap agreement speech-labels", "affectmap agreement anna.csv bo.csv -o agreement")
def agreement_command(
    ratings: _Ratings,
    output: _Output = None,
    overwrite: options.Overwrite = False,
) -> None:
    """Measure how far raters agree with each other and with themselves, and make a gold standard.

    Tables are printed; warnings in plain words go to stderr. A folder named with -o gets agreement.html, agreement.csv,
    gold_standard.csv (mean, median and evaluator-weighted estimate), tables.tex and the pictures.
    """
    require("agreement", "statistics", "scipy")
    if output is not None:
        require("the page of agreement", "agreement", "jinja2", "matplotlib")
    from affectmap.agreement import agreement_table, read_ratings, warnings_of
    from affectmap.agreement.table import text_tables

    if output is not None:
        options.check_folder(output, overwrite=overwrite, inputs=ratings)
    read = read_ratings(ratings, note)
    table = agreement_table(read)
    warnings = warnings_of(read)
    for warning in warnings:
        note(f"warning: {warning}")
    for one in text_tables(read, table):
        typer.echo(f"{table_text(one, N_SHOWN)}\n")
    if output is not None:
        from affectmap.report.agreement import write_agreement

        write_agreement(read, table, warnings, output, overwrite=overwrite)
        typer.echo(output.resolve() / "agreement.html")


_Recordings = Annotated[list[str], typer.Argument(metavar="FILE|FOLDER", help="Recordings, or folders of them.")]


@options.verb(
    "affectmap ratings suggest speech/ --n 20 -o rated.csv",
    "affectmap adapt speech/ --ratings rated.csv -o adapted",
)
def suggest_command(
    source: _Recordings,
    n: Annotated[int, typer.Option("-n", "--n", min=1, metavar="N", help="How many to choose.")] = 20,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", metavar="FILE", help="CSV to be written.", show_default="stdout")
    ] = None,
    model: options.ModelFolder = None,
    overwrite: options.Overwrite = False,
    cache: options.Cache = None,
    no_cache: options.NoCache = False,
    n_jobs: options.NJobs = None,
) -> None:
    """Suggest recordings to have rated first: a sheet to fill in, for adapt --ratings.

    They are spread over the model's map as all recordings are. Rows that stay empty do no harm.
    """
    from affectmap.cli.embed import list_recordings
    from affectmap.cli.rate_first import to_rate_first
    from affectmap.files import new_file
    from affectmap.tables import csv_text

    options.check_file(output, overwrite=overwrite, inputs=[*source, model])
    with options.recording_cache(cache, no_cache) as known:
        chosen = to_rate_first(list_recordings(source), n, model, known, n_jobs)
    empty = [""] * len(chosen)
    text = csv_text({"file": chosen, "activation": empty, "valence": empty, "emotion": empty})
    if output is None:
        typer.echo(text, nl=False)
        return
    with new_file(output, overwrite=overwrite) as temporary:
        temporary.write_text(text, encoding="utf-8")
    options.tell_where(output)


ratings_command = options.group(
    "ratings",
    "Convert raw ratings: label sheets in; sheets, audformat and CSV out. Suggest what to rate.",
    {"import": import_command, "export": export_command, "suggest": suggest_command},
)
