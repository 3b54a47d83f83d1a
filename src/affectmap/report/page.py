"""The page: everything of a run put in order and poured into the template."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import PurePath
from typing import TYPE_CHECKING, Any, NamedTuple

import jinja2
import pandas as pd

from affectmap import style, text
from affectmap.audit.verdicts import SIGNS, Verdict, footnotes, signs_of
from affectmap.experiment.config import ExperimentConfig
from affectmap.report.answer import answer
from affectmap.report.canvas import Picture, letter
from affectmap.report.marks import swatch
from affectmap.report.summary import about_small, glances, summarise
from affectmap.report.tables import Table, build_table, records_of
from affectmap.settings import fields_of

if TYPE_CHECKING:
    from affectmap.experiment.results import Results

#: Tables of the page: key, number in the paper, readings shown beside methods trained on the corpus itself.
TABLES = {
    "table1": ("1", ("held-out",)),
    "table3": ("3", ("held-out", "zero-shot")),
    "table4": ("4", ("held-out", "zero-shot")),
    "table4_probe": ("4", ("probe",)),
}
#: Columns beyond which a table of the main line is folded, and its picture alone stands there.
WIDE = 8
#: Tables of the section behind the averages.
DETAILS = ("recall", "ccc", "error", "uar by sex", "ccc by sex")
_POLICIES = {
    "source": "mean and standard deviation of the source’s training fold",
    "target-20": "mean and standard deviation of a random fifth of its utterances; the rest is evaluated",
    "target-all": "its own mean and standard deviation",
    "speaker": "each speaker’s own mean and standard deviation",
}
#: How a verdict is drawn: class and mark.
_MARKS = {
    Verdict.SOUND: ("holds", "✓"),
    Verdict.UNKNOWN: ("open", "?"),
    Verdict.WARNING: ("open", "!"),
    Verdict.CONFOUNDED: ("fails", "✗"),
    Verdict.LEAK: ("fails", "✗"),
}
OPEN = "cannot be told"
_Rows = list[dict[str, Any]]


def page_tables(results: Results) -> dict[str, Table | None]:
    """Build the tables that the page shows, by the keys of `TABLES`; ``None`` where the run has nothing for one."""
    corpora = [str(name) for name in results.corpora["corpus"]]
    tables = {key: build_table(results.summary, which, corpora, readings) for key, (which, readings) in TABLES.items()}
    readings = ("held-out", "zero-shot")
    for which in DETAILS:
        tables[which] = build_table(results.details, which, corpora, readings) if len(results.details) else None
    return tables


def render(
    results: Results,
    tables: Mapping[str, Table | None],
    pictures: Mapping[str, Sequence[Picture]],
    explorer: str = "",
) -> str:
    """Make the page, HTML that needs nothing beside it, with pictures by their place, and a link to an explorer."""
    sources = [str(c) for c in results.corpora.loc[results.corpora["role"] == "source", "corpus"]]
    targets = [str(c) for c in results.corpora.loc[results.corpora["role"] == "target", "corpus"]]
    policies = style.ordered(map(str, results.corpora["policy"].dropna()), list(_POLICIES))
    return template("report.html").render(
        results=results,
        title=f"{text.listed(sources)} to {text.listed(targets)}" if targets else text.listed(sources),
        answer=answer(results),
        cares=[care for care in [about_small(results.corpora)] if care],
        sentences=summarise(results),
        audit=audit_view(results.audit),
        glances=glances(results),
        n_compared=sum(map(style.is_compared, results.summary["method"].unique())),
        initials=_initials(results.notes),
        corpora=results.corpora.to_dict("records"),
        policies={policy: _POLICIES.get(policy, "") for policy in policies},
        tables=tables,
        confusions=confusion_views(results),
        speakers=speaker_views(results),
        literature=results.table2.to_dict("records"),
        pictures=pictures,
        costs=results.costs.to_dict("records"),
        claims=claim_views(results.claims),
        rivals=rivals(results.comparisons),
        dropped=findings_by_corpus(results.findings),
        settings=_settings(results.settings),
        explorer=explorer,
    )


class Confusion(NamedTuple):
    """How often each class of a corpus was called what: a share and a count a cell."""

    corpus: str
    method: str
    classes: list[str]
    rows: list[tuple[str, list[tuple[str, float, str]]]]


def confusion_views(results: Results) -> list[Confusion]:
    """Give for each corpus the confusion of the autoencoder that recognises its classes best on average."""
    views = []
    table = results.confusion
    if not len(table):
        return []
    table = table[
        table["reading"].isin(["held-out", "zero-shot"]) & table["method"].map(style.is_compared).astype(bool)
    ]
    for corpus in results.corpora["corpus"]:
        mine = table[table["corpus"] == corpus]
        right = mine[mine["truth"] == mine["predicted"]].groupby("method", observed=True)["share"].mean()
        if not len(right):
            continue
        method = str(right.idxmax())
        cells = mine[mine["method"] == method]
        names = list(dict.fromkeys(cells["truth"]))
        rows = [
            (name, [(str(one["predicted"]), float(one["share"]), text.number(one["n"], 0)) for one in records_of(each)])
            for name, each in cells.groupby("truth", sort=False)
        ]
        views.append(Confusion(str(corpus), method, names, [(str(name), each) for name, each in rows]))
    return views


class Speakers(NamedTuple):
    """The UAR of every speaker of a corpus by method, with the lowest and highest mean over methods in words."""

    corpus: str
    methods: list[str]
    rows: list[tuple[str, list[str]]]


def speaker_views(results: Results) -> list[Speakers]:
    """Give for each corpus the recall of every speaker, of the autoencoders."""
    views = []
    for corpus in results.corpora["corpus"] if len(results.details) else ():
        mine = results.details[(results.details["table"] == "uar by speaker") & (results.details["corpus"] == corpus)]
        mine = mine[mine["reading"].isin(["held-out", "zero-shot"])].sort_values("quantity", kind="stable")
        found: dict[str, dict[str, float]] = {}
        for speaker, method, value in zip(mine["quantity"], mine["method"], mine["mean"], strict=True):
            found.setdefault(str(speaker), {})[str(method)] = value
        methods = [name for name in style.COMPARED if any(name in each for each in found.values())]
        rows = [(speaker, [text.score(each.get(name)) for name in methods]) for speaker, each in found.items()]
        views += [Speakers(str(corpus), methods, rows)] if len(rows) > 1 and methods else []
    return views


def _initials(notes: Sequence[str]) -> str:
    """Spell out the initials of the longest set of classes that the notes name; empty if they name none."""
    named = [quantity for quantity in style.QUANTITIES if "-" in quantity and any(quantity in note for note in notes)]
    longest = max(named, key=len, default="")
    return f"{longest}: {', '.join(style.class_names(longest))}." if longest else ""


@cache
def template(name: str) -> jinja2.Template:
    """Load a page's template, which may write numbers and lists as `affectmap.text` does."""
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("affectmap.report", "."),
        autoescape=True,
        # A name that the template has and the page lacks is a mistake, not an empty space.
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    names = ("number", "score", "listed", "counted", "spelt", "language_name", "is_number")
    environment.globals.update({name: getattr(text, name) for name in names})
    environment.globals.update(
        n_wide=WIDE, letter=letter, is_compared=style.is_compared, footnotes=footnotes, swatch=swatch
    )
    environment.filters["signs"] = lambda cell: signs_of([cell])
    environment.filters["count"] = lambda value: text.number(value, 0)
    environment.filters["or_dash"] = lambda value: value if isinstance(value, str) and value else text.DASH
    return environment.get_template(name)


