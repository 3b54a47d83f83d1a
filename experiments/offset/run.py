"""Measure what an offset of the recordings does to functionals and classes, by what is removed before measuring.

    python experiments/offset/run.py DATA

DATA holds `corpora/emodb` and `corpora/urdu`. Three ways are compared: nothing is removed, the mean of the recording
(what affectmap does), or all below 20 Hz by a Butterworth high-pass of second order. Offsets are added to EMO-DB;
URDU is as it is, most of its recordings have an offset of their own. Writes `results.csv` here and the table in
docs/embed.md. A linear SVC on standardised functionals tells neutral, sad, happy and angry, by speaker-held-out folds,
drawn five times; it is trained on recordings without the added offset. `moved` is how far functionals move by the added
offset, in standard deviations of the corpus.
"""

import argparse
from collections.abc import Callable
from functools import partial
from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd
from joblib import Parallel, delayed
from scipy.signal import butter, sosfilt
from sklearn.metrics import recall_score
from sklearn.model_selection import GroupKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from affectmap.audio.cleaning import without_offset
from affectmap.audio.reading import Signal, read_audio
from affectmap.corpora import load_corpus
from affectmap.egemaps import functionals
from affectmap.files import write_text
from affectmap.schema import FOUR_CLASSES, Floats, Objects
from affectmap.text import between_marks

HERE = Path(__file__).resolve().parent
PAGE = HERE.parents[1] / "docs" / "embed.md"
OFFSETS = (0.0, 0.02, 0.05, 0.1)
N_FOLDS, N_DRAWS = 10, 5


def high_passed(signal: Signal, sampling_rate: int) -> Signal:
    """Take out what lies below 20 Hz; the filter starts as if the first sample had always been there."""
    sections = butter(2, 20, "highpass", fs=sampling_rate, output="sos")
    return sosfilt(sections, signal - signal[0])


WAYS: dict[str, Callable[[Signal, int], Signal]] = {
    "nothing": lambda signal, sampling_rate: signal,
    "mean": lambda signal, sampling_rate: without_offset(signal),
    "below 20 Hz": high_passed,
}


def measured(file: str, offset: float) -> list[Floats]:
    """Measure one recording with an offset, in every way, clipped at full scale as a converter does."""
    signal, sampling_rate = read_audio(file)
    moved = np.clip(signal + np.float32(offset), -1, 1)
    return [functionals(np.asarray(way(moved, sampling_rate), np.float32), sampling_rate) for way in WAYS.values()]


def recalls(features: Floats, tried: Floats, emotion: Objects, speaker: Objects) -> float:
    """Give the mean recall of classes on `tried`, by classifiers that learned from `features` of other speakers."""
    values = []
    for seed in range(N_DRAWS):
        guess = np.empty(len(emotion), dtype=object)
        folds = GroupKFold(min(N_FOLDS, len(set(speaker))), shuffle=True, random_state=seed)
        for train, test in folds.split(features, emotion, speaker):
            classifier = make_pipeline(StandardScaler(), SVC(kernel="linear", C=0.01, class_weight="balanced"))
            guess[test] = classifier.fit(features[train], emotion[train]).predict(tried[test])
        values.append(recall_score(emotion.tolist(), guess.tolist(), average="macro"))
    return float(np.mean(values))


def results_of(corpus: str, offsets: tuple[float, ...], data: Path, n_jobs: int) -> pd.DataFrame:
    """Compare the ways on one corpus: a row a way and offset."""
    table = load_corpus(f"{corpus}={data / 'corpora' / corpus}").table
    table = table[table["emotion"].isin(FOUR_CLASSES)]
    files = table.index.get_level_values("file")
    work = [delayed(measured)(file, offset) for offset, file in product(offsets, files)]
    found = np.array(Parallel(n_jobs)(work)).reshape(len(offsets), len(files), len(WAYS), -1)
    emotion, speaker = (table[name].astype(str).to_numpy(dtype=object) for name in ("emotion", "speaker"))
    rows = []
    for (number, way), (row, offset) in product(enumerate(WAYS), enumerate(offsets)):
        clean = found[0, :, number]
        spread = clean.std(axis=0)
        moved = np.abs(found[row, :, number] - clean)[:, spread > 0] / spread[spread > 0]
        uar = recalls(clean, found[row, :, number], emotion, speaker)
        rows.append((corpus, way, offset, round(float(moved.mean()), 3), round(uar, 3)))
    return pd.DataFrame(rows, columns=["corpus", "removed", "offset", "moved", "uar"])


def page_table(results: pd.DataFrame) -> str:
    """Write the results as the table of the page."""
    added = {offset: f"EMO-DB, {offset:g}" if offset else "EMO-DB as it is" for offset in OFFSETS}
    lines = [f"| removed | {' | '.join(added.values())} | URDU as it is |", "|---" * (len(OFFSETS) + 2) + "|"]
    for way in WAYS:
        mine = results[results["removed"] == way].set_index(["corpus", "offset"])["uar"]
        cells = [mine["emodb", offset] for offset in OFFSETS] + [mine["urdu", 0.0]]
        lines.append(f"| {way} | {' | '.join(f'{cell:.2f}'.lstrip('0') for cell in cells)} |")
    return "\n".join(lines) + "\n"


def main() -> None:
    """Measure, and write table and page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--n-jobs", type=int, default=2)
    arguments = parser.parse_args()
    compare = partial(results_of, data=arguments.data, n_jobs=arguments.n_jobs)
    results = pd.concat([compare("emodb", OFFSETS), compare("urdu", (0.0,))])
    write_text(HERE / "results.csv", results.to_csv(index=False))
    write_text(PAGE, between_marks(PAGE.read_text(encoding="utf-8"), "offset", page_table(results)))


if __name__ == "__main__":
    main()
