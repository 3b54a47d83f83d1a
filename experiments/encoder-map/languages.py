"""Draw docs/languages.png: seven languages on one map, each placed by a model that was trained without it.

    AFFECTMAP_DATA=DATA AFFECTMAP_ENCODERS=DATA/encoders python experiments/encoder-map/languages.py

The inputs are those of the shipped model whisper, the map is the best of docs/encoder-map.md. German, Urdu and Greek
recordings are measured; English, Italian, Turkish and Mandarin come as tables of features. Turkish and Mandarin took
part in no training; each of the other five is placed by a map of the other four. Every corpus is standardised by
itself, without labels.
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
from matplotlib.lines import Line2D

HERE = Path(__file__).resolve().parent
sys.path += [str(HERE.parent / name) for name in ("transfer", "whisper-model", "shipped-model")]

from maps import maps_of  # noqa: E402
from setups import BEST, all_setups  # noqa: E402

from affectmap.schema import FOUR_CLASSES, Floats, Objects  # noqa: E402
from affectmap.style import EMOTION_MARKS, INK, MUTED, RULE  # noqa: E402
from evaluation import UNSEEN, by_corpus  # noqa: E402
from run import read  # noqa: E402

OUT = HERE.parents[1] / "docs" / "languages.png"
#: Codes of the languages (ISO 639-1) by corpus.
LANGUAGES = {
    "emodb": "de", "urdu": "ur", "aesdd": "el", "ravdess": "en", "emovo": "it", "turev-db": "tr", "casia": "zh",
}  # fmt: skip
#: Middle of the scale, where a map has its origin.
MIDDLE = 3.0


def places() -> dict[str, tuple[Floats, Objects]]:
    """Give where every utterance of each corpus lies, and its emotion."""
    corpora = read()
    setup = next(each for each in all_setups() if each.name == BEST)
    found = {}
    for name in LANGUAGES:
        sources = [corpus for other, corpus in corpora.items() if other not in (name, *UNSEEN)]
        embed = maps_of(setup, sources, 1)[0]
        found[name] = (embed(by_corpus(corpora[name])) + MIDDLE, corpora[name].emotion)
    return found


def draw(found: Mapping[str, tuple[Floats, Objects]], file: Path) -> None:
    """Draw all utterances faintly, and the mean of every emotion in every language."""
    figure, (one, small) = plt.subplots(
        1, 2, figsize=(11, 5.6), layout="constrained", gridspec_kw={"width_ratios": [1.25, 1]}
    )
    for place, emotions in found.values():
        for emotion in FOUR_CLASSES:
            rows, mark = emotions == emotion, EMOTION_MARKS[emotion]
            one.scatter(place[rows, 1], place[rows, 0], s=5, alpha=0.16, color=mark.colour, linewidths=0)
    for axis, scale in ((one, 9), (small, 12)):
        for name, (place, emotions) in found.items():
            for emotion in FOUR_CLASSES:
                if (rows := emotions == emotion).any():
                    _mean(axis, place[rows].mean(axis=0), EMOTION_MARKS[emotion], LANGUAGES[name], scale)
        axis.set_xlabel("unpleasant   ←   valence   →   pleasant", color=MUTED)
        axis.set_ylabel("calm   ←   activation   →   excited", color=MUTED)
        axis.grid(color=RULE, linewidth=0.6)
        axis.spines[["top", "right"]].set_visible(False)
    one.set_aspect("equal")
    small.set_title("Mean of each emotion in each language, closer", loc="left", fontsize=10, color=INK)
    n = sum(int(np.isin(emotions, FOUR_CLASSES).sum()) for _, emotions in found.values())
    one.set_title(f"{n:,} utterances in {len(found)} languages", loc="left", fontsize=10, color=INK)
    marks = {name: EMOTION_MARKS[name] for name in FOUR_CLASSES}
    handles = [
        Line2D([], [], color=mark.colour, marker=mark.marker, linestyle="", label=str(name))
        for name, mark in marks.items()
    ]
    one.legend(handles=handles, frameon=False, loc="lower right")
    figure.savefig(file, dpi=130)
    plt.close(figure)


def _mean(axis: plt.Axes, centre: Floats, mark: object, language: str, size: int) -> None:
    axis.plot(centre[1], centre[0], mark.marker, markersize=size, color=mark.colour, markeredgecolor="white")
    if size > 10:
        axis.annotate(
            language, (centre[1], centre[0]), xytext=(7, 4), textcoords="offset points", fontsize=9, color=INK
        )


if __name__ == "__main__":
    os.chdir(os.environ["AFFECTMAP_DATA"])
    draw(places(), OUT)
