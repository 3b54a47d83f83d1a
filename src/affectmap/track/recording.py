"""How a voice moves over an hour: a recording of any length to a table of segments, and a stream to a row a window.

Conventions:
    * A row of `Track.table` is a segment, indexed by ``file``, ``start`` and ``end``. Its columns: ``speech``
      (mean probability of speech, 0..1), those of `affectmap.model.model.Model.transform`, ``problem`` (why there
      are no values), and for activation and valence ``_level``, ``_level_low``, ``_level_high``: the smoothed
      trajectory with its 95 % interval (`affectmap.track.smoothing.smooth`).
    * ``activation_low`` and ``activation_high`` bound one segment's rating (the whole scale where it is flagged
      ``unfamiliar`` or ``not_speech``); ``activation_level_low`` and ``_high``
      bound the level of the model's values at that time, and know nothing of the model's error for this voice.
    * Segments that are silent, too short, without values or no speech have no part in the level. ``not_speech`` is the
      model's flag, or set where the detector's probability is below `MIN_SPEECH`.
    * ``narrow_band`` and ``uneven_channels`` are about the whole recording, the other flags about a segment.
    * Where speakers are told apart, a column ``speaker`` follows ``speech``, and statistics and levels are each
      speaker's own; see `affectmap.track.conversation`.
    * Everything is cut and measured at 16 kHz; other rates are resampled as they are read, and a note says so.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from affectmap.audio.conditions import Bandwidth
from affectmap.audio.quality import SIGNAL_FLAGS, SignalFlags
from affectmap.audio.speech_detection import RATE, Cutter, SpeechCutter, WindowCutter
from affectmap.audio.stream import PulseCode, Readable, Recording
from affectmap.errors import ConfigError
from affectmap.extras import require
from affectmap.features.recordings import RecordingCache
from affectmap.files import new_file
from affectmap.model.heads import open_intervals
from affectmap.model.model import Model, load_model
from affectmap.model.sources import why_unusable
from affectmap.schema import Floats, segmented_index
from affectmap.tables import csv_line
from affectmap.track.conversation import MIN_SPEECH, NAMES, check_speakers, find_turns, measured_turns
from affectmap.track.notes import band_note, rate_notes, row_notes
from affectmap.track.running_statistics import SpeakerStandardising
from affectmap.track.segments import Measured, measured_segments
from affectmap.track.smoothing import add_levels, default_smoothing

#: Formats of `Track.write`.
FORMATS = ("csv", "json", "parquet")

#: Written with four digits behind the point: a sample at 16 kHz is 0.0000625 s.
_TIMES = ("start", "end")


@dataclass(frozen=True, eq=False)
class Track:
    """What `track` found.

    Attributes:
        table: A row a segment; see the module.
        notes: What is special about the recording, sentences for people.
        duration_s: Length of the recording in seconds.
        smoothing_s: Standard deviation of the smoothing kernel in seconds.
        features: What the model takes, of every segment, shape (n_segments, F).
    """

    table: pd.DataFrame
    notes: list[str]
    duration_s: float
    smoothing_s: float
    features: Floats

    def adapted(self, model: Model | None = None) -> Model:
        """Adapt a model to the voice of this recording, for other recordings of it, such as of the weeks after.

        Statistics that stay the same in all of them do not wash out a slow change (docs/track.md).

        Args:
            model: The model that the track was made with; by default the one that comes with the package.

        Returns:
            The model, adapted as by `affectmap.model.model.Model.adapt` to all segments that are speech.

        Raises:
            ConfigError: If no segment is speech, or it speaks of two speakers.
        """
        if "speaker" in self.table and NAMES[1] in set(self.table["speaker"]):
            raise ConfigError("two speakers were told apart; adapt to one, named by enrol")
        if self.table.empty:
            raise ConfigError("no speech was found, and a model cannot be adapted to none; give a recording of speech")
        problems = self.table["problem"].astype(object).where(self.table["problem"].notna(), None)
        flags = [SignalFlags(silent=s, problem=p) for s, p in zip(self.table["silent"], problems, strict=True)]
        is_used = [reason is None for reason in why_unusable(flags, self.table["not_speech"])]
        return (model or load_model()).adapt(self.features[is_used])

    def to_csv(self, path: str | Path) -> None:
        """Write the table as CSV, times in seconds.

        Args:
            path: The file.

        Raises:
            StorageError: If it cannot be written.
        """
        self.write(path, "csv")

    def write(self, path: str | Path, format: str = "csv", *, overwrite: bool = True) -> None:
        """Write the table, times in seconds.

        Args:
            path: The file.
            format: ``csv``, ``json`` (an object a line) or ``parquet``.
            overwrite: Whether an existing file may be replaced.

        Raises:
            ConfigError: If the format is unknown.
            StorageError: If it cannot be written.
        """
        if format not in FORMATS:
            raise ConfigError(f"format {format!r} is unknown; expected {', '.join(FORMATS)}")
        if format == "parquet":
            require("a table as parquet", "parquet", "pyarrow")
        with new_file(Path(path), overwrite=overwrite) as temporary:
            if format == "parquet":
                self.flat().to_parquet(temporary, index=False)
            else:
                with temporary.open("w", encoding="utf-8") as handle:
                    handle.writelines(f"{line}\n" for line in self.lines(format))

    def lines(self, format: str = "csv") -> Iterator[str]:
        """Give the table as text.

        Args:
            format: ``csv``, its header first, or ``json``.

        Yields:
            Lines without their ends.
        """
        flat = self.flat()
        if format == "csv":
            yield csv_header(list(flat.columns))
        for row in flat.to_dict("records"):
            yield text_line({str(name): value for name, value in row.items()}, format)

    def flat(self) -> pd.DataFrame:
        """Give the table with ``file``, ``start`` and ``end`` as columns, times in seconds.

        Returns:
            A copy.
        """
        flat = self.table.reset_index()
        for time in ("start", "end"):
            flat[time] = pd.TimedeltaIndex(flat[time]).total_seconds()
        return flat

    def picture(self, path: str | Path, *, overwrite: bool = True) -> None:
        """Draw the trajectories over time and the path across the map.

        Args:
            path: A ``.png`` or ``.svg`` file.
            overwrite: Whether an existing file may be replaced.

        Raises:
            ConfigError: If the suffix is another, matplotlib is not installed, or the model gives no activation and
                valence.
            StorageError: If it cannot be written.
        """
        from affectmap.track.picture import draw_track

        lengths = {"duration_s": self.duration_s, "smoothing_s": self.smoothing_s}
        draw_track(self.flat(), Path(path), overwrite=overwrite, **lengths)


def track(
    recording: str | Path,
    model: Model | None = None,
    *,
    window_s: float | None = None,
    hop_s: float | None = None,
    statistics: str = "source",
    n_speakers: int | None = None,
    enrol: str | Path | None = None,
    smoothing_s: float | None = None,
    channel: int | None = None,
    cache: RecordingCache | None = None,
    n_jobs: int | None = None,
    progress: Callable[[float, float], None] | None = None,
) -> Track:
    """Follow a voice through a recording.

    Args:
        recording: A file of any length, format, rate and number of channels.
        model: The model; by default the one that comes with the package.
        window_s: Length of fixed windows in seconds; by default detected speech is measured, in segments of 1 to 7 s.
        hop_s: Time from one window to the next; by default windows touch.
        statistics: Whose mean and standard deviation standardise: ``source``, ``recording`` or ``running``; see
            `affectmap.track.running_statistics`.
        n_speakers: 2 to tell two speakers apart; by default they are not.
        enrol: A recording of the voice wanted, alone: segments of another get no values.
        smoothing_s: Smoothing of the levels, standard deviation in seconds; by default
            `default_smoothing`.
        channel: The only channel to be read, counted from 1; by default all are mixed down as
            `affectmap.audio.channels` has it.
        cache: What was measured before; by default nothing is looked up, and nothing kept.
        n_jobs: Threads that measure; one a core by default. The result does not depend on it.
        progress: Called with the seconds read and in total.

    Returns:
        The track; without rows where there is no speech, and a note says so.

    Raises:
        AudioError: If the recording cannot be read.
        ConfigError: If a setting is out of range, or the model is not made for 16 kHz.

    Example:
        >>> import soundfile, tempfile
        >>> file = Path(tempfile.mkdtemp()) / "hum.wav"
        >>> soundfile.write(file, 0.3 * np.sin(2 * np.pi * 220 * np.arange(6 * 16000) / 16000), 16000)
        >>> found = track(file, window_s=3)
        >>> found.table["not_speech"].tolist(), found.duration_s
        ([True, True], 6.0)
        >>> soundfile.write(file, np.zeros(6 * 16000), 16000)
        >>> track(file).notes
        ['no speech was found in its 6.0 s']
    """
    if smoothing_s is not None and not 0.1 <= smoothing_s <= 3600:
        raise ConfigError(f"smoothing is {smoothing_s:g} s, expected 0.1 to 3600 s")
    if n_jobs is not None and n_jobs < 1:
        raise ConfigError(f"n_jobs is {n_jobs}, expected at least 1, or None for one a core")
    check_speakers(n_speakers, enrol)
    model, cutter, source = _fitting(model), _cutter(window_s, hop_s), Recording(recording, channel)
    standardising = SpeakerStandardising(model, statistics)
    total_s, names_speakers = source.duration_s, n_speakers == 2 or enrol is not None
    report = (lambda seconds: progress(min(seconds, total_s), total_s)) if progress else None
    bandwidth, n_threads = Bandwidth(RATE), n_jobs or os.cpu_count() or 1
    if names_speakers:
        turns = find_turns(
            source, lambda: _cutter(window_s, hop_s), enrol=enrol, split=window_s is None, progress=_half(report, 0.0)
        )
        measured = measured_turns(turns, model, n_threads, _half(report, total_s), cache, bandwidth)
        told, source = turns.notes, turns.by_channel[-1][0]
    else:
        measured = list(measured_segments(source, cutter, model, n_threads, report, cache, bandwidth))
        told = cutter.notes()
    table = _table(str(recording), measured, standardising)
    if names_speakers:
        table.insert(1, "speaker", pd.Series([each.speaker for each in measured], table.index, dtype=object))
    narrow = band_note(bandwidth, source, model)
    table["narrow_band"], table["uneven_channels"] = narrow is not None, bool(source.mix.notes)
    duration_s = source.seconds_read
    smoothing_s = smoothing_s or default_smoothing(duration_s)
    add_levels(table, smoothing_s)
    notes = [*rate_notes(source, narrow), *source.notes(), *told, *standardising.notes()]
    notes += row_notes(table)
    if not len(table):
        notes.append(f"no speech was found in its {duration_s:.1f} s")
    features = np.array([each.functionals for each in measured], np.float64).reshape(-1, standardising.n_features)
    return Track(table, notes, duration_s, smoothing_s, features)


def track_stream(
    handle: Readable,
    sampling_rate: int,
    model: Model | None = None,
    *,
    window_s: float | None = 3.0,
    hop_s: float | None = None,
    statistics: str = "source",
    notify: Callable[[str], None] | None = None,
) -> Iterator[dict[str, Any]]:
    """Follow a voice while it speaks: raw samples, 16 bit, little-endian, mono.

    A row comes as soon as its window is complete, and has the same values as that of `track` for a file
    of the same samples. There are no levels: they need what comes after. Memory does not grow.

    Args:
        handle: Open for reading bytes, such as ``sys.stdin.buffer``.
        sampling_rate: In Hz.
        model: The model; by default the one that comes with the package.
        window_s: Length of fixed windows in seconds; None for detected speech, whose rows come when it pauses.
        hop_s: Time from one window to the next; by default windows touch.
        statistics: ``source`` or ``running``.
        notify: Called with notes, for people.

    Yields:
        Rows: ``file`` (``-``), ``start`` and ``end`` in seconds, and the columns of the table but for levels;
        ``narrow_band`` as far as was heard until then.

    Raises:
        ConfigError: If a setting is out of range, or `statistics` would need the whole recording.

    Example:
        >>> import io
        >>> rows = list(track_stream(io.BytesIO(bytes(2 * 16000 * 4)), 16000))
        >>> [(row["start"], row["end"], row["silent"]) for row in rows]
        [(0.0, 3.0, True), (3.0, 4.0, True)]
    """
    if statistics == "recording":
        raise ConfigError("the statistics of a whole recording are not known in a stream; take source or running")
    model, cutter, source = _fitting(model), _cutter(window_s, hop_s), PulseCode(handle, sampling_rate)
    standardising = SpeakerStandardising(model, statistics)
    tell = notify or (lambda note: None)
    for note in rate_notes(source, None):
        tell(note)
    bandwidth = Bandwidth(RATE)
    for measured in measured_segments(source, cutter, model, 0, bandwidth=bandwidth):
        values = _values([measured], standardising).to_dict("records")[0]
        values["narrow_band"] = band_note(bandwidth, source, model) is not None
        yield {"file": "-", "start": measured.start_s, "end": measured.end_s, **{str(k): v for k, v in values.items()}}
    for note in [*source.notes(), *cutter.notes()]:
        tell(note)


def _half(report: Callable[[float], None] | None, before_s: float) -> Callable[[float], None] | None:
    """Report one of two readings as half of the work."""
    return (lambda seconds: report((before_s + seconds) / 2)) if report else None


def _fitting(model: Model | None) -> Model:
    if model is None:
        model = load_model()
    model.check_takes_recordings()
    if model.sampling_rate != RATE:
        raise ConfigError(f"the model measures at {model.sampling_rate} Hz; a track is measured at {RATE} Hz")
    return model


def _cutter(window_s: float | None, hop_s: float | None) -> Cutter:
    if window_s is not None:
        return WindowCutter(window_s, hop_s)
    if hop_s is not None:
        raise ConfigError(f"a hop of {hop_s:g} s goes with fixed windows; give window_s, or no hop for detected speech")
    return SpeechCutter()


def _table(file: str, measured: Sequence[Measured], standardising: SpeakerStandardising) -> pd.DataFrame:
    times = [pd.to_timedelta([getattr(each, name) for each in measured], unit="s") for name in ("start_s", "end_s")]
    index = segmented_index([file] * len(measured), *times)
    return _values(measured, standardising).set_index(index)


def _values(measured: Sequence[Measured], standardising: SpeakerStandardising) -> pd.DataFrame:
    functionals = np.array([each.functionals for each in measured], np.float64)
    functionals = functionals.reshape(-1, standardising.n_features)
    speech = np.array([each.speech for each in measured], np.float64)
    silent = np.array([each.flags.silent for each in measured], np.bool_)
    ends_s = np.array([each.end_s for each in measured], np.float64)
    table = standardising.transform(
        functionals, ~silent & ~(speech < MIN_SPEECH), ends_s, [each.speaker for each in measured]
    )
    for flag in SIGNAL_FLAGS:
        table[flag] = np.array([getattr(each.flags, flag) for each in measured], np.bool_)
    table["not_speech"] &= ~table["quiet"]
    table["not_speech"] |= speech < MIN_SPEECH
    open_intervals(table, table["not_speech"].to_numpy())
    table.insert(0, "speech", speech)
    table["problem"] = pd.Series([each.flags.problem for each in measured], table.index, dtype=object)
    return table


def csv_header(names: Iterable[str]) -> str:
    """Write the head of a CSV table as a line without its end."""
    return csv_line(names)


def text_line(row: Mapping[str, Any], format: str) -> str:
    """Write a row as CSV or JSON, a line without its end: six significant digits, times with four behind the point."""
    cells = {name: _rounded(name, value) for name, value in row.items()}
    if format == "json":
        return json.dumps(cells, ensure_ascii=False, allow_nan=False)
    return csv_line(cells.values())


def _rounded(name: str, value: object) -> object:
    if hasattr(value, "item"):
        value = value.item()
    if not isinstance(value, float):
        return value
    if value != value:
        return None
    return round(value, 4) if name in _TIMES else float(f"{value:.6g}")
