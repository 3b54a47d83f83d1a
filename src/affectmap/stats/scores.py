"""Every value of a run, and what the tables show of them: mean, spread over folds, interval over speakers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from affectmap.stats.bootstrap import interval

Floats = npt.NDArray[np.float64]

RUN_COLUMNS = (
    "table", "method", "corpus", "role", "quantity", "reading", "fold", "seed", "value", "p_value", "n",
)  # fmt: skip
SUMMARY_COLUMNS = (
    "table", "method", "corpus", "role", "quantity", "reading", "mean", "sd", "ci_low", "ci_high", "n_runs", "n",
    "significant",
)  # fmt: skip


class Key(NamedTuple):
    """What was measured: one cell of a table.

    Attributes:
        table: ``1``, ``3`` or ``4`` as in the paper; ``d`` for the confusions that claim (d) is about.
        method: Method by name.
        corpus: Corpus it is measured on.
        role: ``source`` or ``target``.
        quantity: ``activation``, ``valence``, or the classes, such as ``N-S-H-A``.
        reading: ``held-out``, ``zero-shot``, ``probe``, ``within`` or ``supervised``.
    """

    table: str
    method: str
    corpus: str
    role: str
    quantity: str
    reading: str


class Score(NamedTuple):
    """One value of one fold and seed.

    Attributes:
        key: What was measured.
        fold: Number of the fold, from 1.
        seed: Seed of the model.
        value: The value; ``NaN`` where it cannot be computed.
        p_value: Of the F-test, where there is one, else ``NaN``.
        n: Utterances (table 1: pairs) it was measured on.
        resamples: The same value with resampled speakers ``(B,)``.
    """

    key: Key
    fold: int
    seed: int
    value: float
    p_value: float
    n: int
    resamples: Floats


class Scores:
    """A collection of scores; iterating gives its cells in the order in which they came.

    Args:
        scores: Any number, all with resamples of one length.

    Example:
        >>> key = Key("4", "PCA-2", "urdu", "target", "N-S-A", "zero-shot")
        >>> scores = Scores([Score(key, fold, 0, 0.5 + fold / 10, float("nan"), 300, np.ones(9)) for fold in (1, 2)])
        >>> scores.summary()[["mean", "sd"]].round(3).values.tolist()
        [[0.65, 0.071]]
    """

    def __init__(self, scores: Iterable[Score]) -> None:
        self._scores: dict[Key, list[Score]] = {}
        for score in scores:
            self._scores.setdefault(score.key, []).append(score)

    def __contains__(self, key: Key) -> bool:
        return key in self._scores

    def __iter__(self) -> Iterator[Key]:
        return iter(self._scores)

    def mean(self, key: Key) -> float:
        """Mean of a cell over folds and seeds, ``NaN`` values left out.

        Args:
            key: One of the cells.

        Returns:
            The mean, ``NaN`` where no value could be computed.

        Raises:
            KeyError: If there is no such cell.

        Example:
            >>> key = Key("4", "PCA-2", "urdu", "target", "N-S-A", "zero-shot")
            >>> Scores(Score(key, fold, 0, fold / 4, float("nan"), 300, np.ones(9)) for fold in (1, 2, 3)).mean(key)
            0.5
        """
        values = np.array([score.value for score in self._scores[key]])
        return float(np.nanmean(values)) if np.isfinite(values).any() else float("nan")

    def resamples(self, key: Key) -> Floats:
        """Mean of a cell over folds and seeds in every resample of speakers.

        A fold whose held-out speakers are all missing from a resample takes no part in that resample's mean.

        Args:
            key: One of the cells.

        Returns:
            One value a resample ``(B,)``, ``NaN`` where no fold has one.

        Raises:
            KeyError: If there is no such cell.

        Example:
            >>> key = Key("4", "PCA-2", "urdu", "target", "N-S-A", "zero-shot")
            >>> resamples = np.array([0.25, 0.75]), np.array([0.75, np.nan])
            >>> Scores(Score(key, 1, i, 0.5, float("nan"), 300, resamples[i]) for i in (0, 1)).resamples(key)
            array([0.5 , 0.75])
        """
        values = np.stack([score.resamples for score in self._scores[key]])
        known = np.isfinite(values)
        total = np.where(known, values, 0.0).sum(axis=0)
        return np.where(known.any(axis=0), total / np.maximum(known.sum(axis=0), 1), np.nan)

    def runs(self) -> pd.DataFrame:
        """Every single value, one row each, columns `RUN_COLUMNS`.

        Example:
            >>> key = Key("4", "PCA-2", "urdu", "target", "N-S-A", "zero-shot")
            >>> runs = Scores([Score(key, 1, 0, 0.5, float("nan"), 300, np.ones(9))]).runs()
            >>> runs[["corpus", "fold", "value"]].values.tolist()
            [['urdu', 1, 0.5]]
        """
        rows = [
            (*score.key, score.fold, score.seed, score.value, score.p_value, score.n)
            for scores in self._scores.values()
            for score in scores
        ]
        return pd.DataFrame(rows, columns=list(RUN_COLUMNS))

    def summary(self) -> pd.DataFrame:
        """One row a cell, columns `SUMMARY_COLUMNS`.

        ``sd`` is over folds and seeds, with divisor n − 1; ``ci_low`` and ``ci_high`` bound 95 % of the resamples of
        speakers; ``n`` is the mean number of utterances of a fold. A cell is ``significant`` where the F-test's p-value
        is below .05 in every fold that has one, and missing where there is no test.
        """
        rows = []
        for key, scores in self._scores.items():
            values = np.array([score.value for score in scores])
            finite = values[np.isfinite(values)]
            sd = float(finite.std(ddof=1)) if len(finite) > 1 else float("nan")
            p_values = np.array([score.p_value for score in scores])
            significant = None if np.isnan(p_values).all() else bool(np.nanmax(p_values) < 0.05)
            n = round(float(np.mean([score.n for score in scores])))
            rows.append((*key, self.mean(key), sd, *interval(self.resamples(key)), len(scores), n, significant))
        return pd.DataFrame(rows, columns=list(SUMMARY_COLUMNS))
