/* The 88 functionals of a recording's contours: summary.py, smoothing.py, statistics.py and contour_peaks.py. */

#define STEP_S 0.010
#define LEAST_SEMITONE 1e-6
#define RELATIVE_THRESHOLD 0.1
#define REPLACING_FACTOR 1.05
#define SHORTEST_RUN 3
#define SHORTEST_PAUSE 2
#define MOST_SEGMENTS 1000

/* Whether a frame's next is known to smoothing, or the frame stands in for it. */
enum { KNOWN, BACKWARD };

static void smooth(const double *contour, int64_t n, double *smoothed) {
  for (int64_t t = 0; t < n; t++)
    smoothed[t] = (contour[t ? t - 1 : 0] + contour[t] + contour[t < n - 1 ? t + 1 : t]) / 3;
}

/* Average the neighbours that are not zero; the first n_smoothed of n frames. */
static void smooth_nonzero(const double *contour, int64_t n, int64_t n_smoothed, int next, double *smoothed) {
  for (int64_t t = 0; t < n_smoothed; t++) {
    double before = contour[t ? t - 1 : 0], now = contour[t];
    double after = contour[next == KNOWN && t < n - 1 ? t + 1 : t];
    int count = (before != 0) + (now != 0) + (after != 0);
    smoothed[t] = now != 0 ? (before + now + after) / count : 0;
  }
}

/* amean and stddevNorm; of the values that are not zero, or of all. */
static void mean_and_deviation(const double *values, int64_t n, int nonzero, double result[2]) {
  double sum = 0, squares = 0;
  int64_t count = 0;
  for (int64_t t = 0; t < n; t++) {
    sum += values[t];
    count += !nonzero || values[t] != 0;
  }
  double mean = sum / (count ? count : 1);
  for (int64_t t = 0; t < n; t++)
    if (!nonzero || values[t] != 0) squares += (values[t] - mean) * (values[t] - mean);
  result[0] = mean;
  result[1] = sqrt(squares / (count ? count : 1)) / (mean == 0 ? 1 : mean);
}

static int ascending(const void *a, const void *b) {
  double first = *(const double *)a, second = *(const double *)b;
  return (first > second) - (first < second);
}

/* Percentiles 20, 50 and 80, and the distance from 20 to 80; `sorted` is room for n values. */
static void percentiles(const double *contour, int64_t n, double *sorted, double result[4]) {
  memcpy(sorted, contour, sizeof(double) * n);
  qsort(sorted, n, sizeof(double), ascending);
  const double parts[3] = {0.2, 0.5, 0.8};
  for (int i = 0; i < 3; i++) {
    double place = parts[i] * (n - 1);
    int64_t below = (int64_t)place, above = below + 1 < n ? below + 1 : n - 1;
    result[i] = sorted[below] + (place - below) * (sorted[above] - sorted[below]);
  }
  result[3] = fabs(result[2] - result[0]);
}

typedef struct {
  int64_t place;
  double value;
  int is_maximum, is_kept;
} Extremum;

static int64_t keep(Extremum *extrema, int64_t n) {
  int64_t n_kept = 0;
  for (int64_t i = 0; i < n; i++)
    if (extrema[i].is_kept) extrema[n_kept++] = extrema[i];
  return n_kept;
}

/* Drop maxima that hardly rise above what went before; one that exceeds the last maximum drops that instead. */
static int64_t drop_low(Extremum *extrema, int64_t n, double start, double threshold) {
  double before = start, lowest = start, highest = start;
  int after_minimum = 0;
  int64_t last_maximum = -1;
  for (int64_t i = 0; i < n; i++) {
    double value = extrema[i].value;
    int steep = fabs(value - before) >= threshold;
    before = value;
    if (!extrema[i].is_maximum) {
      if (steep) {
        after_minimum = 1;
        lowest = value;
      }
      continue;
    }
    if (!steep && value - lowest < threshold) {
      extrema[i].is_kept = 0;
      continue;
    }
    int exceeds = !steep && value > REPLACING_FACTOR * highest;
    if (exceeds && last_maximum >= 0) extrema[last_maximum].is_kept = 0;
    if (steep || exceeds || after_minimum) {
      highest = value;
      last_maximum = i;
    } else {
      extrema[i].is_kept = 0;
    }
    after_minimum = 0;
  }
  return keep(extrema, n);
}

/* Drop minima that hardly fall below the last maximum. */
static int64_t drop_shallow(Extremum *extrema, int64_t n, double start, double threshold) {
  double highest = start;
  for (int64_t i = 0; i < n; i++) {
    if (extrema[i].is_maximum) highest = extrema[i].value;
    else if (highest - extrema[i].value < threshold) extrema[i].is_kept = 0;
  }
  return keep(extrema, n);
}

