"""``affectmap agreement``: how far raters agree, and what they say together."""

from __future__ import annotations

import textwrap
from pathlib import Path
from typing import Annotated

import typer

from affectmap.cli import options
from affectmap.cli.progress import note
from affectmap.extras import require
from affectmap.text import TextTable, aligned

#: Rows of a table that are printed; the files have all.
N_SHOWN = 30

Ratings = Annotated[
    list[Path], typer.Argument(metavar="RATINGS|FOLDER", help="CSV of raw ratings, folders of them, or several.")
]
_Output = Annotated[
    Path | None, typer.Option("-o", "--output", metavar="DIR", help="Folder to make: page, CSV and pictures.")
]
_Resamples = Annotated[int, typer.Option("--resamples", min=1, help="Resamples of items for the intervals.")]
_Seed = Annotated[int, typer.Option(help="Seed of the resamples.")]


@options.verb("affectmap agreement speech-labels", "affectmap agreement anna.csv bo.csv -o agreement")
def agreement_command(
    ratings: Ratings,
    output: _Output = None,
    overwrite: options.Overwrite = False,
    resamples: _Resamples = 1000,
    seed: _Seed = 0,
) -> None:
    """Measure how far raters agree with each other and with themselves, and make a gold standard.

    Tables are printed; warnings in plain words go to stderr. A folder named with -o gets agreement.html, agreement.csv,
    gold_standard.csv (mean, median and evaluator-weighted estimate) and the pictures.
    """
    require("agreement", "statistics", "scipy")
    if output is not None:
        require("the page of agreement", "agreement", "jinja2", "matplotlib")
    from affectmap.agreement import agreement_table, read_ratings, warnings_of
    from affectmap.agreement.table import text_tables
    from affectmap.files import check_new_folder

    if output is not None:
        check_new_folder(output, overwrite=overwrite)
    read = read_ratings(ratings)
    table = agreement_table(read, resamples, seed)
    warnings = warnings_of(read)
    for warning in warnings:
        note(f"warning: {warning}")
    for one in text_tables(read, table):
        typer.echo(f"{format_table(one)}\n")
    if output is not None:
        from affectmap.report.agreement import write_agreement

        write_agreement(read, table, warnings, output, overwrite=overwrite)
        typer.echo(output.resolve() / "agreement.html")


def format_table(table: TextTable) -> str:
    """Write a table and its legend as lines, without a newline at the end."""
    lines = [table.title, aligned([table.header, *table.rows[:N_SHOWN]], table.n_text)]
    if len(table.rows) > N_SHOWN:
        lines.append(f"and {len(table.rows) - N_SHOWN} more; -o DIR writes all of them")
    return "\n".join([*lines, *textwrap.wrap(table.legend, 100, initial_indent="  ", subsequent_indent="  ")])


command = options.build(agreement_command, "agreement")
