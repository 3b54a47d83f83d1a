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
from affectmap.experiment.protocol import Material, Placed
from affectmap.experiment.training_plan import Job
from affectmap.model.embedder import Embedder
from affectmap.model.training import TrainedModel
from affectmap.preparation.config import EGEMAPS
from affectmap.preparation.prepared_corpus import PreparedCorpus
from affectmap.schema import FOUR_CLASSES, Finding

PACKAGES = ("affectmap", "numpy", "opensmile", "pandas", "scikit-learn", "scipy", "torch")


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
        audit: What has to be known before any figure is believed; columns as in
            `Check`. The next four have a column ``audit`` that says which figures it bears
            on; see `affectmap.audit.verdicts`.
        runs: Every single value; columns `affectmap.stats.scores.RUN_COLUMNS`.
        summary: Every cell of the tables; columns `affectmap.stats.scores.SUMMARY_COLUMNS`.
        table2: The literature's figures and ours.
        claims: The paper's claims with verdicts.
        ratings: Emotion, activation and valence of every utterance used; read by figure 1, and in no file.
        embeddings: Where the first fold's models place the utterances they are scored on.
        curves: Learning curves, one row an epoch.
        embedders: Trained models by name.
        costs: What a minute of sound costs; columns `costs.COLUMNS`, empty where there is no reference.
        versions: Of the packages that matter.
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
    ratings: pd.DataFrame
    embeddings: pd.DataFrame
    curves: pd.DataFrame
    embedders: dict[str, Embedder] = field(default_factory=dict)
    costs: pd.DataFrame = field(default_factory=pd.DataFrame)
    versions: dict[str, str] = field(default_factory=lambda: {name: version(name) for name in PACKAGES})


