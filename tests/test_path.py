"""One utterance on its way from a recording to table 4: the files it passes are those that CONTRIBUTING names."""

import re
import sys
import threading
from pathlib import Path

import pytest

import affectmap
from affectmap.corpora import load_corpus
from affectmap.experiment.config import make_config
from affectmap.experiment.embeddings import embed_all
from affectmap.experiment.protocol import make_material, source_jobs, training_settings
from affectmap.model.training import train_stacked
from affectmap.preparation.folds import fold_kind, source_folds
from affectmap.preparation.pooled_source import PooledSource
from affectmap.preparation.prepared_corpus import prepare_for
from affectmap.stats.scores import Run, Scores, SourceClassifiers, class_scores
from corpus_files import write_emodb

PACKAGE = Path(affectmap.__file__).parent
CONTRIBUTING = Path(__file__).parents[1] / "CONTRIBUTING.md"
MOST_FILES = 12


class Trace:
    """Files of the package in which a function runs, in any thread; modules that are only imported do not count."""

    def __init__(self):
        self.files = set()
        self._codes = set()

    def _note(self, frame, event, argument):
        if event == "call":
            self._codes.add(frame.f_code)

    def __enter__(self):
        self._profile = sys.getprofile()
        threading.setprofile(self._note)
        sys.setprofile(self._note)
        return self.files

    def __exit__(self, *error):
        sys.setprofile(self._profile)
        threading.setprofile(None)
        for file in {Path(code.co_filename) for code in self._codes if code.co_name != "<module>"}:
            if file.is_relative_to(PACKAGE):
                name = file.relative_to(PACKAGE).as_posix()
                # A package of its own, which one need not open.
                self.files.add("egemaps/__init__.py" if name.startswith("egemaps/") else name)


def table4(config, settings, cache):
    """Table 4 of one fold and method: the functions that `Experiment` calls, without audit, claims and other tables."""
    corpus = load_corpus(config.source[0], config.labels)
    source = PooledSource.of([prepare_for(config, corpus, cache=cache)])
    fold = source_folds(source, fold_kind(source, config.folds, config.preset), config.n_folds, config.seed)[0]
    material = make_material(source, [], fold, config)
    job = next(source_jobs(source, material, config))
    (model,) = train_stacked([job.task], settings)
    run = Run(job.method, job.fold, job.seed)
    embedded = embed_all(run, source, [], material, model.network.embed)
    classifiers = SourceClassifiers(embedded.train, config.svc_c)
    return Scores(class_scores(run, classifiers, embedded.held_out[0], "held-out")).summary()


@pytest.fixture
def traced(tmp_path):
    wav = write_emodb(tmp_path)

    def trace(**options):
        config = make_config(source=[f"emodb={wav}"], epochs=1, n_folds=2, n_jobs=2, **options)
        settings = training_settings(config)
        table4(config, settings, tmp_path / "imported")  # what is imported late is imported now
        with Trace() as files:
            table = table4(config, settings, tmp_path / "traced")
        assert set(table["quantity"]) >= {"N-S-H-A", "N-S-A"}
        return files

    return trace


def named():
    """Files that CONTRIBUTING numbers, those that it says run on the way, and those that join with ratings."""
    text = CONTRIBUTING.read_text(encoding="utf-8").split("## Where things are")[1].split("\n| room")[0]
    path = re.findall(r"^\d+\. `([^`]+)`", text, flags=re.MULTILINE)
    beside, with_ratings = re.split(r"With\s+ratings", text.split("More run on the way")[1])
    return path, set(re.findall(r"`([^`]+\.py)`", beside)), set(re.findall(r"`([^`]+\.py)`", with_ratings))


def test_one_utterance_passes_the_files_that_contributing_names(traced):
    path, beside, _ = named()
    assert len(path) == len(set(path)) <= MOST_FILES
    assert traced(methods=["unsupervised"]) == {*path, *beside}


def test_ratings_add_what_contributing_names(traced, tmp_path):
    path, beside, with_ratings = named()
    assert traced(methods=["activation"], labels=tmp_path / "labels") == {*path, *beside, *with_ratings}
