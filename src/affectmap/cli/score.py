"""``affectmap score``: how good a ready model is on a labelled corpus."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from affectmap.cli import options
from affectmap.cli.explore import PAGE, Explore, write_explorer
from affectmap.cli.progress import note, progress_bar
from affectmap.errors import UsageError
from affectmap.extras import installed, require
from affectmap.preparation.config import CorpusSettings

if TYPE_CHECKING:
    import pandas as pd

    from affectmap.corpora import Corpus
    from affectmap.evaluation.scoring import Evaluation
    from affectmap.evaluation.use import Raters

#: Points between a corpus' labels and the mean of its raters, on average, from which on they are others.
FAR_OFF = 0.5
_Corpus = Annotated[
    str, typer.Argument(metavar="CORPUS", help="emodb=DIR, table:NAME=FILE, or NAME=DIR (audformat), with labels.")
]
_Adapt = Annotated[
    Literal["corpus", "listen", "speaker"] | None,
    typer.Option(
        help="Take mean and standard deviation from all recordings, learn their classes besides (listen), or from each "
        "speaker; no labels.",
        show_default="none: each recording alone",
    ),
]
_Ratings = Annotated[
    list[str] | None,
    typer.Option(
        metavar="RATINGS|FOLDER",
        help="Raw ratings of two people or more, as agreement takes them: say what the model may be used for here; may "
        "be repeated.",
        show_default=False,
    ),
]
_Output = Annotated[
    Path | None,
    typer.Option("-o", "--output", metavar="DIR", help="Folder to make: page, tables and every utterance."),
]


@options.verb(
    "affectmap score emodb=DIR --labels DIR",
    "affectmap score table:mine=mine.csv --ratings ratings/ --adapt corpus",
    settings=CorpusSettings,
    names=("labels", "excited_as_happy"),
)
def score_command(
    given: dict[str, Any],
    corpus: _Corpus,
    output: _Output = None,
    overwrite: options.Overwrite = False,
    explore: Explore = False,
    format: Annotated[Literal["text", "json"], typer.Option("--format", help="What to print.")] = "text",
    model: options.ModelFolder = None,
    adapt: _Adapt = None,
    ratings: _Ratings = None,
    cache: options.Cache = None,
    no_cache: options.NoCache = False,
    n_jobs: options.NJobs = None,
    backend: options.Backend = "local",
    scheduler: options.Scheduler = None,
) -> None:
    """Score a model on a labelled corpus: what it gets right, for whom, and how sure that is.

    Classes, activation and valence, by speaker and by sex, with intervals over speakers; how far probabilities and
    intervals can be trusted; against chance, the mean rating and models trained on the corpus itself. A corpus that the
    model was trained on is called so.
    """
    from affectmap.corpora import load_corpus, parse_spec
    from affectmap.evaluation.predictions import columns_for
    from affectmap.evaluation.scoring import score
    from affectmap.model.model import load_model

    if explore and output is None:
        raise UsageError("--explore writes a page into a folder; name one with -o")
    inputs = [parse_spec(corpus).path, given.get("labels"), model, *(ratings or ())]
    if output is not None:
        options.check_folder(output, overwrite=overwrite, inputs=inputs)
    ready = load_model(model)
    found = load_corpus(corpus, **given, features=columns_for(ready))
    raters = _raters(ratings, found) if ratings else {}
    with (
        options.working_on(backend, scheduler),
        options.recording_cache(cache, no_cache) as known,
        progress_bar(f"recordings of {found.name}") as progress,
    ):
        result = score(ready, found, adapt=adapt or "alone", cache=known, n_jobs=n_jobs, progress=progress)
    result = replace(result, raters=raters)
    has_page = output is not None and _write(result, output, overwrite=overwrite, explore=explore, n_jobs=n_jobs)
    typer.echo(json.dumps(result.as_dict(), indent=2, ensure_ascii=False) if format == "json" else str(result))
    if output is not None:
        note(f"written: {output.resolve() / ('score.html' if has_page else 'score.json')}")


def _raters(ratings: list[str], corpus: Corpus) -> dict[str, Raters]:
    """Tell how far the raters of a corpus agree, of each label that two or more of them rated."""
    require("--ratings", "statistics", "scipy")
    from affectmap.agreement import agreement_table, read_ratings
    from affectmap.agreement.ratings import rating_matrix
    from affectmap.errors import LabelError
    from affectmap.evaluation.use import Raters
    from affectmap.schema import LABELS

    read = read_ratings(ratings, note)
    names = {Path(file).stem for file in corpus.table.index.get_level_values("file")}
    if not names & {Path(file).stem for file in read["file"]}:
        raise LabelError(
            f"none of the recordings rated in {', '.join(ratings)} is in {corpus.name}; give the ratings that its "
            "labels were made of"
        )
    _compare(read, corpus, ratings)
    table = agreement_table(read)
    found = {}
    for label in LABELS:
        rows = table[table["label"] == label]
        together, pairs = (
            rows[rows["measure"] == "icc_2_k"],
            rows[(rows["scope"] == "pair") & (rows["measure"] == "ccc")],
        )
        if len(together) and len(pairs):
            raters = tuple(str(name) for name in rating_matrix(read, label).columns)
            one = together.iloc[0]
            found[label] = Raters(raters, float(one["value"]), float(pairs["value"].mean()), int(one["n_items"]))
    if not found:
        raise LabelError(f"{', '.join(ratings)} has ratings of one person; --ratings needs those of two or more")
    return found


def _compare(read: pd.DataFrame, corpus: Corpus, ratings: list[str]) -> None:
    """Note where the corpus' labels are not the raters' means: the verdict then joins what does not belong together."""
    import numpy as np

    from affectmap.agreement.ratings import rating_matrix
    from affectmap.schema import LABELS

    stems = [Path(file).stem for file in corpus.table.index.get_level_values("file")]
    for label in LABELS:
        mean = rating_matrix(read, label).mean(axis=1)
        mean.index = [Path(str(file)).stem for file in mean.index]
        if len(set(stems)) < len(stems) or not mean.index.is_unique:
            return  # names alone do not tell which recording was rated
        off = corpus.table[label].to_numpy(dtype=np.float64) - mean.reindex(stems).to_numpy(dtype=np.float64)
        if np.isfinite(off).any() and np.nanmean(np.abs(off)) > FAR_OFF:
            note(
                f"note: {label} of {corpus.name} is not the mean of the ratings in {', '.join(ratings)} "
                f"({np.nanmean(np.abs(off)):.1f} points off on average), so that the verdict on its use means nothing; "
                "take their means, which affectmap ratings export writes"
            )


def _write(result: Evaluation, output: Path, *, overwrite: bool, explore: bool, n_jobs: int | None) -> bool:
    """Write an evaluation, with its page where that can be made; give whether it was."""
    from affectmap.evaluation.output import write_evaluation

    def more(folder: Path) -> None:
        from affectmap.explorer.sources import left_out, run_points

        without = left_out(result.unusable, str(result.utterances["corpus"].iloc[0]))
        write_explorer(run_points(result.utterances, without, title=result.corpus), folder / PAGE, n_jobs=n_jobs)

    page, has_page = None, installed("jinja2") and installed("matplotlib")
    if has_page:
        from affectmap.report.score import render_score

        page = partial(render_score, explorer=PAGE if explore else "")
    else:
        note('note: no page: it needs jinja2 and matplotlib; run pip install "affectmap[score]"')
    table = write_evaluation(result, output, overwrite=overwrite, page=page, more=more if explore else None)
    if table.endswith(".csv"):
        note(f'note: {table} is CSV; parquet needs pyarrow: run pip install "affectmap[parquet]"')
    return has_page
