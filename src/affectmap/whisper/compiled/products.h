/* Products of matrices, and what is computed of single numbers on the way.

   A row of a product is computed by the same operations in the same order however many rows there are, so that a frame has
   the same bits in any company. Weights lie in panels of 16 columns: all rows of the first panel, then of the second. */

#ifndef WHISPER_PRODUCTS_H
#define WHISPER_PRODUCTS_H

#include <immintrin.h>
#include <stdint.h>

/* Columns of a panel; rows of a tile, of which 12 registers hold the sums; rows of a panel that are used at once: sums of
   sums of few products are off by half as much as those of four times as many, and take a twentieth longer. */
enum { PANEL = 16, TILE = 6, DEPTH = 128 };
/* Rows of the left matrix that fit a core's second cache. */
enum { ROWS_AT_ONCE = 192 };

enum { ADD = 1, GELU = 2 };

/* erf(z) = z p(z z / 8 - 1) for |z| <= 4. */
enum { ERF_TERMS = 17 };

#define UNROLLED _Pragma("GCC unroll 16")

/* x times the normal distribution's function at x, of some vectors side by side. */
static inline __attribute__((always_inline)) void gelu(__m256 *x, int n, const float *erf) {
  __m256 z[TILE], u[TILE], p[TILE];
  const __m256 end = _mm256_set1_ps(4.0f), one = _mm256_set1_ps(1.0f);
  UNROLLED for (int i = 0; i < n; i++) {
    z[i] = _mm256_mul_ps(x[i], _mm256_set1_ps(0.70710678f));
    z[i] = _mm256_max_ps(_mm256_min_ps(z[i], end), _mm256_sub_ps(_mm256_setzero_ps(), end));
    u[i] = _mm256_sub_ps(_mm256_mul_ps(_mm256_mul_ps(z[i], z[i]), _mm256_set1_ps(0.125f)), one);
    p[i] = _mm256_set1_ps(erf[ERF_TERMS - 1]);
  }
  for (int term = ERF_TERMS - 2; term >= 0; term--) {
    const __m256 coefficient = _mm256_broadcast_ss(erf + term);
    UNROLLED for (int i = 0; i < n; i++) p[i] = _mm256_fmadd_ps(p[i], u[i], coefficient);
  }
  UNROLLED for (int i = 0; i < n; i++)
    x[i] = _mm256_mul_ps(_mm256_mul_ps(_mm256_set1_ps(0.5f), x[i]), _mm256_fmadd_ps(z[i], p[i], one));
}

/* e^x for x <= 0. */
static inline __m256 exponential(__m256 x) {
  x = _mm256_max_ps(x, _mm256_set1_ps(-87.0f));
  const __m256 power = _mm256_round_ps(_mm256_mul_ps(x, _mm256_set1_ps(1.44269504f)), 8);
  __m256 rest = _mm256_fmadd_ps(power, _mm256_set1_ps(-0.693359375f), x);
  rest = _mm256_fmadd_ps(power, _mm256_set1_ps(2.12194440e-4f), rest);
  __m256 sum = _mm256_set1_ps(1.0f / 5040);
  static const float factorials[] = {1.0f / 720, 1.0f / 120, 1.0f / 24, 1.0f / 6, 0.5f, 1.0f, 1.0f};
  UNROLLED for (int i = 0; i < 7; i++) sum = _mm256_fmadd_ps(sum, rest, _mm256_set1_ps(factorials[i]));
  return (__m256)((__m256i)sum + _mm256_slli_epi32(_mm256_cvtps_epi32(power), 23));
}

static inline float sum_of(__m256 values) {
  __m128 half = _mm_add_ps(_mm256_castps256_ps128(values), _mm256_extractf128_ps(values, 1));
  half = _mm_add_ps(half, _mm_movehl_ps(half, half));
  return _mm_cvtss_f32(_mm_add_ss(half, _mm_shuffle_ps(half, half, 1)));
}

/* How a product goes into its place: bias may be NULL; with ADD what is there is added, GELU comes last. */
typedef struct {
  const float *bias, *erf;
  int mode;
} Finish;

/* What is read next, and of how many bytes: it is on its way while the processor multiplies. */
typedef struct {
  const void *next;
  int64_t n_bytes;
} Ahead;

static inline void fetch(Ahead ahead, int64_t part, int64_t n_parts) {
  const int64_t n_lines = ahead.n_bytes / 64;
  for (int64_t line = part * n_lines / n_parts; line < (part + 1) * n_lines / n_parts; line++)
    _mm_prefetch((const char *)ahead.next + 64 * line, _MM_HINT_T1);
}

