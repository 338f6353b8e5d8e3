/* How output channels are cut into panels of the conv_gemm kernel: two blocks
 * each where possible, three where a block would be left alone. Panel i of a
 * packed array starts at float first * cb * K, K the number of weights per
 * output channel. */
#ifndef FCT_OPS_CONV_PANEL_H
#define FCT_OPS_CONV_PANEL_H

#include "kernels/kernels.h"

typedef struct fct_panel {
    int first, count;
} fct_panel; /* blocks */

static inline int fct_panel_total(const fct_kernel_table *k, int blocks) {
    const int usual = k->gemm_mv > 2 ? 2 : 1;
    return blocks / usual > 1 ? blocks / usual : 1;
}

static inline fct_panel fct_panel_at(const fct_kernel_table *k, int blocks, int i) {
    const int total = fct_panel_total(k, blocks), width = blocks / total, wider = blocks % total;
    return (fct_panel){i * width + (i < wider ? i : wider), width + (i < wider)};
}

#endif
