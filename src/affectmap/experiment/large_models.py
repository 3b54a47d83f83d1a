"""Large models of others in a run: found before anything is measured, scored in table 4, and what they cost.

The reference is scored on the same utterances and classes as every other method. Of a source the rows that
each fold holds out are scored, of a target the evaluated rows, once: a reference is not trained, so that neither folds
nor seeds change its predictions.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from affectmap.errors import AudioError, UsageError
from affectmap.experiment.config import ExperimentConfig
from affectmap.experiment.costs import CLASSES, ENCODER, SMALL, CostOf, measure_costs
from affectmap.experiment.embeddings import embed_rows
from affectmap.experiment.protocol import Material
from affectmap.features.encoders.features import SUPERB, FeatureEncoder, LikeliestClass, Reference
from affectmap.features.encoders.weights import parse_encoder
from affectmap.features.engines import FEATURE_SETS, check_engine, engine_of
from affectmap.preparation.config import MEASURED
from affectmap.preparation.pooled_source import PooledSource
from affectmap.preparation.prepared_corpus import PreparedCorpus
from affectmap.schema import DEFAULT_ENGINE, EGEMAPS, USUAL_RATE, WHISPER, WHISPER_FEATURES, column_prefixes
from affectmap.stats.baselines import FUNCTIONALS_88
from affectmap.stats.scores import Run, Score, class_scores

#: Draws a progress bar: given a label, a context that gives a function of (done, total).
ProgressBar = Callable[[str], AbstractContextManager[Callable[[int, int], None]]]
#: The corpus that SUPERB's head was trained on.
KNOWN = "iemocap"


class Models(NamedTuple):
    """The large models of a run: an encoder that gives the features, a reference that gets a row in table 4.

    Attributes:
        encoder: Gives the features; ``None`` for functionals, and where they are columns of tables.
        reference: Gets a row.
        functionals: Name of the set of functionals, or of what the engine whisper measures.
        columns: Names of the features where they are columns of tables.
    """

    encoder: FeatureEncoder | None = None
    reference: Reference | None = None
    functionals: str = FEATURE_SETS[DEFAULT_ENGINE]
    columns: tuple[str, ...] = ()

    @property
    def title(self) -> str:
        """Name of the features, for people."""
        if self.columns:
            return f"{len(self.columns)} columns of a table"
        return self.functionals if self.encoder is None else self.encoder.title

    @property
    def notes(self) -> list[str]:
        """Say what is different with other features than the functionals."""
        if self.columns:
            return ["features are columns of tables: near-duplicates are found only where all of them are equal"]
        if self.encoder is None:
            return []
        return [
            "features are an encoder's: near-duplicates are found only where their files, or "
            "segments of them, are the same"
        ]

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the features; none where they are the 88 functionals."""
        if self.functionals == FEATURE_SETS[WHISPER]:
            return WHISPER_FEATURES
        return self.columns if self.encoder is None else self.encoder.names

    @property
    def settings(self) -> dict[str, int]:
        """What the results' settings say of them."""
        return {"input_dim": len(self.names)} if self.names else {}

    @property
    def all_features(self) -> str:
        """Name of the method of all features, which says how many they are."""
        return f"{len(self.names)} features" if self.names else FUNCTIONALS_88

    def named(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Rename the method of all features by their number, where they are not the 88 functionals."""
        if not self.names:
            return frame
        return frame.assign(method=frame["method"].replace(FUNCTIONALS_88, self.all_features))


class Comparison(NamedTuple):
    """What a reference adds to the results: its row of table 4, what models cost, and sentences to be read first."""

    scores: Sequence[Score] = ()
    costs: pd.DataFrame = pd.DataFrame()
    notes: Sequence[str] = ()


def find_models(config: ExperimentConfig) -> Models:
    """Find the large models that a run asks for, before hours of measuring.

    Raises:
        ModelError: If one cannot be found.
        UsageError: If a setting makes no sense beside them, or the extra ``encoders`` is missing.
    """
    encoder = None
    if config.features == WHISPER:
        check_engine(WHISPER, config.sampling_rate)
    if config.features not in MEASURED:
        is_given = column_prefixes(config.features) is not None
        if config.sampling_rate != USUAL_RATE:
            why = (
                "columns of tables are not measured here" if is_given else "an encoder takes recordings at its own rate"
            )
            raise UsageError(f"sampling_rate is {config.sampling_rate}, but {why}; leave --sampling-rate out")
        if config.engine != DEFAULT_ENGINE:
            raise UsageError(f"engine is {config.engine}, but no functionals are measured here; leave --engine out")
        encoder = None if is_given else FeatureEncoder(parse_encoder(config.features), device=config.device)
    reference = None if config.reference is None else Reference(config.reference, device=config.device)
    return Models(encoder, reference, FEATURE_SETS[engine_of(config.features, config.engine)])


def compare(
    reference: Reference,
    encoder: FeatureEncoder | None,
    source: PooledSource,
    targets: Sequence[PreparedCorpus],
    materials: Sequence[Material],
    config: ExperimentConfig,
    *,
    n_parameters: int,
    cache: Path | None,
    progress: ProgressBar,
) -> Comparison:
    """Evaluate a reference on all corpora, and measure what it and our own network of `n_parameters` cost."""
    evaluated, notes = evaluate_corpora(
        reference, source.corpora, targets, cache=cache, n_jobs=config.n_jobs, progress=progress
    )
    scores = reference_scores(evaluated, source, materials)
    ours = CostOf(
        "this model, with its features", SMALL, WHISPER if config.features == WHISPER else EGEMAPS, n_parameters, "cpu"
    )
    if encoder is not None:
        ours = CostOf(
            "this model, with its encoder", ENCODER, str(encoder.folder), n_parameters, config.device, encoder.n_layers
        )
    theirs = CostOf(f"{SUPERB}, {reference.model}", CLASSES, str(reference.folder), 0, config.device)
    costs, more = measure_costs([ours, theirs], (each.corpus.table.index for each in evaluated))
    return Comparison(scores, costs, [*notes, *more])


class Evaluated(NamedTuple):
    """Probabilities of the four classes ``(N, 4)`` that a reference gives a corpus, ``NaN`` where it cannot be read."""

    corpus: PreparedCorpus
    role: str
    probabilities: npt.NDArray[np.float64]


def evaluate_corpora(
    reference: Reference,
    sources: Sequence[PreparedCorpus],
    targets: Sequence[PreparedCorpus],
    *,
    cache: Path | None = None,
    n_jobs: int | None = None,
    progress: ProgressBar,
) -> tuple[list[Evaluated], list[str]]:
    """Let a reference classify all corpora that have recordings; add sentences about what it could not read."""
    evaluated, notes = [], []
    for role, corpora in (("source", sources), ("target", targets)):
        for corpus in corpora:
            index = corpus.table.index
            try:
                with progress(f"{SUPERB} on {corpus.name}") as report:
                    found, _ = reference.classify(corpus.name, index, cache=cache, n_jobs=n_jobs, progress=report)
            except AudioError as error:
                notes.append(f"{SUPERB} has no value for {corpus.title}: {error}.")
                continue
            if len(found) < len(index):
                lost = len(index) - len(found)
                notes.append(f"{SUPERB} cannot read {lost} of {len(index)} recordings of {corpus.title}.")
            evaluated.append(Evaluated(corpus, role, found.reindex(index).to_numpy(dtype=np.float64)))
            if corpus.corpus.card is not None and corpus.corpus.card.name == KNOWN:
                notes.append(f"{SUPERB} was trained on {corpus.title}: most of its speakers were in its training data.")
    return evaluated, notes


def reference_scores(
    evaluated: Sequence[Evaluated],
    source: PooledSource,
    materials: Sequence[Material],
) -> list[Score]:
    """Score a reference, method `SUPERB`, in table 4 with the rows of every other method."""
    classifier = LikeliestClass(source.emotion)
    scores: list[Score] = []
    rows_of = dict(zip((corpus.name for corpus in source.corpora), source.rows, strict=True))
    for each in evaluated:
        corpus, known = each.corpus, ~np.isnan(each.probabilities[:, 0])
        for material in materials:
            if each.role == "source":
                pooled = rows_of[corpus.name]
                rows, reading = np.intersect1d(material.fold.test, pooled) - pooled[0], "held-out"
            elif material.number == 1:  # the other folds of the seed evaluate the same rows
                rows, reading = material.targets[corpus.name].rows, "zero-shot"
            else:
                continue
            rows = rows[known[rows]]
            on = embed_rows(corpus, each.role, each.probabilities[rows], rows)
            if each.role == "source":
                on = replace(on, row=rows + pooled[0])
            run = Run(SUPERB, material.number, material.seed)
            scores += class_scores(run, classifier, on, reading, corpus_emotion=corpus.emotion)
    return scores
