"""Find out which descriptors help on a corpus that nobody trained on: leave one corpus out, set by set.

    OMP_NUM_THREADS=1 python experiments/feature-sets/run.py DATA

DATA holds corpora/emodb, corpora/urdu, corpora/aesdd and corpora/labels. Each corpus is held out once and the two
others are trained on; every corpus is standardised by its own recordings (``target-all``), which uses no label. Sets
are eGeMAPSv02 and the corrected set, each alone, with one group of further descriptors, and with all; and, for control,
eGeMAPSv02 with as many of its own functionals repeated. Two methods see
the same rows: the *line* (ridge regression to both ratings, logistic regression to classes) and the *map* (the paper's
network, both ratings in its loss, five seeds; a linear SVC on its embedding for classes). All sets have the same rows:
those without outliers in eGeMAPSv02. Which set is *chosen* for a corpus is decided on the two others alone, by training
on one and scoring on the other, both ways.

Intervals (95 %) and differences are over speakers. Writes `results.csv`, `chosen.csv` and `results.md` here and the
table of docs/egemaps.md. What was measured is kept in --cache; after a change of `descriptors.py` remove it.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from itertools import combinations, product
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from descriptors import all_descriptors
from joblib import Parallel, delayed
from pages import write_pages
from platformdirs import user_cache_path
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.svm import SVC

from affectmap import egemaps
from affectmap.audio.cleaning import without_offset
from affectmap.audio.reading import read_audio
from affectmap.corpora import load_corpus
from affectmap.files import write_text
from affectmap.model.training import TrainedModel, TrainingSettings, TrainingTask, train_stacked
from affectmap.preparation.prepared_corpus import PreparedCorpus, prepare
from affectmap.preparation.standardisation import fit_statistics
from affectmap.schema import FOUR_CLASSES, LABELS, Features, Floats, Objects, Rows
from affectmap.stats.intervals import LeftOut, difference, interval, leave_out, mean
from affectmap.stats.metrics import adjusted_r2, uar

HERE = Path(__file__).resolve().parent
CORPORA = ("emodb", "urdu", "aesdd")
GROUPS = ("CPP", "rate", "pitch shape", "rhythm")
BASES = ("compatible", "corrected")
#: As many functionals as there are further descriptors, given once more: what more columns alone bring.
REPEATED = np.random.default_rng(0).permutation(88)[:27]
QUANTITIES = {"uar": "share", "r2_activation": "explained", "r2_valence": "explained"}
METHODS = ("line", "map")
CONTROL = "compatible + repeated"
N_SEEDS = 5
#: Penalties, as in experiments/transfer; they were not chosen here.
RIDGE_PENALTY, CLASSIFIER_C = 300.0, 0.01
#: A descriptor counts no further from its mean than an outlier may be, in standard deviations.
FARTHEST = 10.0


class Measured(NamedTuple):
    """A corpus and its standardised features by set."""

    corpus: PreparedCorpus
    features: Mapping[str, Features]


class Fitted(NamedTuple):
    """What a method predicts for a corpus: two numbers a row that explain ratings, and classes."""

    embedding: Floats
    emotion: Objects


def measured(file: str) -> dict[str, float]:
    """Measure one recording in all ways; columns are named by group and descriptor."""
    signal, sampling_rate = read_audio(file)
    signal = without_offset(signal)
    found = {f"{group}/{name}": value for group, values in all_descriptors(signal, sampling_rate).items()
             for name, value in values.items()}  # fmt: skip
    corrected = egemaps.corrected_functionals(signal, sampling_rate)
    return found | {f"corrected/{name}": value for name, value in zip(egemaps.CORRECTED_NAMES, corrected, strict=True)}


def read(name: str, data: Path, cache: Path, n_jobs: int) -> Measured:
    """Read a corpus and its features in all sets, or find them in the cache."""
    folder = data / "corpora"
    corpus = prepare(load_corpus(f"{name}={folder / name}", folder / "labels"), cache=cache, n_jobs=n_jobs)
    kept = cache / f"feature-sets-{name}-{egemaps.VERSION}-{egemaps.CORRECTED_VERSION}.csv"
    if not kept.exists():
        rows = Parallel(n_jobs)(delayed(measured)(file) for file in corpus.file)
        write_text(kept, pd.DataFrame(rows).to_csv(index=False))
    table = pd.read_csv(kept)
    parts = {"compatible": standardised(corpus.functionals)}
    parts["repeated"] = parts["compatible"][:, REPEATED]
    for group in ("corrected", *GROUPS):
        parts[group] = standardised(table.filter(regex=f"^{group}/").to_numpy(np.float64))
    return Measured(corpus, {name: np.hstack([parts[each] for each in members]) for name, members in sets().items()})


def sets() -> dict[str, tuple[str, ...]]:
    """Give the groups of every set by its name."""
    found: dict[str, tuple[str, ...]] = {}
    for base in BASES:
        found[base] = (base,)
        found |= {f"{base} + {group}": (base, group) for group in GROUPS}
        found[f"{base} + all"] = (base, *GROUPS)
    # Of no use but that noise on the inputs averages out.
    found[CONTROL] = ("compatible", "repeated")
    return found


def standardised(values: Floats) -> Features:
    """Standardise a corpus by its own rows; what could not be measured is as if it were the mean."""
    filled = np.where(np.isfinite(values), values, np.nanmean(values, axis=0))
    return np.clip(fit_statistics(filled).apply(filled), -FARTHEST, FARTHEST)


def line(sources: Sequence[Measured], target: Measured, name: str) -> Fitted:
    """Fit ridge regression to ratings and logistic regression to classes."""
    seen = [each.features[name] for each in sources]
    label = np.concatenate([each.corpus.label for each in sources])
    rated = np.isfinite(label).all(axis=1)
    ridge = Ridge(alpha=RIDGE_PENALTY).fit(np.concatenate(seen)[rated], label[rated])
    classifier = LogisticRegression(C=CLASSIFIER_C, class_weight="balanced", max_iter=1000)
    own = target.features[name]
    return Fitted(ridge.predict(own), _classified(classifier, sources, target, seen, own))


def maps(sources: Sequence[Measured], name: str) -> list[TrainingTask]:
    """Give the networks of all seeds that are to be trained."""
    features = np.concatenate([each.features[name] for each in sources])
    label = np.concatenate([each.corpus.label for each in sources])
    return [TrainingTask(features, label, seed=seed) for seed in range(N_SEEDS)]


def embedded(model: TrainedModel, sources: Sequence[Measured], target: Measured, name: str) -> Fitted:
    """Embed a corpus and classify its embedding."""
    embed = model.network.embed
    classifier = SVC(kernel="linear", C=1.0, class_weight="balanced")
    own = np.asarray(embed(target.features[name]), np.float64)
    return Fitted(own, _classified(classifier, sources, target, [embed(each.features[name]) for each in sources], own))


def _classified(
    classifier: SVC | LogisticRegression, sources: Sequence[Measured], target: Measured, seen: list[Floats], own: Floats
) -> Objects:
    emotion = np.concatenate([each.corpus.emotion for each in sources])
    train = np.isin(emotion, _classes(target.corpus))
    return classifier.fit(np.concatenate(seen)[train], emotion[train].astype(str)).predict(own)


def _classes(corpus: PreparedCorpus) -> list[str]:
    return [str(each) for each in FOUR_CLASSES if (corpus.emotion == each).any()]


def scored(fitted: Fitted, corpus: PreparedCorpus) -> dict[str, LeftOut]:
    """Score predictions of a corpus, with all its speakers and without each."""
    return leave_out(partial(_scores, fitted, corpus), corpus.speaker, corpus.name)


def _scores(fitted: Fitted, corpus: PreparedCorpus, rows: Rows) -> dict[str, float]:
    four = rows[np.isin(corpus.emotion[rows], _classes(corpus))]
    found = {"uar": uar(corpus.emotion[four].astype(str), fitted.emotion[four].astype(str))}
    for column, name in enumerate(LABELS):
        found[f"r2_{name}"] = adjusted_r2(corpus.label[rows, column], fitted.embedding[rows]).adjusted_r2
    return found


class Key(NamedTuple):
    """Of one result: method, set, what was trained on, and the corpus scored."""

    method: str
    set: str
    sources: tuple[str, ...]
    target: str


Found = dict[Key, list[dict[str, LeftOut]]]


def all_scores(corpora: Mapping[str, Measured], n_jobs: int) -> Found:
    """Score every method and set on every corpus that it was not trained on: one entry a seed."""
    found: Found = {}
    for name in sets():
        start = time.perf_counter()
        found |= scores_of_set(corpora, name, n_jobs)
        print(f"{name}: {time.perf_counter() - start:.0f} s", flush=True)
    return found


def scores_of_set(corpora: Mapping[str, Measured], name: str, n_jobs: int) -> Found:
    """Score one set, trained on each corpus and on each two, on the other corpora."""
    found: Found = {}
    trained_on = [*((each,) for each in corpora), *combinations(corpora, 2)]
    tasks = [task for sources in trained_on for task in maps([corpora[each] for each in sources], name)]
    models = iter(train_stacked(tasks, TrainingSettings(), n_jobs=n_jobs))
    for sources in trained_on:
        known, networks = [corpora[each] for each in sources], [next(models) for _ in range(N_SEEDS)]
        for other in (each for each in corpora if each not in sources):
            target = corpora[other]
            fitted = [embedded(network, known, target, name) for network in networks]
            found[Key("line", name, sources, other)] = [scored(line(known, target, name), target.corpus)]
            found[Key("map", name, sources, other)] = [scored(each, target.corpus) for each in fitted]
    return found


COLUMNS = ("value", "sd_of_seeds", "low", "high", "n_speakers", "difference", "difference_low", "difference_high")


def results(found: Found) -> pd.DataFrame:
    """Give a row for every method, set, held-out corpus (and their mean) and quantity."""
    rows = []
    for method, name, target, quantity in product(METHODS, sets(), (*CORPORA, "mean"), QUANTITIES):
        targets = CORPORA if target == "mean" else (target,)
        compared = _compared(found, method, dict.fromkeys(targets, name), quantity)
        rows.append((method, name, target, quantity, *compared))
    return pd.DataFrame(rows, columns=["method", "set", "target", "quantity", *COLUMNS])


def _compared(found: Found, method: str, chosen: Mapping[str, str], quantity: str) -> tuple[float, ...]:
    """Give the mean over corpora and seeds of the sets chosen for them, and its difference to the compatible set."""
    (value, spread), (against, _) = (
        _value(found, method, names, quantity) for names in (chosen, dict.fromkeys(chosen, "compatible"))
    )
    own, differs = interval(value, QUANTITIES[quantity]), interval(difference(value, against))
    return own.value, spread, own.low, own.high, own.n_speakers, differs.value, differs.low, differs.high


def _value(found: Found, method: str, names: Mapping[str, str], quantity: str) -> tuple[LeftOut, float]:
    """Give the mean over seeds and corpora, and the standard deviation over seeds."""
    seeds = [
        [each[quantity] for each in found[Key(method, name, tuple(other for other in CORPORA if other != one), one)]]
        for one, name in names.items()
    ]
    by_seed = [np.mean([each.value for each in corpora]) for corpora in zip(*seeds, strict=True)]
    spread = float(np.std(by_seed, ddof=1)) if len(by_seed) > 1 else 0.0
    return mean([mean(each) for each in seeds]), spread


def chosen(found: Found) -> pd.DataFrame:
    """Choose a set for every held-out corpus by the two others and show what it brings there, and in the mean."""
    rows = []
    for method in METHODS:
        best = {}
        for target in CORPORA:
            scores = {name: np.mean(list(_inner(found, method, name, target))) for name in sets() if name != CONTROL}
            best[target] = max(scores, key=scores.__getitem__)
        for target, quantity in product((*CORPORA, "mean"), QUANTITIES):
            some = best if target == "mean" else {target: best[target]}
            name = "" if target == "mean" else best[target]
            rows.append((method, target, name, quantity, *_compared(found, method, some, quantity)))
    return pd.DataFrame(rows, columns=["method", "target", "set", "quantity", *COLUMNS])


def _inner(found: Found, method: str, name: str, target: str) -> Iterator[float]:
    one, other = (each for each in CORPORA if each != target)
    for trained, inner in ((one, other), (other, one)):
        for seed in found[Key(method, name, (trained,), inner)]:
            yield from (value.value for value in seed.values())


def main() -> None:
    """Measure, train, score, and write everything."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--cache", type=Path, default=user_cache_path("affectmap") / "features")
    parser.add_argument("--n-jobs", type=int, default=2)
    arguments = parser.parse_args()
    start = time.perf_counter()
    corpora = {name: read(name, arguments.data, arguments.cache, arguments.n_jobs) for name in CORPORA}
    print(f"measured after {time.perf_counter() - start:.0f} s", flush=True)
    found = all_scores(corpora, arguments.n_jobs)
    for name, table in (("results", results(found)), ("chosen", chosen(found))):
        write_text(HERE / f"{name}.csv", table.round(4).to_csv(index=False))
    write_pages(HERE)
    print(f"{time.perf_counter() - start:.0f} s", flush=True)


if __name__ == "__main__":
    main()
