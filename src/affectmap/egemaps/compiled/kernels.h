/* The descriptors for one kind of processor: KERNEL(name) names the functions that are called from outside. */

#include "lanes.h"
#include "plan.h"

#include "spectra.h"

#include "formants.h"
#include "functionals.h"
#include "harmonics.h"
#include "path.h"
#include "periods.h"
#include "pitch.h"
#include "vocal_tract.h"

/* The tables of transforms of length n: floats and doubles of n / 2 places, pairs of n. Gives the number of pairs. */
int64_t KERNEL(tables)(int64_t n, float *floats, double *doubles, int *pairs) {
  tables_doubles((int)n, doubles, pairs);
  return tables_floats((int)n, floats, pairs);
}

/* Bytes of the states that the caller keeps: of the path, of the walk. */
int64_t KERNEL(size_of_path)(void) { return sizeof(PitchPath); }
int64_t KERNEL(size_of_walk)(void) { return sizeof(PeriodWalk); }
