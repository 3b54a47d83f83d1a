"""Speakers who never were: what they say, how it is rated, predicted and recognised, by two methods at once.

The spreads are those of EMO-DB, URDU and AESDD (`components.py` prints them): a linear map and a linear classifier
from EMO-DB, on its held-out speakers and on the two others. All is in standard deviations of the rating.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.special import expit, ndtr

Floats = npt.NDArray[np.float64]
Rows = npt.NDArray[np.int64]

#: Mean logit of the recall of neutral, sad, happy and angry for two methods: recalls about .57, .43, .6 and .7.
LOGITS = np.array([[0.4, -0.5, 0.6, 1.3], [0.7, 0.0, 0.6, 1.3]])
#: Standard deviation over speakers of that logit, common to all classes and of each: recalls vary by .2 to .5.
LOGIT_SD, CLASS_SD = 0.5, 1.6
#: Mean activation and valence of the classes.
CLASS_MEANS = np.array([[0.0, -1.1, 0.9, 1.2], [0.2, -0.9, 1.3, -0.8]]) * 0.8
#: Standard deviation of the rating over speakers, and within a class of a speaker.
RATING_SPEAKER_SD, RATING_SD = 0.25, 0.5
#: Mean slope of prediction on rating for two methods, activation and valence, and its standard deviation over speakers.
SLOPES, SLOPE_SD = np.array([[0.60, 0.65], [0.12, 0.17]]), 0.16
#: Standard deviation of the prediction over speakers, beyond what the rating explains.
OFFSET_SD = 0.5
#: Correlation of two methods in everything that is random; an assumption.
BETWEEN_METHODS = 0.7
#: Utterances of a speaker in each class, where all have as many.
N_EACH = 12


class Draw(NamedTuple):
    """Utterances of some speakers: who says what, and what two methods make of it.

    Attributes:
        speaker: Number of the speaker (N,), from 0.
        emotion: Number of the class (N,).
        hit: Whether each method recognises it (2, N).
        rating: Activation and valence (2, N).
        prediction: Prediction of activation and valence by each method (2, 2, N).
        other: A second dimension of the embedding, which says nothing (N,).
    """

    speaker: Rows
    emotion: Rows
    hit: npt.NDArray[np.bool_]
    rating: Floats
    prediction: Floats
    other: Floats


def sizes_of(rng: np.random.Generator, n_speakers: int, *, equal: bool) -> Rows:
    """Draw the utterances of each speaker and class (S, 4): as many of each, or as few and as uneven as in URDU."""
    if equal:
        return np.full((n_speakers, 4), N_EACH)
    total = np.clip(np.round(np.exp(rng.normal(1.8, 1.1, n_speakers))), 2, 80).astype(np.int64)
    return np.stack([rng.multinomial(n, rng.dirichlet(np.ones(4))) for n in total])


def draw(rng: np.random.Generator, sizes: Rows, slopes: Floats = SLOPES, slope_sd: float = SLOPE_SD) -> Draw:
    """Draw speakers with these utterances in each class (S, 4)."""
    n_speakers, n = len(sizes), int(sizes.sum())
    speaker = np.repeat(np.arange(n_speakers), sizes.sum(axis=1))
    emotion = np.concatenate([np.repeat(np.arange(4), row) for row in sizes])
    common, of_class = _both(rng, n_speakers), _both(rng, n_speakers, 4)
    logit = LOGITS[:, emotion] + LOGIT_SD * common[:, speaker] + CLASS_SD * of_class[:, speaker, emotion]
    hit = ndtr(_both(rng, n)) < expit(logit)
    rating = CLASS_MEANS[:, emotion] + RATING_SPEAKER_SD * rng.normal(size=(2, n_speakers))[:, speaker]
    rating += RATING_SD * rng.normal(size=(2, n))
    prediction = np.empty((2, 2, n))
    for one, (label, mean) in enumerate(zip(rating, slopes, strict=True)):
        own = mean[:, None] + slope_sd * _both(rng, n_speakers)
        noise = np.sqrt(np.maximum(0.1, 1 - mean**2 - OFFSET_SD**2))[:, None] * _both(rng, n)
        prediction[one] = own[:, speaker] * label + OFFSET_SD * _both(rng, n_speakers)[:, speaker] + noise
    other = OFFSET_SD * rng.normal(size=n_speakers)[speaker] + 0.9 * rng.normal(size=n)
    return Draw(speaker, emotion, hit, rating, prediction, other)


def rows_of(drawn: Draw, speakers: Rows) -> Draw:
    """Give the utterances of some speakers, numbered from 0."""
    chosen = np.isin(drawn.speaker, speakers)
    number = np.searchsorted(np.sort(speakers), drawn.speaker[chosen])
    return Draw(number, *(values[..., chosen] for values in drawn[1:]))


def _both(rng: np.random.Generator, *shape: int) -> Floats:
    """Standard normal numbers for two methods (2, ...), correlated."""
    shared, own = rng.normal(size=shape), rng.normal(size=(2, *shape))
    return np.sqrt(BETWEEN_METHODS) * shared + np.sqrt(1 - BETWEEN_METHODS) * own
