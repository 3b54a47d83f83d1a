"""Put the verdicts of the committed runs into docs/paper.md: python experiments/three-corpora/paper_page.py."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from affectmap.corpora import CARDS
from affectmap.experiment.paper_claims import STATEMENTS
from affectmap.files import write_text
from affectmap.text import between_marks, markdown

HERE = Path(__file__).resolve().parent
PAGE = HERE.parents[1] / "docs" / "paper.md"
SOURCES = {name: CARDS[name].title for name in ("emodb", "urdu", "aesdd")}


def claims_table() -> str:
    """Write a row a claim with its verdict from each source, as Markdown."""
    verdicts = {}
    for name in SOURCES:
        claims = pd.read_csv(HERE / name / "claims.csv")
        verdicts[name] = claims[claims["corpus"] == "all"].set_index("claim")["verdict"]
    rows = [
        [f"({claim})", words.removesuffix("."), *(str(verdicts[name][claim]) for name in SOURCES)]
        for claim, words in STATEMENTS.items()
        if all(claim in found for found in verdicts.values())
    ]
    heads = ["letter", "claim", *(f"from {title}" for title in SOURCES.values())]
    return markdown([heads, *rows], n_text=len(heads))


if __name__ == "__main__":
    write_text(PAGE, between_marks(PAGE.read_text(encoding="utf-8"), "claims", claims_table()))
