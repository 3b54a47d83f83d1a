"""Do the same work with openSMILE and scikit-learn by hand, and with affectmap's features; write docs/comparison.md.

    OMP_NUM_THREADS=1 AFFECTMAP_DATA=DATA python experiments/comparison/run.py

DATA holds corpora/emodb and corpora/urdu. The work: tell neutral, sad, happy and angry speech of EMO-DB apart, speakers
held out (five folds), and of URDU by a classifier that has seen EMO-DB alone; both corpora are standardised by their
own mean and standard deviation, without labels. Classifier, folds and standardisation are the same for both; what
differs is who measures the 88 functionals. Seconds are processor time of one process for the features of all
recordings, nothing cached.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import opensmile
import pandas as pd
from sklearn.metrics import balanced_accuracy_score
from sklearn.model_selection import GroupKFold, cross_val_predict
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from affectmap import extract_functionals, load_corpus
from affectmap.files import write_text
from affectmap.schema import FOUR_CLASSES
from affectmap.text import between_marks, markdown, score

HERE = Path(__file__).resolve().parent
PAGE = HERE.parents[1] / "docs" / "comparison.md"
#: A plain linear classifier, classes weighted alike, as both sides would write it.
CLASSIFIER = SVC(kernel="linear", C=0.1, class_weight="balanced")


def by_opensmile(table: pd.DataFrame) -> pd.DataFrame:
    """Measure with openSMILE's Python package, file by file."""
    smile = opensmile.Smile(opensmile.FeatureSet.eGeMAPSv02, opensmile.FeatureLevel.Functionals, num_workers=1)
    return smile.process_files(table.index.get_level_values("file")).set_axis(table.index, axis=0)


def by_affectmap(table: pd.DataFrame) -> pd.DataFrame:
    """Measure with affectmap's own loops, on one thread."""
    return extract_functionals("comparison", table, n_jobs=1)[0]


MEASURE: dict[str, Callable[[pd.DataFrame], pd.DataFrame]] = {
    "openSMILE and scikit-learn, by hand": by_opensmile,
    "affectmap's functionals, the same classifier": by_affectmap,
}


def main() -> None:
    """Measure, classify, and write the table into the page and beside this file."""
    os.chdir(os.environ["AFFECTMAP_DATA"])
    tables = {name: load_corpus(f"{name}=corpora/{name}").table for name in ("emodb", "urdu")}
    rows = []
    for method, measure in MEASURE.items():
        begun = time.process_time()
        features = {name: measure(table) for name, table in tables.items()}
        seconds = time.process_time() - begun
        rows.append({"method": method, **compared(features, tables), "seconds of a core": round(seconds, 1)})
    found = pd.DataFrame(rows)
    write_text(HERE / "results.csv", found.to_csv(index=False))
    cells = [
        [str(row["method"]), score(row["EMO-DB"]), score(row["EMO-DB to URDU"]), f"{row['seconds of a core']:.0f}"]
        for _, row in found.iterrows()
    ]
    heads = ["", "UAR EMO-DB, held-out speakers", "UAR EMO-DB to URDU", "seconds of a core to measure both corpora"]
    write_text(PAGE, between_marks(PAGE.read_text(encoding="utf-8"), "comparison", markdown([heads, *cells])))


def compared(features: dict[str, pd.DataFrame], tables: dict[str, pd.DataFrame]) -> dict[str, float]:
    """Classify EMO-DB by held-out speakers, and URDU by EMO-DB."""
    x, y, speaker = {}, {}, {}
    for name, measured in features.items():
        table = tables[name].loc[measured.index]
        four = table["emotion"].isin(FOUR_CLASSES).to_numpy()
        x[name] = StandardScaler().fit_transform(measured.to_numpy(dtype=np.float64))[four]
        y[name], speaker[name] = (table[column].to_numpy(dtype=str)[four] for column in ("emotion", "speaker"))
    within = cross_val_predict(CLASSIFIER, x["emodb"], y["emodb"], groups=speaker["emodb"], cv=GroupKFold(5))
    across = CLASSIFIER.fit(x["emodb"], y["emodb"]).predict(x["urdu"])
    return {
        "EMO-DB": round(balanced_accuracy_score(y["emodb"], within), 4),
        "EMO-DB to URDU": round(balanced_accuracy_score(y["urdu"], across), 4),
    }


if __name__ == "__main__":
    main()
