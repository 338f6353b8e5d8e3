/* Packing all weights: one task per node, the largest first, and one for the hash
 * of the file, which takes as long as all of them together. */
#include "graph/cpu/weights.h"
#include "base/alloc.h"
#include "base/error.h"
#include "base/thread.h"
#include "graph/shapes.h"
#include "graph/cpu/weights_cache.h"
#include "graph/cpu/weights_node.h"
#include "ops/limits.h"
#include <stdlib.h>
#include <string.h>

typedef struct weight_item {
    fct_node *node; /* NULL: the hash */
    size_t size;
    fct_status status;
    fct_error err;
} weight_item;

typedef struct weight_packing {
    fct_cpu_net *net;
    fct_model_bytes *source;
    fct_shapes shapes;
    bool shaped, binding;
    weight_item *items;
    int n;
    fct_weights_scratch *scratch; /* per worker */
    int workers;
} weight_packing;

/* Shapes for inputs as the file has them, open heights and widths taken as
 * `open`; the batch is 1 where it is open. */
static bool shapes_for(const fct_graph *g, int64_t open, bool *binding, fct_shapes *shapes) {
    fct_tensor_view in[8];
    fct_error ignored;
    *binding = true;
    if (g->n_inputs < 1 || g->n_inputs > 8) return false;
    for (int i = 0; i < g->n_inputs; i++) {
        const fct_value *v = &g->values[g->inputs[i]];
        in[i] = (fct_tensor_view){.dtype = FCT_F32, .rank = v->rank};
        if (v->rank < 1) return false;
        in[i].dims[0] = v->dims[0] > 0 ? v->dims[0] : 1;
        for (int k = 1; k < v->rank; k++) {
            in[i].dims[k] = v->dims[k] > 0 ? v->dims[k] : k == 1 ? 3 : open;
            *binding = *binding && v->dims[k] > 0;
        }
        if (!fct_op_check_dims(&in[i])) return false;
    }
    return !fct_shapes_infer(g, in, shapes, &ignored);
}

/* The shapes that layers will most likely see. Algorithms are chosen, and weights packed, for them, so that a
 * first run packs nothing. */
static void find_shapes(weight_packing *p) {
    static const int64_t usual[] = {640, 320, 112}; /* detectors; embedders */
    for (size_t i = 0; i < sizeof usual / sizeof *usual && !p->shaped; i++) {
        fct_shapes_free(&p->shapes);
        p->shaped = shapes_for(p->net->g, usual[i], &p->binding, &p->shapes);
        if (p->binding) return;
    }
}

/* Constants that several nodes read are converted before threads meet there. */
static fct_status share_constants(const weight_packing *p, fct_error *err) {
    fct_graph *g = p->net->g;
    bool *seen = fct_calloc((size_t)g->n_values, sizeof *seen);
    fct_status s = seen ? FCT_OK : fct_fail_nomem(err, "constants", 0);
    for (int i = 0; !s && i < p->n; i++) {
        const fct_fused *f = p->items[i].node ? p->items[i].node->fused : NULL;
        for (int k = 0; f && !s && k < f->n_parts; k++) {
            fct_const *c = g->values[f->parts[k]].konst;
            const fct_tensor_view *v;
            if (seen[f->parts[k]] && !(s = fct_const_data(c, &v, err))) c->raw = NULL; /* no node drops it */
            seen[f->parts[k]] = true;
        }
    }
    fct_free(seen);
    return s;
}

/* Packs one node, or hashes the file, on whatever thread is free. */
static void pack_item(void *ctx, int index, int worker) {
    weight_packing *p = ctx;
    weight_item *t = &p->items[index];
    if (!t->node) {
        t->status = fct_model_bytes_hash(p->source, &t->err);
        return;
    }
    const fct_tensor_view *in =
        p->shaped && t->node->in[0] >= 0 && p->shapes.known[t->node->in[0]] ? &p->shapes.views[t->node->in[0]] : NULL;
    t->status = fct_weights_node(p->net, t->node, in, p->binding, &p->scratch[worker], &t->err);
}

