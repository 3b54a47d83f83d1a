/* Jitter and shimmer: period_matching.py and perturbation.py. */

#define SEARCH_RANGE 0.1
#define LEAST_CORRELATION 0.5
#define ROUNDING 1e-10

/* The walk from period to period; positions count samples from the start of the recording. */
typedef struct {
  int64_t n_frames, position, rest;
  int64_t is_open;
  double last_length, jitter, shimmer;
} PeriodWalk;

typedef struct {
  int64_t period;
  double length, correlation, height, next_height;
} Match;

/* Room for one match: the samples, their sums and those of their squares, and the products of all lengths. */
typedef struct {
  double *window, *sums, *squares, *products;
} MatchRoom;

/* products[P - shortest] = sum over i < P of x_i x_(P+i). The window has 2 longest + HALF_N samples. */
static void multiply(const double *window, int64_t shortest, int64_t longest, double *products) {
  for (int64_t first = shortest; first <= longest; first += HALF_N) {
    Doubles common = {0};
    for (int64_t i = 0; i < first; i++) {
      Doubles later;
      memcpy(&later, window + first + i, sizeof later);
      common += window[i] * later;
    }
    for (int lane = 0; lane < HALF_N && first + lane <= longest; lane++) {
      double sum = common[lane];
      for (int64_t i = first; i < first + lane; i++) sum += window[i] * window[first + lane + i];
      products[first + lane - shortest] = sum;
    }
  }
}

/* Largest minus smallest of n samples, in float32, so that periods of one height differ by exactly 0. */
static double height_of(const double *samples, int64_t n) {
  double low = samples[0], high = samples[0];
  for (int64_t i = 1; i < n; i++) {
    low = samples[i] < low ? samples[i] : low;
    high = samples[i] > high ? samples[i] : high;
  }
  return (float)high - (float)low;
}

/* Pearson's r of the first P samples and the next P, 0 where one is constant. */
static double correlate(const MatchRoom *room, int64_t period, double product) {
  double sum = room->sums[period], next_sum = room->sums[2 * period] - sum;
  double squares = room->squares[period], next_squares = room->squares[2 * period] - squares;
  double spread = (period * squares - sum * sum) * (period * next_squares - next_sum * next_sum);
  return spread > 0 ? (period * product - sum * next_sum) / sqrt(spread) : 0;
}

/* Find the length at which a period is most like the next, among strict local maxima but the last. */
static Match match_periods(MatchRoom *room, const float *samples, int64_t n_samples, int64_t start, int64_t shortest,
                           int64_t longest) {
  Match match = {0, 0, -1, 0, 0};
  double *r = room->products;
  room->sums[0] = room->squares[0] = 0;
  for (int64_t i = 0; i < 2 * longest + HALF_N; i++) {
    /* Beyond the end the last is repeated, which no result depends on. */
    double value = samples[start + i < n_samples ? start + i : n_samples - 1];
    room->window[i] = value;
    room->sums[i + 1] = room->sums[i] + value;
    room->squares[i + 1] = room->squares[i] + value * value;
  }
  multiply(room->window, shortest, longest, r);
  for (int64_t period = shortest; period <= longest; period++)
    r[period - shortest] = correlate(room, period, r[period - shortest]);
  int64_t best = 0;
  for (int64_t i = 1; i < longest - shortest - 1; i++)
    if (r[i] > r[i - 1] && r[i] > r[i + 1] && (!best || r[i] > r[best])) best = i;
  if (!best) return match;
  double slope = r[best - 1] - r[best + 1], shift = slope / (2 * (r[best - 1] + r[best + 1] - 2 * r[best]));
  match.period = shortest + best;
  match.length = match.period + shift;
  match.correlation = r[best] - 0.25 * slope * shift;
  match.height = height_of(room->window + 1, match.period - 2);
  match.next_height = height_of(room->window + match.period + 1, match.period - 2);
  return match;
}

/* Walk through a voiced frame: jitter and shimmer are updated, and stay without any period. */
static void walk_frame(const Plan *plan, PeriodWalk *walk, MatchRoom *room, const float *samples, int64_t offset,
                       int64_t n_samples, double f0) {
  int64_t start = walk->n_frames * plan->step, hop = (plan->sampling_rate + 99) / 100;
  int64_t n_new = hop + walk->rest, limit = plan->lengthy.length + walk->rest;
  if (start - walk->rest != walk->position) {
    walk->position = start;
    limit = plan->lengthy.length;
  }
  double length = plan->sampling_rate / f0;
  int64_t shortest = (int64_t)floor((1 - SEARCH_RANGE) * length), longest = (int64_t)ceil((1 + SEARCH_RANGE) * length);
  int64_t needed = n_new > 2 * longest + 2 ? n_new : 2 * longest + 2;
  int64_t end = (needed < limit ? needed : limit) - 2 * longest - 1;
  int64_t expected = (int64_t)floor(length + 0.5), at = 0, done = 0;
  int n_lengths = 0, n_jumps = 0;
  double lengths = 0, jumps = 0, heights = 0, differences = 0;
  while (at < end) {
    Match match = match_periods(room, samples, n_samples, walk->position + at - offset, shortest, longest);
    if (match.correlation > LEAST_CORRELATION) {
      if (walk->last_length > 0) {
        double jump = fabs(walk->last_length - match.length);
        if (jump > ROUNDING * match.length) jumps += jump;
        n_jumps++;
      }
      walk->last_length = match.length;
      lengths += match.length;
      n_lengths++;
      heights += (match.height + match.next_height) / 2;
      differences += fabs(match.height - match.next_height);
    }
    at += match.period ? match.period : expected;
    if (at < n_new - 1) done = at;
  }
  if (n_lengths) {
    walk->jitter = n_jumps ? (jumps / n_jumps) / (lengths / n_lengths) : 0;
    walk->shimmer = heights != 0 ? differences / heights : 0;
  }
  walk->rest = n_new - done;
  walk->position += done;
}

/* Jitter and shimmer in dB of the next n frames, 0 where unvoiced.
   samples[0] has the position `offset`; values: shape (n, 2). Gives -1 without memory. */
int KERNEL(perturbation)(const Plan *plan, PeriodWalk *walk, const float *samples, int64_t offset, int64_t n_samples,
                         int64_t n, const double *f0, double *values) {
  double lowest = plan->sampling_rate;
  for (int64_t t = 0; t < n; t++)
    if (f0[t] > 0 && f0[t] < lowest) lowest = f0[t];
  int64_t room_for = (int64_t)(2 * ((1 + SEARCH_RANGE) * plan->sampling_rate / lowest + 2)) + HALF_N + 1;
  double *memory = allocate(sizeof(double) * 4 * room_for);
  if (!memory) return -1;
  MatchRoom room = {memory, memory + room_for, memory + 2 * room_for, memory + 3 * room_for};
  for (int64_t t = 0; t < n; t++, walk->n_frames++, values += 2) {
    values[0] = values[1] = 0;
    if (f0[t] <= 0) {
      walk->is_open = 0;
      continue;
    }
    if (!walk->is_open) {
      *walk = (PeriodWalk){walk->n_frames, walk->n_frames * plan->step, 0, 1, 0, 0, 0};
    }
    walk_frame(plan, walk, &room, samples, offset, n_samples, f0[t]);
    values[0] = fmin(1, walk->jitter);
    values[1] = 20 * log10(1 + fmin(1, walk->shimmer));
  }
  free(memory);
  return 0;
}
