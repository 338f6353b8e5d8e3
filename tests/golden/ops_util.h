/* One operator in a network of its own: the helpers that the tests of operators share. */
#ifndef FCT_TESTS_OPS_UTIL_H
#define FCT_TESTS_OPS_UTIL_H

#include "net_util.h"
#include "test.h"

#include <math.h>

#define LIMIT 2e-6

/* Runs the finished network in every way and compares its one output. */
static inline void expect(ow *w, const float *x, int rank, const int64_t *dims, const float *want, int want_rank,
                          const int64_t *want_dims, double limit) {
    for (int way = 0; way < NET_WAYS; way++) {
        net_out out;
        fct_error e;
        fct_engine_opts o;
        const char *name;
        size_t n = 1;
        net_way(way, &o, &name);
        fct_status s = net_run(w, way, x, rank, dims, &out, 1, NULL, &e);
        CHECK_MSG(s == FCT_OK, "%s: %s", name, e.text);
        if (s) continue;
        bool same = out.rank == want_rank;
        for (int i = 0; same && i < want_rank; i++) same = out.dims[i] == want_dims[i];
        CHECK_MSG(same, "%s: shape differs (rank %d)", name, out.rank);
        for (int i = 0; i < want_rank; i++) n *= (size_t)want_dims[i];
        /* the fast mode may keep weights in fp16 */
        double err = same ? net_error(out.data, want, n) : 0, most = way == 2 && limit < 2e-3 ? 2e-3 : limit;
        CHECK_MSG(err <= most, "%s: error %.2e", name, err);
        net_out_free(&out, 1);
    }
    ow_free(w);
}

/* Starts a network with input x. With blocked, a depthwise convolution by 1 comes
 * first, so that the operator sees a blocked tensor. Returns the value to use. */
static inline const char *start(ow *w, int opset, int rank, const int64_t *dims, bool blocked) {
    ow_begin(w, opset);
    ow_input(w, "x", rank, dims);
    ow_output(w, "y");
    if (!blocked) return "x";
    float ones[64];
    for (int i = 0; i < 64; i++) ones[i] = 1;
    ow_f32(w, "ones", 4, (int64_t[]){dims[1], 1, 1, 1}, ones, OW_RAW);
    ow_node(w, "Conv", "x,ones", "b");
    ow_int(w, "group", dims[1]);
    return "b";
}

/* The picture that most operators are given. */
static const int64_t image[4] = {2, 19, 7, 9};
#define COUNT (2 * 19 * 7 * 9)

static inline void join(char *out, const char *a, const char *rest) { snprintf(out, 100, "%s%s", a, rest); }

#endif
