/* Candidates of F0 by subharmonic summation: pitch.py. */

#define LOWEST_HZ 55.0
#define HIGHEST_HZ 1000.0
#define AXIS_START_HZ 25.0

/* Set the valleys between peaks to 0. peak and tail are room for n_bins masks each, peak with two more on either side. */
static void enhance_peaks(int64_t n_bins, Floats *magnitudes, FloatMask *peak, FloatMask *tail) {
  FloatMask one = {0}, several = {0}, before = ~one, after = ~one;
  peak[-2] = peak[-1] = peak[n_bins] = peak[n_bins + 1] = one;
  peak[0] = magnitudes[0] > magnitudes[1];
  for (int64_t k = 1; k < n_bins - 1; k++)
    peak[k] = (magnitudes[k] > magnitudes[k - 1]) & ~(magnitudes[k + 1] > magnitudes[k]);
  peak[n_bins - 1] = magnitudes[n_bins - 1] > magnitudes[n_bins - 2];
  for (int64_t k = n_bins - 1; k >= 0; k--) {
    several |= one & peak[k];
    one |= peak[k];
    tail[k] = after = after & ~peak[k];
  }
  one &= ~several;
  for (int64_t k = 0; k < n_bins; k++) {
    before &= ~peak[k];
    FloatMask kept = before | tail[k] | peak[k - 2] | peak[k - 1] | peak[k] | peak[k + 1] | peak[k + 2];
    if (k >= 3) kept &= ~one;
    magnitudes[k] = (Floats)((FloatMask)magnitudes[k] & kept);
  }
}

/* Smooth, lay a natural cubic spline through the values and read it off at the octave axis, weighed and floored at 0.
   y and bend have room for n_bins vectors; octaves too. */
static void octave_spectrum(const Plan *plan, int64_t n_bins, const Floats *enhanced, int half, Doubles *y,
                            Doubles *bend, Doubles *octaves) {
  int64_t last = n_bins - 1;
  y[0] = (2.0 * half_of(enhanced, half) + half_of(enhanced + 1, half)) * 0.25;
  for (int64_t k = 1; k < last; k++)
    y[k] = (half_of(enhanced + k - 1, half) + 2.0 * half_of(enhanced + k, half) + half_of(enhanced + k + 1, half)) * 0.25;
  y[last] = half_of(enhanced + last, half);
  /* plan->gaps holds 6 / h, plan->pivots the pivots' inverses, with h_(i-1) times the inverse beside. */
  bend[0] = bend[last] = (Doubles){0};
  Doubles rise = (y[1] - y[0]) * plan->gaps[0];
  for (int64_t k = 1; k < last; k++) {
    Doubles next = (y[k + 1] - y[k]) * plan->gaps[k];
    bend[k] = (next - rise) * plan->pivots[2 * k] - bend[k - 1] * plan->pivots[2 * k + 1];
    rise = next;
  }
  for (int64_t k = last - 1; k > 0; k--) bend[k] -= bend[k + 1] * plan->ratios[k];
  for (int64_t j = 0; j < n_bins; j++) {
    const double *weights = plan->point_weights + 4 * j;
    int64_t k = plan->left[j];
    Doubles value = y[k] * weights[0] + y[k + 1] * weights[1] + bend[k] * weights[2] + bend[k + 1] * weights[3];
    octaves[j] = larger(value, (Doubles){0});
  }
}

/* SS_j = sum over h of 0.85^(h-1) Y_(j + shift_h) / 15, and their mean. */
static Doubles subharmonic_sum(const Plan *plan, int64_t n_points, const Doubles *octaves, Doubles *summed) {
  double weights[N_SHIFTS];
  Doubles total = {0};
  for (int h = 0; h < N_SHIFTS; h++) weights[h] = pow(0.85, h) / N_SHIFTS;
  int64_t end = n_points;
  for (int h = N_SHIFTS - 1, j = 0; h >= 0; h--) {
    /* As many points have this number of harmonics on the axis. */
    for (end = n_points - plan->shifts[h]; j < end; j++) {
      Doubles sum = octaves[j] * weights[0];
      for (int i = 1; i <= h; i++) sum += octaves[j + plan->shifts[i]] * weights[i];
      summed[j] = sum;
      total += sum;
    }
  }
  return total / (double)n_points;
}

typedef struct {
  double frequency, score, voicing;
} Candidate;

