#include "graph/cpu/weights_node.h"
#include "base/alloc.h"
#include "base/error.h"
#include "kernels/kernels.h"
#include <string.h>

size_t fct_weights_count(const fct_node *n) {
    const fct_fused *f = n->fused;
    if (n->kind == FCT_NODE_FC) return (size_t)f->ic * (size_t)f->oc;
    if (n->kind != FCT_NODE_CONV) return 0;
    return (size_t)f->oc * (size_t)(f->ic / f->groups) * (size_t)(f->kh * f->kw);
}

/* More than so many bytes are given back after each layer. */
enum { SCRATCH_MOST = 16 << 20 };

void fct_weights_scratch_clear(fct_weights_scratch *s) {
    fct_aligned_free(s->raw.p);
    fct_aligned_free(s->stacked.p);
    *s = (fct_weights_scratch){0};
}

/* Makes room for at least n floats; what was in it is lost. */
static bool grow(fct_weights_room *r, size_t n) {
    if (n <= r->size) return true;
    fct_aligned_free(r->p);
    r->p = fct_aligned_alloc(n * sizeof *r->p);
    r->size = r->p ? n : 0;
    return r->p != NULL;
}

/* A constant's numbers. Those that are to be read from the file go to the thread's memory, since new memory for each
 * layer costs more than reading. */
static fct_status read_weights(fct_const *c, const char *name, fct_weights_room *raw, const float **out,
                               fct_error *err) {
    const size_t unread = fct_const_unread(c);
    const fct_tensor_view *v;
    if (unread) {
        *out = NULL;
        if (!grow(raw, unread / sizeof(float))) return fct_fail_nomem(err, name, unread);
        *out = raw->p;
        return fct_const_read(c, raw->p, err);
    }
    fct_status s = fct_const_data(c, &v, err);
    *out = s ? NULL : fct_view_f32(v);
    return s;
}

/* Weights of all parts one after the other, times their scales: in the file's mapping, or in scratch. */
static fct_status stack_weights(fct_cpu_net *net, const fct_node *n, fct_weights_scratch *scratch, const float **out,
                                fct_error *err) {
    const fct_fused *f = n->fused;
    const size_t per = fct_weights_count(n) / (size_t)f->oc;
    fct_status s = FCT_OK;
    if (f->n_parts == 1 && !f->weight_scale)
        return read_weights(net->g->values[f->parts[0]].konst, n->name, &scratch->raw, out, err);
    if (!grow(&scratch->stacked, fct_weights_count(n)))
        return fct_fail_nomem(err, n->name, fct_weights_count(n) * sizeof(float));
    float *w = scratch->stacked.p;
    size_t o = 0;
    for (int i = 0; !s && i < f->n_parts; i++) {
        fct_const *c = net->g->values[f->parts[i]].konst;
        const float *v;
        if ((s = read_weights(c, n->name, &scratch->raw, &v, err))) break;
        for (size_t k = 0; k < (size_t)c->view.dims[0]; k++, o++)
            fct_kernels()->scale_f32(w + o * per, v + k * per, f->weight_scale ? f->weight_scale[o] : 1, 0, per);
        fct_const_drop(c);
    }
    *out = w;
    return s;
}

/* What ops/conv.h is told of a fused convolution. */
static fct_conv_spec conv_spec(const fct_cpu_net *net, const fct_node *n, const float *weight) {
    const fct_fused *f = n->fused;
    fct_conv_spec spec = {.name = n->name,
                          .ic = f->ic,
                          .oc = f->oc,
                          .groups = f->groups,
                          .kh = f->kh,
                          .kw = f->kw,
                          .sh = f->sh,
                          .sw = f->sw,
                          .dh = f->dh,
                          .dw = f->dw,
                          .pad_top = f->pad[0],
                          .pad_left = f->pad[1],
                          .pad_bottom = f->pad[2],
                          .pad_right = f->pad[3],
                          .weight = weight,
                          .bias = f->bias,
                          .in_scale = f->in_scale,
                          .in_shift = f->in_shift,
                          .act = f->act,
                          .add = f->add,
                          .add_up2 = f->add_up2,
                          .precision = net->precision,
                          .low_memory = net->low_memory};
    spec.act.slope = f->slope;
    spec.planar_in = f->planar_in && fct_conv_takes_planar(&spec);
    return spec;
}

/* Packs for the shape at hand, so that the raw weights of large layers need not
 * be kept. A shape that was only a guess may be refused. */
static fct_status pack_for(fct_conv *conv, const fct_tensor_view *in, bool binding, fct_error *err) {
    fct_conv_plan *plan;
    if (!in || in->rank != 4) return FCT_OK;
    fct_status s = fct_conv_plan_create(conv, (int)in->dims[0], (int)in->dims[2], (int)in->dims[3], NULL, &plan, err);
    fct_conv_plan_free(plan);
    return binding || s == FCT_ERR_NOMEM ? s : FCT_OK;
}

