"""The corrected set: 88 functionals in the places of eGeMAPSv02 that are what their names say.

Where eGeMAPSv02 measures what it means to, the functional has the same name and, of a recording without offset at the
common level, the same value; where it does not, the functional in its place has a name of its own. `corrected_names`
lists them, `vocal_tract` has the formulas of formants, harmonics and noise.

Every recording is measured at 16 kHz, without what is slower than a voice (`baseline`) and at one level (`level`), so
that neither the sampling rate nor an offset nor the gain matters. Of rates below 16 kHz the upper band is missing;
formants need 11 kHz.
"""

from collections.abc import Callable, Iterable, Iterator

import numpy as np

from affectmap.egemaps.baseline import BaselineRemover
from affectmap.egemaps.contour_peaks import slopes_of_stretches
from affectmap.egemaps.contours import ContourReader, Contours, finish_together
from affectmap.egemaps.corrected_names import CORRECTED_LLD_NAMES, CORRECTED_NAMES, PLAIN_DEVIATIONS
from affectmap.egemaps.extraction import BATCH_S, blocks_of, checked_block, checked_rate
from affectmap.egemaps.framing import STEP_S, Floats
from affectmap.egemaps.level import Level
from affectmap.egemaps.resampling import RATE, Resampler
from affectmap.egemaps.smoothing import smooth, smooth_nonzero
from affectmap.egemaps.statistics import mean_and_spread, segment_lengths

# Loudness of silence, some 50 dB below that of speech.
SILENT = 0.02


def corrected_functionals(signal: Floats, sampling_rate: int) -> Floats:
    """Measure the 88 functionals of the corrected set.

    Args:
        signal: Samples, shape (n_samples,). Offset and level do not matter, and nothing is clipped.
        sampling_rate: In Hz; other rates than 16 kHz are resampled.

    Returns:
        Values in the order of `CORRECTED_NAMES`, shape (88,); NaN for less than 60 ms.

    Raises:
        ValueError: If the signal is not one channel of finite floating-point numbers, or the rate is below 2 kHz.

    Example:
        >>> time = np.arange(16000) / 16000
        >>> hum = sum(0.5**k * np.sin(2 * np.pi * 150 * k * time) for k in range(1, 20))
        >>> values = dict(zip(CORRECTED_NAMES, corrected_functionals(0.1 * hum + 0.02, 16000), strict=True))
        >>> round(float(values["H1-H2_sma3nz_amean"]))
        6
    """
    return np.asarray(corrected_functionals_of_batch([signal], sampling_rate)[0])


def corrected_functionals_of_blocks(blocks: Iterable[Floats], sampling_rate: int) -> Floats:
    """Measure the functionals of a recording that comes in blocks of any length; see `corrected_functionals`.

    The blocks are gone through twice, first for the level. Memory grows by some 25 kB a second of sound.

    Args:
        blocks: A list, or another object that gives its blocks anew each time.
        sampling_rate: In Hz.

    Raises:
        ValueError: If the blocks can be gone through only once, and as `corrected_functionals`.

    Example:
        >>> hum = np.sin(np.arange(16000) / 20) ** 3
        >>> blocks = [hum[:9000], hum[9000:]]
        >>> bool(np.allclose(corrected_functionals_of_blocks(blocks, 16000), corrected_functionals(hum, 16000)))
        True
    """
    checked_rate(sampling_rate)
    if isinstance(blocks, Iterator):
        raise ValueError("The blocks can be gone through only once; give a list, or an object that reads them anew.")
    return np.asarray(_summarise([_read(lambda: _cleaned(blocks, sampling_rate))])[0])


def corrected_functionals_of_batch(signals: Iterable[Floats], sampling_rate: int) -> Floats:
    """Measure the functionals of several recordings, shape (n_recordings, 88); see `corrected_functionals`."""
    rows, read, waiting_s = [np.zeros((0, len(CORRECTED_NAMES)))], [], 0.0
    for signal in signals:
        read.append(_read_signal(signal, sampling_rate))
        waiting_s += len(signal) / sampling_rate
        if waiting_s > BATCH_S:
            rows.append(_summarise(read))
            read, waiting_s = [], 0.0
    return np.concatenate([*rows, _summarise(read)])


