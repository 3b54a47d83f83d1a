"""Write results.md and the table of docs/egemaps.md from the committed CSV files."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from affectmap.corpora import CARDS
from affectmap.files import write_text
from affectmap.text import between_marks, markdown, score, score_range

PAGE = Path(__file__).resolve().parents[2] / "docs" / "egemaps.md"
TITLES = {"uar": "UAR", "r2_activation": "R² activation", "r2_valence": "R² valence"}
METHODS = {"line": "Line", "map": "Map"}
CORPORA = {name: CARDS[name].title for name in ("emodb", "urdu", "aesdd")} | {"mean": "mean"}
INTRODUCTION = """# Which descriptors help on a held-out corpus

    OMP_NUM_THREADS=1 python experiments/feature-sets/run.py DATA

Each of EMO-DB, URDU and AESDD is held out once, the two others are trained on; `run.py` says what the sets and the two
methods are, `descriptors.py` what each further descriptor is. UAR is that of neutral, sad, happy and angry (AESDD has
no neutral); R² is adjusted. Behind the value of a map stands its standard deviation over five seeds; differences are to
the compatible set with the same method, rows and seeds, with their 95 % interval over speakers. *Repeated* is the
control: as many columns more, but none that is new. docs/egemaps.md says what follows.
"""


def write_pages(folder: Path) -> None:
    """Write both from results.csv and chosen.csv in `folder`."""
    results, chosen = pd.read_csv(folder / "results.csv"), pd.read_csv(folder / "chosen.csv")
    parts = [INTRODUCTION]
    for method, title in METHODS.items():
        parts += [f"## {title}, mean of the three corpora\n", values(results, method) + "\n"]
        parts += ["Differences to the compatible set:\n", differences(results, method) + "\n"]
        parts += ["By corpus:\n", by_corpus(results, method) + "\n"]
    parts += ["## Chosen on the two other corpora\n", choices(chosen)]
    write_text(folder / "results.md", "\n".join(parts) + "\n")
    write_text(PAGE, between_marks(PAGE.read_text(encoding="utf-8"), "feature-sets", summary(results)))


def _cells(results: pd.DataFrame, method: str, target: str = "mean") -> pd.DataFrame:
    some = results[(results["method"] == method) & (results["target"] == target)]
    return some.set_index(["set", "quantity"])


def values(results: pd.DataFrame, method: str) -> str:
    """Values with their intervals, and standard deviations where there are seeds."""
    cells = _cells(results, method)
    rows = [["set", *TITLES.values()]]
    for name in results["set"].unique():
        row = [cells.loc[(name, quantity)] for quantity in TITLES]
        spread = [f" ± {score(one['sd_of_seeds'])}" if method == "map" else "" for one in row]
        rows.append([name, *(f"{score(one['value'])}{sd} ({score_range(one['low'], one['high'])})"
                             for one, sd in zip(row, spread, strict=True))])  # fmt: skip
    return markdown(rows)


def differences(results: pd.DataFrame, method: str, digits: int = 3) -> str:
    """Differences to the compatible set."""
    cells = _cells(results, method)
    rows = [["set", *TITLES.values()]]
    for name in results["set"].unique()[1:]:
        rows.append([name, *(_difference(cells.loc[(name, quantity)], digits) for quantity in TITLES)])
    return markdown(rows)


def _difference(row: pd.Series, digits: int = 3) -> str:
    ends = " to ".join(score(row[f"difference_{end}"], digits, signed=True) for end in ("low", "high"))
    return f"{score(row['difference'], digits, signed=True)} ({ends})"


def by_corpus(results: pd.DataFrame, method: str) -> str:
    """Values of each held-out corpus."""
    heads = [f"{corpus} {title}" for title in ("UAR", "R² act", "R² val") for corpus in list(CORPORA.values())[:3]]
    rows = [["set", *heads]]
    for name in results["set"].unique():
        row = [name]
        for quantity in TITLES:
            for target in list(CORPORA)[:3]:
                row.append(score(_cells(results, method, target).loc[(name, quantity), "value"], 3))
        rows.append(row)
    return markdown(rows)


def choices(chosen: pd.DataFrame) -> str:
    """What was chosen for each held-out corpus, and what it brings there."""
    rows = [["method", "held out", "chosen set", *(f"{title}, difference" for title in TITLES.values())]]
    for (method, target), some in chosen.groupby(["method", "target"], sort=False):
        cells = some.set_index("quantity")
        found = [f"{score(cells.loc[each, 'value'])}, {_difference(cells.loc[each])}" for each in TITLES]
        name = "these three" if target == "mean" else str(some["set"].iloc[0])
        rows.append([METHODS[str(method)].lower(), CORPORA[str(target)], name, *found])
    return markdown(rows, n_text=3)


def summary(results: pd.DataFrame) -> str:
    """Differences of both methods to the compatible set, two digits."""
    cells = {method: _cells(results, method) for method in METHODS}
    heads = [f"{title}, {method}" for title in TITLES.values() for method in METHODS]
    rows = [["set", *heads]]
    for name in results["set"].unique()[1:]:
        found = [_marked(cells[method].loc[(name, quantity)]) for quantity in TITLES for method in METHODS]
        rows.append([name, *found])
    first = [score(cells[m].loc[("compatible", quantity), "value"]) for quantity in TITLES for m in METHODS]
    return markdown([rows[0], ["compatible, value", *first], *rows[1:]])


def _marked(row: pd.Series) -> str:
    """Write a difference, in bold if its interval holds 0 no more."""
    text = score(row["difference"], signed=True)
    return f"**{text}**" if row["difference_low"] > 0 or row["difference_high"] < 0 else text