/* The hash, then the largest, then the earliest. */
static int by_size(const void *a, const void *b) {
    const weight_item *x = a, *y = b;
    if (!x->node != !y->node) return x->node ? 1 : -1;
    if (x->size != y->size) return x->size < y->size ? 1 : -1;
    return x->node < y->node ? -1 : x->node > y->node;
}

/* Does all that is to be done, the longest tasks first: what comes last must not keep the other threads waiting. */
static fct_status list_items(weight_packing *p, fct_error *err) {
    fct_graph *g = p->net->g;
    p->items = fct_calloc((size_t)g->n_nodes + 1, sizeof *p->items);
    p->scratch = fct_calloc((size_t)p->workers, sizeof *p->scratch);
    if (!p->items || !p->scratch) return fct_fail_nomem(err, "weights", 0);
    if (!p->source->hashed) p->n = 1;
    for (int i = 0; i < g->n_nodes; i++)
        if (g->nodes[i].kind == FCT_NODE_CONV || g->nodes[i].kind == FCT_NODE_FC || g->nodes[i].kind == FCT_NODE_AFFINE)
            p->items[p->n++] = (weight_item){.node = &g->nodes[i], .size = fct_weights_count(&g->nodes[i])};
    qsort(p->items, (size_t)p->n, sizeof *p->items, by_size);
    return share_constants(p, err);
}

/* Layers may share weights, but each packs its own: a small file that uses one
 * tensor a thousand times must not become gigabytes. */
static fct_status check_reuse(const fct_graph *g, int64_t params, fct_error *err) {
    double n = 0, most = fct_work_limits.packed + 16 * (double)params;
    for (int i = 0; i < g->n_nodes; i++) {
        const fct_node *x = &g->nodes[i];
        if (!x->dead && (x->kind == FCT_NODE_CONV || x->kind == FCT_NODE_FC))
            n += (double)x->fused->oc * x->fused->ic *
                 (x->kind == FCT_NODE_FC ? 1 : (double)x->fused->kh * x->fused->kw / x->fused->groups);
    }
    if (n <= most) return FCT_OK;
    return fct_fail(err, FCT_ERR_LIMIT, "%s: the layers have %.3g weights together, the file stores %.3g", g->file, n,
                    (double)params);
}

/* Packs everything on all threads, and reports the first failure in the order of the list. */
static fct_status pack_all(fct_cpu_net *net, fct_model_bytes *source, fct_error *err) {
    weight_packing p = {.net = net, .source = source};
    find_shapes(&p);
    (void)fct_parallel_begin(); /* whoever else has the pool: this thread works alone */
    p.workers = fct_parallel_width();
    fct_status s = list_items(&p, err);
    if (!s) fct_parallel(p.n, pack_item, &p);
    fct_parallel_end();
    for (int i = 0; !s && i < p.n; i++)
        if ((s = p.items[i].status) && err) *err = p.items[i].err;
    for (int i = 0; p.scratch && i < p.workers; i++) fct_weights_scratch_clear(&p.scratch[i]);
    fct_free(p.scratch);
    fct_free(p.items);
    fct_shapes_free(&p.shapes);
    return s;
}

/* Takes the weights from the cache where it has them; otherwise packs them and leaves them there for the next start. */
fct_status fct_weights_pack(fct_cpu_net *net, const fct_pack_request *q, fct_error *err) {
    const char *dir = q->cacheable ? q->opts->cache_dir : NULL;
    fct_model_bytes *source = q->source;
    fct_cache_key key;
    fct_status s = check_reuse(net->g, q->params, err);
    if (s) return s;
    if (dir && (fct_cache_recall(dir, source) || !source->file)) {
        if (!source->hashed && (s = fct_model_bytes_hash(source, err))) return s;
        key = fct_cache_key_of(source, q->opts);
        if (fct_weights_from_cache(net, dir, &key)) return FCT_OK;
    }
    if ((s = pack_all(net, source, err)) || !dir) return s;
    if (!source->hashed && (s = fct_model_bytes_hash(source, err))) return s;
    key = fct_cache_key_of(source, q->opts);
    fct_weights_to_cache(net, dir, &key);
    fct_cache_remember(dir, source);
    return FCT_OK;
}
