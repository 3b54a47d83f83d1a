"""How an intended activation and valence become a way of speaking: what espeak-ng is asked, and what follows.

The directions are those that studies of acted speech agree on (Scherer 2003, Vocal communication of emotion;
Tartter 1980 for the smile): activation raises loudness, pitch, its range, rate and the energy of high
frequencies; valence widens the range, lifts the formants as a smile does, and softens and steadies the voice.
The strengths are this project's own, set so that the corpora are about as hard as real ones.

Conventions:
    * `activation` and `valence` lie in 1..5; 3 is the middle.
    * Signals are ``float64``, ``(n_samples,)``, with full scale at 1.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray
from scipy.fft import irfft, next_fast_len, rfft, rfftfreq
from scipy.ndimage import map_coordinates, uniform_filter1d

from affectmap.corpora.synthetic.espeak import Line

Signal = NDArray[np.float64]


@dataclass(frozen=True)
class Expression:
    """A way of speaking: its cues, as differences from the voice's own.

    Attributes:
        rate: Speaking rate, natural logarithm of the factor.
        pitch: Semitones.
        range: Pitch range, natural logarithm of the factor.
        loudness: Decibels.
        tilt: Slope of the spectrum above 500 Hz, decibels an octave.
        breath: Aspiration noise, decibels above the usual level.
        tremor: Depth of the irregular wavering of pitch, semitones; at least 0 is heard.
        smile: Formants, natural logarithm of the factor.
        gap: Pause between words, seconds; at least 0 is heard.

    Example:
        >>> Expression(pitch=2.0).loudness
        0.0
    """

    rate: float = 0.0
    pitch: float = 0.0
    range: float = 0.0
    loudness: float = 0.0
    tilt: float = 0.0
    breath: float = 0.0
    tremor: float = 0.0
    smile: float = 0.0
    gap: float = 0.0


#: The cues in the order of every array below.
CUES = tuple(field.name for field in fields(Expression))

#: For each cue: its change from the middle (3) to the end (5) of activation, the same for valence, and the
#: standard deviations of speakers' habits and of utterances of one speaker.
_STRENGTH = {
    "rate": (0.22, 0.015, 0.03, 0.05),
    "pitch": (3.7, 0.7, 0.45, 0.75),
    "range": (0.6, 0.3, 0.08, 0.2),
    "loudness": (7.0, -1.1, 0.8, 1.2),
    "tilt": (2.2, -1.35, 0.3, 0.4),
    "breath": (-4.0, 1.9, 1.1, 1.5),
    "tremor": (0.0, -0.25, 0.03, 0.06),
    "smile": (0.0, 0.055, 0.006, 0.01),
    "gap": (-0.04, -0.01, 0.006, 0.01),
}
_ON_ACTIVATION, _ON_VALENCE, _BETWEEN_SPEAKERS, _BETWEEN_TAKES = np.array([_STRENGTH[cue] for cue in CUES]).T
#: Spread of how strongly a speaker uses each cue (standard deviation of the logarithm).
_IDIOSYNCRASY = 0.2


class Speaker:
    """The habits of one speaker.

    Args:
        usage: How strongly the language uses each cue; 1 where not named.
        random: Source of the habits.
    """

    def __init__(self, usage: Mapping[str, float], random: np.random.Generator) -> None:
        self._habit = random.normal(0.0, _BETWEEN_SPEAKERS)
        language = np.array([usage.get(cue, 1.0) for cue in CUES])
        self._gain = language * np.exp(random.normal(0.0, _IDIOSYNCRASY, (2, len(CUES))))

    def express(self, activation: float, valence: float, random: np.random.Generator) -> Expression:
        """Decide how to speak one utterance.

        Args:
            activation: Intended activation, 1..5.
            valence: Intended valence, 1..5.
            random: Source of the variation from one utterance to the next.

        Returns:
            The way of speaking.
        """
        by_activation = self._gain[0] * _ON_ACTIVATION * (activation - 3) / 2
        by_valence = self._gain[1] * _ON_VALENCE * (valence - 3) / 2
        by_chance = random.normal(0.0, _BETWEEN_TAKES)
        return Expression(*(self._habit + by_activation + by_valence + by_chance).tolist())


def line(text: str, voice: str, pace: float, expression: Expression) -> Line:
    """Give what espeak-ng is asked for; the smile, which raises pitch and rate too, is taken off beforehand.

    Args:
        text: The sentence with its full stop.
        voice: Voice of espeak-ng with its variant, such as ``de+f2``.
        pace: The language's usual words a minute.
        expression: The way of speaking.

    Returns:
        The request, every number within what espeak-ng accepts.

    Example:
        >>> line("Guten Morgen.", "de+m1", 170, Expression(pitch=4.0))
        Line(text='Guten Morgen.', voice='de+m1', rate=170, pitch=70, range=50, gap=0)
    """
    smile = expression.smile
    return Line(
        text=text,
        voice=voice,
        rate=_within(pace * np.exp(expression.rate - smile), 80, 450),
        pitch=_within(50 + 5 * (expression.pitch - 12 * smile / np.log(2)), 0, 99),
        range=_within(50 * np.exp(expression.range), 0, 99),
        gap=_within(expression.gap / 0.01, 0, 50),
    )


def _within(value: float, low: int, high: int) -> int:
    return int(np.clip(np.rint(value), low, high))


def colour(
    signal: Signal, sampling_rate: int, expression: Expression, noise: float, random: np.random.Generator
) -> Signal:
    """Give a spoken sentence its smile, tremor, tilt, breath, loudness and the noise of its room.

    Args:
        signal: What espeak-ng spoke.
        sampling_rate: In Hz.
        expression: The way of speaking.
        noise: Level of the background noise, dB below full scale, negative.
        random: Source of tremor and noise.

    Returns:
        The recording, within -1..1.
    """
    signal = _warp(signal, sampling_rate, expression, random)
    signal = _tilt(signal, sampling_rate, expression.tilt)
    signal = _breathe(signal, sampling_rate, expression.breath, random)
    level = np.sqrt(np.mean(signal[np.abs(signal) > 0.05 * np.abs(signal).max()] ** 2))
    signal = signal * _factor(expression.loudness - 24) / level
    signal = signal + random.normal(0.0, _factor(noise), signal.size)
    return np.tanh(signal)  # a peak above full scale is rounded off, not cut


def _factor(decibels: float) -> float:
    return float(10 ** (decibels / 20))


def _warp(signal: Signal, sampling_rate: int, expression: Expression, random: np.random.Generator) -> Signal:
    """Read the signal at a wavering speed: its mean moves the formants, its wavering is heard as tremor."""
    speed = np.exp(expression.smile)
    n_samples = int(signal.size / speed)
    points = np.arange(0.0, signal.size + sampling_rate, sampling_rate / 20)
    depth = np.log(2) / 12 * max(0.0, 0.1 + expression.tremor)
    wavering = np.interp(np.arange(n_samples), points, random.normal(0.0, depth, points.size))
    position = np.cumsum(speed * np.exp(wavering))
    return np.asarray(map_coordinates(signal, [position], order=3, mode="constant"), dtype=np.float64)


def _tilt(signal: Signal, sampling_rate: int, slope: float) -> Signal:
    length = next_fast_len(signal.size, real=True)
    octaves = np.log2(np.maximum(rfftfreq(length, 1 / sampling_rate), 500) / 500)
    return np.asarray(irfft(rfft(signal, length) * 10 ** (slope * octaves / 20), length)[: signal.size])


def _breathe(signal: Signal, sampling_rate: int, level: float, random: np.random.Generator) -> Signal:
    """Add high-frequency noise that follows the loudness of the voice."""
    envelope = uniform_filter1d(np.abs(signal), sampling_rate // 50)
    hiss = np.diff(random.normal(0.0, 1.0, signal.size + 1))
    return signal + _factor(level - 34) * envelope * hiss
