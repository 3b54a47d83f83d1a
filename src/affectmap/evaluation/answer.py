"""How good a model is on a corpus, in one sentence."""

from __future__ import annotations

from affectmap.evaluation.baselines import CHANCE, MEAN_RATING
from affectmap.evaluation.scoring import Evaluation, Row
from affectmap.evaluation.tables import is_clear, value_text
from affectmap.schema import LABELS
from affectmap.text import is_number, listed, score


def answer(found: Evaluation) -> str:
    """Say in one sentence how well the model tells ratings and emotions, beside what needs no model.

    Ratings are told better where they are nearer than the corpus' mean rating, emotions where they are recognised more
    often than by chance; surely where the whole interval over speakers says so.
    """
    parts = [words for label in LABELS if (words := _rating(found, label))]
    uar = found.row("uar")
    if uar is not None and is_number(uar.value):
        how = _compared(found.row("uar", versus=CHANCE), better=1)
        parts.append(f"emotions {how} than chance (UAR {value_text(uar)}, chance {score(1 / len(found.classes))})")
    if not parts:
        return f"On {found.corpus} nothing says how good {found.model} is: it has neither ratings nor several classes."
    trained = {True: ", on which it was trained,", None: ", which may be in its training,", False: ""}[found.in_sample]
    return f"On {found.corpus}{trained} {found.model} tells {listed(parts)}."


def _rating(found: Evaluation, label: str) -> str:
    error, ccc = found.row("mean_absolute_error", label), found.row("ccc", label)
    if error is None or not is_number(error.value):
        return ""
    how = _compared(found.row("mean_absolute_error", label, versus=MEAN_RATING), better=-1)
    measured = f"CCC {value_text(ccc)}, " if ccc is not None and is_number(ccc.value) else ""
    return f"{label} {how} than the mean rating would ({measured}{value_text(error)} points off)"


def _compared(row: Row | None, better: int) -> str:
    """Say whether a difference from a baseline is clear, and which way."""
    if row is None or not is_number(row.value) or not is_clear(row):
        return "not surely better"
    return "better" if row.value * better > 0 else "worse"
