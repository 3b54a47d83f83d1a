"""An evaluation as small tables whose cells are written: on the terminal, the page and in LaTeX."""

from __future__ import annotations

import numpy as np

from affectmap.evaluation.baselines import MEAN_RATING, MOST_FITTED, WITHIN
from affectmap.evaluation.scoring import MODEL, Evaluation, Row
from affectmap.schema import LABELS
from affectmap.stats.intervals import FEWEST_SPEAKERS
from affectmap.text import DASH, TextTable, counted, is_number, number, score, score_range

_SCORES = ("uar", "accuracy", "ccc", "r2", "pearson", "coverage", "calibration_error")


def is_clear(row: Row) -> bool:
    """Say whether all of the interval of a difference lies on one side of zero."""
    return bool(is_number(row.low) and is_number(row.high) and (row.low > 0 or row.high < 0))


def _is_score(row: Row) -> bool:
    measure = str(row.measure)
    return measure in _SCORES or measure.startswith(("recall_", "precision_"))


def interval_text(row: Row) -> str:
    """Write the interval of a value; a dash where it has none."""
    signed = bool(row.versus)
    if _is_score(row):
        return score_range(row.low, row.high, signed=signed)
    low, high = (number(end, 2, signed=signed) for end in (row.low, row.high))
    return DASH if DASH in (low, high) else f"{low} to {high}"


def value_text(row: Row | None) -> str:
    """Write a value without its interval, with its sign where it is a difference."""
    if row is None:
        return DASH
    signed = bool(row.versus)
    return score(row.value, signed=signed) if _is_score(row) else number(row.value, 2, signed=signed)


def written(row: Row | None) -> str:
    """Write a value with its interval, where it has one."""
    value, interval = value_text(row), DASH if row is None else interval_text(row)
    return value if interval == DASH else f"{value} ({interval})"


def capital(text: str) -> str:
    """Begin with a capital."""
    return text[:1].upper() + text[1:]


def text_tables(found: Evaluation) -> list[TextTable]:
    """Write an evaluation as small tables, those without rows left out."""
    tables = [
        _choice_table(found), _class_table(found), *(_rating_table(found, label) for label in LABELS),
        _reliability_table(found), _interval_table(found), _sex_table(found), _speaker_table(found),
    ]  # fmt: skip
    return [table for table in tables if table.rows]


def interval_note(found: Evaluation) -> str:
    """Say what intervals are, or why there are none."""
    n_speakers = found.counts["speakers"]
    if not n_speakers:
        return "No intervals: not all speakers are known."
    if n_speakers < FEWEST_SPEAKERS:
        return f"No intervals: {counted(n_speakers, 'speaker')}."
    return "In brackets: 95 % intervals over speakers."


def _choice_table(found: Evaluation) -> TextTable:
    rows = []
    values = found.rows(measure="uar", by="all", versus="")
    for row in sorted(values, key=lambda row: row.quantity != found.choice):
        if not is_number(row.value):
            continue
        method = "this model" if row.method == MODEL else str(row.method)
        versus = found.row("uar", versus=str(row.method)) if row.method != MODEL else None
        n = number(row.n, 0) if row.n else DASH
        rows.append([method, str(row.quantity), written(row), written(versus), n])
    legend = (
        "UAR: mean of the recalls of all classes. Difference: this model minus that line, paired by utterance. "
        f"{capital(WITHIN)}: a linear support vector machine trained on the other speakers' labels (of at most "
        f"{MOST_FITTED:,} utterances). {interval_note(found)}"
    )
    return TextTable("Classes", ["", "classes", "UAR", "difference", "utterances"], rows, 2, legend)


def _class_table(found: Evaluation) -> TextTable:
    rows = []
    for name, counts in found.confusion.iterrows():
        recall, precision = (found.row(f"{which}_{name}") for which in ("recall", "precision"))
        cells = [written(recall), written(precision), number(counts.sum(), 0)]
        rows.append([str(name), *cells, *(number(n, 0) for n in counts)])
    legend = (
        "Recall: share of the utterances of a class that are found; precision: share of those called so that are. To "
        "the right: how often each was called what."
    )
    header = ["", "recall", "precision", "utterances", *(f"→ {name}" for name in found.classes)]
    return TextTable("Each class", header, rows if found.classes else [], 1, legend)


