"""Scores: what an embedding explains and classifies, with and without each speaker (tables 1, 3 and 4 of the paper).

Conventions:
    * The reading says what was evaluated how. ``held-out``: the test fold of the source. ``zero-shot``: a target, with
      classifiers fitted on the source's training fold alone. ``probe``: a classifier cross-validated by speaker on the
      target's own embedding. ``within``: ridge or a classifier on a corpus' features, trained on its own labels and
      evaluated on held-out speakers. ``supervised``: the same of the metric loss. ``rater``: one rater in the place
      of a model, and the mean of the others in that of the ratings.
    * Classes go by their initials, neutral, sad, happy, angry: ``N-S-H-A``, ``N-S-A``; without neutral ``S-H-A``,
      ``S-A``. Such a set of classes is a *scenario*.

Source: Das et al. 2022, sections 3.2 and 4 "Experiments for evaluation".
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.svm import SVC

from affectmap.features.encoders.features import LikeliestClass
from affectmap.preparation.folds import Fold, folds_of_rows
from affectmap.schema import FOUR_CLASSES, LABELS, Emotion, Floats, Mask, Objects, Rows
from affectmap.stats.intervals import NAN, Interval, LeftOut, Scale, fold_mean, interval, leave_out_sums, left_out
from affectmap.stats.left_out import adjusted_r2_left_out, pairwise_left_out
from affectmap.stats.measures import class_measures, ratio, scenarios
from affectmap.stats.metrics import adjusted_r2, sampled_pairwise_adjusted_r2
from affectmap.stats.sign_flips import SIGNIFICANT, Products, label_products, sign_flip_p_value

#: With more predictors than this, few utterances are fitted so well that neither interval nor test would say much.
MANY_PREDICTORS = 20
#: Up to so many labelled utterances (200 million pairs, some seconds) table 1 takes all pairs, above a sample of them.
EXACT_UTTERANCES = 20_000

RUN_COLUMNS = (
    "table", "method", "corpus", "role", "quantity", "reading", "fold", "seed", "value", "p_value", "n",
)  # fmt: skip
SUMMARY_COLUMNS = (
    "table", "method", "corpus", "role", "quantity", "reading", "mean", "sd", "ci_low", "ci_high", "n_speakers",
    "n_runs", "n", "p_speakers", "significant",
)  # fmt: skip
#: Scales of the intervals, by table; those of other tables are plain.
SCALES: dict[str, Scale] = {
    "1": "explained", "3": "explained", "4": "share", "recall": "share", "precision": "share", "uar by sex": "share",
    "ccc": "correlation", "ccc by sex": "correlation",
}  # fmt: skip


@dataclass(frozen=True, eq=False)
class Embedded:
    """Utterances of one corpus in some space.

    Attributes:
        corpus: Name.
        role: ``source`` or ``target``.
        embedding: ``(N, D)``.
        emotion: ``(N,)``, ``None`` where unknown.
        label: Activation and valence ``(N, 2)``, ``NaN`` where missing.
        speaker: ``(N,)``.
        file: Recordings ``(N,)``.
        row: Numbers of the rows in their corpus, or pool of sources ``(N,)``.
    """

    corpus: str
    role: str
    embedding: Floats
    emotion: Objects
    label: Floats
    speaker: Objects
    file: Objects
    row: Rows

    def rows(self, chosen: npt.NDArray[np.bool_] | npt.NDArray[np.int64]) -> Embedded:
        """Give some of the rows, by number or by mask."""
        names = ("embedding", "emotion", "label", "speaker", "file", "row")
        return replace(self, **{name: getattr(self, name)[chosen] for name in names})


class Key(NamedTuple):
    """What was measured: one cell of a table.

    Attributes:
        table: ``1``, ``3`` or ``4`` as in the paper; ``d`` for the confusions that claim (d) is about.
        method: Method by name.
        corpus: Corpus it is measured on.
        role: ``source`` or ``target``.
        quantity: ``activation``, ``valence``, or the classes, such as ``N-S-H-A``.
        reading: ``held-out``, ``zero-shot``, ``probe``, ``within``, ``supervised`` or ``rater``.
    """

    table: str
    method: str
    corpus: str
    role: str
    quantity: str
    reading: str


class Predicted(NamedTuple):
    """What a value was computed from: predictions of some rows of a corpus, or pool of sources.

    Attributes:
        row: Numbers of the rows ``(N,)``.
        value: Numbers of classes in `FOUR_CLASSES` ``(N,)``, or ratings ``(N, L)``.
    """

    row: Rows
    value: npt.NDArray[np.generic]


class Score(NamedTuple):
    """One value of one fold and seed.

    Attributes:
        key: What was measured.
        fold: Number of the fold, from 1; 0 where the rows of a target's own folds are scored together.
        seed: Seed of the model.
        value: The value; ``NaN`` where it cannot be computed.
        p_value: p-value of the F-test over utterances, where there is one, else ``NaN``.
        n: Utterances (table 1: pairs) it was measured on.
        left_out: The same value without each speaker.
        products: Parts of R² for the test over speakers, where there is one.
        predicted: Predictions that it was computed from, where the embedding is not all that is needed.
    """

    key: Key
    fold: int
    seed: int
    value: float
    p_value: float
    n: int
    left_out: LeftOut
    products: Products | None = None
    predicted: Predicted | None = None


@dataclass(frozen=True, eq=False)
class Run:
    """Which model a score belongs to: method, fold, seed; see `Score`."""

    method: str
    fold: int
    seed: int

    def score(
        self, table: str, on: Embedded, quantity: str, reading: str, n: int, found: LeftOut, p_value: float = NAN,
        products: Products | None = None,
    ) -> Score:  # fmt: skip
        """Label one value that was measured on some utterances; see `Key` and `Score`."""
        key = Key(table, self.method, on.corpus, on.role, quantity, reading)
        return Score(key, self.fold, self.seed, found.value, p_value, n, found, products)


class Scores:
    """A collection of scores; iterating gives its cells in the order in which they came.

    Args:
        scores: Any number.

    Example:
        >>> key = Key("4", "PCA-2", "urdu", "target", "N-S-A", "zero-shot")
        >>> found = [left_out(value, [value] * 3, "abc", [9] * 3) for value in (0.6, 0.7)]
        >>> scores = Scores(Score(key, k, 0, each.value, float("nan"), 27, each) for k, each in enumerate(found, 1))
        >>> round(scores.mean(key), 3), scores.runs()["value"].tolist()
        (0.65, [0.6, 0.7])
        >>> scores.summary()[["mean", "sd"]].round(3).values.tolist()
        [[0.65, 0.071]]
    """

    def __init__(self, scores: Iterable[Score]) -> None:
        self._scores: dict[Key, list[Score]] = {}
        for score in scores:
            self._scores.setdefault(score.key, []).append(score)

    def __contains__(self, key: Key) -> bool:
        return key in self._scores

    def __iter__(self) -> Iterator[Key]:
        return iter(self._scores)

    def single(self) -> Iterator[Score]:
        """Give every single score, cell by cell."""
        return (score for scores in self._scores.values() for score in scores)

    def mean(self, key: Key) -> float:
        """Average a cell over folds and seeds, ``NaN`` values left out."""
        values = np.array([score.value for score in self._scores[key]])
        return float(np.nanmean(values)) if np.isfinite(values).any() else NAN

    def left_out(self, key: Key) -> LeftOut:
        """Average a cell over folds and seeds, with all speakers and without each."""
        return fold_mean([score.left_out for score in self._scores[key]])

    def interval(self, key: Key) -> Interval:
        """Give the mean of a cell with its interval over speakers."""
        return interval(self.left_out(key), SCALES.get(key.table, "plain"))

    def p_value(self, key: Key) -> float:
        """Test the mean R² of a cell over speakers; ``NaN`` where there is no such test."""
        products = [score.products for score in self._scores[key] if score.products is not None]
        return sign_flip_p_value(products) if products else NAN

    def runs(self) -> pd.DataFrame:
        """Every single value, one row each, columns `RUN_COLUMNS`."""
        rows = [(*score.key, score.fold, score.seed, score.value, score.p_value, score.n) for score in self.single()]
        return pd.DataFrame(rows, columns=list(RUN_COLUMNS))

    def summary(self) -> pd.DataFrame:
        """One row a cell, columns `SUMMARY_COLUMNS`.

        ``sd`` is over folds and seeds, with divisor n − 1; ``ci_low`` and ``ci_high`` bound the 95 % interval over
        ``n_speakers`` speakers; ``n`` is the mean number of utterances of a fold. ``p_speakers`` is the p-value of the
        test over speakers (`affectmap.stats.sign_flips`), and a cell is ``significant`` where it is below .05; both are
        missing where there is no test.
        """
        rows = []
        for key, scores in self._scores.items():
            values = np.array([score.value for score in scores])
            finite = values[np.isfinite(values)]
            sd = float(finite.std(ddof=1)) if len(finite) > 1 else NAN
            mean, low, high, n_speakers = self.interval(key)
            p_value = self.p_value(key)
            significant = None if np.isnan(p_value) else p_value < SIGNIFICANT
            n = round(float(np.mean([score.n for score in scores])))
            rows.append((*key, mean, sd, low, high, n_speakers, len(scores), n, p_value, significant))
        return pd.DataFrame(rows, columns=list(SUMMARY_COLUMNS))


def pairwise_scores(run: Run, held_out: Embedded) -> Iterator[Score]:
    """Table 1: adjusted R² of d_z = a + b d_y over all pairs of a test fold, for activation and for valence.

    Three utterances must be labelled. There is no p-value: pairs that share an utterance depend on each other, and the
    F-test of so many would call everything significant. Above `EXACT_UTTERANCES` labelled utterances the value is that
    of a sample of pairs, and the interval comes from so many utterances drawn at random.
    """
    for column, name in enumerate(LABELS):
        label = held_out.label[:, column]
        if np.isfinite(label).sum() < 3:
            continue
        known = np.flatnonzero(np.isfinite(label))
        some, n = known, len(known) * (len(known) - 1) // 2
        if len(known) > EXACT_UTTERANCES:
            # The same utterances for every model, so that differences between models stay paired.
            some = np.sort(np.random.default_rng(0).choice(known, EXACT_UTTERANCES, replace=False))
        found = pairwise_left_out(held_out.embedding[some], label[some], held_out.speaker[some], held_out.corpus)
        if len(known) > EXACT_UTTERANCES:
            value, _, _, n = sampled_pairwise_adjusted_r2(held_out.embedding, label)
            found = found.moved_to(value)
        yield run.score("1", held_out, name, "held-out", n, found)


def label_scores(run: Run, on: Embedded, reading: str) -> Iterator[Score]:
    """Table 3: adjusted R² of label = b₀ + b·z with the p-value of its F-test, for activation and for valence.

    More than twice as many utterances must be labelled as the regression has coefficients.
    """
    for column, name in enumerate(LABELS):
        label = on.label[:, column]
        if np.isfinite(label).sum() <= 2 * (on.embedding.shape[1] + 1):
            continue
        fit = adjusted_r2(label, on.embedding)
        if on.embedding.shape[1] > MANY_PREDICTORS:
            names = np.unique(on.speaker[np.isfinite(label)].astype(str))
            found = left_out(fit.adjusted_r2, np.full(len(names), NAN), names.tolist(), np.ones(len(names)), on.corpus)
            yield run.score("3", on, name, reading, fit.n, found, fit.p_value)
        else:
            found = adjusted_r2_left_out(label, on.embedding, on.speaker, on.corpus)
            products = label_products(label, on.embedding, on.speaker, on.corpus)
            yield run.score("3", on, name, reading, fit.n, found, fit.p_value, products)


def linear_svc(c: float) -> SVC:
    """Make the paper's classifier, unfitted: a linear support vector machine with penalty c > 0, classes balanced."""
    return SVC(kernel="linear", C=c, class_weight="balanced")


