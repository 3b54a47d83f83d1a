/* The convolutions and transformer layers of `plain.py`, whole recordings at once.

   Sizes are padded to multiples of 16 by numbers that are 0: frames (`dim`), every head (`head`), the hidden layer. Rows of a
   buffer are 16 numbers longer than that, or they would compete for the same places of a cache. */

#ifndef WHISPER_LAYERS_H
#define WHISPER_LAYERS_H

#include <math.h>
#include <string.h>

#include "products.h"
#include "words.h"

enum { GAP = 16 };

typedef struct {
  const float *attention_gain, *attention_offset, *forward_gain, *forward_offset;
  Linear qkv, out, fc1, fc2;
} Layer;

typedef struct {
  int64_t n_layers, true_dim, dim, n_heads, head, n_hidden, n_bands;
  float scale; /* of logits */
  float epsilon;
  const float *erf, *positions;
  Linear conv1, conv2;
  const Layer *layers;
} Plan;

/* A linear layer of some rows, in 16 bits where its weights are. */
static void apply_to(const Plan *plan, const Linear *linear, int64_t rows, const float *a, int64_t a_step, float *c,
                     int64_t c_step, int mode, Words *words) {
  if (linear->words)
    apply_words(linear, rows, a, a_step, c, c_step, mode, plan->erf, words);
  else
    apply(linear, rows, a, a_step, c, c_step, mode, plan->erf);
}

static int64_t least(int64_t a, int64_t b) { return a < b ? a : b; }
static int64_t padded(int64_t n) { return (n + PANEL - 1) / PANEL * PANEL; }

/* Rows with mean 0 and standard deviation 1, times gain, plus offset. */
static void normalise(
    const Plan *plan, int64_t rows, const float *x, int64_t step, const float *gain, const float *offset, float *y) {
  const float n = (float)plan->true_dim, n_padding = (float)(plan->dim - plan->true_dim);
  for (int64_t row = 0; row < rows; row++, x += step, y += step) {
    __m256 total[2] = {_mm256_setzero_ps(), _mm256_setzero_ps()}, squares[2] = {_mm256_setzero_ps(), _mm256_setzero_ps()};
    for (int64_t i = 0; i < plan->dim; i += 8) total[i / 8 % 2] = _mm256_add_ps(total[i / 8 % 2], _mm256_loadu_ps(x + i));
    const float mean = sum_of(_mm256_add_ps(total[0], total[1])) / n;
    const __m256 means = _mm256_set1_ps(mean);
    for (int64_t i = 0; i < plan->dim; i += 8) {
      const __m256 centred = _mm256_sub_ps(_mm256_loadu_ps(x + i), means);
      squares[i / 8 % 2] = _mm256_fmadd_ps(centred, centred, squares[i / 8 % 2]);
    }
    const float variance = (sum_of(_mm256_add_ps(squares[0], squares[1])) - n_padding * mean * mean) / n;
    const __m256 factor = _mm256_set1_ps(1.0f / sqrtf(variance + plan->epsilon));
    for (int64_t i = 0; i < plan->dim; i += 8) {
      const __m256 scaled = _mm256_mul_ps(_mm256_sub_ps(_mm256_loadu_ps(x + i), means), factor);
      _mm256_storeu_ps(y + i, _mm256_fmadd_ps(scaled, _mm256_loadu_ps(gain + i), _mm256_loadu_ps(offset + i)));
    }
  }
}

/* Logits to e^(scale (logit - largest)), 0 behind the last; gives 1 / their sum. */
static float soften(float *logits, int64_t n, float scale) {
  for (int64_t i = n; i < padded(n); i++) logits[i] = -INFINITY;
  __m256 largest = _mm256_loadu_ps(logits), total = _mm256_setzero_ps();
  for (int64_t i = 8; i < n; i += 8) largest = _mm256_max_ps(largest, _mm256_loadu_ps(logits + i));
  float top = largest[0];
  for (int i = 1; i < 8; i++) top = largest[i] > top ? largest[i] : top;
  for (int64_t i = 0; i < n; i += 8) {
    __m256 value = _mm256_mul_ps(_mm256_sub_ps(_mm256_loadu_ps(logits + i), _mm256_set1_ps(top)), _mm256_set1_ps(scale));
    value = exponential(value);
    if (i + 8 > n)
      for (int lane = 0; lane < 8; lane++) value[lane] = i + lane < n ? value[lane] : 0.0f;
    _mm256_storeu_ps(logits + i, value);
    total = _mm256_add_ps(total, value);
  }
  return 1.0f / sum_of(total);
}

