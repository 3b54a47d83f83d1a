"""A whole experiment on a table of any size, as `affectmap reproduce` runs it, for growth.py."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

import audformat
import numpy as np
import numpy.typing as npt
import pandas as pd

from affectmap.corpora import Corpus
from affectmap.experiment.config import make_config
from affectmap.experiment.experiment import Experiment
from affectmap.report import write_report
from affectmap.schema import FUNCTIONALS, validate_table

#: Utterances with emotion and ratings.
N_RATED = 2_000
EMOTIONS = np.array(["neutral", "sad", "happy", "angry"], dtype=object)


class _Brought(Experiment):
    """An experiment on a corpus that is there already."""

    found: list[Corpus]

    def _load(self, specs: object) -> list[Corpus]:
        found, self.found = self.found, []
        return found


def make_corpus(features: npt.NDArray[np.float32], speaker: npt.NDArray[np.object_]) -> Corpus:
    """Make a corpus of features, the first of its utterances rated.

    Args:
        features: ``(N, 88)``; not copied.
        speaker: ``(N,)``.
    """
    n_rows, rng = len(features), np.random.default_rng(3)
    label = np.round(np.clip(3 + features[:, :2] + rng.normal(size=(n_rows, 2)), 1, 5), 1).astype(np.float64)
    emotion = EMOTIONS[2 * (label[:, 0] > 3) + (label[:, 1] > 3)]
    label[N_RATED:], emotion[N_RATED:] = np.nan, None
    index = audformat.segmented_index([f"{k:07}.wav" for k in range(n_rows)])
    columns = {"emotion": emotion, "activation": label[:, 0], "valence": label[:, 1], "speaker": speaker}
    table = validate_table(pd.DataFrame(columns, index), "synthetic")
    return Corpus("synthetic", table, functionals=pd.DataFrame(features, index, list(FUNCTIONALS), copy=False))


def run_experiment(features: npt.NDArray[np.float32], speaker: npt.NDArray[np.object_]) -> float:
    """Train one method on two folds for one epoch, score, and write report and models.

    Args:
        features: ``(N, 88)``.
        speaker: ``(N,)``.

    Returns:
        Seconds.
    """
    config = make_config(source=["synthetic=none"], methods=["activation"], n_folds=2, epochs=1)
    experiment = _Brought(config)
    experiment.found = [make_corpus(features, speaker)]
    start = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        results = experiment.run()
        write_report(results, Path(folder))
    print(results.timings, flush=True)
    return time.perf_counter() - start
