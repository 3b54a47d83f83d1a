"""Put the tables of the committed CSV files into docs/few-labels.md, and draw its picture.

    python experiments/few-labels/few_labels_page.py

Nothing is measured here; `run.py` beside it makes the tables.
"""

from __future__ import annotations

import textwrap
from pathlib import Path

import matplotlib

matplotlib.use("agg")

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from affectmap.corpora import CARDS
from affectmap.files import new_file, write_text
from affectmap.text import between_marks, listed, markdown, score

HERE = Path(__file__).resolve().parent
DOCS = HERE.parents[1] / "docs"
TITLES = {name: CARDS[name].title for name in ("emodb", "urdu", "aesdd")}
FEATURES = ("egemaps", "whisper")
NONE, ADAPT, SCRATCH, LEVEL = "none", "adapt --ratings", "ridge of the rated alone", "level, as it is"
ADAPTED = "adapted"
RANDOM, SPREAD = "at random", "spread over the map"
LABELS = ("activation", "valence")
QUANTITIES = {
    "r2_activation": "R² activation",
    "ccc_activation": "CCC activation",
    "mae_activation": "error activation",
    "r2_valence": "R² valence",
    "ccc_valence": "CCC valence",
    "mae_valence": "error valence",
    "uar": "UAR",
}
_SHOWN = {"ccc_activation": "CCC of activation", "ccc_valence": "CCC of valence", "uar": "UAR"}
_LINES = {ADAPT: ("#00876b", "o"), LEVEL: ("#8c949e", "D"), SCRATCH: ("#b3491d", "s")}
RATIOS = tuple(f"ratio_{label}" for label in LABELS)
_BULLET = {"initial_indent": "- ", "subsequent_indent": "  "}


def page_tables(results: pd.DataFrame, intervals: pd.DataFrame, settings: pd.DataFrame) -> dict[str, str]:
    """Give the tables of the page by their marks."""
    listening = _listening(results[results["choice"] == RANDOM])
    results, intervals, settings = (each[each["start"] == ADAPTED] for each in (results, intervals, settings))
    random = results[results["choice"] == RANDOM]
    return {
        "few-labels-listening": listening,
        "findings": _findings(random, intervals),
        **{f"curve-{features}": _curve(random[random["features"] == features]) for features in FEATURES},
        "spread": _spreads(random[random["method"] == ADAPT]),
        "methods": _methods(random),
        "choices": _choices(results[results["method"] == ADAPT], results),
        "classes": _classes(random[random["quantity"] == "uar"]),
        "intervals": _intervals(intervals),
        "nested": _nested(settings),
    }


def _listening(random: pd.DataFrame) -> str:
    """Compare both starts, without ratings and with them: means over the three corpora."""
    some = random[random["method"].isin([NONE, ADAPT])]
    means = some.groupby(["features", "start", "method", "n", "quantity"])["mean"].mean()
    sizes = sorted(set(random["n"]))
    rows = [["features", "begins with", "quantity", "no ratings", *(f"{n} ratings" for n in sizes)]]
    for features in FEATURES:
        for quantity, title in _SHOWN.items():
            for start, words in ((ADAPTED, "adapt"), ("listened", "adapt --listen")):
                before = means[features, start, NONE, sizes[0], quantity]
                own = [means[features, start, ADAPT, n, quantity] for n in sizes]
                rows.append([features, words, title, score(before), *(score(value) for value in own)])
    return markdown(rows)


def _findings(random: pd.DataFrame, intervals: pd.DataFrame) -> str:
    """Say in sentences what the tables show."""
    ratio, uar = random[random["quantity"].isin(RATIOS)], random[random["quantity"] == "uar"]
    own = ratio[ratio["method"] == ADAPT]
    sizes = sorted(set(own["n"]))
    mean, harmed = own.groupby("n")["mean"].mean(), 100 * own.groupby("n")["worse"].mean()
    worst = own.loc[own["mean"].idxmax()]
    scratch, level = (ratio[ratio["method"] == name].groupby("n")["mean"].mean() for name in (SCRATCH, LEVEL))
    means = uar.groupby(["method", "features", "n"])["mean"].mean()
    gains = {f: [score(means[ADAPT, f, n] - means[NONE, f, n], signed=True) for n in sizes] for f in FEATURES}
    few, many = sizes[0], sizes[-1]
    drawn = intervals[intervals["choice"] == RANDOM]
    wider = drawn[(drawn["width"] == "wider") & (drawn["n"] < many)]["coverage"]
    narrow = drawn[(drawn["width"] == "left out") & (drawn["n"] >= many)]["coverage"]
    fall = _largest_fall(random)
    lines = [
        f"The mean square error of ratings changes by {listed(_percent(mean[n] - 1) for n in sizes)} with "
        f"{listed(map(str, sizes))} ratings, on average over both models, three corpora and both axes. The worst of "
        f"all these is {_percent(worst['mean'] - 1)}: {TITLES[worst['corpus']]}'s "
        f"{worst['quantity'].removeprefix('ratio_')} with {worst['features']} and {worst['n']} ratings.",
        f"A single set of ratings may mislead: the error got larger in {harmed[few]:.0f} % of the draws with {few} "
        f"ratings, and in {harmed[many]:.0f} % with {many}.",
        f"The UAR changes by {listed(gains['egemaps'])} with the model egemaps, by {listed(gains['whisper'])} with "
        "whisper.",
        f"Agreement may fall where errors get smaller: the largest fall of a mean is that of {fall}.",
        f"Adding the mean error as it is changes the mean square error by {_percent(level[few] - 1)} with {few} "
        f"ratings and {_percent(level[many] - 1)} with {many}; ridge regression of the rated recordings alone by "
        f"{_percent(scratch[few] - 1)} and {_percent(scratch[many] - 1)}.",
        f"Intervals as wide as `adapt` makes them contain {score(wider.min())} to {score(wider.max())} of the ratings "
        f"with fewer than {many}, and {score(narrow.min())} to {score(narrow.max())} with more, where .90 was meant.",
    ]
    return "".join(f"{textwrap.fill(line, 118, break_on_hyphens=False, **_BULLET)}\n" for line in lines)


