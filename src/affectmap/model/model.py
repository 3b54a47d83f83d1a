"""A trained model in use: a recording or features in, its point on the map out, in NumPy alone.

Conventions:
    * The columns of a table are ``embedding_0``, ``embedding_1`` ..., ``activation``, ``activation_low``,
      ``activation_high``, ``valence``, ``valence_low``, ``valence_high``, the class probabilities ``neutral``, ``sad``,
      ``happy``, ``angry``, and the flags of `affectmap.audio.quality`. A model without a head has no columns for it.
    * Activation and valence lie on 1..5, 3 is the middle. ``low`` and ``high`` bound an interval meant for nine of ten
      ratings. Of the shipped model egemaps:
      <!-- coverage:begin -->
      The intervals are ±1.3 to ±1.6 points, as wide as the worst of three corpora asks for. On a corpus in neither
      model nor width they contained .81 to 1.00 of the ratings, where .90 was meant. Coverage is below that for
      URDU's valence under 8 of 8 normalisations, at worst .81; EMO-DB's activation under 1 of 8 normalisations, at
      worst .89.
      <!-- coverage:end -->
      Of a row that is flagged ``unfamiliar`` or ``not_speech`` nobody measured how far the model is off: the interval
      is the whole scale there, and the value, on the scale as all ratings are, no more than its nearest point.
      An interval is as wide as was measured with the statistics in use: the model's own, those of `ENOUGH` utterances
      of a corpus or more, or a speaker's; with fewer or another prior, for speakers, and in a track, the wider of that
      and the model's own.
    * Probabilities sum to 1 and take all classes as equally frequent; they are a rough order.
    * A value that cannot be had is ``NaN`` and a flag or a problem says so; a flag beside a value never replaces it.
    * Arithmetic is in float64, and a row gets the same bits alone as among others, on any processor.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from affectmap.audio.quality import LATER_THRESHOLDS, SignalFlags
from affectmap.features.recordings import RecordingCache
from affectmap.features.single_recordings import Source, measure_rows, measure_sources
from affectmap.model.adaptation import Adaptation, adapted_folder, check_can_listen
from affectmap.model.computation import Computation
from affectmap.model.folder import ModelFolder, read_model_folder
from affectmap.model.given_ratings import given_ratings
from affectmap.model.heads import Calibration, Heads
from affectmap.model.listening import listening_text
from affectmap.model.metadata import check_measurable, text_of_inputs
from affectmap.model.sources import flags_of, read_given, table_of, with_flags
from affectmap.model.summary import summary
from affectmap.preparation.standardisation import PRIOR, Statistics, speaker_statistics
from affectmap.schema import Floats

if TYPE_CHECKING:
    import pandas as pd

    from affectmap.corpora import Corpus

#: The models that come with the package, by the names that `load_model` and ``--model`` take.
SHIPPED_MODELS = {"egemaps": "affectmap-egemaps-v1", "whisper": "affectmap-whisper-v1"}
#: The one by default, which needs nothing else.
SHIPPED = SHIPPED_MODELS["egemaps"]


def load_model(path: str | Path | None = None) -> Model:
    """Load a model.

    Args:
        path: Folder of the model, or ``egemaps`` or ``whisper`` for one that comes with the package, by default the
            first; of a folder with such a name give the whole path. The model whisper needs an encoder to measure
            recordings, which `affectmap.features.encoders.locate` finds.

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
    name = SHIPPED if path is None else SHIPPED_MODELS.get(str(path))
    shipped = resources.files("affectmap").joinpath("models")
    return Model(read_model_folder(Path(str(path)) if name is None else shipped.joinpath(name)))


