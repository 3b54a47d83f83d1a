"""Put the tables of certainty.py into docs/adaptation.md."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import pandas as pd
from listening_page import EARS
from methods_page import TITLES

from affectmap.schema import LABELS
from affectmap.text import markdown, number, score


def page_tables(folder: Path) -> Iterator[tuple[str, str]]:
    """Give the tables of the page by the name of their marks, made of the files alone."""
    yield "listening-coverage", markdown(list(_coverage(pd.read_csv(folder / "coverage.csv"))))
    yield "listening-calibration", markdown(list(_calibration(pd.read_csv(folder / "calibration.csv"))))


def _coverage(table: pd.DataFrame) -> Iterator[Sequence[str]]:
    """Compare statistics with listening, adapted to all of a corpus and to few recordings (the mean of draws)."""
    yield [
        "features", "held out", "recordings", "listened",
        *(f"{label}: {what}" for label in LABELS for what in ("half width", "statistics", "listening")),
        *(f"error: {how}" for how in ("statistics", "listening")),
    ]  # fmt: skip
    for ear, title in EARS.items():
        for name in TITLES:
            own = table[(table["ear"] == ear) & (table["corpus"] == name)]
            for n in sorted(own["n"].unique(), reverse=True):
                some = own[own["n"] == n]
                by = {how: some[some["adapted_by"] == how] for how in ("statistics", "listening")}
                used = by["listening"]["is_used"]
                cells = []
                for label in LABELS:
                    cells.append(number(by["listening"][f"half_width_{label}"].mean(), 2))
                    cells += [score(each[f"coverage_{label}"].mean()) for each in by.values()]
                cells += [score(each["ece"].mean()) for each in by.values()]
                yield [title, TITLES[name], number(n, 0), f"{used.sum()} of {len(used)}", *cells]


def _calibration(table: pd.DataFrame) -> Iterator[Sequence[str]]:
    """Give the means over the folders of a corpus that were listened to."""
    steps = ("before", "after", "tempered")
    yield [
        "features", "held out", "folders", *(f"error, {step}" for step in steps),
        *(f"too sure by, {step}" for step in steps), *(f"log-loss, {step}" for step in steps),
        "temperature",
    ]  # fmt: skip
    for ear, title in EARS.items():
        heard = table[(table["ear"] == ear) & table["is_used"]]
        for name in TITLES:
            own = heard[heard["corpus"] == name]
            if len(own):
                yield [title, TITLES[name], str(len(own)), *_means(own, steps)]
        # Every corpus weighs the same.
        yield [title, "**mean**", str(len(heard)), *_means(heard.groupby("corpus").mean(numeric_only=True), steps)]


def _means(table: pd.DataFrame, steps: Sequence[str]) -> Iterator[str]:
    yield from (score(table[f"ece_{step}"].mean()) for step in steps)
    yield from (score(table[f"over_{step}"].mean(), signed=True) for step in steps)
    yield from (number(table[f"loss_{step}"].mean(), 2) for step in steps)
    yield number(table["temperature"].mean(), 2)
