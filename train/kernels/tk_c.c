/* Baseline of every target: 16-byte vectors. */
#define TK_VBYTES 16
#define TK_MR     4
#define TK_NV     2
#define TK_LEVEL  c
#include "tk_impl.h"
