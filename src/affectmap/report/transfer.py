"""What was measured on corpora that no method was trained on: values, their intervals and the method that does best."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from affectmap.report.style import THIN_SPACE, chance, is_compared, is_number, percent

if TYPE_CHECKING:
    from affectmap.experiment.results import Results


@dataclass(frozen=True)
class Leader:
    """The compared method that does best on average over the unseen corpora, its rows, and how many were compared."""

    method: str
    rows: list[dict[str, Any]]
    n_methods: int


class Transfer:
    """What the summary says about corpora that no method was trained on.

    Args:
        results: The results of a run.
    """

    def __init__(self, results: Results) -> None:
        self.corpora = results.corpora
        self.targets = [str(c) for c in results.corpora.loc[results.corpora["role"] == "target", "corpus"]]
        rows = results.summary[results.summary["reading"] == "zero-shot"]
        records = [{str(key): value for key, value in row.items()} for row in rows.to_dict("records")]
        self._rows = [row for row in records if is_number(row["mean"]) and row["corpus"] in self.targets]

    def row(self, method: str, corpus: str, quantity: str) -> dict[str, Any] | None:
        """Give the summary's row without any label of the corpus, ``None`` if there is none."""
        for row in self._rows:
            if (row["method"], row["corpus"], row["quantity"]) == (method, corpus, quantity):
                return row
        return None

    def value(self, method: str, corpus: str, quantity: str) -> float | None:
        """Give a mean without any label of the corpus, ``None`` if there is none."""
        row = self.row(method, corpus, quantity)
        return float(row["mean"]) if row else None

    def leader(self, quantities: Iterable[str]) -> Leader | None:
        """Find the compared method that is best on average, counted from guessing where one can guess."""
        mine = [r for r in self._rows if is_compared(r["method"]) and r["quantity"] in set(quantities)]
        # What is the most that one corpus has may be the lesser one of another.
        most = {
            r["corpus"]: max(len(other["quantity"]) for other in mine if other["corpus"] == r["corpus"]) for r in mine
        }
        mine = [r for r in mine if len(r["quantity"]) == most[r["corpus"]]]
        # Counted from guessing, or a corpus with fewer classes would always look better.
        gain: dict[str, list[float]] = {}
        for row in mine:
            gain.setdefault(row["method"], []).append(row["mean"] - (chance(row["quantity"]) or 0.0))
        if not gain:
            return None
        best = max(gain, key=lambda method: sum(gain[method]) / len(gain[method]))
        return Leader(best, [row for row in mine if row["method"] == best], len(gain))

    def most_classes(self) -> list[str]:
        """Quantities with the most classes that some unseen corpus has: N-S-H-A, or S-H-A without neutral."""
        named = {(row["corpus"], row["quantity"]) for row in self._rows if row["table"] == "4"}
        most = {max((quantity for corpus, quantity in named if corpus == each), key=len) for each, _ in named}
        return sorted(most)

    def unrated(self, corpus: str) -> list[str]:
        """Name the ratings that nobody gave to a corpus."""
        row = self.corpora[self.corpora["corpus"] == corpus].iloc[0]
        return [label for label in ("activation", "valence") if is_number(n := row[f"n_{label}"]) and n == 0]


def bounds(row: Mapping[str, Any]) -> tuple[float, float] | None:
    """Give a row's interval over speakers, ``None`` unless both ends are known.

    Example:
        >>> bounds({"ci_low": 0.1, "ci_high": 0.5}), bounds({"ci_low": 0.1, "ci_high": None})
        ((0.1, 0.5), None)
    """
    low, high = row["ci_low"], row["ci_high"]
    return (float(low), float(high)) if is_number(low) and is_number(high) else None


def percents(low: float, high: float) -> str:
    """Write a range of shares in percent, the sign once.

    Example:
        >>> percents(0.39, 0.65).replace(THIN_SPACE, " ")
        '39 to 65 %'
    """
    return f"{percent(low).removesuffix(f'{THIN_SPACE}%')} to {percent(high)}"
