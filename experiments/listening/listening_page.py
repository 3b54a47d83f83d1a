"""Put the tables of run.py into docs/adaptation.md."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import pandas as pd
from methods_page import TITLES

from affectmap.text import DASH, markdown, score

EARS = {"whisper": "Whisper and functionals", "egemaps": "functionals alone"}
#: Columns of the gains: whole folders and those cut to the four classes, by two normalisations.
WHERE = {
    ("whole", "corpus"): "whole, by corpus",
    ("whole", "card"): "whole, by card",
    ("four", "corpus"): "four, by corpus",
    ("four", "card"): "four, by card",
}
#: Emotions besides the four, so that a whole folder is another than one cut to the four.
MIXED = {"whisper": ("emodb", "aesdd"), "egemaps": ("emodb", "aesdd", "ravdess", "emovo")}
QUANTITIES = {
    "r2_activation": "R² activation", "r2_valence": "R² valence",
    "ccc_activation": "CCC activation", "ccc_valence": "CCC valence",
}  # fmt: skip
APART = "turev-db"


def page_tables(folder: Path) -> Iterator[tuple[str, str]]:
    """Give the tables of the page by the name of their marks, made of the files alone."""
    names = ("results", "nested", "sizes", "folders", "speakers", "models")
    tables = {name: pd.read_csv(folder / f"{name}.csv", dtype={"sources_without": object}) for name in names}
    for name, table in tables.items():
        if "sources_without" in table:
            tables[name] = table.assign(sources_without=table["sources_without"].fillna(""))
    results = _gains(tables["results"])
    for ear in EARS:
        of = results[results["ear"] == ear]
        yield f"listening-{ear}", markdown(list(_by_corpus(of, ear)))
    yield "listening-ratings", markdown(list(_ratings(results)))
    yield "listening-nested", markdown(list(_nested(results, tables["nested"])))
    yield "listening-sizes", markdown(list(_sizes(_gains(tables["sizes"]))))
    yield "listening-folders", markdown(list(_folders(_gains(tables["folders"]))))
    yield "listening-speakers", markdown(list(_speakers(_gains(tables["speakers"]))))
    yield "listening-models", markdown(list(_models(tables["models"])))


def _gains(table: pd.DataFrame) -> pd.DataFrame:
    return table.assign(gain=table["uar_after"] - table["uar_before"])


def _cell(row: pd.DataFrame) -> str:
    """Say UAR before, the gain, and how many kept their class; in brackets where nothing was learned."""
    if row.empty:
        return DASH
    one = row.iloc[0]
    agreement = f"{one['agreement']:.0%}"
    if not one["is_used"]:
        return f"{score(one['uar_before'])} (closed, {agreement})"
    return f"{score(one['uar_before'])} {score(one['gain'], signed=True)} ({agreement})"


def _by_corpus(table: pd.DataFrame, ear: str) -> Iterator[Sequence[str]]:
    yield ["held out", *WHERE.values()]
    for without, label in (("", ""), (APART, ", sources without TurEV-DB")):
        some = table[table["sources_without"] == without]
        for name in TITLES:
            own = some[some["corpus"] == name]
            if len(own):
                found = {key: own[(own["folder"] == key[0]) & (own["normalisation"] == key[1])] for key in WHERE}
                shown = [DASH if key[0] == "whole" and name not in MIXED[ear] else _cell(found[key]) for key in WHERE]
                yield [TITLES[name] + label, *shown]
        yield [f"**mean**{label}", *(score(_mean_gain(some, ear, *key), signed=True) for key in WHERE)]
        yield [f"worst{label}", *(score(_of(some, ear, *key)["gain"].min(), signed=True) for key in WHERE)]


def _of(table: pd.DataFrame, ear: str, folder: str, normalisation: str) -> pd.DataFrame:
    own = table[(table["ear"] == ear) & (table["folder"] == folder) & (table["normalisation"] == normalisation)]
    return own[own["corpus"].isin(MIXED[ear])] if folder == "whole" else own


def _mean_gain(table: pd.DataFrame, ear: str, folder: str, normalisation: str) -> float:
    return float(_of(table, ear, folder, normalisation)["gain"].mean())


def _ratings(table: pd.DataFrame) -> Iterator[Sequence[str]]:
    yield ["features", "held out", *(f"{title}, before and change" for title in QUANTITIES.values())]
    some = table[(table["sources_without"] == "") & (table["folder"] == "whole") & (table["normalisation"] == "corpus")]
    for ear, title in EARS.items():
        for name in TITLES:
            row = some[(some["ear"] == ear) & (some["corpus"] == name) & some["ccc_activation_before"].notna()]
            if len(row):
                yield [title, TITLES[name], *(_change(row.iloc[0], quantity) for quantity in QUANTITIES)]


def _change(row: pd.Series, quantity: str) -> str:
    before, after = row[f"{quantity}_before"], row[f"{quantity}_after"]
    return f"{score(before)} {score(after - before, signed=True)}"


def _nested(results: pd.DataFrame, nested: pd.DataFrame) -> Iterator[Sequence[str]]:
    yield ["features", "settings", *WHERE.values(), "worst of all"]
    usual = results[results["sources_without"] == ""]
    for ear, title in EARS.items():
        for label, table in (("the usual", usual), ("chosen on the other corpora", nested)):
            shown = [score(_mean_gain(table, ear, *key), signed=True) for key in WHERE]
            yield [title, label, *shown, score(table[table["ear"] == ear]["gain"].min(), signed=True)]


def _sizes(table: pd.DataFrame) -> Iterator[Sequence[str]]:
    sizes = sorted(table["n"].unique())
    yield ["features", "held out", *(f"{n} recordings" for n in sizes)]
    for ear, title in EARS.items():
        own = table[table["ear"] == ear]
        for name in TITLES:
            means = own[own["corpus"] == name].groupby("n")["gain"].mean()
            if len(means):
                yield [title, TITLES[name], *(score(means.get(n, float("nan")), signed=True) for n in sizes)]
        means, least = own.groupby("n")["gain"].mean(), own.groupby("n")["gain"].min()
        yield [title, "**mean**", *(score(means[n], signed=True) for n in sizes)]
        yield [title, "worst draw", *(score(least[n], signed=True) for n in sizes)]


def _folders(table: pd.DataFrame) -> Iterator[Sequence[str]]:
    yield ["folder", *(f"{title}: {what}" for title in EARS.values() for what in ("n", "learned", "gain", "worst"))]
    for kind in table["kind"].unique():
        cells = []
        for ear in EARS:
            own = table[(table["ear"] == ear) & (table["kind"] == kind)]
            cells += [str(len(own)), f"{own['is_used'].mean():.0%}" if len(own) else DASH]
            cells += [score(own["gain"].mean(), signed=True), score(own["gain"].min(), signed=True)]
        yield [str(kind), *cells]


def _speakers(table: pd.DataFrame) -> Iterator[Sequence[str]]:
    yield ["features", "who", "speakers", "gain, mean", "worst", "speakers who lose more than .05"]
    some = table[(table["folder"] == "whole") & (table["normalisation"] == "corpus")]
    for ear, title in EARS.items():
        own = some[some["ear"] == ear]
        groups = {"all": own, "women": own[own["sex"] == "female"], "men": own[own["sex"] == "male"]}
        # The quarter that was recognised worst before, within each corpus.
        rank = own.groupby("corpus")["uar_before"].rank(pct=True)
        groups |= {"best quarter before": own[rank > 0.75], "worst quarter before": own[rank <= 0.25]}
        for who, rows in groups.items():
            lost = f"{int((rows['gain'] < -0.05).sum())} of {len(rows)}"
            worst = score(rows["gain"].min(), signed=True)
            yield [title, who, str(len(rows)), score(rows["gain"].mean(), signed=True), worst, lost]


def _models(table: pd.DataFrame) -> Iterator[Sequence[str]]:
    yield ["features", "held out", "adapted by", "UAR", *QUANTITIES.values()]
    for ear, title in EARS.items():
        for name in TITLES:
            for _, row in table[(table["ear"] == ear) & (table["corpus"] == name)].iterrows():
                shown = [score(row[quantity]) for quantity in QUANTITIES]
                yield [title, TITLES[name], str(row["adapted_by"]), score(row["uar"]), *shown]
