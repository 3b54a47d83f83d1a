"""What an evaluation says in words: what flatters first, then how good the model is, and where it is off."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator

import numpy as np

from affectmap.evaluation.baselines import CHANCE, MEAN_RATING, WITHIN
from affectmap.evaluation.scoring import Evaluation, Row
from affectmap.evaluation.tables import (
    capital,
    interval_note,
    interval_text,
    is_clear,
    text_tables,
    value_text,
    written,
)
from affectmap.evaluation.use import Statement, uses
from affectmap.schema import LABELS
from affectmap.stats.intervals import FEWEST_SPEAKERS
from affectmap.text import counted, is_number, listed, number, score, spelt_none, table_text
from affectmap.utterances import PROBABILITIES

#: Rows of a table that are printed; the files have all.
N_SHOWN = 30
#: Utterances from which on words compare a speaker with others.
FEWEST = 10
_HOW = {
    "alone": "each recording alone, with the statistics of the model",
    "corpus": "adapted to the corpus without labels",
    "listen": "adapted to the corpus without labels; a note says whether listening took part",
    "speaker": "adapted to each speaker without labels",
}


def answer(found: Evaluation) -> str:
    """Say in one sentence how well the model tells ratings and emotions, beside what needs no model.

    Ratings are told better where they are nearer than the corpus' mean rating, emotions where they are recognised more
    often than by chance; surely where the whole interval over speakers says so.
    """
    parts = [words for label in LABELS if (words := _rating_words(found, label))]
    uar = found.row("uar")
    if uar is not None and is_number(uar.value):
        how = _beside(found.row("uar", versus=CHANCE), better=1)
        parts.append(f"emotions {how} than chance (UAR {value_text(uar)}, chance {score(1 / len(found.classes))})")
    if not parts:
        return f"On {found.corpus} nothing says how good {found.model} is: it has neither ratings nor several classes."
    trained = {True: ", on which it was trained,", None: ", which may be in its training,", False: ""}[found.in_sample]
    return f"On {found.corpus}{trained} {found.model} tells {listed(parts)}."


def _rating_words(found: Evaluation, label: str) -> str:
    error, ccc = found.row("mean_absolute_error", label), found.row("ccc", label)
    if error is None or not is_number(error.value):
        return ""
    how = _beside(found.row("mean_absolute_error", label, versus=MEAN_RATING), better=-1)
    measured = f"CCC {value_text(ccc)}, " if ccc is not None and is_number(ccc.value) else ""
    return f"{label} {how} than the mean rating would ({measured}{value_text(error)} points off)"


def _beside(row: Row | None, better: int) -> str:
    """Say whether a difference from a baseline is clear, and which way."""
    if row is None or not is_number(row.value) or not is_clear(row):
        return "not surely better"
    return "better" if row.value * better > 0 else "worse"


def title(found: Evaluation) -> str:
    """Say what was scored on what, and how it was adapted."""
    return f"{heading(found)}; {adapted(found)}"


def adapted(found: Evaluation) -> str:
    """Say whose statistics normalised the features."""
    return _HOW[found.adapt]


def heading(found: Evaluation) -> str:
    """Say what was scored on what."""
    n_speakers = found.counts["speakers"]
    of = f" of {counted(n_speakers, 'speaker')}" if n_speakers else ", speakers not all known"
    return f"{found.model} on {found.corpus}: {counted(found.counts['used'], 'utterance')}{of}"


def verdict(found: Evaluation) -> list[Statement]:
    """Say in sentences how good the model is; what flatters comes first."""
    statements = [_seen(found), _used(found), *_no_intervals(found), *_classes(found)]
    for label in LABELS:
        statements += _rating(found, label)
    statements += [*_confidence(found), *_coverage(found), *_groups(found), *uses(found)]
    return [*statements, *(Statement("Note", f"{note[:1].upper()}{note[1:]}.", True) for note in found.notes)]


def _seen(found: Evaluation) -> Statement:
    if found.in_sample:
        words = (
            f"the model was trained on {found.corpus}. These values say how well it knows that corpus, not how good it "
            "is on speech that it has not met."
        )
        return Statement("IN-SAMPLE", words, True)
    if found.in_sample is None:
        words = (
            f"The model does not say on which corpora it was trained: if {found.corpus} is one, these values flatter."
        )
        return Statement("Unknown", words, True)
    return Statement(
        "Unseen", f"By its name, {found.corpus} is none of the corpora that the model was trained on "
        f"({listed(found.sources)})."
    )  # fmt: skip


def _used(found: Evaluation) -> Statement:
    counts = found.counts
    parts = [
        f"{counted(counts['used'], 'utterance')} of {counts['found']:,} used: {spelt_none(counts['classified'])} of "
        f"the classes {listed(found.classes) if found.classes else 'that the model has'}, "
        f"{spelt_none(counts['rated'])} rated."
    ]
    if found.other_emotions:
        each = listed(f"{n:,} {name}" for name, n in found.other_emotions.items())
        parts.append(f"Not scored as classes, since the model has no such class: {each}.")
    absent = [name for name in PROBABILITIES if name in found.utterances and name[2:] not in found.classes]
    if found.classes and absent:
        missing = listed(name[2:] for name in absent)
        parts.append(f"Nobody here is {missing}: the model chooses among the other classes.")
    if counts["unusable"]:
        first = found.unusable.iloc[0]
        parts.append(
            f"{counted(counts['unusable'], 'utterance')} not usable, first {first['file']}: {first['reason']}."
        )
    return Statement("Utterances", " ".join(capital(part) for part in parts))


def _no_intervals(found: Evaluation) -> Iterator[Statement]:
    """Warn where no interval says how much of what follows is these speakers' own."""
    if found.counts["speakers"] < FEWEST_SPEAKERS:
        yield Statement(
            "Speakers", f"{interval_note(found)} With other speakers all of this may turn out otherwise.", True
        )