/* Attention of the first `wanted` of n frames, all heads: q, k and v side by side in rows of qkv, the mixture into `mixed`. */
static void attend(
    const Plan *plan, int64_t n, int64_t wanted, const float *qkv, int64_t step, float *mixed, int64_t mixed_step, float *work) {
  const int64_t width = padded(n), head = plan->head, size = plan->n_heads * head;
  float *keys = work, *values = keys + width * head, *logits = values + width * head;
  const Ahead nothing = {NULL, 0};
  const Finish set = {NULL, NULL, 0}, add = {NULL, NULL, ADD};
  const int64_t n_parts = (n + DEPTH - 1) / DEPTH, part = (n + n_parts - 1) / n_parts;
  memset(keys, 0, sizeof(float) * width * head);
  for (int64_t h = 0; h < plan->n_heads; h++) {
    const float *q = qkv + h * head, *k = q + size, *v = k + size;
    for (int64_t i = 0; i < n; i++)
      for (int64_t j = 0; j < head; j++) keys[i / PANEL * PANEL * head + j * PANEL + i % PANEL] = k[i * step + j];
    for (int64_t j = 0; j < head; j += PANEL)
      for (int64_t i = 0; i < n; i++) memcpy(values + j * n + i * PANEL, v + i * step + j, sizeof(float) * PANEL);
    for (int64_t first = 0; first < wanted; first += 8 * TILE) {
      const int64_t rows = least(8 * TILE, wanted - first), logits_step = width + GAP;
      for (int64_t column = 0; column < width; column += PANEL)
        multiply(rows, head, q + first * step, step, keys + column * head, logits + column, logits_step, set, nothing);
      float shares[8 * TILE];
      for (int64_t i = 0; i < rows; i++) shares[i] = soften(logits + i * logits_step, n, plan->scale);
      float *out = mixed + first * mixed_step + h * head;
      for (int64_t from = 0; from < n; from += part)
        for (int64_t j = 0; j < head; j += PANEL)
          multiply(rows, least(part, n - from), logits + from, logits_step, values + j * n + from * PANEL, out + j,
                   mixed_step, from ? add : set, nothing);
      for (int64_t i = 0; i < rows; i++)
        for (int64_t j = 0; j < head; j++) out[i * mixed_step + j] *= shares[i];
    }
  }
}

/* Rows of n frames that go through a linear layer together: shared out evenly. */
static int64_t rows_at_once(int64_t n) {
  const int64_t n_parts = (n + ROWS_AT_ONCE - 1) / ROWS_AT_ONCE, rows = (n + n_parts - 1) / n_parts;
  return (rows + TILE - 1) / TILE * TILE;
}

