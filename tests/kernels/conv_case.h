/* One convolution of the tests: its data, its reference, its error. */
#ifndef FCT_TESTS_CONV_CASE_H
#define FCT_TESTS_CONV_CASE_H

#include "ops/conv_int.h"

enum { CASE_SCALE = 1, CASE_UP2 = 2, CASE_PLANAR = 4 };

typedef struct conv_case {
    int n, ic, oc, groups, k, stride, dilation, pad, ih, iw;
    fct_act_kind act;
    fct_add_kind add;
    int flags;
} conv_case;

conv_case conv_case_random(uint32_t *seed);
const char *conv_case_name(const conv_case *t); /* static buffer */

/* Random weights, the same for the same case. NULL: creation failed. */
fct_conv *conv_case_create(const conv_case *t, const fct_kernel_table *k, fct_precision precision);

/* |out - reference| / |reference| over all outputs; 1e9 when a call failed, a
 * guard byte changed or a value is not finite. algorithm: NULL = chosen. */
double conv_case_error(const conv_case *t, const fct_kernel_table *k, fct_precision precision, const char *algorithm);

#endif