/* Packs a convolution for the shape that it will see, and gives the raw weights up. */
static fct_status pack_conv(fct_cpu_net *net, fct_node *n, const fct_tensor_view *in, bool binding,
                            fct_weights_scratch *scratch, fct_error *err) {
    const fct_fused *f = n->fused;
    const float *w = NULL;
    fct_conv *conv = NULL;
    fct_status s = stack_weights(net, n, scratch, &w, err);
    if (s) return s;
    const fct_conv_spec spec = conv_spec(net, n, w);
    s = fct_conv_create(&spec, &conv, err);
    fct_cpu_net_layer(net, n)->conv = conv;
    if (!s) s = pack_for(conv, in, binding, err);
    if (!s) s = fct_conv_settle(conv, err);
    if (f->n_parts == 1) fct_const_drop(net->g->values[f->parts[0]].konst);
    return s;
}

/* The layer of ops/fc.h; without weights where the cache brings them. */
static fct_status create_fc(fct_cpu_net *net, fct_node *n, const float *weight, fct_error *err) {
    const fct_fused *f = n->fused;
    fct_fc *fc = NULL;
    fct_fc_spec spec = {.name = n->name,
                        .k = f->ic,
                        .n = f->oc,
                        .weight = weight,
                        .weight_kn = f->weight_kn,
                        .row_scale = f->weight_scale,
                        .bias = f->bias,
                        .channels = f->channels,
                        .in_scale = f->in_scale,
                        .in_shift = f->in_shift,
                        .blocked = f->fc_channels,
                        .half = net->precision == FCT_PRECISION_FAST};
    fct_status s = fct_fc_create(&spec, &fc, err);
    fct_cpu_net_layer(net, n)->fc = fc;
    return s;
}

static fct_status pack_fc(fct_cpu_net *net, fct_node *n, fct_weights_scratch *scratch, fct_error *err) {
    fct_const *c = net->g->values[n->fused->parts[0]].konst;
    const float *w;
    fct_status s = read_weights(c, n->name, &scratch->raw, &w, err);
    if (s) return s;
    s = create_fc(net, n, w, err);
    fct_const_drop(c);
    return s;
}

/* n floats and as many zeros (or fill) as whole blocks need. */
static bool pad_vector(float **v, int n, float fill) {
    int padded = fct_blocks(n, FCT_CB_MAX) * FCT_CB_MAX;
    float *p = fct_realloc_array(*v, (size_t)padded, sizeof *p);
    if (!p) return false;
    for (int i = *v ? n : 0; i < padded; i++) p[i] = fill;
    *v = p;
    return true;
}

/* Scales and shifts are read by whole blocks, so they are padded to whole blocks. */
static fct_status pack_affine(fct_node *n, fct_error *err) {
    fct_fused *f = n->fused;
    bool ok = pad_vector(&f->scale, f->channels, 0) && pad_vector(&f->shift, f->channels, 0);
    if (f->act.kind == FCT_ACT_LEAKY || f->act.kind == FCT_ACT_PRELU)
        ok = ok && pad_vector(&f->slope, f->channels, f->act.a);
    return ok ? FCT_OK : fct_fail_nomem(err, n->name, 0);
}

static fct_status pack_node(fct_cpu_net *net, fct_node *n, const fct_tensor_view *in, bool binding,
                            fct_weights_scratch *scratch, fct_error *err) {
    switch (n->kind) {
    case FCT_NODE_CONV:
        return pack_conv(net, n, in, binding, scratch, err);
    case FCT_NODE_FC:
        return pack_fc(net, n, scratch, err);
    case FCT_NODE_AFFINE:
        return pack_affine(n, err);
    default:
        return FCT_OK;
    }
}

fct_status fct_weights_node(fct_cpu_net *net, fct_node *n, const fct_tensor_view *in, bool binding,
                            fct_weights_scratch *scratch, fct_error *err) {
    fct_status s = pack_node(net, n, in, binding, scratch, err);
    if ((scratch->raw.size + scratch->stacked.size) * sizeof(float) > SCRATCH_MOST) fct_weights_scratch_clear(scratch);
    return s;
}

fct_status fct_weights_empty(fct_cpu_net *net, fct_node *n, fct_error *err) {
    if (n->kind == FCT_NODE_FC) return create_fc(net, n, NULL, err);
    if (n->kind == FCT_NODE_AFFINE) return pack_affine(n, err);
    if (n->kind != FCT_NODE_CONV) return FCT_OK;
    fct_conv *conv = NULL;
    const fct_conv_spec spec = conv_spec(net, n, NULL);
    fct_status s = fct_conv_create(&spec, &conv, err);
    fct_cpu_net_layer(net, n)->conv = conv;
    return s;
}
