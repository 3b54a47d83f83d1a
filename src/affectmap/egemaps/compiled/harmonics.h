/* Noise and harmonics of voiced frames: harmonics.py. */

#define N_HARMONICS 100
#define LOWEST_LEVEL -200.0
#define MISSING_LEVEL -201.0
#define FORMANT_RANGE 0.2

static int is_peak(const float *values, int64_t n, int64_t k) {
  return k > 0 && k < n - 1 && values[k] > values[k - 1] && values[k] > values[k + 1];
}

/* HNR in dB of one lane, from the autocorrelation in a[2 k]. */
static double noise_ratio(const Plan *plan, const Doubles *a, int lane, double f0) {
  int64_t last = plan->lengthy.n_fft / 2;
#define ACF(k) fabs((k) == last ? a[1][lane] : a[2 * (k)][lane])
#define ACF_PEAK(k) ((k) > 0 && (k) < last && ACF(k) > ACF((k) - 1) && ACF(k) > ACF((k) + 1))
  double lags = 2 * (last * plan->lengthy.bin_hz) / f0;
  int64_t lag = lags < last ? (int64_t)lags : last, place = lag;
  for (int64_t distance = 0; distance <= last; distance++) {
    if (ACF_PEAK(lag - distance)) {
      place = lag - distance;
      break;
    }
    if (ACF_PEAK(lag + distance)) {
      place = lag + distance;
      break;
    }
  }
  double periodic = ACF(place), noise = ACF(0) - periodic;
  double ratio = noise == 0 ? 1e11 : periodic / noise;
#undef ACF
#undef ACF_PEAK
  return 10 * log10(fmin(fmax(ratio, 1e-9), 1e11));
}

/* The bin nearest to a frequency, the upper one of two as near; 0 beyond the spectrum. */
static int64_t nearest_bin(double frequency, double bin_hz, int64_t n_bins) {
  double place = frequency / bin_hz, above = ceil(place);
  if (above > n_bins - 1) return 0;
  if (place - (above - 1) < above - place) above -= 1;
  return above > 0 ? (int64_t)above : 0;
}

typedef struct {
  int64_t bin;
  double frequency, magnitude, top;
} Harmonic;

/* Find harmonic number `index` of f0, 0 being f0 itself; all but the bin are 0 where there is none. */
static Harmonic find_harmonic(const float *magnitudes, int64_t n_bins, double bin_hz, double f0, int index) {
  int64_t expected = nearest_bin(f0 * (index + 1), bin_hz, n_bins);
  int64_t lowest = nearest_bin(f0 * (index + 0.5), bin_hz, n_bins);
  int64_t highest = nearest_bin(f0 * (index + 1.5), bin_hz, n_bins);
  Harmonic harmonic = {expected, 0, 0, 0};
  int64_t found = -1;
  for (int64_t distance = 0; found < 0; distance++) {
    int64_t right = expected + distance, left = expected - distance;
    if (right > highest && left < lowest) break;
    if (right <= highest && is_peak(magnitudes, n_bins, right)) found = right;
    else if (left >= lowest && is_peak(magnitudes, n_bins, left)) found = left;
  }
  if (found < 0 || found < nearest_bin(f0 / 2, bin_hz, n_bins)) return harmonic;
  double left = magnitudes[found - 1], middle = magnitudes[found], right = magnitudes[found + 1];
  double offset = 0.5 * (left - right) / (left - 2 * middle + right);
  return (Harmonic){found, (found + offset) * bin_hz, middle, middle - 0.25 * (left - right) * offset};
}

/* The level of harmonic `index` in dB relative to the fundamental. */
static double level_of(const Harmonic *harmonics, const int8_t *cleared, int index) {
  if (harmonics[0].magnitude == 0 || cleared[index]) return MISSING_LEVEL;
  if (index == 0) return 0;
  if (harmonics[index].top == 0) return LOWEST_LEVEL;
  return fmax(20 * log10(harmonics[index].top / harmonics[0].magnitude), LOWEST_LEVEL);
}

