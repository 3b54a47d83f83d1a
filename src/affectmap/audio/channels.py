"""From several channels to one signal, decided once for a whole recording.

Conventions:
    * A *block* has shape (n_samples, n_channels), float32, full scale at 1. Channels are counted from 1 in words and
      arguments.
    * Channels that hold one sound alike are averaged. One that is silent, far quieter, clipped or noisy beside a better
      one, or has the sign turned (so that the mean would cancel the voice) or another delay, is left out. Channels with
      different voices or sounds are added, so that each keeps its level. Whatever is not the plain mean of all channels
      is told in a note.
    * What decides is gathered over all blocks of the recording, constant offsets removed; so it does not change within
      a recording, and memory does not grow with its length.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from affectmap.errors import AudioError
from affectmap.schema import Floats

#: Samples of at least this part of full scale count as clipped.
FULL_SCALE = 0.999
#: Share of samples at full scale from which on a channel counts as clipped.
CLIPPED_SHARE = 0.001

_FRAME_S = 0.025
_LOWEST_DB, _HIGHEST_DB = -130, 30
_LOUDEST_FRAMES = 4  # frames that reach a channel's loudest level: a click alone is not its level
_SILENT_DB = 30.0  # loudest level below that of the loudest channel
_QUIETER_DB = 6.0  # a copy that is quieter by more lowers the level of the mean by more than 2.5 dB
_LARGEST_RANGE_DB = 40.0  # from the quiet to the loudest frames; what is more says nothing of noise
_NOISIER_DB = 10.0  # difference in that range
_STEADY_DB, _MOVING_DB = 6.0, 12.0  # range of noise and hums, at most; of speech, at least
_ALIKE, _NEARLY_SAME, _INVERTED = 0.5, 0.9, -0.5  # correlations of samples
_LEVELS_ALIKE, _LEVELS_SAME = 0.3, 0.6  # correlations of the frames' levels
_MIN_FRAMES = 10  # fewer say nothing of how levels go together
_CHEAP_CHANNELS = 8  # with more of them, correlations are taken from a part of the samples


class Mix(NamedTuple):
    """How the channels of a recording become one signal.

    Attributes:
        weights: One for each channel.
        notes: What is to be told of the channels, without a full stop; empty if all of them were averaged.
        clipped: Whether a channel that counts is clipped.
        n_voices: How many different sounds were added.

    Example:
        >>> Mix((1.0, 0.0), ("channel 2 of 2 is silent and was left out",)).signal(np.ones((3, 2), np.float32))
        array([1., 1., 1.], dtype=float32)
    """

    weights: tuple[float, ...] = (1.0,)
    notes: tuple[str, ...] = ()
    clipped: bool = False
    n_voices: int = 1

    def signal(self, block: NDArray[np.float32]) -> NDArray[np.float32]:
        """Mix a block down, shape (n_samples,); the same bits however a recording is cut into blocks."""
        if len(set(self.weights)) == 1 and self.n_voices == 1:
            return block[:, 0] if block.shape[1] == 1 else block.mean(axis=1)
        mixed = np.zeros(len(block), np.float32)
        for channel in np.flatnonzero(self.weights):
            mixed += np.float32(self.weights[channel]) * block[:, channel]
        return mixed


def choose_mix(blocks: Iterable[NDArray[np.float32]], sampling_rate: int) -> Mix:
    """Look at a whole recording and decide which of its channels count.

    Args:
        blocks: The recording, block by block; samples that are no numbers count as 0.
        sampling_rate: In Hz.

    Returns:
        The mix; that of one channel where there are no blocks.

    Example:
        >>> time = np.arange(16000, dtype=np.float32) / 16000
        >>> voice = np.sin(900 * time) * np.sin(9 * time) ** 2
        >>> mix = choose_mix([np.stack([voice, -voice, 0 * voice], axis=1)], 16000)
        >>> mix.weights
        (1.0, 0.0, 0.0)
        >>> print(*mix.notes, sep="; ")
        channel 3 of 3 is silent and was left out; channel 2 of 3 has the sign of channel 1 turned and was left out, ...
    """
    gathered: _Gathered | None = None
    for block in blocks:
        gathered = gathered or _Gathered(block.shape[1], sampling_rate)
        gathered.add(block)
    return _mix_of(gathered.measured()) if gathered and gathered.n_channels > 1 else Mix()


def only_channel(channel: int, n_channels: int) -> Mix:
    """Give the mix that is one channel alone.

    Raises:
        AudioError: If there is no such channel.
    """
    if not 1 <= channel <= n_channels:
        held = "1 channel" if n_channels == 1 else f"{n_channels} channels"
        raise AudioError(f"it has {held}, and no channel {channel}; name one of them")
    return Mix(tuple(float(each == channel) for each in range(1, n_channels + 1)))


@dataclass(frozen=True, eq=False)
class _Channels:
    """What was measured of C channels: levels in dB, shape (C,), and correlations (C, C); NaN is unknown."""

    level: Floats
    loudest: Floats
    range: Floats
    clipped: NDArray[np.bool_]
    samples: Floats
    levels: Floats


class _Gathered:
    """Sums over blocks."""

    def __init__(self, n_channels: int, sampling_rate: int) -> None:
        self.n_channels = n_channels
        self._frame = max(2, round(_FRAME_S * sampling_rate))
        self._step = max(1, n_channels // _CHEAP_CHANNELS)
        self._left = np.empty((0, n_channels), np.float32)
        self._n_samples, self._n_clipped = 0, np.zeros(n_channels)
        self._of_samples, self._of_levels = _Correlation(n_channels), _Correlation(n_channels)
        self._counts = np.zeros((n_channels, _HIGHEST_DB - _LOWEST_DB + 1), np.int64)

    def add(self, block: NDArray[np.float32]) -> None:
        """Count a block; its last samples wait for a whole frame."""
        if not np.isfinite(block).all():
            block = np.nan_to_num(block, posinf=0.0, neginf=0.0)
        self._n_samples += len(block)
        self._n_clipped += np.count_nonzero(np.abs(block) >= FULL_SCALE, axis=0)
        self._of_samples.add(block[:: self._step].astype(np.float64))
        block = np.concatenate([self._left, block]) if len(self._left) else block
        n_frames = len(block) // self._frame
        self._left = block[n_frames * self._frame :].copy()
        if n_frames:
            self._add_frames(block[: n_frames * self._frame].reshape(n_frames, self._frame, -1))

    def _add_frames(self, frames: NDArray[np.float32]) -> None:
        levels = np.std(frames, axis=1, dtype=np.float64)
        self._of_levels.add(levels)
        bins = np.clip(np.rint(_decibels(levels)), _LOWEST_DB, _HIGHEST_DB).astype(np.int64) - _LOWEST_DB
        for channel, counts in enumerate(self._counts):
            counts += np.bincount(bins[:, channel], minlength=len(counts))

    def measured(self) -> _Channels:
        """Make levels and correlations of the sums."""
        if not self._counts.any() and len(self._left):  # shorter than a frame
            self._add_frames(self._left[None])
        n_frames = int(self._counts[0].sum())
        below = self._counts.cumsum(axis=1)
        wanted = max(1, n_frames - _LOUDEST_FRAMES + 1)
        quiet, loudest = (_LOWEST_DB + (below >= count).argmax(axis=1) for count in (max(1, n_frames // 10), wanted))
        return _Channels(
            level=_decibels(np.sqrt(self._of_samples.variances())),
            loudest=loudest.astype(np.float64),
            range=np.minimum(loudest - quiet, _LARGEST_RANGE_DB),
            clipped=self._n_clipped >= CLIPPED_SHARE * max(self._n_samples, 1),
            samples=self._of_samples.matrix(),
            levels=self._of_levels.matrix() * (1.0 if n_frames >= _MIN_FRAMES else np.nan),
        )


class _Correlation:
    """Correlations of columns from sums over rows."""

    def __init__(self, n_columns: int) -> None:
        self._n, self._sum, self._products = 0, np.zeros(n_columns), np.zeros((n_columns, n_columns))

    def add(self, rows: Floats) -> None:
        self._n += len(rows)
        self._sum += rows.sum(axis=0)
        self._products += rows.T @ rows

    def _covariance(self) -> Floats:
        mean = self._sum / max(self._n, 1)
        return np.asarray(self._products / max(self._n, 1) - np.outer(mean, mean))

    def variances(self) -> Floats:
        return np.maximum(np.diag(self._covariance()), 0.0)

    def matrix(self) -> Floats:
        std = np.sqrt(self.variances())
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.asarray(self._covariance() / np.outer(std, std))


def _mix_of(channels: _Channels) -> Mix:
    """Sort channels into groups of one sound each, and give every group the same weight."""
    n_channels = len(channels.level)
    silent = np.flatnonzero(channels.loudest < channels.loudest.max() - _SILENT_DB)
    left_out = {"is silent and was left out": silent.tolist()} if len(silent) else {}
    groups = _groups(channels, np.setdiff1d(np.arange(n_channels), silent), left_out)
    steady = [group for group in groups if channels.range[group].max() < _STEADY_DB]
    if channels.range.max() < _MOVING_DB:  # nowhere is a voice
        groups = [sorted(channel for group in groups for channel in group)]
    elif steady:
        groups = [group for group in groups if group not in steady]
        left_out["holds a steady noise, no voice, and was left out"] = [each for group in steady for each in group]
    weights = np.zeros(n_channels)
    for group in groups:
        weights[group] = 1 / len(group)
    notes = [_told(those, why, n_channels) for why, those in left_out.items()]
    if len(groups) > 1:
        those = _listed([channel for group in groups for channel in group])
        notes.append(
            f"channels {those} of {n_channels} hold different voices or sounds, which were added; measure each by its "
            "number (--channel 1)"
        )
    return Mix(tuple(weights.tolist()), tuple(notes), bool(channels.clipped[weights > 0].any()), len(groups))


def _groups(channels: _Channels, live: NDArray[np.intp], left_out: dict[str, list[int]]) -> list[list[int]]:
    """Put channels of one sound together, the best of them first; note those that do not count."""
    worse = channels.range < channels.range[live].max() - _NOISIER_DB
    order = sorted(live.tolist(), key=lambda each: (channels.clipped[each], worse[each], -channels.level[each]))
    groups = []
    while order:
        leader, *others = order
        group, order = [leader], []
        for other in others:
            why = _why_left_out(channels, leader, other, bool(worse[other] and not worse[leader]))
            if why is None:
                order.append(other)
            elif why:
                left_out.setdefault(why, []).append(other)
            else:
                group.append(other)
        groups.append(group)
    return groups


def _why_left_out(channels: _Channels, leader: int, other: int, is_noisier: bool) -> str | None:
    """Say why a channel does not count beside a better one; empty if it does, ``None`` if it holds another sound."""
    samples, levels = channels.samples[leader, other], channels.levels[leader, other]
    is_inverted = samples <= _INVERTED
    is_alike = samples >= _NEARLY_SAME or (samples >= _ALIKE and not levels < _LEVELS_ALIKE) or np.isnan(samples)
    if not (is_inverted or is_alike or levels >= _LEVELS_SAME):
        return None
    best = f"channel {leader + 1}"
    if is_inverted:
        return f"has the sign of {best} turned and was left out, for their mean cancels the voice"
    if channels.clipped[other] and not channels.clipped[leader]:
        return f"is clipped where {best} is not, and was left out"
    if is_noisier:
        return f"is noisier than {best} and was left out"
    if not is_alike:
        return f"holds the sound of {best} out of step and was left out"
    if channels.level[leader] - channels.level[other] > _QUIETER_DB:
        return f"is quieter than {best} and was left out"
    return ""


def _told(those: Sequence[int], why: str, n_channels: int) -> str:
    if len(those) == 1:
        return f"channel {those[0] + 1} of {n_channels} {why}"
    plural = why
    for one, many in (("is ", "are "), ("was ", "were "), ("has ", "have "), ("holds ", "hold ")):
        plural = f" {plural}".replace(f" {one}", f" {many}", 1).removeprefix(" ")
    return f"channels {_listed(those)} of {n_channels} {plural}"


def _listed(those: Sequence[int]) -> str:
    names = [str(channel + 1) for channel in sorted(those)]
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)


def _decibels(levels: Floats) -> Floats:
    return 20 * np.log10(np.maximum(levels, 10 ** (_LOWEST_DB / 20)))
