/* The backward pass against central differences, in double precision. The loss
 * is a fixed random linear function of the embeddings, so that its own gradient
 * is exact. */
#include "train/net.h"
#include "../test.h"
#include <math.h>

typedef struct gradient_rig {
    fct_net_spec spec;
    fct_net *net;
    int n;
    double *params, *stats, *input, *weight, *grads;
} gradient_rig;

static double *numbers(size_t n, fct_rng *r, double scale) {
    double *p = malloc((n + 1) * sizeof *p);
    for (size_t i = 0; i < n; i++) p[i] = scale * fct_rng_normal(r);
    return p;
}

static gradient_rig *open_rig(const char *text, int n, const fct_tk *tk) {
    static gradient_rig r;
    fct_error err;
    r.n = n;
    fct_status st = fct_net_spec_parse(text, &r.spec, &err);
    CHECK_MSG(st == FCT_OK, "%s", err.text);
    REQUIRE(st == FCT_OK);
    REQUIRE(fct_net_create(&r.spec, n, true, tk, &r.net, &err) == FCT_OK);
    fct_rng rng = fct_rng_make(7, 1, 2);
    size_t dim = (size_t)fct_pad(r.spec.dim);
    r.params = numbers(r.spec.n_params, &rng, 0);
    r.stats = numbers(r.spec.n_stats, &rng, 0);
    r.grads = numbers(r.spec.n_params, &rng, 0);
    fct_net_init(&r.spec, &rng, r.params, r.stats);
    for (int i = 0; i < r.spec.n_param; i++) /* no parameter stays at a special value */
        for (size_t j = 0; j < r.spec.param[i].count; j++)
            r.params[r.spec.param[i].offset + j] += 0.2 * fct_rng_normal(&rng);
    r.input = numbers((size_t)n * r.spec.size * r.spec.size * r.spec.channels, &rng, 1);
    r.weight = numbers((size_t)n * dim, &rng, 1);
    for (size_t i = 0; i < (size_t)n * dim; i++)
        if ((int)(i % dim) >= r.spec.dim) r.weight[i] = 0;
    return &r;
}

static void close_rig(gradient_rig *r) {
    fct_net_free(r->net);
    fct_net_spec_clear(&r->spec);
    free(r->params), free(r->stats), free(r->input), free(r->weight), free(r->grads);
}

static double loss(gradient_rig *r, int frozen) {
    const double *z = fct_net_forward(r->net, r->params, r->stats, r->input, r->n,
                                      (fct_net_mode){.train = true, .frozen_below = frozen});
    double s = 0;
    for (size_t i = 0; i < (size_t)r->n * fct_pad(r->spec.dim); i++) s += z[i] * r->weight[i];
    return s;
}

/* Largest error over some parameters of every kind, relative to that kind's
 * largest gradient. A PReLU's kink near an activation spoils a difference;
 * a smaller step then settles it. */
static double difference(gradient_rig *r, size_t i, double eps, int frozen) {
    double keep = r->params[i];
    r->params[i] = keep + eps;
    double up = loss(r, frozen);
    r->params[i] = keep - eps;
    double down = loss(r, frozen);
    r->params[i] = keep;
    return (up - down) / (2 * eps);
}

static void check_params(gradient_rig *r, int frozen, const char *what) {
    loss(r, frozen);
    fct_net_backward(r->net, r->params, r->weight, r->grads);
    fct_rng rng = fct_rng_make(3, 4, 5);
    for (int k = 0; k < r->spec.n_param; k++) {
        const fct_param *p = &r->spec.param[k];
        double scale = 1e-2, worst = 0;
        for (size_t j = 0; j < p->count; j++) scale = fmax(scale, fabs(r->grads[p->offset + j]));
        if (r->spec.unit[p->unit].fixed_gamma && strstr(p->name, "gamma")) continue;
        if (p->unit < frozen) {
            CHECK_MSG(scale == 1e-2, "%s: %s is frozen but has a gradient", what, p->name);
            continue;
        }
        for (int t = 0; t < 6; t++) {
            size_t i = p->offset + fct_rng_below(&rng, (uint32_t)p->count);
            double e = 1;
            for (double eps = 1e-5; eps > 1e-7 && e > 1e-6; eps /= 4)
                e = fmin(e, fabs(difference(r, i, eps, frozen) - r->grads[i]) / scale);
            worst = fmax(worst, e);
        }
        CHECK_MSG(worst < 1e-6, "%s: %s: relative error %.2g", what, p->name, worst);
    }
}

