/* Formants of 20 ms frames: formants.py. */

#define LPC_RATE 11000.0
#define LOWEST_FORMANT_HZ 50.0
#define HIGHEST_FORMANT_HZ 5450.0
#define MOST_STEPS 100
#define PRECISION 1e-13

/* Take the band back to time, four samples at once; float32 sums in the order 0 Hz, cosine, sine, cosine, ... */
static void band_samples(const Plan *plan, const Floats *a, Floats *samples) {
  const float *waves = plan->waves;
  float scale = 2.0f / plan->brief.n_fft;
  for (int64_t i = 0; i < plan->band_samples; i += 4) {
    Floats sums[4] = {a[0], a[0], a[0], a[0]};
    for (int64_t k = 1; k < plan->band_bins; k++, waves += 8) {
      Floats real = a[2 * k], imaginary = a[2 * k + 1];
      for (int j = 0; j < 4; j++) {
        sums[j] += real * waves[j];
        sums[j] += imaginary * waves[4 + j];
      }
    }
    for (int j = 0; j < 4; j++) samples[i + j] = sums[j] * scale;
  }
}

/* Levinson's recursion on the autocorrelation, all in float32 and one after the other. */
static void predictor(const Plan *plan, const Floats *samples, Floats *coefficients) {
  Floats acf[ORDER + 1] = {{0}};
  for (int lag = 0; lag <= ORDER; lag++) {
    Floats sum = {0};
    for (int64_t i = 0; i + lag < plan->band_samples; i++) sum += samples[i] * samples[i + lag];
    acf[lag] = sum;
  }
  Floats error = acf[0];
  for (int order = 0; order < ORDER; order++) {
    FloatMask known = error != 0.0f;
    Floats total = acf[order + 1], before[ORDER];
    for (int i = 0; i < order; i++) total += coefficients[i] * acf[order - i];
    Floats one = (Floats){0} + 1.0f;
    Floats reflection = -1.0f / CHOOSE_F(known, error, one) * total;
    reflection = (Floats)((FloatMask)reflection & known);
    memcpy(before, coefficients, sizeof(Floats) * order);
    for (int i = 0; i < order; i++) coefficients[i] = before[i] + reflection * before[order - 1 - i];
    coefficients[order] = reflection;
    error *= 1.0f - reflection * reflection;
  }
}

/* Take real roots for those at 0, which numbers that are nearly 0 could not tell from resonances: with m of them
   p(z) / z^m (z + 1/2) ... (z + m/2) has the same complex ones. c[i] belongs to z^(10 - i). */
static void replace_zeros(Doubles c[ORDER], int lane) {
  int n_zeros = 0;
  while (n_zeros < ORDER && c[ORDER - 1 - n_zeros][lane] == 0) n_zeros++;
  for (int zero = 1; zero <= n_zeros; zero++)
    for (int i = ORDER - 1; i >= 0; i--) c[i][lane] += 0.5 * zero * (i ? c[i - 1][lane] : 1);
}