/* H1-H2, H1-A3 and the levels of the formants of one frame: row[4], row[5], row[8], row[11], row[14]. */
static void measure_harmonics(const Plan *plan, const float *magnitudes, double f0, double *row) {
  int64_t n_bins = plan->lengthy.n_fft / 2 + 1;
  Harmonic harmonics[N_HARMONICS];
  int8_t cleared[N_HARMONICS] = {0};
  double highest = fmax(fmax(row[6], row[9]), row[12]) * (1 + FORMANT_RANGE) / f0;
  int count = highest + 2 < 3 ? 3 : highest + 2 < N_HARMONICS ? (int)highest + 2 : N_HARMONICS;
  for (int i = 0; i < count; i++) {
    harmonics[i] = find_harmonic(magnitudes, n_bins, plan->lengthy.bin_hz, f0, i);
    if (i && harmonics[i].bin == harmonics[i - 1].bin) {
      harmonics[i] = (Harmonic){0, 0, 0, 0};
      cleared[i] = 1;
    }
  }
  double first = level_of(harmonics, cleared, 1), third = -MISSING_LEVEL;
  for (int formant = 0; formant < N_FORMANTS; formant++) {
    double centre = row[6 + 3 * formant], strongest = -1;
    row[8 + 3 * formant] = 0;
    for (int i = 0; i < count; i++) {
      double frequency = harmonics[i].frequency;
      if (frequency <= 0 || frequency < (1 - FORMANT_RANGE) * centre || frequency > (1 + FORMANT_RANGE) * centre) continue;
      if (harmonics[i].magnitude <= strongest) continue;
      strongest = harmonics[i].magnitude;
      row[8 + 3 * formant] = level_of(harmonics, cleared, i);
      if (formant == N_FORMANTS - 1) third = row[8 + 3 * formant];
    }
  }
  row[4] = fmin(fmax(first - level_of(harmonics, cleared, 2), MISSING_LEVEL), -MISSING_LEVEL);
  row[5] = fmin(fmax(first - third, MISSING_LEVEL), -MISSING_LEVEL);
}

/* HNR, differences and levels of harmonics of n voiced frames, into the columns 3, 4, 5, 8, 11 and 14 of rows; the columns
   6, 9 and 12 hold the formants. frames: their numbers; rows: shape (n, 15). Gives -1 without memory. */
int KERNEL(harmonics)(const Plan *plan, const float *samples, int64_t n, const int64_t *frames, const double *f0,
                     double *rows) {
  const Transform *lengthy = &plan->lengthy;
  int64_t n_fft = lengthy->n_fft, n_bins = n_fft / 2 + 1;
  Floats *a = allocate(sizeof(Floats) * (n_fft + n_bins));
  Doubles *acf = allocate(sizeof(Doubles) * n_fft);
  float *magnitudes = allocate(sizeof(float) * n_bins * LANES_N);
  Floats *powers = a + n_fft;
  int missing = !a || !acf || !magnitudes;
  for (int64_t first = 0; first < n && !missing; first += LANES_N) {
    const float *starts[LANES_N];
    int count = next_frames(samples, plan, frames, first, n, starts);
    transform(lengthy, starts, a);
    for (int64_t k = 0; k < n_bins; k++) powers[k] = power_of(a, n_fft, k);
    for (int64_t k = 0; k < n_bins; k++) {
      Floats root = square_root(powers[k]);
      for (int lane = 0; lane < LANES_N; lane++) magnitudes[n_bins * lane + k] = root[lane];
    }
    for (int half = 0; half < 2 && HALF_N * half < count; half++) {
      acf[0] = half_of(powers, half);
      for (int64_t k = 1; k < n_bins; k++) acf[k] = acf[n_fft - k] = half_of(powers + k, half);
      rdft_doubles((int)n_fft, acf, plan->acf_w, lengthy->pairs, (int)lengthy->n_pairs);
      for (int lane = 0; lane < HALF_N && HALF_N * half + lane < count; lane++) {
        int64_t at = first + HALF_N * half + lane;
        rows[N_VOICE * at + 3] = noise_ratio(plan, acf, lane, f0[at]);
        measure_harmonics(plan, magnitudes + n_bins * (HALF_N * half + lane), f0[at], rows + N_VOICE * at);
      }
    }
  }
  free(a);
  free(acf);
  free(magnitudes);
  return missing ? -1 : 0;
}