/* The six highest strict local maxima of every lane, descending, the lower one first of two as high. */
static void largest_peaks(int64_t n_points, const Doubles *summed, int64_t places[HALF_N][N_CANDIDATES]) {
  double heights[HALF_N][N_CANDIDATES] = {{0}};
  Doubles lowest = {0};
  for (int64_t j = 1; j < n_points - 1; j++) {
    DoubleMask peak = (summed[j] > summed[j - 1]) & (summed[j] > summed[j + 1]) & (summed[j] > lowest);
    if (!any(peak)) continue;
    for (int lane = 0; lane < HALF_N; lane++) {
      double height = summed[j][lane];
      if (!peak[lane]) continue;
      int slot = N_CANDIDATES - 1;
      for (; slot > 0 && height > heights[lane][slot - 1]; slot--) {
        heights[lane][slot] = heights[lane][slot - 1];
        places[lane][slot] = places[lane][slot - 1];
      }
      heights[lane][slot] = height;
      places[lane][slot] = j;
      lowest[lane] = heights[lane][N_CANDIDATES - 1];
    }
  }
}

/* Parabolas through a frame's peaks; those outside of the range leave, and the best comes first. */
static void interpolate(const Plan *plan, const Doubles *summed, int lane, double mean, const int64_t *places,
                        double *frequency, double *voicing) {
  Candidate kept[N_CANDIDATES] = {{0, 0, 0}};
  int n_kept = 0, best = 0;
  for (int slot = 0; slot < N_CANDIDATES && places[slot] > 0; slot++) {
    int64_t j = places[slot];
    double left = summed[j - 1][lane], middle = summed[j][lane], right = summed[j + 1][lane];
    double offset = 0.5 * (left - right) / (left - 2 * middle + right);
    double score = middle - 0.25 * (left - right) * offset;
    double hz = AXIS_START_HZ * exp2((j + offset) * plan->octave_step);
    if (!(hz >= LOWEST_HZ && hz <= HIGHEST_HZ)) continue;
    kept[n_kept++] = (Candidate){hz, score, score > mean ? 1 - mean / score : 0};
  }
  for (int slot = 1; slot < n_kept; slot++)
    if (kept[slot].score > kept[best].score) best = slot;
  Candidate first = kept[0];
  kept[0] = kept[best];
  kept[best] = first;
  for (int slot = 0; slot < N_CANDIDATES; slot++) {
    frequency[slot] = kept[slot].frequency;
    voicing[slot] = kept[slot].voicing;
  }
}

/* Candidates of the first n 60 ms frames: frequency and voicing, shape (n, 6); energy, shape (n,), is the root mean square
   of the windowed frame. Gives -1 without memory. */
int KERNEL(candidates)(const Plan *plan, const float *samples, int64_t n, double *frequency, double *voicing,
                      double *energy) {
  const Transform *lengthy = &plan->lengthy;
  int64_t n_bins = lengthy->n_fft / 2 + 1;
  Floats *a = allocate(sizeof(Floats) * (lengthy->n_fft + 3 * n_bins + 4));
  Doubles *y = allocate(sizeof(Doubles) * 4 * n_bins);
  if (!a || !y) {
    free(a);
    free(y);
    return -1;
  }
  Floats *magnitudes = a + lengthy->n_fft;
  FloatMask *peak = (FloatMask *)(magnitudes + n_bins + 2), *tail = peak + n_bins + 2;
  Doubles *bend = y + n_bins, *octaves = bend + n_bins, *summed = octaves + n_bins;
  for (int64_t first = 0; first < n; first += LANES_N) {
    const float *starts[LANES_N];
    int count = next_frames(samples, plan, NULL, first, n, starts);
    Doubles totals[2];
    transform(lengthy, starts, a);
    for (int64_t k = 0; k < n_bins; k++) magnitudes[k] = power_of(a, lengthy->n_fft, k);
    for (int half = 0; half < 2; half++) {
      Doubles sum = half_of(magnitudes, half) * 0.5 + half_of(magnitudes + n_bins - 1, half) * 0.5;
      for (int64_t k = 1; k < n_bins - 1; k++) sum += half_of(magnitudes + k, half);
      totals[half] = 2.0 * sum;
    }
    for (int64_t k = 0; k < n_bins; k++) magnitudes[k] = square_root(magnitudes[k]);
    enhance_peaks(n_bins, magnitudes, peak, tail);
    for (int half = 0; half < 2; half++) {
      int64_t places[HALF_N][N_CANDIDATES] = {{0}};
      octave_spectrum(plan, n_bins, magnitudes, half, y, bend, octaves);
      Doubles mean = subharmonic_sum(plan, n_bins, octaves, summed);
      largest_peaks(n_bins, summed, places);
      for (int lane = 0; lane < HALF_N && HALF_N * half + lane < count; lane++) {
        int64_t frame = first + HALF_N * half + lane, row = N_CANDIDATES * frame;
        interpolate(plan, summed, lane, mean[lane], places[lane], frequency + row, voicing + row);
        energy[frame] = sqrt(totals[half][lane] / ((double)lengthy->n_fft * lengthy->length));
      }
    }
  }
  free(a);
  free(y);
  return 0;
}