def corrected_lld(signal: Floats, sampling_rate: int) -> dict[str, Floats]:
    """Measure the 25 descriptors of the corrected set, one value every 10 ms.

    Returns:
        One contour of shape (n_frames,) for each of `CORRECTED_LLD_NAMES`, smoothed over three frames; frame i starts
        at i * 10 ms. What rests on F0 is 0 in unvoiced frames.

    Raises:
        ValueError: As `corrected_functionals`.

    Example:
        >>> corrected_lld(np.zeros(16000), 16000)["formant1_sma3nz"].shape
        (95,)
    """
    contours = finish_together([_read_signal(signal, sampling_rate)[0]])[0]
    n_frames = len(contours.voice)
    smoothed = np.hstack([smooth(contours.spectral)[:n_frames], smooth_nonzero(contours.voice)])
    return dict(zip(CORRECTED_LLD_NAMES, smoothed.T, strict=True))


def _cleaned(blocks: Iterable[Floats], sampling_rate: int) -> Iterator[Floats]:
    """Bring a recording to 16 kHz and take out what is slower than a voice."""
    resampler, remover = Resampler(sampling_rate), BaselineRemover()
    for block in blocks:
        yield remover.add(resampler.add(checked_block(block)))
    yield remover.add(resampler.end())
    yield remover.end()


def _read(cleaned: Callable[[], Iterable[Floats]]) -> tuple[ContourReader, float]:
    """Give the reader of a recording at the common level, and its range of levels."""
    level = Level()
    for block in cleaned():
        level.add(block)
    reader, gain = ContourReader(RATE, unvoiced_formants=False, corrected=True), level.gain
    for block in cleaned():
        reader.add((gain * block).astype(np.float32))
    return reader, level.range


def _read_signal(signal: Floats, sampling_rate: int) -> tuple[ContourReader, float]:
    checked_rate(sampling_rate)
    cleaned = list(_cleaned(blocks_of(signal, sampling_rate), sampling_rate))
    return _read(lambda: cleaned)


def _summarise(read: list[tuple[ContourReader, float]]) -> Floats:
    rows = np.full((len(read), len(CORRECTED_NAMES)), np.nan)
    all_contours = finish_together([reader for reader, _ in read])
    for row, (reader, level_range), contours in zip(rows, read, all_contours, strict=True):
        if len(contours.voice):
            row[:] = _functionals(reader, contours)
            row[87] = level_range
    return rows


def _functionals(reader: ContourReader, contours: Contours) -> Floats:
    """Take what is right from the kernels, and set the rest in its places."""
    n_frames = len(contours.voice)
    spectral = contours.spectral.copy()
    # Silence has no spectrum: these columns count where they are not 0.
    spectral[spectral[:, 0] < SILENT, 1:6] = 0
    values = reader.kernels.summarise(spectral, contours.voice, n_frames, 1.0)
    deviations = values[PLAIN_DEVIATIONS]
    means = values[PLAIN_DEVIATIONS - 1]
    values[PLAIN_DEVIATIONS] = np.abs(deviations * np.where(means == 0, 1, means))
    f0, loudness = smooth_nonzero(contours.voice[:, 0]), smooth(contours.spectral[:, 0])
    values[6:10] = slopes_of_stretches(_stretches(f0))
    values[16:20] = slopes_of_stretches([loudness])
    lengths = [segment_lengths(f0 != 0, None), segment_lengths(f0 == 0, None)]
    values[82] = len(lengths[0]) / (n_frames * STEP_S)
    # From the start of the first frame to the end of the last step, where eGeMAPS ends a step earlier.
    values[83:87] = np.ravel([mean_and_spread(each + STEP_S) for each in lengths])
    return values


def _stretches(f0: Floats) -> list[Floats]:
    borders = np.flatnonzero(np.diff(f0 != 0, prepend=False, append=False)).reshape(-1, 2)
    return [f0[first:end] for first, end in borders.tolist()]
