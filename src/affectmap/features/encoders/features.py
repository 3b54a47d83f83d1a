"""Features of every utterance of a corpus from a pretrained speech encoder, and the answers of a large recogniser.

Utterances go through a model batched by length, the short ones first. Results are cached by what was measured, as
functionals are: the recording's bytes, the segment, and the model's weights, configuration and layers. A run that
finds everything in the cache loads no model.

The recogniser is SUPERB's: HuBERT-large (Hsu et al. 2021), pretrained on 60,000 h of English, with a head trained on
four classes of IEMOCAP (Yang et al. 2021, SUPERB, task ER). It sees nothing of the corpora of a run: neither their
labels nor their mean and standard deviation. Its classes are neutral, sad, happy, angry, in this order, whatever
order the model has; among fewer classes the likeliest of those is taken.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property, partial
from importlib import metadata
from pathlib import Path
from typing import Any, Protocol, TypeVar

import numpy as np
import pandas as pd

from affectmap.audio.cleaning import CLEANING, without_offset
from affectmap.audio.decoding import Decoding
from affectmap.audio.reading import READING, Signal, check_signal, read_audio, resample
from affectmap.errors import AudioError, CorpusError, ModelError
from affectmap.extras import require
from affectmap.features.encoders.models import SpeechModel, hidden_dim, n_hidden_layers
from affectmap.features.encoders.weights import (
    EXTRA,
    EncoderChoice,
    find_pretrained,
    layer_weights,
    model_digest,
    parse_reference,
    read_config,
)
from affectmap.features.encoders.whisper_model import WhisperModel, is_whisper, whisper_digest
from affectmap.features.utterances import Measure, Outcome, Utterance, Work, measure_utterances
from affectmap.schema import FOUR_CLASSES, Emotion, Finding, Floats, Objects, parse_emotion

#: Seconds of sound, padding included, that go through a model together.
BATCH_S = {"cpu": 40.0, "cuda": 320.0}
#: Name of the recogniser's row in table 4.
SUPERB = "SUPERB"

# How folders are named on the command line, for messages.
_OPTION, _REFERENCE = "--features encoder:DIR", "--reference superb=DIR"
_POOLING = 3  # to be raised when frames are pooled differently: older rows no longer count


class _Takes(Protocol):
    """What is asked of a model before it gets signals."""

    sampling_rate: int
    longest_s: float


_Model = TypeVar("_Model", bound=_Takes)


def load_speech_encoder(
    folder: Path, n_layers: int, *, device: str = "cpu", n_jobs: int = 1
) -> SpeechModel | WhisperModel:
    """Load a speech encoder of which the layers up to `n_layers` are wanted: a Whisper without PyTorch, others with it.

    A Whisper takes `n_jobs` signals at once; PyTorch has threads of its own, and runs on `device`.

    Raises:
        ModelError: If the folder holds something else, or weights are missing or unsafe to read.
        ConfigError: If the device is not there.
    """
    if is_whisper(read_config(folder)):
        return WhisperModel(folder, n_layers, n_jobs=n_jobs)
    return SpeechModel(folder, device=device)


class FeatureEncoder:
    """A speech encoder as a source of features: mean and standard deviation over time of some layers, or one of them.

    Args:
        choice: Model, layers and pooling.
        device: ``cpu`` or ``cuda``.

    Attributes:
        title: Model, layers and pooling, for people.
        folder: Folder of the model.
        weights: Weights of the layers, by number.
        names: Names of the features: ``mean_0000``, ... and ``std_0000``, ...
        device: Where the model runs, save for Whisper, which runs without PyTorch.

    Raises:
        ModelError: If the model cannot be found.
        UsageError: If its name or the layers make no sense, or the extra ``encoders`` is missing.
    """

    def __init__(self, choice: EncoderChoice, *, device: str = "cpu") -> None:
        self.title = f"{choice.model}, layers {choice.layers}, {choice.pooling}"
        self.folder = find_pretrained(choice.model, _OPTION, choice.layers)
        config = read_config(self.folder)
        self._is_whisper = is_whisper(config)
        if not self._is_whisper:
            require(_OPTION, EXTRA, "transformers", "torch")
        self.weights = layer_weights(choice.layers, n_hidden_layers(config))
        n = hidden_dim(config)
        names = [f"{what}_{number:04}" for what in ("mean", "std") for number in range(n)]
        self._kept = slice(n * (choice.pooling == "std"), n if choice.pooling == "mean" else 2 * n)
        self.names = tuple(names[self._kept])
        self.device = device

    @property
    def n_layers(self) -> int:
        """Number of transformer layers that must be run."""
        return max(self.weights)

    @cached_property
    def _digest(self) -> str:
        return whisper_digest(self.folder, self.n_layers) if self._is_whisper else model_digest(self.folder)

    def extract(
        self,
        corpus: str,
        index: pd.Index,
        *,
        cache: Path | None = None,
        n_jobs: int | None = None,
        strict: bool = False,
        progress: Callable[[int, int], None] | None = None,
    ) -> tuple[pd.DataFrame, list[Finding]]:
        """Give the features of a corpus.

        Args:
            corpus: Its name.
            index: Index of its table: file, start and end.
            cache: Folder of the cache.
            n_jobs: Threads that read; one a core by default.
            strict: Whether an unusable utterance is an error; by default it is dropped with a finding.
            progress: Called with the numbers of utterances done and in total.

        Returns:
            As `affectmap.features.functionals.extract_functionals`, a column for each of `names`.

        Raises:
            AudioError: If no utterance can be used, or one cannot and `strict` is set.
        """
        layers = ",".join(f"{layer}:{weight:.6g}" for layer, weight in sorted(self.weights.items()))
        measure = _measure(
            self.names,
            f"encoder {self._digest} layers {layers} columns {self._kept.start}-{self._kept.stop}",
            lambda n_jobs: load_speech_encoder(self.folder, self.n_layers, device=self.device, n_jobs=n_jobs),
            lambda model, signals: model.pooled(signals, self.weights)[:, self._kept],
            self.device,
        )
        name = f"encoder-{self._digest[:12]}-{corpus}"
        return measure_utterances(
            corpus, index, measure, name, cache=cache, n_jobs=n_jobs, strict=strict, progress=progress
        )


class Reference:
    """A recogniser of emotions, found and ready to classify.

    Args:
        text: ``superb``, or ``superb=MODEL``.
        device: ``cpu`` or ``cuda``.

    Raises:
        ModelError: If the model cannot be found, or tells other classes apart.
        UsageError: If the text makes no sense, or the extra ``encoders`` is missing.
    """

    def __init__(self, text: str, *, device: str = "cpu") -> None:
        self.model, self.device = parse_reference(text), device
        require(_REFERENCE, EXTRA, "transformers", "torch")
        self.folder = find_pretrained(self.model, _REFERENCE)
        labels = read_config(self.folder).get("id2label")
        labels = labels if isinstance(labels, dict) else {}
        self._columns = class_columns([str(labels[key]) for key in sorted(labels, key=_as_number)], self.folder)

    @cached_property
    def _digest(self) -> str:
        return model_digest(self.folder)

    def classify(self, corpus: str, index: pd.Index, **options: Any) -> tuple[pd.DataFrame, list[Finding]]:  # noqa: ANN401
        """Classify every utterance of a corpus: probabilities of neutral, sad, happy and angry, and findings."""
        measure = _measure(
            [str(emotion) for emotion in FOUR_CLASSES],
            f"classes {self._digest}",
            lambda n_jobs: SpeechModel(self.folder, classifier=True, device=self.device),
            lambda model, signals: model.probabilities(signals)[:, self._columns],
            self.device,
        )
        return measure_utterances(corpus, index, measure, f"classes-{self._digest[:12]}-{corpus}", **options)


class LikeliestClass:
    """Takes the likeliest of some classes, in the place of a classifier that is fitted on a source."""

    def __init__(self, emotion: Objects) -> None:
        self.emotion = emotion

    def predict(self, classes: tuple[Emotion, ...], embedding: Floats) -> Objects:
        """Classify rows of probabilities of the four classes (N, 4) among two or more of them."""
        columns = [FOUR_CLASSES.index(emotion) for emotion in classes]
        names = np.array([str(emotion) for emotion in classes], dtype=object)
        chosen: Objects = names[embedding[:, columns].argmax(axis=1)]
        return chosen


def class_columns(labels: Sequence[str], origin: str | Path) -> list[int]:
    """Find neutral, sad, happy and angry among a model's own classes; others play no part."""
    found: list[Emotion | None] = []
    for label in labels:
        try:
            found.append(parse_emotion(label))
        except CorpusError:
            found.append(None)
    if any(found.count(emotion) != 1 for emotion in FOUR_CLASSES):
        raise ModelError(
            f"{origin} tells {', '.join(labels) or 'no classes'} apart; expected neutral, sad, happy and angry, each "
            "once; name a model for these"
        )
    return [found.index(emotion) for emotion in FOUR_CLASSES]