class Dropped(NamedTuple):
    """What was found in one corpus: how much was dropped, the folder all files lie in, and every finding."""

    corpus: str
    headline: str
    folder: str
    rows: _Rows


def findings_by_corpus(findings: pd.DataFrame) -> list[Dropped]:
    """Group findings by corpus in the order they first appear, dropped ones first within each."""
    groups = []
    for corpus, mine in findings.groupby("corpus", sort=False):
        dropped = mine["dropped"].astype(bool)
        kinds = mine.loc[dropped, "kind"].value_counts()
        by_kind = ", ".join(f"{n:,} {kind}" for kind, n in kinds.items())
        notes = int((~dropped).sum())
        parts = [f"{text.counted(int(dropped.sum()), 'utterance')} dropped" + (f" ({by_kind})" if by_kind else "")]
        parts += [text.counted(notes, "note")] if notes else []
        folder = _common_folder([str(file) for file in mine["file"] if file])
        rows = mine.assign(file=mine["file"].astype(str).str.removeprefix(folder), dropped=dropped)
        # Stable: within both halves the order of the run.
        rows = rows.sort_values("dropped", ascending=False, kind="stable")
        groups.append(Dropped(str(corpus), ", ".join(parts), folder, records_of(rows)))
    return groups


def _common_folder(files: Sequence[str]) -> str:
    folders = {PurePath(file).parent for file in files}
    # Relative names are short already, and one file alone is shown whole.
    if len(files) < 2 or not all(folder.is_absolute() for folder in folders):
        return ""
    shared = os.path.commonpath([*folders])
    return shared if shared.endswith(os.sep) else shared + os.sep


