"""``affectmap audit``: what has to be known before any result is believed."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from affectmap.cli import options
from affectmap.cli.progress import note, progress_bar
from affectmap.errors import ConfigError
from affectmap.experiment.config import ExperimentConfig, make_config
from affectmap.extras import require
from affectmap.preparation.config import PreparationSettings
from affectmap.settings import fields_of
from affectmap.text import aligned, count_or_score, number

if TYPE_CHECKING:
    from affectmap.audit.verdicts import Audit, Check
    from affectmap.corpora import Corpus
    from affectmap.preparation.prepared_corpus import PreparedCorpus

_File = Annotated[
    Path | None, typer.Option("-o", "--output", metavar="FILE", help="CSV to be written, with every sentence.")
]
_Fail = Annotated[bool, typer.Option("--fail", help="Exit with 1 where results would leak or be confounded.")]


@options.verb(
    "affectmap audit --source emodb=DIR --target urdu=DIR --labels DIR",
    "affectmap audit --config run.toml --fail -o audit.csv",
    settings=ExperimentConfig,
    names=[name for name in (*fields_of(PreparationSettings), "preset") if name not in ("strict", "features")],
    renamed={"--strict": "--fail"},
)
def audit_command(
    given: dict[str, Any],
    output: _File = None,
    config: options.ConfigFile = None,
    fail: _Fail = False,
    cache: options.Cache = None,
) -> None:
    """Check corpora, folds and policy before anything is trained on them; reproduce does the same.

    Speakers and recordings on both sides of a split, emotion that the speaker gives away, recordings that contain the
    same sound, labels that do not fit their recordings, and whose statistics standardise each corpus.
    """
    require("audit", "statistics", "sklearn", "scipy")
    audit = _examined(make_config(config, **given), cache)
    if output is not None:
        from affectmap.files import write_text

        write_text(output, audit.table().to_csv(index=False, lineterminator="\n"))
    _print(audit)
    if fail and audit.bad():
        raise typer.Exit(1)


def _examined(settings: ExperimentConfig, cache: Path | None) -> Audit:
    from affectmap.audit.examination import examine
    from affectmap.preparation.folds import fold_kind, source_folds
    from affectmap.preparation.prepared_corpus import PooledSource, read_corpora

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

    header = ("check", "corpus", "verdict", "value", "of")
    typer.echo(aligned([header, *map(_cells, audit.checks)], n_text=3))
    for verdict in reversed(Verdict):
        for check in audit.of(verdict) if verdict != Verdict.SOUND else ():
            typer.echo(f"\n{verdict}: {check.detail}")
    note(counted_verdicts([check.verdict for check in audit.checks]))


def _cells(check: Check) -> tuple[str, str, str, str, str]:
    where = f"{check.corpus}, {check.other}" if check.other not in ("", check.corpus) else check.corpus
    return check.check, where, str(check.verdict), count_or_score(check.value), number(check.n, 0)


command = options.build(audit_command, "audit")
