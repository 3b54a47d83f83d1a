"""Heads on an embedding, fitted apart from the network, and how far they can be trusted.

Conventions:
    * ``latent`` is the embedding (N, D); ``label`` is activation and valence (N, 2) on 1..5, ``NaN`` where missing.
    * Classes count as equally frequent: corpora have as many angry utterances as their makers wanted.
    * Leave-one-corpus-out: what is said about a corpus was learned without any of its utterances.

Sources: split-conformal intervals, Papadopoulos et al. 2002 and Lei et al. 2018; groups, Dunn et al. 2023; temperature,
Guo et al. 2017.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax
from sklearn.linear_model import LinearRegression, LogisticRegression

from affectmap.errors import ConfigError
from affectmap.schema import FOUR_CLASSES, LABEL_RANGE, LABELS

Floats = npt.NDArray[np.float64]
Objects = npt.NDArray[np.object_]

#: Classes that the heads tell apart.
CLASSES = tuple(str(emotion) for emotion in FOUR_CLASSES)
#: Temperatures that are tried: from a hundred times surer than fitted to a hundred times less.
_TEMPERATURES = (0.01, 100.0)


@dataclass(frozen=True, eq=False)
class Heads:
    """Linear maps from the embedding to the ratings and to the classes.

    Attributes:
        rating_weight: (D, 2), for activation and valence.
        rating_bias: (2,).
        class_weight: (D, C).
        class_bias: (C,).
        classes: Names of the C classes.
        temperature: What the scores of the classes are divided by; above 1 it makes them less sure.
    """

    rating_weight: Floats
    rating_bias: Floats
    class_weight: Floats
    class_bias: Floats
    classes: tuple[str, ...] = CLASSES
    temperature: float = 1.0

    def ratings(self, latent: npt.ArrayLike) -> Floats:
        """Predict activation and valence (N, 2), on 1..5."""
        return np.clip(np.asarray(latent, dtype=np.float64) @ self.rating_weight + self.rating_bias, *LABEL_RANGE)

    def scores(self, latent: npt.ArrayLike) -> Floats:
        """Give the scores of the classes (N, C) before the temperature."""
        scores: Floats = np.asarray(latent, dtype=np.float64) @ self.class_weight + self.class_bias
        return scores

    def probabilities(self, latent: npt.ArrayLike) -> Floats:
        """Give the probabilities of the classes (N, C); rows sum to 1."""
        return np.exp(log_softmax(self.scores(latent) / self.temperature, axis=1))


@dataclass(frozen=True, eq=False)
class Calibration:
    """How far heads and functionals may be off, measured on corpora that took no part in training.

    Attributes:
        level: Probability with which a rating shall lie in its interval, 0..1.
        half_widths: Half the width of the intervals by label, for each of ``source`` (the model's own mean and spread),
            ``adapted`` (those of many utterances of a place) and, if it was measured, ``speaker`` (a speaker's own).
        max_distance: Distance beyond which an utterance is unfamiliar: root mean square z-score of its functionals.
    """

    level: float
    half_widths: dict[str, dict[str, float]]
    max_distance: float


def fit_heads(latent: npt.ArrayLike, label: npt.ArrayLike, emotion: npt.ArrayLike) -> Heads:
    """Fit least squares to the ratings and multinomial logistic regression to the classes.

    Args:
        latent: (N, D).
        label: (N, 2), ``NaN`` where missing.
        emotion: (N,); other emotions than `CLASSES` take part in the ratings only.

    Returns:
        The heads, at temperature 1.

    Raises:
        ConfigError: If fewer than ``D + 2`` utterances are rated, or one of the classes has no utterance.

    Example:
        >>> latent = np.random.default_rng(0).normal(size=(80, 2))
        >>> heads = fit_heads(latent, np.stack([3 + latent[:, 0], 3 - latent[:, 1]], axis=1), [*CLASSES] * 20)
        >>> heads.rating_bias.round(3)
        array([3., 3.])
    """
    emotions = np.asarray(emotion, dtype=object)
    place, weight, bias = _rating_head(latent, label)
    if len(place) != len(emotions):
        raise ConfigError(f"got {len(place)} latents and {len(emotions)} emotions; expected as many")
    missing = [name for name in CLASSES if not (emotions == name).any()]
    if missing:
        raise ConfigError(f"no utterance is {' or '.join(missing)}; heads need all of {', '.join(CLASSES)}")
    classed = np.isin(emotions, CLASSES)
    numbers = np.array([CLASSES.index(name) for name in emotions[classed]])
    # Hardly penalised: just enough to stay finite where classes are separable.
    logistic = LogisticRegression(C=100.0, class_weight="balanced", solver="newton-cg", max_iter=1000)
    logistic.fit(place[classed], numbers)
    return Heads(weight, bias, logistic.coef_.T, logistic.intercept_)


def fit_ratings(latent: npt.ArrayLike, label: npt.ArrayLike) -> Heads:
    """Fit least squares to the ratings alone; all classes stay equally likely.

    Args:
        latent: (N, D).
        label: (N, 2), ``NaN`` where missing.

    Returns:
        The heads.

    Raises:
        ConfigError: If fewer than ``D + 2`` utterances are rated.

    Example:
        >>> fit_ratings([[0.0], [1.0], [2.0]], [[1, 5], [2, 4], [3, 3]]).ratings([[3.0]]).round(3)
        array([[4., 2.]])
    """
    place, weight, bias = _rating_head(latent, label)
    return Heads(weight, bias, np.zeros((place.shape[1], len(CLASSES))), np.zeros(len(CLASSES)))


def _rating_head(latent: npt.ArrayLike, label: npt.ArrayLike) -> tuple[Floats, Floats, Floats]:
    place, rating = np.asarray(latent, dtype=np.float64), np.asarray(label, dtype=np.float64)
    if len(place) != len(rating):
        raise ConfigError(f"got {len(place)} latents and {len(rating)} labels; expected as many")
    rated = np.isfinite(rating).all(axis=1)
    if rated.sum() < place.shape[1] + 2:
        raise ConfigError(f"{rated.sum()} utterances are rated; heads need at least {place.shape[1] + 2}")
    line = LinearRegression().fit(place[rated], rating[rated])
    return place, line.coef_.T, line.intercept_


def with_temperature(heads: Heads, scores: npt.ArrayLike, emotion: npt.ArrayLike) -> Heads:
    """Give the heads the temperature at which held-out scores are likeliest, every class counting the same.

    Args:
        heads: The heads.
        scores: (N, C) of utterances that took no part in fitting, before any temperature.
        emotion: Their emotions (N,).

    Returns:
        The heads with the temperature.

    Raises:
        ConfigError: If no utterance is of one of the classes.

    Warns:
        UserWarning: If the temperature ends where the search does: the scores tell nothing, or make no mistake.

    Example:
        >>> heads = Heads(np.zeros((2, 2)), np.zeros(2), np.zeros((2, 4)), np.zeros(4))
        >>> unsure = with_temperature(heads, 9.0 * np.eye(4)[[0, 1, 2, 0]], [*CLASSES])
        >>> unsure.temperature > 3
        True
    """
    raw, emotions = np.asarray(scores, dtype=np.float64), np.asarray(emotion, dtype=object)
    classed = np.isin(emotions, heads.classes)
    if not classed.any():
        raise ConfigError(f"no utterance is one of {', '.join(heads.classes)}; the temperature needs some")
    numbers = np.array([heads.classes.index(name) for name in emotions[classed]])
    weight = 1.0 / np.bincount(numbers, minlength=len(heads.classes))[numbers]

    def _cost(log_temperature: float) -> float:
        likelihood = log_softmax(raw[classed] / math.exp(log_temperature), axis=1)
        return float(-np.average(likelihood[np.arange(len(numbers)), numbers], weights=weight))

    low, high = np.log(_TEMPERATURES)
    found = float(minimize_scalar(_cost, bounds=(low, high), method="bounded").x)
    if min(found - low, high - found) < 1e-3:
        why = "no better than chance" if found > 0 else "without a mistake"
        warnings.warn(
            f"the temperature ends at {math.exp(found):.3g}, where the search does: scores tell the classes {why}; "
            "take other utterances, or do not trust the probabilities",
            UserWarning,
            stacklevel=2,
        )
    return replace(heads, temperature=math.exp(found))


def half_width(residual: npt.ArrayLike, level: float = 0.9) -> float:
    r"""Half the width of a split-conformal interval.

    .. math:: |r|_{(\lceil (n + 1) \cdot \text{level} \rceil)}

    the order statistic of the absolute residuals. A new residual that is exchangeable with these is no larger with at
    least the probability `level`.

    Args:
        residual: Differences of rating and prediction on utterances that took no part in fitting (n,); ``NaN`` is
            left out.
        level: Probability, above 0 and below 1.

    Returns:
        Half the width; the whole range of ratings where there are too few residuals to tell.

    Raises:
        ConfigError: If `level` is out of range.

    Example:
        >>> half_width([0.1, -0.2, 0.3, -0.4], level=0.5)
        0.3
    """
    if not 0 < level < 1:
        raise ConfigError(f"the level is {level}; expected a probability above 0 and below 1")
    size = np.sort(np.abs(np.asarray(residual, dtype=np.float64).ravel()))
    size = size[np.isfinite(size)]
    rank = math.ceil((len(size) + 1) * level)
    return float(size[rank - 1]) if rank <= len(size) else LABEL_RANGE[1] - LABEL_RANGE[0]


def largest_half_width(residuals: Sequence[npt.ArrayLike], level: float = 0.9) -> float:
    r"""Half the width of an interval for an utterance of any one of several groups, such as corpora.

    .. math:: \max_g q_g, \quad q_g \text{ the split-conformal half width of group } g

    A residual that is exchangeable with those of one of the groups, whichever, is no larger with at least probability
    `level`; one width from the residuals of all groups together promises that for their mixture only. Nothing is
    promised for another group: if it is exchangeable with these k *as a group*, its own half width is no larger than
    theirs with the probability k / (k + 1) (Dunn et al. 2023, on groups drawn from groups).

    Source: Dunn, Wasserman and Ramdas 2023, "Distribution-free prediction sets for two-layer hierarchical models".

    Args:
        residuals: Of every group, those that `half_width` takes.
        level: Probability, above 0 and below 1.

    Returns:
        Half the width.

    Raises:
        ConfigError: If there is no group, or `level` is out of range.

    Example:
        >>> largest_half_width([[0.1, -0.2, 0.3, -0.4], [1.1, -1.2, 1.3, -1.4]], level=0.5)
        1.3
    """
    if not len(residuals):
        raise ConfigError("a width was asked for without residuals; it needs those of one group or more")
    return max(half_width(each, level) for each in residuals)


def coverage(truth: npt.ArrayLike, prediction: npt.ArrayLike, half_width: float) -> float:
    """Share of ratings that lie in their intervals.

    Args:
        truth: Ratings (N,), ``NaN`` where missing.
        prediction: (N,).
        half_width: Half the width of the intervals.

    Returns:
        The share, 0..1; ``NaN`` without ratings.

    Example:
        >>> coverage([1.0, 2.0, float("nan")], [1.2, 4.0, 3.0], 0.5)
        0.5
    """
    difference = np.abs(np.asarray(truth, dtype=np.float64) - np.asarray(prediction, dtype=np.float64))
    known = np.isfinite(difference)
    return float((difference[known] <= half_width).mean()) if known.any() else math.nan


def expected_calibration_error(
    truth: npt.ArrayLike, probabilities: npt.ArrayLike, classes: tuple[str, ...] = CLASSES, n_bins: int = 10
) -> float:
    r"""How far the probability of the likeliest class is from the share of hits.

    .. math:: \sum_b \frac{n_b}{n} \left| \text{hits}_b - \text{confidence}_b \right|

    over bins of equal width in confidence; utterances of all classes weigh the same in sum.

    Source: Guo et al. 2017, eq. 3.

    Args:
        truth: Classes (N,); rows of other classes are left out.
        probabilities: (N, C).
        classes: Names of the C classes.
        n_bins: Number of bins.

    Returns:
        The error, 0..1, 0 is best; ``NaN`` without utterances.

    Example:
        >>> expected_calibration_error(["sad", "sad"], [[0, 1, 0, 0], [1, 0, 0, 0]])
        0.5
    """
    emotions, chances = np.asarray(truth, dtype=object), np.asarray(probabilities, dtype=np.float64)
    known = np.isin(emotions, classes)
    if not known.any():
        return math.nan
    numbers = np.array([classes.index(name) for name in emotions[known]])
    chances = chances[known]
    weight = 1.0 / np.bincount(numbers, minlength=len(classes))[numbers]
    hit, confidence = chances.argmax(axis=1) == numbers, chances.max(axis=1)
    bins = np.minimum((confidence * n_bins).astype(np.int64), n_bins - 1)
    gaps = [abs(float((weight * (hit - confidence))[bins == each].sum())) for each in range(n_bins)]
    return sum(gaps) / float(weight.sum())


def nested_coverage(
    predict: Callable[[tuple[str, ...], str, str], Floats],
    labels: Mapping[str, Floats],
    ways: Mapping[str, Sequence[str]],
    level: float = 0.9,
) -> pd.DataFrame:
    """Measure leave-one-corpus-out how often intervals hold the rating.

    For every corpus, the model is trained on all others, and the width is `largest_half_width` over residuals on
    each of the others of models trained on the rest. The corpus that is reported is in neither.

    Args:
        predict: Given the corpora to train on, one to predict and a way of standardising it, gives its ratings (N, 2).
        labels: Activation and valence (N, 2) of every corpus, at least three.
        ways: Ways of standardising to report, each with those whose residuals its width comes from.
        level: Probability with which a rating shall lie in its interval.

    Returns:
        One row a way, corpus and label: ``way``, ``corpus``, ``label``, ``half_width``, ``coverage``, ``n``.

    Raises:
        ConfigError: If there are fewer than three corpora.

    Example:
        >>> ratings = {name: np.full((50, 2), 3.0) for name in "abc"}
        >>> table = nested_coverage(lambda sources, target, way: ratings[target] + 0.1, ratings, {"alone": ["alone"]})
        >>> table["coverage"].tolist()
        [1.0, 1.0, 1.0, 1.0, 1.0, 1.0]
    """
    if len(labels) < 3:
        raise ConfigError(f"coverage was asked for {len(labels)} corpora; it needs at least 3")
    rows = []
    for way, measured in ways.items():
        for corpus, truth in labels.items():
            others = tuple(name for name in labels if name != corpus)
            rests = {name: tuple(each for each in others if each != name) for name in others}
            residuals = [labels[name] - predict(rests[name], name, each) for name in others for each in measured]
            prediction = predict(others, corpus, way)
            for i, label in enumerate(LABELS):
                width = largest_half_width([residual[:, i] for residual in residuals], level)
                share, n = coverage(truth[:, i], prediction[:, i], width), int(np.isfinite(truth[:, i]).sum())
                row = {"way": way, "corpus": corpus, "label": label, "half_width": width, "coverage": share, "n": n}
                rows.append(row)
    return pd.DataFrame(rows)
