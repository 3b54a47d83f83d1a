"""Measure how far a few ratings of a held-out corpus get a model, by how they are used and which recordings are rated.

    AFFECTMAP_ENCODERS=DATA/encoders OMP_NUM_THREADS=1 python experiments/few-labels/run.py DATA

DATA is as for experiments/whisper-model. EMO-DB, URDU and AESDD are held out, one at a time, on the features of both
shipped models. Of every draw a random four fifths of the corpus can be rated, and all that were not rated are scored.
Settings of a method are those that do best on the other two corpora, by models that met neither of the two. Writes
`results.csv` (means over draws), `settings.csv` (what was chosen), `intervals.csv` and `about.json` here, and the page
docs/few-labels.md with its picture, which `few_labels_page.py` writes anew.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Iterator
from functools import partial
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pandas as pd

HERE = Path(__file__).resolve().parent
sys.path += [str(HERE.parent / name) for name in ("whisper-model", "shipped-model")]

import encoder_material  # noqa: E402
import training_corpora  # noqa: E402
from few_labels_choices import CHOICES, RANDOM, SUGGESTED  # noqa: E402
from few_labels_methods import ADAPT, CLASS_METHODS, METHODS, NONE, Rows, class_scores  # noqa: E402
from few_labels_models import RATED, STARTS, HeldOut, Start  # noqa: E402
from few_labels_page import read_tables, write_page, write_picture  # noqa: E402
from few_labels_summary import covered, summary  # noqa: E402

from affectmap.files import write_json, write_text  # noqa: E402
from affectmap.model.correction import RATING_STRENGTHS, correct_rating  # noqa: E402
from affectmap.model.heads import half_width  # noqa: E402
from affectmap.parallel.workers import mapped  # noqa: E402
from affectmap.schema import LABELS, Floats  # noqa: E402
from affectmap.stats.measures import ccc_of, pair_sums  # noqa: E402
from affectmap.stats.metrics import uar  # noqa: E402
from affectmap.transfer.calibration import LEVEL  # noqa: E402

COMMAND = "AFFECTMAP_ENCODERS=DATA/encoders OMP_NUM_THREADS=1 python experiments/few-labels/run.py DATA"
SIZES = (5, 10, 20, 50)
N_DRAWS, N_INNER_DRAWS = 20, 6
#: So many ratings are tried for intervals alone.
N_MANY = 100
POOL_SHARE = 0.8
READ = {"egemaps": training_corpora.read_material, "whisper": encoder_material.read_material}


def pool(start: Start, draw: int) -> Rows:
    """Give the recordings that can be rated in a draw."""
    known = np.flatnonzero(np.isfinite(start.label).all(axis=1))
    chosen = np.random.default_rng([draw, 1]).permutation(known)
    return np.sort(chosen[: round(POOL_SHARE * len(known))])


def rated_rows(start: Start, choice: str, n: int, draw: int) -> Rows:
    """Give the rated recordings of a draw."""
    return CHOICES[choice](start, pool(start, draw), n, draw)


def rating_scores(start: Start, rated: Rows, prediction: Floats) -> dict[str, float]:
    """Score predicted ratings on what was not rated."""
    rest = np.setdiff1d(np.flatnonzero(np.isfinite(start.label).all(axis=1)), rated)
    truth, said = start.label[rest], np.clip(prediction[rest], 1, 5)
    found = {}
    for i, label in enumerate(LABELS):
        error = np.mean((truth[:, i] - said[:, i]) ** 2)
        found[f"mse_{label}"] = float(error)
        found[f"r2_{label}"] = float(1 - error / truth[:, i].var())
        found[f"mae_{label}"] = float(np.abs(truth[:, i] - said[:, i]).mean())
        found[f"ccc_{label}"] = float(ccc_of(pair_sums(truth[:, i], said[:, i]).sum(axis=0, keepdims=True))[0])
    return found


def class_score(start: Start, rated: Rows, scores: Floats) -> float:
    """Give the UAR of the classes that the corpus has, on what was not rated."""
    present = [i for i, name in enumerate(start.classes) if (start.emotion == name).any()]
    guess = np.array(start.classes, dtype=object)[np.array(present)[scores[:, present].argmax(axis=1)]]
    rest = np.isin(start.emotion, start.classes)
    rest[rated] = False
    return float(uar(start.emotion[rest], guess[rest]))


def chosen_settings(held: HeldOut, way: str, target: str) -> dict[str, dict[str, str]]:
    """Choose the setting of every method on the other corpora: ``ratings`` by mean square error, ``classes`` by UAR."""
    draws = [(other, n, draw) for other in RATED if other != target for n in SIZES for draw in range(N_INNER_DRAWS)]
    cases = [(held.start(way, other, target), n, draw) for other, n, draw in draws]
    rows = [(start, rated_rows(start, RANDOM, n, draw)) for start, n, draw in cases]
    best: dict[str, dict[str, str]] = {"ratings": {}, "classes": {}}
    for name, method in METHODS.items():
        costs = dict.fromkeys(method.settings, 0.0)
        for setting, value in method.settings.items() if len(method.settings) > 1 else ():
            for start, rated in rows:
                found = rating_scores(start, rated, method.predict(start, rated, value))
                costs[setting] += sum(np.log(found[f"mse_{label}"]) for label in LABELS)
        best["ratings"][name] = min(costs, key=costs.__getitem__)
    for name, (settings, anew) in CLASS_METHODS.items():
        gains = dict.fromkeys(settings, 0.0)
        for setting, strengths in settings.items() if len(settings) > 1 else ():
            gains[setting] = sum(class_score(s, r, class_scores(s, r, strengths, anew=anew)) for s, r in rows)
        best["classes"][name] = max(gains, key=gains.__getitem__)
    return best


def measured(features: str, data: str) -> dict[str, pd.DataFrame]:
    """Measure all on one set of features: the tables by name."""
    os.chdir(data)
    held = HeldOut(READ[features]())
    tables: dict[str, list[dict[str, object]]] = {"results": [], "settings": [], "intervals": []}
    for way in STARTS:
        for target in RATED:
            about = {"features": features, "start": way, "corpus": target}
            best = chosen_settings(held, way, target)
            tables["settings"] += [
                about | {"of": of, "method": name, "setting": setting}
                for of, each in best.items()
                for name, setting in each.items()
            ]
            start = held.start(way, target)
            for row in _draws(start, best):
                tables["results"].append(about | row)
            for row in _intervals(start, held.half_widths(way, target)):
                tables["intervals"].append(about | row)
            print(f"{features}, {target}: {time.process_time():.0f} s of the processor", flush=True)
    return {name: pd.DataFrame(rows) for name, rows in tables.items()}


def _draws(start: Start, best: dict[str, dict[str, str]]) -> Iterator[dict[str, object]]:
    """Score every method on every draw; choices but the first two with the method of adapt alone."""
    for choice in CHOICES:
        is_main = choice in (RANDOM, SUGGESTED)
        for n in SIZES:
            for draw in range(N_DRAWS):
                rated = rated_rows(start, choice, n, draw)
                about = {"choice": choice, "n": n, "draw": draw}
                for name, method in METHODS.items():
                    if is_main or name in (ADAPT, NONE):
                        setting = method.settings[best["ratings"][name]]
                        found = rating_scores(start, rated, method.predict(start, rated, setting))
                        yield about | {"of": "ratings", "method": name} | found
                for name, (settings, anew) in CLASS_METHODS.items():
                    if is_main or name in (ADAPT, NONE):
                        scores = class_scores(start, rated, settings[best["classes"][name]], anew=anew)
                        yield about | {"of": "classes", "method": name, "uar": class_score(start, rated, scores)}


def _intervals(start: Start, own: Floats) -> Iterator[dict[str, object]]:
    """Say what intervals contain: as wide as the model's own, as errors left out, and the wider of both."""
    known = np.isfinite(start.label).all(axis=1)
    for choice in (RANDOM, SUGGESTED):
        for n in (*SIZES, N_MANY):
            for draw in range(N_DRAWS):
                rated = rated_rows(start, choice, n, draw)
                rest = np.setdiff1d(np.flatnonzero(known), rated)
                for i, label in enumerate(LABELS):
                    residual = start.label[rated, i] - start.ratings[rated, i]
                    found = correct_rating(start.basis, rated, residual, RATING_STRENGTHS)
                    said = start.ratings[:, i] + start.basis.inputs @ found.weight + found.bias
                    size = np.abs(start.label[rest, i] - np.clip(said[rest], 1, 5))
                    widths = {"own": own[i], "left out": half_width(found.errors, LEVEL)}
                    widths["wider"] = max(widths.values()) if n >= 9 else own[i]
                    for kind, width in widths.items():
                        if kind != "left out" or n >= 9:
                            share = float((size <= width).mean())
                            about = {"choice": choice, "n": n, "draw": draw, "label": label, "width": kind}
                            yield about | {"half_width": width, "coverage": share}


def tables_of(draws: dict[str, pd.DataFrame]) -> dict[str, pd.DataFrame]:
    """Give the tables that are written, of all draws."""
    return {
        "results": summary(draws["results"]),
        "intervals": covered(draws["intervals"]),
        "settings": draws["settings"],
    }


def main() -> None:
    """Run and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    arguments = parser.parse_args()
    start = time.perf_counter()
    work = partial(measured, data=str(arguments.data.absolute()))
    parts = mapped(work, list(READ), n_jobs=2)
    whole = {name: pd.concat([part[name] for part in parts], ignore_index=True) for name in parts[0]}
    for name, table in tables_of(whole).items():
        write_text(HERE / f"{name}.csv", table.round(3).to_csv(index=False))
    versions = {name: version(name) for name in ("affectmap", "numpy", "scikit-learn", "scipy")}
    write_json(HERE / "about.json", {"command": COMMAND, "n_draws": N_DRAWS, "sizes": SIZES, "versions": versions})
    tables = read_tables()
    write_page(*tables)
    write_picture(tables[0])
    print(f"{time.perf_counter() - start:.0f} s", flush=True)


if __name__ == "__main__":
    main()
