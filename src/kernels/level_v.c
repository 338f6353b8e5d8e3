/* Fills the table with one vector level's kernels. */
#include "kernels/vec.h"

/* The last lines add what only some levels have: the tile sizes and the 16-bit kernels. */
void FCT_CAT(fct_kernels_fill, _, FCT_LEVEL)(fct_kernel_table *t) {
    t->cb = CB;
#define K(name, type, params) t->name = KFN(name);
#include "kernels/vector_levels.inc"
#undef K
    FCT_CAT(fct_kernels_gemm_shape, _, FCT_LEVEL)(t);
#ifdef V_DOT
    FCT_CAT(fct_kernels_int16, _, FCT_LEVEL)(t);
#endif
}