def _as_number(key: str) -> int:
    return int(key) if str(key).isdigit() else -1


def _measure(
    columns: Sequence[str],
    how: str,
    load: Callable[[int], _Model],
    compute: Callable[[_Model, Sequence[Signal]], Signal],
    device: str,
) -> Measure:
    """Describe what a model computes of signals."""
    how = f"{how} soxr-{metadata.version('soxr')} {CLEANING} reading-{READING} pooling-{_POOLING}"
    return Measure(columns, how, partial(_outcomes, load=load, compute=compute, batch_s=BATCH_S[device]))


def _outcomes(
    work: Work,
    *,
    load: Callable[[int], _Model],
    compute: Callable[[_Model, Sequence[Signal]], Signal],
    batch_s: float,
) -> Generator[tuple[int, Outcome], None, None]:
    """Put what is left through the model, batch by batch; give rows as they are done."""
    if not work.utterances:
        return
    model, utterances = load(work.n_jobs), work.utterances
    with ThreadPoolExecutor(work.n_jobs) as pool:
        lengths = pool.map(_duration, utterances.values())
        for batch in batches_by_length(dict(zip(utterances, lengths, strict=True)), batch_s):
            read = dict(zip(batch, pool.map(lambda row: _signal(utterances[row], model), batch), strict=True))
            yield from ((row, bad) for row, bad in read.items() if isinstance(bad, AudioError))
            good = {row: signal for row, signal in read.items() if not isinstance(signal, AudioError)}
            found = compute(model, list(good.values())) if good else ()
            for row, values in zip(good, found, strict=True):
                file = utterances[row].file
                unusable = AudioError(f"{file}: the model gives numbers that are not finite; leave it out")
                yield row, values if np.isfinite(values).all() else unusable


