"""The results of a run, and the tables that describe what went into it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from importlib.metadata import version
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.decomposition import PCA

from affectmap.audit.verdicts import SIGNS, Audit
from affectmap.experiment.config import ExperimentConfig
from affectmap.experiment.embeddings import Embeddings
from affectmap.experiment.protocol import Job, Material
from affectmap.experiment.utterances import ratings_of
from affectmap.model.embedder import Embedder
from affectmap.model.training import TrainedModel
from affectmap.preparation.config import MEASURED
from affectmap.preparation.prepared_corpus import PreparedCorpus
from affectmap.schema import FOUR_CLASSES, LABELS, Finding
from affectmap.utterances import PREDICTED

PACKAGES = ("affectmap", "numpy", "pandas", "scikit-learn", "scipy", "torch")


@dataclass(eq=False)
class Results:
    """What a run found.

    Attributes:
        settings: Every setting.
        command: The command that made it.
        notes: Sentences to be read first.
        timings: Seconds a stage.
        corpora: One row a corpus: what was found, dropped and used.
        findings: Every finding; columns as in `Finding`.
        audit: What has to be known before any result is believed; columns as in `Check`. The next four have a column
            ``audit`` that says which results it concerns; see `affectmap.audit.verdicts`.
        runs: Every single value; columns `affectmap.stats.scores.RUN_COLUMNS`.
        summary: Every cell of the tables; columns `affectmap.stats.scores.SUMMARY_COLUMNS`.
        table2: The literature's results and ours.
        claims: The paper's claims with verdicts.
        comparisons: The autoencoders against simpler maps and the corpus' own labels; columns
            `comparisons.COMPARISON_COLUMNS`.
        ratings: Emotion, activation and valence of every utterance used; for figure 1, and in no file.
        embeddings: Where the first fold's models put the utterances they are scored on.
        curves: Learning curves, one row an epoch.
        embedders: Trained models by name.
        utterances: What every model made of every utterance; columns as in `affectmap.utterances`.
        features: What was measured of every utterance used, not standardised.
        details: Each class, sex and speaker, and CCC and error of ratings; columns as in `summary`.
        confusion: Predicted classes, counted; columns `affectmap.experiment.details.CONFUSION_COLUMNS`.
        costs: What a minute of sound costs; columns `costs.COST_COLUMNS`, empty where there is no reference.
        versions: Versions of the packages that matter.
    """

    settings: dict[str, Any]
    command: str
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
    embedders: dict[str, Embedder] = field(default_factory=dict)
    costs: pd.DataFrame = field(default_factory=pd.DataFrame)
    utterances: pd.DataFrame = field(default_factory=pd.DataFrame)
    features: pd.DataFrame = field(default_factory=pd.DataFrame)
    details: pd.DataFrame = field(default_factory=pd.DataFrame)
    confusion: pd.DataFrame = field(default_factory=pd.DataFrame)
    versions: dict[str, str] = field(default_factory=lambda: {name: version(name) for name in PACKAGES})


def corpora_table(
    sources: Sequence[PreparedCorpus], targets: Sequence[PreparedCorpus], material: Material, config: ExperimentConfig
) -> pd.DataFrame:
    """Describe every corpus of a run, one row each.

    The policy of a source is that of its held-out rows: ``source`` for the training rows of the same corpus, or what
    `PooledSource.scaled` does with one left out. The material of any fold says how many rows of a target are evaluated.
    """
    rows = []
    for role, corpora in (("source", sources), ("target", targets)):
        for each in corpora:
            n_used, n_found = len(each.table), each.n_found
            counts = each.table["emotion"].value_counts()
            classes = {str(emotion): int(counts.get(str(emotion), 0)) for emotion in FOUR_CLASSES}
            labelled = each.table[["activation", "valence"]].notna().sum()
            rows.append(
                {
                    "corpus": each.name,
                    "title": each.title,
                    "role": role,
                    "language": each.corpus.language,
                    "n_speakers": each.table["speaker"].nunique() if each.has_speakers else None,
                    "n_found": n_found,
                    "n_dropped": n_found - n_used,
                    "n_used": n_used,
                    "n_evaluated": n_used if role == "source" else len(material.targets[each.name].rows),
                    **classes,
                    "other": int(counts.sum()) - sum(classes.values()),
                    "n_activation": int(labelled["activation"]),
                    "n_valence": int(labelled["valence"]),
                    "sampling_rate": _rate(each, config),
                    "policy": _source_policy(config) if role == "source" else config.policy,
                    "synthetic": config.synthetic,
                }
            )
    return pd.DataFrame(rows)


def _rate(corpus: PreparedCorpus, config: ExperimentConfig) -> int | str:
    if corpus.is_given:
        return "not known"
    return config.sampling_rate if config.features in MEASURED else "the encoder's"


def _source_policy(config: ExperimentConfig) -> str:
    if config.policy == "speaker":
        return "speaker"
    return "target-all" if config.folds == "corpus" and config.policy != "source" else "source"


def ratings_table(sources: Sequence[PreparedCorpus], targets: Sequence[PreparedCorpus]) -> pd.DataFrame:
    """List emotion, activation and valence of every utterance used, with its corpus and role."""
    frames = [
        corpus.table[["emotion", "activation", "valence"]].assign(corpus=corpus.name, role=role)
        for role, corpora in (("source", sources), ("target", targets))
        for corpus in corpora
    ]
    return pd.concat(frames, ignore_index=True)


def findings_table(corpora: Iterable[PreparedCorpus]) -> pd.DataFrame:
    """List every finding of every corpus, columns as in `Finding`."""
    rows = [finding for corpus in corpora for finding in corpus.findings]
    return pd.DataFrame(rows, columns=list(Finding._fields))


def mark_claims(claims: pd.DataFrame, audit: Audit) -> pd.DataFrame:
    """Add the column ``audit`` to claims; the overall row of a claim has all verdicts of its comparisons."""
    marked = audit.marked(claims)
    for _, group in marked.groupby("claim"):
        found = {verdict for cell in group["audit"] for verdict in cell.split(", ")}
        overall = group.index[group["corpus"] == "all"]
        marked.loc[overall, "audit"] = ", ".join(verdict for verdict in SIGNS if verdict in found)
    return marked


def mark_table2(table: pd.DataFrame, audit: Audit) -> pd.DataFrame:
    """Add the column ``audit`` to the rows of table 2 that are this run's."""
    corpus = table["features_corpus"].str.split(", ").str[-1].where(table["origin"] == "this run")
    return table.assign(audit=audit.marked(pd.DataFrame({"corpus": corpus, "reading": "held-out"}))["audit"])


