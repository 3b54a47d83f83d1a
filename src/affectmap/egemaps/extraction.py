"""The set's two levels: 25 low-level descriptors over time, and 88 functionals of a recording."""

from collections.abc import Iterable, Iterator

import numpy as np

from affectmap.egemaps import compiled
from affectmap.egemaps.contours import ContourReader, finish_together
from affectmap.egemaps.framing import Floats
from affectmap.egemaps.names import FUNCTIONAL_NAMES, LLD_NAMES
from affectmap.egemaps.smoothing import smooth, smooth_nonzero, with_last_repeated

BLOCK_S = 5.0
# So much of a batch is finished together.
BATCH_S = 60.0
LOWEST_SAMPLING_RATE = 2000


def kernels() -> str:
    """Tell what measures: "compiled, avx2", "compiled, plain", or "NumPy" where nothing was compiled.

    Example:
        >>> kernels() in ("compiled, avx2", "compiled, plain", "NumPy")
        True
    """
    return next((f"compiled, {build}" for build in compiled.builds()), "NumPy")


def functionals(signal: Floats, sampling_rate: int) -> Floats:
    """Measure the 88 functionals of eGeMAPSv02.

    Source: Eyben et al. (2016), "The Geneva minimalistic acoustic parameter set"; agrees with openSMILE 2.6.

    Args:
        signal: Samples, full scale at 1, shape (n_samples,).
        sampling_rate: In Hz. Features of different rates are not comparable.

    Returns:
        Values in the order of `FUNCTIONAL_NAMES`, shape (88,); NaN for less than 60 ms.

    Raises:
        ValueError: If the signal is not one channel of finite floating-point numbers, or the rate is below 2 kHz.

    Example:
        >>> tone = 0.5 * np.sin(2 * np.pi * 220 * np.arange(16000) / 16000)
        >>> values = dict(zip(FUNCTIONAL_NAMES, functionals(tone, 16000), strict=True))
        >>> round(float(values["F0semitoneFrom27.5Hz_sma3nz_amean"]), 1)
        36.0
    """
    return functionals_of_blocks(blocks_of(signal, sampling_rate), sampling_rate)


def functionals_of_blocks(blocks: Iterable[Floats], sampling_rate: int) -> Floats:
    """Measure the functionals of a recording that comes in blocks of any length; see `functionals`.

    Memory grows by the contours alone, some 25 kB a second of sound; of the samples 30 s are kept.

    Example:
        >>> tone = 0.5 * np.sin(2 * np.pi * 220 * np.arange(16000) / 16000)
        >>> bool(np.allclose(functionals_of_blocks([tone[:9000], tone[9000:]], 16000), functionals(tone, 16000)))
        True
    """
    (row,) = _summarise([_read(blocks, sampling_rate, unvoiced_formants=False)])
    return np.asarray(row)


def functionals_of_batch(signals: Iterable[Floats], sampling_rate: int) -> Floats:
    """Measure the functionals of several recordings, shape (n_recordings, 88); see `functionals`.

    It gives the same values as `functionals`, with NumPy alone sooner.

    Example:
        >>> tones = [0.5 * np.sin(2 * np.pi * f0 * np.arange(16000) / 16000) for f0 in (110, 220)]
        >>> functionals_of_batch(tones, 16000)[:, 0].round(1).tolist()
        [24.0, 36.0]
    """
    rows, readers, waiting_s = [np.zeros((0, len(FUNCTIONAL_NAMES)))], [], 0.0
    for signal in signals:
        readers.append(_read(blocks_of(signal, sampling_rate), sampling_rate, unvoiced_formants=False))
        waiting_s += len(signal) / sampling_rate
        if waiting_s > BATCH_S:
            rows.append(_summarise(readers))
            readers, waiting_s = [], 0.0
    return np.concatenate([*rows, _summarise(readers)])


def lld(signal: Floats, sampling_rate: int) -> dict[str, Floats]:
    """Measure the 25 low-level descriptors of eGeMAPSv02, one value every 10 ms.

    Args:
        signal: Samples, full scale at 1, shape (n_samples,).
        sampling_rate: In Hz.

    Returns:
        One contour of shape (n_frames,) for each of `LLD_NAMES`; n_frames counts the complete frames of 60 ms and one
        more, as openSMILE does, and is 0 for less than 60 ms.

    Raises:
        ValueError: As `functionals`.

    Example:
        >>> contours = lld(np.zeros(16000), 16000)
        >>> len(contours), contours["Loudness_sma3"].shape
        (25, (96,))
    """
    reader = _read(blocks_of(signal, sampling_rate), sampling_rate, unvoiced_formants=True)
    contours = finish_together([reader])[0]
    n_rows = len(contours.voice) + 1 if len(contours.voice) else 0
    spectral = with_last_repeated(smooth(contours.spectral), contours.spectral)
    voice, n_decided = contours.voice, contours.n_decided
    smoothed = with_last_repeated(smooth_nonzero(voice), voice)
    # Until the end of the recording was known, smoothing saw the decided frames alone.
    smoothed[:n_decided] = smooth_nonzero(voice[:n_decided])
    if n_decided:
        smoothed[n_decided] = voice[n_decided - 1]
    columns = np.hstack([spectral[:n_rows], smoothed[:n_rows]])
    return dict(zip(LLD_NAMES, columns.T, strict=True))


def blocks_of(signal: Floats, sampling_rate: int) -> Iterator[Floats]:
    """Cut a signal into blocks of five seconds."""
    signal = np.atleast_1d(signal)
    length = max(1, round(BLOCK_S * sampling_rate))
    return (signal[first : first + length] for first in range(0, len(signal), length))


def checked_block(block: Floats) -> Floats:
    """Give a block that is one channel of finite floating-point numbers.

    Raises:
        ValueError: If it is not.
    """
    block = np.asarray(block)
    if block.ndim != 1:
        raise ValueError(f"A signal has the shape (n_samples,); this one has {block.shape}: give one channel.")
    if not np.issubdtype(block.dtype, np.floating):
        raise ValueError(f"The samples are {block.dtype}; give floating-point numbers, full scale at 1.")
    if not np.isfinite(block).all():
        raise ValueError("The signal holds values that are not finite.")
    return block


def checked_rate(sampling_rate: int) -> None:
    """Refuse a sampling rate too low to measure at.

    Raises:
        ValueError: If it is below 2 kHz.
    """
    if sampling_rate < LOWEST_SAMPLING_RATE:
        raise ValueError(f"The sampling rate is {sampling_rate} Hz; at least {LOWEST_SAMPLING_RATE} Hz are needed.")


def _read(blocks: Iterable[Floats], sampling_rate: int, unvoiced_formants: bool) -> ContourReader:
    checked_rate(sampling_rate)
    reader = ContourReader(sampling_rate, unvoiced_formants)
    for block in blocks:
        reader.add(checked_block(block))
    return reader


def _summarise(readers: list[ContourReader]) -> Floats:
    rows = np.full((len(readers), len(FUNCTIONAL_NAMES)), np.nan)
    for row, reader, contours in zip(rows, readers, finish_together(readers), strict=True):
        if len(contours.voice):
            row[:] = reader.kernels.summarise(
                contours.spectral, contours.voice, contours.n_decided, contours.mean_square
            )
    return rows
