/* AVX-512: 24 accumulators of the 32 registers. */
#define TK_VBYTES 64
#define TK_MR     12
#define TK_NV     2
#define TK_LEVEL  avx512
#include "tk_impl.h"
