"""A voice in numbers that people read: pitch, noise, cepstral peak, speaking rate and pauses.

They are no part of eGeMAPSv02 and go into no model. Each has a unit, and is NaN where it cannot be measured.
"""

from collections.abc import Iterator

import numpy as np

from affectmap.egemaps.cepstral_peak import cepstral_peak_prominence
from affectmap.egemaps.corrected import corrected_lld
from affectmap.egemaps.framing import Floats, FrameGrid
from affectmap.egemaps.spectra import long_plan, power
from affectmap.egemaps.syllables import find_syllables, frame_level

VOICE_NAMES = (
    "duration_s",
    "voiced_share",
    "f0_hz",
    "f0_range_semitones",
    "hnr_db",
    "cpp_db",
    "cpp_voiced_db",
    "n_syllables",
    "speaking_rate",
    "articulation_rate",
    "pauses_per_min",
    "mean_pause_s",
    "pause_share",
)
"""What `measure_voice` measures."""

_FRAMES_AT_ONCE = 512


def measure_voice(signal: Floats, sampling_rate: int) -> dict[str, float]:
    """Measure a voice in numbers to read.

    Means are over voiced frames, if nothing else is said; one frame is 10 ms.

    * `duration_s`: length of the recording in seconds.
    * `voiced_share`: voiced frames, as a part of all from 0 to 1.
    * `f0_hz`: median of the fundamental frequency in Hz, by subharmonic summation (Hermes 1988).
    * `f0_range_semitones`: from its percentile 5 to 95, in semitones.
    * `hnr_db`: harmonics to noise in dB (Boersma 1993), as in the corrected set.
    * `cpp_db`: cepstral peak prominence in dB, mean over all frames, as Praat's CPPS has it; `cpp_voiced_db`: over
      voiced frames (Hillenbrand et al. 1994).
    * `n_syllables`: syllable nuclei, which are voiced; `speaking_rate`: these a second from the beginning to the end of
      speech, pauses included; `articulation_rate`: pauses left out (de Jong and Wempe 2009).
    * `pauses_per_min`, `mean_pause_s`, `pause_share`: pauses of 0.3 s or more within the speech: how many a minute of
      it, their mean length in seconds, and their part of it from 0 to 1.

    Args:
        signal: Samples, full scale at 1, shape (n_samples,).
        sampling_rate: In Hz.

    Returns:
        A value for each of `VOICE_NAMES`, NaN where there is none: no voiced frame, no speech, no pause.

    Raises:
        ValueError: As `affectmap.egemaps.functionals`.

    Example:
        >>> time = np.arange(32000) / 16000
        >>> hum = sum(np.sin(2 * np.pi * 150 * k * time) / k for k in range(1, 20)) / 4
        >>> found = measure_voice(hum * (1 + 0.6 * np.cos(2 * np.pi * 4 * time)) / 2, 16000)
        >>> round(found["f0_hz"]), round(found["speaking_rate"]), found["pauses_per_min"]
        (150, 4, 0.0)
    """
    signal = np.atleast_1d(signal)
    contours = corrected_lld(signal, sampling_rate)
    cpp, level = (np.concatenate(parts) for parts in zip(*_measured(signal, sampling_rate), strict=True))
    # Where the rate is not 16 kHz, rounding may bring one frame more or less.
    n_frames = min(len(cpp), len(contours["harmonicsToNoise_sma3nz"]))
    semitones, cpp, level = contours["F0semitoneFrom27.5Hz_sma3nz"][:n_frames], cpp[:n_frames], level[:n_frames]
    voiced = semitones > 0
    pitch = semitones[voiced]
    found = dict.fromkeys(VOICE_NAMES, np.nan) | {"duration_s": len(signal) / sampling_rate}
    if len(voiced):
        found |= {"voiced_share": float(voiced.mean()), "cpp_db": float(cpp.mean())}
    if len(pitch):
        low, middle, high = np.percentile(pitch, [5, 50, 95])
        found |= {"f0_hz": float(27.5 * 2 ** (middle / 12)), "f0_range_semitones": float(high - low)}
        found |= {"cpp_voiced_db": float(cpp[voiced].mean())}
        found["hnr_db"] = float(contours["harmonicsToNoise_sma3nz"][:n_frames][voiced].mean())
    return found | _timing(level, voiced)


def _timing(level: Floats, voiced: Floats) -> dict[str, float]:
    timing = find_syllables(level, voiced)
    if not timing.span_s:
        return {}
    pauses, n_syllables = timing.pauses_s, len(timing.nuclei)
    times = {
        "pauses_per_min": 60 * len(pauses) / timing.span_s,
        "pause_share": float(pauses.sum()) / timing.span_s,
    }
    if voiced.any():  # a syllable is counted by its voice
        times |= {
            "n_syllables": float(n_syllables),
            "speaking_rate": n_syllables / timing.span_s,
            "articulation_rate": n_syllables / (timing.span_s - float(pauses.sum())),
        }
    return times | ({"mean_pause_s": float(pauses.mean())} if len(pauses) else {})


def _measured(signal: Floats, sampling_rate: int) -> Iterator[tuple[Floats, Floats]]:
    """Give cepstral peak prominence and level of the 60 ms frames, some frames after another."""
    grid = FrameGrid.at(sampling_rate)
    plan = long_plan(grid)
    n_frames = grid.n_frames(len(signal), grid.long)
    yield np.zeros(0), np.zeros(0)
    for first in range(0, n_frames, _FRAMES_AT_ONCE):
        # One frame more at either side, which smoothing over time needs.
        before = min(first, 1)
        last = min(n_frames, first + _FRAMES_AT_ONCE + 1)
        samples = np.asarray(signal[(first - before) * grid.step : (last - 1) * grid.step + grid.long], np.float32)
        powers = power(plan.transform(grid.frames(samples, grid.long, last - first + before)))
        inner = slice(before, before + min(_FRAMES_AT_ONCE, n_frames - first))
        yield cepstral_peak_prominence(powers, plan)[inner], frame_level(powers, plan)[inner]