def _largest_fall(random: pd.DataFrame) -> str:
    """Say where the mean CCC or UAR falls most by ratings."""
    some = random[random["quantity"].isin([*_SHOWN]) & random["method"].isin([NONE, ADAPT])]
    cells = some.pivot_table(index=["features", "corpus", "quantity", "n"], columns="method", values="mean")
    change = cells[ADAPT] - cells[NONE]
    features, corpus, quantity, n = change.idxmin()
    words = QUANTITIES[quantity].replace("CCC ", "CCC of ")
    return f"the {words} in {TITLES[corpus]} with {features} and {n} ratings, {score(change.min(), signed=True)}"


def _curve(random: pd.DataFrame) -> str:
    """Means over draws by number of ratings, the three corpora in one cell."""
    means = random.set_index(["method", "n", "quantity", "corpus"])["mean"].sort_index()
    sizes = sorted(set(random["n"]))
    rows = [["ratings", *QUANTITIES.values()]]
    for name, method, n in [("0", NONE, sizes[0]), *((str(n), ADAPT, n) for n in sizes)]:
        rows.append([name, *(_three(means[method, n, quantity]) for quantity in QUANTITIES)])
    return markdown(rows)


def _three(values: pd.Series) -> str:
    return " / ".join(score(values[corpus]) for corpus in TITLES)


def _spreads(own: pd.DataFrame) -> str:
    """Standard deviations over draws."""
    spread = own.set_index(["features", "n", "quantity", "corpus"])["sd"].sort_index()
    rows = [["features", "ratings", *(QUANTITIES[each] for each in _SHOWN)]]
    for features in FEATURES:
        for n in sorted(set(own["n"])):
            rows.append([features, str(n), *(_three(spread[features, n, each]) for each in _SHOWN)])
    return markdown(rows, n_text=2)


def _methods(random: pd.DataFrame) -> str:
    """Change of the mean square error: the mean, the worst corpus and rating, and how often it got larger."""
    ratio = random[random["quantity"].isin(RATIOS) & (random["method"] != NONE)]
    rows = [["features", "method", *(f"{n} ratings" for n in sorted(set(ratio["n"])))]]
    for features in FEATURES:
        for method in dict.fromkeys(ratio["method"]):
            some = ratio[(ratio["features"] == features) & (ratio["method"] == method)]
            rows.append([features, str(method), *(_change(own) for _, own in some.groupby("n"))])
    return markdown(rows, n_text=2)


def _change(cells: pd.DataFrame) -> str:
    mean, worst = (_percent(value - 1) for value in (cells["mean"].mean(), cells["mean"].max()))
    return f"{mean} ({worst}; {100 * cells['worse'].mean():.0f} %)"


def _percent(value: float) -> str:
    return f"{100 * value:+.0f} %".replace("-", "−")


def _choices(adapted: pd.DataFrame, results: pd.DataFrame) -> str:
    """What the choice of recordings changes: mean square error, and UAR, against no ratings on the same recordings."""
    ratio = adapted[adapted["quantity"].isin(RATIOS)].groupby(["choice", "n"])["mean"].mean()
    uar = results[results["quantity"] == "uar"].groupby(["method", "choice", "n"])["mean"].mean()
    gain = uar[ADAPT] - uar[NONE]
    sizes = sorted(set(adapted["n"]))
    rows = [["chosen", *(f"{n}: error, UAR" for n in sizes)]]
    for choice in dict.fromkeys(adapted["choice"]):
        cells = [f"{_percent(ratio[choice, n] - 1)}, {score(gain[choice, n], signed=True)}" for n in sizes]
        rows.append([str(choice), *cells])
    return markdown(rows)


