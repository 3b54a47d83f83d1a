/* Spectra of some frames, and the descriptors of the 20 ms spectrum: spectral_shape.py and loudness.py. */

#define SILENCE 1e-14

/* Where the next frames of a list start, one for each lane; the last is repeated if fewer are left. Gives how many are left. */
static int next_frames(const float *samples, const Plan *plan, const int64_t *frames, int64_t first, int64_t n,
                        const float *starts[LANES_N]) {
  for (int lane = 0; lane < LANES_N; lane++) {
    int64_t place = first + lane < n ? first + lane : n - 1;
    starts[lane] = samples + plan->step * (frames ? frames[place] : place);
  }
  return n - first < LANES_N ? (int)(n - first) : LANES_N;
}

/* Window and transform frames: a[2k], a[2k + 1] as in fftsg.h. */
static void transform(const Transform *plan, const float *const starts[LANES_N], Floats *a) {
  memset(a, 0, sizeof(Floats) * plan->n_fft);
  for (int64_t i = 0; i < plan->length; i++) {
    Floats values;
    for (int lane = 0; lane < LANES_N; lane++) values[lane] = starts[lane][i];
    a[plan->delay + i] = values * plan->window[i];
  }
  rdft_floats((int)plan->n_fft, a, plan->w, plan->pairs, (int)plan->n_pairs);
}

static inline Floats power_of(const Floats *a, int64_t n_fft, int64_t bin) {
  if (bin == 0) return a[0] * a[0];
  if (bin == n_fft / 2) return a[1] * a[1];
  return a[2 * bin] * a[2 * bin] + a[2 * bin + 1] * a[2 * bin + 1];
}

/* 10 lg(numerator / denominator), 0 where the denominator is. */
static Doubles decibels(Doubles numerator, Doubles denominator) {
  const Doubles one = all_doubles(1);
  DoubleMask known = denominator > 0.0;
  Doubles ratio = larger(numerator, all_doubles(SILENCE)) / CHOOSE_D(known, denominator, one);
  return CHOOSE_D(known, logarithm(ratio) * (10 / M_LN10), (Doubles){0});
}

static void shape(const Plan *plan, const Floats *powers, int half, Doubles columns[N_SPECTRAL]) {
  Doubles below = {0}, above = {0}, low = {0}, high = {0}, slopes[2] = {{0}, {0}};
  for (int64_t k = 0; k < plan->high; k++) {
    Doubles power = half_of(powers + k, half);
    if (k < plan->low) below += power; else above += power;
    if (k < plan->middle) low = larger(power, low); else high = larger(power, high);
    if (k < plan->n_slopes) {
      Doubles level = logarithm(larger(power, all_doubles(SILENCE))) * (10 / M_LN10);
      slopes[0] += level * plan->slopes[2 * k];
      slopes[1] += level * plan->slopes[2 * k + 1];
    }
  }
  columns[1] = decibels(above, below);
  columns[2] = decibels(low, high);
  columns[3] = slopes[0];
  columns[4] = slopes[1];
}

static void hearing(const Plan *plan, const Floats *powers, int half, Doubles columns[N_SPECTRAL]) {
  Doubles bands[N_BANDS + 1] = {{0}}, loudness = {0};
  for (int64_t k = plan->first_bin; k < plan->end_bin; k++) {
    Doubles power = half_of(powers + k, half);
    bands[plan->band[k]] += power * plan->band_weights[2 * k];
    bands[plan->band[k] + 1] += power * plan->band_weights[2 * k + 1];
  }
  for (int i = 0; i < N_CEPSTRUM; i++) columns[6 + i] = (Doubles){0};
  for (int b = 0; b < N_BANDS; b++) {
    Doubles heard = larger(bands[b], all_doubles(9.3e-10)) * plan->hearing[b];
    loudness += exponential(logarithm(heard) * 0.33);
    Doubles level = logarithm(larger(bands[b] * (32767.0 * 32767.0), all_doubles(1)));
    for (int i = 0; i < N_CEPSTRUM; i++) columns[6 + i] += level * plan->cosines[N_CEPSTRUM * b + i];
  }
  columns[0] = loudness / (double)N_BANDS;
}

static double mean_square(const float *samples, int64_t n) {
  Doubles squares = {0};
  double sum = 0;
  int64_t i = 0;
  for (; i + HALF_N <= n; i += HALF_N) {
    HalfFloats floats;
    memcpy(&floats, samples + i, sizeof floats);
    squares += __builtin_convertvector(floats, Doubles) * __builtin_convertvector(floats, Doubles);
  }
  for (; i < n; i++) sum += (double)samples[i] * samples[i];
  for (int lane = 0; lane < HALF_N; lane++) sum += squares[lane];
  return sum / n;
}

/* Descriptors of the first n 20 ms frames.
   before: magnitudes of the frame before the first, then of the last one; has_before: whether there was one.
   rows: shape (n, 10). Gives the sum of the frames' mean squares, NaN without memory. */
double KERNEL(spectral)(const Plan *plan, const float *samples, int64_t n, float *before, int has_before, double *rows) {
  const Transform *brief = &plan->brief;
  int64_t n_bins = brief->n_fft / 2 + 1;
  Floats *a = allocate(sizeof(Floats) * (brief->n_fft + 2 * n_bins));
  /* Magnitudes of the frames before and of these, one beside the other: [7] is the frame before lane 0. */
  float *pairs = allocate(sizeof(float) * 2 * LANES_N * plan->flux);
  if (!a || !pairs) {
    free(a);
    free(pairs);
    return NAN;
  }
  Floats *powers = a + brief->n_fft, *changes = powers + n_bins;
  double total = 0;
  for (int64_t k = 0; k < plan->flux; k++) pairs[2 * LANES_N * k + LANES_N - 1] = has_before ? before[k] : 0;
  for (int64_t first = 0; first < n; first += LANES_N) {
    const float *starts[LANES_N];
    int count = next_frames(samples, plan, NULL, first, n, starts);
    for (int lane = 0; lane < count; lane++) total += mean_square(starts[lane], brief->length);
    transform(brief, starts, a);
    for (int64_t k = 0; k < n_bins; k++) powers[k] = power_of(a, brief->n_fft, k);
    for (int64_t k = 0; k < plan->flux; k++) {
      float *pair = pairs + 2 * LANES_N * k;
      Floats now = square_root(powers[k]), last;
      memcpy(pair + LANES_N, &now, sizeof now);
      memcpy(&last, pair + LANES_N - 1, sizeof last);
      changes[k] = now - last;
      pair[LANES_N - 1] = pair[LANES_N - 1 + count];
    }
    for (int half = 0; half < 2; half++) {
      Doubles columns[N_SPECTRAL], change = {0};
      shape(plan, powers, half, columns);
      hearing(plan, powers, half, columns);
      for (int64_t k = 0; k < plan->flux; k++) change += half_of(changes + k, half) * half_of(changes + k, half);
      for (int lane = 0; lane < HALF_N && HALF_N * half + lane < count; lane++) {
        int64_t frame = first + HALF_N * half + lane;
        double *row = rows + N_SPECTRAL * frame;
        for (int column = 0; column < N_SPECTRAL; column++) row[column] = columns[column][lane];
        row[5] = frame || has_before ? sqrt(change[lane] / plan->flux) : 0;
      }
    }
  }
  for (int64_t k = 0; k < plan->flux; k++) before[k] = pairs[2 * LANES_N * k + LANES_N - 1];
  free(a);
  free(pairs);
  return total;
}
