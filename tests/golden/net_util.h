/* Loading and running small networks in tests, in every way the engine has. */
#ifndef FCT_TESTS_NET_UTIL_H
#define FCT_TESTS_NET_UTIL_H

#include "graph/model.h"
#include "onnx_writer.h"

/* Ways to run a network: 0 plain operators; 1 all passes, exact; 2 all passes,
 * fast; then all but one pass each. */
#define NET_WAYS 8
void net_way(int way, fct_engine_opts *o, const char **name);

/* An owned result: data from malloc. */
typedef struct net_out {
    int rank;
    int64_t dims[FCT_MAX_RANK];
    float *data;
} net_out;

/* Ends w, loads it and runs it on one input; outs gets n outputs (net_out_free()).
 * layers: number of steps run, or NULL. Returns the status; err is filled. */
fct_status net_run(ow *w, int way, const float *x, int rank, const int64_t *dims, net_out *outs, int n, int *layers,
                   fct_error *err);
void net_out_free(net_out *outs, int n);

/* xorshift; floats are in [-1, 1). */
uint32_t net_random(uint32_t *seed);
float net_uniform(uint32_t *seed);
void net_fill(uint32_t *seed, float *p, size_t n);
/* |a - b| / |b|, 2-norms. */
double net_error(const float *a, const float *b, size_t n);

#endif