def _classes(uar: pd.DataFrame) -> str:
    means = uar.set_index(["features", "method", "n", "corpus"])["mean"].sort_index()
    sizes = sorted(set(uar["n"]))
    rows = [["features", "method", *(f"{n} rated" for n in sizes)]]
    for features in FEATURES:
        for method in dict.fromkeys(uar["method"]):
            rows.append([features, str(method), *(_three(means[features, method, n]) for n in sizes)])
    return markdown(rows, n_text=2)


def _intervals(intervals: pd.DataFrame) -> str:
    sizes = sorted(set(intervals["n"]))
    rows = [["features", "rated", "width", *(f"{n} ratings" for n in sizes)]]
    words = {"own": "the model's own", "left out": "errors on ratings left out", "wider": "the wider of both"}
    for features in FEATURES:
        for choice in (RANDOM, SPREAD):
            some = intervals[(intervals["features"] == features) & (intervals["choice"] == choice)]
            for width, name in words.items():
                cells = some[some["width"] == width].set_index(["n", "corpus", "label"]).sort_index()
                rows.append([features, choice, name, *(_covered(cells, n) for n in sizes)])
    return markdown(rows, n_text=3)


def _covered(cells: pd.DataFrame, n: int) -> str:
    if n not in cells.index.get_level_values("n"):
        return "–"
    own = cells.loc[n]
    return f"{score(own['coverage'].mean())} ({score(own['coverage'].min())}), ±{own['half_width'].mean():.2f}"


def _nested(settings: pd.DataFrame) -> str:
    some = settings[settings["setting"].notna()]
    table = some.pivot_table(index=["of", "method", "features"], columns="corpus", values="setting", aggfunc="first")
    rows = [["of", "method", "features", *TITLES.values()]]
    rows += [[*map(str, key), *(str(row[corpus]) for corpus in TITLES)] for key, row in table.iterrows()]
    return markdown(rows, n_text=6)


def write_page(results: pd.DataFrame, intervals: pd.DataFrame, settings: pd.DataFrame) -> None:
    """Put the tables into the page."""
    page = DOCS / "few-labels.md"
    text = page.read_text(encoding="utf-8")
    for name, table in page_tables(results, intervals, settings).items():
        text = between_marks(text, name, table)
    write_text(page, text)


def write_picture(results: pd.DataFrame, file: Path = DOCS / "few-labels.png") -> None:
    """Draw a column a corpus and a row a quantity: lines are methods, their bars standard deviations over draws."""
    some = results[(results["choice"] == RANDOM) & (results["start"] == ADAPTED)]
    figure, panels = plt.subplots(3, 3, figsize=(9, 7.4), sharex=True, sharey="row", layout="constrained")
    for column, (corpus, title) in enumerate(TITLES.items()):
        panels[0, column].set_title(title, fontsize=10)
        panels[-1, column].set_xlabel("rated recordings", fontsize=9)
        for row, (quantity, words) in enumerate(_SHOWN.items()):
            own = some[(some["corpus"] == corpus) & (some["quantity"] == quantity)]
            _draw(panels[row, column], own)
            if column == 0:
                panels[row, column].set_ylabel(words, fontsize=9)
    handles, words = panels[0, 0].get_legend_handles_labels()
    figure.legend(handles, words, loc="outside lower center", ncols=4, fontsize=8, frameon=False)
    with new_file(file) as temporary:
        figure.savefig(temporary, format="png", dpi=110, metadata={"Software": None})
    plt.close(figure)


def _draw(panel: plt.Axes, results: pd.DataFrame) -> None:
    sizes = sorted(set(results["n"]))
    places = np.arange(len(sizes) + 1)
    for features, dash in zip(FEATURES, ("--", "-"), strict=True):
        own = results[results["features"] == features]
        start = float(own.loc[own["method"] == NONE, "mean"].mean())
        panel.axhline(start, color="#24292f", linestyle=dash, linewidth=0.7, label=f"no ratings, {features}")
        for shift, (method, (colour, marker)) in enumerate(_LINES.items()):
            found = own[own["method"] == method].sort_values("n")
            if found.empty:
                continue
            style = {"color": colour, "marker": marker, "linestyle": dash, "markersize": 4, "linewidth": 1.2}
            at, label = places[1:] + 0.07 * (shift - 1), f"{method}, {features}"
            panel.errorbar(at, found["mean"], yerr=found["sd"], elinewidth=0.7, label=label, **style)
    panel.set_xticks(places[1:], [str(size) for size in sizes])
    panel.tick_params(labelsize=8)
    panel.grid(axis="y", color="#eceff2")
    panel.spines[["top", "right"]].set_visible(False)


def read_tables(folder: Path = HERE) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Read the committed tables: results, intervals and chosen settings."""
    results, intervals, settings = (
        pd.read_csv(folder / f"{each}.csv") for each in ("results", "intervals", "settings")
    )
    return results, intervals, settings


def main() -> None:
    """Write the page and draw."""
    tables = read_tables()
    write_page(*tables)
    write_picture(tables[0])


if __name__ == "__main__":
    main()
