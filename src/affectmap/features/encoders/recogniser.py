"""A large emotion recogniser to stand beside the small map: SUPERB's, HuBERT-large with a linear head.

HuBERT-large (Hsu et al. 2021) was pretrained on 60,000 h of English, its head trained on four classes of IEMOCAP (Yang
et al. 2021, SUPERB, task ER). It sees nothing of the corpora of a run: neither their labels nor their mean and spread.

Conventions:
    * Classes are neutral, sad, happy, angry, in this order, whatever order the model has.
    * Among fewer classes the likeliest of those is taken.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from affectmap.errors import CorpusError, ModelError
from affectmap.features.encoders.features import Measure, measure_recordings
from affectmap.features.encoders.models import SpeechModel
from affectmap.features.encoders.weights import find_pretrained, model_digest, parse_reference, read_config
from affectmap.schema import FOUR_CLASSES, Emotion, Finding, parse_emotion

#: Name of the row in table 4.
SUPERB = "SUPERB"

Floats = npt.NDArray[np.float64]
Objects = npt.NDArray[np.object_]


def class_columns(labels: Sequence[str], origin: str | Path) -> list[int]:
    """Find the four classes among a model's own.

    Args:
        labels: Names of its classes, such as ``neu``, ``hap``, ``ang``, ``sad``.
        origin: Of the model, for messages.

    Returns:
        Places of neutral, sad, happy and angry; other classes play no part.

    Raises:
        ModelError: If one is missing or there twice.

    Example:
        >>> class_columns(["neu", "hap", "ang", "sad"], "superb")
        [0, 3, 1, 2]
    """
    found: list[Emotion | None] = []
    for label in labels:
        try:
            found.append(parse_emotion(label))
        except CorpusError:
            found.append(None)
    if any(found.count(emotion) != 1 for emotion in FOUR_CLASSES):
        raise ModelError(
            f"{origin} tells {', '.join(labels) or 'no classes'} apart; expected neutral, sad, happy and angry, each "
            "once; name a model for these"
        )
    return [found.index(emotion) for emotion in FOUR_CLASSES]


class Reference:
    """A recogniser of emotions, found and ready to be asked.

    Args:
        text: ``superb``, or ``superb=MODEL``.
        device: ``cpu`` or ``cuda``.

    Raises:
        ModelError: If the model is not to be had, or tells other classes apart.
        UsageError: If the text makes no sense, or the extra ``ssl`` is missing.
    """

    def __init__(self, text: str, *, device: str = "cpu") -> None:
        self.model, self.device = parse_reference(text), device
        self.folder = find_pretrained(self.model, "--reference superb=DIR")
        labels = read_config(self.folder).get("id2label")
        labels = labels if isinstance(labels, dict) else {}
        self._columns = class_columns([str(labels[key]) for key in sorted(labels, key=_as_number)], self.folder)

    @cached_property
    def measure(self) -> Measure:
        """What is to be had of each signal: probabilities of the four classes."""
        digest = model_digest(self.folder)
        return Measure(
            [str(emotion) for emotion in FOUR_CLASSES],
            f"classes {digest}",
            f"classes-{digest[:12]}",
            lambda: SpeechModel(self.folder, classifier=True, device=self.device),
            lambda model, signals: model.probabilities(signals)[:, self._columns],
            self.device,
        )

    def classify(
        self,
        corpus: str,
        index: pd.Index,
        *,
        cache: Path | None = None,
        n_jobs: int | None = None,
        progress: Callable[[int, int], None] | None = None,
    ) -> tuple[pd.DataFrame, list[Finding]]:
        """Classify every utterance of a corpus, or find it in the cache.

        Args:
            corpus: Its name.
            index: Of the rows that are used.
            cache: Folder of the cache.
            n_jobs: Threads that read recordings.
            progress: Called with the numbers of utterances done and in total.

        Returns:
            Probabilities of neutral, sad, happy and angry, one row an utterance of `index` that could be read; and
            findings about the others.

        Raises:
            AudioError: If no recording can be read.
        """
        return measure_recordings(self.measure, corpus, index, cache=cache, n_jobs=n_jobs, progress=progress)


class LikeliestClass:
    """Takes the likeliest of some classes, in the place of a classifier that is fitted on a source.

    Args:
        emotion: Classes that the source of the run has; only these are told apart, as by all other methods.

    Example:
        >>> probabilities = np.array([[0.6, 0.1, 0.0, 0.3]])
        >>> LikeliestClass(np.array(["sad", "angry"])).predict((Emotion.SAD, Emotion.ANGRY), probabilities).tolist()
        ['angry']
    """

    def __init__(self, emotion: Objects) -> None:
        self.emotion = emotion

    def predict(self, classes: tuple[Emotion, ...], embedding: Floats) -> Objects:
        """Classify rows among some classes.

        Args:
            classes: Two or more of the four.
            embedding: Probabilities of the four classes ``(N, 4)``.

        Returns:
            Names of classes ``(N,)``.
        """
        columns = [FOUR_CLASSES.index(emotion) for emotion in classes]
        names = np.array([str(emotion) for emotion in classes], dtype=object)
        chosen: Objects = names[embedding[:, columns].argmax(axis=1)]
        return chosen


def _as_number(key: str) -> int:
    return int(key) if str(key).isdigit() else -1
