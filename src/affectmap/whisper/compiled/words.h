/* Products of matrices in integers of 16 bits: 32 numbers of a row share a factor, and so do a weight's columns.

   Whatever the numbers are, no sum overflows: factors are such that the root of the sum of the squares of 32 numbers is at
   most ROW_NORM in a row and COLUMN_NORM in a column, whose product is below 2^31 (Cauchy and Schwarz). Sums of 32 products
   are exact, and added up as floats. */

#ifndef WHISPER_WORDS_H
#define WHISPER_WORDS_H

#include <math.h>
#include <string.h>

#include "products.h"

enum { CHUNK = 32, WORDS_DEPTH = 512, WORDS_STEP = WORDS_DEPTH + CHUNK, FACTORS_STEP = WORDS_DEPTH / CHUNK };

#define LARGEST 32767.0f
#define ROW_NORM 40000.0f

/* Rows in 16 bits, and what their numbers are to be multiplied by, a factor for every chunk. */
typedef struct {
  int16_t words[ROWS_AT_ONCE * WORDS_STEP];
  float factors[ROWS_AT_ONCE * FACTORS_STEP];
} Words;

static inline void chunk_to_words(const float *values, int16_t *words, float *factor) {
  __m256 v[4], largest = _mm256_setzero_ps(), squares = _mm256_setzero_ps();
  UNROLLED for (int i = 0; i < 4; i++) {
    v[i] = _mm256_loadu_ps(values + 8 * i);
    largest = _mm256_max_ps(largest, _mm256_andnot_ps(_mm256_set1_ps(-0.0f), v[i]));
    squares = _mm256_fmadd_ps(v[i], v[i], squares);
  }
  __m128 four = _mm_max_ps(_mm256_castps256_ps128(largest), _mm256_extractf128_ps(largest, 1));
  four = _mm_max_ps(four, _mm_movehl_ps(four, four));
  const float top = _mm_cvtss_f32(_mm_max_ss(four, _mm_shuffle_ps(four, four, 1)));
  const float by_top = top * (1.0f / LARGEST), by_norm = sqrtf(sum_of(squares)) * (1.0f / ROW_NORM);
  /* Without a branch that depends on the numbers. */
  *factor = _mm_cvtss_f32(_mm_max_ss(_mm_set_ss(by_top), _mm_set_ss(by_norm)));
  const __m256 scale = _mm256_set1_ps(*factor > 1e-30f ? 1.0f / *factor : 0.0f);
  __m256i whole[4];
  UNROLLED for (int i = 0; i < 4; i++) whole[i] = _mm256_cvtps_epi32(_mm256_mul_ps(v[i], scale));
  UNROLLED for (int i = 0; i < 4; i += 2) {
    const __m256i packed = _mm256_packs_epi32(whole[i], whole[i + 1]);
    _mm256_storeu_si256((__m256i *)(words + 8 * i), _mm256_permute4x64_epi64(packed, 0xd8));
  }
}

static void rows_to_words(int64_t rows, int64_t depth, const float *a, int64_t step, Words *out) {
  for (int64_t row = 0; row < rows; row++)
    for (int64_t k = 0; k < depth; k += CHUNK) {
      float rest[CHUNK] = {0};
      const float *from = a + row * step + k;
      if (depth - k < CHUNK) from = memcpy(rest, from, sizeof(float) * (depth - k));
      chunk_to_words(from, out->words + row * WORDS_STEP + k, out->factors + row * FACTORS_STEP + k / CHUNK);
    }
}

