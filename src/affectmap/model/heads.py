"""Heads on an embedding, fitted apart from the network, and how far they can be trusted.

Conventions:
    * ``latent`` is the embedding (N, D); ``label`` is activation and valence (N, 2) on 1..5, ``NaN`` where missing.
    * Classes count as equally frequent: corpora have as many angry utterances as their makers wanted.

Sources: split-conformal intervals, Papadopoulos et al. 2002 and Lei et al. 2018; groups, Dunn et al. 2023; temperature,
Guo et al. 2017.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from affectmap.errors import ConfigError
from affectmap.model.encoder import layer, linear_map
from affectmap.preparation.standardisation import well_adapted
from affectmap.schema import FOUR_CLASSES, LABEL_RANGE, LABELS, Floats, Mask

#: Classes that the heads tell apart.
CLASSES = tuple(str(emotion) for emotion in FOUR_CLASSES)
#: Ratings of the recordings that a model is adapted to from which on its intervals may be narrower than its own.
ENOUGH_RATINGS = 50
#: Temperatures that are tried: from a hundred times surer than fitted to a hundred times less.
_TEMPERATURES = (0.01, 100.0)


@dataclass(frozen=True, eq=False)
class Heads:
    """Linear maps from the embedding to ratings and classes; either may be none.

    Heads that were corrected by ratings take the standardised features, too: D + F inputs for D
    (`affectmap.model.correction`).

    Attributes:
        rating_weight: (D, L).
        rating_bias: (L,).
        class_weight: (D, C).
        class_bias: (C,).
        labels: Names of the L ratings.
        classes: Names of the C classes.
        temperature: What the scores of the classes are divided by; above 1 it makes them less sure.
    """

    rating_weight: Floats
    rating_bias: Floats
    class_weight: Floats
    class_bias: Floats
    labels: tuple[str, ...] = LABELS
    classes: tuple[str, ...] = CLASSES
    temperature: float = 1.0

    @classmethod
    def of_tensors(cls, tensors: Mapping[str, Any], outputs: Mapping[str, Any], temperature: float) -> Heads:
        """Take the heads from a model's tensors and the names of its outputs."""
        labels, classes = (tuple(outputs.get(name, ())) for name in ("ratings", "probabilities"))
        none = np.zeros((len(outputs["embedding"]), 0)), np.zeros(0)
        ratings = layer(tensors, "ratings") if labels else none
        scores = layer(tensors, "classes") if classes else none
        return cls(*ratings, *scores, labels, classes, temperature)

    def tensors(self) -> dict[str, Floats]:
        """Give the tensors of the heads that there are, for a model's folder."""
        ratings = {"ratings.weight": self.rating_weight.T, "ratings.bias": self.rating_bias} if self.labels else {}
        scores = {"classes.weight": self.class_weight.T, "classes.bias": self.class_bias} if self.classes else {}
        return ratings | scores

    def ratings(self, latent: npt.ArrayLike) -> Floats:
        """Predict the ratings (N, L), on 1..5."""
        rating = linear_map(np.asarray(latent, dtype=np.float64), self.rating_weight, self.rating_bias)
        return np.asarray(np.clip(rating, *LABEL_RANGE))

    def scores(self, latent: npt.ArrayLike) -> Floats:
        """Give the scores of the classes (N, C) before the temperature."""
        return linear_map(np.asarray(latent, dtype=np.float64), self.class_weight, self.class_bias)

    def probabilities(self, latent: npt.ArrayLike) -> Floats:
        """Give the probabilities of the classes (N, C); rows sum to 1."""
        return probabilities_of(self.scores(latent) / self.temperature)


def probabilities_of(scores: Floats) -> Floats:
    """Give the probabilities of classes by their scores (N, C): the softmax of every row.

    Example:
        >>> probabilities_of(np.log([[1.0, 3.0]])).tolist()
        [[0.25, 0.75]]
    """
    chances = np.exp(scores.T - scores.T.max(axis=0, initial=-np.inf))
    # One class after another: NumPy's own sum takes another order for a single row.
    shares: Floats = (chances / sum(chances, np.zeros(chances.shape[1]))).T
    return shares


@dataclass(frozen=True, eq=False)
class Calibration:
    """How far heads and features may be off, measured on utterances that took no part in training.

    Attributes:
        level: Probability with which a rating shall lie in its interval, 0..1.
        half_widths: Half the width of the intervals by label, for each of ``source`` (the model's own statistics),
            ``adapted`` (those of many utterances of a corpus) and, if it was measured, ``speaker`` (a speaker's own);
            empty where nothing could be measured.
        max_distance: Distance beyond which an utterance is unfamiliar: root mean square z-score of its features.
    """

    level: float
    half_widths: dict[str, dict[str, float]]
    max_distance: float


def fit_heads(latent: npt.ArrayLike, label: npt.ArrayLike, emotion: npt.ArrayLike | None = None) -> Heads:
    """Fit least squares to the ratings and multinomial logistic regression to the classes, where there are enough.

    Args:
        latent: (N, D).
        label: (N, 2), ``NaN`` where missing. A rating that fewer than ``D + 2`` utterances have gets no head.
        emotion: (N,); other emotions than `CLASSES` take part in the ratings only. A class without utterances is left
            out; a single class gets no head.

    Returns:
        The heads, at temperature 1.

    Raises:
        ConfigError: If lengths differ.

    Example:
        >>> latent = np.random.default_rng(0).normal(size=(80, 2))
        >>> heads = fit_heads(latent, np.stack([3 + latent[:, 0], 3 - latent[:, 1]], axis=1), [*CLASSES] * 20)
        >>> heads.rating_bias.round(3)
        array([3., 3.])
    """
    embedded, rating = np.asarray(latent, dtype=np.float64), np.asarray(label, dtype=np.float64)
    emotions = np.full(len(embedded), None) if emotion is None else np.asarray(emotion, dtype=object)
    if not len(embedded) == len(rating) == len(emotions):
        raise ConfigError(
            f"got {len(embedded)} latents, {len(rating)} labels and {len(emotions)} emotions; expected as many"
        )
    labels, rating_weight, rating_bias = _rating_head(embedded, rating)
    classes, class_weight, class_bias = _class_head(embedded, emotions)
    return Heads(rating_weight, rating_bias, class_weight, class_bias, labels, classes)


