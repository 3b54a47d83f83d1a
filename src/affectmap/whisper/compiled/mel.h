/* Powers of the bins of spectra, summed in bands: see `mel.py`. */

#ifndef WHISPER_MEL_H
#define WHISPER_MEL_H

#include <stdint.h>

enum { MOST_BINS = 256 };

/* Spectra are pairs of numbers, n rows of n_bins; of a band's filter the bins from `first` to before `end` are not 0. */
void mel_bands(const float *spectra, int64_t n, int64_t n_bins, const float *filters, const int64_t *first, const int64_t *end,
               int64_t n_bands, float *bands) {
  float powers[MOST_BINS];
  for (int64_t row = 0; row < n; row++, spectra += 2 * n_bins, bands += n_bands) {
    for (int64_t bin = 0; bin < n_bins; bin++)
      powers[bin] = spectra[2 * bin] * spectra[2 * bin] + spectra[2 * bin + 1] * spectra[2 * bin + 1];
    for (int64_t band = 0; band < n_bands; band++) {
      float sum = 0.0f;
      for (int64_t bin = first[band]; bin < end[band]; bin++) sum += powers[bin] * filters[band * n_bins + bin];
      bands[band] = sum;
    }
  }
}

#endif