def _rating_table(found: Evaluation, label: str) -> TextTable:
    measures, rows = ("ccc", "r2", "pearson", "mean_absolute_error", "bias"), []
    for method, versus in ((MODEL, ""), (MEAN_RATING, ""), (WITHIN, ""), (MODEL, MEAN_RATING), (MODEL, WITHIN)):
        each = [found.row(measure, label, method=method, versus=versus) for measure in measures]
        if error := each[3]:
            name = f"minus {versus.split(',')[0]}" if versus else "this model" if method == MODEL else method
            rows.append([name, *map(written, each), number(error.n, 0)])
    whose = "of the other speakers" if found.counts["speakers"] > 1 else "of all, for other speakers are not known"
    legend = (
        "CCC: 1 where predictions are the ratings. R²: 0 where they are no nearer than the mean rating. Error: mean "
        "absolute difference in points of the scale, 1 to 5; bias: prediction minus rating. "
        f"{capital(MEAN_RATING)}: {whose}. {capital(WITHIN)}: ridge regression on the other speakers' "
        "ratings. Minus: this model minus that, paired by utterance."
    )
    return TextTable(capital(label), ["", "CCC", "R²", "Pearson", "error", "bias", "utterances"], rows, 1, legend)


def _reliability_table(found: Evaluation) -> TextTable:
    rows = []
    for row in found.reliability.to_dict("records"):
        cells = [number(row["n"], 0), score(row["confidence"]), score(row["hits"])]
        rows.append([f"{score(row['low'], 1)} to {score(row['high'], 1)}", *cells])
    legend = (
        "Utterances by the probability of their likeliest class: its mean, and the share in which it is right; classes "
        f"weigh the same. Expected calibration error: {value_text(found.row('calibration_error'))}; 0 is best."
    )
    header = ["probability", "utterances", "mean", "right"]
    return TextTable("Probabilities", header, rows if len(found.classes) > 1 else [], 1, legend)


def _interval_table(found: Evaluation) -> TextTable:
    rows = []
    for label in LABELS:
        coverage, width = found.row("coverage", label), found.row("width", label)
        if coverage is not None:
            rows.append([label, score(found.level), written(coverage), value_text(width), number(coverage.n, 0)])
    legend = (
        "Share of the ratings that the model's intervals are meant to contain, and do; mean width in points. An "
        "utterance that is flagged has the whole scale."
    )
    return TextTable("Intervals of ratings", ["", "meant", "contained", "width", "utterances"], rows, 1, legend)


def _sex_table(found: Evaluation) -> TextTable:
    cells = {(row.group, row.versus, row.measure, row.quantity): row for row in found.rows(by="sex")}
    groups = sorted({key[:2] for key in cells}, key=lambda group: (bool(group[1]), group))
    rows = []
    for name, measure, quantity in _group_columns(found, "sex"):
        each = [cells.get((*group, measure, quantity)) for group in groups]
        rows.append([name, *map(written, each)])
    used = [DASH if versus else number(_n_rows(found, "sex", group), 0) for group, versus in groups]
    header = ["", *(f"{group} minus {versus}" if versus else group for group, versus in groups)]
    return TextTable("By sex", header, [["utterances", *used], *rows] if rows else [], 1, interval_note(found))


def _speaker_table(found: Evaluation) -> TextTable:
    cells = {(row.group, row.measure, row.quantity): row for row in found.rows(by="speaker")}
    columns = _group_columns(found, "speaker")
    rows = []
    for group in sorted({key[0] for key in cells}):
        used = number(_n_rows(found, "speaker", group), 0)
        rows.append([group, used, *(written(cells.get((group, *each[1:]))) for each in columns)])
    legend = (
        "UAR over the classes that a speaker has, if two or more; right: share of their utterances that are called "
        "what they are. CCC where ratings differ. A speaker alone has no interval."
    )
    return TextTable("By speaker", ["", "utterances", *(name for name, *_ in columns)], rows, 1, legend)


def _group_columns(found: Evaluation, by: str) -> list[tuple[str, str, str]]:
    """Name what is told of groups, as far as there is any value: for people, measure and quantity."""
    columns = [("UAR", "uar", found.choice), ("right", "accuracy", found.choice)]
    columns += [
        (f"{label} {name}", measure, label)
        for label in LABELS
        for name, measure in (("CCC", "ccc"), ("error", "mean_absolute_error"), ("bias", "bias"))
    ]
    return [each for each in columns if found.rows(by=by, measure=each[1], quantity=each[2])]


def _n_rows(found: Evaluation, by: str, group: str) -> int:
    return int(np.sum(found.utterances[by].astype(str) == group))
