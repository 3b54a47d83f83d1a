"""What the tables show, in sentences that are written again whenever they are measured again."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd
from card import RIDGE_WAY
from material import RATED

from affectmap.corpora import CorpusCard

#: Ways of standardising in README's table.
README_WAYS = (
    "one recording alone",
    *(f"{n} of the place" for n in (3, 10, 30)),
    "all of the place",
    *(f"{n} of the speaker" for n in (3, 10, 30)),
    "all of the speaker",
    RIDGE_WAY,
)
ALONE, PLACE, SPEAKER = "one recording alone", "all of the place", "all of the speaker"


def titled(cards: Mapping[str, CorpusCard]) -> dict[str, str]:
    """Names for people by names of corpora."""
    return {name: card.title for name, card in cards.items()}


def summary_of_ways(runs: pd.DataFrame) -> pd.DataFrame:
    """Means over seeds: a row a way, a column a quantity and corpus."""
    columns = {"uar": "UAR", "r2_activation": "R² activation", "mae_activation": "error activation"}
    rows = []
    for way in README_WAYS:
        cells = {title: three(runs, way, column) for column, title in columns.items()}
        rows.append({"mean and spread from": way, **cells})
    return pd.DataFrame(rows)


def three(runs: pd.DataFrame, way: str, column: str) -> str:
    """Write a mean over seeds of each rated corpus."""
    return " / ".join(short(mean(runs, way, column)[name]) for name in RATED)


def mean(runs: pd.DataFrame, way: str, column: str) -> pd.Series:
    """Mean over seeds, by corpus."""
    return runs[runs["way"] == way].groupby("corpus")[column].mean()


def short(value: float) -> str:
    """Write a number with two digits and no zero before them."""
    return f"{value:.2f}".replace("0.", ".", 1)


def readme_findings(runs: pd.DataFrame) -> list[str]:
    """How map and line compare, and how well valence is read."""
    valence = runs[runs["way"].isin((ALONE, PLACE, SPEAKER))].groupby(["way", "corpus"])["r2_valence"].mean()
    return [
        "The last row is another model, for comparison: ridge regression from the functionals straight to ratings, on "
        f"the same rows and labels. {_against_the_line(runs)}",
        f"Valence is read poorly: R² {short(valence.min())} to {short(valence.max())}, and a single recording "
        "tells little.",
    ]


def findings(runs: pd.DataFrame, elsewhere: pd.DataFrame) -> list[str]:
    """All that the notes say about the figures; three figures are those of EMO-DB, URDU and AESDD."""
    place, alone = mean(runs, "10 of the place, no prior", "mae_activation"), mean(runs, ALONE, "mae_activation")
    thirty = mean(runs, "30 of the place, no prior", "mae_activation")
    worse = int((place > alone).sum() + (thirty > alone).sum())
    uar = elsewhere.groupby("mean and spread from")["UAR"]
    angry, sad = elsewhere["activation of angry"], elsewhere["activation of sad"]
    return [
        f"One recording alone: adjusted R² of activation {three(runs, ALONE, 'r2_activation')}, error "
        f"{three(runs, ALONE, 'mae_activation')}, UAR {three(runs, ALONE, 'uar')} (EMO-DB / URDU / AESDD).",
        f"Adapted to the place: R² {three(runs, PLACE, 'r2_activation')}, error "
        f"{three(runs, PLACE, 'mae_activation')}, UAR {three(runs, PLACE, 'uar')}; to ten utterances of it: error "
        f"{three(runs, '10 of the place', 'mae_activation')}.",
        "Without the model's own statistics beside them, ten or thirty utterances place activation worse than none in "
        f"{worse} of 6 cases: that is why `adapt` has a prior.",
        f"By speaker: R² {three(runs, SPEAKER, 'r2_activation')}, UAR {three(runs, SPEAKER, 'uar')}. In URDU 26 of 29 "
        "speakers show one emotion: what is constant in a voice is taken out of it, and the emotion with it.",
        f"Valence: adjusted R² {three(runs, ALONE, 'r2_valence')} alone, {three(runs, PLACE, 'r2_valence')} adapted.",
        _against_the_line(runs),
        f"RAVDESS and EMOVO, each by a model of the other four: UAR {short(uar.get_group(ALONE).min())} and "
        f"{short(uar.get_group(ALONE).max())} alone, {short(uar.get_group(PLACE).min())} and "
        f"{short(uar.get_group(PLACE).max())} adapted; anger {short(float((angry - sad).min()))} to "
        f"{short(float((angry - sad).max()))} points more activated than sadness.",
    ]


def _against_the_line(runs: pd.DataFrame) -> str:
    network, line = mean(runs, PLACE, "r2_activation"), mean(runs, RIDGE_WAY, "r2_activation")
    uar, line_uar = mean(runs, PLACE, "uar"), mean(runs, RIDGE_WAY, "uar")
    return (
        f"Adapted to the place, the map has the higher R² of activation than the line in {int((network > line).sum())} "
        f"of 3 corpora, and the higher UAR in {int((uar > line_uar).sum())}."
    )
