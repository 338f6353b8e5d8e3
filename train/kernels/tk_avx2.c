/* AVX2 and FMA: 12 accumulators of the 16 registers. */
#define TK_VBYTES 32
#define TK_MR     6
#define TK_NV     2
#define TK_LEVEL  avx2
#include "tk_impl.h"