def _classes(found: Evaluation) -> Iterator[Statement]:
    uar = found.row("uar")
    if uar is None or not is_number(uar.value):
        if recall := _best_and_worst(found):
            words = "All are of one class: nothing says how well it is told from others, and there is no UAR."
            yield Statement("Classes", f"{recall} {words}")
        return
    words = f"UAR {written(uar)} for {found.choice}"
    if (above := found.row("uar", versus=CHANCE)) is not None:
        guess = score(1 / len(found.classes))
        words += f", where chance is {guess}: {_compare(above, 'better than chance', 'worse than chance')}"
    words += f". {_best_and_worst(found)}"
    if (learnt := found.row("uar", versus=WITHIN)) is not None and is_number(learnt.value):
        other = found.row("uar", method=WITHIN)
        words += (
            f" Linear models that learn {found.corpus} itself reach {written(other)} on held-out speakers; "
            f"the model is {_compare(learnt, 'better', 'worse')}."
        )
    yield Statement("Classes", words)


def _best_and_worst(found: Evaluation) -> str:
    recalls = {}
    for name in found.classes:
        row = found.row(f"recall_{name}")
        if row is not None and is_number(row.value):
            recalls[name] = row.value
    if len(recalls) < 2:
        return "".join(f"Recall of {name}: {written(found.row(f'recall_{name}'))}." for name in recalls)
    if len(set(recalls.values())) == 1:
        return f"The recall of each is {score(next(iter(recalls.values())))}."
    best, worst = max(recalls, key=lambda name: recalls[name]), min(recalls, key=lambda name: recalls[name])
    taken = dict(zip(found.classes, found.confusion.loc[[worst]].to_numpy()[0].tolist(), strict=True))
    other = max((name for name in taken if name != worst), key=lambda name: taken[name])
    n, share = taken[other], score(taken[other] / sum(taken.values()))
    wrong = f", most often taken for {other} ({share})" if n else ""
    return f"Best is {best}, recall {score(recalls[best])}; worst {worst}, {score(recalls[worst])}{wrong}."


