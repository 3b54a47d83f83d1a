"""``affectmap explore``: a page on which every utterance is a point that can be heard."""

from __future__ import annotations

import webbrowser
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from affectmap.cli import options
from affectmap.cli.progress import note, progress_bar
from affectmap.errors import UsageError
from affectmap.extras import require

if TYPE_CHECKING:
    from affectmap.cli.embed import Columns
    from affectmap.explorer.points import Points
    from affectmap.explorer.sound import Excerpt

_Sources = Annotated[
    list[str],
    typer.Argument(
        metavar="RESULTS|TABLE|CORPUS",
        help="Folder that reproduce or score left, table of embed or your own, or corpora as NAME=DIR.",
    ),
]
_Page = Annotated[
    Path | None,
    typer.Option(
        "-o", "--output", metavar="FILE", help="Page to write, one file with the sound in it.",
        show_default="none: the page is served",
    ),
]  # fmt: skip
_Atlas = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="Parquet to write for embedding-atlas, which shows millions of points."),
]
_Sound = Annotated[
    bool, typer.Option("--sound/--no-sound", help="Put excerpts of the recordings into what is written.")
]
_Port = Annotated[int, typer.Option(min=0, max=65535, help="Port of this machine to serve on; 0 takes a free one.")]
_Root = Annotated[
    Path | None,
    typer.Option(metavar="DIR", help="Folder to look for recordings in that are not where the results say."),
]
PAGE = "explore.html"
#: Of verbs that leave a folder, in which the page has this name.
Explore = Annotated[
    bool, typer.Option("--explore", help="Write explore.html, too: every utterance a point that can be heard.")
]
#: Of verbs that leave a table.
ExplorePage = Annotated[
    Path | None,
    typer.Option("--explore", metavar="FILE", help="Page to write, too: every recording a point that can be heard."),
]
_Labels = Annotated[Path | None, typer.Option(metavar="DIR", help="Folder of the label sheets of corpora.")]
_Title = Annotated[str, typer.Option(help="Heading of the page.", show_default="the corpora")]
_Browser = Annotated[bool, typer.Option("--browser/--no-browser", help="Open the page that is served.")]


@options.verb(
    "affectmap explore results -o map.html",
    "affectmap explore emodb=DIR urdu=DIR --labels DIR -o map.html",
)
def explore_command(
    source: _Sources,
    output: _Page = None,
    atlas: _Atlas = None,
    sound: _Sound = True,
    overwrite: options.Overwrite = False,
    port: _Port = 8010,
    browser: _Browser = True,
    root: _Root = None,
    labels: _Labels = None,
    title: _Title = "",
    model: options.ModelFolder = None,
    cache: options.Cache = None,
    no_cache: options.NoCache = False,
    n_jobs: options.NJobs = None,
) -> None:
    """Show every utterance as a point of activation and valence that can be heard.

    Several sources become maps of the same points: methods, models, before and after adapting. Corpora are put on the
    map by a model (--model), as it is and adapted to each of them.

    With -o the page is one file that opens offline, with excerpts of the recordings in it, for up to 5,000 utterances.
    Without, it is served to this machine alone, and sound comes from the recordings.
    """
    for file, kind in ((output, ".html"), (atlas, "parquet")):
        options.check_file(file, kind, overwrite=overwrite, inputs=[*map(_path, source), labels, model])
    if output is None and atlas is None:
        require("explore without -o", "serve", "fastapi", "uvicorn")
    points = _points(source, root, labels, title, model, cache, no_cache, n_jobs)
    for line in points.notes:
        note(f"note: {line}")
    if output is None and atlas is None:
        _serve(points, port, browser)
        return
    _write(points, output, atlas, sound=sound, overwrite=overwrite, n_jobs=n_jobs)


def _path(source: str) -> Path:
    return Path(source if Path(source).exists() else source.partition("=")[2] or source)


def _points(
    source: list[str],
    root: Path | None,
    labels: Path | None,
    title: str,
    model: Path | None,
    cache: Path | None,
    no_cache: bool,
    n_jobs: int | None,
) -> Points:
    from affectmap.explorer.sources import is_table_or_results, located, read_points

    of_files = [is_table_or_results(each) for each in source]
    if all(of_files):
        if labels is not None or model is not None:
            raise UsageError("--labels and --model are for corpora; results and tables have their own")
        return read_points(source, root=root, title=title)
    if any(of_files):
        file = source[of_files.index(True)]
        raise UsageError(f"{file} is no corpus as NAME=DIR, and the others are; give corpora alone, or results alone")
    from affectmap.explorer.predicted import predicted_points
    from affectmap.model.model import load_model

    ready = load_model(model)
    with (
        options.recording_cache(cache, no_cache) as known,
        progress_bar("recordings") as progress,
    ):
        found = predicted_points(ready, source, labels, title=title, cache=known, n_jobs=n_jobs, progress=progress)
    return located(found, root)


def write_explorer(points: Points, output: Path, *, overwrite: bool = False, n_jobs: int | None = None) -> None:
    """Write a page with its sound, or points alone where they are too many for one file."""
    from affectmap.explorer.page import MOST_WITH_SOUND, write_page

    if len(points.utterances) > MOST_WITH_SOUND:
        note(f"note: {output.name} has points without sound: more than {MOST_WITH_SOUND:,} are too many for one file")
        write_page(points, None, output, overwrite=overwrite)
    else:
        write_page(points, excerpts_of(points, n_jobs), output, overwrite=overwrite)


def _write(
    points: Points, output: Path | None, atlas: Path | None, *, sound: bool, overwrite: bool, n_jobs: int | None
) -> None:
    from affectmap.explorer.atlas import write_atlas
    from affectmap.explorer.page import check_size, write_page

    if output is not None and sound:
        check_size(points)
    excerpts = excerpts_of(points, n_jobs) if sound else None
    if output is not None:
        write_page(points, excerpts, output, overwrite=overwrite)
        options.tell_where(output)
    if atlas is not None:
        note(f"to see it: {write_atlas(points, excerpts, atlas, overwrite=overwrite)}")
        options.tell_where(atlas)


def explored(tables: Iterator[Columns], page: Path | None, *, overwrite: bool, n_jobs: int | None) -> Iterator[Columns]:
    """Give tables of embedded recordings one after another, and write their page at the end, where one is wanted."""
    kept = []
    for each in tables:
        kept += [] if page is None else [each]
        yield each
    if page is not None:
        import pandas as pd

        from affectmap.explorer.sources import embedded_points

        points = embedded_points(pd.concat(map(pd.DataFrame, kept), ignore_index=True))
        write_explorer(points, page, overwrite=overwrite, n_jobs=n_jobs)
        note(f"written: {page.resolve()}")


def excerpts_of(points: Points, n_jobs: int | None) -> list[Excerpt]:
    """Cut excerpts of all utterances, and note how many have none."""
    from affectmap.explorer.sound import places_of, take_excerpts

    with progress_bar("excerpts") as progress:
        excerpts = take_excerpts(places_of(points.utterances), n_jobs=n_jobs, progress=progress)
    silent = [each.problem for each in excerpts if not each.sound]
    if silent:
        note(f"note: {len(silent)} of {len(excerpts)} points have no sound, first: {silent[0]}")
    return excerpts


def _serve(points: Points, port: int, browser: bool) -> None:
    from affectmap.explorer.server import serve

    try:  # with -q, too: the address is needed
        serve(points, port, lambda line: typer.echo(line, err=True), webbrowser.open if browser else None)
    except KeyboardInterrupt:  # the way to end it
        note("ended")
