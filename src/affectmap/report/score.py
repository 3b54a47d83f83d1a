"""The page of a score: how good a model is on a corpus, in words, tables and two pictures drawn in the page itself."""

from __future__ import annotations

from typing import Any

from affectmap import __version__
from affectmap.evaluation.scoring import Evaluation
from affectmap.evaluation.tables import capital, text_tables
from affectmap.evaluation.use import Statement
from affectmap.evaluation.verdict import adapted, answer, heading, title, verdict
from affectmap.report.page import template
from affectmap.report.score_map import score_map
from affectmap.text import counted, number, score

Colour = tuple[int, int, int]
#: Colours of cells, and the grounds that they are mixed into.
_RIGHT, _WRONG = (0, 135, 107), (207, 138, 0)
_GROUNDS = {"light": (255, 255, 255), "dark": (20, 24, 29)}
#: Share of the colour in a cell that has all utterances of its row.
_DEPTH = 0.5
#: Rows above which a table is folded.
_LONG = 12
#: Tables that a picture stands beside.
_CONFUSION, _PROBABILITIES = "Each class", "Probabilities"


def render_score(found: Evaluation, explorer: str = "") -> str:
    """Make the page, HTML that needs nothing beside it; `explorer` is the name of a page beside it to be linked."""
    seen, *statements = verdict(found)
    return template("score.html").render(
        title=title(found),
        heading=heading(found),
        adapted=capital(adapted(found)),
        answer=answer(found),
        found=found,
        map=score_map(found),
        rests_on=[_basis(found, seen), *(_line(each) for each in statements if each.warns)],
        statements=[each for each in statements if not each.warns],
        tables=text_tables(found),
        confusion=_confusion(found),
        points=_points(found),
        names={"confusion": _CONFUSION, "probabilities": _PROBABILITIES},
        classes=found.classes,
        n_long=_LONG,
        explorer=explorer,
        version=__version__,
    )


def _basis(found: Evaluation, seen: Statement) -> str:
    """Say what the answer rests on: how many people and labels, and whether the model knew them."""
    counts = found.counts
    of = f" of {counted(counts['speakers'], 'speaker')}" if counts["speakers"] else " of speakers not all known"
    labels = f"{counts['classified']:,} with one of the model’s classes, {counts['rated']:,} with ratings"
    return f"{capital(counted(counts['used'], 'utterance'))}{of}: {labels}. {capital(seen.words)}"


def _line(statement: Statement) -> str:
    about = statement.about
    return statement.words if about == "Note" else f"{about}: {statement.words}"


def _confusion(found: Evaluation) -> list[dict[str, Any]]:
    """Give a row an emotion: its name, whether it is scored, and the share, count and colours of each cell."""
    rows = []
    for name, counts in zip(found.confusion.index.astype(str), found.confusion.to_numpy().tolist(), strict=True):
        total = max(1, sum(counts))
        cells = [
            {"shown": score(n / total), "n": number(n, 0), **_shades(n / total, _RIGHT if name == each else _WRONG)}
            for each, n in zip(found.classes, counts, strict=True)
        ]
        rows.append({"name": name, "scored": name in found.classes, "n": number(sum(counts), 0), "cells": cells})
    return rows


def _shades(share: float, colour: Colour) -> dict[str, str]:
    """Mix a colour into the ground of the page, light and dark, the more the larger a share is."""
    return {
        name: f"rgb({', '.join(str(round(g + _DEPTH * share * (c - g))) for g, c in zip(ground, colour, strict=True))})"
        for name, ground in _GROUNDS.items()
    }


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