def _settings(settings: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    """Flatten settings to name, value and meaning, without nested ones that repeat a setting of the run."""
    flat, declared = dict(flat_settings(settings)), fields_of(ExperimentConfig)
    return [
        (name, value, (declared[name].description or "") if name in declared else "")
        for name, value in flat.items()
        if "." not in name or flat.get(name.split(".")[-1]) != value
    ]


def flat_settings(settings: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    """Flatten nested settings to dotted names, values as JSON but for bare words."""
    for name, value in settings.items():
        if isinstance(value, Mapping) and value:
            yield from flat_settings(value, f"{prefix}{name}.")
        else:
            shown = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
            yield f"{prefix}{name}", shown


class AuditView(NamedTuple):
    """What the page says of the audit: a headline, checks that are not sound (the worst first), and all checks."""

    headline: str
    faults: _Rows
    rows: _Rows


def audit_view(audit: pd.DataFrame) -> AuditView:
    """Put the checks of an audit into words: can these results be believed?"""
    rows = [_check_row(row) for row in records_of(audit)]
    order = [str(verdict) for verdict in reversed(Verdict)]
    faults = sorted(
        (row for row in rows if row["verdict"] != Verdict.SOUND), key=lambda row: order.index(row["verdict"])
    )
    return AuditView(_headline(rows), faults, rows)


def _check_row(row: dict[str, Any]) -> dict[str, Any]:
    verdict = Verdict(row["verdict"])
    kind, mark = _MARKS[verdict]
    of = text.number(row["n"], 0) if text.is_number(row["n"]) else ""
    names = [row["corpus"], row["other"] if row["other"] != row["corpus"] else ""]
    shown = {"shown": text.count_or_score(row["value"]), "of": of, "where": ", ".join(filter(None, names))}
    return row | {"kind": kind, "mark": mark, "sign": SIGNS.get(verdict, "")} | shown


def _headline(rows: _Rows) -> str:
    n, n_sound = len(rows), sum(row["verdict"] == Verdict.SOUND for row in rows)
    bad = sum(row["verdict"] in SIGNS for row in rows)
    if not rows:
        return "Nothing was checked."
    if n_sound == n:
        every = f"all {text.counted(n, 'check')} are sound" if n > 1 else "the one check that was made is sound"
        return f"Nothing speaks against the results: {every}."
    if bad:
        found = f"{text.out_of(bad, n, 'check')} found a leak or a confounded corpus"
        return f"Some results must not be taken at face value: {found}. What they bear on is marked in all tables."
    asking = f"{text.out_of(n - n_sound, n, 'check')} {'asks' if n - n_sound == 1 else 'ask'} for care"
    return f"No leak was found; {asking}."


class Rival(NamedTuple):
    """What the autoencoders are set against: its name, the verdicts counted, and a row a pair."""

    name: str
    headline: str
    rows: _Rows


def rivals(comparisons: pd.DataFrame) -> list[Rival]:
    """Put the comparisons of the autoencoders with simpler maps and with the corpus' own labels into words."""
    views = []
    for name, group in comparisons.groupby("against", sort=True):
        rows = records_of(group)
        told = [str(row["verdict"]) for row in rows]
        counts = [f"{told.count(verdict)} {verdict}" for verdict in ("above", "below", OPEN)]
        headline = f"{text.counted(len(rows), 'comparison')}: {', '.join(counts)}"
        ends = [abs(row[k]) for row in rows for k in ("difference", "ci_low", "ci_high") if text.is_number(row[k])]
        views.append(Rival(str(name), headline, [_claim_row(row, max(ends, default=0.0) or 1.0) for row in rows]))
    return views


class Claim(NamedTuple):
    """One claim of the paper with its verdict, and the comparisons it was tested by."""

    letter: str
    statement: str
    verdict: str
    overall: str
    rows: _Rows


def claim_views(claims: pd.DataFrame) -> list[Claim]:
    """Put each claim's comparisons into words and onto one scale, with the places of a small plot."""
    views = []
    for name, group in claims.groupby("claim", sort=True):
        rows = records_of(group)
        overall = [row for row in rows if row["corpus"] == "all"]
        single = [row for row in rows if row["corpus"] != "all"]
        # One scale a claim, zero in the middle, so that its rows can be compared by eye.
        ends = [abs(row[k]) for row in rows for k in ("difference", "ci_low", "ci_high") if text.is_number(row[k])]
        scale = max(ends, default=0.0) or 1.0
        verdict = overall[0]["verdict"] if overall else OPEN
        words = " ".join([_support(single), *map(_overall_words, overall)])
        shown = [_claim_row(row, scale) for row in [*single, *overall]]
        views.append(Claim(str(name), rows[0]["statement"], verdict, words, shown))
    return views


def _support(single: _Rows) -> str:
    """Count the verdicts of a claim's comparisons."""
    told = [str(row["verdict"]) for row in single]
    words = [
        ("hold", told.count("holds")),
        ("do not", told.count("does not hold")),
        ("cannot be told", told.count(OPEN)),
    ]
    counts = [f"{text.spelt_none(n)} {'holds' if n == 1 and word == 'hold' else word}" for word, n in words]
    return f"Of {text.counted(len(single), 'comparison')} {text.listed(counts)}."


def _overall_words(row: dict[str, Any]) -> str:
    if not text.is_number(row["difference"]):
        parts = "all parts" in str(row["comparison"])
        return "It has parts of different kinds and holds only if all do." if parts else ""
    difference = text.score(row["difference"], signed=True)
    return f"All together ({row['comparison']}): {difference}. {interval_words(row['ci_low'], row['ci_high'])}"


def _claim_row(row: dict[str, Any], scale: float) -> dict[str, Any]:
    keys = ("difference", "ci_low", "ci_high")
    places = {key: 50 + 47 * row[key] / scale if text.is_number(row[key]) else None for key in keys}
    interval = text.score_range(row["ci_low"], row["ci_high"], signed=True)
    shown = {"difference": text.score(row["difference"], signed=True), "interval": interval}
    return row | {"places": places, "shown": shown, "words": _verdict_words(row)}


def _verdict_words(row: dict[str, Any]) -> str:
    """Say what the interval of a comparison means; a claim of likeness holds a little below zero, too."""
    if not text.is_number(row["ci_low"]) or row["ci_low"] > 0 or row["ci_high"] < 0 or row["verdict"] == OPEN:
        return interval_words(row["ci_low"], row["ci_high"])
    return "The interval includes zero, and ends above what still counts as similar."


def interval_words(low: object, high: object) -> str:
    """Say what an interval of a difference means, for people who do not work with intervals."""
    if not (text.is_number(low) and text.is_number(high)):
        return "There are too few speakers to say how sure this is."
    if low > 0:
        return "The whole interval lies above zero: other speakers would most likely show the same."
    if high < 0:
        return "The whole interval lies below zero: other speakers would most likely show the opposite."
    return "The interval includes zero: with other speakers it might have come out the other way."