def _rating_head(latent: Floats, rating: Floats) -> tuple[tuple[str, ...], Floats, Floats]:
    from sklearn.linear_model import LinearRegression

    enough = [i for i in range(len(LABELS)) if np.isfinite(rating[:, i]).sum() >= latent.shape[1] + 2]
    rated = np.isfinite(rating[:, enough]).all(axis=1)
    if not enough or rated.sum() < latent.shape[1] + 2:
        return (), np.zeros((latent.shape[1], 0)), np.zeros(0)
    line = LinearRegression().fit(latent[rated], rating[rated][:, enough])
    return tuple(LABELS[i] for i in enough), line.coef_.T, line.intercept_


def _class_head(latent: Floats, emotions: npt.NDArray[np.object_]) -> tuple[tuple[str, ...], Floats, Floats]:
    classes = tuple(name for name in CLASSES if (emotions == name).any())
    if len(classes) < 2:
        return (), np.zeros((latent.shape[1], 0)), np.zeros(0)
    from sklearn.linear_model import LogisticRegression

    classed = np.isin(emotions, classes)
    numbers = np.array([classes.index(name) for name in emotions[classed]])
    # Hardly penalised: just enough to stay finite where classes are separable.
    logistic = LogisticRegression(C=100.0, class_weight="balanced", solver="newton-cg", max_iter=1000)
    logistic.fit(latent[classed], numbers)
    weight, bias = logistic.coef_.T, logistic.intercept_
    if len(classes) == 2:  # scikit-learn gives the second class alone; the first has the score 0
        weight, bias = np.hstack([np.zeros_like(weight), weight]), np.array([0.0, *bias])
    return classes, weight, bias


def with_temperature(heads: Heads, scores: npt.ArrayLike, emotion: npt.ArrayLike) -> Heads:
    """Give the heads the temperature at which held-out scores are likeliest, every class counting the same.

    Args:
        heads: The heads.
        scores: (N, C) of utterances that took no part in fitting, before any temperature.
        emotion: Their emotions (N,).

    Raises:
        ConfigError: If no utterance is of one of the classes.

    Warns:
        UserWarning: If the temperature ends where the search does, with scores that are chance or without mistake.

    Example:
        >>> heads = Heads(np.zeros((2, 2)), np.zeros(2), np.zeros((2, 4)), np.zeros(4))
        >>> unsure = with_temperature(heads, 9.0 * np.eye(4)[[0, 1, 2, 0]], [*CLASSES])
        >>> unsure.temperature > 3
        True
    """
    from scipy.optimize import minimize_scalar
    from scipy.special import log_softmax

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
            f"the temperature ends at {math.exp(found):.3g}, where the search does: scores separate the classes {why}; "
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
        residuals: Residuals of every group, those that `half_width` takes.
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


def half_widths_in_use(metadata: Mapping[str, Any], labels: tuple[str, ...]) -> list[dict[str, float]]:
    """Give half the widths for rows of a corpus and of speakers, by label: the wider ones where none was measured."""
    if "intervals" not in metadata or not labels:
        return []
    widths, standardisation = metadata["intervals"], metadata["standardisation"]
    is_well = well_adapted(standardisation.get("n_utterances", 0), standardisation.get("prior", 0))
    adapted = ("adapted",) if is_well else ("source", "adapted")
    of_corpus = ("source",) if standardisation["policy"] == "source" else adapted
    of_speaker = ("source", *of_corpus, "speaker" if "speaker" in widths else "adapted")
    own, of_speakers = (
        {label: float(max(widths[each][label] for each in names)) for label in labels}
        for names in (of_corpus, of_speaker)
    )
    rated: Mapping[str, float] = widths.get("rated", {})
    wider = {label: max(width, rated.get(label, width)) for label, width in own.items()}
    n_rated = {label: metadata["correction"][label]["n"] for label in rated}
    # Errors on ratings tell of the very statistics that they were made with, and of no others.
    known = {label for label, n in n_rated.items() if n >= ENOUGH_RATINGS and standardisation.get("rated", False)}
    of_this = {label: float(rated[label]) if label in known else width for label, width in wider.items()}
    return [of_this, {label: max(width, wider[label]) for label, width in of_speakers.items()}]


def open_intervals(table: Any, outside: Mask) -> None:  # noqa: ANN401 (a DataFrame, or columns by name)
    """Make intervals the whole scale in rows of which nobody measured how far the model is off.

    Args:
        table: Columns ``activation_low``, ``activation_high`` and their like are changed, where there is a value.
        outside: The rows (N,): speech unlike all training data, and what is no speech.

    Example:
        >>> columns = {name: np.array([4.0, 4.0]) for name in ("valence", "valence_low", "valence_high")}
        >>> open_intervals(columns, np.array([False, True]))
        >>> columns["valence_low"].tolist(), columns["valence_high"].tolist()
        ([4.0, 1.0], [4.0, 5.0])
    """
    for label in LABELS:
        if f"{label}_low" in table:
            rows = outside & np.isfinite(table[label])
            for end, bound in zip(("low", "high"), LABEL_RANGE, strict=True):
                table[f"{label}_{end}"] = np.where(rows, bound, table[f"{label}_{end}"])


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
