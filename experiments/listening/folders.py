"""Folders that a corpus does not have by itself: few recordings, other shares of classes, foreign material, noise."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import soundfile
from folds import Target

from affectmap.features.single_recordings import measure_sources
from affectmap.preparation.prepared_corpus import PreparedCorpus
from affectmap.preparation.standardisation import fit_statistics
from affectmap.schema import FOUR_CLASSES, WHISPER, Features, Floats, Objects, Rows

FOUR = [str(name) for name in FOUR_CLASSES]
SIZES = (10, 30, 100, 300)
N_DRAWS, N_SHARES = 4, 5
PAIRS = (("angry", "neutral"), ("sad", "happy"), ("sad", "neutral"))
#: Utterances that a class needs to make a folder of.
FEWEST = 20
RATE = 16_000


def target_of(corpus: PreparedCorpus, rows: Rows, features: Features | None = None) -> Target:
    """Take some utterances as a folder, standardised by their own statistics."""
    values = corpus.functionals[rows] if features is None else features
    z = fit_statistics(values).apply(values)
    return Target("made", "corpus", z, corpus.emotion[rows], corpus.label[rows])


def sizes(corpus: PreparedCorpus) -> Iterator[tuple[int, int, Target, Target]]:
    """Draw so many recordings to listen to; give them, and the whole corpus by the same statistics, to be scored."""
    n_rows = len(corpus.emotion)
    for n in SIZES:
        for draw in range(N_DRAWS):
            rows = np.random.default_rng(draw).choice(n_rows, size=min(n, n_rows), replace=False)
            if n <= n_rows:
                z = fit_statistics(corpus.functionals[rows]).apply(corpus.functionals)
                yield n, draw, target_of(corpus, rows), Target("made", "corpus", z, corpus.emotion, corpus.label)


def made_folders(corpus: PreparedCorpus) -> Iterator[tuple[str, Target]]:
    """Make folders with other shares of classes, with foreign material, and with features that say nothing."""
    rng = np.random.default_rng(0)
    for kind, rows in parts(corpus.emotion, rng):
        yield kind, target_of(corpus, rows)
    yield from spoilt(corpus, rng)


def parts(emotions: Objects, rng: np.random.Generator) -> Iterator[tuple[str, Rows]]:
    """Take utterances so that classes have other shares, or so that there are other emotions than the four."""
    emotion = emotions.astype(str)
    of = {name: np.flatnonzero(emotion == name) for name in FOUR if (emotion == name).sum() >= FEWEST}
    for rows in of.values():
        yield "one class", rows
    for one, other in PAIRS:
        if {one, other} <= set(of):
            yield "two classes", np.concatenate([of[one], of[other]])
    for _ in range(N_SHARES):
        yield "random shares of classes", _drawn(of, rng.dirichlet(np.ones(len(of))), rng)
    if "neutral" in of:
        shares = np.array([0.9 if name == "neutral" else 0.1 / (len(of) - 1) for name in of])
        yield "90 % neutral", _drawn(of, shares, rng)
    others = np.flatnonzero(~np.isin(emotion, FOUR))
    if len(others):
        yield "other emotions alone", others
        some = rng.choice(np.concatenate(list(of.values())), size=len(others) // 2, replace=False)
        yield "two thirds other emotions", np.concatenate([others, some])


def spoilt(corpus: PreparedCorpus, rng: np.random.Generator) -> Iterator[tuple[str, Target]]:
    """Spoil the features of a corpus: shuffle each among the utterances, or standardise them wrongly."""
    everything = np.arange(len(corpus.emotion))
    features = corpus.functionals
    shuffled = np.stack([rng.permutation(column) for column in features.T], axis=1)
    yield "features shuffled", target_of(corpus, everything, shuffled)
    z = target_of(corpus, everything).z
    bent = z * rng.uniform(0.6, 1.6, z.shape[1]) + rng.normal(0.0, 0.5, z.shape[1])
    yield "wrong statistics", Target("made", "corpus", bent.astype(np.float32), corpus.emotion, corpus.label)


def _drawn(of: dict[str, Rows], shares: Floats, rng: np.random.Generator) -> Rows:
    """Draw utterances so that classes have these shares, as many as there are."""
    most = min(len(rows) / share for rows, share in zip(of.values(), shares, strict=True) if share > 0.05)
    counts = [min(len(rows), round(share * most)) for rows, share in zip(of.values(), shares, strict=True)]
    return np.concatenate([rng.choice(rows, n, replace=False) for rows, n in zip(of.values(), counts, strict=True)])


def noisy_features(ear: str, corpus: PreparedCorpus) -> Iterator[Target]:
    """Measure a corpus' recordings with white noise as loud as each."""
    signals = []
    for number, file in enumerate(corpus.table.index.get_level_values("file")):
        signal, rate = soundfile.read(Path(file), dtype="float32")
        if rate != RATE or signal.ndim > 1:
            raise ValueError(f"{file} has {rate} Hz and {signal.ndim} dimensions; expected mono at {RATE} Hz")
        hiss = np.random.default_rng(number).normal(size=len(signal)) * np.sqrt(np.mean(signal**2))
        signals.append((0.5 * (signal + hiss)).clip(-1, 1).astype(np.float32))
    measured, _ = measure_sources(signals, RATE, target_rate=RATE, engine=WHISPER if ear == WHISPER else "egemaps")
    values = measured.to_numpy(dtype=np.float64)
    rows = np.flatnonzero(np.isfinite(values).all(axis=1))
    yield target_of(corpus, rows, values[rows])
