"""A trained model at work: a recording in, its place on the map out, with no training framework.

Conventions:
    * Values of a table stand in this order: ``embedding_0``, ``embedding_1`` ..., ``activation``, ``activation_low``,
      ``activation_high``, ``valence``, ``valence_low``, ``valence_high``, the class probabilities ``neutral``, ``sad``,
      ``happy``, ``angry``, and the flags of `affectmap.audio.quality`. A model without heads has no columns for them.
    * Activation and valence lie on 1..5, 3 is the middle. ``low`` and ``high`` bound an interval meant for nine of ten
      ratings. Of the shipped model's:
      <!-- coverage:begin -->
      The intervals are ±1.3 to ±1.7 points, as wide as the worst of three corpora asks for. On a corpus in neither
      model nor width they held .80 to .99 of the ratings, where .90 was meant. They do not hold everywhere. Below
      lay URDU's valence in 8 of 8 ways of standardising, at worst .80; URDU's activation in 2 of 8 ways of
      standardising, at worst .86.
      <!-- coverage:end -->
      One is as wide as was measured with the mean and spread in use: the model's own, those of at least
      `ENOUGH` utterances of a place, or a speaker's; with fewer or another prior, for
      speakers, and in a track, the wider of that and the model's own.
    * Probabilities sum to 1 and take all classes as equally frequent; they are a rough order.
    * A value that cannot be had is ``NaN`` and a flag or a problem says so; a flag beside a value never replaces it.
    * Recordings are resampled to the model's sampling rate, because functionals depend on it.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from affectmap.audio.quality import FLAGS, THRESHOLDS, SignalFlags, not_speech
from affectmap.errors import ConfigError, ModelError
from affectmap.features.functionals import Source, measure_sources
from affectmap.model.folder import GRAPH_FILE, ModelFolder, read_model_folder
from affectmap.model.graph import Graph
from affectmap.preparation.standardisation import (
    PRIOR,
    Statistics,
    adapted_statistics,
    speaker_statistics,
    well_adapted,
)
from affectmap.schema import FUNCTIONALS, LABEL_RANGE, LABELS

if TYPE_CHECKING:
    from affectmap.track.recording import Track

#: The model that comes with the package.
SHIPPED = "voice-de-ur-el-en-it"

#: Whose mean and spread a model may standardise with: its training data's, or others' that it was adapted to.
POLICIES = ("source", "adapted")

Floats = npt.NDArray[np.float64]

_ADAPTED = "## Adapted"


def load_model(path: str | Path | None = None) -> Model:
    """Load a model.

    Args:
        path: Folder of the model; by default the one that comes with the package.

    Returns:
        The model.

    Raises:
        ModelError: If the folder is missing, damaged or made for other inputs.

    Example:
        >>> model = load_model()
        >>> time = np.arange(16000) / 16000
        >>> voice = np.sin(2 * np.pi * 150 * time + 3 * np.sin(2 * np.pi * 5 * time)).astype(np.float32)
        >>> model.embed(voice, 16000).columns[:3].tolist()
        ['embedding_0', 'embedding_1', 'activation']
    """
    folder: Path | Traversable = (
        resources.files("affectmap").joinpath("models").joinpath(SHIPPED) if path is None else Path(path)
    )
    return Model(read_model_folder(folder), str(folder))


class Model:
    """A model that takes recordings or functionals; made by `load_model`.

    It may be used by several threads at once, and gives a recording the same values alone as among others.

    Args:
        folder: Content of the model's folder.
        origin: Where it comes from, for messages.

    Raises:
        ModelError: If the graph cannot be run or gives something else than ``model.yaml`` says.

    Example:
        >>> model = load_model()
        >>> unheard = model.transform(np.ones((2, 88)))
        >>> unheard["unfamiliar"].tolist()
        [True, True]
    """

    def __init__(self, folder: ModelFolder, origin: str) -> None:
        self._folder, self._origin = folder, origin
        self._graph = Graph(folder.graph, folder.metadata["outputs"], f"{origin}/{GRAPH_FILE}")
        self._thresholds, self._half_widths = _checked_numbers(folder.metadata, origin)  # the place's, a speaker's

    @property
    def card(self) -> str:
        """What was measured on the model, what it is for and its limits; Markdown."""
        return self._folder.card

    @property
    def metadata(self) -> dict[str, Any]:
        """A copy of what ``model.yaml`` holds."""
        return copy.deepcopy(self._folder.metadata)

    @property
    def statistics(self) -> Statistics:
        """Mean and spread of the 88 functionals that are in use."""
        return self._folder.statistics

    @property
    def sampling_rate(self) -> int:
        """Rate in Hz at which recordings are measured."""
        return int(self._folder.metadata["sampling_rate"])

    @property
    def columns(self) -> list[str]:
        """Names of the columns that `transform` gives."""
        return list(self._table(np.zeros((1, len(FUNCTIONALS))), [self.statistics], np.zeros(1, np.int64)))

    def embed(
        self,
        source: Source | Sequence[Source],
        sampling_rate: int | None = None,
        *,
        speaker: npt.ArrayLike | None = None,
        n_jobs: int | None = None,
        progress: Callable[[int, int], None] | None = None,
    ) -> pd.DataFrame:
        """Place one recording, or several, on the map.

        Args:
            source: Path of a recording, or a mono signal of shape (n_samples,): floats with full scale at 1, or whole
                numbers as a microphone gives them. A list of either gives one row each.
            sampling_rate: Of signals, in Hz; files know their own.
            speaker: Who speaks in each; see `transform`.
            n_jobs: Threads; one a core by default.
            progress: Called with the numbers of recordings done and in total.

        Returns:
            One row a recording, indexed by ``file`` (or numbered, for signals), with the columns of the module and at
            the end ``problem``: why there are no values, or ``None``. A file that cannot be read is such a row, too.

        Raises:
            ConfigError: If a signal comes without a sampling rate or is not mono.
        """
        sources = [source] if isinstance(source, (str, Path, np.ndarray)) else list(source)
        functionals, heard = self.measure(sources, sampling_rate, n_jobs=n_jobs, progress=progress)
        table = self.transform(functionals, speaker=speaker)
        for flag in ("too_short", "silent", "clipped"):
            table[flag] = [getattr(each, flag) for each in heard]
        table["problem"] = pd.Series([each.problem for each in heard], table.index, dtype=object)
        return table

    def measure(
        self,
        sources: Sequence[Source],
        sampling_rate: int | None = None,
        *,
        n_jobs: int | None = None,
        progress: Callable[[int, int], None] | None = None,
    ) -> tuple[pd.DataFrame, list[SignalFlags]]:
        """Measure the functionals of recordings as this model takes them, for `transform` or `adapt`.

        Args:
            sources: Paths or signals; see `embed`.
            sampling_rate: Of signals, in Hz.
            n_jobs: Threads; one a core by default.
            progress: Called with the numbers of recordings done and in total.

        Returns:
            As `measure_sources`.

        Raises:
            ConfigError: If a signal comes without a sampling rate or is not mono.
        """
        clipped_share = self._thresholds["clipped_share"]
        return measure_sources(
            sources, sampling_rate, self.sampling_rate, clipped_share=clipped_share, n_jobs=n_jobs, progress=progress
        )

    def transform(
        self, functionals: pd.DataFrame | npt.ArrayLike, *, speaker: npt.ArrayLike | None = None
    ) -> pd.DataFrame:
        """Place functionals on the map.

        Args:
            functionals: Table with the 88 columns in any order, or an array (N, 88) in the order of
                `FUNCTIONALS`, measured at the model's sampling rate.
            speaker: Who speaks in each row (N,); every speaker is then standardised by their own mean and spread, with
                `PRIOR` utterances that have the model's; what is no speech does not count.

        Returns:
            One row each, with the table's index; columns as in the module. ``silent`` and ``clipped`` are about samples
            and False here; ``too_short`` is a row without any functional.

        Raises:
            ConfigError: If columns are missing or shapes do not fit.

        Warns:
            UserWarning: If speakers have so few utterances that the model's statistics outweigh theirs.
        """
        values = _checked_functionals(functionals)
        statistics, which = [self.statistics], np.zeros(len(values), dtype=np.int64)
        if speaker is not None:
            statistics, which = speaker_statistics(self._speech_only(values), speaker, self.statistics)
        columns = self._table(values, statistics, which)
        index = functionals.index if isinstance(functionals, pd.DataFrame) else pd.RangeIndex(len(values))
        return pd.DataFrame(columns, index)

    def adapt(self, functionals: pd.DataFrame | npt.ArrayLike, *, prior: float = PRIOR) -> Model:
        """Give a model that takes mean and spread from other, unlabelled recordings; all else stays.

        Args:
            functionals: (N, 88) as in `transform`, of the corpus, language or place to adapt to: many emotions
                and, where several people shall be compared, several people. Outliers and rows without speech
                play no part.
            prior: How many utterances this model's own statistics count for beside them; with 0 they play no part. The
                narrower intervals of adapted models were measured with the default.

        Returns:
            A new model; this one is not changed.

        Raises:
            ConfigError: If fewer than two utterances of speech are usable, or one with a prior.

        Example:
            >>> model, noise = load_model(), np.random.default_rng(0).normal(size=(40, 88))
            >>> adapted = model.adapt(model.statistics.mean + 0.1 * noise * model.statistics.std)
            >>> adapted.metadata["standardisation"]
            {'policy': 'adapted', 'n_utterances': 40, 'n_left_out': 0, 'prior': 10.0}
        """
        values = _checked_functionals(functionals)
        statistics, n_used = adapted_statistics(self._speech_only(values), self.statistics, prior)
        standardisation = {
            "policy": "adapted",
            "n_utterances": n_used,
            "n_left_out": len(values) - n_used,
            "prior": float(prior),
        }
        metadata = {**self.metadata, "standardisation": standardisation}
        width = "those of adapted corpora" if well_adapted(n_used, prior) else "the wider of as shipped and adapted"
        note = (
            f"{_ADAPTED}\n\nMean and spread were taken from {n_used} other recordings. What is said above of the model "
            f"as shipped does not hold here. Intervals, if there are any, are {width}.\n"
        )
        card = f"{self.card.split(_ADAPTED)[0].rstrip()}\n\n{note}"
        return Model(ModelFolder(self._folder.graph, statistics, metadata, card), self._origin)

    def track(
        self,
        recording: str | Path,
        *,
        window_s: float | None = None,
        hop_s: float | None = None,
        statistics: str = "source",
        smoothing_s: float | None = None,
        n_jobs: int | None = None,
        progress: Callable[[float, float], None] | None = None,
    ) -> Track:
        """Follow a voice through a recording of any length: `track.recording.track_recording` with this model.

        Args:
            recording: A file.
            window_s: Length of fixed windows in seconds; by default detected speech is measured.
            hop_s: From one window to the next.
            statistics: Whose mean and spread standardise: ``source``, ``recording`` or ``running``.
            smoothing_s: Of the levels, in seconds.
            n_jobs: Threads; one a core by default.
            progress: Called with the seconds read and in total.

        Returns:
            The track.

        Raises:
            AudioError: If the recording cannot be read.
            ConfigError: If a setting is out of range.
        """
        from affectmap.track.recording import track_recording  # the layer above

        return track_recording(
            recording,
            self,
            window_s=window_s,
            hop_s=hop_s,
            statistics=statistics,
            smoothing_s=smoothing_s,
            n_jobs=n_jobs,
            progress=progress,
        )

    def save(self, folder: str | Path, *, overwrite: bool = False) -> None:
        """Write the model to a folder, whole or not at all.

        Args:
            folder: To be made; refused if it exists, unless `overwrite` and it was written by affectmap.
            overwrite: Whether to replace an earlier one.

        Raises:
            StorageError: If the folder may not be replaced or cannot be written.

        Example:
            >>> import tempfile
            >>> folder = Path(tempfile.mkdtemp()) / "model"
            >>> load_model().save(folder)
            >>> load_model(folder).metadata["name"] == load_model().metadata["name"]
            True
        """
        self._folder.write(Path(folder), overwrite=overwrite)

    def _table(
        self, values: Floats, statistics: Sequence[Statistics], which: npt.NDArray[np.int64]
    ) -> dict[str, npt.NDArray[Any]]:
        names = self._graph.outputs
        outputs = {name: np.full((len(values), len(columns)), np.nan) for name, columns in names.items()}
        for number, each in enumerate(statistics):
            rows = np.flatnonzero(which == number)
            for name, found in self._graph.run(values[rows], each).items():
                outputs[name][rows] = found
        columns = {name: outputs["embedding"][:, i] for i, name in enumerate(names["embedding"])}
        for i, label in enumerate(names.get("ratings", [])):
            columns[label] = outputs["ratings"][:, i]
            if self._half_widths:
                of_place, of_speaker = (widths[label] for widths in self._half_widths)
                half_width = np.where(which > 0, of_speaker, of_place)
                columns[f"{label}_low"] = np.clip(columns[label] - half_width, *LABEL_RANGE)
                columns[f"{label}_high"] = np.clip(columns[label] + half_width, *LABEL_RANGE)
        for i, name in enumerate(names.get("probabilities", [])):
            columns[name] = outputs["probabilities"][:, i]
        return columns | self._flags(values, outputs["distance"][:, 0])

    def _speech_only(self, values: Floats) -> Floats:
        """Blank the rows that are no speech, so that no statistics are taken from them."""
        return np.where(not_speech(values, self._thresholds)[:, None], np.nan, values)

    def _flags(self, values: Floats, distance: Floats) -> dict[str, npt.NDArray[np.bool_]]:
        thresholds = self._thresholds
        flags: dict[str, npt.NDArray[np.bool_]] = {name: np.zeros(len(values), dtype=np.bool_) for name in FLAGS}
        flags["too_short"] |= np.isnan(values).all(axis=1)
        flags["not_speech"] = not_speech(values, thresholds)
        flags["unfamiliar"] = (distance > thresholds["max_distance"]) | (np.isnan(distance) & ~flags["too_short"])
        return flags


def _checked_numbers(metadata: dict[str, Any], origin: str) -> tuple[dict[str, float], list[dict[str, float]]]:
    """Give the flags' thresholds, and half the widths of intervals by label: of the place's rows and of speakers'."""
    try:
        thresholds = {name: float(metadata["flags"][name]) for name in THRESHOLDS}
        intervals = metadata.get("intervals", {})
        widths = {
            policy: {label: float(intervals[policy][label]) for label in LABELS}
            for policy in (*POLICIES, *(["speaker"] if "speaker" in intervals else []))
            if intervals
        }
        standardisation = metadata["standardisation"]
        policy = str(standardisation["policy"])
        n_own, prior = (float(standardisation.get(name, 0)) for name in ("n_utterances", "prior"))
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise ModelError(
            f"{origin}/model.yaml lacks a threshold ({error}); export or download the model again"
        ) from error
    numbers = [*thresholds.values(), *(width for each in widths.values() for width in each.values()), n_own, prior]
    if policy not in POLICIES or not all(0 <= number < np.inf for number in numbers):
        raise ModelError(f"{origin}/model.yaml holds a policy or threshold that makes no sense; export the model again")
    return thresholds, _widths_in_use(widths, policy, well_adapted(n_own, prior)) if widths else []


