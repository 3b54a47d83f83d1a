"""Flags for what is wrong with a recording; they stand beside its values, where it has any.

``too_short``
    lasts less than `MIN_DURATION_S`: nothing can be measured, the values are ``NaN``;
``silent``
    its peak, the offset removed, lies below `SILENCE_PEAK`: the values are those of silence and mean nothing;
``quiet``
    a faint voice, or what may be one: its loudest moments lie below the model's least level, so that pitch and timbre
    are found in part or not at all;
``clipped``
    too large a share of its samples lies at full scale, as from a microphone that was too loud, or lies far beyond it;
``narrow_band``
    its sound ends below the model's least bandwidth, as over the telephone, or its rate is lower than 0.8 of the
    model's: what lies higher is missing;
``uneven_channels``
    its channels are not one sound alike: some were left out, or several voices were added; the note says which;
``mostly_pause``
    more of it is pause, before, after or within the speech, than in nearly all training utterances; the values of the
    whole move with its share;
``rumble``
    too large a share of it lies below 20 Hz, where no voice is: an offset that drifts or jumps, wind, or a hand on the
    microphone; nobody hears it, and it moves the values;
``not_speech``
    too little of it is voiced, or its pitch or loudness stands still;
``unfamiliar``
    its functionals lie further from the statistics in use than nearly all training utterances did.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from affectmap.audio.channels import FULL_SCALE, Mix
from affectmap.audio.conditions import bandwidth_hz, measure_levels, rumble_share
from affectmap.audio.reading import MIN_DURATION_S, OVERLOAD_PEAK, Signal, is_silent
from affectmap.schema import FUNCTIONALS, Mask

#: Flags that the samples of a recording tell, before anything is measured.
SIGNAL_FLAGS = ("too_short", "silent", "quiet", "clipped", "narrow_band", "uneven_channels", "mostly_pause", "rumble")
FLAGS = (*SIGNAL_FLAGS, "not_speech", "unfamiliar")
#: In place of flags, where a recording has none.
NO_FLAGS = "none"
#: Thresholds that earlier models do not hold, and what counts then: a bandwidth in Hz, a level (root mean square of the
#: loudest moments, as a part of full scale; -35 dB), a share of the frames, and one of the root mean square.
LATER_THRESHOLDS = {"min_bandwidth_hz": 5200.0, "min_level": 0.0178, "max_pause_share": 0.6, "max_rumble_share": 0.2}
#: Share of the samples at full scale from which on a recording is clipped, where no model says otherwise.
CLIPPED_SHARE = 0.001
#: Numbers that a model must hold for its flags.
THRESHOLDS = (
    *("clipped_share", "min_voiced_share", "min_pitch_spread", "min_loudness_spread", "max_distance"),
    *LATER_THRESHOLDS,
)
#: Range of levels in dB from which on something quiet may be a voice and no room tone.
_VOICE_RANGE_DB = 12.0
#: A recording of a rate below this part of the one that is measured at lacks what lies higher, whatever it holds: at
#: 11,025 Hz four of ten recordings of EMO-DB, URDU and AESDD change their likeliest class, at 14,000 less than two.
_LOW_RATE_SHARE = 0.8

_VOICED_RATE = FUNCTIONALS.index("VoicedSegmentsPerSec")
_VOICED_LENGTH = FUNCTIONALS.index("MeanVoicedSegmentLengthSec")
_PITCH_SPREAD = FUNCTIONALS.index("F0semitoneFrom27.5Hz_sma3nz_stddevNorm")
_LOUDNESS_SPREAD = FUNCTIONALS.index("loudness_sma3_stddevNorm")


class SignalFlags(NamedTuple):
    """Flags from the samples alone; see the module.

    Attributes:
        problem: Why nothing can be measured, or ``None``.
        notes: Flags that need more words, and these; ``file`` for what is told of a file without a flag.
    """

    too_short: bool = False
    silent: bool = False
    quiet: bool = False
    clipped: bool = False
    narrow_band: bool = False
    uneven_channels: bool = False
    mostly_pause: bool = False
    rumble: bool = False
    problem: str | None = None
    notes: tuple[tuple[str, str], ...] = ()

    @property
    def note(self) -> str | None:
        """All notes as one text, or ``None``."""
        return "; ".join(text for _, text in self.notes) or None

    def with_channels(self, mix: Mix, notes: Sequence[str]) -> SignalFlags:
        """Add what is to be told of the channels, and the other notes of a reading."""
        kinds = (("uneven_channels" if note in mix.notes else "file", note) for note in notes)
        told = (*self.notes, *kinds)
        return self._replace(clipped=self.clipped or mix.clipped, uneven_channels=bool(mix.notes), notes=told)

    def with_levels(
        self,
        signal: Signal,
        sampling_rate: int,
        own_rate: int,
        *,
        min_bandwidth_hz: float,
        min_level: float,
        max_pause_share: float,
        max_rumble_share: float,
    ) -> SignalFlags:
        """Add what bandwidth and levels tell.

        Args:
            signal: As it is measured.
            sampling_rate: Of the signal, in Hz.
            own_rate: That of the recording.
            min_bandwidth_hz: The bandwidth below which it is narrow; 0 for never.
            min_level: Part of full scale below which its loudest moments are quiet; 0 for never.
            max_pause_share: Share of pauses above which it is mostly pause; 1 for never.
            max_rumble_share: Share of the root mean square below 20 Hz above which it is rumble; 1 for never.
        """
        if self.silent:
            return self
        levels = measure_levels(signal, sampling_rate)
        is_quiet = levels.loudest_db < 20 * np.log10(max(min_level, 1e-9)) and levels.range_db >= _VOICE_RANGE_DB
        is_pause = levels.pause_share > max_pause_share
        notes = {}
        if is_quiet:
            notes["quiet"] = f"its loudest moments are at {levels.loudest_db:.0f} dB of full scale; record it louder"
        if is_pause:
            notes["mostly_pause"] = f"{levels.pause_share:.0%} of it is pause; cut silence off before and after speech"
        if is_rumble := rumble_share(signal, sampling_rate) > max_rumble_share:
            notes["rumble"] = "its offset moves, or it holds much below 20 Hz; take that out with a high-pass filter"
        bandwidth = bandwidth_hz(signal, sampling_rate) if min_bandwidth_hz else 0.0
        if note := narrow_band_note(bandwidth, sampling_rate, own_rate, min_bandwidth_hz):
            notes["narrow_band"] = note
        flags = self._replace(quiet=bool(is_quiet), mostly_pause=is_pause, rumble=is_rumble)
        return flags._replace(narrow_band="narrow_band" in notes, notes=(*self.notes, *notes.items()))


def narrow_band_note(bandwidth: float, sampling_rate: int, own_rate: int, least_hz: float) -> str | None:
    """Say in words that a bandwidth is narrow, or ``None`` if it is not.

    Example:
        >>> narrow_band_note(3900.0, 16000, 8000, 5200.0)
        'recorded at 8000 Hz: its sound ends near 3.9 kHz'
        >>> narrow_band_note(5500.0, 16000, 11025, 5200.0)
        'recorded at 11025 Hz: its sound ends near 5.5 kHz'
        >>> narrow_band_note(3400.0, 16000, 44100, 5200.0)
        'its sound ends near 3.4 kHz, as over the telephone'
    """
    is_low_rate = least_hz > 0 and own_rate < _LOW_RATE_SHARE * sampling_rate
    if not (is_low_rate or 0 < bandwidth < least_hz < sampling_rate / 2):
        return None
    if is_low_rate:
        bandwidth = min(bandwidth, own_rate / 2) or own_rate / 2  # resampling may leave a trace above it
        return f"recorded at {own_rate} Hz: its sound ends near {bandwidth / 1000:.1f} kHz"
    return f"its sound ends near {bandwidth / 1000:.1f} kHz, as over the telephone"


def notes_on(names: Sequence[str], flags: Sequence[SignalFlags]) -> list[str]:
    """Tell of many recordings what their notes say, a line for every flag.

    Example:
        >>> narrow = SignalFlags(notes=(("narrow_band", "its sound ends near 3.4 kHz"),))
        >>> notes_on(["a.wav", "b.wav", "c.wav"], [SignalFlags(), narrow, narrow])
        ['narrow_band: 2 of 3 recordings, first b.wav: its sound ends near 3.4 kHz']
    """
    collected = FlagNotes()
    for name, found in zip(names, flags, strict=True):
        collected.add(name, found)
    return collected.lines()


class FlagNotes:
    """What notes of many recordings say, by flag: how many there are, and the first; see `notes_on`."""

    def __init__(self) -> None:
        self._n_recordings = 0
        self._told: dict[str, tuple[int, str, str]] = {}

    def add(self, name: str, flags: SignalFlags) -> None:
        """Take in a recording."""
        self._n_recordings += 1
        for flag in dict.fromkeys(flag for flag, _ in flags.notes):
            text = "; ".join(text for each, text in flags.notes if each == flag)
            count, first, its_text = self._told.get(flag, (0, name, text))
            self._told[flag] = count + 1, first, its_text

    def lines(self) -> list[str]:
        """Give a line for every flag."""
        return [
            f"{flag}: {count} of {self._n_recordings} recordings, first {name}: {text}"
            if count > 1
            else f"{name}: {text}"
            for flag, (count, name, text) in self._told.items()
        ]


def flags_text(flags: Mapping[str, Iterable[bool]]) -> list[str]:
    """Write the flags of many recordings as one text each.

    Args:
        flags: Whether each recording has a flag (N,), by the flag's name.

    Example:
        >>> flags_text({"silent": [True, False, False], "clipped": [True, False, True]})
        ['silent, clipped', 'none', 'clipped']
    """
    rows = zip(*flags.values(), strict=True)
    return [", ".join(name for name, has_it in zip(flags, row, strict=True) if has_it) or NO_FLAGS for row in rows]


def signal_flags(signal: Signal, sampling_rate: int, clipped_share: float) -> SignalFlags:
    """Look at the samples of a recording; `clipped_share` is the share at full scale from which on it is clipped."""
    duration = len(signal) / sampling_rate
    if duration < MIN_DURATION_S:
        silent = not np.isnan(signal).any() and is_silent(signal)
        problem = f"lasts {duration:.4g} s, expected at least {MIN_DURATION_S} s"
        return SignalFlags(too_short=True, silent=silent, problem=problem)
    low, high = float(signal.min()), float(signal.max())
    if not np.isfinite(low + high):
        n_strange = int(np.count_nonzero(~np.isfinite(signal)))
        return SignalFlags(problem=f"{n_strange} of {len(signal)} samples are NaN or infinity")
    peak = max(-low, high)
    if peak > OVERLOAD_PEAK:
        return SignalFlags(clipped=True, problem=f"peaks at {peak:.3g}, expected -1..1; scale it to full scale 1")
    share = float(np.mean(np.abs(signal) >= FULL_SCALE))
    return SignalFlags(silent=is_silent(signal), clipped=share >= clipped_share)


def not_speech(functionals: npt.NDArray[np.float64], thresholds: Mapping[str, float]) -> Mask:
    """Which utterances do not sound like speech.

    The voiced share is the number of voiced segments a second times their mean length, the spread of pitch (loudness)
    the standard deviation of pitch in semitones (of loudness) over its mean. Noise has no voiced part; the pitch of a
    tone and the loudness of hums, chords and melodies do not change. Music, song and animals may pass.

    Args:
        functionals: (N, F), the 88 last.
        thresholds: ``min_voiced_share``, ``min_pitch_spread`` and ``min_loudness_spread``: below one of them it is no
            speech.

    Returns:
        True for what is no speech (N,); False where the functionals are ``NaN``.

    Example:
        >>> least = {"min_voiced_share": 0.02, "min_pitch_spread": 0.005, "min_loudness_spread": 0.15}
        >>> not_speech(np.zeros((1, 88)), least)
        array([ True])
    """
    functionals = functionals[:, -len(FUNCTIONALS) :]
    voiced_share = functionals[:, _VOICED_RATE] * functionals[:, _VOICED_LENGTH]
    return (
        (voiced_share < thresholds["min_voiced_share"])
        | (functionals[:, _PITCH_SPREAD] < thresholds["min_pitch_spread"])
        | (functionals[:, _LOUDNESS_SPREAD] < thresholds["min_loudness_spread"])
    )