/* One transformer layer, in place; of n frames the first `wanted` are finished. */
static void run_layer(
    const Plan *plan, const Layer *layer, int64_t n, int64_t wanted, float *x, float *work, Words *words) {
  const int64_t step = plan->dim + GAP, size = plan->n_heads * plan->head, qkv_step = 3 * size + GAP;
  const int64_t mixed_step = size + GAP, hidden_step = plan->n_hidden + GAP, at_once = rows_at_once(n);
  float *qkv = work, *block = qkv + n * qkv_step, *mixed = block + at_once * step;
  float *hidden = mixed + wanted * mixed_step, *rest = hidden;
  for (int64_t first = 0; first < n; first += at_once) {
    const int64_t rows = least(at_once, n - first);
    normalise(plan, rows, x + first * step, step, layer->attention_gain, layer->attention_offset, block);
    apply_to(plan, &layer->qkv, rows, block, step, qkv + first * qkv_step, qkv_step, 0, words);
  }
  attend(plan, n, wanted, qkv, qkv_step, mixed, mixed_step, rest);
  for (int64_t first = 0; first < wanted; first += at_once) {
    const int64_t rows = least(at_once, wanted - first);
    float *frames = x + first * step;
    apply_to(plan, &layer->out, rows, mixed + first * mixed_step, mixed_step, frames, step, ADD, words);
    normalise(plan, rows, frames, step, layer->forward_gain, layer->forward_offset, block);
    apply_to(plan, &layer->fc1, rows, block, step, hidden, hidden_step, GELU, words);
    apply_to(plan, &layer->fc2, rows, hidden, hidden_step, frames, step, ADD, words);
  }
}

/* Floats that words take, a multiple of a cache's line. */
static int64_t words_size(void) { return padded((int64_t)(sizeof(Words) / sizeof(float))); }

/* Floats that `encode` works in. */
int64_t size_of_work(const Plan *plan, int64_t n) {
  const int64_t step = plan->dim + GAP, size = plan->n_heads * plan->head, width = padded(n);
  const int64_t input = (2 * n + 2) * plan->n_bands, steps = (2 * n + 2) * step;
  const int64_t attention = 2 * width * plan->head + 8 * TILE * (width + GAP);
  const int64_t hidden = rows_at_once(n) * (plan->n_hidden + GAP);
  const int64_t layer = n * (3 * size + GAP) + rows_at_once(n) * step + n * (size + GAP) +
                        (attention > hidden ? attention : hidden);
  return words_size() + n * step + (input + steps > layer ? input + steps : layer) + GAP;
}

static void add_share(const Plan *plan, float share, int64_t wanted, const float *x, float *out) {
  if (share == 0.0f) return;
  for (int64_t row = 0; row < wanted; row++)
    for (int64_t i = 0; i < plan->true_dim; i++) out[row * plan->true_dim + i] += share * x[row * (plan->dim + GAP) + i];
}

/* The sum of the layers' first `wanted` frames of n, each layer times its share, added to `out`. */
void encode(const Plan *plan, const float *spectrogram, int64_t n, int64_t wanted, const float *shares, float *work, float *out) {
  const int64_t step = plan->dim + GAP;
  Words *words = (Words *)work;
  work += words_size();
  float *x = work, *input = x + n * step, *steps = input + (2 * n + 2) * plan->n_bands;
  memset(input, 0, sizeof(float) * plan->n_bands);
  memcpy(input + plan->n_bands, spectrogram, sizeof(float) * 2 * n * plan->n_bands);
  memset(input + (2 * n + 1) * plan->n_bands, 0, sizeof(float) * plan->n_bands);
  memset(steps, 0, sizeof(float) * (2 * n + 2) * step);
  for (int64_t first = 0, at_once = rows_at_once(2 * n); first < 2 * n; first += at_once)
    apply_to(plan, &plan->conv1, least(at_once, 2 * n - first), input + first * plan->n_bands, plan->n_bands,
             steps + (first + 1) * step, step, GELU, words);
  for (int64_t first = 0, at_once = rows_at_once(n); first < n; first += at_once)
    apply_to(plan, &plan->conv2, least(at_once, n - first), steps + 2 * first * step, 2 * step, x + first * step, step, GELU,
             words);
  for (int64_t row = 0; row < n; row++)
    for (int64_t i = 0; i < plan->dim; i++) x[row * step + i] += plan->positions[row * plan->dim + i];
  add_share(plan, shares[0], wanted, x, out);
  for (int64_t i = 0; i < plan->n_layers; i++) {
    run_layer(plan, plan->layers + i, n, i + 1 < plan->n_layers ? n : wanted, x, work + n * step, words);
    add_share(plan, shares[i + 1], wanted, x, out);
  }
}

#endif