/* As `tile`, of rows in 16 bits; a panel has pairs of rows side by side: 16 times two numbers. */
static inline __attribute__((always_inline)) void words_tile(int rows, int64_t n_chunks, const int16_t *a, const float *factors,
                                                             const int16_t *panel, const float *scales, float *c,
                                                             int64_t c_step, Finish finish) {
  float totals[2 * TILE * 8] __attribute__((aligned(32))) = {0};
  for (int64_t chunk = 0; chunk < n_chunks; chunk++, a += CHUNK, panel += CHUNK * PANEL) {
    __m256i sums[2 * TILE];
    UNROLLED for (int i = 0; i < 2 * rows; i++) sums[i] = _mm256_setzero_si256();
    _Pragma("GCC unroll 4") for (int k = 0; k < CHUNK; k += 2) {
      const __m256i left = _mm256_loadu_si256((const __m256i *)(panel + PANEL * k));
      const __m256i right = _mm256_loadu_si256((const __m256i *)(panel + PANEL * k + PANEL));
      UNROLLED for (int i = 0; i < rows; i++) {
        /* Written out, since compilers keep the sums in memory here: twelve of them, two weights and these two fill all
           registers. */
        __m256i pair, product;
        __asm__(
            "vpbroadcastd %4, %0\n\tvpmaddwd %5, %0, %1\n\tvpmaddwd %6, %0, %0\n\tvpaddd %1, %2, %2\n\tvpaddd %0, %3, %3"
            : "=&x"(pair), "=&x"(product), "+x"(sums[2 * i]), "+x"(sums[2 * i + 1])
            : "m"(*(const int32_t *)(a + i * WORDS_STEP + k)), "x"(left), "x"(right));
      }
    }
    UNROLLED for (int i = 0; i < 2 * rows; i++) {
      const __m256 factor = _mm256_broadcast_ss(factors + (i / 2) * FACTORS_STEP + chunk);
      _mm256_store_ps(totals + 8 * i, _mm256_fmadd_ps(_mm256_cvtepi32_ps(sums[i]), factor, _mm256_load_ps(totals + 8 * i)));
    }
  }
  __m256 sums[2 * TILE];
  UNROLLED for (int i = 0; i < 2 * rows; i++)
    sums[i] = _mm256_mul_ps(_mm256_load_ps(totals + 8 * i), _mm256_loadu_ps(scales + 8 * (i % 2)));
  put(rows, sums, c, c_step, finish);
}

static __attribute__((noinline)) void multiply_words(int64_t rows, int64_t n_chunks, const Words *a, const int16_t *panel,
                                                     const float *scales, float *c, int64_t c_step, Finish finish, Ahead ahead) {
  const int64_t n_tiles = (rows + TILE - 1) / TILE;
  for (int64_t i = 0, row = 0; i < n_tiles; i++) {
    const int n = rows_of_tile(rows - row, n_tiles - i);
    const int16_t *from = a->words + row * WORDS_STEP;
    const float *factors = a->factors + row * FACTORS_STEP;
    float *to = c + row * c_step;
    fetch(ahead, i, n_tiles);
    switch (n) {
      case 6: words_tile(6, n_chunks, from, factors, panel, scales, to, c_step, finish); break;
      case 5: words_tile(5, n_chunks, from, factors, panel, scales, to, c_step, finish); break;
      case 4: words_tile(4, n_chunks, from, factors, panel, scales, to, c_step, finish); break;
      case 3: words_tile(3, n_chunks, from, factors, panel, scales, to, c_step, finish); break;
      case 2: words_tile(2, n_chunks, from, factors, panel, scales, to, c_step, finish); break;
      default: words_tile(1, n_chunks, from, factors, panel, scales, to, c_step, finish);
    }
    row += n;
  }
}

/* As `apply`, of up to ROWS_AT_ONCE rows. */
static void apply_words(const Linear *linear, int64_t rows, const float *a, int64_t a_step, float *c, int64_t c_step, int mode,
                        const float *erf, Words *words) {
  const int64_t whole = (linear->depth + CHUNK - 1) / CHUNK * CHUNK;
  for (int64_t first = 0; first < linear->depth; first += WORDS_DEPTH) {
    const int64_t depth = linear->depth - first < WORDS_DEPTH ? linear->depth - first : WORDS_DEPTH;
    rows_to_words(rows, depth, a + first, a_step, words);
    for (int64_t column = 0; column < linear->width; column += PANEL) {
      const int16_t *panel = linear->words + column * whole + first * PANEL;
      const int64_t n_chunks = (depth + CHUNK - 1) / CHUNK;
      const Ahead ahead = {panel + whole * PANEL, n_chunks * CHUNK * PANEL * 2};
      multiply_words(rows, n_chunks, words, panel, linear->scales + column, c + column, c_step,
                     finish_of(linear, first, depth, column, mode, erf), ahead);
    }
  }
}

#endif