def corpora_table(
    sources: Sequence[PreparedCorpus],
    targets: Sequence[PreparedCorpus],
    material: Material,
    config: ExperimentConfig,
) -> pd.DataFrame:
    """Describe every corpus of a run.

    Args:
        sources: Source corpora.
        targets: Target corpora.
        material: Of any fold; tells how many rows of a target are evaluated.
        config: `policy`, `folds` and `synthetic` matter.

    Returns:
        One row a corpus. The policy of a source is that of its held-out rows: ``source`` for the training rows of the
        same corpus, or what `PooledSource.standardise` does with one left out.

    Example:
        >>> import audformat
        >>> from affectmap.corpora import Corpus
        >>> from affectmap.preparation.prepared_corpus import prepare
        >>> from affectmap.schema import COLUMNS, FUNCTIONALS
        >>> index = audformat.segmented_index([*"1234"])
        >>> table = pd.DataFrame({"speaker": [*"aabb"], "emotion": ["sad", "angry"] * 2}, index, COLUMNS)
        >>> brought = pd.DataFrame(np.eye(4, 88), index, FUNCTIONALS)
        >>> pets = prepare(Corpus("pets", table, functionals=brought))
        >>> from affectmap.preparation.folds import Fold
        >>> from affectmap.preparation.pooled_sources import PooledSource
        >>> from affectmap.experiment.protocol import make_material
        >>> config, every = ExperimentConfig(source=["pets=folder"]), np.arange(4)
        >>> material = make_material(PooledSource.of([pets]), [], Fold("all", every, every, True), config)
        >>> corpora_table([pets], [], material, config)[["corpus", "n_speakers", "n_used", "sad"]].values.tolist()
        [['pets', 2, 4, 2]]
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
                    "sampling_rate": config.sampling_rate or ("own" if config.features == EGEMAPS else "the encoder's"),
                    "policy": _source_policy(config) if role == "source" else config.policy,
                    "synthetic": config.synthetic,
                }
            )
    return pd.DataFrame(rows)


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
    """List every finding of every corpus.

    Args:
        corpora: Prepared corpora.

    Returns:
        One row a finding; columns as in `Finding`.

    Example:
        >>> list(findings_table([]).columns)
        ['corpus', 'file', 'kind', 'detail', 'dropped']
    """
    rows = [finding for corpus in corpora for finding in corpus.findings]
    return pd.DataFrame(rows, columns=list(Finding._fields))


def mark_claims(claims: pd.DataFrame, audit: Audit) -> pd.DataFrame:
    """Say beside every comparison which verdicts of an audit bear on it.

    Args:
        claims: Of `judge_claims`.
        audit: Of the same run.

    Returns:
        A copy with the column ``audit``; the overall row of a claim has all that its comparisons have.

    Example:
        >>> from affectmap.audit.verdicts import Mark, Verdict
        >>> claims = pd.DataFrame({"claim": "a", "corpus": ["cats", "dogs", "all"]})
        >>> mark_claims(claims, Audit((), (Mark("cats", "held-out", 1, Verdict.LEAK),)))["audit"].tolist()
        ['leak', '', 'leak']
    """
    marked = audit.marked(claims)
    for _, group in marked.groupby("claim"):
        told = {verdict for cell in group["audit"] for verdict in cell.split(", ")}
        overall = group.index[group["corpus"] == "all"]
        marked.loc[overall, "audit"] = ", ".join(verdict for verdict in SIGNS if verdict in told)
    return marked


def mark_table2(table: pd.DataFrame, audit: Audit) -> pd.DataFrame:
    """Say beside the rows of this run which verdicts of an audit bear on them.

    Args:
        table: Of `table2`.
        audit: Of the same run.

    Returns:
        A copy with the column ``audit``.

    Example:
        >>> from affectmap.audit.verdicts import Mark, Verdict
        >>> table = pd.DataFrame({"features_corpus": ["eGeMAPSv02, cats"], "origin": ["this run"]})
        >>> mark_table2(table, Audit((), (Mark("cats", "held-out", 1, Verdict.LEAK),)))["audit"].tolist()
        ['leak']
    """
    corpus = table["features_corpus"].str.split(", ").str[-1].where(table["origin"] == "this run")
    return table.assign(audit=audit.marked(pd.DataFrame({"corpus": corpus, "reading": "held-out"}))["audit"])


def embeddings_table(placed: Iterable[Placed]) -> pd.DataFrame:
    """List where models place utterances.

    Args:
        placed: Embeddings of the models to be shown.

    Returns:
        One row an utterance and method: emotion, labels, and two dimensions ``z1``, ``z2``. A latent of more than two
        is turned onto its two principal components, one of a single dimension gets ``z2`` = 0.

    Example:
        >>> from affectmap.stats.scores import Embedded, Run
        >>> known = np.array(["sad", "angry"], dtype=object)
        >>> cats = Embedded("cats", "target", np.array([[3.0], [4.0]]), known, np.eye(2), known, known)
        >>> table = embeddings_table([Placed(Run("PCA-2", 1, 0, {}), cats, (), (cats,))])
        >>> table[["emotion", "activation", "z1", "z2"]].values.tolist()
        [['sad', 1.0, 3.0, 0.0], ['angry', 0.0, 4.0, 0.0]]
    """
    frames = []
    for each in placed:
        view = _two_dimensions(each.train.embedding)
        for part in (*each.held_out, *each.targets):
            z = view(part.embedding)
            frame = pd.DataFrame({"method": each.run.method, "corpus": part.corpus, "role": part.role}, range(len(z)))
            frame["file"], frame["emotion"] = part.file, part.emotion
            frame["activation"], frame["valence"] = part.label.T
            frame["z1"], frame["z2"] = z.T
            frames.append(frame)
    columns = ["method", "corpus", "role", "file", "emotion", "activation", "valence", "z1", "z2"]
    return pd.concat(frames, ignore_index=True) if frames else pd.DataFrame(columns=columns)


def _two_dimensions(train: npt.NDArray[np.float64]) -> Any:  # noqa: ANN401 (a function of one array)
    if train.shape[1] == 1:
        return lambda z: np.column_stack([z[:, 0], np.zeros(len(z))])
    if train.shape[1] == 2:
        return lambda z: z
    return PCA(n_components=2, svd_solver="full").fit(train).transform


def curves_table(trained: Sequence[tuple[Job, TrainedModel]]) -> pd.DataFrame:
    """List all learning curves; fold 0 is a model of all rows.

    Args:
        trained: What was trained, and what came of it.

    Returns:
        One row an epoch: method, corpus, fold, seed, epoch and the means of the loss terms over the epoch.
    """
    frames = [
        model.curves.reset_index().assign(method=job.method, corpus=job.corpus, fold=job.fold, seed=job.seed)
        for job, model in trained
    ]
    table = pd.concat(frames, ignore_index=True)
    first = ["method", "corpus", "fold", "seed", "epoch"]
    return table[[*first, *(column for column in table.columns if column not in first)]]
