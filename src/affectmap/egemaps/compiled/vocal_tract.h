/* Noise, harmonics and formants of the corrected set: vocal_tract.py. */

#define POLES 10
#define VOICE_SEARCH_RANGE 0.2
#define LEAST_SHARE 1e-6
#define ZERO_DB 1e-9

/* Of the 60 ms spectrum: shape (n_cosines, 11), and the window's autocorrelation. */
typedef struct {
  int64_t n_cosines;
  const double *cosines, *window;
} VoicePlan;

static double not_zero(double level) { return level == 0 ? ZERO_DB : level; }

/* The height of the parabola through three neighbours, the middle one where it is no peak. */
static double top_of(double left, double middle, double right) {
  double curvature = left - 2 * middle + right;
  if (!(middle >= left && middle >= right && curvature < 0)) return middle;
  return middle + (left - right) * (left - right) / (-8 * curvature);
}

static int64_t limited(double place, int64_t last) { return place < 1 ? 1 : place > last ? last : (int64_t)place; }

/* The level in dB of the strongest bin of a range in Hz. */
static double strongest(const float *powers, int64_t n_bins, double bin_hz, double lowest, double highest) {
  int64_t start = limited(floor(lowest / bin_hz), n_bins - 2), end = limited(ceil(highest / bin_hz), n_bins - 2);
  int64_t place = start;
  for (int64_t k = start + 1; k <= end; k++)
    if (powers[k] > powers[place]) place = k;
  double levels[3];
  for (int i = 0; i < 3; i++) levels[i] = 10 * log10(fmax(powers[place + i - 1], 1e-30));
  return top_of(levels[0], levels[1], levels[2]);
}

/* The harmonics-to-noise ratio in dB of one lane, from the autocorrelation in a[2 k]. */
static double voice_noise_ratio(const Plan *plan, const double *window, const Doubles *a, int lane, double f0) {
  int64_t last = plan->lengthy.n_fft / 2;
  double period = 2 * plan->lengthy.bin_hz * last / f0, total = a[0][lane];
#define SHARE(k) (((k) == last ? a[1][lane] : a[2 * (k)][lane]) / (total > 0 ? total : 1) / window[k])
  int64_t start = limited(floor((1 - VOICE_SEARCH_RANGE) * period), last - 1);
  int64_t end = limited(ceil((1 + VOICE_SEARCH_RANGE) * period), last - 1), place = start;
  for (int64_t k = start + 1; k <= end; k++)
    if (SHARE(k) > SHARE(place)) place = k;
  double share = top_of(SHARE(place - 1), SHARE(place), SHARE(place + 1));
#undef SHARE
  share = fmin(fmax(share, LEAST_SHARE), 1 - LEAST_SHARE);
  return not_zero(10 * log10(share / (1 - share)));
}

/* Coefficients of the predictor of the pre-emphasised band, then 0. */
static void band_predictor(const VoicePlan *voice, const Floats *powers, int half, Doubles coefficients[ORDER]) {
  Doubles acf[POLES + 1];
  for (int i = 0; i <= POLES; i++) acf[i] = (Doubles){0};
  for (int64_t k = 0; k < voice->n_cosines; k++) {
    Doubles power = half_of(powers + k, half);
    for (int i = 0; i <= POLES; i++) acf[i] += power * voice->cosines[(POLES + 1) * k + i];
  }
  Doubles error = acf[0], one = all_doubles(1);
  for (int order = 0; order < POLES; order++) {
    DoubleMask known = error > 0.0;
    Doubles total = acf[order + 1], before[ORDER];
    for (int i = 0; i < order; i++) total += coefficients[i] * acf[order - i];
    Doubles reflection = -total / CHOOSE_D(known, error, one);
    reflection = (Doubles)((DoubleMask)reflection & known);
    memcpy(before, coefficients, sizeof(Doubles) * order);
    for (int i = 0; i < order; i++) coefficients[i] = before[i] + reflection * before[order - 1 - i];
    coefficients[order] = reflection;
    error *= 1.0 - reflection * reflection;
  }
  coefficients[POLES] = (Doubles){0};
}

