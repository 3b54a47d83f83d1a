"""Score the shipped model on corpora that it was trained on and on two that it was not; fill in docs/score.md.

    python experiments/score/run.py DATA

DATA is a folder with corpora/emodb, corpora/urdu, corpora/aesdd, corpora/labels, features/casia.parquet and
features/turev-db.parquet, the 88 functionals of two corpora with emotions and speakers. Nothing is chosen from it.
"""

from __future__ import annotations

import argparse
import os
import re
from pathlib import Path

import pandas as pd

from affectmap import Evaluation, score
from affectmap.evaluation.predictions import Adapt
from affectmap.evaluation.tables import written
from affectmap.evaluation.verdict import as_text
from affectmap.features.recordings import RecordingCache
from affectmap.files import write_text
from affectmap.text import between_marks, markdown

HERE = Path(__file__).resolve().parent
PAGE = HERE.parents[1] / "docs" / "score.md"
SPECS = {
    "emodb": "emodb=corpora/emodb", "urdu": "urdu=corpora/urdu", "aesdd": "aesdd=corpora/aesdd",
    "casia": "table:casia=features/casia.parquet", "turev-db": "table:turev-db=features/turev-db.parquet",
}  # fmt: skip
#: Corpora given as tables of features, which have no names for people.
TITLES = {"casia": "CASIA", "turev-db": "TurEV-DB"}
#: What is shown of a corpus in full, and of which only the words.
IN_FULL, IN_WORDS = "emodb", ("urdu", "casia")
HEADER = [
    "corpus",
    "in training",
    "adapted",
    "classes",
    "UAR",
    "activation CCC",
    "error",
    "valence CCC",
    "error",
    "ECE",
]


def all_scores() -> dict[tuple[str, Adapt], Evaluation]:
    """Score every corpus under every way of adapting."""
    ways: tuple[Adapt, ...] = ("alone", "corpus", "speaker")
    found = {}
    for name, spec in SPECS.items():
        labels = None if name in TITLES else "corpora/labels"  # nobody rated the others
        for adapt in ways:
            with RecordingCache() as cache:
                found[name, adapt] = score(None, spec, adapt=adapt, labels=labels, cache=cache)
    return found


def summary(found: dict[tuple[str, Adapt], Evaluation]) -> str:
    """Write a row for each corpus and way of adapting."""
    rows = [HEADER]
    for (name, adapt), each in found.items():
        ratings = [each.row(m, label) for label in ("activation", "valence") for m in ("ccc", "mean_absolute_error")]
        cells = [written(row) for row in (each.row("uar"), *ratings, each.row("calibration_error"))]
        seen = "yes" if each.in_sample else "no"
        rows.append([TITLES.get(name, each.corpus), seen, adapt, each.choice, *cells])
    return markdown(rows, 4)


def main() -> None:
    """Score, and write the table and the examples."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path)
    os.chdir(parser.parse_args().data)
    found = all_scores()
    table = pd.concat({key: each.measures for key, each in found.items()}, names=["corpus", "adapt"])
    table = table[table["by"] == "all"].reset_index(["corpus", "adapt"])
    write_text(HERE / "results.csv", table.round(4).to_csv(index=False))
    page = between_marks(PAGE.read_text(encoding="utf-8"), "summary", summary(found))
    page = between_marks(page, IN_FULL, f"```\n{as_text(found[IN_FULL, 'alone'])}\n```")
    for name in IN_WORDS:
        words = as_text(found[name, "alone"]).split("\n\nClasses\n")[0]
        if name in TITLES:  # whose speakers go by the names of people
            words = re.sub(r"\nSpeakers: .*(\n  .*)*", "", words)
        page = between_marks(page, name, f"```\n{words}\n```")
    write_text(PAGE, page)


if __name__ == "__main__":
    main()
