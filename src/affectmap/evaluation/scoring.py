"""How good a ready model is on a labelled corpus: every measure, for all, by speaker and by sex, against baselines.

Conventions:
    * ``value`` is that of all utterances at once. Its interval is one over speakers (`affectmap.stats.intervals`).
    * A row with a ``versus`` is the difference of ``method`` (or ``group``) and that, paired by utterance.
    * The class is the likeliest among the classes that model and corpus share; a choice among all of the model's has a
      row of its own where the corpus lacks one.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, fields
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pandas as pd

from affectmap.corpora import Corpus, load_corpus
from affectmap.errors import ConfigError, LabelError
from affectmap.evaluation.baselines import CHANCE, MEAN_RATING, WITHIN, mean_ratings, within_corpus
from affectmap.evaluation.predictions import Adapt, Predictions, columns_for, predict, sources_of, trained_on
from affectmap.model.model import Model, load_model
from affectmap.schema import LABEL_RANGE, LABELS, Floats, Objects
from affectmap.stats.intervals import Interval, Scale
from affectmap.stats.measures import (
    Measure,
    calibration_error,
    class_measures,
    confusion,
    initials,
    interval_measures,
    over_speakers,
    rating_measures,
    reliability,
)
from affectmap.text import counted, is_number

if TYPE_CHECKING:
    from affectmap.evaluation.use import Raters
    from affectmap.features.recordings import RecordingCache

MODEL = "model"
#: What is compared with baselines, and between groups.
_COMPARED = ("uar", "ccc", "r2", "mean_absolute_error")
#: Bins overlap with chance alone, the more the fewer utterances are in them: leaving speakers out says nothing of that.
_NO_INTERVAL = ("calibration_error",)


class Row(NamedTuple):
    """One value.

    Attributes:
        by: ``all``, ``speaker`` or ``sex``.
        group: Which of these; empty for all.
        quantity: ``activation``, ``valence``, or classes by their initials.
        measure: Such as ``uar`` (`affectmap.stats.measures`).
        method: `MODEL` or a baseline.
        versus: What it is compared with; empty where the row is no difference.
        value: The value.
        low: Lower end of its interval over speakers; ``NaN`` where it has none.
        high: Upper end.
        n: Utterances that take part.
        n_speakers: Speakers of these; 0 where they are not known, or there is no interval.
    """

    by: str
    group: str
    quantity: str
    measure: str
    method: str
    versus: str
    value: float
    low: float
    high: float
    n: int
    n_speakers: int


@dataclass(frozen=True, eq=False)
class Evaluation:
    """How good a model is on a corpus.

    Attributes:
        model: Name of the model.
        corpus: Name of the corpus for people.
        adapt: ``alone``, ``corpus``, ``listen`` or ``speaker``: how the model was adapted.
        in_sample: Whether the model was trained on the corpus, as far as names tell; ``None`` where it does not say.
        sources: Names of the corpora that the model was trained on.
        counts: Utterances: ``found``, ``unusable``, ``used``, ``classified`` (of one of `classes`), ``rated``, and
            ``speakers`` (0 where any is unknown).
        classes: Classes that were chosen among.
        other_emotions: Utterances of each emotion that is none of these.
        level: Share of ratings that the model's intervals are meant to contain; ``NaN`` where it has none.
        values: All values.
        confusion: Counts: one row an emotion, one column a class of the model.
        reliability: Confidence and hits by bin (`affectmap.stats.measures.reliability`).
        utterances: One row an utterance (`affectmap.utterances`).
        unusable: ``file`` and ``reason``.
        notes: What has to be known beside.
        raters: How far those who rated a label agree, where raw ratings of several people were given.
    """

    model: str
    corpus: str
    adapt: Adapt
    in_sample: bool | None
    sources: tuple[str, ...]
    counts: dict[str, int]
    classes: tuple[str, ...]
    other_emotions: dict[str, int]
    level: float
    values: tuple[Row, ...]
    confusion: pd.DataFrame
    reliability: pd.DataFrame
    utterances: pd.DataFrame
    unusable: pd.DataFrame
    notes: tuple[str, ...]
    raters: Mapping[str, Raters] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """Give all but the utterances as JSON has it: a missing number is ``None``."""
        plain = {each.name: getattr(self, each.name) for each in fields(self)}
        del plain["utterances"], plain["values"]
        plain |= {name: list(plain[name]) for name in ("sources", "classes", "notes")} | {"level": _or_none(self.level)}
        plain["raters"] = {label: one.as_dict() for label, one in self.raters.items()}
        plain["confusion"] = {str(name): row.to_dict() for name, row in self.confusion.iterrows()}
        return plain | {name: _records(getattr(self, name)) for name in ("measures", "reliability", "unusable")}

    @property
    def choice(self) -> str:
        """The classes by their initials, such as ``N-S-H-A``."""
        return initials(self.classes)

    @cached_property
    def measures(self) -> pd.DataFrame:
        """All values as a table, columns as in `Row`."""
        return pd.DataFrame(self.values, columns=list(Row._fields))

    def rows(self, **where: str) -> list[Row]:
        """Give the values in which fields have some values, such as ``by="sex"``."""
        return [row for row in self.values if all(getattr(row, name) == value for name, value in where.items())]

    def row(self, measure: str, quantity: str | None = None, *, method: str = MODEL, versus: str = "") -> Row | None:
        """Give a value of all utterances, ``None`` if there is none; by default of `classes`."""
        quantity = self.choice if quantity is None else quantity
        found = self.rows(by="all", measure=measure, quantity=quantity, method=method, versus=versus)
        return found[0] if found else None

    def __str__(self) -> str:
        """Say in words and tables how good the model is."""
        from affectmap.evaluation.verdict import as_text

        return as_text(self)


def score(
    model: Model | str | Path | None,
    corpus: Corpus | str,
    *,
    adapt: Adapt = "alone",
    labels: str | Path | None = None,
    cache: RecordingCache | None = None,
    n_jobs: int | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Evaluation:
    """Tell how good a model is on a labelled corpus.

    Args:
        model: The model, or its folder; ``None`` for the one that comes with the package.
        corpus: The corpus, or what names it (`affectmap.corpora`), such as ``emodb=DIR`` or ``table:NAME=FILE``.
        adapt: Whose statistics normalise the features: ``alone``, the model's own, one recording at a time; ``corpus``,
            those of all its recordings, without labels; ``listen``, these, and classes learned from them without
            labels; ``speaker``, each speaker's own.
        labels: Folder of label sheets, where `corpus` is text.
        cache: What was measured before; by default nothing is looked up, and nothing kept.
        n_jobs: Threads; one a core by default.
        progress: Called with the numbers of utterances measured and in total.

    Returns:
        All measures, tables and the utterances; printed, it says so in words.

    Raises:
        ConfigError: If the model predicts neither ratings nor classes.
        LabelError: If no usable utterance has a label that the model predicts.
        AffectmapError: If the corpus cannot be read or used, or does not fit the model.

    Example:
        >>> table = pets.table.assign(activation=[1.0, 4.0, 2.0, 5.0], speaker=["a", "a", "b", "b"])
        >>> brought = pd.DataFrame(pets.functionals, table.index, load_model().inputs)
        >>> found = score(None, Corpus("pets", table, functionals=brought))
        >>> found.choice, found.counts["rated"], found.in_sample
        ('S-A', 4, False)
    """
    ready = model if isinstance(model, Model) else load_model(model)
    if not ready.heads.labels and not ready.heads.classes:
        raise ConfigError(
            f"{ready.name} gives an embedding alone, no rating and no class that labels could be compared with; "
            "affectmap train makes models that do"
        )
    found = load_corpus(corpus, labels, features=columns_for(ready)) if isinstance(corpus, str) else corpus
    predictions = predict(ready, found, adapt, cache=cache, n_jobs=n_jobs, progress=progress)
    table, classes = predictions.utterances, predictions.classes
    emotion = table["emotion"].to_numpy(dtype=object)
    classified, rated = np.isin(emotion, classes), table[list(ready.heads.labels)].notna().any(axis=1)
    if not classified.any() and not rated.any():
        outputs = ", ".join([*ready.heads.labels, *ready.heads.classes])
        raise LabelError(
            f"{found.name}: none of {len(table)} usable utterances has a label that {ready.name} predicts ({outputs}); "
            "give labels, as with --labels DIR, or emotions in the table"
        )
    dropped = [(each.file, each.detail) for each in found.findings if each.dropped]
    unusable = [*dropped, *predictions.unusable.itertuples(index=False, name=None)]
    others = sorted({str(name) for name in emotion[~classified] if name is not None})
    rows, why = _measured(predictions, ready)
    told = [each.detail for each in found.findings if each.kind in ("unlabelled", "note") and not each.file]
    again = sum(each.kind == "note" and bool(each.file) for each in found.findings)
    told += [f"{counted(again, 'row')} named again with the same values, and counted once"] if again else []
    within = [f"no {WITHIN}: {why}"] if why else []
    counts = {
        "found": len(table) + len(unusable), "unusable": len(unusable), "used": len(table),
        "classified": int(classified.sum()), "rated": int(rated.sum()),
        "speakers": 0 if predictions.speaker is None else len(set(predictions.speaker)),
    }  # fmt: skip
    predicted = table[initials(classes)] if classes else np.full(len(table), None)
    return Evaluation(
        model=ready.name,
        corpus=predictions.corpus,
        adapt=adapt,
        in_sample=trained_on(ready, found),
        sources=tuple(sources_of(ready)),
        counts=counts,
        classes=classes,
        other_emotions={name: int(np.sum(emotion == name)) for name in others},
        level=float(ready.metadata.get("intervals", {}).get("level", np.nan)),
        values=tuple(rows),
        confusion=confusion(emotion, predicted, [*classes, *others])[list(classes)],
        reliability=reliability(emotion, _probabilities(table, classes), classes),
        utterances=table,
        unusable=pd.DataFrame(unusable, columns=["file", "reason"]),
        notes=(*predictions.notes, *told, *within),
    )


def _measured(predictions: Predictions, model: Model) -> tuple[list[Row], str]:
    """Give the rows of the measures, and why there are none of models within the corpus, or empty."""
    table, speaker, classes = predictions.utterances, predictions.speaker, predictions.classes
    label = table[list(LABELS)].to_numpy(dtype=np.float64)
    learnt, chosen, why = within_corpus(predictions, {initials(classes): classes} if len(classes) > 1 else {})
    averages = mean_ratings(label, speaker)
    rows = list(_class_rows(predictions, chosen, speaker)) if classes else []
    for column, name in enumerate(LABELS):
        if name not in model.heads.labels or not np.isfinite(label[:, column]).any():
            continue
        predicted = table[f"predicted_{name}"].to_numpy(dtype=np.float64)
        own = rating_measures(label[:, column], predicted)
        intervals = {}
        if f"{name}_low" in table:
            intervals = interval_measures(label[:, column], table[f"{name}_low"], table[f"{name}_high"])
        # Where all ratings are the same nothing is told apart, and a constant is never wrong.
        told_apart = is_number(own["r2"].value)
        whole = own if told_apart else {each: own[each] for each in own if each not in ("ccc", "r2", "pearson")}
        rows += _rows(name, whole | intervals, speaker)
        rows += _by_groups(name, own, predictions)
        if not told_apart:
            continue
        for method, values in ((MEAN_RATING, averages[:, column]), (WITHIN, learnt[:, column])):
            if np.isfinite(values[np.isfinite(label[:, column])]).any():
                other = rating_measures(label[:, column], values)
                if method == MEAN_RATING:  # it differs by who is left out alone: a correlation would say nothing
                    del other["pearson"]
                rows += _compared(name, method, own, other, speaker)
    return rows, why


def _class_rows(predictions: Predictions, chosen: Mapping[str, Objects], speaker: Objects | None) -> Iterator[Row]:
    table, classes = predictions.utterances, predictions.classes
    emotion, main = table["emotion"].to_numpy(dtype=object), initials(classes)
    own = class_measures(emotion, table[main], classes)
    one_class = len({*emotion} & {*classes}) < 2
    yield from _rows(main, {name: each for name, each in own.items() if not one_class or name != "uar"}, speaker)
    yield from _rows(
        main, {"calibration_error": calibration_error(emotion, _probabilities(table, classes), classes)}, speaker
    )
    if not one_class:
        guess = 1 / len(classes)
        yield _row(main, "uar", Interval(guess, np.nan, np.nan, 0), 0, method=CHANCE)
        uar = over_speakers(own["uar"], speaker, "share")
        above = uar._replace(value=uar.value - guess, low=uar.low - guess, high=uar.high - guess)
        yield _row(main, "uar", above, own["uar"].n_rows, versus=CHANCE)
    for other, each in predictions.choices.items():
        if other != main and not one_class:
            found = class_measures(emotion, table[other], each)
            yield from _rows(other, {name: found[name] for name in ("uar", "accuracy")}, speaker)
    yield from _by_groups(main, own, predictions)
    for prediction in chosen.values():
        learnt = np.array([each is not None for each in prediction])
        if learnt.any():
            of_these = {name: each.rows(learnt) for name, each in class_measures(emotion, prediction, classes).items()}
            yield from _compared(main, WITHIN, own, of_these, speaker)


def _probabilities(table: pd.DataFrame, classes: tuple[str, ...]) -> Floats:
    """Give the probabilities of some classes (N, C), which sum to 1 without the others."""
    chances = table[[f"p_{name}" for name in classes]].to_numpy(dtype=np.float64)
    return np.asarray(chances / chances.sum(axis=1, keepdims=True)) if classes else chances


def _rows(quantity: str, measures: Mapping[str, Measure], speaker: Objects | None, **key: str) -> Iterator[Row]:
    for name, measure in measures.items():
        known = None if name in _NO_INTERVAL else speaker
        found = over_speakers(measure, known, "plain" if key.get("versus") else _scale(name))
        yield _row(quantity, name, found, measure.n_rows, **key)


def _compared(
    quantity: str, method: str, own: Mapping[str, Measure], other: Mapping[str, Measure], speaker: Objects | None
) -> Iterator[Row]:
    """Give a baseline's values, and by how much the model differs on the utterances that both predict."""
    yield from _rows(quantity, other, speaker, method=method)
    own = {name: each.rows(other[name].counted) for name, each in own.items() if name in other}
    yield from _rows(quantity, _differences(own, other), speaker, versus=method)


