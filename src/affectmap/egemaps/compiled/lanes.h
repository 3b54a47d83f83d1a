/* Frames side by side: vectors of numbers, and the functions that C has no vectors for.

   Every lane is computed with the same operations in the same order on every processor, so that results do not depend on
   the vectors' length. LANE_BYTES is that of the processor's registers: as many frames as floats fit one are measured
   together, and one half of them after the other where doubles are needed. */

#ifndef EGEMAPS_LANES_H
#define EGEMAPS_LANES_H

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define LANES_N (LANE_BYTES / 4)
#define HALF_N (LANES_N / 2)

typedef float Floats __attribute__((vector_size(LANE_BYTES)));
typedef int32_t FloatMask __attribute__((vector_size(LANE_BYTES)));
typedef float HalfFloats __attribute__((vector_size(LANE_BYTES / 2)));
typedef double Doubles __attribute__((vector_size(LANE_BYTES)));
typedef int64_t DoubleMask __attribute__((vector_size(LANE_BYTES)));
typedef uint64_t DoubleBits __attribute__((vector_size(LANE_BYTES)));

/* mask ? a : b */
#define CHOOSE(type, mask_type, mask, a, b) ((type)(((mask) & (mask_type)(a)) | (~(mask) & (mask_type)(b))))
#define CHOOSE_F(mask, a, b) CHOOSE(Floats, FloatMask, mask, a, b)
#define CHOOSE_D(mask, a, b) CHOOSE(Doubles, DoubleMask, mask, a, b)

static inline Doubles all_doubles(double value) { return (Doubles){0} + value; }

/* The lower (0) or the upper (1) half of the lanes. */
static inline Doubles half_of(const Floats *values, int half) {
  HalfFloats floats;
  memcpy(&floats, (const float *)values + HALF_N * half, sizeof floats);
  return __builtin_convertvector(floats, Doubles);
}

static inline Floats square_root(Floats values) {
  Floats roots;
  for (int lane = 0; lane < LANES_N; lane++) roots[lane] = sqrtf(values[lane]);
  return roots;
}

static inline Doubles larger(Doubles a, Doubles b) {
  DoubleMask mask = a > b;
  return CHOOSE_D(mask, a, b);
}

static inline int any(DoubleMask mask) {
  int64_t bits = 0;
  for (int lane = 0; lane < HALF_N; lane++) bits |= mask[lane];
  return bits != 0;
}

/* ln x of normal x > 0: x = 2^e m with m in [sqrt(1/2), sqrt(2)), ln m = 2 artanh((m - 1) / (m + 1)) by its series. */
static inline Doubles logarithm(Doubles x) {
  const DoubleMask half = (DoubleMask)all_doubles(0.70710678118654752);
  DoubleMask bits = (DoubleMask)x - half;
  /* The exponent, 1024 more so that it is positive, becomes a double as the low bits of 2^52 + 2^51. */
  DoubleBits exponent = (((DoubleBits)bits + 0x4000000000000000u) >> 52) + 0x4338000000000000u;
  Doubles power = (Doubles)exponent - 6755399441056768.0;
  Doubles m = (Doubles)((bits & 0x000fffffffffffff) + half);
  Doubles s = (m - 1.0) / (m + 1.0), q = s * s;
  Doubles sum = all_doubles(1.0 / 21);
  for (int odd = 19; odd > 0; odd -= 2) sum = sum * q + 1.0 / odd;
  return power * 0.693147180369123816490 + (2.0 * s * sum + power * 1.90821492927058770002e-10);
}

/* e^x for |x| < 700. */
static inline Doubles exponential(Doubles x) {
  Doubles shifted = x * 1.4426950408889634 + 6755399441055744.0;
  Doubles power = shifted - 6755399441055744.0;
  Doubles rest = x - power * 0.693147180369123816490 - power * 1.90821492927058770002e-10;
  Doubles sum = all_doubles(1.0 / 13) * rest + 1.0;
  for (int k = 12; k > 0; k--) sum = sum * rest * (1.0 / k) + 1.0;
  return (Doubles)((DoubleMask)sum + ((DoubleMask)shifted << 52));
}

static inline void *allocate(size_t size) {
  void *memory = NULL;
  return posix_memalign(&memory, 64, size) ? NULL : memory;
}

#define REAL float
#define LANES Floats
#define OOURA(name) name##_floats
#include "fftsg.h"
#undef REAL
#undef LANES
#undef OOURA

#define REAL double
#define LANES Doubles
#define OOURA(name) name##_doubles
#include "fftsg.h"
#undef REAL
#undef LANES
#undef OOURA

#endif
