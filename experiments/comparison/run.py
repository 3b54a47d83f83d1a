"""Do the same work with openSMILE and scikit-learn, nkululeko, and affectmap's features; write docs/comparison.md.

    OMP_NUM_THREADS=1 python experiments/comparison/run.py --nkululeko PYTHON

AFFECTMAP_DATA names a folder that holds corpora/emodb and corpora/urdu, AFFECTMAP_ENCODERS the one with Whisper. The
work: tell neutral, sad, happy and angry speech of EMO-DB apart, speakers held out (five folds), and of URDU by a
classifier that has seen EMO-DB alone. Classifier and folds are the same for all. Features are standardised in two ways:
by the statistics of the training recordings, as nkululeko does it, and by those of each corpus, without labels. Seconds
are processor time to measure all recordings of both, nothing cached, on one thread. PYTHON is the interpreter of an
environment with nkululeko; without one its row stays as it was.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import nkululeko
import numpy as np
import opensmile
import pandas as pd
from sklearn.base import ClassifierMixin
from sklearn.metrics import balanced_accuracy_score
from sklearn.model_selection import GroupKFold, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from affectmap import extract_functionals, load_corpus
from affectmap.files import write_text
from affectmap.schema import FOUR_CLASSES, Engine
from affectmap.text import between_marks, markdown, score

HERE = Path(__file__).resolve().parent
PAGE, RESULTS = HERE.parents[1] / "docs" / "comparison.md", HERE / "results.csv"
#: A plain linear classifier, classes weighted alike, as all sides would write it.
CLASSIFIER = SVC(kernel="linear", C=0.1, class_weight="balanced")
FOLDS = GroupKFold(5)
NKULULEKO = "nkululeko"
WITHIN, ACROSS = "EMO-DB, held-out speakers", "EMO-DB to URDU"
OWN, TRAINING = "own statistics", "training statistics"
COLUMNS = [f"{work}, {statistics}" for work in (WITHIN, ACROSS) for statistics in (TRAINING, OWN)]
SECONDS = "seconds of a core"


def by_opensmile(table: pd.DataFrame) -> pd.DataFrame:
    """Measure with openSMILE's Python package, file by file."""
    smile = opensmile.Smile(opensmile.FeatureSet.eGeMAPSv02, opensmile.FeatureLevel.Functionals, num_workers=1)
    return smile.process_files(table.index.get_level_values("file")).set_axis(table.index, axis=0)


def by_affectmap(engine: Engine) -> Callable[[pd.DataFrame], pd.DataFrame]:
    """Measure with affectmap's own code, on one thread, nothing cached."""

    def measure(table: pd.DataFrame) -> pd.DataFrame:
        with tempfile.TemporaryDirectory() as cache:
            return extract_functionals("comparison", table, engine=engine, cache=cache, n_jobs=1)[0]

    return measure


MEASURE: dict[str, Callable[[pd.DataFrame], pd.DataFrame]] = {
    "openSMILE and scikit-learn, by hand": by_opensmile,
    "affectmap's functionals, the same classifier": by_affectmap("egemaps"),
    "affectmap's Whisper features, the same classifier": by_affectmap("whisper"),
}


