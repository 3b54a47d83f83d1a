/* The descriptors with the instructions that every processor of the kind has; one of x86 may have more. */

#define LANE_BYTES 16
#define KERNEL(name) plain_##name
#include "kernels.h"

int kernels_version(void) { return KERNELS_VERSION; }

int has_avx2(void) {
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__)
  return __builtin_cpu_supports("avx2") != 0;
#else
  return 0;
#endif
}
