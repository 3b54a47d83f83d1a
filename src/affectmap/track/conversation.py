"""Who speaks in a recording: by channel where each of two holds a voice, else by how the voices sound.

Conventions:
    * Speakers are called S1 and S2 in the order of first speech; with an enrolled voice ``enrolled`` and ``another``.
    * A recording is read twice: once to find out who speaks when, and once to measure. Of an hour only the embeddings
      of its windows, 6 numbers each 0.8 s, and a level each 32 ms are kept in between.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np

from affectmap.audio.conditions import Bandwidth
from affectmap.audio.quality import SignalFlags
from affectmap.audio.reading import Signal
from affectmap.audio.speech_detection import CHUNK, RATE, Cutter
from affectmap.audio.stream import Recording
from affectmap.errors import AudioError, ConfigError
from affectmap.features.recordings import RecordingCache
from affectmap.model.model import Model
from affectmap.schema import Floats, Mask
from affectmap.text import counted, number
from affectmap.track.segments import Measured, cut_segments, measured_segments
from affectmap.track.speaker_embedding import embed_windows
from affectmap.track.speakers import LEAST_EVIDENCE, MIN_WINDOWS, Separation, separate
from affectmap.track.turns import Levels, Turn, TurnCutter, split_segment, states_by_chunk

#: Names of the speakers, without and with an enrolled voice.
NAMES, ENROLLED = ("S1", "S2"), ("enrolled", "another")
#: Mean probability of speech below which a segment counts as no speech.
MIN_SPEECH = 0.25

_BLEED_DB = 6.0  # a channel in which the other is louder by more, each against its own loudest, holds the other's voice
_LOUD = 99.0  # percentile of a channel's levels that is its loudest
_SMOOTHED = 15  # chunks, half a second
_QUIETER_DB = 30.0  # than the loudest segment: no voice, where no detector says so


class Turns(NamedTuple):
    """Who speaks when.

    Attributes:
        by_channel: Turns to be measured in each source: one, or one a channel.
        notes: How they were told apart, sentences for people.
    """

    by_channel: list[tuple[Recording, list[Turn]]]
    notes: list[str]


class _Segment(NamedTuple):
    """A segment of the first reading: where it lies, and its windows; none where it is no speech."""

    first: int
    last: int
    speech: float
    loudness: float
    embeddings: Floats
    middles: Floats


def check_speakers(n_speakers: int | None, enrol: str | Path | None) -> None:
    """Raise a `ConfigError` unless the settings go together; call it before long work."""
    if n_speakers is not None and enrol is not None:
        raise ConfigError("an enrolled voice is told from all others; give n_speakers or enrol, not both")
    if n_speakers is not None and n_speakers not in (1, 2):
        raise ConfigError(f"n_speakers is {n_speakers}, expected 1 or 2: more voices are not told apart")


def find_turns(
    source: Recording,
    new_cutter: Callable[[], Cutter],
    *,
    enrol: str | Path | None = None,
    split: bool = True,
    progress: Callable[[float], None] | None = None,
) -> Turns:
    """Read a recording and find out which of two speaks when.

    Args:
        source: The recording.
        new_cutter: Makes what cuts it into segments.
        enrol: A recording of the voice wanted, alone; by default two unknown voices are told apart.
        split: Whether segments are split where the speaker changes; fixed windows are not.
        progress: Called with the seconds read.

    Returns:
        The turns.

    Raises:
        AudioError: If a recording cannot be read, or there is too little speech to enrol a voice from.

    Example:
        >>> import soundfile, tempfile
        >>> from affectmap.audio.speech_detection import WindowCutter
        >>> file = Path(tempfile.mkdtemp()) / "hum.wav"
        >>> soundfile.write(file, 0.3 * np.sin(2 * np.pi * 220 * np.arange(6 * 16000) / 16000), 16000)
        >>> find_turns(Recording(file), lambda: WindowCutter(3.0), split=False).notes
        ['one voice was found, S1: ...']
    """
    if enrol is None and source.mix.n_voices == 2 and sum(weight > 0 for weight in source.mix.weights) == 2:
        return _turns_by_channel(source, new_cutter, progress)
    known = None if enrol is None else _enrolled(Path(enrol), new_cutter())
    cutter, levels = new_cutter(), Levels()
    segments = list(_segments(source, cutter, levels, progress))
    used = [each for each in segments if len(each.embeddings)]
    embeddings = np.concatenate([each.embeddings for each in used]) if used else np.zeros((0, 1))
    found = separate(embeddings, _after_pauses(used), known)
    turns = _split(segments, found, levels.decibels(), ENROLLED if enrol else NAMES, split)
    return Turns([(source, turns)], [*cutter.notes(), *_voice_notes(found, turns, len(embeddings), enrol)])


def measured_turns(
    turns: Turns,
    model: Model,
    n_threads: int,
    progress: Callable[[float], None] | None = None,
    cache: RecordingCache | None = None,
    bandwidth: Bandwidth | None = None,
) -> list[Measured]:
    """Read the recording once more and measure the turns; of another voice than the enrolled one, nothing.

    Arguments are those of `affectmap.track.segments.measured_segments`; the result is in the order of begins.
    """
    rows: list[Measured] = []
    for i, (source, mine) in enumerate(turns.by_channel):
        n_sources = len(turns.by_channel)
        report = _part(progress, i, n_sources, source.duration_s)
        wanted = [turn for turn in mine if turn.wanted]
        measured = measured_segments(source, TurnCutter(wanted), model, n_threads, report, cache, bandwidth)
        rows += [each._replace(speaker=turn.speaker) for each, turn in zip(measured, wanted, strict=True)]
        rows += [_not_measured(turn, len(model.inputs)) for turn in mine if not turn.wanted]
    return sorted(rows, key=lambda each: (each.start_s, each.end_s))


def _not_measured(turn: Turn, n_features: int) -> Measured:
    flags = SignalFlags(problem="another voice than the enrolled one")
    none = np.full(n_features, np.nan)
    return Measured(turn.first / RATE, turn.last / RATE, turn.speech, none, flags, turn.speaker)


def _part(
    progress: Callable[[float], None] | None, i: int, n_parts: int, total_s: float
) -> Callable[[float], None] | None:
    """Report seconds of one of several readings as its part of the whole."""
    return (lambda seconds: progress((i * total_s + seconds) / n_parts)) if progress else None


def _segments(
    source: Recording, cutter: Cutter, levels: Levels, progress: Callable[[float], None] | None = None
) -> Iterator[_Segment]:
    for segment in cut_segments(source, cutter, progress, levels.add):
        is_speech = not segment.speech < MIN_SPEECH and bool(segment.signal.any())
        embeddings, middles = embed_windows(segment.signal) if is_speech else (np.zeros((0, 1)), np.zeros(0))
        first, last = segment.first, segment.first + len(segment.signal)
        yield _Segment(first, last, segment.speech, _loudness(segment.signal), embeddings, first + middles * RATE)


def _after_pauses(segments: list[_Segment]) -> Mask:
    """Mark the windows before which nobody spoke; segments that touch were one until they grew too long."""
    marks, end = [], -1
    for each in segments:
        marks += [each.first > end, *[False] * (len(each.embeddings) - 1)]
        end = each.last
    return np.array(marks, dtype=np.bool_)


def _loudness(signal: Signal) -> float:
    return float(10 * np.log10(max(float(np.var(signal, dtype=np.float64)), 1e-13)))


def _split(
    segments: list[_Segment], found: Separation, levels: Floats, names: tuple[str, str], split: bool
) -> list[Turn]:
    turns, n_before = [], 0
    loudest = max((each.loudness for each in segments), default=0.0)
    for each in segments:
        states = found.states[n_before : n_before + len(each.embeddings)]
        n_before += len(states)
        is_quiet = np.isnan(each.speech) and each.loudness < loudest - _QUIETER_DB
        if not len(states) or is_quiet:
            turns.append(Turn(each.first, each.last, each.speech))
        elif split:
            chunks = states_by_chunk(each.first, each.last, each.middles, states, levels)
            for first, last, state in split_segment(each.first, each.last, chunks):
                turns.append(Turn(first, last, each.speech, names[state], names[state] != ENROLLED[1]))
        else:
            name = names[int(states.mean() > 0.5)]
            turns.append(Turn(each.first, each.last, each.speech, name, name != ENROLLED[1]))
    return turns


def _enrolled(file: Path, cutter: Cutter) -> Floats:
    segments = list(_segments(Recording(file), cutter, Levels()))
    embeddings = [each.embeddings for each in segments if len(each.embeddings)]
    if sum(map(len, embeddings)) < MIN_WINDOWS:
        seconds = sum(each.last - each.first for each in segments if len(each.embeddings)) / RATE
        raise AudioError(f"{file}: {seconds:.1f} s of speech are too little to enrol a voice; give 4 s or more, alone")
    return np.concatenate(embeddings)


def _voice_notes(found: Separation, turns: list[Turn], n_windows: int, enrol: str | Path | None) -> list[str]:
    if not n_windows:
        return []
    told = f"evidence for a second is {number(found.evidence, 2)} a window, {LEAST_EVIDENCE:g} are needed"
    if found.n_speakers == 1 and enrol is None:
        return [f"one voice was found, S1: {told}"]
    if found.n_speakers == 1:
        return [f"no other voice than the enrolled one was found: {told}"]
    how = "from the enrolled one" if enrol else "by how they sound"
    return [f"two voices were told apart {how}: {_shares(turns)}; docs/track.md says how often that errs"]


def _shares(turns: list[Turn]) -> str:
    """Say how many seconds each speaks."""
    seconds: dict[str, float] = {}
    for turn in turns:
        if turn.speaker:
            seconds[turn.speaker] = seconds.get(turn.speaker, 0.0) + (turn.last - turn.first) / RATE
    return ", ".join(f"{name} speaks {length:.1f} s" for name, length in sorted(seconds.items()))


def _turns_by_channel(
    source: Recording, new_cutter: Callable[[], Cutter], progress: Callable[[float], None] | None
) -> Turns:
    """Give each of two channels its turns; where the other's voice is in it louder than its own, that is left out."""
    channels = [channel for channel, weight in enumerate(source.mix.weights, start=1) if weight > 0]
    sources = [Recording(source.file, channel) for channel in channels]
    levels, segments, notes = [Levels(), Levels()], [], []
    for i, each in enumerate(sources):
        cutter = new_cutter()
        found = cut_segments(each, cutter, _part(progress, i, 2, source.duration_s), levels[i].add)
        segments.append([Turn(part.first, part.first + len(part.signal), part.speech) for part in found])
        notes += [f"channel {channels[i]}: {note}" for note in cutter.notes()]
    advantage = _advantage(*(each.decibels() for each in levels))
    owned = [_own(turns, advantage * sign) for turns, sign in zip(segments, (1, -1), strict=True)]
    order = sorted((0, 1), key=lambda i: owned[i][0].first if owned[i] else np.inf)
    named = {i: [turn._replace(speaker=NAMES[rank]) for turn in owned[i]] for rank, i in enumerate(order)}
    n_left_out = sum(map(len, segments)) - sum(map(len, owned))
    who = ", ".join(f"{NAMES[rank]} is channel {channels[i]}" for rank, i in enumerate(order))
    notes.append(f"each of two channels holds a voice of its own: {who}; {_shares([*named[0], *named[1]])}")
    if n_left_out > 0:
        notes.append(f"{counted(n_left_out, 'segment')} of the other's voice in a channel left out")
    return Turns([(sources[i], named[i]) for i in order], notes)


def _advantage(one: Floats, other: Floats) -> Floats:
    """By how many dB a channel is louder than the other, each against its loudest, smoothed over half a second."""
    n_chunks = min(len(one), len(other))
    if not n_chunks:
        return np.zeros(0)
    relative = [levels[:n_chunks] - np.percentile(levels, _LOUD) for levels in (one, other)]
    difference = np.clip(relative[0] - relative[1], -20, 20)
    return np.convolve(difference, np.full(_SMOOTHED, 1 / _SMOOTHED), mode="same")[:n_chunks]


def _own(turns: list[Turn], advantage: Floats) -> list[Turn]:
    own = []
    for turn in turns:
        states = (advantage[turn.first // CHUNK : -(-turn.last // CHUNK)] < -_BLEED_DB).astype(np.int64)
        parts = split_segment(turn.first, turn.last, states) if len(states) else []
        own += [turn._replace(first=first, last=last) for first, last, state in parts if state == 0]
    return own