def _rating(found: Evaluation, label: str) -> Iterator[Statement]:
    error, ccc = found.row("mean_absolute_error", label), found.row("ccc", label)
    if error is None:
        return
    if ccc is None:
        words = f"All ratings are the same, so no CCC; {written(error)} points off on average"
    else:
        words = f"CCC {written(ccc)}; {number(error.value, 2)} points off on average"
    nearer = found.row("mean_absolute_error", label, versus=MEAN_RATING)
    if nearer is not None and is_number(nearer.value):
        mean = found.row("mean_absolute_error", label, method=MEAN_RATING)
        words += f", where the mean rating is {written(mean)} off: {_compare(nearer, 'farther', 'nearer')}"
    words += "."
    bias = found.row("bias", label)
    if bias is not None and is_clear(bias):
        words += f" {abs(bias.value):.2f} points too {'high' if bias.value > 0 else 'low'} on average."
    learnt = found.row("ccc", label, versus=WITHIN)
    if learnt is not None and is_number(learnt.value):
        other = found.row("ccc", label, method=WITHIN)
        words += (
            f" Ridge regression that learns {found.corpus} itself reaches CCC {written(other)} on held-out speakers; "
            f"the model is {_compare(learnt, 'better', 'worse')}."
        )
    yield Statement(label.capitalize(), words)


def _confidence(found: Evaluation) -> Iterator[Statement]:
    error, table = found.row("calibration_error"), found.reliability
    if error is None or not len(table) or len(found.classes) < 2:
        return
    gap = float(np.sum(table["weight"] * (table["confidence"] - table["hits"])))
    sure = "surer than right" if gap > 0 else "less sure than right"
    words = (
        f"Expected calibration error {score(error.value)}: on average the likeliest class has the probability "
        f"{score(np.sum(table['weight'] * table['confidence']))} and is right in "
        f"{score(np.sum(table['weight'] * table['hits']))} of cases, {sure}."
    )
    yield Statement("Probabilities", words)


def _coverage(found: Evaluation) -> Iterator[Statement]:
    parts = []
    for label in LABELS:
        row = found.row("coverage", label)
        if row is not None and is_number(row.value):
            low, high = row.low, row.high
            clear = ": too few" if high < found.level else ": more than meant" if low > found.level else ""
            parts.append(f"{written(row)} of {label}{clear}")
    if parts:
        yield Statement("Intervals", f"Meant for {score(found.level)} of the ratings, they contain {listed(parts)}.")


def _groups(found: Evaluation) -> Iterator[Statement]:
    parts, spread = [], []
    rows = [row for row in found.rows(by="sex") if row.versus]
    for row in rows:
        name = {"uar": "UAR", "mean_absolute_error": f"error of {row.quantity}"}.get(row.measure)
        if name and is_number(row.value):
            clear = "" if is_clear(row) else ", which may be chance"
            parts.append(f"{name} {written(row)}{clear}")
    if parts:
        yield Statement("Sex", f"{capital(rows[0].group)} minus {rows[0].versus}: {'; '.join(parts)}.")
    emotions = found.utterances.groupby("speaker")["emotion"].agg(set)
    has_all = {str(name) for name, own in emotions.items() if set(found.classes) <= own}
    errors = [(label, "mean_absolute_error", f"error of {label}") for label in LABELS]
    for quantity, measure, name in ((found.choice, "uar", "UAR"), *errors):
        those = [row for row in found.rows(by="speaker", measure=measure, quantity=quantity) if row.n >= FEWEST]
        those = [row for row in those if measure != "uar" or row.group in has_all]
        if len(those) > 1:
            least, most = (end(those, key=_value) for end in (min, max))
            ends = f"from {value_text(least)} ({least.group}) to {value_text(most)} ({most.group})"
            spread.append(f"{name} {ends if value_text(least) != value_text(most) else f'{value_text(most)} of each'}")
    if spread:
        yield Statement("Speakers", f"Of those with {FEWEST} utterances or more: {'; '.join(spread)}.")


def _value(row: Row) -> float:
    return row.value


def _compare(row: Row, more: str, less: str) -> str:
    """Say whether a difference is clear, and how large it is."""
    word = more if row.value > 0 else less
    if not is_number(row.low):
        return f"{word} on these utterances ({value_text(row)}), which may be chance"
    size = f"{value_text(row)}, {interval_text(row)}"
    return f"clearly {word} ({size})" if is_clear(row) else f"not clearly {more} or {less} ({size})"


def as_text(found: Evaluation) -> str:
    """Write an evaluation for a terminal: what it says in words, and the tables."""
    words = [
        textwrap.fill(f"{statement.about}: {statement.words}", 100, subsequent_indent="  ")
        for statement in verdict(found)
    ]
    return "\n\n".join([title(found), "\n".join(words), *(table_text(each, N_SHOWN) for each in text_tables(found))])
