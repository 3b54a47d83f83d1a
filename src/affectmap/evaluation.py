"""Tables 1, 3 and 4 of the paper, on anything that places utterances in a space.

Conventions:
    * ``held-out``: the test fold of the source. ``zero-shot``: a target; classifiers are fitted on the source's
      training fold alone. ``probe``: a classifier cross-validated by speaker on the target's own embedding.
      ``within``: cross-validated by speaker on a corpus' 88 functionals, the upper bound. ``supervised``: the loss
      was trained on the target's own labels.
    * Classes go by their initials, neutral, sad, happy, angry: ``N-S-H-A``, ``N-S-A``; without neutral ``S-H-A``,
      ``S-A``.

Source: Das et al. 2022, sections 3.2 and 4 "Experiments for evaluation".
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from sklearn.svm import SVC

from affectmap.bootstrap import SpeakerBootstrap
from affectmap.folds import speaker_folds
from affectmap.metrics import adjusted_r2, pairwise_adjusted_r2, uar
from affectmap.schema import FOUR_CLASSES, LABELS, THREE_CLASSES, Emotion
from affectmap.scores import Key, Score

Floats = npt.NDArray[np.float64]
Objects = npt.NDArray[np.object_]

NAN = float("nan")


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
    """

    corpus: str
    role: str
    embedding: Floats
    emotion: Objects
    label: Floats
    speaker: Objects
    file: Objects

    def rows(self, chosen: npt.NDArray[np.bool_] | npt.NDArray[np.int64]) -> Embedded:
        """Give some of the rows."""
        return Embedded(
            self.corpus,
            self.role,
            self.embedding[chosen],
            self.emotion[chosen],
            self.label[chosen],
            self.speaker[chosen],
            self.file[chosen],
        )


@dataclass(frozen=True, eq=False)
class Run:
    """Which model a score belongs to, and the resamples that its interval comes from.

    Attributes:
        method: Name of the method.
        fold: Number of the fold, from 1.
        seed: Seed of the model.
        bootstraps: One a corpus.
    """

    method: str
    fold: int
    seed: int
    bootstraps: dict[str, SpeakerBootstrap]

    def score(
        self, table: str, on: Embedded, quantity: str, reading: str, value: float, n: int, resamples: Floats,
        p_value: float = NAN,
    ) -> Score:  # fmt: skip
        """Label one value."""
        key = Key(table, self.method, on.corpus, on.role, quantity, reading)
        return Score(key, self.fold, self.seed, value, p_value, n, resamples)


def scenarios(*emotions: npt.ArrayLike) -> dict[str, tuple[Emotion, ...]]:
    """Say which classes can be told apart in all of several sets of utterances.

    Args:
        emotions: Emotions of each set.

    Returns:
        Classes by the name of the scenario: the four and the three of the paper, as far as every set has them;
        scenarios with fewer than two classes are left out.

    Example:
        >>> {name: len(classes) for name, classes in scenarios(["sad", "happy", "angry", "fear"]).items()}
        {'S-H-A': 3, 'S-A': 2}
    """
    present = set.intersection(*({str(e) for e in np.asarray(each, dtype=object)} for each in emotions))
    found = {}
    for classes in (FOUR_CLASSES, THREE_CLASSES):
        common = tuple(emotion for emotion in classes if str(emotion) in present)
        if len(common) > 1:
            found["-".join(str(emotion)[0].upper() for emotion in common)] = common
    return found


def linear_svc(c: float) -> SVC:
    """Give the paper's classifier: a support vector machine with a linear kernel, classes weighted evenly.

    Args:
        c: Penalty of errors, > 0.
    """
    return SVC(kernel="linear", C=c, class_weight="balanced")


