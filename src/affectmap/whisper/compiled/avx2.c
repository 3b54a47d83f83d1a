/* The layers for x86 processors with AVX2, FMA and F16C; others compute with NumPy. */

#include <stdint.h>

#define KERNELS_VERSION 2

int kernels_version(void) { return KERNELS_VERSION; }

#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__)
#pragma GCC target("avx2,fma,f16c")
#include "layers.h"
#include "mel.h"

int has_avx2(void) {
  return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("f16c");
}
#else
int has_avx2(void) { return 0; }
#endif
