r"""Heads corrected by a few ratings of the recordings that a model is adapted to.

What the model says is kept, and a linear correction is added, whose size a prior holds down:

.. math:: \hat y(x) = f(x) + a + b^T z(x) + c^T x, \quad
    a \sim N(0, v_a), \; b \sim N(0, v_z I), \; c \sim N(0, v_x I / F)

where f(x) is the model's own value, x are the F standardised features, z is the embedding, standardised over all
recordings, and variances are in units of the noise of one rating. With few ratings the correction is next to nothing,
with many it is a ridge regression that starts from the model. How far it goes is decided by leaving one rating out at a
time: it is the mean of the corrections of several `Strengths`, none among them, each with the weight

.. math:: w \propto \Big(\frac{1}{n} \sum_i e_{-i}^2 + e_0^2\Big)^{-n/2}

where e are the errors on the rating left out, and e_0 is what half steps of the scale round off. Classes are corrected
likewise in their scores, at one strength, by penalised multinomial logistic regression, every class counting the same.

Strengths were chosen in ``experiments/few-labels``. Sources: the correction is a Gaussian process with a linear kernel
and a mean function (Rasmussen and Williams 2006, ch. 2.7); the logistic steps use the bound of Böhning 1992.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from affectmap.errors import ConfigError
from affectmap.model.heads import Heads, half_width
from affectmap.schema import LABELS, Floats, Objects
from affectmap.text import counted

#: Most rated recordings: for more, a model of one's own is the better use of them.
MOST_RATED = 2000
#: Variance of what half steps of the scale round off.
_ROUNDED = 0.5**2 / 12
_MOST_STEPS, _SMALL_STEP = 500, 1e-8


class Strengths(NamedTuple):
    """Prior variances of a correction, in units of the noise of one rating.

    Attributes:
        offset: Of the level, ≥ 0; with 1/16, sixteen ratings count as much as the model.
        embedding: Of the weights of the standardised embedding, ≥ 0.
        features: Of all standardised features together, ≥ 0.
    """

    offset: float
    embedding: float
    features: float


#: What corrections of ratings are averaged over, and that of the scores of classes.
RATING_STRENGTHS = (
    Strengths(0.0, 0.0, 0.0),
    Strengths(1 / 16, 1 / 64, 0.05),
    Strengths(1 / 16, 1 / 32, 0.2),
    Strengths(1 / 8, 1 / 16, 0.8),
)
CLASS_STRENGTHS = Strengths(1 / 4, 1 / 4, 3.0)


@dataclass(frozen=True, eq=False)
class Basis:
    """What corrections are linear in, for all N recordings.

    Attributes:
        latent: Embedding (N, D).
        standardised: Standardised features (N, F).
    """

    latent: Floats
    standardised: Floats

    @property
    def inputs(self) -> Floats:
        """What corrected heads take (N, D + F)."""
        return np.hstack([self.latent, self.standardised])

    def kernel(self, one: npt.NDArray[np.int64], strengths: Strengths) -> Floats:
        """Give the prior covariance (N, n) of the corrections of all recordings with those of some."""
        scaled, features = (self.latent - self._centre) / self._scale, self.standardised
        covariance: Floats = strengths.offset + strengths.embedding * (scaled @ scaled[one].T)
        covariance += strengths.features / features.shape[1] * (features @ features[one].T)
        return covariance

    def weights(self, one: npt.NDArray[np.int64], alpha: Floats, strengths: Strengths) -> tuple[Floats, Floats]:
        """Give weights (D + F, O) and biases (O,) of the correction that is `kernel` times `alpha` (n, O)."""
        scaled = (self.latent[one] - self._centre) / self._scale
        embedding = strengths.embedding * (scaled.T @ alpha) / self._scale[:, None]
        features = strengths.features / self.standardised.shape[1] * (self.standardised[one].T @ alpha)
        return np.vstack([embedding, features]), strengths.offset * alpha.sum(axis=0) - self._centre @ embedding

    @property
    def _centre(self) -> Floats:
        return np.asarray(self.latent.mean(axis=0))

    @property
    def _scale(self) -> Floats:
        spread = self.latent.std(axis=0)
        return np.where(spread > 0, spread, 1.0)


class RatingCorrection(NamedTuple):
    """The correction of one rating.

    Attributes:
        weight: (D + F,).
        bias: What is added.
        before: Root mean square error of the model on the ratings, in points of the scale.
        errors: Errors of the corrected model on each rating, with that rating left out (n,).
    """

    weight: Floats
    bias: float
    before: float
    errors: Floats


def correct_rating(
    basis: Basis,
    rated: npt.NDArray[np.int64],
    residual: Floats,
    strengths: tuple[Strengths, ...] = RATING_STRENGTHS,
) -> RatingCorrection:
    """Correct a rating.

    Args:
        basis: All recordings.
        rated: Numbers of the n rated ones.
        residual: Rating minus what the model says (n,).
        strengths: What to average over.

    Returns:
        The correction.

    Example:
        >>> latent = np.random.default_rng(0).normal(size=(40, 2))
        >>> found = correct_rating(Basis(latent, latent), np.arange(20), np.full(20, 0.5))
        >>> 0.2 < found.bias < 0.5
        True
    """
    parts, errors = [], []
    for each in strengths:
        inverse = np.linalg.inv(basis.kernel(rated, each)[rated] + np.eye(len(rated)))
        alpha = inverse @ residual
        parts.append(basis.weights(rated, alpha[:, None], each))
        errors.append(alpha / np.diag(inverse))
    likelihood = -len(rated) / 2 * np.log(np.mean(np.square(errors), axis=1) + _ROUNDED)
    share = np.exp(likelihood - likelihood.max())
    share /= share.sum()
    weight = sum(part * weights[:, 0] for part, (weights, _) in zip(share, parts, strict=True))
    bias = sum(part * float(biases[0]) for part, (_, biases) in zip(share, parts, strict=True))
    before = float(np.sqrt(np.mean(residual**2)))
    return RatingCorrection(np.asarray(weight), float(bias), before, share @ np.array(errors))


def correct_scores(
    basis: Basis,
    classed: npt.NDArray[np.int64],
    score: Floats,
    number: npt.NDArray[np.int64],
    strengths: Strengths = CLASS_STRENGTHS,
) -> tuple[Floats, Floats]:
    """Correct the scores of classes.

    Args:
        basis: All recordings.
        classed: Numbers of the n recordings whose class is known.
        score: What the model gives them, after its temperature (n, C).
        number: Numbers of their classes (n,).
        strengths: How far the correction may go.

    Returns:
        Weights (D + F, C) and biases (C,) to be added.

    Example:
        >>> latent = np.array([[-1.0], [1.0]] * 10)
        >>> weight, bias = correct_scores(Basis(latent, latent), np.arange(20), np.zeros((20, 2)), np.tile([0, 1], 10))
        >>> bool(weight[0, 0] < 0 < weight[0, 1])
        True
    """
    truth = np.eye(score.shape[1])[number]
    counts = truth.sum(axis=0)
    share = (len(number) / (np.count_nonzero(counts) * np.maximum(counts, 1)))[number]
    kernel = basis.kernel(classed, strengths)[classed]
    inverse = np.linalg.inv(kernel + np.diag(2 / share))
    added, alpha = np.zeros_like(score), np.zeros_like(score)
    for _ in range(_MOST_STEPS):
        alpha = inverse @ (added + 2 * (truth - _softmax(score + added)))
        before, added = added, kernel @ alpha
        if np.abs(added - before).max() < _SMALL_STEP:
            break
    return basis.weights(classed, alpha, strengths)


def _softmax(score: Floats) -> Floats:
    chances = np.exp(score - score.max(axis=1, keepdims=True))
    return np.asarray(chances / chances.sum(axis=1, keepdims=True))


class Corrected(NamedTuple):
    """Heads that take the embedding and the standardised features, and what is to be known about them.

    Attributes:
        heads: With weights of (D + F, L) and (D + F, C).
        about: Entry ``correction`` of ``model.yaml``: for each corrected rating ``n``, ``error_before`` and ``error``
            (root mean squares, the latter leaving one out), and for ``classes`` their ``n``.
        half_widths: Half the width of an interval by label, from errors that leave one out; without an entry where
            there are too few.
    """

    heads: Heads
    about: dict[str, dict[str, float]]
    half_widths: dict[str, float]


def corrected_heads(heads: Heads, basis: Basis, label: Floats, emotion: Objects, level: float) -> Corrected:
    """Correct heads by what is known of some recordings.

    Args:
        heads: The model's, on its embedding, or corrected before.
        basis: All N recordings; one that is not finite counts for nothing.
        label: Activation and valence (N, 2), 1..5; ``NaN`` where nobody rated.
        emotion: (N,), ``None`` where nobody told; other emotions than the model's classes play no part.
        level: Probability that intervals are meant for.

    Returns:
        The heads.

    Raises:
        ConfigError: If nothing can be corrected, or more than `MOST_RATED` recordings are rated.
    """
    sound = np.isfinite(basis.latent).all(axis=1)
    n_known = int((sound & (np.isfinite(label).any(axis=1) | (emotion != None))).sum())  # noqa: E711 (elementwise)
    if n_known > MOST_RATED:
        raise ConfigError(f"{n_known} recordings are rated; adapt takes {MOST_RATED} at most, so train a model of them")
    some = Basis(basis.latent[sound], basis.standardised[sound])
    wide = widened(heads, some.inputs.shape[1])
    wide, about, widths = _with_ratings(wide, some, label[sound], level)
    numbers = np.array([wide.classes.index(name) if name in wide.classes else -1 for name in emotion[sound]])
    classed = np.flatnonzero(numbers >= 0)
    if len(set(numbers[classed].tolist())) > 1:
        wide = _with_classes(wide, some, classed, numbers[classed])
        about["classes"] = {"n": len(classed)}
    if not about:
        raise ConfigError(_nothing(wide))
    return Corrected(wide, about, widths)


def _with_ratings(heads: Heads, basis: Basis, label: Floats, level: float) -> Corrected:
    about: dict[str, dict[str, float]] = {}
    widths: dict[str, float] = {}
    weight, bias = heads.rating_weight.copy(), heads.rating_bias.copy()
    said = basis.inputs @ weight + bias
    for column, name in enumerate(heads.labels):
        truth = label[:, LABELS.index(name)]
        rated = np.flatnonzero(np.isfinite(truth))
        if not len(rated):
            continue
        found = correct_rating(basis, rated, truth[rated] - said[rated, column])
        weight[:, column] += found.weight
        bias[column] += found.bias
        error = float(np.sqrt(np.mean(found.errors**2)))
        about[name] = {"n": len(rated), "error_before": round(found.before, 4), "error": round(error, 4)}
        if math.ceil((len(rated) + 1) * level) <= len(rated):
            widths[name] = half_width(found.errors, level)
    return Corrected(replace(heads, rating_weight=weight, rating_bias=bias), about, widths)


def _with_classes(heads: Heads, basis: Basis, classed: npt.NDArray[np.int64], number: npt.NDArray[np.int64]) -> Heads:
    score = heads.scores(basis.inputs[classed]) / heads.temperature
    weight, bias = correct_scores(basis, classed, score, number)
    return replace(
        heads,
        class_weight=heads.class_weight / heads.temperature + weight,
        class_bias=heads.class_bias / heads.temperature + bias,
        temperature=1.0,
    )


def _nothing(heads: Heads) -> str:
    wanted = [*(["a rating of " + " or ".join(heads.labels)] if heads.labels else [])]
    wanted += [f"two of the classes {', '.join(heads.classes)}"] if heads.classes else []
    if not wanted:
        return "the model has no ratings and no classes that could be corrected; adapt it without ratings"
    return f"no usable recording has {' and none tells '.join(wanted)}; give more of them, or adapt without ratings"


def widened(heads: Heads, n_inputs: int) -> Heads:
    """Give heads that take standardised features after the embedding, `n_inputs` values in all, and say the same.

    Example:
        >>> heads = Heads(np.ones((2, 1)), np.zeros(1), np.zeros((2, 0)), np.zeros(0), ("valence",), ())
        >>> widened(heads, 5).rating_weight.T.tolist(), widened(widened(heads, 5), 5).rating_weight.shape
        ([[1.0, 1.0, 0.0, 0.0, 0.0]], (5, 1))
    """
    rating, classes = (
        np.vstack([each, np.zeros((n_inputs - len(each), each.shape[1]))])
        for each in (heads.rating_weight, heads.class_weight)
    )
    return replace(heads, rating_weight=rating, class_weight=classes)


def correction_text(about: Mapping[str, Mapping[str, float]]) -> str:
    """Say in a sentence what was corrected.

    Example:
        >>> correction_text({"valence": {"n": 20, "error_before": 0.8, "error": 0.7}, "classes": {"n": 12}})
        'valence by 20 ratings (error 0.80 before, 0.70 on a rating left out); classes by 12 recordings'
    """
    parts = [
        f"{name} by {counted(int(each['n']), 'rating')} "
        f"(error {each['error_before']:.2f} before, {each['error']:.2f} on a rating left out"
        f"{', no better' if each['error'] >= each['error_before'] else ''})"
        for name, each in about.items()
        if name != "classes"
    ]
    parts += [f"classes by {counted(int(about['classes']['n']), 'recording')}"] if "classes" in about else []
    return "; ".join(parts)
