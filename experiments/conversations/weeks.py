"""Whether statistics of the speaker wash out slow change: an hour, and twelve weekly recordings; `weeks.csv`.

    AFFECTMAP_DATA=... python experiments/conversations/weeks.py

A speaker of EMO-DB or AESDD speaks 20 utterances in each of 12 sessions. In `drift` the share of sad utterances rises
from 0 to .9, and the others are drawn from all other emotions; in `constant` it is .2 throughout. In `telephone` the
last six sessions lie below 4 kHz, 10 dB lower, with noise. The truth is the mean rating of the utterances of a session.
As `hour`, the sessions are one recording of an hour; as `weeks`, a recording each. Statistics:

`source`: the model's own; `recording`: of each recording; `running`: of the speech until then, in each recording;
`first`: the model adapted to the first session, frozen; `mixed`: adapted to 30 other utterances of the speaker, of all
emotions, recorded as the first session.

`slope`: of the session means on the true ones, 1 where change is kept whole, 0 where it is washed out; `r`: their
correlation; `step`: by how much the last six sessions lie above the first six, less what is true, in points. The model
is the shipped one, which was trained on these corpora: rows can be compared with each other, and say nothing of how
good it is.
"""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pandas as pd
import soxr
from fit import utterances_of

from affectmap import load_corpus, load_model
from affectmap.audio.speech_detection import RATE
from affectmap.features.engines import measure_functionals
from affectmap.model.model import Model
from affectmap.track.running_statistics import Standardising

HERE = Path(__file__).parent
CORPORA = ("emodb", "aesdd")
N_SESSIONS, N_UTTERANCES, N_MIXED, N_DRAWS = 12, 20, 30, 4
LABELS = ("activation", "valence")
#: Scenarios: share of sad utterances in the first and the last session, and whether the last six are by telephone.
SCENARIOS = {"drift": (0.0, 0.9, False), "drift, telephone": (0.0, 0.9, True), "constant, telephone": (0.2, 0.2, True)}


def telephone(signal: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Give a signal as from another place: below 4 kHz, 10 dB lower, with noise 35 dB below its level."""
    narrow = soxr.resample(soxr.resample(signal, RATE, RATE // 2), RATE // 2, RATE) * 10 ** (-10 / 20)
    return (narrow + 10 ** (-35 / 20) * narrow.std() * rng.standard_normal(len(narrow))).astype(np.float32)


def material(corpus: str) -> pd.DataFrame:
    """Give speaker, emotion and ratings of the rated utterances, and their functionals in both conditions."""
    data = Path(os.environ["AFFECTMAP_DATA"], "corpora")
    table = load_corpus(f"{corpus}={data / corpus}", data / "labels").table.reset_index().set_index("file")
    rows, rng = [], np.random.default_rng(0)
    for speaker, emotion, file, signal in utterances_of(corpus):
        ratings = {label: float(table.loc[str(file), label]) for label in LABELS}
        if np.isnan(list(ratings.values())).any():
            continue
        measured = {
            "clean": measure_functionals(signal, RATE),
            "telephone": measure_functionals(telephone(signal, rng), RATE),
        }
        rows.append({"speaker": speaker, "emotion": emotion, **ratings, **measured})
    return pd.DataFrame(rows)


def sessions_of(own: pd.DataFrame, shares: tuple[float, float, bool], rng: np.random.Generator) -> list[pd.DataFrame]:
    """Draw the utterances of the sessions, with a column `features`."""
    sad, others = own[own["emotion"] == "sad"], own[own["emotion"] != "sad"]
    sessions = []
    for i, share in enumerate(np.linspace(shares[0], shares[1], N_SESSIONS)):
        n_sad = round(share * N_UTTERANCES)
        drawn = pd.concat([sad.sample(n_sad, replace=True, random_state=rng), others.sample(
            N_UTTERANCES - n_sad, replace=True, random_state=rng)])  # fmt: skip
        drawn = drawn.sample(frac=1, random_state=rng)
        where = "telephone" if shares[2] and i >= N_SESSIONS // 2 else "clean"
        sessions.append(drawn.assign(features=drawn[where]))
    return sessions


def predicted(sessions: list[pd.DataFrame], model: Model, mixed: np.ndarray) -> dict[tuple[str, str], pd.DataFrame]:
    """Give the values of all utterances under every way of standardising, sessions in order."""
    features = [np.stack(session["features"]) for session in sessions]
    everything = np.concatenate(features)
    ends_s = np.arange(1, len(everything) + 1) * 3600 / len(everything)

    def standardised(policy: str, parts: list[np.ndarray]) -> pd.DataFrame:
        tables, first = [], 0
        for part in parts:
            rows, counts = slice(first, first + len(part)), np.ones(len(part), bool)
            tables.append(Standardising(model, policy).transform(part, counts, ends_s[rows]))
            first += len(part)
        return pd.concat(tables, ignore_index=True)

    return {
        ("hour", "source"): model.transform(everything),
        ("hour", "recording"): standardised("recording", [everything]),
        ("hour", "running"): standardised("running", [everything]),
        ("weeks", "source"): model.transform(everything),
        ("weeks", "recording"): standardised("recording", features),
        ("weeks", "running"): standardised("running", features),
        ("weeks", "first"): model.adapt(features[0]).transform(everything),
        ("weeks", "mixed"): model.adapt(mixed).transform(everything),
    }


def scores(true: np.ndarray, found: np.ndarray) -> dict[str, float]:
    """Compare means of sessions; slope and correlation only where there is change."""
    half = N_SESSIONS // 2
    step = (found[half:].mean() - found[:half].mean()) - (true[half:].mean() - true[:half].mean())
    slope, r = np.polyfit(true, found, 1)[0], np.corrcoef(true, found)[0, 1]
    return {"slope": float(slope), "r": float(r), "step": float(step)}


def rows_of(corpus: str, model: Model) -> list[dict]:
    """Measure the speakers of a corpus."""
    rows, table = [], material(corpus)
    for speaker, own in table.groupby("speaker"):
        for scenario, shares in SCENARIOS.items():
            for seed in range(N_DRAWS):
                rng = np.random.default_rng(seed)
                sessions = sessions_of(own, shares, rng)
                mixed = np.stack(own.sample(N_MIXED, replace=True, random_state=rng)["clean"])
                for (form, policy), values in predicted(sessions, model, mixed).items():
                    for label in LABELS:
                        true = np.array([session[label].mean() for session in sessions])
                        found = values[label].to_numpy().reshape(N_SESSIONS, N_UTTERANCES).mean(axis=1)
                        about = {"corpus": corpus, "speaker": speaker, "scenario": scenario, "seed": seed}
                        rows.append(
                            {**about, "form": form, "statistics": policy, "label": label, **scores(true, found)}
                        )
    return rows


def main() -> None:
    """Write weeks.csv, a row a corpus, scenario, form, statistics and label: the mean over speakers and draws."""
    model = load_model()
    rows = pd.DataFrame([row for corpus in CORPORA for row in rows_of(corpus, model)])
    keys = ["corpus", "scenario", "form", "statistics", "label"]
    table = rows.groupby(keys, sort=False)[["slope", "r", "step"]].mean().reset_index()
    table.loc[table["scenario"].str.startswith("constant"), ["slope", "r"]] = np.nan
    table.to_csv(HERE / "weeks.csv", index=False, float_format="%.3f")
    print(table.round(2).to_string())


if __name__ == "__main__":
    main()
