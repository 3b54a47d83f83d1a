"""Descriptors that eGeMAPS has not: cepstral peak, speaking rate, shape of the pitch contour, rhythm and modulation.

Conventions: contours have one value every 10 ms; what cannot be measured is NaN.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from affectmap.egemaps import lld
from affectmap.egemaps.cepstral_peak import cepstral_peak_prominence
from affectmap.egemaps.framing import STEP_S, FrameGrid, quantise
from affectmap.egemaps.spectra import long_plan, power
from affectmap.egemaps.syllables import Timing, find_syllables, frame_level
from affectmap.schema import Floats, Rows

#: Frames that a stretch of voice must have to have a slope.
SHORTEST_STRETCH = 8
#: Frames at the end of the last stretch that its final movement is measured over, 150 ms.
FINAL_FRAMES = 15
#: So far, in semitones, pitch moves before it turns.
TURN_SEMITONES = 1.0
MODULATION_BANDS_HZ = ((1.0, 2.0), (2.0, 4.0), (4.0, 8.0), (8.0, 16.0))
#: Points of the transform of the envelope, long enough for steps of 0.024 Hz.
N_TRANSFORM = 4096


def all_descriptors(signal: Floats, sampling_rate: int) -> dict[str, dict[str, float]]:
    """Measure a recording: values by group and name."""
    grid = FrameGrid.at(sampling_rate)
    plan, samples = long_plan(grid), quantise(signal)
    powers = power(plan.transform(grid.frames(samples, grid.long, grid.n_frames(len(signal), grid.long))))
    semitones = lld(signal, sampling_rate)["F0semitoneFrom27.5Hz_sma3nz"][:-1]
    timing = find_syllables(frame_level(powers, plan), semitones > 0)
    envelope = np.sqrt(np.square(grid.frames(samples, grid.short, grid.n_frames(len(signal), grid.short))).mean(axis=1))
    return {
        "CPP": cepstral_peaks(cepstral_peak_prominence(powers, plan), semitones > 0),
        "rate": rates(timing, semitones > 0),
        "pitch shape": pitch_shape(semitones),
        "rhythm": {**rhythm(timing), **modulation(envelope)},
    }


def cepstral_peaks(cpp: Floats, voiced: Floats) -> dict[str, float]:
    """Give the mean over all frames, and mean, deviation and percentile 20 over voiced ones, in dB."""
    inside = cpp[voiced]
    return {
        "cpp": _or_nan(np.mean, cpp),
        "cpp_voiced": _or_nan(np.mean, inside),
        "cpp_voiced_sd": _or_nan(np.std, inside),
        "cpp_voiced_low": _or_nan(lambda values: np.percentile(values, 20), inside),
    }


def rates(timing: Timing, voiced: Floats) -> dict[str, float]:
    """Give syllables a second with and without pauses, pauses a minute, their share, and the voiced share of speech."""
    span, silent, n_pauses = timing.span_s, float(timing.pauses_s.sum()), len(timing.pauses_s)
    if not span:
        return dict.fromkeys(("speaking_rate", "articulation_rate", "pauses", "pause_share", "voiced_share"), np.nan)
    n_frames = (span - silent) / STEP_S
    return {
        "speaking_rate": len(timing.nuclei) / span,
        "articulation_rate": len(timing.nuclei) / (span - silent),
        "pauses": 60 * n_pauses / span,
        "pause_share": silent / span,
        "voiced_share": sum(float(voiced[first : last + 1].sum()) for first, last in timing.speech) / n_frames,
    }


def pitch_shape(semitones: Floats) -> dict[str, float]:
    """Describe the shape of the pitch contour, in semitones and seconds.

    * ``range``: percentile 95 minus 5, ``skew``: (P95 + P5 - 2 P50) / (P95 - P5), -1 to 1.
    * ``declination`` and ``curvature``: least-squares a₁ in st/s and a₂ in st/s² of a₀ + a₁ t + a₂ t² over all voiced
      frames, t from their middle.
    * ``slope``, ``slope_sd`` and ``bend``: of the stretches of voice of 80 ms or more, mean and deviation of their
      slopes in st/s, and mean of |slope of the second half - slope of the first|.
    * ``speed``: median of |change| between voiced neighbours, in st/s.
    * ``turns``: rises and falls of a semitone or more a second of voice.
    * ``final``: slope of the last 150 ms of the last stretch, in st/s.
    """
    names = ("range", "skew", "declination", "curvature", "slope", "slope_sd", "bend", "speed", "turns", "final")
    found = dict.fromkeys(names, np.nan)
    places = np.flatnonzero(semitones > 0)
    stretches = [part for part in np.split(places, np.flatnonzero(np.diff(places) > 1) + 1) if len(part) > 1]
    long = [semitones[part] for part in stretches if len(part) >= SHORTEST_STRETCH]
    if not long:
        return found
    low, middle, high = np.percentile(semitones[places], [5, 50, 95])
    found |= {"range": high - low, "skew": (high + low - 2 * middle) / max(high - low, 1e-6)}
    time = (places - (places[0] + places[-1]) / 2) * STEP_S
    found["curvature"], found["declination"], _ = np.polyfit(time, semitones[places], 2)
    slopes = np.array([_slope(part) for part in long])
    halves = [abs(_slope(part[len(part) // 2 :]) - _slope(part[: len(part) // 2])) for part in long]
    found |= {"slope": slopes.mean(), "slope_sd": slopes.std(), "bend": float(np.mean(halves))}
    changes = np.concatenate([np.diff(semitones[part]) for part in stretches])
    found["speed"] = float(np.median(np.abs(changes))) / STEP_S
    found["turns"] = sum(_n_turns(semitones[part]) for part in stretches) / (len(places) * STEP_S)
    found["final"] = _slope(long[-1][-FINAL_FRAMES:])
    return {name: float(value) for name, value in found.items()}


def rhythm(timing: Timing) -> dict[str, float]:
    """Describe how even the intervals d between syllable nuclei are, those across pauses left out.

    * ``npvi``: 100 mean of |d_k - d_(k+1)| / ((d_k + d_(k+1)) / 2) (Grabe and Low 2002).
    * ``varco``: 100 standard deviation / mean (Dellwo 2006).
    """
    groups = [timing.nuclei[(timing.nuclei >= first) & (timing.nuclei <= last)] for first, last in timing.speech]
    intervals = [np.diff(group) * STEP_S for group in groups]
    pairs = np.concatenate([np.zeros((0, 2)), *(np.stack([each[:-1], each[1:]], axis=1) for each in intervals)])
    every = np.concatenate([np.zeros(0), *intervals])
    return {
        "npvi": _or_nan(lambda two: 100 * np.mean(np.abs(two[:, 0] - two[:, 1]) / two.mean(axis=1)), pairs),
        "varco": 100 * every.std() / every.mean() if len(every) > 1 else np.nan,
    }


def modulation(envelope: Floats) -> dict[str, float]:
    """Describe the modulation spectrum: that of the envelope e, the root mean square of the 20 ms frames.

    * ``depth``: standard deviation of e / mean of e.
    * ``modulation_1-2`` to ``modulation_8-16``: share of a band, in Hz, in |DFT(w (e - mean))|² from 1 to 16 Hz, w a
      Hann window over the recording (as Tilsen and Johnson 2008, without their filter for vowels).
    * ``modulation_centre``: mean frequency from 1 to 16 Hz, weighed by that, in Hz.
    """
    names = ["depth", *(f"modulation_{low:g}-{high:g}" for low, high in MODULATION_BANDS_HZ), "modulation_centre"]
    if len(envelope) < 50 or not envelope.any():
        return dict.fromkeys(names, np.nan)
    n_transform = max(N_TRANSFORM, 1 << (len(envelope) - 1).bit_length())
    spectrum = np.square(np.abs(np.fft.rfft((envelope - envelope.mean()) * np.hanning(len(envelope)), n_transform)))
    frequency = np.fft.rfftfreq(n_transform, STEP_S)
    used = (frequency >= 1) & (frequency < 16)
    total = max(float(spectrum[used].sum()), 1e-30)
    bands = [spectrum[(frequency >= low) & (frequency < high)].sum() / total for low, high in MODULATION_BANDS_HZ]
    centre = (frequency[used] * spectrum[used]).sum() / total
    values = [envelope.std() / envelope.mean(), *bands, centre]
    return dict(zip(names, map(float, values), strict=True))


def _slope(contour: Floats) -> float:
    return float(np.polyfit(np.arange(len(contour)) * STEP_S, contour, 1)[0]) if len(contour) > 1 else 0.0


def _n_turns(contour: Floats) -> int:
    """Count movements of `TURN_SEMITONES` or more, up and down in turns."""
    n_turns, direction, lowest, highest = 0, 0, float(contour[0]), float(contour[0])
    for value in contour.tolist():
        lowest, highest = min(lowest, value), max(highest, value)
        if direction <= 0 and value - lowest >= TURN_SEMITONES:
            n_turns, direction, highest = n_turns + 1, 1, value
        elif direction >= 0 and highest - value >= TURN_SEMITONES:
            n_turns, direction, lowest = n_turns + 1, -1, value
    return n_turns


def _or_nan(statistic: Callable[[Floats], Floats], values: Floats | Rows) -> float:
    return float(statistic(values)) if len(values) else np.nan