def embeddings_table(embeddings: Iterable[Embeddings]) -> pd.DataFrame:
    """List the embedded utterances of models, one row an utterance and method, in two dimensions ``z1``, ``z2``.

    A latent of more than two is turned onto its two principal components, one of a single dimension gets ``z2`` = 0.
    ``predicted_activation`` and ``predicted_valence`` are what the line of the training rows makes of the latent.
    """
    frames = []
    for each in embeddings:
        view = _two_dimensions(each.train.embedding)
        for part in (*each.held_out, *each.targets):
            z = view(part.embedding)
            frame = pd.DataFrame({"method": each.run.method, "corpus": part.corpus, "role": part.role}, range(len(z)))
            frame["file"], frame["emotion"] = part.file, part.emotion
            frame["activation"], frame["valence"] = part.label.T
            frame["z1"], frame["z2"] = z.T
            frames.append(frame.assign(**ratings_of(each, part)))
    columns = ["method", "corpus", "role", "file", "emotion", *LABELS, "z1", "z2", *PREDICTED.values()]
    return pd.concat(frames, ignore_index=True) if frames else pd.DataFrame(columns=columns)


def _two_dimensions(train: npt.NDArray[np.float64]) -> Any:  # noqa: ANN401 (a function of one array)
    if train.shape[1] == 1:
        return lambda z: np.column_stack([z[:, 0], np.zeros(len(z))])
    if train.shape[1] == 2:
        return lambda z: z
    return PCA(n_components=2, svd_solver="full").fit(train).transform


def curves_table(trained: Sequence[tuple[Job, TrainedModel]]) -> pd.DataFrame:
    """List all learning curves, one row an epoch with the means of the loss terms; fold 0 is a model of all rows."""
    frames = [
        model.curves.reset_index().assign(method=job.method, corpus=job.corpus, fold=job.fold, seed=job.seed)
        for job, model in trained
    ]
    table = pd.concat(frames, ignore_index=True)
    first = ["method", "corpus", "fold", "seed", "epoch"]
    return table[[*first, *(column for column in table.columns if column not in first)]]
