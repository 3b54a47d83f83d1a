"""One configuration in, all results out: corpora, folds, methods, tables, claims and trained models.

The protocol of Das et al. 2022 in the order in which it runs: `Experiment.run` is the contents page, and every
step is a function of a module below this one.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from functools import partial
from itertools import chain, product
from operator import itemgetter
from pathlib import Path

import numpy as np
from pydantic_core import to_jsonable_python

from affectmap.audit.examination import examine
from affectmap.corpora import Corpus
from affectmap.corpora.synthetic.recordings import NOTICE as SYNTHETIC_NOTICE
from affectmap.experiment.comparisons import compare_baselines
from affectmap.experiment.config import ExperimentConfig
from affectmap.experiment.details import confusion_table, detailed_scores
from affectmap.experiment.embeddings import Embeddings, embed_baselines, embed_trained, is_shown, score
from affectmap.experiment.large_models import Comparison, Models, ProgressBar, compare, find_models
from affectmap.experiment.paper_claims import judge_claims, table2
from affectmap.experiment.protocol import (
    Data,
    Job,
    Material,
    features_of,
    make_material,
    make_materials,
    seeds_of,
    source_jobs,
    training_settings,
    wrap_model,
)
from affectmap.experiment.results import (
    Results,
    corpora_table,
    curves_table,
    embeddings_table,
    findings_table,
    mark_claims,
    mark_table2,
    ratings_table,
)
from affectmap.experiment.run_checks import (
    check_jobs,
    check_labels,
    check_measured,
    class_notes,
    rated_held_out,
    sampling_notes,
    speaker_notes,
)
from affectmap.experiment.utterances import features_table, utterances_table
from affectmap.experiment.within_corpus import (
    as_within,
    few_speakers_notes,
    rater_scores,
    supervised_folds,
    supervised_scores,
    within_work,
)
from affectmap.model.embedder import Embedder
from affectmap.model.model import Model
from affectmap.model.training import TrainedModel, train_stacked
from affectmap.parallel.workers import mapped, n_cores, n_workers, one_blas_thread
from affectmap.preparation.folds import Fold, fold_kind
from affectmap.preparation.pooled_source import PooledSource
from affectmap.preparation.prepared_corpus import PreparedCorpus, prepare_for, read_corpora
from affectmap.schema import column_prefixes
from affectmap.stats.baselines import FUNCTIONALS_88
from affectmap.stats.scores import Score, Scores
from affectmap.transfer.calibration import train_calibrated, with_card
from affectmap.transfer.recipe import fit_transfer
from affectmap.transfer.settings import Recipe
from affectmap.transfer.source_classes import with_source_classes

#: Embeddings to score above which a second process pays for its own start.
PARALLEL_SCORES = 100
#: Utterances of the source above which its classifiers on 88 functionals alone do.
PARALLEL_ROWS = 2000
#: Bytes of standardised features above which folds are trained one after another, not all at once.
TOGETHER_BYTES = 256 * 2**20
#: What was trained, and what came of it.
Trained = list[tuple[Job, TrainedModel]]


class Experiment:
    """Runs one configuration.

    Args:
        config: All settings.
        cache: Folder of cached functionals; the user's cache folder by default.
        notify: Takes one line for people at a time.
        progress: Draws progress bars.
    """

    def __init__(
        self,
        config: ExperimentConfig,
        *,
        cache: Path | None = None,
        notify: Callable[[str], None] = lambda line: None,
        progress: ProgressBar | None = None,
    ) -> None:
        self.config, self.cache, self.notify = config, cache, notify
        self.progress = progress or (lambda label: nullcontext(lambda done, total: None))
        self.n_jobs = config.n_jobs or n_cores()
        self.timings: dict[str, float] = {}
        self.notes: list[str] = [SYNTHETIC_NOTICE] if config.synthetic else []
        self.models = Models()

    def run(self, command: str = "") -> Results:
        """Run it all, and note the command in the results.

        Raises:
            AffectmapError: If corpora, labels or settings cannot be used; the message says which and what to do.
        """
        data = self.prepare()
        with self._stage("training"):
            trained = self.train(data)
        compared = self._compared(data, trained)
        with self._stage("embedding"):
            embeddings = self._embeddings(data, trained)
        with self._stage("scoring"):
            scores = self.score(data, trained, embeddings, compared.scores)
        with self._stage("claims and tables"):
            corpora = [*data.source.corpora, *data.targets]
            utterances = utterances_table(
                data.source, data.targets, embeddings, scores.single(), all_features=self.models.all_features
            )
            details = Scores(detailed_scores(utterances, [corpus.name for corpus in data.source.corpora]))
            shown = [each for each in embeddings if is_shown(each.run, self.config)]
            return Results(
                settings=to_jsonable_python(self.config)
                | {"folds": data.fold_kind, "training": vars(training_settings(self.config))}
                | {"measured": features_of(self.config)}
                | self.models.settings,
                command=command,
                notes=self.notes,
                timings=self.timings,
                corpora=corpora_table(data.source.corpora, data.targets, data.materials[0], self.config),
                findings=findings_table(corpora),
                audit=data.audit.table(),
                runs=self.models.named(data.audit.marked(scores.runs())),
                summary=self.models.named(data.audit.marked(scores.summary())),
                table2=mark_table2(
                    table2(scores, [corpus.name for corpus in data.source.corpora], self.models.title), data.audit
                ),
                claims=mark_claims(judge_claims(scores), data.audit),
                comparisons=data.audit.marked(compare_baselines(scores)),
                ratings=ratings_table(data.source.corpora, data.targets),
                embeddings=embeddings_table(shown),
                curves=curves_table(trained),
                embedders=dict(_embedders(data, trained, self.config)),
                utterances=utterances,
                features=features_table(corpora),
                details=self.models.named(data.audit.marked(details.summary())),
                confusion=confusion_table(utterances),
                costs=compared.costs,
            )

    def _compared(self, data: Data, trained: Trained) -> Comparison:
        encoder, reference = self.models[:2]
        if reference is None:
            return Comparison()
        n_parameters = sum(each.numel() for each in trained[0][1].network.parameters())
        with self._stage("reference"):
            compared = compare(
                reference, encoder, data.source, data.targets, data.materials, self.config,
                n_parameters=n_parameters, cache=self.cache, progress=self.progress,
            )  # fmt: skip
        self._note(compared.notes)
        return compared

    @contextmanager
    def _stage(self, name: str) -> Iterator[None]:
        start = time.perf_counter()
        yield
        self.timings[name] = round(time.perf_counter() - start, 3)

    def _note(self, sentences: Sequence[str]) -> None:
        for sentence in sentences:
            self.notes.append(sentence)
            self.notify(f"note: {sentence}")

    def prepare(self) -> Data:
        """Read and measure the corpora, check them, split the source and standardise everything."""
        config = self.config
        with self._stage("reading corpora"):
            corpora = self._load(config)
        with self._stage("functionals"):
            # Each is let go once measured: functionals that it brought need not be kept twice.
            prepared = [self._measure(corpora.pop(0)) for _ in range(len(corpora))]
        with self._stage("folds and standardisation"):
            n_source = len(config.source)
            source, targets = PooledSource.of(prepared[:n_source]), tuple(prepared[n_source:])
            check_labels(source, config.methods)
            self._note(class_notes(source, targets))
            kind = fold_kind(source, config.folds, config.preset)
            materials = make_materials(source, targets, kind, config)
            self._note(sampling_notes(rated_held_out(source, [material.fold for material in materials])))
            self._note(speaker_notes(prepared) if config.policy == "speaker" else [])
            self._note(few_speakers_notes(targets, config.n_folds))
        with self._stage("audit"):
            folds = [material.fold for material in materials if material.seed == config.seed]
            audit = examine(source, targets, folds, policy=config.policy, seed=config.seed)
            self._note([*audit.notes(), *self.models.notes])
        return Data(source, targets, kind, materials, self._whole(source), audit)

    def _load(self, config: ExperimentConfig) -> list[Corpus]:
        # Without a task it only checks settings and device, before hours of measuring.
        train_stacked([], training_settings(config), device=config.device)
        self.models = find_models(config)
        corpora = read_corpora(config)
        brought = corpora[0].functionals
        if brought is not None and column_prefixes(config.features) is not None:
            self.models = self.models._replace(columns=tuple(brought.columns))
        return corpora

    def _measure(self, corpus: Corpus) -> PreparedCorpus:
        encoder = self.models.encoder
        with self.progress(f"{'functionals' if encoder is None else 'features'} of {corpus.name}") as progress:
            prepared = prepare_for(self.config, corpus, encoder=encoder, cache=self.cache, progress=progress)
        self.notify(prepared.counts)
        for finding in prepared.findings:
            # What is found about the corpus as a whole concerns every result; single recordings are in the report.
            if finding.kind == "note" or (finding.kind == "missing" and not finding.file):
                self._note([f"{prepared.title}: {finding.detail}"])
        check_measured(prepared)
        return prepared

    def fit_embedder(self) -> Embedder:
        """Train the first method on all of the source, without folds, targets or scores."""
        return self._fit_source(self._sources())

    def _fit_source(self, corpora: Sequence[PreparedCorpus]) -> Embedder:
        source = PooledSource.of(corpora)
        check_labels(source, self.config.methods[:1])
        whole = self._whole(source)
        job = next(source_jobs(source, whole, self.config))
        (model,) = self._models([job])
        return wrap_model(job, model, whole, self.config)

    def fit_model(self, recipe: Recipe | None, name: str) -> Model:
        """Train a model on all of the sources, with heads, intervals and a card, without folds, targets or scores.

        Args:
            recipe: For unseen corpora, with sources that may have classes alone; ``None`` for the first method of the
                paper.
            name: Name of the model.

        Returns:
            The model; its statistics are those of all sources together.
        """
        config, corpora = self.config, self._sources()

        def train(some: Sequence[PreparedCorpus]) -> Model:
            if recipe is None:
                return self._fit_source(some).model_
            # What takes part is said once, of the model that is kept.
            notify = self.notify if some is corpora else lambda line: None
            seed, device = config.seed, config.device
            return fit_transfer(
                some, recipe, seed=seed, device=device, n_jobs=self.n_jobs, notify=notify, progress=self.progress
            ).model_

        trained = train_calibrated(train, corpora, seed=config.seed, notify=self.notify)
        trained = trained if recipe is None else with_source_classes(trained, corpora, seed=config.seed)
        given = [each.name for each in corpora if each.is_given]
        training = {"seed": config.seed} | ({"columns_of_tables": given} if given else {})
        return with_card(trained.described(**features_of(config), training=training), corpora, name)

    def _sources(self) -> list[PreparedCorpus]:
        alone = replace(self.config, target=[])
        sources = [self._measure(corpus) for corpus in self._load(alone)]
        for finding in chain.from_iterable(corpus.findings for corpus in sources):
            if finding.dropped:
                self.notify(f"dropped {finding.file}: {finding.detail}")
        return sources

    def _whole(self, source: PooledSource) -> Material:
        rows = np.arange(len(source.emotion))
        return make_material(source, (), Fold("all", rows, rows, shares_speakers=True), self.config, number=0)

    def train(self, data: Data) -> Trained:
        """Train every method on every fold and on the whole source, and the supervised models.

        All at once, or fold after fold where the features of all folds together would fill the memory.
        """
        trained, waiting = Trained(), list[Job]()
        for jobs in self._jobs_by_fold(data):
            waiting += jobs
            if _n_bytes(waiting) > TOGETHER_BYTES:
                trained += self._train(waiting)
                waiting = []
        return [*trained, *self._train(waiting)] if waiting else trained

    def _jobs_by_fold(self, data: Data) -> Iterator[Iterator[Job]]:
        config, source = self.config, data.source
        for material in data.materials:
            yield source_jobs(source, material, config)
        for seed in seeds_of(config) if config.keep_models == "all" else [config.seed]:
            yield source_jobs(source, replace(data.whole, seed=seed), config)
        for material, target in product(data.materials, data.targets):
            if material.number == 1:  # the rows evaluated of a target are those of the seed
                yield from supervised_folds(material.targets[target.name], material.seed, config)

    def _train(self, jobs: list[Job]) -> Trained:
        self.notify(f"training {len(jobs)} models")
        return [(job._replace(task=None), model) for job, model in zip(jobs, self._models(jobs), strict=True)]

    def _models(self, jobs: list[Job]) -> list[TrainedModel]:
        check_jobs(jobs)
        tasks, config = [job.task for job in jobs if job.task], self.config
        with self.progress("training, epochs of all models") as report:
            return train_stacked(
                tasks, training_settings(config), device=config.device, n_jobs=self.n_jobs, progress=report
            )

    def _embeddings(self, data: Data, trained: Trained) -> list[Embeddings]:
        embeddings, n_trained = list[Embeddings](), sum(bool(job.fold) and job.own is None for job, _ in trained)
        with self.progress("embedding") as report:
            for each in chain(embed_trained(data, trained, self.config), embed_baselines(data, self.config)):
                embeddings.append(each)
                report(len(embeddings), n_trained + 3 * len(data.materials))
        return embeddings

    def score(
        self, data: Data, trained: Trained, embeddings: Sequence[Embeddings], more: Sequence[Score] = ()
    ) -> Scores:
        """Score all embeddings, on all cores, and the 88 functionals within each corpus; add a reference's scores."""
        self.notify(f"scoring {len(embeddings)} embeddings")
        emotions = {corpus.name: corpus.emotion for corpus in data.source.corpora}
        work: list[Callable[[], list[Score]]] = [partial(score, each, emotions, self.config) for each in embeddings]
        work += within_work(data.source, data.materials, self.config)
        # Classifiers on 88 functionals take longest and go first, so that none of them is left for the end.
        emotion = data.source.emotion
        order = sorted(
            range(len(work)), key=lambda i: i < len(embeddings) and embeddings[i].run.method != FUNCTIONALS_88
        )
        pays = len(work) > PARALLEL_SCORES or len(emotion) > PARALLEL_ROWS
        n_jobs, ordered = n_workers(self.n_jobs) if pays else 1, [work[i] for i in order]
        with self.progress("scoring") as report:
            results = mapped(
                _scored, ordered, n_jobs=n_jobs, batch_size="auto", progress=lambda done: report(done, len(ordered))
            )
        found = [scores for _, scores in sorted(zip(order, results, strict=True), key=itemgetter(0))]
        if len(data.source.corpora) == 1:
            found.append(as_within(chain.from_iterable(found)))
        found.append(supervised_scores(trained))
        for role, corpora in (("source", data.source.corpora), ("target", data.targets)):
            found += [rater_scores(corpus, role, self.config.seed) for corpus in corpora]
        return Scores([*chain.from_iterable(found), *more])


def _scored(work: Callable[[], list[Score]]) -> list[Score]:
    with one_blas_thread():
        return work()


def _n_bytes(jobs: Sequence[Job]) -> int:
    tasks = [task for job in jobs if job.task for task in (job.task, job.task.validation) if task]
    arrays = [task.features for task in tasks]
    return sum({id(array): array.nbytes for array in arrays}.values())


def _embedders(data: Data, trained: Trained, config: ExperimentConfig) -> Iterator[tuple[str, Embedder]]:
    """Wrap the trained models that are kept, one a method and fold, and one a method on the whole source."""
    of_fold = {(material.seed, material.number): material for material in data.materials}
    for job, model in trained:
        if job.own is None and (job.seed == config.seed or config.keep_models == "all"):
            material = of_fold[job.seed, job.fold] if job.fold else data.whole
            seed = "" if job.seed == config.seed else f"seed-{job.seed}/"
            name = f"{job.method.lower()}/{seed}{f'fold-{job.fold}' if job.fold else 'all'}"
            yield name, wrap_model(job, model, material, config)
