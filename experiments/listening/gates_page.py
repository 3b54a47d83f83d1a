"""Put the tables of gates.py into docs/adaptation.md."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import pandas as pd
from listening_page import EARS
from thresholds import NOTHING

from affectmap.text import DASH, markdown, score

HEADS = (
    "signal", "gain from loss", "real from nothing", "beside the gate: whole", "worst", "four", "worst", "made, worst",
    "shuffled", "unknown", "alone: whole", "four", "shuffled", "unknown",
)  # fmt: skip


def page_tables(folder: Path) -> Iterator[tuple[str, str]]:
    """Give the tables of the page by the name of their marks, made of the file alone."""
    table = pd.read_csv(folder / "thresholds.csv", dtype={"joined": object, "kept_out": object})
    table = table.fillna({"joined": "", "kept_out": ""})
    for ear in EARS:
        own = table[table["ear"] == ear]
        rows = [_row(name, own[own["signal"] == name]) for name in own["signal"].unique()]
        yield f"gates-{ear}", markdown([HEADS, *rows])
    folders = pd.read_csv(folder / "gates.csv", dtype={"left_out": object}).fillna({"left_out": ""})
    yield "gates-known", markdown(list(_known(folders[folders["left_out"] == ""])))


def _known(table: pd.DataFrame) -> Iterator[Sequence[str]]:
    """Say what listening does to the recall of all classes that the model knows, the four and others."""
    yield ["folder", *(f"{title}: {what}" for title in EARS.values() for what in ("n", "gain", "worst"))]
    for kind in ("whole", "two thirds other emotions", "other emotions alone"):
        cells = []
        for ear in EARS:
            gain = table[(table["ear"] == ear) & (table["kind"] == kind)]["gain_known"].dropna()
            cells += [str(len(gain)), score(gain.mean(), signed=True), score(gain.min(), signed=True)]
        yield [kind, *cells]


def _row(name: str, rows: pd.DataFrame) -> Sequence[str]:
    """Say of a signal how it parts folders, and what its gate comes to beside the one in use and alone."""
    beside = rows[rows["kept_out"] == "shuffled"].sort_values("joined").iloc[-1:]
    alone = rows[(rows["kept_out"] == "all") & (rows["joined"] == "")]
    (first,) = (beside if len(beside) else rows).to_dict("records")
    gains = [first[f"{what}_{where}"] for where in ("whole", "four") for what in ("gain", "worst")]
    found = [name, score(first["auc_loss"]), score(first["auc_nothing"])]
    found += [score(gain, signed=True) for gain in [*gains, first["worst_made"]]] + _opened(first)
    if alone.empty:
        return [*found, *[DASH] * 4]
    (last,) = alone.to_dict("records")
    return [*found, *(score(last[f"gain_{where}"], signed=True) for where in ("whole", "four")), *_opened(last)]


def _opened(row: dict[str, float]) -> list[str]:
    """Say how often a gate opened for shuffled features, and for emotions that the model does not know."""
    counts = [(row[f"open {kind}"], row[f"n {kind}"]) for kind in NOTHING]
    groups = counts[:1], counts[1:]
    return [f"{sum(each for each, _ in group):.0f} of {sum(n for _, n in group):.0f}" for group in groups]
