"""What an audit says: checks with their verdicts, and the figures that they bear on.

Conventions:
    * In tables of figures the column ``audit`` is empty, or names the verdicts that bear on a figure: ``leak``,
      ``confounded``, or both with a comma between. People see `SIGNS` instead.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd


class Verdict(StrEnum):
    """How a check ends, the best first."""

    SOUND = "sound"
    UNTOLD = "cannot be told"
    WARNING = "warning"
    CONFOUNDED = "confounded"
    LEAK = "leak"


#: What stands beside a figure that a verdict bears on.
SIGNS = {Verdict.LEAK: "†", Verdict.CONFOUNDED: "‡"}
#: What the signs mean.
FOOTNOTES = {
    Verdict.LEAK: "a speaker or a recording is, or may be, on both sides of the split; the figure says nothing about "
    "new ones",
    Verdict.CONFOUNDED: "standardised by speaker, although the speakers of this corpus give the emotion away",
}
#: The check of speakers on both sides of a split.
SHARED = "shared speakers"
#: Readings of the models that were trained on the source.
CARRIED = ("held-out", "zero-shot", "probe")


class Check(NamedTuple):
    """One check of one corpus, or of two.

    Attributes:
        check: What was looked at.
        corpus: Name of the corpus; ``all`` where it is about all of them.
        other: Name of the other corpus, where it is about two.
        verdict: One of `Verdict`.
        value: What was measured, as `detail` says; ``NaN`` where nothing could be.
        n: Of how many: utterances, folds or findings.
        detail: A sentence for people, with what to do.
    """

    check: str
    corpus: str
    other: str
    verdict: Verdict
    value: float
    n: int
    detail: str


class Mark(NamedTuple):
    """Figures that a verdict bears on: those of a corpus in one reading, in one fold or (0) in all."""

    corpus: str
    reading: str
    fold: int
    verdict: Verdict


@dataclass(frozen=True)
class Audit:
    """All checks of a run, and the figures they bear on.

    Attributes:
        checks: In the order in which they are told.
        marks: The figures.
    """

    checks: tuple[Check, ...]
    marks: tuple[Mark, ...] = ()

    def table(self) -> pd.DataFrame:
        """Give the checks as a table, columns as in `Check`.

        Example:
            >>> Audit(()).table().columns.tolist()
            ['check', 'corpus', 'other', 'verdict', 'value', 'n', 'detail']
        """
        table = pd.DataFrame(self.checks, columns=list(Check._fields))
        return table.assign(verdict=[str(check.verdict) for check in self.checks])

    def of(self, *verdicts: Verdict) -> list[Check]:
        """Give the checks that ended so."""
        return [check for check in self.checks if check.verdict in verdicts]

    def bad(self) -> bool:
        """Whether figures leak or are confounded."""
        return any(check.verdict in SIGNS for check in self.checks)

    def notes(self) -> list[str]:
        """Say what bears on figures that are marked."""
        unnamed = {mark.corpus for mark in self.marks if mark.reading == "held-out"}
        return [
            f"{check.detail}."
            for check in self.checks
            if check.verdict in SIGNS or (check.check == SHARED and check.corpus in unnamed)
        ]

    def marked(self, figures: pd.DataFrame) -> pd.DataFrame:
        """Say beside every figure which verdicts bear on it.

        Args:
            figures: Has the column ``corpus``, and as it may be ``reading`` and ``fold``. Without ``reading`` a row is
                taken to be about `CARRIED`; without ``fold``, to be about all folds together.

        Returns:
            A copy with the column ``audit``.

        Example:
            >>> audit = Audit((), (Mark("cats", "held-out", 2, Verdict.LEAK),))
            >>> figures = pd.DataFrame({"corpus": "cats", "reading": "held-out", "fold": [1, 2]})
            >>> audit.marked(figures)["audit"].tolist()
            ['', 'leak']
        """
        parts = [np.where(self._bears(figures, verdict), str(verdict), "") for verdict in SIGNS]
        return figures.assign(audit=[", ".join(filter(None, row)) for row in zip(*parts, strict=True)])

    def _bears(self, figures: pd.DataFrame, verdict: Verdict) -> npt.NDArray[np.bool_]:
        told = np.zeros(len(figures), dtype=np.bool_)
        for mark in self.marks:
            if mark.verdict != verdict:
                continue
            mine = figures["corpus"] == mark.corpus
            if "reading" in figures:
                mine &= figures["reading"] == mark.reading
            elif mark.reading not in CARRIED:
                continue
            if mark.fold and "fold" in figures:
                mine &= figures["fold"] == mark.fold
            told |= mine.to_numpy(dtype=np.bool_)
        return told


def signs_of(cells: Iterable[object]) -> str:
    """Give the signs for cells of the column ``audit``.

    Args:
        cells: The cells.

    Returns:
        Each sign once, empty where there are none.

    Example:
        >>> signs_of(["", "leak, confounded", "leak"]), signs_of([None])
        ('†‡', '')
    """
    names = {name for cell in cells if isinstance(cell, str) for name in cell.split(", ")}
    return "".join(sign for verdict, sign in SIGNS.items() if verdict in names)


def footnotes(cells: Iterable[object]) -> list[tuple[str, str]]:
    """Explain the signs that stand in some cells of the column ``audit``.

    Args:
        cells: The cells.

    Returns:
        Each sign with what it means, once.

    Example:
        >>> [sign for sign, _ in footnotes(["", "leak", "leak"])]
        ['†']
    """
    used = signs_of(cells)
    return [(sign, FOOTNOTES[verdict]) for verdict, sign in SIGNS.items() if sign in used]


def counted_verdicts(verdicts: Sequence[str]) -> str:
    """Count verdicts, the worst first.

    Args:
        verdicts: Of the checks.

    Returns:
        Such as ``1 leak, 12 sound``.

    Example:
        >>> counted_verdicts(["sound", "leak", "sound"])
        '1 leak, 2 sound'
    """
    counts = {verdict: sum(each == verdict for each in verdicts) for verdict in reversed(Verdict)}
    return ", ".join(f"{n} {verdict}" for verdict, n in counts.items() if n)
