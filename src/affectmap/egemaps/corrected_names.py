"""Names and order of the corrected set; what is as in eGeMAPSv02 has its name."""

import numpy as np

from affectmap.egemaps.names import FUNCTIONAL_NAMES, SMOOTHED, SMOOTHED_NONZERO

# Of descriptors that change, and of functionals that neither hold a descriptor's name.
_DESCRIPTORS = {
    "Loudness": "relativeLoudness",
    "loudness": "relativeLoudness",
    "slope0-500": "spectralSlope50-500",
    "slopeV0-500": "spectralSlopeV50-500",
    "slopeUV0-500": "spectralSlopeUV50-500",
    "slope500-1500": "spectralSlope500-1500",
    "slopeV500-1500": "spectralSlopeV500-1500",
    "slopeUV500-1500": "spectralSlopeUV500-1500",
    "spectralFlux": "relativeFlux",
    "spectralFluxV": "relativeFluxV",
    "spectralFluxUV": "relativeFluxUV",
    "HNRdBACF": "harmonicsToNoise",
    "logRelF0-H1-H2": "H1-H2",
    "logRelF0-H1-A3": "H1-A3",
    **{f"F{n}frequency": f"formant{n}" for n in (1, 2, 3)},
    **{f"F{n}bandwidth": f"formant{n}Bandwidth" for n in (1, 2, 3)},
    **{f"F{n}amplitudeLogRelF0": f"formant{n}Level" for n in (1, 2, 3)},
}
_FUNCTIONALS = {
    "MeanVoicedSegmentLengthSec": "voicedLength_amean",
    "StddevVoicedSegmentLengthSec": "voicedLength_stddev",
    "MeanUnvoicedSegmentLength": "unvoicedLength_amean",
    "StddevUnvoicedSegmentLength": "unvoicedLength_stddev",
    "equivalentSoundLevel_dBp": "levelRange",
    **{
        f"F0semitoneFrom27.5Hz_sma3nz_{statistic}{way}Slope": f"F0semitone_sma3nz_{way.lower()}Slope_{new}"
        for way in ("Rising", "Falling")
        for statistic, new in (("mean", "amean"), ("stddev", "stddev"))
    },
    **{
        f"loudness_sma3_{statistic}{way}Slope": f"relativeLoudness_sma3_{way.lower()}Slope_{new}"
        for way in ("Rising", "Falling")
        for statistic, new in (("mean", "amean"), ("stddev", "stddev"))
    },
}
# Descriptors that may be 0 or change their sign, which a deviation cannot be divided by.
_SIGNED = ("mfcc", "alphaRatio", "hammarberg", "slope", "HNR", "logRel", "F1amp", "F2amp", "F3amp")


def _corrected(name: str) -> str:
    if name in _FUNCTIONALS:
        return _FUNCTIONALS[name]
    descriptor, *rest = name.split("_")
    if name.startswith(_SIGNED) and rest[-1] == "stddevNorm":
        rest[-1] = "stddev"
    return "_".join([_DESCRIPTORS.get(descriptor, descriptor), *rest])


CORRECTED_NAMES = tuple(map(_corrected, FUNCTIONAL_NAMES))
"""The 88 functionals in the set's order."""

CORRECTED_LLD_NAMES = tuple(
    f"{_DESCRIPTORS.get(name, name)}_{smoothing}"
    for names, smoothing in ((SMOOTHED, "sma3"), (SMOOTHED_NONZERO, "sma3nz"))
    for name in names
)
"""The 25 low-level descriptors in the set's order."""

PLAIN_DEVIATIONS = np.array(
    [place for place, name in enumerate(FUNCTIONAL_NAMES) if name.startswith(_SIGNED) and name.endswith("stddevNorm")]
)
"""Places of deviations that are not divided by the mean."""
