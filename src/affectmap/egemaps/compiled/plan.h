/* What is known of a sampling rate before any sample: lengths, tables and weights, filled in by compiled/__init__.py. */

#ifndef EGEMAPS_PLAN_H
#define EGEMAPS_PLAN_H

#include <stdint.h>

/* To be raised with every change of the structs here or of a function that is called from outside. */
#define KERNELS_VERSION 2

#define N_BANDS 26
#define N_CEPSTRUM 4
#define N_SPECTRAL 10
#define N_VOICE 15
#define N_CANDIDATES 6
#define N_SHIFTS 15
#define N_FORMANTS 3
#define ORDER 11

/* A window and the tables of its transform. */
typedef struct {
  int64_t length, n_fft, delay, n_pairs;
  double bin_hz;
  const float *window, *w;
  const int *pairs;
} Transform;

typedef struct {
  int64_t sampling_rate, step;
  Transform brief, lengthy;
  /* Table of the autocorrelation's transform, of the length of `lengthy`. */
  const double *acf_w;
  /* Spectral shape: first bins of bands; slopes[2 k] and [2 k + 1] weigh the level of bin k. */
  int64_t low, middle, high, flux, n_slopes;
  const double *slopes;
  /* Mel bank: bin k adds rising[2 k] of its power to band[k], rising[2 k + 1] to the next one; bins from first_bin on. */
  int64_t first_bin, end_bin;
  const int64_t *band;
  const double *band_weights, *hearing, *cosines;
  /* Octave axis: the spline's elimination over n_bins knots, and for each point its left knot and four weights. */
  int64_t shifts[N_SHIFTS];
  double octave_step;
  const double *gaps, *ratios, *pivots;
  const int64_t *left;
  const double *point_weights;
  /* Formants: cosines and sines, shape (n_samples / 4, n_bins - 1, 2, 4). */
  int64_t band_bins, band_samples;
  const float *waves;
} Plan;

#endif
