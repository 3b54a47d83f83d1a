"""How much of the emotion the recording condition alone tells: offset, level, noise floor, bandwidth and duration.

Where angry recordings were made in another room or by another device than sad ones, a model that knows devices seems to
know emotions. Classes are guessed from the conditions alone, without anything of the voice: each condition's values are
put into ten bins of equally many utterances, and naive Bayes with equal priors counts the classes of each bin, in
folds that keep speakers apart. Guesses that are right more often than by chance on unseen speakers come from the
condition, or from what the emotion itself does to it: anger is loud.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from affectmap.errors import ConfigError
from affectmap.preparation.folds import Fold, most_speaker_folds, speaker_folds
from affectmap.schema import Floats, Objects, Rows
from affectmap.stats.intervals import interval, leave_out_sums
from affectmap.stats.measures import class_measures
from affectmap.stats.metrics import uar

N_BINS = 10
N_FOLDS = 5
#: Speakers below which nothing is said of others.
MIN_SPEAKERS = 5


class ConditionGuess(NamedTuple):
    """What recording conditions tell of the emotion, on unseen speakers.

    Attributes:
        uar: Unweighted average recall from all conditions together, 0..1.
        low: Lower end of its 95 % interval over speakers.
        high: Its upper end.
        chance: One over the number of emotions.
        of_each: The recall from every condition alone, by its name.
        n: Utterances with an emotion.
    """

    uar: float
    low: float
    high: float
    chance: float
    of_each: dict[str, float]
    n: int

    @property
    def strongest(self) -> str:
        """Name of the condition that tells most by itself; the first of several."""
        return max(self.of_each, key=lambda name: self.of_each[name])


def emotion_from_conditions(
    conditions: Floats, names: tuple[str, ...], emotion: Objects, speaker: Objects, *, seed: int = 0
) -> ConditionGuess:
    """Guess the emotion of unseen speakers from recording conditions alone.

    Args:
        conditions: Shape (N, C), finite.
        names: Of the conditions (C,).
        emotion: Emotion (N,); rows without one take no part.
        speaker: Who speaks (N,).
        seed: Seed of the folds.

    Returns:
        The recall, its interval and chance.

    Raises:
        ConfigError: If there are fewer than two emotions, or too few speakers or utterances to be held out.

    Example:
        >>> emotion, speaker = np.array(["sad", "angry"] * 10, object), np.repeat([*"abcde"], 4).astype(object)
        >>> offset = np.where(emotion == "sad", 0.0, 0.02) + np.linspace(0, 0.001, 20)
        >>> found = emotion_from_conditions(offset[:, None], ("offset",), emotion, speaker)
        >>> found.uar, found.chance, found.of_each
        (1.0, 0.5, {'offset': 1.0})
    """
    known = np.array([each is not None and each == each for each in emotion], dtype=np.bool_)
    emotion, speaker, conditions = emotion[known], speaker[known], conditions[known]
    n_emotions = len(set(emotion))
    if n_emotions < 2:
        raise ConfigError(f"{n_emotions} emotions are named; expected two or more")
    n_speakers, n_folds = len(set(speaker)), most_speaker_folds(speaker, emotion, N_FOLDS)
    if n_speakers < MIN_SPEAKERS or n_folds < 2:
        raise ConfigError(
            f"{n_speakers} speakers with {len(emotion)} utterances are too few; expected at least {MIN_SPEAKERS} "
            "speakers, and two utterances of an emotion"
        )
    folds, classes = speaker_folds(speaker, emotion, n_folds, seed), np.unique(emotion, return_inverse=True)[1]
    logs = np.stack([_held_out_logs(column, classes, folds, n_emotions) for column in conditions.T])
    together = logs.sum(axis=0).argmax(axis=1)
    measure = class_measures(classes, together, np.unique(classes).tolist())["uar"]
    value, low, high, _ = interval(leave_out_sums(measure.sums, measure.quantity, speaker), "share")
    of_each = {name: uar(classes, each.argmax(axis=1)) for name, each in zip(names, logs, strict=True)}
    return ConditionGuess(value, low, high, 1 / n_emotions, of_each, len(emotion))


def _held_out_logs(values: Floats, classes: Rows, folds: tuple[Fold, ...], n_classes: int) -> Floats:
    """Give log p(bin | class) of every row (N, K), counted in the rows of other speakers; 1 is added to every count."""
    logs = np.zeros((len(values), n_classes))
    for fold in folds:
        edges = np.quantile(values[fold.train], np.linspace(0, 1, N_BINS + 1)[1:-1])
        bins = np.searchsorted(edges, values, side="right")
        counts = np.ones((N_BINS, n_classes))
        np.add.at(counts, (bins[fold.train], classes[fold.train]), 1.0)
        logs[fold.test] = np.log(counts / counts.sum(axis=0))[bins[fold.test]]
    return logs
