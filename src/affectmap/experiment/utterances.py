"""The table of utterances of a run, from which tables 1, 3 and 4 can be computed again; see `affectmap.utterances`.

Conventions:
    * A model trained on the source, or a baseline, predicts ratings by the straight line from its embedding that least
      squares fit on the training rows; ridge, whose embedding is the ratings, as it is. All features have no such line.
    * Rows without emotion and ratings take part in no score, and are there for the first fold and seed alone.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from affectmap.experiment.embeddings import Embeddings
from affectmap.preparation.pooled_source import PooledSource
from affectmap.preparation.prepared_corpus import PreparedCorpus
from affectmap.schema import FOUR_CLASSES, INDEX, LABEL_RANGE, LABELS, Floats, Rows
from affectmap.stats.baselines import FUNCTIONALS_88
from affectmap.stats.read_out import read_out
from affectmap.stats.scores import Embedded, Score
from affectmap.style import RIDGE
from affectmap.utterances import PREDICTED, TRUTH, Use, tidy

_TEXT = ("corpus", "file", "speaker", "sex", "emotion")


class _Model(NamedTuple):
    """What made some rows of the table; the reading is none of rows that are not evaluated."""

    method: str
    reading: str | None
    fold: int
    seed: int


class _Part(NamedTuple):
    """Rows of the table that one model made of one corpus: their numbers among all utterances, and their columns."""

    model: _Model
    use: Use
    place: Rows
    columns: dict[str, npt.NDArray[np.generic]]


def features_table(corpora: Iterable[PreparedCorpus]) -> pd.DataFrame:
    """List the features of every utterance used, not standardised, beside its corpus, file, start and end."""
    frames = []
    for each in corpora:
        values = pd.DataFrame(each.functionals, columns=list(each.feature_names), copy=False)
        frames.append(pd.concat([_index(each), values], axis=1))
    return pd.concat(frames, ignore_index=True)


def utterances_table(
    source: PooledSource,
    targets: Sequence[PreparedCorpus],
    embeddings: Iterable[Embeddings],
    scores: Iterable[Score],
    *,
    all_features: str = FUNCTIONALS_88,
) -> pd.DataFrame:
    """Put what every model made of every utterance into one table.

    Args:
        source: The source.
        targets: The targets.
        embeddings: Those that were scored.
        scores: Their scores, and those of models within corpora and of a reference, with what these predicted.
        all_features: Name of the method that has all features.
    """
    corpora = [*source.corpora, *targets]
    starts = np.cumsum([0, len(source.emotion), *(len(target.table) for target in targets)]).tolist()
    first = dict(zip(["", *(target.name for target in targets)], starts, strict=False))
    parts = list(_parts(embeddings, list(scores), first))
    place = np.concatenate([part.place for part in parts])
    known = _known(corpora)
    numbers = [str(name) for name in known if name not in _TEXT]
    columns: dict[str, Any] = {name: known[name].to_numpy()[place] for name in numbers}
    columns |= {name: pd.Categorical(known[name]).take(place) for name in _TEXT}
    sizes = [len(part.place) for part in parts]
    for name in ("method", "reading", "use"):
        cells = [part.use if name == "use" else getattr(part.model, name) for part in parts]
        named = pd.Categorical([all_features if cell == FUNCTIONALS_88 else cell for cell in cells])
        columns[name] = named.take(np.repeat(np.arange(len(parts)), sizes))
    for name in ("fold", "seed"):
        columns[name] = np.repeat([getattr(part.model, name) for part in parts], sizes)
    return tidy(pd.DataFrame(columns | _joined(parts, len(place)), copy=False))


def _index(corpus: PreparedCorpus) -> pd.DataFrame:
    index = corpus.table.index.to_frame(index=False)
    times = {name: index[name].dt.total_seconds() for name in INDEX[1:]}
    return pd.DataFrame({"corpus": corpus.name, "file": index["file"].astype(object)} | times)


def _known(corpora: Iterable[PreparedCorpus]) -> pd.DataFrame:
    """List what is known of every utterance: sources first, as they are pooled, then targets."""
    columns = ["speaker", "sex", *TRUTH]
    frames = [pd.concat([_index(each), each.table[columns].reset_index(drop=True)], axis=1) for each in corpora]
    return pd.concat(frames, ignore_index=True)


def _parts(embeddings: Iterable[Embeddings], scores: Sequence[Score], first: Mapping[str, int]) -> Iterator[_Part]:
    predictions = defaultdict[tuple[_Model, str], list[Score]](list)
    for score in scores:
        if score.predicted is not None:
            key = score.key
            reading = "zero-shot" if key.reading == "probe" else key.reading
            predictions[_Model(key.method, reading, score.fold, score.seed), key.corpus].append(score)

    def part(on: Embedded, model: _Model, use: Use, columns: dict[str, npt.NDArray[np.generic]]) -> _Part:
        found = predictions.pop((model, on.corpus), []) if use == "evaluated" else []
        columns |= _predicted(found, on.row)
        return _Part(model, use, on.row + first[on.corpus if on.role == "target" else ""], columns)

    for each in embeddings:
        model = _Model(each.run.method, None, each.run.fold, each.run.seed)
        yield part(each.train, model, "training", _made(each, each.train))
        for reading, several in (("held-out", each.held_out), ("zero-shot", each.targets)):
            for on in several:
                yield part(on, model._replace(reading=reading), "evaluated", _made(each, on))
        for on in each.statistics:
            yield part(on, model, "statistics", _made(each, on))
    for (model, corpus), found in predictions.items():
        rows = np.unique(np.concatenate([score.predicted.row for score in found if score.predicted]))
        start = first[corpus if found[0].key.role == "target" else ""]
        yield _Part(model, "evaluated", rows + start, _predicted(found, rows))


def _made(each: Embeddings, on: Embedded) -> dict[str, npt.NDArray[np.generic]]:
    """Give the embedding of some rows, and the ratings that it predicts."""
    if each.run.method == FUNCTIONALS_88:
        return {}
    return _coordinates(on.embedding) | ratings_of(each, on)


def ratings_of(each: Embeddings, on: Embedded) -> dict[str, npt.NDArray[np.generic]]:
    """Predict the ratings of some embedded rows, on their scale; NaN where the training rows have too few ratings."""
    if each.run.method == RIDGE:
        return _ratings(np.clip(on.embedding, *LABEL_RANGE))
    return _ratings(read_out(each.train.embedding, each.train.label, on.embedding))


def _coordinates(embedding: Floats) -> dict[str, npt.NDArray[np.generic]]:
    return {f"z{k}": values for k, values in enumerate(embedding.T, start=1)}


def _ratings(values: Floats) -> dict[str, npt.NDArray[np.generic]]:
    return {PREDICTED[label]: values[:, column] for column, label in enumerate(LABELS)}


def _predicted(found: Iterable[Score], rows: Rows) -> dict[str, npt.NDArray[np.generic]]:
    """Give the predictions behind some scores of rows, which need not be sorted."""
    columns: dict[str, npt.NDArray[np.generic]] = {}
    order = np.argsort(rows)
    for score in found:
        predicted = score.predicted
        if predicted is None:
            continue
        at = order[np.searchsorted(rows, predicted.row, sorter=order)]
        if score.key.table == "4":
            name = f"{'probe_' if score.key.reading == 'probe' else ''}{score.key.quantity}"
            codes = columns.setdefault(name, np.full(len(rows), -1, dtype=np.int8))
            codes[at] = predicted.value
            continue
        space = np.full((len(rows), predicted.value.shape[1]), np.nan)
        space[at] = predicted.value
        columns |= _coordinates(space)
        both = space.shape[1] == len(LABELS)
        column = LABELS.index(score.key.quantity) if both else 0
        columns[PREDICTED[score.key.quantity]] = np.clip(space[:, column], *LABEL_RANGE)
    return columns


def _joined(parts: Sequence[_Part], n_rows: int) -> dict[str, Any]:
    """Put the columns of all parts below each other, missing where a part has none; predicted classes by name."""
    joined: dict[str, Any] = {}
    start = 0
    for part in parts:
        stop = start + len(part.place)
        for name, values in part.columns.items():
            if name not in joined:
                is_class = values.dtype == np.int8
                joined[name] = np.full(n_rows, -1 if is_class else np.nan, dtype=values.dtype)
            joined[name][start:stop] = values
        start = stop
    classes = pd.Index([str(emotion) for emotion in FOUR_CLASSES])
    return {
        name: pd.Categorical.from_codes(values, classes) if values.dtype == np.int8 else values
        for name, values in joined.items()
    }
