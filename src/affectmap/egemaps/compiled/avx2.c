/* The descriptors for x86 processors with AVX2; sums and products are rounded one by one there, too. */

#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__)
#pragma GCC target("avx2")
#define LANE_BYTES 32
#define KERNEL(name) avx2_##name
#include "kernels.h"
#endif