/* Put the sums of a tile into their place. */
static inline __attribute__((always_inline)) void put(int rows, __m256 *sums, float *c, int64_t c_step, Finish finish) {
  UNROLLED for (int i = 0; i < 2 * rows; i++) {
    if (finish.bias) sums[i] = _mm256_add_ps(sums[i], _mm256_loadu_ps(finish.bias + 8 * (i % 2)));
    if (finish.mode & ADD) sums[i] = _mm256_add_ps(sums[i], _mm256_loadu_ps(c + (i / 2) * c_step + 8 * (i % 2)));
  }
  if (finish.mode & GELU) {
    gelu(sums, rows, finish.erf);
    gelu(sums + rows, rows, finish.erf);
  }
  UNROLLED for (int i = 0; i < 2 * rows; i++) _mm256_storeu_ps(c + (i / 2) * c_step + 8 * (i % 2), sums[i]);
}

/* A tile of the product of `rows` rows of a and a panel of `depth` rows. */
static inline __attribute__((always_inline)) void tile(
    int rows, int64_t depth, const float *a, int64_t a_step, const float *panel, float *c, int64_t c_step, Finish finish) {
  __m256 sums[2 * TILE];
  UNROLLED for (int i = 0; i < 2 * rows; i++) sums[i] = _mm256_setzero_ps();
  for (int64_t k = 0; k < depth; k++) {
    const __m256 left = _mm256_loadu_ps(panel + PANEL * k), right = _mm256_loadu_ps(panel + PANEL * k + 8);
    UNROLLED for (int i = 0; i < rows; i++) {
      const __m256 value = _mm256_broadcast_ss(a + i * a_step + k);
      sums[2 * i] = _mm256_fmadd_ps(value, left, sums[2 * i]);
      sums[2 * i + 1] = _mm256_fmadd_ps(value, right, sums[2 * i + 1]);
    }
  }
  put(rows, sums, c, c_step, finish);
}

/* Rows are shared out evenly over as few tiles as hold them. */
static inline int rows_of_tile(int64_t rows, int64_t n_tiles) { return (int)((rows + n_tiles - 1) / n_tiles); }

static __attribute__((noinline)) void multiply(
    int64_t rows, int64_t depth, const float *a, int64_t a_step, const float *panel, float *c, int64_t c_step, Finish finish,
    Ahead ahead) {
  const int64_t n_tiles = (rows + TILE - 1) / TILE;
  for (int64_t i = 0, row = 0; i < n_tiles; i++) {
    const int n = rows_of_tile(rows - row, n_tiles - i);
    const float *from = a + row * a_step;
    float *to = c + row * c_step;
    fetch(ahead, i, n_tiles);
    switch (n) {
      case 6: tile(6, depth, from, a_step, panel, to, c_step, finish); break;
      case 5: tile(5, depth, from, a_step, panel, to, c_step, finish); break;
      case 4: tile(4, depth, from, a_step, panel, to, c_step, finish); break;
      case 3: tile(3, depth, from, a_step, panel, to, c_step, finish); break;
      case 2: tile(2, depth, from, a_step, panel, to, c_step, finish); break;
      default: tile(1, depth, from, a_step, panel, to, c_step, finish);
    }
    row += n;
  }
}

/* A linear layer: panels in half precision, as many as `width` fills, or in words, with factors of their columns. */
typedef struct {
  const uint16_t *panels;
  const int16_t *words;
  const float *scales, *bias;
  int64_t depth, width;
} Linear;

/* How the part of a product from row `first` of a weight on goes into its place. */
static inline Finish finish_of(
    const Linear *linear, int64_t first, int64_t depth, int64_t column, int mode, const float *erf) {
  const int last = first + depth == linear->depth;
  return (Finish){first ? NULL : linear->bias + column, erf, (first ? ADD : mode & ADD) | (last ? mode & GELU : 0)};
}

static void unpack(const uint16_t *halves, int64_t n, float *values) {
  for (int64_t i = 0; i < n; i += 8)
    _mm256_store_ps(values + i, _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)(halves + i))));
}

/* c = a W + bias of some rows, or what `mode` says. */
static void apply(
    const Linear *linear, int64_t rows, const float *a, int64_t a_step, float *c, int64_t c_step, int mode, const float *erf) {
  float panel[DEPTH * PANEL] __attribute__((aligned(64)));
  for (int64_t first = 0; first < linear->depth; first += DEPTH) {
    const int64_t depth = linear->depth - first < DEPTH ? linear->depth - first : DEPTH;
    for (int64_t column = 0; column < linear->width; column += PANEL) {
      const uint16_t *halves = linear->panels + column * linear->depth + first * PANEL;
      const Ahead ahead = {halves + linear->depth * PANEL, depth * PANEL * 2};
      unpack(halves, depth * PANEL, panel);
      multiply(rows, depth, a + first, a_step, panel, c + column, c_step,
               finish_of(linear, first, depth, column, mode, erf), ahead);
    }
  }
}

#endif