class SourceClassifiers:
    """Linear classifiers fitted on the source's training fold in an embedding, each set of classes once."""

    def __init__(self, train: Embedded, c: float) -> None:
        self.train, self.c = train, c
        self._fitted: dict[tuple[Emotion, ...], SVC] = {}

    @property
    def emotion(self) -> Objects:
        """Emotions that it can tell apart."""
        return self.train.emotion

    def predict(self, classes: tuple[Emotion, ...], embedding: Floats) -> Objects:
        """Classify rows ``(N, D)`` among two classes or more; training rows of others take no part."""
        if classes not in self._fitted:
            rows = self.train.rows(_among(self.train.emotion, classes))
            self._fitted[classes] = linear_svc(self.c).fit(rows.embedding, rows.emotion.astype(str))
        prediction: Objects = self._fitted[classes].predict(embedding).astype(object)
        return prediction


def class_scores(
    run: Run,
    classifiers: SourceClassifiers | LikeliestClass,
    on: Embedded,
    reading: str,
    *,
    corpus_emotion: Objects | None = None,
) -> Iterator[Score]:
    """Table 4: UAR of classifiers from the source, one value a scenario; and the confusions of claim (d).

    The emotions of `on`, or for a fold those of its whole corpus, decide which classes take part.
    """
    present = on.emotion if corpus_emotion is None else corpus_emotion
    for name, classes in scenarios(classifiers.emotion, present).items():
        rows = on.rows(_among(on.emotion, classes))
        if len(set(rows.emotion)) < 2:
            continue
        truth, prediction = rows.emotion.astype(str), classifiers.predict(classes, rows.embedding).astype(str)
        score = run.score("4", on, name, reading, len(truth), _uar(truth, prediction, rows))
        yield score._replace(predicted=_numbered(rows.row, prediction))
        if {Emotion.HAPPY, Emotion.ANGRY} <= set(classes) and len(classes) > 2:
            yield from _confusion(run, rows, truth, prediction, len(classes), reading)