/* Columns 4 to 14 of one frame whose formants' frequencies and bandwidths are given. */
static void measure_levels(const float *powers, int64_t n_bins, double bin_hz, double f0, const double *frequency,
                           const double *bandwidth, double *row) {
#define LEVEL(lowest, highest) strongest(powers, n_bins, bin_hz, lowest, highest)
  double first = LEVEL((1 - VOICE_SEARCH_RANGE) * f0, (1 + VOICE_SEARCH_RANGE) * f0);
  row[4] = not_zero(first - LEVEL((2 - VOICE_SEARCH_RANGE) * f0, (2 + VOICE_SEARCH_RANGE) * f0));
  for (int i = 0; i < N_FORMANTS; i++) {
    row[6 + 3 * i] = frequency[i];
    row[7 + 3 * i] = bandwidth[i];
    row[8 + 3 * i] = frequency[i] > 0 ? not_zero(LEVEL(frequency[i] - f0 / 2, frequency[i] + f0 / 2) - first) : 0;
  }
  double third = frequency[N_FORMANTS - 1];
  row[5] = third > 0 ? not_zero(first - LEVEL((1 - FORMANT_RANGE) * third, (1 + FORMANT_RANGE) * third)) : 0;
#undef LEVEL
}

/* Noise ratio, harmonics and formants of n voiced frames, into the columns from 3 on of rows, shape (n, 15).
   frames: their numbers. Gives -1 without memory. */
int KERNEL(voice)(const Plan *plan, const VoicePlan *voice, const float *samples, int64_t n, const int64_t *frames,
                  const double *f0, double *rows) {
  const Transform *lengthy = &plan->lengthy;
  int64_t n_fft = lengthy->n_fft, n_bins = n_fft / 2 + 1;
  Floats *a = allocate(sizeof(Floats) * (n_fft + n_bins));
  Doubles *acf = allocate(sizeof(Doubles) * n_fft);
  float *spectra = allocate(sizeof(float) * n_bins * LANES_N);
  Floats *powers = a + n_fft;
  int missing = !a || !acf || !spectra;
  for (int64_t first = 0; first < n && !missing; first += LANES_N) {
    const float *starts[LANES_N];
    int count = next_frames(samples, plan, frames, first, n, starts);
    transform(lengthy, starts, a);
    for (int64_t k = 0; k < n_bins; k++) {
      powers[k] = power_of(a, n_fft, k);
      for (int lane = 0; lane < LANES_N; lane++) spectra[n_bins * lane + k] = powers[k][lane];
    }
    for (int half = 0; half < 2 && HALF_N * half < count; half++) {
      Doubles c[ORDER], real[ORDER], imaginary[ORDER];
      acf[0] = half_of(powers, half);
      for (int64_t k = 1; k < n_bins; k++) acf[k] = acf[n_fft - k] = half_of(powers + k, half);
      rdft_doubles((int)n_fft, acf, plan->acf_w, lengthy->pairs, (int)lengthy->n_pairs);
      band_predictor(voice, powers, half, c);
      for (int lane = 0; lane < HALF_N; lane++) replace_zeros(c, lane);
      find_roots(c, real, imaginary);
      for (int lane = 0; lane < HALF_N && HALF_N * half + lane < count; lane++) {
        int64_t at = first + HALF_N * half + lane;
        double frequency[N_FORMANTS], bandwidth[N_FORMANTS], *row = rows + N_VOICE * at;
        read_resonances(real, imaginary, lane, frequency, bandwidth);
        row[3] = voice_noise_ratio(plan, voice->window, acf, lane, f0[at]);
        measure_levels(spectra + n_bins * (HALF_N * half + lane), n_bins, lengthy->bin_hz, f0[at], frequency, bandwidth, row);
      }
    }
  }
  free(a);
  free(acf);
  free(spectra);
  return missing ? -1 : 0;
}