def pairwise_scores(run: Run, held_out: Embedded) -> Iterator[Score]:
    """Table 1: how much of the distances in the embedding the distances between labels explain.

    Args:
        run: Model and resamples.
        held_out: Test fold of the source.

    Yields:
        Adjusted R² of d_z = a + b d_y over all pairs, for activation and for valence, where labels exist.
    """
    bootstrap = run.bootstraps[held_out.corpus]
    for column, name in enumerate(LABELS):
        label = held_out.label[:, column]
        if np.isfinite(label).sum() < 3:
            continue
        fit = pairwise_adjusted_r2(held_out.embedding, label)
        resamples = bootstrap.pairwise_adjusted_r2(held_out.embedding, label, held_out.speaker)
        yield run.score("1", held_out, name, "held-out", fit.adjusted_r2, fit.n, resamples, fit.p_value)


def label_scores(run: Run, on: Embedded, reading: str) -> Iterator[Score]:
    """Table 3: how much of the labels the embedding explains, linearly.

    Args:
        run: Model and resamples.
        on: Utterances of a corpus.
        reading: ``held-out``, ``zero-shot``, ``within`` or ``supervised``.

    Yields:
        Adjusted R² of label = b₀ + b·z with the p-value of its F-test, for activation and for valence, where more
        than twice as many utterances are labelled as the embedding has dimensions.
    """
    for column, name in enumerate(LABELS):
        label = on.label[:, column]
        if np.isfinite(label).sum() <= 2 * (on.embedding.shape[1] + 1):
            continue
        fit = adjusted_r2(label, on.embedding)
        resamples = run.bootstraps[on.corpus].adjusted_r2(label, on.embedding, on.speaker)
        yield run.score("3", on, name, reading, fit.adjusted_r2, fit.n, resamples, fit.p_value)


class SourceClassifiers:
    """Linear classifiers fitted on the source's training fold, each set of classes once.

    Args:
        train: Training fold in the embedding.
        c: The classifier's penalty.
    """

    def __init__(self, train: Embedded, c: float) -> None:
        self.train, self.c = train, c
        self._fitted: dict[tuple[Emotion, ...], SVC] = {}

    def predict(self, classes: tuple[Emotion, ...], embedding: Floats) -> Objects:
        """Classify rows ``(N, D)`` among some classes."""
        if classes not in self._fitted:
            rows = self.train.rows(_among(self.train.emotion, classes))
            self._fitted[classes] = linear_svc(self.c).fit(rows.embedding, rows.emotion.astype(str))
        prediction: Objects = self._fitted[classes].predict(embedding).astype(object)
        return prediction


def class_scores(
    run: Run,
    classifiers: SourceClassifiers,
    on: Embedded,
    reading: str,
    *,
    corpus_emotion: Objects | None = None,
) -> Iterator[Score]:
    """Table 4: unweighted average recall of classifiers from the source.

    Args:
        run: Model and resamples.
        classifiers: Fitted on the source's training fold.
        on: The source's test fold, or evaluated utterances of a target.
        reading: ``held-out`` or ``zero-shot``.
        corpus_emotion: Emotions that decide which classes take part; those of `on` by default. For a fold: those
            of the whole corpus.

    Yields:
        UAR (balanced accuracy), one value a scenario; and the share of happy-angry confusions for claim (d).
    """
    present = on.emotion if corpus_emotion is None else corpus_emotion
    for name, classes in scenarios(classifiers.train.emotion, present).items():
        rows = on.rows(_among(on.emotion, classes))
        if len(set(rows.emotion)) < 2:
            continue
        truth, prediction = rows.emotion.astype(str), classifiers.predict(classes, rows.embedding).astype(str)
        resamples = run.bootstraps[on.corpus].uar(truth, prediction, rows.speaker)
        yield run.score("4", on, name, reading, uar(truth, prediction), len(truth), resamples)
        if {Emotion.HAPPY, Emotion.ANGRY} <= set(classes) and len(classes) > 2:
            yield from _confusion(run, rows, truth, prediction, len(classes), reading)