/* Keep the highest of successive maxima and the lowest of successive minima. */
static int64_t merge_runs(Extremum *extrema, int64_t n) {
  int64_t n_kept = 0;
  for (int64_t i = 0; i < n; i++) {
    Extremum *last = extrema + n_kept - 1;
    if (!n_kept || last->is_maximum != extrema[i].is_maximum) extrema[n_kept++] = extrema[i];
    else if (last->is_maximum ? extrema[i].value > last->value : extrema[i].value < last->value) *last = extrema[i];
  }
  return n_kept;
}

/* Maxima and minima that stand out, in turns; extrema has room for n. */
static int64_t find_extrema(const double *contour, int64_t n, Extremum *extrema) {
  if (n < 5) return 0;
  double low = contour[0], high = contour[0];
  int64_t count = 0;
  for (int64_t t = 0; t < n; t++) {
    low = fmin(low, contour[t]);
    high = fmax(high, contour[t]);
  }
  for (int64_t t = 2; t < n - 2; t++) {
    int is_maximum = contour[t] > contour[t - 1] && contour[t] > contour[t + 1];
    if (is_maximum || (contour[t] < contour[t - 1] && contour[t] < contour[t + 1]))
      extrema[count++] = (Extremum){t, contour[t], is_maximum, 1};
  }
  double threshold = RELATIVE_THRESHOLD * (high - low);
  count = drop_low(extrema, count, contour[0], threshold);
  count = drop_shallow(extrema, count, contour[0], threshold);
  return merge_runs(extrema, count);
}

/* Number and sum of the rising [1] or falling [0] slopes. */
typedef struct {
  int64_t count;
  double total;
} Slopes;

/* Visit the slopes between extrema. Without means they are added up, and the one to the contour's end, too; with means
   their squared deviations are, and that one is left out. */
static void visit_slopes(const double *contour, int64_t n, const Extremum *extrema, int64_t n_extrema, Slopes sums[2],
                         const double *means, double squares[2]) {
  Extremum latest[2] = {{0, contour[0], 0, 1}, {0, contour[0], 1, 1}};
  int ended_rising = -1;
  for (int64_t i = 0; i < n_extrema; i++) {
    int rises = extrema[i].is_maximum;
    const Extremum *origin = &latest[!rises];
    if (extrema[i].place > origin->place) {
      double ascent = (extrema[i].value - origin->value) / ((extrema[i].place - origin->place) * STEP_S);
      double slope = rises ? ascent : -ascent;
      if (means) {
        squares[rises] += (slope - means[rises]) * (slope - means[rises]);
      } else {
        sums[rises].total += slope;
        sums[rises].count++;
      }
      ended_rising = rises;
    }
    latest[rises] = extrema[i];
  }
  if (means) return;
  int64_t n_steps = n - 1;
  int rises = ended_rising < 0 ? contour[n - 1] > contour[0] : !ended_rising;
  double slope = 0;
  if (ended_rising < 0) slope = (contour[n - 1] - contour[0]) / n;
  else if (n_steps > latest[ended_rising].place)
    slope = (contour[n - 1] - latest[ended_rising].value) / ((n_steps - latest[ended_rising].place) * STEP_S);
  sums[rises].total += slope;
  sums[rises].count++;
}

/* Mean and deviation of the rising, then of the falling slopes, and the number of maxima. */
static int64_t slopes(const double *contour, int64_t n, Extremum *extrema, double result[4]) {
  memset(result, 0, sizeof(double) * 4);
  if (!n) return 0;
  Slopes sums[2] = {{0, 0}, {0, 0}};
  double means[2], squares[2] = {0, 0};
  int64_t n_extrema = find_extrema(contour, n, extrema), n_maxima = 0;
  visit_slopes(contour, n, extrema, n_extrema, sums, NULL, NULL);
  for (int rises = 0; rises < 2; rises++) means[rises] = sums[rises].total / (sums[rises].count ? sums[rises].count : 1);
  visit_slopes(contour, n, extrema, n_extrema, sums, means, squares);
  for (int rises = 0; rises < 2; rises++) {
    double *pair = result + (rises ? 0 : 2);
    pair[0] = means[rises];
    pair[1] = sqrt(squares[rises] / (sums[rises].count ? sums[rises].count : 1));
  }
  for (int64_t i = 0; i < n_extrema; i++) n_maxima += extrema[i].is_maximum;
  return n_maxima;
}

/* Ten functionals of a contour with peaks; gives the number of maxima. */
static int64_t with_peaks(const double *contour, int64_t n, double *sorted, Extremum *extrema, double result[10]) {
  mean_and_deviation(contour, n, 0, result);
  if (n) percentiles(contour, n, sorted, result + 2);
  else memset(result + 2, 0, sizeof(double) * 4);
  return slopes(contour, n, extrema, result + 6);
}

