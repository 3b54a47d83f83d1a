"""Features of every utterance of a corpus from a pretrained speech encoder, and whatever else such a model tells of it.

Utterances go through the model batched by length, the short ones first. Results are cached by what was measured, as
functionals are: the recording's bytes, the segment, and the model's weights, configuration
and layers. A run that finds everything in the cache loads no model.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from importlib import metadata
from pathlib import Path
from typing import NamedTuple

import joblib
import numpy as np
import pandas as pd
import soundfile
from numpy.typing import NDArray

from affectmap.audio.reading import UNREADABLE, check_signal, read_audio, resample
from affectmap.errors import AudioError
from affectmap.features.cache import FeatureCache, cache_folder
from affectmap.features.encoders.layers import EncoderChoice, layer_weights
from affectmap.features.encoders.models import SpeechModel, hidden_dim, n_hidden_layers
from affectmap.features.encoders.weights import find_pretrained, model_digest, read_config
from affectmap.features.utterances import Utterance, file_digests, fill_known, list_utterances, row_keys, usable_rows
from affectmap.parallel.workers import local_threads
from affectmap.schema import Finding

Floats = NDArray[np.float32]
#: Seconds of sound, padding included, that go through a model together.
BATCH_S = {"cpu": 40.0, "cuda": 320.0}
_READING = 1  # to be raised when signals are read or pooled differently: older rows no longer count
_Progress = Callable[[int, int], None]


class Measure(NamedTuple):
    """What is to be had of each signal.

    Attributes:
        columns: Names of the numbers.
        how: What they depend on beside the recording, model included.
        name: Of the cache's file, before the corpus' name.
        model: Loads the model.
        compute: Gives shape (n_signals, n_columns).
        device: Where the model runs.
    """

    columns: Sequence[str]
    how: str
    name: str
    model: Callable[[], SpeechModel]
    compute: Callable[[SpeechModel, Sequence[Floats]], Floats]
    device: str


class FeatureEncoder:
    """A speech encoder as a source of features: mean and standard deviation over time of some layers.

    Args:
        choice: Model and layers.
        device: ``cpu`` or ``cuda``.

    Attributes:
        title: Model and layers, for people.
        folder: Of the model.
        weights: Of the layers, by number.
        names: Of the features: ``mean_0000``, ... and ``std_0000``, ...
        device: Where the model runs.

    Raises:
        ModelError: If the model is not to be had.
        UsageError: If its name or the layers make no sense, or the extra ``ssl`` is missing.
    """

    def __init__(self, choice: EncoderChoice, *, device: str = "cpu") -> None:
        self.title = f"{choice.model}, layers {choice.layers}"
        self.folder = find_pretrained(choice.model, "--features ssl:DIR")
        config = read_config(self.folder)
        self.weights = layer_weights(choice.layers, n_hidden_layers(config))
        n = hidden_dim(config)
        self.names = tuple(f"{what}_{number:04}" for what in ("mean", "std") for number in range(n))
        self.device = device

    @cached_property
    def measure(self) -> Measure:
        """What is to be had of each signal."""
        digest = model_digest(self.folder)
        layers = ",".join(f"{layer}:{weight:.6g}" for layer, weight in sorted(self.weights.items()))
        return Measure(
            self.names,
            f"ssl {digest} layers {layers}",
            f"ssl-{digest[:12]}",
            lambda: SpeechModel(self.folder, device=self.device),
            lambda model, signals: model.pooled(signals, self.weights),
            self.device,
        )

    def extract(
        self,
        corpus: str,
        index: pd.Index,
        *,
        cache: Path | None = None,
        n_jobs: int | None = None,
        strict: bool = False,
        progress: _Progress | None = None,
    ) -> tuple[pd.DataFrame, list[Finding]]:
        """Give the features of a corpus.

        Args:
            corpus: Its name.
            index: Of its table: file, start and end.
            cache: Here and below see `measure_recordings`.
            n_jobs: Threads that read recordings.
            strict: Whether an unusable utterance is an error.
            progress: Called with the numbers of utterances done and in total.

        Returns:
            As `affectmap.features.functionals.extract_functionals`, shape (n_used, 2 D).

        Raises:
            AudioError: If no utterance can be used, or one cannot and `strict` is set.
        """
        return measure_recordings(
            self.measure, corpus, index, cache=cache, n_jobs=n_jobs, strict=strict, progress=progress
        )


def measure_recordings(
    measure: Measure,
    corpus: str,
    index: pd.Index,
    *,
    cache: Path | None = None,
    n_jobs: int | None = None,
    strict: bool = False,
    progress: _Progress | None = None,
) -> tuple[pd.DataFrame, list[Finding]]:
    """Put every utterance of a corpus through a model, or find it in the cache.

    Args:
        measure: What is to be had of each.
        corpus: Name of the corpus.
        index: Of its table.
        cache: Folder of the cache.
        n_jobs: Threads that read recordings; one a core by default.
        strict: Whether an unusable utterance is an error; by default it is dropped and told.
        progress: Called with the numbers of utterances done and in total.

    Returns:
        One row an utterance that can be used; and findings.

    Raises:
        AudioError: If no utterance can be used, or one cannot and `strict` is set.
    """
    n_jobs = n_jobs or joblib.cpu_count()
    report = progress or (lambda done, total: None)
    utterances = list_utterances(index)
    values = np.full((len(utterances), len(measure.columns)), np.nan, dtype=np.float32)
    failures: dict[int, AudioError] = {}
    store = FeatureCache(cache_folder(cache), f"{measure.name}-{corpus}", measure.columns)
    how = f"{measure.how} soxr-{metadata.version('soxr')} reading-{_READING}"
    with local_threads(n_jobs) as threads, store:
        keys = row_keys(utterances, file_digests(utterances, threads), how)
        todo = fill_known(values, keys, store.load())
        n_done = len(utterances) - len(todo)
        report(n_done, len(utterances))
        copies = _copies(keys, todo)
        for first, outcome in _outcomes(measure, utterances, list(copies), n_jobs):
            for row in copies[first]:
                if isinstance(outcome, AudioError):
                    if strict:
                        raise outcome
                    failures[row] = outcome
                else:
                    values[row] = outcome
            if keys[first] and not isinstance(outcome, AudioError):
                store.add(keys[first], outcome)
            n_done += len(copies[first])
            report(n_done, len(utterances))
    rows, findings = usable_rows(corpus, index, values, measure.columns, failures)
    return rows, [*findings, *(Finding(corpus, "", "note", note) for note in store.notices)]


def _copies(keys: Sequence[str], todo: Sequence[int]) -> dict[int, list[int]]:
    """Put rows of one content together, under the first: beside others a model may give the last bit differently."""
    first: dict[str, int] = {}
    copies: dict[int, list[int]] = {}
    for row in todo:
        copies.setdefault(first.setdefault(keys[row], row) if keys[row] else row, []).append(row)
    return copies


def _outcomes(
    measure: Measure, utterances: Sequence[Utterance], todo: Sequence[int], n_jobs: int
) -> Iterator[tuple[int, Floats | AudioError]]:
    """Measure what is left, batch by batch; give rows as they are done."""
    if not todo:
        return
    model = measure.model()
    with ThreadPoolExecutor(n_jobs) as pool:
        lengths = pool.map(lambda row: _duration(utterances[row]), todo)
        for batch in batches_by_length(dict(zip(todo, lengths, strict=True)), BATCH_S[measure.device]):
            read = list(pool.map(lambda row: _signal(utterances[row], model), batch))
            good = [
                (row, signal) for row, signal in zip(batch, read, strict=True) if not isinstance(signal, AudioError)
            ]
            yield from ((row, bad) for row, bad in zip(batch, read, strict=True) if isinstance(bad, AudioError))
            if good:
                yield from _computed(measure, model, utterances, good)


def _computed(
    measure: Measure, model: SpeechModel, utterances: Sequence[Utterance], good: Sequence[tuple[int, Floats]]
) -> Iterator[tuple[int, Floats | AudioError]]:
    for (row, _), found in zip(good, measure.compute(model, [signal for _, signal in good]), strict=True):
        file = utterances[row].file
        unusable = AudioError(f"{file}: the model gives numbers that are not finite; leave it out")
        yield row, found if np.isfinite(found).all() else unusable


def batches_by_length(lengths: dict[int, float], longest: float) -> list[list[int]]:
    """Put what is about equally long together.

    Args:
        lengths: Seconds by row.
        longest: Seconds that a batch may hold, each row as long as its longest.

    Returns:
        Rows of each batch, the shortest first; a row that is longer is alone.

    Example:
        >>> batches_by_length({0: 9.0, 1: 2.0, 2: 3.0, 3: 50.0}, 10.0)
        [[1, 2], [0], [3]]
    """
    batches: list[list[int]] = []
    for row in sorted(lengths, key=lambda row: (lengths[row], row)):
        if batches and (len(batches[-1]) + 1) * lengths[row] <= longest:
            batches[-1].append(row)
        else:
            batches.append([row])
    return batches


def _duration(utterance: Utterance) -> float:
    """Seconds, as the header has it; 0 where it cannot be read, which reading then explains."""
    if utterance.end_s is not None:
        return utterance.end_s - utterance.start_s
    try:
        return max(0.0, float(soundfile.info(utterance.file).duration) - utterance.start_s)
    except UNREADABLE:
        return 0.0


def _signal(utterance: Utterance, model: SpeechModel) -> Floats | AudioError:
    file = utterance.file
    try:
        signal, rate = read_audio(*utterance)
        check_signal(signal, rate, file)
        signal = resample(signal, rate, model.sampling_rate)
        check_signal(signal, model.sampling_rate, file)
        if len(signal) > model.longest_s * model.sampling_rate:
            raise AudioError(
                f"{file}: lasts {len(signal) / model.sampling_rate:.0f} s, expected up to {model.longest_s:g} s; "
                "cut it into utterances"
            )
    except AudioError as error:
        return error
    return signal
