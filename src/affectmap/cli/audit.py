"""``affectmap audit``: what has to be known before any figure is believed."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from affectmap.cli import options
from affectmap.errors import ConfigError
from affectmap.extras import require
from affectmap.text import aligned, count_or_score, number

if TYPE_CHECKING:
    from affectmap.audit.verdicts import Audit, Check
    from affectmap.corpora import Corpus
    from affectmap.experiment.config import ExperimentConfig
    from affectmap.preparation.prepared_corpus import PreparedCorpus

_File = Annotated[
    Path | None, typer.Option("-o", "--output", metavar="FILE", help="CSV to be written, with every sentence.")
]
_Strict = Annotated[bool, typer.Option("--strict", help="Exit with 1 where figures leak or are confounded.")]


def audit_command(
    source: options.Source = None,
    target: options.Target = None,
    labels: options.Labels = None,
    output: _File = None,
    config: options.ConfigFile = None,
    emotions: options.Emotions = None,
    excited_as_happy: options.ExcitedAsHappy = None,
    sampling_rate: options.SamplingRate = None,
    outlier_threshold: options.OutlierThreshold = None,
    policy: options.Policy = None,
    folds: options.Folds = None,
    n_folds: options.NFolds = None,
    preset: options.Preset = None,
    strict: _Strict = False,
    seed: options.Seed = None,
    n_jobs: options.NJobs = None,
    cache: options.Cache = None,
) -> None:
    """Check corpora, folds and policy before anything is trained on them; reproduce does the same.

    Speakers and recordings on both sides of a split, emotion that the speaker gives away, recordings that hold the
    same sound, labels that do not fit their recordings, and whose mean and spread standardise each corpus.
    """
    flags = dict(locals())
    require("audit", "statistics", "sklearn", "scipy")
    from affectmap.experiment.config import make_config

    for name in ("output", "config", "strict", "cache"):
        del flags[name]
    lists = {name: flags.pop(name) or None for name in ("source", "target")}
    audit = _examined(make_config(config, **lists, **flags), cache)
    if output is not None:
        from affectmap.files import write_text

        write_text(output, audit.table().to_csv(index=False, lineterminator="\n"))
    _print(audit)
    if strict and audit.bad():
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
        typer.echo(f"note: not split: {error}", err=True)
        folds = ()
    return examine(source, targets, folds, policy=settings.policy, seed=settings.seed)


def _prepared(corpus: Corpus, settings: ExperimentConfig, cache: Path | None) -> PreparedCorpus:
    from affectmap.cli.progress import progress_bar
    from affectmap.preparation.prepared_corpus import prepare_for

    with progress_bar(f"functionals of {corpus.name}") as progress:
        prepared = prepare_for(settings, corpus, cache=cache, progress=progress)
    typer.echo(prepared.counts, err=True)
    return prepared


def _print(audit: Audit) -> None:
    from affectmap.audit.verdicts import Verdict, counted_verdicts

    header = ("check", "corpus", "verdict", "value", "of")
    typer.echo(aligned([header, *map(_cells, audit.checks)], n_text=3))
    for verdict in reversed(Verdict):
        for check in audit.of(verdict) if verdict != Verdict.SOUND else ():
            typer.echo(f"\n{verdict}: {check.detail}")
    typer.echo(counted_verdicts([check.verdict for check in audit.checks]), err=True)


def _cells(check: Check) -> tuple[str, str, str, str, str]:
    where = f"{check.corpus}, {check.other}" if check.other not in ("", check.corpus) else check.corpus
    return check.check, where, str(check.verdict), count_or_score(check.value), number(check.n, 0)
