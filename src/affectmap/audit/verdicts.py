"""What an audit says: checks with their verdicts, and the results that they concern.

Conventions:
    * In tables of results the column ``audit`` is empty, or names the verdicts that concern a result: ``leak``,
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

from affectmap.text import TextTable, count_or_score, number


class Verdict(StrEnum):
    """How a check ends, the best first."""

    SOUND = "sound"
    UNKNOWN = "cannot be told"
    WARNING = "warning"
    CONFOUNDED = "confounded"
    LEAK = "leak"


#: What stands beside a result that a verdict concerns.
SIGNS = {Verdict.LEAK: "†", Verdict.CONFOUNDED: "‡"}
#: What the signs mean.
FOOTNOTES = {
    Verdict.LEAK: "a speaker or a recording is, or may be, on both sides of the split; the result says nothing about "
    "new ones",
    Verdict.CONFOUNDED: "standardised by speaker, although the speakers of this corpus predict the emotion",
}
#: The check of speakers on both sides of a split.
SHARED = "shared speakers"
#: Readings of the models that were trained on the source.
CARRIED = ("held-out", "zero-shot", "probe")
#: Readings of what was trained on labels of the corpus itself.
WITHIN = ("within", "supervised")


class Check(NamedTuple):
    """One check of one corpus, or of two.

    Attributes:
        check: What was looked at.
        corpus: Name of the corpus; ``all`` where it is about all of them.
        other: Name of the other corpus, where it is about two.
        verdict: One of `Verdict`.
        value: What was measured, as `detail` says; ``NaN`` where nothing could be.
        n: Number of utterances, folds or findings it is about.
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
    """Results that a verdict concerns: those of a corpus in one reading, in one fold or (0) in all."""

    corpus: str
    reading: str
    fold: int
    verdict: Verdict


@dataclass(frozen=True)
class Audit:
    """All checks of a run, in order, and marks of the results that they concern."""

    checks: tuple[Check, ...]
    marks: tuple[Mark, ...] = ()

    def table(self) -> pd.DataFrame:
        """Give the checks as a table, columns as in `Check`."""
        table = pd.DataFrame(self.checks, columns=list(Check._fields))
        return table.assign(verdict=[str(check.verdict) for check in self.checks])

    def text_table(self) -> TextTable:
        """Write the checks for people, a line each."""
        rows = []
        for each in self.checks:
            where = f"{each.corpus}, {each.other}" if each.other not in ("", each.corpus) else each.corpus
            rows.append([each.check, where, str(each.verdict), count_or_score(each.value), number(each.n, 0)])
        return TextTable("Checks", ["check", "corpus", "verdict", "value", "of"], rows, 3, "")

    def of(self, *verdicts: Verdict) -> list[Check]:
        """Give the checks that ended so."""
        return [check for check in self.checks if check.verdict in verdicts]

    def bad(self) -> bool:
        """Whether results leak or are confounded."""
        return any(check.verdict in SIGNS for check in self.checks)

    def notes(self) -> list[str]:
        """Give the sentences under the tables: leaks, confounded corpora, speakers whom held-out rows share."""
        held_out = {mark.corpus for mark in self.marks if mark.reading == "held-out"}
        return [
            f"{check.detail}."
            for check in self.checks
            if check.verdict in SIGNS or (check.check == SHARED and check.corpus in held_out)
        ]

    def marked(self, results: pd.DataFrame) -> pd.DataFrame:
        """Add the column ``audit`` to results: which verdicts concern each.

        Args:
            results: Has the column ``corpus``, and optionally ``reading`` and ``fold``. Without ``reading`` a row is
                taken to be about `CARRIED`; without ``fold``, to be about all folds together.

        Example:
            >>> audit = Audit((), (Mark("cats", "held-out", 2, Verdict.LEAK),))
            >>> results = pd.DataFrame({"corpus": "cats", "reading": "held-out", "fold": [1, 2]})
            >>> audit.marked(results)["audit"].tolist()
            ['', 'leak']
        """
        parts = [np.where(self._concerned(results, verdict), str(verdict), "") for verdict in SIGNS]
        return results.assign(audit=[", ".join(filter(None, row)) for row in zip(*parts, strict=True)])

    def _concerned(self, results: pd.DataFrame, verdict: Verdict) -> npt.NDArray[np.bool_]:
        concerned = np.zeros(len(results), dtype=np.bool_)
        for mark in self.marks:
            if mark.verdict != verdict:
                continue
            mine = results["corpus"] == mark.corpus
            if "reading" in results:
                mine &= results["reading"] == mark.reading
            elif mark.reading not in CARRIED:
                continue
            if mark.fold and "fold" in results:
                mine &= results["fold"] == mark.fold
            concerned |= mine.to_numpy(dtype=np.bool_)
        return concerned


def signs_of(cells: Iterable[object]) -> str:
    """Give the signs for cells of the column ``audit``, each once.

    Example:
        >>> signs_of(["", "leak, confounded", "leak"]), signs_of([None])
        ('†‡', '')
    """
    names = {name for cell in cells if isinstance(cell, str) for name in cell.split(", ")}
    return "".join(sign for verdict, sign in SIGNS.items() if verdict in names)


def footnotes(cells: Iterable[object]) -> list[tuple[str, str]]:
    """Explain the signs that stand in some cells of the column ``audit``: each with what it means, once."""
    used = signs_of(cells)
    return [(sign, FOOTNOTES[verdict]) for verdict, sign in SIGNS.items() if sign in used]


def counted_verdicts(verdicts: Sequence[str]) -> str:
    """Count the verdicts of checks, the worst first, such as ``1 leak, 12 sound``."""
    counts = {verdict: sum(each == verdict for each in verdicts) for verdict in reversed(Verdict)}
    return ", ".join(f"{n} {verdict}" for verdict, n in counts.items() if n)
