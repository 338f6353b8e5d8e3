/* How much a network may ask for while it runs: a file of a kilobyte can name
 * tensors of any size. What is stored in the file is bounded by FCT_MAX_ELEMENTS
 * and by the file's own length. */
#ifndef FCT_OPS_LIMITS_H
#define FCT_OPS_LIMITS_H

#include "facet/base.h"

typedef struct fct_limits {
    int64_t elements; /* of one tensor; 2^28 (1 GiB): a batch of 300 in the widest layer of an IResNet-50 has fewer */
    double plain;     /* work (fct_op_work) of all plain operators of one run; 2^34, a minute at most */
    double fast;      /* multiply-adds of all packed layers of one run; 2^44, a batch of 1024 in an IResNet-100 */
    double folded;    /* work of constant folding, besides four times what the file stores; 2^20 */
    double packed;    /* weights of all packed layers, besides 16 times what the file stores; 2^24 */
    size_t arena;     /* bytes of all tensors that live at the same time; 2^34 */
} fct_limits;

/* For all networks of the process. Only fuzzers, which need small ones, write to
 * it, before anything else. */
extern fct_limits fct_work_limits;

#endif