class Model:
    """A model that takes recordings or features; `load_model` makes it of a folder, ``Embedder.fit`` of data.

    Several threads may use it at once.

    Args:
        folder: Content of the model's folder, checked.

    Example:
        >>> model = load_model()
        >>> model.transform(np.ones((2, 88)))["unfamiliar"].tolist()
        [True, True]
    """

    def __init__(self, folder: ModelFolder) -> None:
        self.folder = folder
        self._computation = Computation(folder)

    @property
    def name(self) -> str:
        """What the model is called."""
        return str(self.folder.metadata["name"])

    @property
    def card(self) -> str:
        """What was measured on the model, what it is for and its limits; Markdown."""
        return self.folder.card

    @property
    def metadata(self) -> dict[str, Any]:
        """A copy of what ``model.yaml`` has."""
        return copy.deepcopy(self.folder.metadata)

    @property
    def statistics(self) -> Statistics:
        """Mean and standard deviation of every feature that are in use."""
        return self._computation.statistics

    @property
    def layers(self) -> list[tuple[Floats, Floats]]:
        """Weight (F, O) and bias (O,) of every layer of the network."""
        return self._computation.layers

    @property
    def heads(self) -> Heads:
        """What gives ratings and probabilities of classes."""
        return self._computation.heads

    @property
    def sampling_rate(self) -> int:
        """Rate in Hz at which recordings are measured."""
        return int(self.folder.metadata["sampling_rate"])

    @property
    def inputs(self) -> list[str]:
        """Names of the features that the model takes."""
        return list(self.folder.metadata["inputs"])

    @property
    def columns(self) -> list[str]:
        """Names of the columns that `transform` gives."""
        return list(self._computation.columns(np.zeros((0, len(self.inputs))), [self.statistics], np.zeros(0, int)))

    @property
    def input_text(self) -> str:
        """What the model takes, in words."""
        return text_of_inputs(self.folder.metadata)

    @property
    def curves(self) -> pd.DataFrame:
        """Learning curves, one row an epoch; empty where they are not known."""
        return self.folder.curves_table()

    def __repr__(self) -> str:
        """Tell name, input, outputs, corpora, normalisation and terms, a line each."""
        return summary(self.folder, self.input_text, has_intervals=self._computation.has_intervals)

    def embed(
        self,
        source: Source | Sequence[Source] | Corpus | pd.DataFrame,
        sampling_rate: int | None = None,
        *,
        speaker: npt.ArrayLike | None = None,
        channel: int | None = None,
        cache: RecordingCache | None = None,
        n_jobs: int | None = None,
        progress: Callable[[int, int], None] | None = None,
    ) -> pd.DataFrame:
        """Embed recordings: one, or several.

        Args:
            source: Path of a recording, or a mono signal of shape (n_samples,): floats with full scale at 1, or whole
                numbers as a microphone gives them. A list of either gives one row each, a corpus or a table with a
                column or index ``file`` (and ``start``, ``end``) its recordings, one with the features those.
            sampling_rate: Rate of signals, in Hz; files know their own.
            speaker: Who speaks in each; see `transform`.
            channel: The only channel of files, counted from 1; by default `affectmap.audio.channels` mixes them.
            cache: What was measured before; by default nothing is looked up, and nothing kept.
            n_jobs: Threads; one a core by default.
            progress: Called with the numbers of recordings done and in total.

        Returns:
            One row a recording, indexed as the corpus or by ``file`` (numbered, for signals), with the columns of the
            module and at the end ``note``, what flags say in words, and ``problem``, why there are no values.

        Raises:
            ConfigError: If a signal comes without a sampling rate or is not mono, or the model takes other features
                than functionals.
        """
        measuring: dict[str, Any] = {"channel": channel, "cache": cache, "n_jobs": n_jobs, "progress": progress}
        functionals, flags = self.measure(source, sampling_rate, **measuring)
        return table_of(with_flags(self.columns_of(functionals, speaker=speaker), flags), functionals.index)

    def measure(
        self,
        source: Source | Sequence[Source] | Corpus | pd.DataFrame,
        sampling_rate: int | None = None,
        *,
        channel: int | None = None,
        cache: RecordingCache | None = None,
        n_jobs: int | None = None,
        progress: Callable[[int, int], None] | None = None,
    ) -> tuple[pd.DataFrame, list[SignalFlags]]:
        """Measure the functionals of recordings as this model takes them, for `transform` or `adapt`; see `embed`."""
        given = read_given(source, self.inputs)
        if given.features is not None:
            return given.features, flags_of(self._computation.checked(given.features))
        measuring: dict[str, Any] = {"channel": channel, "cache": cache, "n_jobs": n_jobs, "progress": progress}
        functionals, flags = measure_sources(given.recordings, sampling_rate, **self.how_measured(), **measuring)
        return given.indexed(functionals), flags

    def embed_columns(
        self,
        recordings: Sequence[str | Path],
        *,
        speaker: npt.ArrayLike | None = None,
        **measuring: Any,  # noqa: ANN401 (options of embed)
    ) -> tuple[dict[str, npt.NDArray[Any]], list[SignalFlags]]:
        """Embed recordings without pandas, which takes longer to load than a recording to be embedded.

        Returns:
            The columns of `embed` by name, and what the samples say of each recording.
        """
        functionals, flags = measure_rows(recordings, None, **self.how_measured(), **measuring)
        return with_flags(self.columns_of(functionals, speaker=speaker), flags), flags

    def how_measured(self) -> dict[str, Any]:
        """Give the options of `affectmap.features.single_recordings.measure_each` by which its inputs are measured."""
        self.check_takes_recordings()
        thresholds = {name: self.folder.metadata["flags"][name] for name in ("clipped_share", *LATER_THRESHOLDS)}
        return {
            "target_rate": self.sampling_rate,
            "engine": self.folder.metadata["measured"]["engine"],
            **thresholds,
        }

    def check_takes_recordings(self) -> None:
        """Raise an error if recordings cannot be measured for the model, before long work.

        Raises:
            ConfigError: If it takes other features than those that recordings are measured by.
            ModelError: If it needs an encoder that cannot be found, or another one than is here; the message says what
                to do.
            UsageError: If what measures them is not installed.
        """
        check_measurable(self.folder.metadata)

    def transform(
        self, features: pd.DataFrame | npt.ArrayLike, *, speaker: npt.ArrayLike | None = None
    ) -> pd.DataFrame:
        """Embed features.

        Args:
            features: Table with the columns of `inputs` in any order, or an array (N, F) in their order; functionals
                as measured at the model's sampling rate.
            speaker: Who speaks in each row (N,); every speaker is then standardised by their own statistics, with
                `PRIOR` utterances that have the model's; what is no speech does not count.

        Returns:
            One row each, with the table's index; columns as in the module. Flags about samples, such as ``silent``,
            are False here; ``too_short`` is a row without any functional.

        Raises:
            ConfigError: If columns are missing or shapes do not fit.

        Warns:
            UserWarning: If speakers have so few utterances that the model's statistics outweigh theirs.
        """
        import pandas as pd

        columns = self.columns_of(features, speaker=speaker)
        n_rows = len(columns["too_short"])
        return table_of(columns, features.index if isinstance(features, pd.DataFrame) else pd.RangeIndex(n_rows))

    def columns_of(
        self, features: pd.DataFrame | npt.ArrayLike, *, speaker: npt.ArrayLike | None = None
    ) -> dict[str, npt.NDArray[Any]]:
        """Embed features as `transform` does, into columns by name, each (N,)."""
        values = self._computation.checked(features)
        statistics, which = [self.statistics], np.zeros(len(values), dtype=np.int64)
        if speaker is not None:
            statistics, which = speaker_statistics(self._computation.speech_only(values), speaker, self.statistics)
        return self._computation.columns(values, statistics, which)

    def embedding(self, features: npt.ArrayLike, statistics: Statistics | None = None) -> tuple[Floats, Floats]:
        """Run the network alone, on features in the order of `inputs`, with the model's statistics or others.

        Returns:
            The embedding (N, D), and the root mean square z-score of the features (N,); ``NaN`` in rows with a feature
            that is not finite. A feature that is not usable in `statistics` counts as 0.
        """
        return self._computation.embedding(np.asarray(features), statistics)

    def adapt(
        self,
        features: pd.DataFrame | npt.ArrayLike,
        *,
        prior: float = PRIOR,
        listen: bool = False,
        speaker: npt.ArrayLike | None = None,
        ratings: Mapping[str, npt.ArrayLike] | pd.DataFrame | None = None,
    ) -> Model:
        """Give a model that standardises with the statistics of other utterances; a few ratings correct its heads.

        With `listen` it learns their classes, too, if `affectmap.model.listening` finds that they are those of its
        training corpora; `listening_text` says whether.

        Args:
            features: (N, F) as in `transform`, of the corpus, language or recording condition to adapt to: of many
                emotions and, where several people shall be compared, of several people. Outliers, rows with a value
                that is not finite and functionals of what is no speech play no part.
            prior: How many utterances this model's own statistics count for beside them; with 0 they play no part. The
                narrower intervals of adapted models were measured with the default.
            listen: Whether to learn the classes of the utterances.
            speaker: Who speaks in each (N,), for listening: every speaker is then standardised by their own
                statistics, as `transform` does it. The model that comes out knows no speakers.
            ratings: Columns ``activation``, ``valence`` (1..5) and ``emotion`` or some of them (N,), empty where nobody
                rated; a table may have the rated rows alone, by its index. See `affectmap.model.correction`.

        Returns:
            A new model; this one is not changed.

        Raises:
            ConfigError: If fewer than two utterances of speech are usable, or one with a prior, no rating is, or it
                shall listen and cannot.

        Example:
            >>> model, noise = load_model(), np.random.default_rng(0).normal(size=(40, 88))
            >>> adapted = model.adapt(model.statistics.mean + 0.1 * noise * model.statistics.std)
            >>> adapted.metadata["standardisation"]
            {'policy': 'adapted', 'n_utterances': 40, 'n_left_out': 0, 'prior': 10.0}
        """
        how = Adaptation(prior=prior, listen=listen, speaker=speaker)
        values = self._computation.checked(features)
        adapted = Model(adapted_folder(self.folder, self._computation, values, how))
        if ratings is None:
            return adapted
        return Model(adapted._computation.corrected(values, *given_ratings(ratings, features, len(values))))

    def check_can_listen(self) -> None:
        """Raise an error if the model cannot listen, before long work.

        Raises:
            ConfigError: If it knows nothing of the classes of its training corpora.
        """
        check_can_listen(self.folder)

    @property
    def listening_text(self) -> str | None:
        """What listening came to, in a sentence; ``None`` for a model that was not asked to listen."""
        metadata = self.folder.metadata.get("listening")
        return listening_text(metadata) if metadata else None

    def with_heads(self, heads: Heads, calibration: Calibration | None = None) -> Model:
        """Give a model with other heads, fitted on its embedding, and what was measured of them."""
        return Model(self.folder.with_heads(heads, calibration))

    def described(self, *, training: Mapping[str, Any] | None = None, **named: Any) -> Model:  # noqa: ANN401
        """Give a model with another ``card``, ``licence`` or entry of its metadata, or more about its training."""
        return Model(self.folder.described(training or {}, named))

    def save(
        self,
        folder: str | Path,
        *,
        overwrite: bool = False,
        hub: bool = False,
        more: Mapping[str, bytes] | None = None,
    ) -> None:
        """Write the model to a folder, whole or not at all.

        Args:
            folder: To be made; refused if it exists, unless `overwrite` and it was written by affectmap.
            overwrite: Whether to replace an earlier one.
            hub: Whether to add what a repository on the Hugging Face Hub has: ``README.md`` and ``config.json``.
            more: Content of other files by name.

        Raises:
            StorageError: If the folder may not be replaced or cannot be written.

        Example:
            >>> import tempfile
            >>> folder = Path(tempfile.mkdtemp()) / "model"
            >>> load_model().save(folder)
            >>> load_model(folder).name == load_model().name
            True
        """
        self.folder.write(Path(folder), overwrite=overwrite, hub=hub, more=more or {})
