r"""Who of two speaks: windows of speech are told apart by their embeddings, and by the order in which they come.

A hidden Markov model with a state a speaker (Rabiner 1989): an embedding is normal around its speaker's mean with
covariance I, which `affectmap.track.speaker_embedding` is made for, and the next window is likelier of the same speaker
than of the other. The means are fitted by expectation and maximisation, from several beginnings; the likeliest end
counts. Neighbouring windows overlap by half, so each counts for half.

Whether there are two at all is judged by the *evidence*: how much likelier the windows are with two means than with
one, in natural logarithms a window. One speaker whose mood changes gains some of it, too; ``experiments/conversations``
says how often `LEAST_EVIDENCE` errs.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from affectmap.schema import Floats, Mask

#: Evidence in natural logarithms a window from which on there are two speakers.
LEAST_EVIDENCE = 0.3
#: Windows that each of two speakers needs.
MIN_WINDOWS = 3

_WEIGHT = 0.5  # of a window; neighbours share half of their samples
_STAY, _STAY_AFTER_PAUSE = 0.97, 0.7  # probability that the same one goes on
_N_ROUNDS = 12
_N_DIRECTIONS = 3  # of the greatest variance, along which fits begin


class Separation(NamedTuple):
    """Who speaks in every window.

    Attributes:
        states: 0 or 1 a window, in the order of first speech, or 0 for the enrolled voice; all 0 where there is one.
        evidence: For two speakers, against one; see the module.
        n_speakers: How many were found, 1 or 2; with an enrolled voice 2 if another speaks at all.
    """

    states: np.ndarray[tuple[int], np.dtype[np.int64]]
    evidence: float
    n_speakers: int


def separate(
    embeddings: Floats, after_pause: Mask, enrolled: Floats | None = None, *, least_evidence: float = LEAST_EVIDENCE
) -> Separation:
    """Tell two speakers apart.

    Args:
        embeddings: Windows of speech in their order, shape (n_windows, D).
        after_pause: Whether a window is the first of a segment, shape (n_windows,).
        enrolled: Windows of a voice that is known, shape (n_enrolled, D); it is speaker 0.
        least_evidence: Evidence from which on there are two.

    Returns:
        Who speaks.

    Example:
        >>> noise = np.random.default_rng(0).normal(size=(40, 8))
        >>> voices = noise + 6 * (np.arange(40) // 10 % 2)[:, None]
        >>> separate(voices, np.ones(40, bool)).states[[0, 9, 10, 39]].tolist()
        [0, 0, 1, 1]
        >>> separate(noise, np.ones(40, bool)).n_speakers
        1
    """
    n_windows, one = len(embeddings), np.zeros(len(embeddings), np.int64)
    known = embeddings[:0] if enrolled is None else enrolled
    if n_windows < (2 * MIN_WINDOWS if enrolled is None else 1):
        return Separation(one, 0.0, 1)
    stay = np.where(after_pause, _STAY_AFTER_PAUSE, _STAY)
    fits = [_fit(embeddings, stay, known, begin) for begin in _beginnings(embeddings, known)]
    likelihood, shares = max(fits, key=lambda each: each[0])
    everything = np.concatenate([known, embeddings])
    alone = -0.5 * _WEIGHT * float(np.square(everything - everything.mean(axis=0)).sum())
    evidence = (likelihood - alone) / n_windows
    states = (shares[:, 1] > 0.5).astype(np.int64)
    n_least = MIN_WINDOWS if enrolled is None else 1
    n_second = int(states.sum())
    if evidence < least_evidence or n_second < n_least or (enrolled is None and n_windows - n_second < n_least):
        return Separation(one, evidence, 1)
    if enrolled is None and states[0]:
        states = 1 - states
    return Separation(states, evidence, 2)


def _beginnings(embeddings: Floats, known: Floats) -> list[Floats]:
    """Give the second speaker's share of every window from which fits begin: high and low ends of a few directions."""
    if len(known):
        directions = (embeddings.mean(axis=0) - known.mean(axis=0))[None]
        values = np.square(embeddings - known.mean(axis=0)).sum(axis=1)[:, None]
        values = np.concatenate([values, embeddings @ directions.T], axis=1)
        quantiles = (0.1, 0.5, 0.9)
    else:
        smoothed = embeddings - embeddings.mean(axis=0)
        smoothed[1:-1] = (smoothed[:-2] + smoothed[1:-1] + smoothed[2:]) / 3
        values = smoothed @ np.linalg.svd(smoothed, full_matrices=False)[2][:_N_DIRECTIONS].T
        quantiles = (0.15, 0.5, 0.85)
    return [0.1 + 0.8 * (column > np.quantile(column, q)) for column in values.T for q in quantiles]


def _fit(embeddings: Floats, stay: Floats, known: Floats, second: Floats) -> tuple[float, Floats]:
    """Give the logarithm of the likelihood, and the shares of both speakers in every window."""
    shares = np.stack([1 - second, second], axis=1)
    likelihood = -np.inf
    for _ in range(_N_ROUNDS):
        sums, counts = shares.T @ embeddings, shares.sum(axis=0)
        sums[0] += known.sum(axis=0)
        counts[0] += len(known)
        means = (sums + 1e-3 * embeddings.mean(axis=0)) / (counts + 1e-3)[:, None]
        squares = np.square(embeddings[:, None] - means[None]).sum(axis=2)
        before, (likelihood, shares) = likelihood, _smoothed(-0.5 * _WEIGHT * squares, stay)
        likelihood -= 0.5 * _WEIGHT * float(np.square(known - means[0]).sum())
        if likelihood - before < 1e-3:
            break
    return likelihood, shares


def _smoothed(logarithms: Floats, stay: Floats) -> tuple[float, Floats]:
    """Run forwards and backwards through the windows, in plain numbers: arrays of two cost ten times as much.

    Args:
        logarithms: Of the likelihood of every window under each speaker, (n, 2).
        stay: Probability that the speaker of the window before goes on, (n,).

    Returns:
        The logarithm of the likelihood, and the probability of each speaker, (n, 2).
    """
    largest = logarithms.max(axis=1)
    likely = np.exp(logarithms - largest[:, None]).tolist()
    change = (1 - stay).tolist()
    forward: list[float] = []
    scales: list[float] = []
    first = 0.5
    for (a, b), leave in zip(likely, change, strict=True):
        expected = first * (1 - leave) + (1 - first) * leave if forward else 0.5
        p, q = expected * a, (1 - expected) * b
        scales.append(p + q)
        first = p / (p + q)
        forward.append(first)
    shares, p, q = np.empty((len(likely), 2)), 1.0, 1.0
    for i in range(len(likely) - 1, -1, -1):
        u, v = forward[i] * p, (1 - forward[i]) * q
        shares[i] = u / (u + v), v / (u + v)
        u, v = p * likely[i][0] / scales[i], q * likely[i][1] / scales[i]
        p, q = (1 - change[i]) * u + change[i] * v, (1 - change[i]) * v + change[i] * u
    return float(np.log(scales).sum() + largest.sum()), shares
