"""Put the tables of the committed CSV files into docs/encoder-map.md, and draw its two pictures.

    python experiments/encoder-map/page.py [encoder-map.png] [encoder-maps.png]

draws pictures anew, the second from the data that AFFECTMAP_DATA and AFFECTMAP_ENCODERS name; without a picture's name
it writes the tables.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import matplotlib

matplotlib.use("agg")

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

HERE = Path(__file__).resolve().parent
sys.path += [str(HERE.parent / name) for name in ("transfer", "whisper-model", "shipped-model")]

from maps import maps_of  # noqa: E402
from setups import BEST, CHOICES, all_setups  # noqa: E402
from summaries import TAUGHT  # noqa: E402

from affectmap.files import write_text  # noqa: E402
from affectmap.preparation.prepared_corpus import PreparedCorpus  # noqa: E402
from affectmap.schema import FOUR_CLASSES  # noqa: E402
from affectmap.style import EMOTION_MARKS, INK, PLAIN_MARK  # noqa: E402
from affectmap.text import between_marks, markdown, score, score_range  # noqa: E402
from evaluation import BY_CARD, CLASSED, QUANTITIES, RATED, TITLES, UNSEEN, by_corpus  # noqa: E402

DOCS = HERE.parents[1] / "docs"
POLICIES = {"target-all": "corpus", BY_CARD: "card"}
SHORT = {"uar": "UAR", "r2_activation": "R² act", "r2_valence": "R² val"}
HEADS = [f"{short} {policy}" for short in SHORT.values() for policy in POLICIES.values()]
GROUPS = ("line", "network", "soft", "chosen")
MAPS = {"recipe of the 88": "the 88 functionals", BEST: "Whisper base, layer 3, and the 88"}


def page_tables(folder: Path) -> dict[str, str]:
    """Give the tables of the page, made of the CSV files of `folder` alone."""
    summary, compared = pd.read_csv(folder / "summary.csv"), pd.read_csv(folder / "comparisons.csv")
    names = list(summary.loc[summary["group"].isin(GROUPS), "setup"].drop_duplicates())
    small = list(summary.loc[summary["group"] == "small", "setup"].drop_duplicates())
    changed = list(summary.loc[summary["group"] == "change", "setup"].drop_duplicates())
    return {
        "methods": _means(summary, names),
        "corpora": _by_corpus(summary, [*CHOICES[:3], "all features, no map", BEST]),
        "changes": _differences(summary, compared, BEST, changed),
        "small": _means(summary, [*small, BEST]),
        "taught": _differences(summary, compared, TAUGHT, [name for name in small if name != TAUGHT]),
        "nested": _nested(pd.read_csv(folder / "nested.csv")),
    }


def write_tables(folder: Path) -> None:
    """Put the tables of `folder` into the page."""
    page = DOCS / "encoder-map.md"
    text = page.read_text(encoding="utf-8")
    for name, table in page_tables(folder).items():
        text = between_marks(text, name, table)
    write_text(page, text)


def _means(summary: pd.DataFrame, names: Sequence[str]) -> str:
    """Means over the rated corpora."""
    values = summary[summary["target"] == "mean"].set_index(["setup", "quantity", "policy"])["value"]
    rows = [[name, *(score(values.get((name, *column))) for column in _columns())] for name in names]
    return markdown([["method", *HEADS], *rows])


def _columns() -> list[tuple[str, str]]:
    return [(quantity, policy) for quantity in QUANTITIES for policy in POLICIES]


def _by_corpus(summary: pd.DataFrame, names: Sequence[str]) -> str:
    """UAR of every corpus with its interval over speakers."""
    some = summary[summary["quantity"] == "uar"].set_index(["setup", "policy", "target"])
    targets = (*RATED, *CLASSED, *UNSEEN, "mean of all")
    rows = []
    for policy, short in POLICIES.items():
        for name in names:
            cells = [some.loc[(name, policy, target)] for target in targets]
            rows.append([short, name, *(f"{score(c['value'])} ({score_range(c['low'], c['high'])})" for c in cells)])
    return markdown([["policy", "method", *(TITLES.get(name, name) for name in targets)], *rows], n_text=2)


def _differences(summary: pd.DataFrame, compared: pd.DataFrame, against: str, names: Sequence[str]) -> str:
    """Differences from one setup, its own values first."""
    values = summary[summary["target"] == "mean"].set_index(["setup", "quantity", "policy"])["value"]
    rows = [[against, *(score(values.get((against, *column))) for column in _columns())]]
    some = compared[(compared["against"] == against) & (compared["target"] == "mean")]
    found = some.set_index(["setup", "quantity", "policy"])
    for name in names:
        cells = [found.loc[(name, *column)] for column in _columns()]
        rows.append(
            [name, *(f"{score(c['difference'], signed=True)}{'*' if c['p_holm'] < 0.05 else ''}" for c in cells)]
        )
    return markdown([["changed", *HEADS], *rows])


def _nested(nested: pd.DataFrame) -> str:
    scores = nested.groupby(["left_out", "choice"], sort=False)["score"].mean().unstack("left_out")[list(RATED)]
    best = scores.max()
    rows = [
        [str(name), *(f"**{score(v, 3)}**" if v == best[of] else score(v, 3) for of, v in values.items())]
        for name, values in scores.iterrows()
    ]
    return markdown([["choice", *(f"without {TITLES[name]}" for name in RATED)], *rows])


def draw_summary(summary: pd.DataFrame, file: Path) -> None:
    """Draw the three quantities of the main methods with their intervals."""
    some = summary[(summary["target"] == "mean") & summary["group"].isin(GROUPS)]
    names = [*some["setup"].drop_duplicates(), "recipe of the 88", TAUGHT][::-1]
    figure, axes = plt.subplots(1, 3, figsize=(12, 4.8), sharey=True, layout="constrained")
    for axis, quantity in zip(axes, QUANTITIES, strict=True):
        for policy, colour, shift in (("target-all", INK, 0.14), (BY_CARD, PLAIN_MARK.colour, -0.14)):
            match = (summary["target"] == "mean") & (summary["policy"] == policy) & (summary["quantity"] == quantity)
            rows = summary[match].set_index("setup").reindex(names)
            y = np.arange(len(names)) + shift
            axis.hlines(y, rows["low"], rows["high"], color=colour, alpha=0.45, linewidth=2)
            label = {"target-all": "standardised by corpus", BY_CARD: "by speaker, as the cards allow"}[policy]
            axis.plot(rows["value"], y, "o", color=colour, markersize=5, label=label)
        titles = {"uar": "UAR, four classes", "r2_activation": "R² of activation", "r2_valence": "R² of valence"}
        axis.set_title(titles[quantity], loc="left")
        axis.grid(axis="x", alpha=0.3)
        axis.spines[["top", "right", "left"]].set_visible(False)
        axis.tick_params(axis="y", length=0)
    axes[0].set_yticks(range(len(names)), names)
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside upper left", ncols=2, frameon=False)
    figure.savefig(file, dpi=130)
    plt.close(figure)


def draw_maps(corpora: Mapping[str, PreparedCorpus], file: Path) -> None:
    """Draw the rated corpora, each on maps that were trained without it: of the 88, and of the encoder."""
    setups = {setup.name: setup for setup in all_setups()}
    figure, axes = plt.subplots(2, 3, figsize=(11, 7.4), sharex=True, sharey=True, layout="constrained")
    for line, (name, title) in zip(axes, MAPS.items(), strict=True):
        for axis, target in zip(line, RATED, strict=True):
            sources = [corpus for other, corpus in corpora.items() if other != target]
            place = maps_of(setups[name], sources, 1)[0](by_corpus(corpora[target])) + 3
            _draw_map(axis, place, corpora[target].emotion)
            axis.set_title(f"{TITLES[target]}, {title}", loc="left", fontsize=10)
        line[0].set_ylabel("activation")
    for axis in axes[1]:
        axis.set_xlabel("valence")
    axes[0, 0].legend(frameon=False, markerscale=1.6, loc="lower right")
    figure.savefig(file, dpi=130)
    plt.close(figure)


def _draw_map(axis: plt.Axes, place: np.ndarray, emotions: np.ndarray) -> None:
    for emotion in FOUR_CLASSES:
        rows, mark = emotions == emotion, EMOTION_MARKS[emotion]
        style = {"s": 11, "alpha": 0.6, "color": mark.colour, "marker": mark.marker, "linewidths": 0}
        axis.scatter(place[rows, 1], place[rows, 0], label=str(emotion), **style)
        if rows.any():
            centre = place[rows].mean(axis=0)
            axis.plot(centre[1], centre[0], mark.marker, markersize=11, color=mark.colour, markeredgecolor="white")
    axis.set_aspect("equal")
    axis.grid(alpha=0.25)
    axis.spines[["top", "right"]].set_visible(False)


if __name__ == "__main__":
    if len(sys.argv) == 1:
        write_tables(HERE)
    if "encoder-map.png" in sys.argv:
        draw_summary(pd.read_csv(HERE / "summary.csv"), DOCS / "encoder-map.png")
    if "encoder-maps.png" in sys.argv:
        from run import read

        os.chdir(os.environ["AFFECTMAP_DATA"])
        draw_maps(read(), DOCS / "encoder-maps.png")
