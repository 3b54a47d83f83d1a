"""The model's card, from what was measured."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import pandas as pd

from affectmap.corpora import CorpusCard

#: Another model, for comparison.
RIDGE = "ridge regression, all of the corpus"
#: Policies of intervals, for people.
POLICIES = {"source": "as shipped", "adapted": "adapted to 30 of the corpus or more", "speaker": "by speaker"}
NORMALISATIONS = ("one recording alone", "30 of the corpus", "all of the corpus", "all of the speaker", RIDGE)


def markdown_table(table: pd.DataFrame) -> str:
    """Write a table as Markdown; numbers with two digits."""
    cells = [[_cell(value) for value in row] for row in table.itertuples(index=False)]
    lines = [[str(name) for name in table.columns], ["---"] * len(table.columns), *cells]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def _cell(value: object) -> str:
    if isinstance(value, float):
        return "–" if value != value else f"{value:.2f}"
    return str(value)


class Wording(NamedTuple):
    """What a card says of one model and no other.

    Attributes:
        summary: First paragraph: what it predicts from what, and how.
        training: How it was trained, a paragraph.
        chosen: What was chosen looking at the corpora, as the subject of a sentence.
        valence: How well valence is predicted.
        other: What the last row of every corpus is.
        terms: What the terms of its parts are, before those of the corpora.
        beside: Sections about other models.
    """

    summary: str
    training: str
    chosen: str
    valence: str
    other: str
    terms: str
    beside: tuple[str, ...] = ()


#: What both models have besides.
LISTENING = (
    " Beside the network the folder holds what `adapt --listen` begins with: a linear classifier of seven emotions, "
    "their places on the map and their means, fitted on the same corpora (`affectmap.transfer.source_classes`); what "
    "listening gains and loses stands in docs/adaptation.md."
)


def wording(recipe: dict[str, Any], beside: tuple[str, ...]) -> Wording:
    """Word the card of the model on the 88 functionals; `beside` are sections about the other one."""
    return Wording(
        "Predicts how activated (calm to excited) and how pleasant a voice sounds, on a map of two dimensions. Input: "
        "the 88 eGeMAPSv02 functionals at 16 kHz, the recording's mean removed, as `affectmap.egemaps` measures them. "
        "The encoder of a denoising autoencoder with the continuous metric loss on activation and valence (Das et al. "
        "2022, arXiv 2203.14867) and the additions of "
        "`affectmap.transfer.recipe`; heads fitted on its embedding afterwards. Written by "
        "`experiments/shipped-model/run.py`; every number below comes from there." + LISTENING,
        _settings(recipe),
        "The recipe's settings (see `experiments/transfer`), the prior of `adapt` (ten utterances) and the flags' "
        "thresholds were",
        "Valence is predicted poorly.",
        "a ridge regression from the 88 functionals straight to the ratings, on the same rows and labels, without a "
        "network. Where it does better, the map costs accuracy; what it gives is a picture.",
        "Nothing of openSMILE is in the features or the weights.",
        beside,
    )


def card_text(
    name: str,
    cards: Sequence[CorpusCard],
    recipe: dict[str, Any],
    tables: dict[str, pd.DataFrame],
    widths: dict[str, dict[str, float]],
    temperature: float,
    level: float,
    words: Wording,
) -> str:
    """Write the card.

    Args:
        name: Name of the model.
        cards: Cards of the training corpora.
        recipe: How it was trained, as the embedder's ``recipe_``.
        tables: What was measured, by name.
        widths: Half the widths of the intervals, by policy and label.
        temperature: Temperature of the class probabilities.
        level: Level of the intervals.
        words: What is said of this model alone.
    """
    titles = {card.name: card.title for card in cards}
    sizes = ", ".join(f"{card.title} ({'/'.join(card.languages)}; {card.licence})" for card in cards)
    parts = [
        f"# {name}\n",
        f"{words.summary}\n",
        "## Intended use\n",
        "Research on groups of recordings: how speech varies between people, recording conditions and times. **Not** "
        "for diagnosis or treatment, not for decisions about a person, not for surveillance, and, for the terms of the "
        "corpora (below), not for business. It says how a voice sounds to the one rater of three of the training "
        "corpora; it does not say what anybody feels.\n",
        "## Trained on\n",
        f"{sizes}. All are acted but URDU, which is cut from talk shows. One person rated EMO-DB, URDU and most of "
        "AESDD, from 1 to 5 in half steps (the sheets of Das et al. 2022). RAVDESS and EMOVO have no such ratings: "
        "they gave classes only. Each corpus was standardised by itself, and once more speaker by speaker where that "
        "is sound (not in URDU).\n",
        markdown_table(_sources(recipe, titles)),
        *_prototypes(recipe),
        f"{words.training}\n",
        "## How well it does on an unseen language\n",
        "Leave-one-corpus-out: one of the three rated corpora is held out, a model of the other four, with the same "
        f"settings, is tried on it; prototypes come from the other two rated ones. {words.chosen} chosen looking "
        "at these three corpora, so these results flatter the model somewhat. Means over "
        f"{tables['normalisations']['seed'].nunique()} seeds. R² is adjusted, of the ratings on the embedding; error "
        "is the mean absolute one of the ratings themselves; UAR is over neutral, sad, happy, angry (AESDD has no "
        "neutral speech: three classes, chance .33; else .25).\n",
        markdown_table(_normalisations(tables["normalisations"], titles)),
        f"{words.valence} Recall of a single emotion, adapted to the corpus, lies "
        f"between {_recalls(tables['breakdown'])}.\n",
        f"The last row of each corpus is another model: {words.other}\n",
        *words.beside,
        "## On two more languages\n",
        "RAVDESS (English) and EMOVO (Italian), which have no ratings, each by a model of the other four corpora: UAR "
        "of neutral, sad, happy and angry (chance .25), and the mean activation of each.\n",
        markdown_table(tables["elsewhere"]),
        "## By sex and emotion\n",
        "The same, adapted to the corpus, one seed. Bias is prediction minus rating; recall is of the emotion, over a "
        "sex the mean of its emotions'. Sex as in the corpora's own documentation (AESDD does not, by speaker).\n",
        markdown_table(_breakdown(tables["breakdown"], titles)),
        "## Intervals\n",
        f"Half widths at level {level:g}: {_widths(widths)}. Adapted to fewer than 30 recordings, or with "
        "another prior than ten as in a track, it is the wider of as shipped and adapted; by speaker the wider of that "
        "and as shipped. They are split-conformal: the order "
        "statistic of the errors on each corpus by a model that was trained without it, and of these the largest. So "
        f"they promise {level:g} for each of these three corpora, not for another one.\n",
        f"{coverage_text(tables['coverage'], widths, titles, level)}\n",
        markdown_table(_coverage(tables["coverage"], titles)),
        "In this table models are of two rated corpora and the errors behind the widths come from models of one; "
        "the shipped model is of three and its widths come from models of two, each time with RAVDESS and EMOVO. So "
        "the table is about the method, and not exactly of the widths above. With four points between the ends of "
        "the scale they are wide: one recording says little. What `track` gives with the statistics of a "
        "recording, or running ones, was not measured.\n",
        "## Class probabilities\n",
        f"Multinomial logistic regression on the embedding, temperature {temperature:.2f}; classes count as equally "
        "frequent. Expected calibration error on unseen corpora, before and after a temperature: (1) from "
        "models of a single other rated corpus with RAVDESS and EMOVO, in which the corpus reported played no part "
        "at all; (2) from scores on the other corpora, as the shipped temperature is, by models that had the "
        "reported corpus in training. It helps where the model was too sure and harms where it was not: take the "
        "probabilities as a rough order. The search for a temperature ends at 100: that is what scores get that "
        "separate the classes no better than chance.\n",
        markdown_table(_temperature(tables["temperature"], titles)),
        "## What is no speech\n",
        "Values are given all the same, with flags beside them: look at the flags.\n",
        markdown_table(tables["sounds"]),
        "Flags come from rules, not from a detector: music, song and animals may pass. Their thresholds lie between "
        "such sounds and the training corpora; `unfamiliar` lies beyond 99.5 % of the training utterances. Share of "
        "every corpus with a flag (unfamiliar: leave-one-corpus-out):\n",
        markdown_table(_flags(tables["flags"], tables["unfamiliar"], titles)),
        "## Limits\n",
        f"- {len(cards)} languages and {sum(card.n_speakers for card in cards)} speakers, all adults; most of it "
        "acted. Nothing is known about children, the old, illness, everyday speech, telephone or noise.\n"
        "- Ratings are one person's, and of three corpora; RAVDESS and EMOVO teach where classes lie on average, not "
        "how utterances of a class differ.\n"
        "- The level depends on microphone, room and voice; without adapting, compare recordings of one recording "
        "condition and one person with each other, not across.\n"
        "- Standardised by speaker, a person who is always sad looks neutral.\n"
        "- The embedding is in points from the middle of the scale, activation first; the ratings are a linear map of "
        "it, fitted on real ratings, and are what to use.\n",
        "## Licences\n",
        f"{words.terms} URDU is for research, AESDD and the rating sheets "
        "state no licence, EMO-DB is free. RAVDESS is CC BY-NC-SA 4.0 (Livingstone and Russo 2018, "
        "<https://zenodo.org/record/1188976>; commercial licences are sold apart). A mirror of "
        "EMOVO (Costantini et al. 2014) says that it can be used for research; its makers' own terms were not found, "
        "so ask them about any other use. "
        "Whether terms of recordings reach weights that were learned from them was not established; the weights are "
        "shared as if they did, under CC BY-NC-SA 4.0 and for research, not under the MIT licence of the code: "
        "`LICENSE.md`. No recording can be had back from the model.\n",
    ]
    return "\n".join(parts)


def _sources(recipe: dict[str, Any], titles: dict[str, str]) -> pd.DataFrame:
    rows = [(titles[name], n["rated"], n["by_class"]) for name, n in recipe["sources"].items()]
    return pd.DataFrame(rows, columns=["corpus", "utterances rated", "placed by class alone"])


def _prototypes(recipe: dict[str, Any]) -> list[str]:
    if not recipe["prototypes"]:
        return []
    table = pd.DataFrame(recipe["prototypes"]).T.rename_axis("class").reset_index()
    whole = table[["n", "n_corpora"]].astype(int)
    values = table[["class", "activation", "activation_std", "valence", "valence_std"]]
    columns = {
        "activation_std": "its standard deviation",
        "valence_std": "standard deviation of that",
        "n_corpora": "corpora",
    }
    text = (
        "Class prototypes: a class stands where its rated utterances lie on average, every rated corpus counting the "
        "same. An utterance without ratings was trained towards the prototype of its class; ratings were moved "
        f"{100 * recipe['settings']['smoothing']:.0f} % of the way to theirs. Classes without a prototype (calm, "
        "surprise) took no part.\n"
    )
    return [text, markdown_table(values.join(whole).rename(columns=columns))]


def _settings(recipe: dict[str, Any]) -> str:
    settings = recipe["settings"]
    training = settings["training"]
    return (
        f"{settings['n_teachers']} networks were trained with the losses {training['losses'].replace('+', ' + ')} (λ "
        f"{settings['weight']:g}, noise {training['noise_std']:g}, {training['epochs']} epochs, {training['schedule']} "
        f"learning rate {training['learning_rate']:g}, reconstruction {training['reconstruction']:g}); one network of "
        "the same size learned their mean. It is the one here."
    )


def _normalisations(runs: pd.DataFrame, titles: dict[str, str]) -> pd.DataFrame:
    mean = (
        runs[runs["normalisation"].isin(NORMALISATIONS)]
        .groupby(["corpus", "normalisation"], sort=False)
        .mean(numeric_only=True)
        .reset_index()
    )
    columns = {
        "uar": "UAR",
        "r2_activation": "R² activation",
        "mae_activation": "error activation",
        "r2_valence": "R² valence",
        "mae_valence": "error valence",
    }
    mean["corpus"] = mean["corpus"].map(titles)
    return mean.rename(columns={"normalisation": "statistics from", **columns}).drop(columns="seed")


def _breakdown(table: pd.DataFrame, titles: dict[str, str]) -> pd.DataFrame:
    used = table[(table["policy"] == "adapted") & (table["group"] != "all")]
    return pd.DataFrame(
        {
            "corpus": used["corpus"].map(titles),
            "group": used["value"],
            "utterances": used["n"],
            "error activation": used["mae_activation"],
            "bias activation": used["bias_activation"],
            "error valence": used["mae_valence"],
            "bias valence": used["bias_valence"],
            "recall": used["recall"],
        }
    )


def coverage_text(
    coverage: pd.DataFrame, widths: dict[str, dict[str, float]], titles: dict[str, str], level: float
) -> str:
    """Say in a few sentences how wide the intervals are and what they cover on unseen corpora.

    Args:
        coverage: As `nested_coverage` gives it.
        widths: Half the widths by policy and label.
        titles: Titles of the corpora, by name.
        level: What they were meant to cover.
    """
    sizes = [width for each in widths.values() for width in each.values()]
    low, high = (_short(share) for share in (coverage["coverage"].min(), coverage["coverage"].max()))
    said = (
        f"The intervals are ±{min(sizes):.1f} to ±{max(sizes):.1f} points, as wide as the worst of three corpora asks "
        f"for. On a corpus in neither model nor width they contained {low} to {high} of the ratings, where "
        f"{_short(level)} was meant"
    )
    missed = coverage[coverage["coverage"] < level]
    if missed.empty:
        return f"{said}; three corpora do not show that they will elsewhere."
    where = []
    for (corpus, label), rows in missed.groupby(["corpus", "label"], sort=False):
        n = int(((coverage["corpus"] == corpus) & (coverage["label"] == label)).sum())
        least = _short(rows["coverage"].min())
        where.append(f"{titles[str(corpus)]}'s {label} under {len(rows)} of {n} normalisations, at worst {least}")
    return f"{said}. Coverage is below that for {'; '.join(where)}."


def _short(share: float) -> str:
    return f"{share:.2f}".removeprefix("0")


def _widths(widths: dict[str, dict[str, float]]) -> str:
    return "; ".join(
        f"{text}: " + ", ".join(f"{label} ±{width:.2f}" for label, width in widths[policy].items())
        for policy, text in POLICIES.items()
    )


def _coverage(table: pd.DataFrame, titles: dict[str, str]) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "statistics from": table["normalisation"],
            "corpus": table["corpus"].map(titles),
            "rating": table["label"],
            "half width": table["half_width"],
            "coverage": table["coverage"],
            "utterances": table["n"],
        }
    )


def _temperature(table: pd.DataFrame, titles: dict[str, str]) -> pd.DataFrame:
    names = {"source": "as shipped", "adapted": "adapted"}
    return pd.DataFrame(
        {
            "corpus": table["corpus"].map(titles),
            "statistics": table["policy"].map(names),
            "error before": table["ece_before"],
            "temperature (1)": table["temperature_strict"],
            "error after (1)": table["ece_strict"],
            "temperature (2)": table["temperature_others"],
            "error after (2)": table["ece_others"],
        }
    )


def _flags(flags: pd.DataFrame, unfamiliar: pd.DataFrame, titles: dict[str, str]) -> pd.DataFrame:
    joined = flags.merge(unfamiliar, on="corpus")
    names = {"source": "unfamiliar, as shipped", "adapted": "unfamiliar, adapted"}
    joined = joined.rename(columns=names).set_index("corpus").mul(100).round(1)
    joined = joined.map(lambda share: f"{share:g} %").reset_index()
    return joined.assign(corpus=joined["corpus"].map(titles))


def _recalls(table: pd.DataFrame) -> str:
    single = table[(table["policy"] == "adapted") & (table["group"] == "emotion")]["recall"].dropna()
    return f"{single.min():.2f} and {single.max():.2f}"


def licence_text(cards: Sequence[CorpusCard]) -> str:
    """Write the terms of the weights, which go into the model's folder.

    Args:
        cards: Cards of the training corpora.
    """
    rows = [(card.title, card.licence, card.citation) for card in cards]
    parts = [
        "# Terms of these weights\n",
        "The MIT licence of affectmap's code does not cover this folder. `weights.safetensors`, and the statistics and "
        "class prototypes in `model.yaml`, were learned from recordings and ratings of others:\n",
        markdown_table(pd.DataFrame(rows, columns=["corpus", "terms", "to be named as"])),
        "As RAVDESS asks, the weights are shared under Creative Commons Attribution-NonCommercial-ShareAlike 4.0 "
        "International (CC BY-NC-SA 4.0, <https://creativecommons.org/licenses/by-nc-sa/4.0/legalcode>), and, as URDU "
        "and EMOVO ask, for research alone. For non-commercial research you may use, share and change them if you name "
        "the corpora above and the rating sheets of Das et al. (2022, arXiv 2203.14867), say what you changed, and "
        "share what you make of them under the same terms. A model that `affectmap adapt` makes of these weights is "
        "such a change; a model trained on recordings of your own is none.\n",
        "The weights come without any warranty.\n",
    ]
    return "\n".join(parts)
