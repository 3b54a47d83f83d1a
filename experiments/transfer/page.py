"""Write docs/transfer.md, its tables between marks from the committed CSV files, and its two pictures.

    python experiments/transfer/page.py transfer.png [transfer-maps.png]

draws pictures anew, the second from the data that AFFECTMAP_DATA names.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path

import matplotlib

matplotlib.use("agg")

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from affectmap.files import write_text
from affectmap.preparation.prepared_corpus import PreparedCorpus
from affectmap.schema import FOUR_CLASSES
from affectmap.style import EMOTION_MARKS, INK, PLAIN_MARK
from affectmap.text import between_marks, markdown, score, score_range
from affectmap.transfer.recipe import fit_transfer
from evaluation import BY_CARD, QUANTITIES, RATED, UNSEEN, by_corpus, read

HERE = Path(__file__).resolve().parent
DOCS = HERE.parents[1] / "docs"
TITLES = {
    "emodb": "EMO-DB (German)",
    "urdu": "URDU",
    "aesdd": "AESDD (Greek)",
    "turev-db": "TurEV-DB (Turkish)",
    "casia": "CASIA (Mandarin)",
}
POLICY_TITLES = {"source": "the sources", "target-all": "the corpus", BY_CARD: "each speaker"}
GROUPS = {"simple": "simple maps", "paper": "the paper's methods", "recipe": "the recipe"}
MAIN = ("88 functionals, all corpora", "ridge, rated corpora", "ridge, recipe's corpora and labels")


def write_page(folder: Path, corpora: Mapping[str, PreparedCorpus]) -> None:
    """Draw the pictures and put the tables of `folder` into the page.

    Args:
        folder: Where summary.csv, comparisons.csv, nested.csv and claims.csv lie.
        corpora: All five.
    """
    write_tables(folder)
    _draw_summary(pd.read_csv(folder / "summary.csv"), DOCS / "transfer.png")
    _draw_maps(corpora, DOCS / "transfer-maps.png")


def write_tables(folder: Path) -> None:
    """Put the tables of `folder` into the page."""
    page = DOCS / "transfer.md"
    text = page.read_text(encoding="utf-8")
    for name, table in page_tables(folder).items():
        text = between_marks(text, name, table)
    write_text(page, text)


def page_tables(folder: Path) -> dict[str, str]:
    """Give the tables of the page, made of the CSV files of `folder` alone."""
    summary = pd.read_csv(folder / "summary.csv")
    return {
        "policies": _policies(summary),
        "corpora": _by_corpus(summary),
        "changes": _changes(summary, pd.read_csv(folder / "comparisons.csv")),
        "unseen": _unseen(pd.read_csv(folder / "unseen.csv")),
        "nested": _nested(pd.read_csv(folder / "nested.csv")),
        "claims": _claims(pd.read_csv(folder / "claims.csv")),
    }


def _policies(summary: pd.DataFrame) -> str:
    """Mean over the three corpora, every method but the changes, by policy."""
    some = summary[(summary["target"] == "mean") & summary["group"].isin(GROUPS)]
    rows, policies = [], some["policy"].drop_duplicates().tolist()
    for setup in some["setup"].drop_duplicates():
        row = [setup]
        for quantity in QUANTITIES:
            for policy in policies:
                one = some[(some["setup"] == setup) & (some["policy"] == policy) & (some["quantity"] == quantity)]
                row.append(score(one["value"].item()))
        rows.append(row)
    short = {"uar": "UAR", "r2_activation": "R² act", "r2_valence": "R² val"}
    return markdown([["method", *(f"{short[q]} {policy}" for q in QUANTITIES for policy in policies)], *rows])


def _by_corpus(summary: pd.DataFrame) -> str:
    """The main methods by corpus, with the interval over speakers."""
    names = [*MAIN, *summary.loc[summary["group"].isin(["paper", "recipe"]), "setup"].drop_duplicates()]
    rows = []
    for policy in ("target-all", BY_CARD):
        for setup in names:
            some = summary[(summary["setup"] == setup) & (summary["policy"] == policy) & (summary["quantity"] == "uar")]
            cells = [some[some["target"] == target].iloc[0] for target in (*RATED, "mean")]
            text = [f"{score(c['value'])} ({score_range(c['low'], c['high'])})" for c in cells]
            rows.append([policy, setup, *text])
    return markdown([["policy", "method", *(TITLES[name] for name in RATED), "mean"], *rows])


def _changes(summary: pd.DataFrame, comparisons: pd.DataFrame) -> str:
    """One thing changed: difference of the means from the recipe's single model, with Holm's p."""
    some = comparisons[comparisons["against"] == "recipe, one model"]
    rows = []
    for setup in some["setup"].drop_duplicates():
        row = [setup]
        for quantity in QUANTITIES:
            for policy in ("target-all", BY_CARD):
                match = (some["setup"] == setup) & (some["policy"] == policy) & (some["quantity"] == quantity)
                row += [
                    f"{score(each.difference, signed=True)}{'*' if each.p_holm < 0.05 else ''}"
                    for each in some[match].itertuples()
                ]
        rows.append(row)
    base = summary[(summary["setup"] == "recipe, one model") & (summary["target"] == "mean")]
    zero = ["recipe, one model"]
    for quantity in QUANTITIES:
        for policy in ("target-all", BY_CARD):
            zero.append(score(base[(base["policy"] == policy) & (base["quantity"] == quantity)]["value"].item()))
    header = [f"{q} {p}" for q in ("UAR", "R² act", "R² val") for p in ("corpus", "card")]
    return markdown([["changed", *header], zero, *rows])


def _unseen(unseen: pd.DataFrame) -> str:
    """UAR on the corpora that took part in nothing, with the interval over speakers."""
    rows = []
    for (method, policy), some in unseen.groupby(["method", "policy"], sort=False):
        if "minus" in method:
            continue
        cells = [some[some["target"] == target].iloc[0] for target in (*UNSEEN, "mean")]
        rows.append(
            [method, POLICY_TITLES[policy], *(f"{score(c['uar'])} ({score_range(c['low'], c['high'])})" for c in cells)]
        )
    return markdown([["method", "statistics of", *(TITLES[name] for name in UNSEEN), "mean"], *rows])


def _nested(nested: pd.DataFrame) -> str:
    scores = nested.groupby(["left_out", "choice"], sort=False)["score"].mean().unstack("left_out")[list(RATED)]
    rows = []
    for choice, values in scores.iterrows():
        cells = [
            f"**{score(values[name])}**" if values[name] == scores[name].max() else score(values[name])
            for name in RATED
        ]
        rows.append([str(choice), *cells])
    return markdown([["choice", *(f"without {TITLES[name]}" for name in RATED)], *rows])


def _claims(claims: pd.DataFrame) -> str:
    rows = []
    for claim, some in claims.groupby("claim"):
        counts = some["verdict"].value_counts()
        counted = [str(int(counts.get(verdict, 0))) for verdict in ("holds", "does not hold", "cannot be told")]
        rows.append(
            [f"({claim})", *counted, score_range(some["difference"].min(), some["difference"].max(), signed=True)]
        )
    return markdown([["claim", "holds", "does not hold", "cannot be told", "differences"], *rows])


def _draw_summary(summary: pd.DataFrame, file: Path) -> None:
    names = [*MAIN, *summary.loc[summary["group"].isin(["paper", "recipe"]), "setup"].drop_duplicates()][::-1]
    figure, axes = plt.subplots(1, 2, figsize=(10, 4.6), sharey=True, layout="constrained")
    for axis, quantity, title in zip(
        axes, ("uar", "r2_activation"), ("UAR, four classes", "R² of activation"), strict=True
    ):
        for policy, colour, shift in (("target-all", INK, 0.14), (BY_CARD, PLAIN_MARK.colour, -0.14)):
            some = summary[(summary["target"] == "mean") & (summary["policy"] == policy)]
            some = some[some["quantity"] == quantity].set_index("setup").loc[names]
            y = np.arange(len(names)) + shift
            axis.hlines(y, some["low"], some["high"], color=colour, alpha=0.45, linewidth=2)
            label = {"target-all": "standardised by corpus", BY_CARD: "by speaker, as the cards allow"}[policy]
            axis.plot(some["value"], y, "o", color=colour, markersize=5, label=label)
        axis.set_title(title, loc="left")
        axis.grid(axis="x", alpha=0.3)
        axis.spines[["top", "right", "left"]].set_visible(False)
        axis.tick_params(axis="y", length=0)
    axes[0].set_yticks(range(len(names)), names)
    axes[0].legend(loc="lower left", bbox_to_anchor=(0, 1.08), ncols=2, frameon=False, borderaxespad=0)
    figure.savefig(file, dpi=130)
    plt.close(figure)


def _draw_maps(corpora: Mapping[str, PreparedCorpus], file: Path) -> None:
    figure, axes = plt.subplots(1, 3, figsize=(11, 4), sharex=True, sharey=True, layout="constrained")
    for axis, name in zip(axes, RATED, strict=True):
        sources = [corpus for other, corpus in corpora.items() if other != name]
        network, target = fit_transfer(sources).network_, corpora[name]
        embedding = network.embed(by_corpus(target)) + 3
        for emotion in FOUR_CLASSES:
            rows, mark = target.emotion == emotion, EMOTION_MARKS[emotion]
            style = {"s": 11, "alpha": 0.6, "color": mark.colour, "marker": mark.marker, "linewidths": 0}
            axis.scatter(embedding[rows, 1], embedding[rows, 0], label=str(emotion), **style)
            if rows.any():
                centre = embedding[rows].mean(axis=0)
                axis.plot(centre[1], centre[0], mark.marker, markersize=11, color=mark.colour, markeredgecolor="white")
        axis.set_title(f"{TITLES[name]}, held out", loc="left")
        axis.set_xlabel("valence")
        axis.set_aspect("equal")
        axis.grid(alpha=0.25)
        axis.spines[["top", "right"]].set_visible(False)
    axes[0].set_ylabel("activation")
    axes[0].legend(frameon=False, markerscale=1.6, loc="lower right")
    figure.savefig(file, dpi=130)
    plt.close(figure)


if __name__ == "__main__":
    if "transfer.png" in sys.argv:
        _draw_summary(pd.read_csv(HERE / "summary.csv"), DOCS / "transfer.png")
    if "transfer-maps.png" in sys.argv:
        _draw_maps(read(Path(os.environ["AFFECTMAP_DATA"])), DOCS / "transfer-maps.png")
