"""Results as a run over EMO-DB, URDU and AESDD leaves them, drawn from a seed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

DAE = ("DAE-Unsupervised", "DAE-Metric-Act", "DAE-Metric-Val", "DAE-Metric-Joint")
WITHIN = ("Metric-Act (supervised)", "Metric-Val (supervised)")
BASELINES = ("PCA-2", "Ridge (activation, valence)", "88 functionals")
CORPORA = {
    "emodb": ("EMO-DB", "source", "de", 10, 535, 515),
    "urdu": ("URDU", "target", "ur", 29, 400, 387),
    "aesdd": ("AESDD", "target", "el", 6, 605, 587),
}
TABLE_1 = {"activation": (0.284, 0.385, 0.108, 0.350), "valence": (0.010, 0.005, 0.055, 0.014)}
TABLE_3 = {
    "emodb": {"activation": (0.631, 0.689, 0.602, 0.689), "valence": (0.026, 0.028, 0.189, 0.069)},
    "urdu": {"activation": (0.283, 0.372, 0.288, 0.367), "valence": (0.115, 0.132, 0.126, 0.144)},
    "aesdd": {"activation": (0.312, 0.405, 0.318, 0.401), "valence": (-0.006, 0.014, 0.032, 0.022)},
}
TABLE_4 = {
    "emodb": {"N-S-A": (0.883, 0.893, 0.942, 0.935), "N-S-H-A": (0.691, 0.705, 0.752, 0.710)},
    "urdu": {"N-S-A": (0.653, 0.602, 0.685, 0.620), "N-S-H-A": (0.456, 0.407, 0.505, 0.439)},
    "aesdd": {"S-A": (0.810, 0.821, 0.797, 0.824), "S-H-A": (0.507, 0.535, 0.504, 0.513)},
}
CLAIMS = {
    "a": "Metric methods explain activation and valence of unseen corpora better than DAE-Unsupervised.",
    "b": "Activation is explained better than valence.",
    "c": "Metric methods classify unseen corpora better than DAE-Unsupervised.",
    "d": "Three classes are easier than four, because happy and angry are confused.",
    "e": "Metric-Act keeps distances in activation best; Metric-Val keeps those in valence no better than the baseline.",
    "f": "Metric-Val classifies better than Metric-Act more often than not.",
}
RATED = {
    "neutral": (2.4, 3.0),
    "sad": (1.7, 1.9),
    "happy": (3.9, 4.1),
    "angry": (4.4, 1.7),
    "boredom": (1.8, 2.5),
}


@dataclass(frozen=True)
class Results:
    """The fields of ``affectmap.experiment.experiment.Results``, without its torch."""

    settings: dict[str, Any]
    command: str
    versions: dict[str, str]
    notes: list[str]
    timings: dict[str, float]
    corpora: pd.DataFrame
    findings: pd.DataFrame
    audit: pd.DataFrame
    runs: pd.DataFrame
    summary: pd.DataFrame
    table2: pd.DataFrame
    claims: pd.DataFrame
    comparisons: pd.DataFrame
    ratings: pd.DataFrame
    embeddings: pd.DataFrame
    curves: pd.DataFrame
    costs: pd.DataFrame
    utterances: pd.DataFrame
    features: pd.DataFrame
    details: pd.DataFrame
    confusion: pd.DataFrame


def make_corpora() -> pd.DataFrame:
    rows = []
    for name, (title, role, language, speakers, found, used) in CORPORA.items():
        neutral = 0 if name == "aesdd" else 78
        counts = {
            "neutral": neutral,
            "sad": 62,
            "happy": 70,
            "angry": 120,
            "other": 0 if name == "urdu" else 180,
        }
        policy = "source" if role == "source" else "target-20"
        rows.append(
            {"corpus": name, "title": title, "role": role, "language": language, "n_speakers": speakers}
            | {"n_found": found, "n_dropped": found - used, "n_used": used, "n_evaluated": int(used * 0.8)}
            | counts
            | {"n_activation": used, "n_valence": used, "policy": policy, "synthetic": False}
        )
    return pd.DataFrame(rows)


def make_findings(n: int = 50) -> pd.DataFrame:
    rows = [
        {
            "corpus": ("emodb", "urdu", "aesdd")[i % 3],
            "file": f"/data/corpora/{('emodb', 'urdu', 'aesdd')[i % 3]}/wav/{i:04d}.wav",
            "kind": "outlier" if i % 7 else "unreadable",
            "detail": f"F0semitoneFrom27.5Hz_sma3nz_amean is {10 + i / 9:.1f} standard deviations from the corpus's mean",
            "dropped": True,
        }
        for i in range(n)
    ]
    note = {"corpus": "urdu", "file": "", "kind": "note", "detail": "26 of 29 speakers show one emotion only"}
    return pd.DataFrame([*rows, note | {"dropped": False}], columns=["corpus", "file", "kind", "detail", "dropped"])


def make_audit() -> pd.DataFrame:
    rows = [
        (
            "shared speakers",
            "emodb",
            "",
            "sound",
            0.0,
            5,
            "no speaker of EMO-DB is in training and test of any of 5 folds",
        ),
        (
            "emotion from the speaker",
            "urdu",
            "",
            "warning",
            0.96,
            388,
            "26 of 29 speakers of URDU show one emotion",
        ),
        ("duplicate recordings", "urdu", "aesdd", "sound", 0.0, 987, "no recording was found in two corpora"),
    ]
    return pd.DataFrame(rows, columns=["check", "corpus", "other", "verdict", "value", "n", "detail"])


def make_runs(rng: np.random.Generator) -> pd.DataFrame:
    """Five folds of one seed around the known means."""
    means: list[tuple[str, str, str, str, str, float]] = []
    for method_index, method in enumerate(DAE):
        means += [("1", method, "emodb", q, "held-out", v[method_index]) for q, v in TABLE_1.items()]
        for corpus in CORPORA:
            reading = "held-out" if corpus == "emodb" else "zero-shot"
            means += [("3", method, corpus, q, reading, v[method_index]) for q, v in TABLE_3[corpus].items()]
            for quantity, values in TABLE_4[corpus].items():
                means.append(("4", method, corpus, quantity, reading, values[method_index]))
                if corpus != "emodb":
                    means.append(("4", method, corpus, quantity, "probe", values[method_index] + 0.04))
    for corpus in CORPORA:
        reading = "held-out" if corpus == "emodb" else "zero-shot"
        if corpus != "emodb":
            means += [("3", WITHIN[0], corpus, "activation", "supervised", 0.62)]
            means += [("3", WITHIN[1], corpus, "valence", "supervised", 0.31)]
        for baseline, (activation, valence, share) in zip(
            BASELINES, [(0.30, 0.02, 0.40), (0.47, 0.17, 0.53), (0.45, 0.12, 0.51)], strict=True
        ):
            means += [("3", baseline, corpus, "activation", reading, activation)]
            means += [("3", baseline, corpus, "valence", reading, valence)]
            means += [("4", baseline, corpus, q, reading, share + 0.05 * (5 - len(q))) for q in TABLE_4[corpus]]
        means += [("4", "88 functionals", corpus, q, "within", 0.7 + 0.05 * (7 - len(q))) for q in TABLE_4[corpus]]
    rows = []
    for table, method, corpus, quantity, reading, mean in means:
        for fold in range(1, 6):
            value = mean + 0.03 * rng.standard_normal()
            rows.append(
                {
                    "table": table,
                    "method": method,
                    "corpus": corpus,
                    "role": CORPORA[corpus][1],
                    "quantity": quantity,
                }
                | {"reading": reading, "fold": fold, "seed": 0, "value": value}
                | {"p_value": float("nan") if table == "4" else max(1e-9, 0.05 - mean), "n": 310}
            )
    return pd.DataFrame(rows)


def summarise_runs(runs: pd.DataFrame) -> pd.DataFrame:
    keys = ["table", "method", "corpus", "role", "quantity", "reading"]
    summary = runs.groupby(keys, sort=False).agg(
        mean=("value", "mean"),
        sd=("value", "std"),
        n_runs=("value", "size"),
        n=("n", "first"),
        p=("p_value", "max"),
    )
    summary["ci_low"], summary["ci_high"] = summary["mean"] - 0.05, summary["mean"] + 0.045
    summary["significant"] = [bool(p < 0.05) if p == p else float("nan") for p in summary.pop("p")]
    columns = [*keys, "mean", "sd", "ci_low", "ci_high", "n_runs", "n", "significant"]
    return summary.reset_index().reindex(columns=columns)


def make_details(summary: pd.DataFrame) -> pd.DataFrame:
    """Values behind table 4 of the zero-shot rows: of two classes, two sexes and two speakers."""
    classes = summary[(summary["table"] == "4") & (summary["reading"] == "zero-shot")]
    classes = classes[classes["quantity"].isin(["N-S-A", "S-A"])]
    ratings = summary[(summary["table"] == "3") & (summary["reading"] == "zero-shot")]
    kinds = {"recall": ("sad", "angry"), "uar by sex": ("female", "male"), "uar by speaker": ("s1", "s2")}
    parts = [classes.assign(table=kind, quantity=name) for kind, names in kinds.items() for name in names]
    parts += [ratings.assign(table=kind) for kind in ("ccc", "error")]
    return pd.concat(parts, ignore_index=True)


def make_confusion() -> pd.DataFrame:
    """Two methods on URDU; the second recognises more."""
    columns = ["corpus", "method", "reading", "classes", "truth", "predicted", "n", "share"]
    rows = [
        ("urdu", method, "zero-shot", "S-A", truth, predicted, round(50 * share), share)
        for method, right in zip(DAE[:2], (0.5, 0.75), strict=True)
        for truth in ("sad", "angry")
        for predicted in ("sad", "angry")
        for share in [right if truth == predicted else 1 - right]
    ]
    return pd.DataFrame(rows, columns=columns)


def make_table2() -> pd.DataFrame:
    rows = [
        ("GAN [18]", "eGeMAPS, EMO-DB", 2, 66.0, "UAR", "literature"),
        ("FLUDA [1]", "IS10, IEMOCAP (+)", 4, 50.0, "UA", "literature"),
        ("VAE+LSTM [20]", "LogMel, IEMOCAP", 4, 56.08, "UA", "literature"),
        ("AE+LSTM [20]", "LogMel, IEMOCAP", 4, 55.42, "UA", "literature"),
        ("Stacked-AE+BLSTM-RNN [13]", "COVAREP, IEMOCAP", 4, 50.26, "UA", "literature"),
        ("DAE+Linear-SVM (baseline)", "eGeMAPS, IEMOCAP", 4, 52.09, "UA", "paper"),
        ("DAE-Unsupervised + linear SVC", "eGeMAPS, emodb", 4, 69.1, "UAR", "this run"),
    ]
    return pd.DataFrame(rows, columns=["method", "features_corpus", "n_classes", "score", "unit", "origin"])


def make_claims() -> pd.DataFrame:
    """Rows as the run judges them: comparisons, then an overall row; (d) and (e) have no overall difference."""
    judged = ("holds", "holds", "cannot be told", "holds", "does not hold", "holds")
    around = {"holds": (0.09, 0.05), "cannot be told": (0.01, 0.06), "does not hold": (-0.04, 0.03)}
    rows = []
    for claim, verdict in zip("abcdef", judged, strict=True):
        middle, half = around[verdict]
        quantity = "N-S-H-A" if claim in "cdf" else "activation"
        comparison = "DAE-Metric-Act − DAE-Unsupervised"
        for corpus, difference in (("urdu", middle + 0.01), ("aesdd", middle - 0.01)):
            rows.append(
                (
                    claim,
                    corpus,
                    quantity,
                    comparison,
                    difference,
                    difference - half,
                    difference + half,
                    verdict,
                )
            )
        if claim in "de":
            rows.append((claim, "all", "", "all parts", *[float("nan")] * 3, verdict))
        else:
            name = "share of comparisons won, less one half" if claim == "f" else "mean of the comparisons"
            rows.append((claim, "all", "", name, middle, middle - half, middle + half, verdict))
    columns = ["claim", "corpus", "quantity", "comparison", "difference", "ci_low", "ci_high", "verdict"]
    claims = pd.DataFrame(rows, columns=columns)
    claims.insert(1, "statement", claims["claim"].map(CLAIMS))
    return claims


def make_comparisons() -> pd.DataFrame:
    """One method against ridge and PCA-2: ahead, behind, and nothing to be told."""
    rows = []
    for against in ("PCA-2", "Ridge (activation, valence)"):
        for corpus, (difference, verdict) in zip(
            ("urdu", "aesdd"), ((0.05, "above"), (-0.01, "cannot be told")), strict=True
        ):
            names = ("3", corpus, "target", "activation", "DAE-Metric-Act", against)
            rows.append((*names, difference, difference - 0.04, difference + 0.04, 6, verdict))
    columns = ["table", "corpus", "role", "quantity", "method", "against", "difference", "ci_low", "ci_high"]
    return pd.DataFrame(rows, columns=[*columns, "n_speakers", "verdict"])


def make_embeddings(rng: np.random.Generator) -> pd.DataFrame:
    frames = []
    for method in DAE:
        turn = rng.uniform(0, 2 * np.pi)
        rotation = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
        for corpus, (_, role, *_rest, used) in CORPORA.items():
            n = used // 20 if role == "source" else used // 5
            names = [
                e
                for e in RATED
                if not (corpus == "aesdd" and e == "neutral") and not (corpus == "urdu" and e == "boredom")
            ]
            emotion = rng.choice(names, n)
            label = np.array([RATED[e] for e in emotion]) + 0.6 * rng.standard_normal((n, 2))
            label = np.clip(np.round(label * 2) / 2, 1, 5)
            spread = np.array([1.0, 0.7 if method != "DAE-Metric-Act" else 0.2])
            latent = (label - 3) * spread @ rotation + 0.9 * rng.standard_normal((n, 2))
            latent[0] *= 8
            files = [f"{corpus}/{i:04d}.wav" for i in range(n)]
            frames.append(
                pd.DataFrame(
                    {"method": method, "corpus": corpus, "role": role, "file": files, "emotion": emotion}
                    | {
                        "activation": label[:, 0],
                        "valence": label[:, 1],
                        "z1": latent[:, 0],
                        "z2": latent[:, 1],
                    }
                    | read_out(label)
                )
            )
    return pd.concat(frames, ignore_index=True)


def read_out(label: np.ndarray) -> dict[str, np.ndarray]:
    """What a map makes of ratings: much of activation, little of valence."""
    noise = np.random.default_rng(len(label)).standard_normal(label.shape)
    activation = 3 + 0.6 * (label[:, 0] - 3) + 0.5 * noise[:, 0]
    valence = 2.8 + 0.15 * (label[:, 1] - 3) + 0.3 * noise[:, 1]
    return {"predicted_activation": np.clip(activation, 1, 5), "predicted_valence": np.clip(valence, 1, 5)}


def make_curves(rng: np.random.Generator, epochs: int = 12) -> pd.DataFrame:
    frames = []
    for index, method in enumerate(DAE):
        for fold in range(1, 6):
            epoch = np.arange(1, epochs + 1)
            noise = 0.01 * rng.standard_normal((3, epochs))
            reconstruction = 0.62 + 0.4 * np.exp(-epoch / 9) + noise[0]
            slope = np.full(epochs, np.nan) if index == 0 else 0.05 * index + 0.8 * np.exp(-epoch / 4) + noise[1]
            residual = np.full(epochs, np.nan) if index == 0 else 0.4 + 0.5 * np.exp(-epoch / 12) + noise[2]
            total = reconstruction + np.nan_to_num(slope) + np.nan_to_num(residual)
            frames.append(
                pd.DataFrame(
                    {
                        "method": method,
                        "corpus": "emodb",
                        "fold": fold,
                        "seed": 0,
                        "epoch": epoch,
                        "total": total,
                    }
                    | {"reconstruction": reconstruction, "slope": slope, "residual": residual}
                )
            )
    return pd.concat(frames, ignore_index=True)


@pytest.fixture(scope="session")
def whole_results() -> Results:
    """Three corpora, all methods, all tables."""
    rng = np.random.default_rng(0)
    runs = make_runs(rng)
    embeddings = make_embeddings(rng)
    return Results(
        settings={
            "source": ["emodb=corpora/emodb"],
            "target": ["urdu=corpora/urdu", "aesdd=corpora/aesdd"],
            "policy": "target-20",
            "folds": "speaker",
            "preset": "paper",
            "hidden_dims": [40, 20, 10],
            "latent_dim": 2,
            "noise_std": 1.0,
            "epochs": 50,
            "seed": 0,
            "strict": False,
            "learning_rate": None,
        },
        command="affectmap run --source emodb=corpora/emodb --target urdu=corpora/urdu --target aesdd=corpora/aesdd -o results",
        versions={"affectmap": "0.1.0", "python": "3.11.7", "torch": "2.13.0", "opensmile": "2.6.0"},
        notes=["The speech is synthetic: it shows that the pipeline runs, and proves nothing about people."],
        timings={"features": 31.2, "training": 12.9, "evaluation": 4.1},
        corpora=make_corpora(),
        findings=make_findings(),
        audit=make_audit(),
        runs=runs,
        summary=summarise_runs(runs),
        table2=make_table2(),
        claims=make_claims(),
        comparisons=make_comparisons(),
        ratings=embeddings[embeddings["method"] == DAE[0]].drop(columns=["method", "file", "z1", "z2"]),
        embeddings=embeddings,
        curves=make_curves(rng),
        utterances=pd.DataFrame(),
        features=pd.DataFrame(),
        costs=pd.DataFrame(),
        details=make_details(summarise_runs(runs)),
        confusion=make_confusion(),
    )


@pytest.fixture
def make_results(whole_results: Results) -> Callable[..., Results]:
    """The whole results with some fields replaced."""
    return lambda **changes: replace(whole_results, **changes)


def only_corpus(results: Results, corpus: str) -> Results:
    """The same without other corpora, as a run without targets leaves it."""
    frames = ("corpora", "findings", "runs", "summary", "ratings", "embeddings", "curves")
    kept = {name: getattr(results, name) for name in frames}
    kept = {name: frame[frame["corpus"] == corpus].reset_index(drop=True) for name, frame in kept.items()}
    return replace(results, claims=results.claims.iloc[:0], **kept)


def without_quantities(results: Results, *quantities: str) -> Results:
    """The same as if nobody had rated some quantities."""
    kept = {name: getattr(results, name) for name in ("runs", "summary", "claims")}
    kept = {name: frame[~frame["quantity"].isin(quantities)].reset_index(drop=True) for name, frame in kept.items()}
    missing = {name: np.nan for name in quantities if name in results.embeddings}
    rated = {name: getattr(results, name).assign(**missing) for name in ("ratings", "embeddings")}
    return replace(results, **rated, **kept)


def with_copies(results: Results, corpus: str, names: list[str]) -> Results:
    """The same with more targets, each a copy of a corpus under another name and without a title."""
    changes = {}
    for field in ("corpora", "findings", "runs", "summary", "ratings", "embeddings"):
        frame = getattr(results, field)
        mine = frame[frame["corpus"] == corpus]
        copies = [mine.assign(corpus=name, **({"title": ""} if field == "corpora" else {})) for name in names]
        changes[field] = pd.concat([frame, *copies], ignore_index=True)
    return replace(results, **changes)


@pytest.fixture
def source_only(whole_results: Results) -> Results:
    """A run without targets."""
    return only_corpus(whole_results, "emodb")


@pytest.fixture
def unrated(whole_results: Results) -> Callable[..., Results]:
    """A run in which nobody rated the quantities named."""
    return lambda *quantities: without_quantities(whole_results, *quantities)


@pytest.fixture
def copied(whole_results: Results) -> Callable[[list[str]], Results]:
    """A run with more targets, copies of URDU under the names given."""
    return lambda names: with_copies(whole_results, "urdu", names)