def _confusion(
    run: Run,
    rows: Embedded,
    truth: npt.NDArray[np.str_],
    prediction: npt.NDArray[np.str_],
    n_classes: int,
    reading: str,
) -> Iterator[Score]:
    """Of the wrongly classified happy and angry: the share taken for each other, above what even errors give."""
    pair = np.isin(truth, ["happy", "angry"])
    wrong = pair & (truth != prediction)
    swapped = wrong & np.isin(prediction, ["happy", "angry"])
    if not wrong.any():
        return
    bootstrap = run.bootstraps[rows.corpus]
    speakers = np.asarray(bootstrap.speakers)
    errors, swaps = (
        bootstrap.counts @ np.array([np.count_nonzero(which & (rows.speaker == s)) for s in speakers])
        for which in (wrong, swapped)
    )
    even = 1 / (n_classes - 1)
    resamples = np.where(errors > 0, swaps / np.maximum(errors, 1), NAN) - even
    value = np.count_nonzero(swapped) / np.count_nonzero(wrong) - even
    yield run.score("d", rows, "happy-angry confusion", reading, value, int(wrong.sum()), resamples)


def probe_scores(run: Run, on: Embedded, c: float, *, n_folds: int = 5) -> Iterator[Score]:
    """Table 4, reading ``probe``: a classifier cross-validated by speaker on a target's own embedding.

    Args:
        run: Model and resamples.
        on: Evaluated utterances of a target.
        c: The classifier's penalty.
        n_folds: Folds by speaker; fewer where there are fewer speakers.

    Yields:
        UAR of all predictions together, one value a scenario; none where there are fewer than two speakers.
    """
    for name, classes in scenarios(on.emotion).items():
        rows = on.rows(_among(on.emotion, classes))
        prediction = _cross_predicted(rows, c, n_folds)
        if prediction is None:
            continue
        truth, told = rows.emotion.astype(str), prediction != ""
        resamples = run.bootstraps[on.corpus].uar(truth[told], prediction[told], rows.speaker[told])
        yield run.score("4", on, name, "probe", uar(truth[told], prediction[told]), int(told.sum()), resamples)


def within_scores(run: Run, on: Embedded, c: float, *, n_folds: int = 5) -> Iterator[Score]:
    """Table 4, reading ``within``: the upper bound, as :func:`probe_scores` but one value a fold.

    Args:
        run: Model and resamples; `fold` is overwritten by the fold of the cross-validation.
        on: All utterances of a corpus, z-scored within it.
        c: The classifier's penalty.
        n_folds: Folds by speaker; fewer where there are fewer speakers.

    Yields:
        UAR, one value a scenario and fold.
    """
    for name, classes in scenarios(on.emotion).items():
        rows = on.rows(_among(on.emotion, classes))
        for number, test, prediction in _cross_folds(rows, c, n_folds):
            truth, speaker = rows.emotion[test].astype(str), rows.speaker[test]
            resamples = run.bootstraps[on.corpus].uar(truth, prediction, speaker)
            each = Run(run.method, number, run.seed, run.bootstraps)
            yield each.score("4", on, name, "within", uar(truth, prediction), len(truth), resamples)


def _cross_folds(
    rows: Embedded, c: float, n_folds: int
) -> Iterator[tuple[int, npt.NDArray[np.int64], npt.NDArray[np.str_]]]:
    n_speakers = len(set(rows.speaker))
    if n_speakers < 2:
        return
    folds = speaker_folds(rows.speaker, rows.emotion, min(n_folds, n_speakers))
    for number, fold in enumerate(folds, start=1):
        emotion = rows.emotion[fold.train].astype(str)
        if len(set(emotion)) > 1 and len(fold.test):
            model = linear_svc(c).fit(rows.embedding[fold.train], emotion)
            yield number, fold.test, model.predict(rows.embedding[fold.test]).astype(str)


def _cross_predicted(rows: Embedded, c: float, n_folds: int) -> npt.NDArray[np.str_] | None:
    prediction = np.full(len(rows.emotion), "", dtype="U16")
    for _, test, predicted in _cross_folds(rows, c, n_folds):
        prediction[test] = predicted
    return prediction if (prediction != "").any() else None


def _among(emotion: Objects, classes: Sequence[Emotion]) -> npt.NDArray[np.bool_]:
    names = {str(each) for each in classes}
    return np.array([each is not None and str(each) in names for each in emotion], dtype=bool)