static void check_spec(const char *text, int n) {
    const fct_tk *tk[8];
    int levels = fct_tk_all(tk, 8);
    for (int l = 0; l < levels; l++) {
        gradient_rig *r = open_rig(text, n, tk[l]);
        char what[200];
        snprintf(what, sizeof what, "%s, %s", tk[l]->level, text);
        check_params(r, 0, what);
        close_rig(r);
    }
}

TEST(dense_kernels) {
    check_spec("input 7 3; conv 5 3 2; conv 20 1 1; conv 17 3 1; linear 6", 5);
    check_spec("input 9 1; conv 7 5 2; conv 33 3 2 linear; conv 18 1 2; linear 3", 4);
}
TEST(depthwise) {
    check_spec("input 8 3; conv 18 3 1; dw 3 1; dw 3 2; conv 9 1 1; gdc; linear 5", 5);
    check_spec("input 11 2; conv 4 3 1; dw 5 1; dw 5 2 linear; dw 3 3; gdc; linear 5", 4);
}
TEST(bottlenecks) {
    check_spec("input 12 3; conv 8 3 2; dw 3 1; down 20 24 2; res 40 2; conv 24 1 1; gdc; linear 7", 6);
}
TEST(iresnet) { check_spec("input 12 3; conv 8 3 1; ires 8 2 2; ires 20 2 2; bn; linear 7", 4); }
TEST(more_images_than_groups) { check_spec("input 6 3; conv 8 3 2; down 12 16 1; res 16 1; gdc; linear 4", 37); }
TEST(tiles) { check_spec("input 40 2; conv 6 3 2; conv 10 1 1; dw 3 2; gdc; linear 4", 3); }
TEST(mobilefacenet) { check_spec("mobilefacenet width=0.125 blocks=1,1,1 stem=8 dim=8", 4); }

TEST(frozen_layers) {
    gradient_rig *r =
        open_rig("input 12 3; conv 8 3 2; dw 3 1; down 20 24 2; res 40 2; conv 24 1 1; gdc; linear 7", 6, NULL);
    for (int f = 1; f < r->spec.n_units; f++) check_params(r, f, "frozen");
    close_rig(r);
}

TEST(threads_do_not_matter) {
    double *kept = NULL;
    for (int threads = 1; threads <= 2; threads++) {
        fct_set_threads(threads, NULL);
        gradient_rig *r = open_rig("input 16 3; conv 8 3 2; dw 3 1; down 20 24 2; res 40 2; gdc; linear 7", 11, NULL);
        loss(r, 0);
        fct_net_backward(r->net, r->params, r->weight, r->grads);
        if (kept) CHECK(!memcmp(kept, r->grads, r->spec.n_params * sizeof *kept));
        free(kept);
        kept = malloc(r->spec.n_params * sizeof *kept);
        memcpy(kept, r->grads, r->spec.n_params * sizeof *kept);
        close_rig(r);
    }
    free(kept);
    fct_set_threads(0, NULL);
}

/* A seed gives the training that it gave before its purposes had names. */
TEST(purposes_keep_their_keys) {
    static const uint64_t keys[] = {0x696e6974u, 0x63656e747265u, 0x706663u, 0x6f72646572u};
    for (int i = 0; i < 4; i++) CHECK(fct_rng_for(9, (fct_rng_purpose)i, 2).s == fct_rng_make(9, keys[i], 2).s);
}

int main(int argc, char **argv) { return test_main(argc, argv); }
