"""Conversations joined from utterances of two speakers of a corpus, of which it is known who speaks when."""

from __future__ import annotations

from itertools import combinations
from typing import NamedTuple

import numpy as np

RATE = 16000
#: Background noise beneath everything, as a part of full scale.
FLOOR = 0.0003
#: Utterances that a speaker needs.
MIN_UTTERANCES = 12

Utterance = tuple[str, np.ndarray]  # speaker and signal


class Conversation(NamedTuple):
    """A signal, and who speaks when: begin and end in seconds, and 0 or 1, of every utterance."""

    signal: np.ndarray
    spoken: list[tuple[float, float, int]]


def pairs_of(utterances: list[Utterance], sexes: dict[str, str]) -> dict[str, list[tuple[str, str]]]:
    """Give pairs of speakers with enough utterances, by ``same``, ``other`` or ``unknown`` sex."""
    names = [name for name, _ in utterances]
    enough = sorted(name for name in set(names) if names.count(name) >= MIN_UTTERANCES)
    found: dict[str, list[tuple[str, str]]] = {}
    for one, other in combinations(enough, 2):
        known = one in sexes and other in sexes
        kind = ("same" if sexes[one] == sexes[other] else "other") if known else "unknown"
        found.setdefault(kind, []).append((one, other))
    return found


def join(
    utterances: list[Utterance], pair: tuple[str, str], rng: np.random.Generator, *, n_turns: int, share: float
) -> Conversation:
    """Join turns of 1 to 3 utterances (`share` .5), or of 9 of the first speaker and 1 of the second (.9).

    Utterances lie .2 to .5 s apart, turns .1 to .8 s. A speaker with too few utterances begins anew.
    """
    pools = [rng.permutation([i for i, (name, _) in enumerate(utterances) if name == speaker]) for speaker in pair]
    used, parts, spoken, n_samples = [0, 0], [], [], 0
    for turn in range(n_turns):
        who = turn % 2
        for _ in range(int(rng.integers(1, 4)) if share == 0.5 else (9, 1)[who]):
            signal = utterances[pools[who][used[who] % len(pools[who])]][1]
            used[who] += 1
            spoken.append((n_samples / RATE, (n_samples + len(signal)) / RATE, who))
            pause = np.zeros(round(rng.uniform(0.2, 0.5) * RATE), np.float32)
            parts += [signal, pause]
            n_samples += len(signal) + len(pause)
        pause = np.zeros(round(max(0.0, rng.uniform(0.1, 0.8) - 0.35) * RATE), np.float32)
        parts.append(pause)
        n_samples += len(pause)
    signal = np.concatenate(parts)
    return Conversation((signal + FLOOR * rng.standard_normal(n_samples)).astype(np.float32), spoken)


def two_channels(conversation: Conversation, rng: np.random.Generator, bleed: float = 0.15) -> np.ndarray:
    """Give each speaker a channel, in which the other is heard too, 16 dB lower; shape (n_samples, 2)."""
    own = np.zeros((len(conversation.signal), 2), np.float32)
    for begin, end, who in conversation.spoken:
        rows = slice(round(begin * RATE), round(end * RATE))
        own[rows, who] = conversation.signal[rows]
    return (own + bleed * own[:, ::-1] + FLOOR * rng.standard_normal(own.shape)).astype(np.float32)