/* The roots of z^11 + sum c_i z^(10 - i), all at once by Aberth's iteration. */
static void find_roots(const Doubles c[ORDER], Doubles *real, Doubles *imaginary) {
  for (int k = 0; k < ORDER; k++) {
    real[k] = all_doubles(0.95 * cos(2 * M_PI * k / ORDER + 0.1));
    imaginary[k] = all_doubles(0.95 * sin(2 * M_PI * k / ORDER + 0.1));
  }
  for (int step = 0; step < MOST_STEPS; step++) {
    DoubleMask moves = {0};
    for (int k = 0; k < ORDER; k++) {
      Doubles x = real[k], y = imaginary[k];
      /* p(z), p'(z) and the sum of 1 / (z - z_j). */
      Doubles px = all_doubles(1), py = {0}, dx = {0}, dy = {0}, sx = {0}, sy = {0};
      for (int i = 0; i < ORDER; i++) {
        Doubles next = dx * x - dy * y + px;
        dy = dx * y + dy * x + py;
        dx = next;
        next = px * x - py * y + c[i];
        py = px * y + py * x;
        px = next;
      }
      for (int j = 0; j < ORDER; j++) {
        if (j == k) continue;
        Doubles u = x - real[j], v = y - imaginary[j], inverse = 1.0 / (u * u + v * v + 1e-300);
        sx += u * inverse;
        sy -= v * inverse;
      }
      /* The correction p / (p' - p s). */
      Doubles qx = dx - (px * sx - py * sy), qy = dy - (px * sy + py * sx);
      Doubles inverse = 1.0 / (qx * qx + qy * qy + 1e-300);
      Doubles wx = (px * qx + py * qy) * inverse, wy = (py * qx - px * qy) * inverse;
      real[k] = x - wx;
      imaginary[k] = y - wy;
      moves |= wx * wx + wy * wy > PRECISION * PRECISION * (x * x + y * y);
    }
    if (!any(moves)) break;
  }
}

/* Frequency and bandwidth in Hz of the lowest three resonances of one lane, 0 where missing. */
static void read_resonances(const Doubles *real, const Doubles *imaginary, int lane, double *frequency,
                            double *bandwidth) {
  int n_found = 0;
  for (int formant = 0; formant < N_FORMANTS; formant++) frequency[formant] = bandwidth[formant] = 0;
  for (int k = 0; k < ORDER; k++) {
    double x = real[k][lane], y = imaginary[k][lane];
    if (y <= 0) continue;
    double hz = atan2(y, x) * (LPC_RATE / (2 * M_PI));
    if (!(hz >= LOWEST_FORMANT_HZ && hz <= HIGHEST_FORMANT_HZ)) continue;
    int slot = n_found < N_FORMANTS ? n_found++ : N_FORMANTS;
    for (; slot > 0 && hz < frequency[slot - 1]; slot--)
      if (slot < N_FORMANTS) {
        frequency[slot] = frequency[slot - 1];
        bandwidth[slot] = bandwidth[slot - 1];
      }
    if (slot == N_FORMANTS) continue;
    frequency[slot] = hz;
    bandwidth[slot] = fabs(0.5 * log(fmax(x * x + y * y, 1e-300))) * (LPC_RATE / M_PI);
  }
}

/* Frequencies and bandwidths of the frames with these numbers, each of shape (n, 3). Gives -1 without memory. */
int KERNEL(formants)(const Plan *plan, const float *samples, int64_t n, const int64_t *frames, double *frequency,
                    double *bandwidth) {
  const Transform *brief = &plan->brief;
  Floats *a = allocate(sizeof(Floats) * (brief->n_fft + plan->band_samples + 4));
  if (!a) return -1;
  for (int64_t first = 0; first < n; first += LANES_N) {
    const float *starts[LANES_N];
    int count = next_frames(samples, plan, frames, first, n, starts);
    Floats coefficients[ORDER];
    transform(brief, starts, a);
    band_samples(plan, a, a + brief->n_fft);
    predictor(plan, a + brief->n_fft, coefficients);
    for (int half = 0; half < 2 && HALF_N * half < count; half++) {
      Doubles c[ORDER], real[ORDER], imaginary[ORDER];
      for (int i = 0; i < ORDER; i++) c[i] = -half_of(coefficients + i, half);
      for (int lane = 0; lane < HALF_N; lane++)
        if (c[ORDER - 1][lane] == 0) replace_zeros(c, lane);
      find_roots(c, real, imaginary);
      for (int lane = 0; lane < HALF_N && HALF_N * half + lane < count; lane++) {
        int64_t row = N_FORMANTS * (first + HALF_N * half + lane);
        read_resonances(real, imaginary, lane, frequency + row, bandwidth + row);
      }
    }
  }
  free(a);
  return 0;
}