def _differences(one: Mapping[str, Measure], other: Mapping[str, Measure]) -> dict[str, Measure]:
    return {name: one[name].minus(other[name]) for name in _COMPARED if name in one}


def _by_groups(quantity: str, measures: Mapping[str, Measure], predictions: Predictions) -> Iterator[Row]:
    """Give values by speaker, and by sex with intervals and the difference of women and men."""
    table, speaker = predictions.utterances, predictions.speaker
    for name in sorted(set(table["speaker"].dropna())):
        own = (table["speaker"] == name).to_numpy()
        those = {key: Measure(each.sums[own], each.quantity) for key, each in measures.items()}
        none = _empty_of(those)
        there = {key: each for key, each in those.items() if each.n_rows and key not in none}
        yield from _rows(quantity, there, None, by="speaker", group=name)
    sexes = {}
    for name in sorted(set(table["sex"].dropna())):
        sexes[name] = {key: each.rows((table["sex"] == name).to_numpy()) for key, each in measures.items()}
        none = _empty_of(sexes[name])
        there = {key: each for key, each in sexes[name].items() if each.n_rows and key not in none}
        yield from _rows(quantity, there, speaker, by="sex", group=name)
    if len(sexes) == 2:
        (one, of_one), (other, of_other) = sexes.items()
        compared = {
            name: measure
            for name, measure in _differences(of_one, of_other).items()
            if of_one[name].n_rows and of_other[name].n_rows and name not in _empty_of(of_one) + _empty_of(of_other)
        }
        yield from _rows(quantity, compared, speaker, by="sex", group=one, versus=other)


