"""Names and order of the 25 low-level descriptors and the 88 functionals of eGeMAPSv02."""

SMOOTHED = (
    "Loudness",
    "alphaRatio",
    "hammarbergIndex",
    "slope0-500",
    "slope500-1500",
    "spectralFlux",
    "mfcc1",
    "mfcc2",
    "mfcc3",
    "mfcc4",
)
"""Descriptors of the 20 ms frames, smoothed over all values."""

FORMANT_COLUMNS = tuple(
    f"F{n}{quantity}" for n in (1, 2, 3) for quantity in ("frequency", "bandwidth", "amplitudeLogRelF0")
)

SMOOTHED_NONZERO = (
    "F0semitoneFrom27.5Hz",
    "jitterLocal",
    "shimmerLocaldB",
    "HNRdBACF",
    "logRelF0-H1-H2",
    "logRelF0-H1-A3",
    *FORMANT_COLUMNS,
)
"""Descriptors that rest on F0, smoothed over values that are not zero."""

LLD_NAMES = (*(f"{name}_sma3" for name in SMOOTHED), *(f"{name}_sma3nz" for name in SMOOTHED_NONZERO))
"""The 25 low-level descriptors in the set's order."""

_PEAK_STATISTICS = (
    "amean",
    "stddevNorm",
    "percentile20.0",
    "percentile50.0",
    "percentile80.0",
    "pctlrange0-2",
    "meanRisingSlope",
    "stddevRisingSlope",
    "meanFallingSlope",
    "stddevFallingSlope",
)
_TWO = ("amean", "stddevNorm")
_SHAPE = ("alphaRatio{}", "hammarbergIndex{}", "slope{}0-500", "slope{}500-1500", "spectralFlux{}")
_CEPSTRUM = ("mfcc1", "mfcc2", "mfcc3", "mfcc4")

FUNCTIONAL_NAMES = (
    *(f"F0semitoneFrom27.5Hz_sma3nz_{statistic}" for statistic in _PEAK_STATISTICS),
    *(f"loudness_sma3_{statistic}" for statistic in _PEAK_STATISTICS),
    *(f"{name}_sma3_{statistic}" for name in ("spectralFlux", *_CEPSTRUM) for statistic in _TWO),
    *(f"{name}_sma3nz_{statistic}" for name in SMOOTHED_NONZERO[1:] for statistic in _TWO),
    *(f"{name.format('V')}_sma3nz_{statistic}" for name in _SHAPE for statistic in _TWO),
    *(f"{name}V_sma3nz_{statistic}" for name in _CEPSTRUM for statistic in _TWO),
    *(f"{name.format('UV')}_sma3nz_amean" for name in _SHAPE),
    "loudnessPeaksPerSec",
    "VoicedSegmentsPerSec",
    "MeanVoicedSegmentLengthSec",
    "StddevVoicedSegmentLengthSec",
    "MeanUnvoicedSegmentLength",
    "StddevUnvoicedSegmentLength",
    "equivalentSoundLevel_dBp",
)
"""The 88 functionals in the set's order."""
