"""``affectmap corpora`` and ``affectmap audit``: what corpora contain, and whether results hold."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from affectmap.cli import options
from affectmap.cli.progress import note, progress_bar
from affectmap.errors import AffectmapError, ConfigError, UsageError
from affectmap.experiment.config import ExperimentConfig, make_config
from affectmap.extras import require
from affectmap.preparation.config import MEASURED, CorpusSettings, PreparationSettings
from affectmap.schema import FOUR_CLASSES, FUNCTIONALS, LABELS, Emotion, Finding, column_prefixes
from affectmap.settings import fields_of
from affectmap.text import aligned

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from affectmap.audit.verdicts import Audit
    from affectmap.corpora import Corpus, CorpusCard
    from affectmap.preparation.prepared_corpus import PreparedCorpus

#: Findings of a kind that are named without ``--all``.
N_SHOWN = 10
# Narrowest column in which the name of a corpus and its counts read well, its padding counted in.
_COLUMN_WIDTH = 11
_SPEC_HELP = "emodb=DIR, table:NAME=FILE, NAME=DIR (audformat) or audformat:NAME=DIR#TABLE; may be repeated."


@options.verb(
    "affectmap corpora",
    "affectmap corpora emodb=DIR --labels DIR --format json",
    settings=CorpusSettings,
    names=("labels", "excited_as_happy", "features"),
)
def corpora_command(
    given: dict[str, Any],
    specs: Annotated[list[str] | None, typer.Argument(metavar="SPEC", help=_SPEC_HELP, show_default=False)] = None,
    corpus: Annotated[
        list[str] | None, typer.Option("--corpus", metavar="SPEC", help=_SPEC_HELP, show_default=False)
    ] = None,
    show_all: Annotated[bool, typer.Option("--all", help="Name every finding, not ten of a kind.")] = False,
    format: Annotated[Literal["text", "json"], typer.Option("--format", help="What to print.")] = "text",
    is_opening: Annotated[
        bool, typer.Option("--open/--no-open", help="Open every recording and name those that cannot be used.")
    ] = True,
    cache: options.Cache = None,
) -> None:
    """List the supported corpora, or what those named contain.

    Without SPEC: every supported corpus, its language, size, labels and licence, and how to get it.

    With SPEC: counts by emotion, speakers, labels; by name what is missing, extra, unlabelled, left out, broken, silent
    or too short.
    """
    from rich.console import Console

    console = Console(highlight=False, markup=False)
    notes = Console(stderr=True, highlight=False, markup=False, soft_wrap=True)
    wanted = [*(specs or []), *(corpus or [])]
    if not wanted:
        _list_supported(console, notes, format == "json")
        return
    found, errors = _load(wanted, **given)
    seconds: dict[str, float] = {}
    if is_opening:
        found, seconds = _opened(found, cache)
    if format == "json":
        failed = [{"corpus": spec, "error": str(error)} for spec, error in errors.items()]
        _print_json({"corpora": [summarise(one, seconds.get(one.name)) for one in found], "errors": failed})
    else:
        _print_counts(console, [summarise(one, seconds.get(one.name)) for one in found])
        for one in found:
            _print_findings(console, one, None if show_all else N_SHOWN)
    for error in errors.values():
        notes.print(f"affectmap: error: {error}")
    if errors:
        raise typer.Exit(2 if any(isinstance(error, UsageError) for error in errors.values()) else 1)


def _load(
    specs: Iterable[str],
    labels: Path | None = None,
    **reading: Any,  # noqa: ANN401 (options of load_corpus)
) -> tuple[list[Corpus], dict[str, AffectmapError]]:
    from affectmap.corpora import load_corpus

    found, errors = [], {}
    for spec in dict.fromkeys(specs):
        try:
            found.append(load_corpus(spec, labels, **reading))
        except AffectmapError as error:
            errors[spec] = error
    return found, errors


def _opened(found: Iterable[Corpus], cache: Path | None) -> tuple[list[Corpus], dict[str, float]]:
    """Open the recordings of corpora; give them with what was found, and the seconds of what can be used."""
    from affectmap.features.usability import check_usability

    opened, seconds = [], {}
    for corpus in found:
        if corpus.functionals is None:
            with progress_bar(f"recordings of {corpus.name}") as progress:
                usability = check_usability(corpus.name, corpus.table, cache=cache, progress=progress)
            seconds[corpus.name] = float(usability.duration_s.sum())
            corpus = replace(corpus, findings=(*corpus.findings, *usability.findings))
        opened.append(corpus)
    return opened, seconds


def _print_json(content: dict[str, Any]) -> None:
    typer.echo(json.dumps(content, indent=2, ensure_ascii=False))


def summarise(corpus: Corpus, seconds: float | None = None) -> dict[str, Any]:
    """Count what a corpus contains, as plain data for JSON.

    Args:
        corpus: The corpus.
        seconds: Of its recordings that can be used, where they were opened.

    Returns:
        Counts, and all findings.
    """
    table = corpus.table
    opened = {} if seconds is None else {"seconds": round(seconds, 1)}
    if opened:
        opened["n_unusable"] = sum(finding.kind == "unreadable" for finding in corpus.findings)
    counted = table["emotion"].value_counts()
    features = () if corpus.functionals is None else tuple(corpus.functionals.columns)
    return {
        "name": corpus.name,
        "title": corpus.name if corpus.card is None else corpus.card.title,
        "language": corpus.language,
        "n_utterances": len(table),
        "n_speakers": int(table["speaker"].nunique()),
        "emotions": {str(emotion): int(counted[emotion]) for emotion in Emotion if emotion in counted},
        "n_without_emotion": int(table["emotion"].isna().sum()),
        **{f"n_{label}": int(table[label].notna().sum()) for label in LABELS},
        "functionals": features == FUNCTIONALS,
        "n_features": len(features),
        **opened,
        "findings": [finding._asdict() for finding in corpus.findings],
    }


def _list_supported(console: Console, notes: Console, as_json: bool) -> None:
    from affectmap.corpora import CARDS

    if as_json:
        _print_json({"corpora": [_describe(card) for card in CARDS.values()]})
        return
    table = _new_table()
    for header in ("name", "language", "utterances", "speakers", "emotions", "labels"):
        table.add_column(header, justify="right" if header in ("utterances", "speakers") else "left", overflow="fold")
    for card in CARDS.values():
        size = (f"{card.n_utterances:,}", str(card.n_speakers))
        table.add_row(card.name, ", ".join(card.languages), *size, _classes(card), _rated(card))
    console.print(table)
    console.print("\nN neutral, S sad, H happy, A angry; labels of activation and valence")
    console.print("\nHow to get it")
    for card in CARDS.values():
        console.print(f"  {card.name:<9}{card.access}", soft_wrap=True)
        console.print(f"  {'':<9}licence: {card.licence}", soft_wrap=True)
    notes.print("\nLook at one:     affectmap corpora emodb=DIR --labels DIR")
    notes.print("Bring your own:  table:NAME=FILE (CSV or parquet) or NAME=DIR (audformat database)")


def _classes(card: CorpusCard) -> str:
    four = "-".join(emotion[0].upper() for emotion in FOUR_CLASSES if emotion in card.emotions)
    n_more = len(set(card.emotions) - set(FOUR_CLASSES))
    return f"{four}, {n_more} more" if n_more else four


def _rated(card: CorpusCard) -> str:
    if card.own_labels:
        return "its own"
    return "none" if card.sheet is None else card.sheet.file


def _describe(card: CorpusCard) -> dict[str, Any]:
    names = ("name", "title", "languages", "n_utterances", "n_speakers", "emotions", "own_labels", "balanced")
    described = {name: getattr(card, name) for name in names} | {"label_sheet": card.sheet and card.sheet.file}
    return described | {name: getattr(card, name) for name in ("licence", "access", "citation")}


def _new_table() -> Table:
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    return Table(box=SIMPLE_HEAD, show_edge=False, pad_edge=False, header_style="bold")


def _print_counts(console: Console, found: Sequence[dict[str, Any]]) -> None:
    """Print one column for each corpus, as many side by side as the terminal is wide."""
    side_by_side = max(1, console.width // _COLUMN_WIDTH - 2)
    for first in range(0, len(found), side_by_side):
        shown = found[first : first + side_by_side]
        table = _new_table()
        table.add_column("", overflow="fold")
        for one in shown:
            table.add_column(one["name"], justify="right", overflow="fold")
        for label, values in _lines(shown):
            table.add_row(label, *values)
        console.print(table)
        console.print()


def _lines(shown: Sequence[dict[str, Any]]) -> Iterator[tuple[str, list[str]]]:
    def count(label: str, counts: Iterable[int], empty: str = "-") -> tuple[str, list[str]]:
        """Give a line of counts."""
        return label, [f"{number:,}" if number else empty for number in counts]

    yield "language", [one["language"] or "unknown" for one in shown]
    yield count("speakers", (one["n_speakers"] for one in shown), "unknown")
    yield count("utterances", (one["n_utterances"] for one in shown))
    for emotion in Emotion:
        if any(emotion in one["emotions"] for one in shown):
            yield count(f"  {emotion}", (one["emotions"].get(emotion, 0) for one in shown))
    if any(one["n_without_emotion"] for one in shown):
        yield count("  no emotion", (one["n_without_emotion"] for one in shown))
    for label in LABELS:
        yield count(f"with {label}", (one[f"n_{label}"] for one in shown))
    if any(one["functionals"] for one in shown):
        yield count("with functionals", (one["n_utterances"] * one["functionals"] for one in shown))
    if any(one["n_features"] and not one["functionals"] for one in shown):
        yield count("features", (one["n_features"] for one in shown))
    if any("seconds" in one for one in shown):
        yield "minutes", [f"{one['seconds'] / 60:,.1f}" if "seconds" in one else "-" for one in shown]
        yield count("unusable", (one.get("n_unusable", 0) for one in shown))
    yield count("findings", (len(one["findings"]) for one in shown))


def _print_findings(console: Console, corpus: Corpus, n_shown: int | None) -> None:
    groups: dict[tuple[str, str], list[Finding]] = defaultdict(list)
    for finding in corpus.findings:
        # What is wrong with each recording differs in a number at least.
        detail = "" if finding.kind == "unreadable" else finding.detail
        groups[finding.kind, detail].append(finding)
    if groups:
        console.print(corpus.name, style="bold")
    for (kind, detail), findings in groups.items():
        files = [
            finding.file if detail else f"{finding.file}: {finding.detail}" for finding in findings if finding.file
        ]
        detail = detail or "cannot be used"
        number = f"{len(files):,} " if files else ""
        console.print(f"  {number}{kind}: {detail}", soft_wrap=True)
        shown = files[:n_shown]
        for file in shown:
            console.print(f"    {file}", soft_wrap=True)
        if len(shown) < len(files):
            console.print(f"    and {len(files) - len(shown):,} more; --all names them", soft_wrap=True)


_File = Annotated[
    Path | None,
    typer.Option("-o", "--output", metavar="FILE", help="CSV to be written, with every sentence; beside it .tex."),
]
_Fail = Annotated[bool, typer.Option("--fail", help="Exit with 1 where results would leak or be confounded.")]


@options.verb(
    "affectmap audit --source emodb=DIR --target urdu=DIR --labels DIR",
    "affectmap audit --config run.toml --fail -o audit.csv",
    settings=ExperimentConfig,
    names=[name for name in (*fields_of(PreparationSettings), "preset") if name != "strict"],
)
def audit_command(
    given: dict[str, Any],
    output: _File = None,
    config: options.ConfigFile = None,
    overwrite: options.Overwrite = False,
    fail: _Fail = False,
    cache: options.Cache = None,
) -> None:
    """Check corpora, folds and policy before anything is trained on them; reproduce does the same.

    Speakers and recordings on both sides of a split, emotion that the speaker predicts, recordings that contain the
    same sound, labels that do not fit their recordings, and whose statistics standardise each corpus.
    """
    require("audit", "statistics", "sklearn", "scipy")
    from affectmap import files

    settings = make_config(config, **given)
    inputs = options.inputs_of(settings, config)
    options.check_file(output, overwrite=overwrite, inputs=inputs)
    tables = None if output is None or files.is_stream(output) else output.with_suffix(".tex")
    options.check_file(tables, ".tex", overwrite=overwrite, inputs=inputs)
    if settings.features not in MEASURED and column_prefixes(settings.features) is None:
        note(f"note: functionals are looked at, not {settings.features}")
    audit = _examined(settings, cache)
    if output is not None:
        from affectmap.tables import csv_text
        from affectmap.text import latex_tables

        files.write_text(output, csv_text(audit.table()), overwrite=overwrite)
        if tables is not None:
            files.write_text(tables, latex_tables([audit.text_table()]), overwrite=overwrite)
    _print(audit)
    if fail and audit.bad():
        raise typer.Exit(1)


def _examined(settings: ExperimentConfig, cache: Path | None) -> Audit:
    from affectmap.audit.examination import examine
    from affectmap.preparation.folds import fold_kind, source_folds
    from affectmap.preparation.pooled_source import PooledSource
    from affectmap.preparation.prepared_corpus import read_corpora

    prepared = [_prepared(corpus, settings, cache) for corpus in read_corpora(settings)]
    source, targets = PooledSource.of(prepared[: len(settings.source)]), prepared[len(settings.source) :]
    try:
        kind = fold_kind(source, settings.folds, settings.preset)
        folds = source_folds(source, kind, settings.n_folds, settings.seed)
    except ConfigError as error:
        note(f"note: not split: {error}")
        folds = ()
    return examine(source, targets, folds, policy=settings.policy, seed=settings.seed)


def _prepared(corpus: Corpus, settings: ExperimentConfig, cache: Path | None) -> PreparedCorpus:
    from affectmap.preparation.prepared_corpus import prepare_for

    with progress_bar(f"functionals of {corpus.name}") as progress:
        prepared = prepare_for(settings, corpus, cache=cache, progress=progress)
    note(prepared.counts)
    return prepared


def _print(audit: Audit) -> None:
    from affectmap.audit.verdicts import Verdict, counted_verdicts

    table = audit.text_table()
    typer.echo(aligned([table.header, *table.rows], table.n_text))
    for verdict in reversed(Verdict):
        for check in audit.of(verdict) if verdict != Verdict.SOUND else ():
            typer.echo(f"\n{verdict}: {check.detail}")
    note(counted_verdicts([check.verdict for check in audit.checks]))