def _empty_of(measures: Mapping[str, Measure]) -> tuple[str, ...]:
    """Name what says nothing of a group that has one class, or whose ratings are all the same."""
    if "uar" in measures:
        n_classes = sum(each.n_rows > 0 for name, each in measures.items() if name.startswith("recall_"))
        return ("uar",) if n_classes < 2 else ()
    return ("ccc", "pearson") if np.isnan(measures["r2"].value) else ()


def _row(
    quantity: str, measure: str, found: Interval, n: int, *, by: str = "all", group: str = "", method: str = MODEL,
    versus: str = "",
) -> Row:  # fmt: skip
    least, most = _bounds(measure, is_difference=bool(versus))
    return Row(
        by, group, quantity, measure, method, versus, found.value, max(found.low, least),
        min(found.high, most), n,
        found.n_speakers,
    )  # fmt: skip


def _bounds(measure: str, *, is_difference: bool) -> tuple[float, float]:
    """Give the least and the largest value that there can be, for the ends of an interval."""
    low, high = LABEL_RANGE
    if measure == "r2":
        return -np.inf, np.inf if is_difference else 1.0
    width = {"share": 1.0, "correlation": 2.0, "plain": high - low}[_scale(measure)]
    if is_difference or measure == "bias":
        return -width, width
    return (-1.0, 1.0) if _scale(measure) == "correlation" else (0.0, width)


def _scale(measure: str) -> Scale:
    if measure in ("uar", "accuracy", "coverage") or measure.startswith(("recall_", "precision_")):
        return "share"
    return "correlation" if measure in ("ccc", "pearson") else "plain"


def _records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    return [{str(name): _or_none(cell) for name, cell in row.items()} for row in frame.to_dict("records")]


def _or_none(cell: Any) -> Any:  # noqa: ANN401 (a cell of any kind)
    return None if isinstance(cell, float) and not math.isfinite(cell) else cell
