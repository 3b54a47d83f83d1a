"""Measure how far a model can be trusted after listening: coverage of its intervals, calibration of its classes.

    OMP_NUM_THREADS=1 AFFECTMAP_ENCODERS=DATA/encoders python experiments/listening/certainty.py DATA

DATA is as for experiments/encoder-map. Writes coverage.csv (models as ``affectmap train`` makes them, without the
corpus, adapted to it), calibration.csv (probabilities of the classes; the temperature that is tried is chosen on the
other corpora) and, between its marks, docs/adaptation.md. ``--corpora emodb --output FOLDER`` is for a quick look,
``--page`` writes the page again from the tables.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy.optimize import minimize_scalar

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

from certainty_page import page_tables  # noqa: E402
from folds import CORPORA, N_SEEDS, RATED, Target, distinct_targets, read  # noqa: E402

from affectmap.files import write_text  # noqa: E402
from affectmap.model.heads import probabilities_of  # noqa: E402
from affectmap.model.listening import SourceClasses, listen  # noqa: E402
from affectmap.model.model import Model  # noqa: E402
from affectmap.preparation.prepared_corpus import PreparedCorpus  # noqa: E402
from affectmap.schema import FOUR_CLASSES, LABELS, WHISPER, Floats, Objects  # noqa: E402
from affectmap.stats.measures import calibration_error  # noqa: E402
from affectmap.transfer.calibration import train_calibrated  # noqa: E402
from affectmap.transfer.recipe import fit_transfer  # noqa: E402
from affectmap.transfer.settings import usual_recipe  # noqa: E402
from affectmap.transfer.source_classes import fit_source_classes, with_source_classes  # noqa: E402
from command import new_parser, parse, results, write_page  # noqa: E402

Row = dict[str, Any]
Corpora = Mapping[str, PreparedCorpus]
#: Recordings of a corpus that a model is adapted to, all of them or so many, and how often these are drawn.
SMALL, N_DRAWS = 100, 4
TEMPERATURES = (0.2, 5.0)


def model_without(ear: str, corpora: Corpora, name: str) -> Model:
    """Train a model as ``affectmap train`` does, on all corpora but one; its intervals are measured on the others."""
    sources = [each for other, each in corpora.items() if other != name]
    recipe = usual_recipe(WHISPER if ear == WHISPER else "egemaps")
    model = train_calibrated(lambda some: fit_transfer(some, recipe).model_, sources)
    return with_source_classes(model, sources)


def covered(ear: str, corpora: Corpora, name: str) -> dict[str, list[Row]]:
    """Adapt a model to a corpus that it was trained without; say how many ratings its intervals contain."""
    model, corpus = model_without(ear, corpora, name), corpora[name]
    features, rows = corpus.functionals.astype(np.float64), []
    for n, draw in [(len(features), 0), *((SMALL, draw) for draw in range(N_DRAWS))]:
        some = np.sort(np.random.default_rng(draw).permutation(len(features))[:n])
        for how in ("statistics", "listening"):
            adapted = model.adapt(features[some], listen=how == "listening")
            table = adapted.transform(features)
            key = {"ear": ear, "corpus": name, "n": n, "draw": draw, "adapted_by": how}
            key |= {"is_used": bool(adapted.metadata.get("listening", {}).get("is_used", False))}
            chances = table[[*map(str, FOUR_CLASSES)]].to_numpy()
            error = calibration_error(corpus.emotion, chances, [*map(str, FOUR_CLASSES)]).value
            rows.append(key | _coverage(table, corpus.label) | {"ece": error})
    return {"coverage": rows}


def _coverage(table: pd.DataFrame, label: Floats) -> Row:
    """Give coverage, half the mean width and root mean square error of both ratings."""
    found: Row = {}
    for i, name in enumerate(LABELS):
        truth, low, high = label[:, i], table[f"{name}_low"].to_numpy(), table[f"{name}_high"].to_numpy()
        known = np.isfinite(truth)
        inside = (truth >= low) & (truth <= high)
        found[f"coverage_{name}"] = float(inside[known].mean())
        found[f"half_width_{name}"] = float((high - low)[known].mean() / 2)
        found[f"error_{name}"] = float(np.sqrt(np.mean((truth - table[name].to_numpy())[known] ** 2)))
    return found


def calibrated(ear: str, corpora: Corpora, names: tuple[str, ...]) -> dict[str, list[Row]]:
    """Hold out a corpus, or two, each to choose a temperature for the other; score probabilities of the classes."""
    n_seeds = N_SEEDS if len(names) == 1 else 1
    source = fit_source_classes([each for name, each in corpora.items() if name not in names], n_seeds=n_seeds)
    rows = []
    for name in names:
        left_out = "".join(other for other in names if other != name)
        for target in distinct_targets(corpora[name]):
            key = {"ear": ear, "corpus": name, "left_out": left_out}
            rows.append(
                key | {"folder": target.folder, "normalisation": target.normalisation} | _scores(source, target)
            )
    return {"calibration": rows}


def _scores(source: SourceClasses, target: Target) -> Row:
    """Keep what probabilities before and after listening are made of, of the utterances of the four classes."""
    z = target.z.astype(np.float64)
    listened = listen(z, source)
    names = [str(name) for name in FOUR_CLASSES if name in source.classes]
    some = [source.classes.index(name) for name in names]
    rows = np.isin(target.emotion, names)
    both = (source.weight, source.bias), (listened.weight, listened.bias)
    before, after = ((z @ weight + bias)[rows][:, some] for weight, bias in both)
    found: Row = {"is_used": listened.is_used, "names": names, "emotion": target.emotion[rows]}
    return found | {"before": before, "after": after}


def calibration(rows: Sequence[Row]) -> pd.DataFrame:
    """Score every folder that was listened to, with the temperature that the other corpora ask for."""
    found = []
    for row in rows:
        if row["left_out"]:
            continue
        inner = [each for each in rows if (each["ear"], each["left_out"]) == (row["ear"], row["corpus"])]
        temperature = best_temperature([each for each in inner if each["is_used"]])
        key = {name: row[name] for name in ("ear", "corpus", "folder", "normalisation", "is_used")}
        key |= {"n": len(row["emotion"]), "temperature": temperature}
        for name, scores in (
            ("before", row["before"]), ("after", row["after"]), ("tempered", row["after"] / temperature)
        ):  # fmt: skip
            key |= {f"{what}_{name}": value for what, value in judged(scores, row["emotion"], row["names"]).items()}
        found.append(key)
    return pd.DataFrame(found)


def judged(scores: Floats, emotion: Objects, names: Sequence[str]) -> dict[str, float]:
    """Give calibration error, log-loss, and how much surer the likeliest class is than it is right.

    Args:
        scores: (N, C), whose softmax are the probabilities.
        emotion: Classes (N,).
        names: Names of the C classes; those that are there count the same.
    """
    chances = probabilities_of(scores)
    here = [name for name in names if (emotion == name).any()]
    guess = np.array(names, dtype=object)[chances.argmax(axis=1)]
    over = [(chances.max(axis=1) - (guess == emotion))[emotion == name].mean() for name in here]
    loss = [-np.log(chances[emotion == name, names.index(name)]).mean() for name in here]
    error = calibration_error(emotion, chances, names).value
    return {"ece": error, "loss": float(np.mean(loss)), "over": float(np.mean(over))}


def best_temperature(rows: Sequence[Row]) -> float:
    """Give the temperature of the lowest log-loss after listening, on the mean of folders."""

    def cost(logarithm: float) -> float:
        """Give the mean of the folders."""
        each = [judged(row["after"] / np.exp(logarithm), row["emotion"], row["names"])["loss"] for row in rows]
        return float(np.mean(each))

    return float(np.exp(minimize_scalar(cost, bounds=tuple(np.log(TEMPERATURES)), method="bounded").x))


def work_of(ear: str, wanted: Sequence[str]) -> Iterator[Callable[[], dict[str, list[Row]]]]:
    """Plan all work on an ear."""
    corpora = read(ear)
    for name in RATED:
        if name in wanted:
            yield partial(covered, ear, corpora, name)
    for names in [*((name,) for name in CORPORA), *combinations(CORPORA, 2)]:
        if set(names) & set(wanted):
            yield partial(calibrated, ear, corpora, names)


def main() -> None:
    """Run it all and write everything."""
    arguments = parse(new_parser(__doc__), partial(write_page, page_tables))
    work = [each for ear in arguments.ears for each in work_of(ear, arguments.corpora)]
    tables: dict[str, list[Row]] = {}
    for found in results(work, arguments.n_jobs):
        for name, rows in found.items():
            tables.setdefault(name, []).extend(rows)
    frames = {"coverage": pd.DataFrame(tables.get("coverage", [])), "calibration": calibration(tables["calibration"])}
    for name, frame in frames.items():
        write_text(arguments.output / f"{name}.csv", frame.round(4).to_csv(index=False))
    if arguments.output == HERE:
        write_page(page_tables)


if __name__ == "__main__":
    main()
