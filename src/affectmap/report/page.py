"""The page: everything of a run put in order and poured into the template."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

import jinja2
import pandas as pd

from affectmap.audit.verdicts import footnotes, signs_of
from affectmap.report import style
from affectmap.report.audit import audit_view
from affectmap.report.canvas import Picture
from affectmap.report.claims import claim_views
from affectmap.report.glance import glances
from affectmap.report.summary import summarise
from affectmap.report.tables import Table, build_table

if TYPE_CHECKING:
    from affectmap.experiment.results import Results

#: Tables of the page: key, number in the paper, readings shown beside methods trained on the corpus itself.
TABLES = {
    "table1": ("1", ("held-out",)),
    "table3": ("3", ("held-out", "zero-shot")),
    "table4": ("4", ("held-out", "zero-shot")),
    "table4_probe": ("4", ("probe",)),
}
_POLICIES = {
    "source": "mean and spread of the source’s training fold",
    "target-20": "mean and spread of a random fifth of its utterances; the rest is evaluated",
    "target-all": "its own mean and spread",
    "speaker": "each speaker’s own mean and spread",
}


@dataclass(frozen=True)
class Dropped:
    """What was found in one corpus.

    Attributes:
        corpus: Its name.
        headline: How many utterances were dropped, by kind.
        folder: What all files' paths begin with; empty if they share nothing.
        rows: file (without the folder), kind, detail, dropped; dropped ones first.
    """

    corpus: str
    headline: str
    folder: str
    rows: list[dict[str, Any]]


def page_tables(results: Results) -> dict[str, Table | None]:
    """Build the tables that the page shows, ``None`` where the run has nothing for one.

    Args:
        results: The results of a run.

    Returns:
        By the keys of `TABLES`.
    """
    corpora = [str(name) for name in results.corpora["corpus"]]
    return {key: build_table(results.summary, which, corpora, readings) for key, (which, readings) in TABLES.items()}


def render(results: Results, tables: Mapping[str, Table | None], pictures: Mapping[str, Sequence[Picture]]) -> str:
    """Make the page.

    Args:
        results: The results of a run.
        tables: As from `page_tables`.
        pictures: Pictures by their place on the page.

    Returns:
        HTML that needs nothing beside it.
    """
    sources = [str(c) for c in results.corpora.loc[results.corpora["role"] == "source", "corpus"]]
    targets = [str(c) for c in results.corpora.loc[results.corpora["role"] == "target", "corpus"]]
    policies = style.ordered(map(str, results.corpora["policy"].dropna()), list(_POLICIES))
    return _template().render(
        results=results,
        title=f"{style.listed(sources)} to {style.listed(targets)}" if targets else style.listed(sources),
        sentences=summarise(results),
        audit=audit_view(results.audit),
        glances=glances(results),
        n_compared=sum(map(style.is_compared, results.summary["method"].unique())),
        initials=_initials(results.notes),
        corpora=results.corpora.to_dict("records"),
        policies={policy: _POLICIES.get(policy, "") for policy in policies},
        tables=tables,
        literature=results.table2.to_dict("records"),
        pictures=pictures,
        costs=results.costs.to_dict("records"),
        claims=claim_views(results.claims),
        dropped=findings_by_corpus(results.findings),
        settings=dict(flat_settings(results.settings)),
    )


def _initials(notes: Sequence[str]) -> str:
    """Spell out the initials of the longest set of classes that the notes name; empty if they name none."""
    named = [quantity for quantity in style.QUANTITIES if "-" in quantity and any(quantity in note for note in notes)]
    longest = max(named, key=len, default="")
    return f"{longest}: {', '.join(style.class_names(longest))}." if longest else ""


@cache
def _template() -> jinja2.Template:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("affectmap.report", "."),
        autoescape=True,
        # A name that the template has and the page lacks is a mistake, not an empty space.
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals["footnotes"] = footnotes
    environment.filters["signs"] = lambda cell: signs_of([cell])
    names = ("number", "percent", "listed", "counted", "spelt", "language_name", "letter", "is_number", "is_compared")
    environment.globals.update({name: getattr(style, name) for name in names})
    environment.filters["count"] = lambda value: f"{int(value):,}" if style.is_number(value) else style.DASH
    environment.filters["or_dash"] = lambda value: value if isinstance(value, str) and value else style.DASH
    return environment.get_template("report.html")


def findings_by_corpus(findings: pd.DataFrame) -> list[Dropped]:
    """Group findings by corpus, every one of them.

    Args:
        findings: Columns corpus, file, kind, detail, dropped.

    Returns:
        One item a corpus, in the order they first appear.

    Example:
        >>> rows = {"corpus": "a", "file": ["/x/1", "/x/2"], "kind": "outlier", "detail": "", "dropped": True}
        >>> findings_by_corpus(pd.DataFrame(rows))[0].headline
        'two utterances dropped (2 outlier)'
    """
    groups = []
    for corpus, mine in findings.groupby("corpus", sort=False):
        dropped = mine["dropped"].astype(bool)
        kinds = mine.loc[dropped, "kind"].value_counts()
        by_kind = ", ".join(f"{n:,} {kind}" for kind, n in kinds.items())
        notes = int((~dropped).sum())
        parts = [f"{style.counted(int(dropped.sum()), 'utterance')} dropped" + (f" ({by_kind})" if by_kind else "")]
        parts += [style.counted(notes, "note")] if notes else []
        folder = _common_folder([str(file) for file in mine["file"] if file])
        rows = mine.assign(file=mine["file"].astype(str).str.removeprefix(folder), dropped=dropped)
        # Stable: within both halves the order of the run.
        rows = rows.sort_values("dropped", ascending=False, kind="stable")
        groups.append(Dropped(str(corpus), ", ".join(parts), folder, _records(rows)))
    return groups


def _records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    return [{str(key): value for key, value in row.items()} for row in frame.to_dict("records")]


def _common_folder(files: Sequence[str]) -> str:
    folders = {PurePath(file).parent for file in files}
    # Relative names are short already, and one file alone is told whole.
    if len(files) < 2 or not all(folder.is_absolute() for folder in folders):
        return ""
    shared = os.path.commonpath([*folders])
    return shared if shared.endswith(os.sep) else shared + os.sep


def flat_settings(settings: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    """Flatten nested settings to dotted names, values as JSON but for bare words.

    Args:
        settings: Nested mapping of plain JSON values.
        prefix: What names begin with.

    Yields:
        Name and value, in order.

    Example:
        >>> list(flat_settings({"training": {"epochs": 50, "preset": "paper"}}))
        [('training.epochs', '50'), ('training.preset', 'paper')]
    """
    for name, value in settings.items():
        if isinstance(value, Mapping) and value:
            yield from flat_settings(value, f"{prefix}{name}.")
        else:
            text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
            yield f"{prefix}{name}", text