def main() -> None:
    """Measure, classify, and write the table into the page and beside this file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--nkululeko", metavar="PYTHON", help="interpreter of an environment with nkululeko")
    python = parser.parse_args().nkululeko
    os.chdir(os.environ["AFFECTMAP_DATA"])
    tables = {name: load_corpus(f"{name}=corpora/{name}").table for name in ("emodb", "urdu")}
    rows = []
    for method, measure in MEASURE.items():
        begun = time.process_time()
        features = {name: measure(table) for name, table in tables.items()}
        seconds = time.process_time() - begun
        rows.append({"method": method, **compared(features, tables), SECONDS: round(seconds, 1)})
    rows.insert(1, by_nkululeko(python, tables) if python else kept_row())
    found = pd.DataFrame(rows)
    write_text(RESULTS, found.to_csv(index=False))
    write_text(PAGE, between_marks(PAGE.read_text(encoding="utf-8"), "comparison", table_of(found)))


def compared(features: dict[str, pd.DataFrame], tables: dict[str, pd.DataFrame]) -> dict[str, float]:
    """Classify EMO-DB by held-out speakers, and URDU by EMO-DB, with both ways to standardise."""
    x, own, y, speaker = {}, {}, {}, {}
    for name, measured in features.items():
        table = tables[name].loc[measured.index]
        four = table["emotion"].isin(FOUR_CLASSES).to_numpy()
        values = measured.to_numpy(dtype=np.float64)
        x[name], own[name] = values[four], StandardScaler().fit_transform(values)[four]
        y[name], speaker[name] = (table[column].to_numpy(dtype=str)[four] for column in ("emotion", "speaker"))
    found: dict[str, float] = {}
    ways: list[tuple[str, ClassifierMixin, dict[str, np.ndarray]]] = [
        (TRAINING, make_pipeline(StandardScaler(), CLASSIFIER), x),
        (OWN, CLASSIFIER, own),
    ]
    for statistics, classifier, values in ways:
        within = cross_val_predict(classifier, values["emodb"], y["emodb"], groups=speaker["emodb"], cv=FOLDS)
        across = classifier.fit(values["emodb"], y["emodb"]).predict(values["urdu"])
        found[f"{WITHIN}, {statistics}"] = round(balanced_accuracy_score(y["emodb"], within), 4)
        found[f"{ACROSS}, {statistics}"] = round(balanced_accuracy_score(y["urdu"], across), 4)
    return found


def by_nkululeko(python: str, tables: dict[str, pd.DataFrame]) -> dict[str, object]:
    """Have nkululeko do both, a run for each fold and one across corpora; seconds are those of the last."""
    four = {}
    for name, table in tables.items():
        rows = table[table["emotion"].isin(FOUR_CLASSES)].reset_index()[["file", "emotion", "speaker"]].astype(str)
        four[name] = rows.assign(file=[str(Path(file).resolve()) for file in rows["file"]])
    emodb, urdu = four["emodb"], four["urdu"]
    within = np.empty(len(emodb), dtype=object)
    with tempfile.TemporaryDirectory() as folder:
        for number, (train, test) in enumerate(FOLDS.split(emodb, groups=emodb["speaker"])):
            place = Path(folder) / str(number)
            within[test], _ = nkululeko.predicted(python, emodb.iloc[train], emodb.iloc[test], place)
        across, seconds = nkululeko.predicted(python, emodb, urdu, Path(folder) / "across")
    return {
        "method": f"{NKULULEKO} {nkululeko.version_of(python)}",
        f"{WITHIN}, {TRAINING}": round(balanced_accuracy_score(emodb["emotion"], within.astype(str)), 4),
        f"{ACROSS}, {TRAINING}": round(balanced_accuracy_score(urdu["emotion"], across), 4),
        SECONDS: round(seconds, 1),
    }


def kept_row() -> dict[str, object]:
    """Give nkululeko's row as it was measured last."""
    rows = pd.read_csv(RESULTS)
    kept = rows[rows["method"].str.startswith(NKULULEKO)].to_dict("records")
    if not kept:
        raise SystemExit(f"{RESULTS.name} has no row of {NKULULEKO}; name an interpreter that has it by --nkululeko")
    return dict(kept[0])


def table_of(found: pd.DataFrame) -> str:
    """Give the table as the page has it."""
    heads = ["", *COLUMNS, f"{SECONDS}, both corpora"]
    cells = [
        [str(row["method"]), *(score(row[column]) for column in COLUMNS), f"{row[SECONDS]:.0f}"]
        for _, row in found.iterrows()
    ]
    return markdown([heads, *cells])


if __name__ == "__main__":
    main()
