"""The acoustic descriptors of eGeMAPSv02, by loops in C where they are compiled, else with NumPy alone.

Conventions: a signal has shape (n_samples,), full scale at 1; frames follow each other by 10 ms, are 20 or 60 ms long
and are not padded; spectra have shape (n_frames, n_bins); what is unvoiced or missing is 0.

One recording runs through the files in this order: `framing`, `spectra`, then `spectral_shape` and `loudness`; `pitch`
and `pitch_path`; `perturbation` with `period_matching`, `harmonics` and `formants` (all joined in `contours`);
`smoothing`, `statistics` and `contour_peaks` (joined in `extraction`). `plain` gathers what is measured of frames, and
`compiled` has the same in C. `voice_values`, with `cepstral_peak` and `syllables`, measures what is in no such set and
is read by people.

Before the values of eGeMAPS are explained to anyone: "F1" to "F3" are not formants (see `formants`), "logRelF0-H1-H2"
is H2 - H3 (see `harmonics`), the formants' amplitudes include -201 for every unvoiced frame, nothing removes an offset,
and the formants' band depends on the sampling rate. They are kept so because published models and results rest on them.

The corrected set (`corrected`) measures what these names say, under names of its own: `resampling`, `baseline` and
`level` prepare a recording, `vocal_tract` measures formants, harmonics and noise.

Source: Eyben, Scherer, Schuller et al. (2016), "The Geneva minimalistic acoustic parameter set (GeMAPS) for voice
research and affective computing", IEEE Transactions on Affective Computing 7(2). Values agree with openSMILE 2.6,
departures from the paper included; written without its source.
"""

from affectmap.egemaps.corrected import (
    corrected_functionals,
    corrected_functionals_of_batch,
    corrected_functionals_of_blocks,
    corrected_lld,
)
from affectmap.egemaps.corrected_names import CORRECTED_LLD_NAMES, CORRECTED_NAMES
from affectmap.egemaps.extraction import functionals, functionals_of_batch, functionals_of_blocks, kernels, lld
from affectmap.egemaps.names import FUNCTIONAL_NAMES, LLD_NAMES
from affectmap.egemaps.voice_values import VOICE_NAMES, measure_voice

# Of the values of either set: to be raised when they change, so that features of two versions are not mixed.
VERSION = "1"
CORRECTED_VERSION = "1"

__all__ = [
    "CORRECTED_LLD_NAMES",
    "CORRECTED_NAMES",
    "CORRECTED_VERSION",
    "FUNCTIONAL_NAMES",
    "LLD_NAMES",
    "VERSION",
    "VOICE_NAMES",
    "corrected_functionals",
    "corrected_functionals_of_batch",
    "corrected_functionals_of_blocks",
    "corrected_lld",
    "functionals",
    "functionals_of_batch",
    "functionals_of_blocks",
    "kernels",
    "lld",
    "measure_voice",
]