def _confusion(
    run: Run, rows: Embedded, truth: npt.NDArray[np.str_], prediction: npt.NDArray[np.str_], n_classes: int,
    reading: str,
) -> Iterator[Score]:  # fmt: skip
    """Share of the wrongly classified happy and angry that are taken for each other, above what even errors give."""
    pair = np.isin(truth, ["happy", "angry"])
    wrong = pair & (truth != prediction)
    swapped = wrong & np.isin(prediction, ["happy", "angry"])
    if not wrong.any():
        return
    sums, even = np.stack([wrong, swapped], axis=1), 1 / (n_classes - 1)
    found = leave_out_sums(sums, lambda totals: ratio(totals[:, 1], totals[:, 0]) - even, rows.speaker, rows.corpus)
    yield run.score("d", rows, "happy-angry confusion", reading, int(wrong.sum()), found)


def _uar(truth: npt.NDArray[np.str_], prediction: npt.NDArray[np.str_], rows: Embedded) -> LeftOut:
    measure = class_measures(truth, prediction, sorted(set(truth)))["uar"]
    return leave_out_sums(measure.sums, measure.quantity, rows.speaker, rows.corpus)


def cross_validated_scores(
    run: Run,
    on: Embedded,
    reading: str,
    c: float,
    *,
    folds: Sequence[Fold] | None = None,
    n_folds: int = 5,
    seed: int = 0,
    source_emotion: Objects | None = None,
) -> Iterator[Score]:
    """Table 4, ``probe`` and ``within``: UAR of a classifier cross-validated by speaker on a corpus' own labels.

    Each set of classes is split anew, unless `folds` of the rows of `on` are given, of which those with the classes
    take part. There are fewer folds where there are fewer speakers, or utterances of any emotion, and no score below
    two. Where the source lacks a class, the classes shared with it are scored, too, to be compared with the zero-shot
    value.
    """
    shared = {} if source_emotion is None else scenarios(source_emotion, on.emotion)
    for name, classes in (scenarios(on.emotion) | shared).items():
        among = _among(on.emotion, classes)
        rows = np.flatnonzero(among)
        split = folds_of_rows(on.speaker, on.emotion, rows, n_folds, seed) if folds is None else folds
        prediction = _cross_predicted(on, among, split, c)
        predicted = prediction != ""
        truth = on.emotion[predicted].astype(str)
        if len(set(truth)) < 2:
            continue
        score = run.score("4", on, name, reading, len(truth), _uar(truth, prediction[predicted], on.rows(predicted)))
        yield score._replace(predicted=_numbered(on.row[predicted], prediction[predicted]))


def _numbered(row: Rows, prediction: npt.NDArray[np.str_]) -> Predicted:
    """Keep predicted classes by their number, a byte each."""
    names = np.array([str(emotion) for emotion in FOUR_CLASSES])
    order = np.argsort(names)
    return Predicted(row, order[np.searchsorted(names, prediction, sorter=order)].astype(np.int8))


def _cross_predicted(on: Embedded, among: Mask, folds: Sequence[Fold], c: float) -> npt.NDArray[np.str_]:
    """Predict the class of some rows from the training rows of their fold; empty where that cannot be done."""
    prediction = np.full(len(among), "", dtype="U16")
    for fold in folds:
        train, test = fold.train[among[fold.train]], fold.test[among[fold.test]]
        emotion = on.emotion[train].astype(str)
        if len(set(emotion)) > 1 and len(test):
            prediction[test] = linear_svc(c).fit(on.embedding[train], emotion).predict(on.embedding[test])
    return prediction


def _among(emotion: Objects, classes: Sequence[Emotion]) -> Mask:
    names = {str(each) for each in classes}
    return np.array([each is not None and str(each) in names for each in emotion], dtype=bool)
