"""Table 4 of the paper: emotion classes, told apart by linear classifiers in any space.

Conventions:
    * Readings are those of `affectmap.stats.regression`.
    * Classes go by their initials, neutral, sad, happy, angry: ``N-S-H-A``, ``N-S-A``; without neutral ``S-H-A``,
      ``S-A``. Such a set of classes is a *scenario*.

Source: Das et al. 2022, section 4 "Experiments for evaluation".
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt
from sklearn.svm import SVC

from affectmap.features.encoders.recogniser import LikeliestClass
from affectmap.preparation.folds import most_speaker_folds, speaker_folds
from affectmap.schema import FOUR_CLASSES, THREE_CLASSES, Emotion
from affectmap.stats.metrics import uar
from affectmap.stats.regression import NAN, Embedded, Floats, Objects, Run
from affectmap.stats.scores import Score


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

    Returns:
        An unfitted classifier.

    Example:
        >>> linear_svc(1.0).fit([[0.0], [1.0]], ["sad", "angry"]).predict([[0.9]]).tolist()
        ['angry']
    """
    return SVC(kernel="linear", C=c, class_weight="balanced")


class SourceClassifiers:
    """Linear classifiers fitted on the source's training fold, each set of classes once.

    Args:
        train: Training fold in the embedding.
        c: The classifier's penalty.

    Example:
        >>> sadness = np.array(["sad", "angry", "fear"], dtype=object)
        >>> train = Embedded("pets", "source", np.array([[0.0], [1.0], [9.0]]), sadness, *(sadness,) * 3)
        >>> SourceClassifiers(train, c=1.0).predict((Emotion.SAD, Emotion.ANGRY), np.array([[0.2], [8.0]])).tolist()
        ['sad', 'angry']
    """

    def __init__(self, train: Embedded, c: float) -> None:
        self.train, self.c = train, c
        self._fitted: dict[tuple[Emotion, ...], SVC] = {}

    @property
    def emotion(self) -> Objects:
        """Emotions that it can tell apart."""
        return self.train.emotion

    def predict(self, classes: tuple[Emotion, ...], embedding: Floats) -> Objects:
        """Classify rows among some classes.

        Args:
            classes: Two or more of those in the training fold; the others' rows take no part.
            embedding: ``(N, D)``.

        Returns:
            Names of classes ``(N,)``.
        """
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
    """Table 4: unweighted average recall of classifiers from the source.

    Args:
        run: Model and resamples.
        classifiers: Fitted on the source's training fold, or a reference's.
        on: The source's test fold, or evaluated utterances of a target.
        reading: ``held-out`` or ``zero-shot``.
        corpus_emotion: Emotions that decide which classes take part; those of `on` by default. For a fold: those
            of the whole corpus.

    Yields:
        UAR (balanced accuracy), one value a scenario of which the rows show two classes or more; and the share of
        happy-angry confusions for claim (d).

    Example:
        >>> from dataclasses import replace
        >>> from affectmap.stats.bootstrap import SpeakerBootstrap
        >>> emotion, speaker = np.array(["sad", "angry"] * 2, dtype=object), np.array([*"aabb"])
        >>> train = Embedded("dogs", "source", np.array([[0.0], [1.0]] * 2), emotion, *(speaker,) * 3)
        >>> target = replace(train, corpus="cats", role="target", embedding=train.embedding + 2)
        >>> run = Run("PCA-2", 1, 0, {"cats": SpeakerBootstrap(["a", "b"], n_resamples=9)})
        >>> (score,) = class_scores(run, SourceClassifiers(train, c=1.0), target, "zero-shot")
        >>> score.key.quantity, score.value
        ('S-A', 0.5)
    """
    present = on.emotion if corpus_emotion is None else corpus_emotion
    for name, classes in scenarios(classifiers.emotion, present).items():
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
    """Of the wrongly classified happy and angry: the share taken for each other, above what even errors give.

    Nothing is yielded where none is wrong, and the resamples are ``NaN`` where they hold none that is wrong, or where
    there is but one speaker.
    """
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
    told = (errors > 0) & (len(speakers) > 1)
    resamples = np.where(told, swaps / np.maximum(errors, 1), NAN) - even
    value = np.count_nonzero(swapped) / np.count_nonzero(wrong) - even
    yield run.score("d", rows, "happy-angry confusion", reading, value, int(wrong.sum()), resamples)


def cross_validated_scores(
    run: Run,
    on: Embedded,
    reading: str,
    c: float,
    *,
    n_folds: int = 5,
    seed: int = 0,
    source_emotion: Objects | None = None,
) -> Iterator[Score]:
    """Table 4, readings ``probe`` and ``within``: a classifier cross-validated by speaker on a corpus' own labels.

    Args:
        run: Model and resamples.
        on: Evaluated utterances of a target in an embedding (``probe``), or all of a corpus by its 88 functionals,
            z-scored within it (``within``).
        reading: ``probe`` or ``within``.
        c: The classifier's penalty.
        n_folds: Folds by speaker; fewer where there are fewer speakers, or utterances of any emotion.
        seed: Of the folds.
        source_emotion: Emotions of the source; where it lacks a class, the classes shared with it are scored too, so
            that the value can be compared with the zero-shot one.

    Yields:
        UAR of all predictions together, one value a scenario; none where that leaves fewer than two folds.

    Example:
        >>> from affectmap.stats.bootstrap import SpeakerBootstrap
        >>> emotion, speaker = np.array(["sad", "angry"] * 3, dtype=object), np.array([*"aabbcc"])
        >>> target = Embedded("cats", "target", np.array([[0.0], [1.0]] * 3), emotion, *(speaker,) * 3)
        >>> run = Run("PCA-2", 1, 0, {"cats": SpeakerBootstrap([*"abc"], n_resamples=9)})
        >>> [(score.key.quantity, score.value, score.n) for score in cross_validated_scores(run, target, "probe", 1.0)]
        [('S-A', 1.0, 6)]
    """
    shared = {} if source_emotion is None else scenarios(source_emotion, on.emotion)
    for name, classes in (scenarios(on.emotion) | shared).items():
        rows = on.rows(_among(on.emotion, classes))
        prediction = _cross_predicted(rows, c, n_folds, seed)
        told = prediction != ""
        truth = rows.emotion[told].astype(str)
        if len(set(truth)) < 2:
            continue
        resamples = run.bootstraps[on.corpus].uar(truth, prediction[told], rows.speaker[told])
        yield run.score("4", on, name, reading, uar(truth, prediction[told]), len(truth), resamples)


def _cross_predicted(rows: Embedded, c: float, n_folds: int, seed: int) -> npt.NDArray[np.str_]:
    """Predict every row's class from other speakers; empty where that cannot be done."""
    prediction = np.full(len(rows.emotion), "", dtype="U16")
    n_folds = most_speaker_folds(rows.speaker, rows.emotion, n_folds)
    for fold in speaker_folds(rows.speaker, rows.emotion, n_folds, seed) if n_folds > 1 else ():
        emotion = rows.emotion[fold.train].astype(str)
        if len(set(emotion)) > 1:
            model = linear_svc(c).fit(rows.embedding[fold.train], emotion)
            prediction[fold.test] = model.predict(rows.embedding[fold.test])
    return prediction


def _among(emotion: Objects, classes: Sequence[Emotion]) -> npt.NDArray[np.bool_]:
    names = {str(each) for each in classes}
    return np.array([each is not None and str(each) in names for each in emotion], dtype=bool)
