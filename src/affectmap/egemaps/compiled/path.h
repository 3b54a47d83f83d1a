/* The cheapest path through the candidates of F0, decided with a delay: pitch_path.py. */

#define N_STATES 7
#define UNVOICED 6
#define LONGEST_DELAY 40

/* The path so far. The undecided frames stand in a ring, frame t at t % LONGEST_DELAY. */
typedef struct {
  int64_t n_frames, n_decided;
  double costs[N_STATES], last[N_CANDIDATES], change;
  double frequencies[LONGEST_DELAY][N_STATES];
  int8_t origins[LONGEST_DELAY][N_STATES];
} PitchPath;

static double range_cost(double frequency) {
  if (frequency <= 0) return 2;
  if (frequency < 100) return 1 - frequency / 100;
  if (frequency <= 350) return 0;
  if (frequency < 600) return (frequency - 350) / 250;
  return 1.2;
}

/* Take in one frame: the cheapest way to every state. */
static void step_path(PitchPath *path, const double *frequency, const double *voicing) {
  int at = path->n_frames % LONGEST_DELAY, voiced = 0;
  double own[N_STATES], logs[N_CANDIDATES], costs[N_STATES];
  for (int i = 0; i < N_CANDIDATES; i++) {
    int weak = voicing[i] < (double)0.7f;
    voiced |= !weak;
    own[i] = 2 * ((weak ? 4 : 0) - log(fmin(fmax(voicing[i], 0.01), 1))) + range_cost(frequency[i]);
    logs[i] = frequency[i] > 0 ? log(frequency[i]) : -1;
    path->frequencies[at][i] = frequency[i];
  }
  if (!path->n_frames) path->change = 1;
  own[UNVOICED] = voiced ? 8 : 0;
  path->frequencies[at][UNVOICED] = 0;
  for (int i = 0; i < N_STATES; i++) {
    double best = INFINITY;
    for (int j = 0; j < N_STATES && path->n_frames; j++) {
      double step = 999;
      if (i == UNVOICED || j == UNVOICED) {
        step = i == j ? 1 : 10;
        if (i != j) path->change = 0;
      } else if (logs[i] >= 0 && path->last[j] >= 0) {
        /* The change is against the pair looked at before this one. */
        double jump = logs[i] - path->last[j];
        step = 10 * fabs(jump) + 10 * fabs(jump - path->change);
        path->change = jump;
      }
      if (step + path->costs[j] < best) {
        best = step + path->costs[j];
        path->origins[at][i] = (int8_t)j;
      }
    }
    costs[i] = path->n_frames ? best + own[i] : own[i];
  }
  memcpy(path->costs, costs, sizeof costs);
  memcpy(path->last, logs, sizeof logs);
  path->n_frames++;
}

static int cheapest(const PitchPath *path) {
  int best = 0;
  for (int i = 1; i < N_STATES; i++)
    if (path->costs[i] < path->costs[best]) best = i;
  return best;
}

/* Decide the frames from the first undecided one to `end`, by the path to a state of frame `last`. */
static int64_t release(PitchPath *path, int64_t last, int state, int64_t end, double *f0) {
  for (int64_t t = last; t >= path->n_decided; t--) {
    if (t < end) f0[t - path->n_decided] = path->frequencies[t % LONGEST_DELAY][state];
    state = path->origins[t % LONGEST_DELAY][state];
  }
  int64_t n_released = end - path->n_decided;
  path->n_decided = end;
  return n_released;
}

/* Decide what the past allows after a new frame: one frame where too many wait, else those that all paths share. */
static int64_t decide(PitchPath *path, double *f0) {
  int64_t last = path->n_frames - 1;
  if (path->n_frames - path->n_decided >= LONGEST_DELAY)
    return release(path, last, cheapest(path), path->n_decided + 1, f0);
  int states = (1 << N_STATES) - 1;
  for (; last >= path->n_decided && states & (states - 1); last--) {
    int before = 0;
    for (int i = 0; i < N_STATES; i++)
      if (states >> i & 1) before |= 1 << path->origins[last % LONGEST_DELAY][i];
    states = before;
  }
  if (last < path->n_decided) return 0;
  int state = 0;
  while (!(states >> state & 1)) state++;
  return release(path, last, state, last + 1, f0);
}

/* Take in n frames' candidates and, if the recording ends, decide the rest. Gives the number of frames decided; f0 has room
   for n + LONGEST_DELAY. */
int64_t KERNEL(follow_path)(PitchPath *path, int64_t n, const double *frequency, const double *voicing, int ends,
                           double *f0) {
  int64_t n_decided = 0;
  for (int64_t t = 0; t < n; t++) {
    step_path(path, frequency + N_CANDIDATES * t, voicing + N_CANDIDATES * t);
    n_decided += decide(path, f0 + n_decided);
  }
  if (ends && path->n_frames > path->n_decided)
    n_decided += release(path, path->n_frames - 1, cheapest(path), path->n_frames, f0 + n_decided);
  return n_decided;
}