def _widths_in_use(widths: dict[str, dict[str, float]], policy: str, well: bool) -> list[dict[str, float]]:
    """Give half the widths of the place's rows and of speakers', by label: where none was measured, the wider ones."""
    of_place = {"source": ("source",), "adapted": ("adapted",) if well else ("source", "adapted")}[policy]
    of_speaker = ("source", *of_place, "speaker" if "speaker" in widths else "adapted")
    return [{label: max(widths[each][label] for each in names) for label in LABELS} for names in (of_place, of_speaker)]


def _checked_functionals(functionals: pd.DataFrame | npt.ArrayLike) -> Floats:
    if isinstance(functionals, pd.DataFrame):
        missing = [name for name in FUNCTIONALS if name not in functionals.columns]
        if missing:
            raise ConfigError(f"{len(missing)} of the 88 functionals are missing, first {missing[0]}; measure them all")
        functionals = functionals[list(FUNCTIONALS)]
    try:
        values = np.asarray(functionals, dtype=np.float64)
    except (TypeError, ValueError):
        raise ConfigError("functionals must be numbers, one row for each utterance") from None
    if values.ndim != 2 or values.shape[1] != len(FUNCTIONALS):
        raise ConfigError(f"functionals have shape {values.shape}; expected (utterances, 88)")
    return values
