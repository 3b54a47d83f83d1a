"""The page of a score: how good a model is on a corpus, in words, tables and two pictures drawn in the page itself."""

from __future__ import annotations

from typing import Any

from affectmap import __version__
from affectmap.evaluation.scoring import Evaluation
from affectmap.evaluation.tables import text_tables
from affectmap.evaluation.verdict import title, verdict
from affectmap.report.page import template
from affectmap.text import number, score

#: Rows above which a table is folded.
_LONG = 12
#: Tables that a picture stands beside.
_CONFUSION, _PROBABILITIES = "Each class", "Probabilities"


def render_score(found: Evaluation) -> str:
    """Make the page, HTML that needs nothing beside it."""
    statements = verdict(found)
    return template("score.html").render(
        title=title(found),
        warnings=[each for each in statements if each.warns],
        statements=[each for each in statements if not each.warns],
        tables=text_tables(found),
        confusion=_confusion(found),
        points=_points(found),
        names={"confusion": _CONFUSION, "probabilities": _PROBABILITIES},
        classes=found.classes,
        n_long=_LONG,
        version=__version__,
    )


def _confusion(found: Evaluation) -> list[dict[str, Any]]:
    """Give a row an emotion: its name, whether it is scored, and each cell's share, count, and whether it is right."""
    rows = []
    for name, counts in zip(found.confusion.index.astype(str), found.confusion.to_numpy().tolist(), strict=True):
        total = max(1, sum(counts))
        cells = [
            {"share": round(n / total, 3), "shown": score(n / total), "n": number(n, 0), "right": name == each}
            for each, n in zip(found.classes, counts, strict=True)
        ]
        rows.append({"name": name, "scored": name in found.classes, "n": number(sum(counts), 0), "cells": cells})
    return rows


def _points(found: Evaluation) -> list[dict[str, Any]]:
    """Give a point a bin, in a square of 100 by 100 whose second axis goes down; its area is the weight."""
    if len(found.classes) < 2:
        return []
    return [
        {
            "x": round(100 * row["confidence"], 2),
            "y": round(100 - 100 * row["hits"], 2),
            "diagonal": round(100 - 100 * row["confidence"], 2),
            "radius": round(1.2 + 7 * float(row["weight"]) ** 0.5, 2),
            "words": f"{number(row['n'], 0)} utterances: probability {score(row['confidence'])}, "
            f"right {score(row['hits'])}",
        }
        for row in found.reliability.to_dict("records")
    ]