def batches_by_length(lengths: dict[int, float], longest: float) -> list[list[int]]:
    """Put rows that are about equally long together, the shortest first; a longer one is alone."""
    batches: list[list[int]] = []
    for row in sorted(lengths, key=lambda row: (lengths[row], row)):
        if batches and (len(batches[-1]) + 1) * lengths[row] <= longest:
            batches[-1].append(row)
        else:
            batches.append([row])
    return batches


def _duration(utterance: Utterance) -> float:
    """Seconds; 0 where it cannot be read, which reading then explains."""
    if utterance.end_s is not None:
        return utterance.end_s - utterance.start_s
    try:
        return max(0.0, Decoding(utterance.file).duration_s - utterance.start_s)
    except AudioError:
        return 0.0


def _signal(utterance: Utterance, model: _Takes) -> Signal | AudioError:
    file = utterance.file
    try:
        signal, rate = read_audio(*utterance)
        check_signal(signal, rate, file)
        signal = without_offset(resample(signal, rate, model.sampling_rate))
        check_signal(signal, model.sampling_rate, file)
        if len(signal) > model.longest_s * model.sampling_rate:
            raise AudioError(
                f"{file}: lasts {len(signal) / model.sampling_rate:.0f} s, expected up to {model.longest_s:g} s; "
                "cut it into utterances"
            )
    except AudioError as error:
        return error
    return signal
