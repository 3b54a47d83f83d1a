"""How much of the emotion the speaker alone predicts: the best guess, and what it reaches by chance.

Where speakers show one emotion each, a model that knows voices seems to know emotions, and a mean taken out of every
speaker takes the emotion out with it. The guess is each speaker's most frequent emotion, made and judged on the same
utterances, the most that the speaker can predict; chance is measured on shuffled emotions, not assumed.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from affectmap.errors import ConfigError

#: Shuffled emotions by which chance is measured.
N_SHUFFLES = 200

Counts = npt.NDArray[np.int64]


class SpeakerGuess(NamedTuple):
    """What the speaker predicts of the emotion.

    Attributes:
        accuracy: Share of utterances whose emotion is their speaker's most frequent one.
        chance: Mean accuracy with emotions shuffled over the utterances.
        excess: ``(accuracy - chance) / (1 - chance)``, 1 where the speaker predicts all, about 0 where nothing;
            ``NaN`` where chance is 1.
        n: Utterances with an emotion.
        n_speakers: Their speakers.
        n_of_one: Speakers who show one emotion only.
    """

    accuracy: float
    chance: float
    excess: float
    n: int
    n_speakers: int
    n_of_one: int


def emotion_from_speaker(
    speaker: npt.ArrayLike, emotion: npt.ArrayLike, *, n_shuffles: int = N_SHUFFLES, seed: int = 0
) -> SpeakerGuess:
    """Predict the emotion from the speaker alone, as well as these utterances allow.

    Shuffling emotions over utterances keeps how much everybody says and how frequent each emotion is; such counts are
    drawn without the utterances (Patefield 1981), so that a million of them take no longer than a hundred.

    Args:
        speaker: Who speaks (N,).
        emotion: Emotion (N,); utterances without one take no part.
        n_shuffles: Shuffled counts by which chance is measured.
        seed: Seed of the shuffles.

    Returns:
        The guess, chance, and what was counted.

    Raises:
        ConfigError: If no utterance has an emotion, a speaker is missing, or lengths differ.

    Example:
        >>> guess = emotion_from_speaker([*"aaaabbbb"], ["sad"] * 4 + ["angry"] * 3 + ["sad"])
        >>> guess.accuracy, guess.n_of_one, guess.chance < 0.8
        (0.875, 1, True)
    """
    counts = count_emotions(speaker, emotion)
    accuracy = _best_guess(counts)
    chance = float(np.mean([_best_guess(each) for each in _shuffled(counts, n_shuffles, seed)]))
    excess = (accuracy - chance) / (1 - chance) if chance < 1 else float("nan")
    n_of_one = int(np.count_nonzero((counts > 0).sum(axis=1) == 1))
    return SpeakerGuess(accuracy, chance, excess, int(counts.sum()), len(counts), n_of_one)


def count_emotions(speaker: npt.ArrayLike, emotion: npt.ArrayLike) -> Counts:
    """Count how often every speaker shows every emotion ``(speakers, emotions)``; no row and no column is all zeros.

    Raises:
        ConfigError: If no utterance has an emotion, a speaker is missing, or lengths differ.
    """
    who, what = np.asarray(speaker, dtype=object), np.asarray(emotion, dtype=object)
    if who.shape != what.shape:
        raise ConfigError(f"emotion has {len(what)} rows and speaker {len(who)}; expected as many")
    known = pd.notna(what)
    if not known.any():
        raise ConfigError(f"none of {len(what)} utterances has an emotion; name some")
    missing = int(pd.isna(who[known]).sum())
    if missing:
        raise ConfigError(f"the speaker of {missing} of {len(who)} utterances is unknown; name them")
    speakers, who_names = pd.factorize(who[known])
    emotions, what_names = pd.factorize(what[known])
    shape = len(who_names), len(what_names)
    return np.bincount(speakers * shape[1] + emotions, minlength=shape[0] * shape[1]).reshape(shape).astype(np.int64)


def _best_guess(counts: Counts) -> float:
    """Accuracy of guessing each speaker's most frequent emotion."""
    return float(counts.max(axis=1).sum() / counts.sum())


def _shuffled(counts: Counts, n_shuffles: int, seed: int) -> list[Counts]:
    from scipy.stats import random_table

    drawn = random_table(counts.sum(axis=1), counts.sum(axis=0))
    rng = np.random.default_rng(seed)
    return [drawn.rvs(random_state=rng).astype(np.int64) for _ in range(n_shuffles)]