/* Mean length and deviation in seconds of the runs of frames that are voiced or not; gives their number. */
static int64_t segments(const double *f0, int64_t n, int voiced, double *lengths, double result[2]) {
  int64_t count = 0, first = 0, last = -SHORTEST_PAUSE - 1, n_frames = 0;
  for (int64_t t = 0; t <= n; t++) {
    int matches = t < n && (f0[t] != 0) == voiced;
    if (t < n && !matches) continue;
    if (t == n || t - last > SHORTEST_PAUSE) {
      if (n_frames >= SHORTEST_RUN && count < MOST_SEGMENTS) lengths[count++] = (last - first) * STEP_S;
      first = t;
      n_frames = 0;
    }
    n_frames++;
    last = t;
  }
  double mean = 0, squares = 0;
  for (int64_t i = 0; i < count; i++) mean += lengths[i];
  mean /= count ? count : 1;
  for (int64_t i = 0; i < count; i++) squares += (lengths[i] - mean) * (lengths[i] - mean);
  result[0] = mean;
  result[1] = sqrt(squares / (count ? count : 1));
  return count;
}

/* The functionals of at least one frame. spectral: shape (n_short, 10); voice: shape (n_long, 15), of which the first
   n_decided frames were decided before the end was known. Gives -1 without memory. */
int KERNEL(functionals)(const double *spectral, int64_t n_short, const double *voice, int64_t n_long, int64_t n_decided,
                        double mean_square, double *result) {
  double *contour = calloc(3 * (n_short + MOST_SEGMENTS), sizeof(double));
  Extremum *extrema = malloc(sizeof(Extremum) * (n_short + 1));
  if (!contour || !extrema) {
    free(contour);
    free(extrema);
    return -1;
  }
  double *smoothed = contour + n_short + MOST_SEGMENTS, *room = smoothed + n_short + MOST_SEGMENTS;
  int64_t n_known = n_decided && n_decided < n_long ? n_decided + 1 : n_long;
  int64_t n_seen = n_decided ? n_decided : n_long;
  /* F0, gaps closed. */
  for (int64_t t = 0; t < n_known; t++) contour[t] = voice[N_VOICE * t];
  int64_t n_f0 = n_decided ? n_decided : 1, n_voiced = 0;
  smooth_nonzero(contour, n_known, n_f0, n_decided ? KNOWN : BACKWARD, smoothed);
  if (!n_decided) smoothed[0] = contour[0];
  double *segment_values = result + 82;
  segment_values[0] = segments(smoothed, n_f0, 1, room, segment_values + 1) / (n_f0 * STEP_S);
  segments(smoothed, n_f0, 0, room, segment_values + 3);
  for (int64_t t = 0; t < n_f0; t++)
    if (smoothed[t] != 0) contour[n_voiced++] = smoothed[t];
  with_peaks(contour, n_voiced, room, extrema, result);
  /* Over all frames. */
  for (int column = 0; column < N_SPECTRAL; column++) {
    if (column > 0 && column < 5) continue;
    for (int64_t t = 0; t < n_short; t++) contour[t] = spectral[N_SPECTRAL * t + column];
    smooth(contour, n_short, smoothed);
    if (column) mean_and_deviation(smoothed, n_short, 0, result + 20 + 2 * (column - 5));
    else result[81] = with_peaks(smoothed, n_short, room, extrema, result + 10) / (n_short * STEP_S);
  }
  /* On the voice; a formant's frequency and bandwidth count in voiced frames alone. */
  for (int column = 1; column < N_VOICE; column++) {
    int in_voiced = column >= 6 && column % 3 != 2;
    for (int64_t t = 0; t < n_seen; t++)
      contour[t] = in_voiced && voice[N_VOICE * t] <= LEAST_SEMITONE ? 0 : voice[N_VOICE * t + column];
    smooth_nonzero(contour, n_seen, n_seen, KNOWN, smoothed);
    mean_and_deviation(smoothed, n_seen, 1, result + 30 + 2 * (column - 1));
  }
  /* Of the spectrum in voiced, then in unvoiced frames. */
  for (int voiced = 1; voiced >= 0; voiced--)
    for (int column = 1; column < (voiced ? N_SPECTRAL : 6); column++) {
      double pair[2];
      for (int64_t t = 0; t < n_known; t++)
        contour[t] = (voice[N_VOICE * t] > LEAST_SEMITONE) == voiced ? spectral[N_SPECTRAL * t + column] : 0;
      smooth_nonzero(contour, n_known, n_seen, n_decided ? KNOWN : BACKWARD, smoothed);
      mean_and_deviation(smoothed, n_seen, 1, pair);
      if (voiced) memcpy(result + 58 + 2 * (column - 1), pair, sizeof pair);
      else result[76 + column - 1] = pair[0];
    }
  result[87] = 10 * log10(fmax(mean_square, 1e-12));
  free(contour);
  free(extrema);
  return 0;
}
