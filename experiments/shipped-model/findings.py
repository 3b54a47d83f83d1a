"""What the tables show, in sentences that are written again whenever they are measured again."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd
from card import RIDGE
from training_corpora import RATED

from affectmap.corpora import CorpusCard
from affectmap.text import markdown, number, score

#: Normalisations in README's table.
SHOWN = (
    "one recording alone",
    *(f"{n} of the corpus" for n in (3, 10, 30)),
    "all of the corpus",
    *(f"{n} of the speaker" for n in (3, 10, 30)),
    "all of the speaker",
    RIDGE,
)
ALONE, CORPUS, SPEAKER = "one recording alone", "all of the corpus", "all of the speaker"


def titled(cards: Mapping[str, CorpusCard]) -> dict[str, str]:
    """Names for people by names of corpora."""
    return {name: card.title for name, card in cards.items()}


def table_of_normalisations(runs: pd.DataFrame) -> str:
    """Means over seeds: a row a normalisation, a column a quantity with its three corpora."""
    columns = {"uar": "UAR", "r2_activation": "R² activation", "mae_activation": "error activation"}
    rows = [["mean and standard deviation from", *columns.values()]]
    for normalisation in SHOWN:
        rows.append(
            [
                normalisation.replace("corpus", "recording condition"),
                *(three(runs, normalisation, column) for column in columns),
            ]
        )
    return markdown(rows, n_text=4) + "\n"


def three(runs: pd.DataFrame, normalisation: str, column: str) -> str:
    """Write a mean over seeds of each rated corpus; errors are in points."""
    values = mean(runs, normalisation, column)
    return " / ".join(number(values[name], 2) if column.startswith("mae") else score(values[name]) for name in RATED)


def mean(runs: pd.DataFrame, normalisation: str, column: str) -> pd.Series:
    """Mean over seeds, by corpus."""
    return runs[runs["normalisation"] == normalisation].groupby("corpus")[column].mean()


def readme_findings(runs: pd.DataFrame) -> list[str]:
    """How map and line compare, and how well valence is predicted."""
    valence = (
        runs[runs["normalisation"].isin((ALONE, CORPUS, SPEAKER))]
        .groupby(["normalisation", "corpus"])["r2_valence"]
        .mean()
    )
    return [
        "The last row is another model, for comparison: ridge regression from the functionals straight to ratings, on "
        f"the same rows and labels. {_against_the_line(runs)}",
        f"Valence is predicted poorly: R² {score(valence.min())} to {score(valence.max())}, and a single recording "
        "tells little.",
    ]


def findings(runs: pd.DataFrame, elsewhere: pd.DataFrame) -> list[str]:
    """Give the sentences of the notes about the results; three results are those of EMO-DB, URDU and AESDD."""
    adapted, alone = mean(runs, "10 of the corpus, no prior", "mae_activation"), mean(runs, ALONE, "mae_activation")
    thirty = mean(runs, "30 of the corpus, no prior", "mae_activation")
    worse = int((adapted > alone).sum() + (thirty > alone).sum())
    uar = elsewhere.groupby("statistics from")["UAR"]
    angry, sad = elsewhere["activation of angry"], elsewhere["activation of sad"]
    return [
        f"One recording alone: adjusted R² of activation {three(runs, ALONE, 'r2_activation')}, error "
        f"{three(runs, ALONE, 'mae_activation')}, UAR {three(runs, ALONE, 'uar')} (EMO-DB / URDU / AESDD).",
        f"Adapted to the recording condition: R² {three(runs, CORPUS, 'r2_activation')}, error "
        f"{three(runs, CORPUS, 'mae_activation')}, UAR {three(runs, CORPUS, 'uar')}; to ten of its utterances: error "
        f"{three(runs, '10 of the corpus', 'mae_activation')}.",
        "Without the model's own statistics beside them, ten or thirty utterances predict activation worse than none "
        f"in {worse} of 6 cases: that is why `adapt` has a prior.",
        f"By speaker: R² {three(runs, SPEAKER, 'r2_activation')}, UAR {three(runs, SPEAKER, 'uar')}. In URDU 26 of 29 "
        "speakers show one emotion: what is constant in a voice is taken out of it, and the emotion with it.",
        f"Valence: adjusted R² {three(runs, ALONE, 'r2_valence')} alone, {three(runs, CORPUS, 'r2_valence')} adapted.",
        _against_the_line(runs),
        f"RAVDESS and EMOVO, each by a model of the other four: UAR {score(uar.get_group(ALONE).min())} and "
        f"{score(uar.get_group(ALONE).max())} alone, {score(uar.get_group(CORPUS).min())} and "
        f"{score(uar.get_group(CORPUS).max())} adapted; anger {number((angry - sad).min(), 2)} to "
        f"{number((angry - sad).max(), 2)} points more activated than sadness.",
    ]


def _against_the_line(runs: pd.DataFrame) -> str:
    network, line = mean(runs, CORPUS, "r2_activation"), mean(runs, RIDGE, "r2_activation")
    uar, line_uar = mean(runs, CORPUS, "uar"), mean(runs, RIDGE, "uar")
    return (
        "Adapted to the recording condition, the map has the higher R² of activation than the line in "
        f"{int((network > line).sum())} of 3 corpora, and the higher UAR in {int((uar > line_uar).sum())}."
    )
