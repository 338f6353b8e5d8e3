/* From a description of a network to its list of units. */
#include "train/net.h"
#include "base/alloc.h"
#include "base/error.h"
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct spec_parser {
    fct_net_spec *spec;
    const char *statement; /* for error texts */
    int last;              /* unit whose output is current; -1 = the picture */
    int channels, side, stage;
    bool ended;
    fct_error *err;
} spec_parser;

static fct_status bad(spec_parser *p, const char *fault) {
    return fct_fail(p->err, FCT_ERR_FORMAT, "network \"%s\": %s", p->statement, fault);
}

/* Appends a unit; the caller's current tensor becomes its output. */
static fct_status add_unit(spec_parser *p, fct_unit_op op, int co, int k, int s, int pad, bool prelu, fct_unit **out) {
    fct_net_spec *sp = p->spec;
    if (p->ended) return bad(p, "nothing may follow \"linear\"");
    if (sp->n_units == FCT_NET_MAX_UNITS) return bad(p, "too many layers");
    if (co < 1 || co > 4096) return bad(p, "channels must be 1 to 4096");
    if (k < 1 || k > 64 || s < 1 || s > 4) return bad(p, "kernel must be 1 to 64, stride 1 to 4");
    int side = (p->side + 2 * pad - k) / s + 1;
    if (p->side + 2 * pad < k) return bad(p, "the kernel is larger than its input");
    fct_unit *u = &sp->unit[sp->n_units];
    *u = (fct_unit){.op = op,
                    .in = p->last,
                    .res = -1,
                    .ci = p->channels,
                    .co = co,
                    .k = k,
                    .s = s,
                    .p = pad,
                    .ih = p->side,
                    .iw = p->side,
                    .oh = side,
                    .ow = side,
                    .prelu = prelu};
    if (side < p->side) p->stage++;
    u->stage = p->stage;
    u->flat = op == FCT_UNIT_CONV && pad == 0 && k == p->side && k > 1;
    snprintf(u->name, sizeof u->name, "%s%d",
             op == FCT_UNIT_CONV ? "conv"
             : op == FCT_UNIT_DW ? "dw"
                                 : "bn",
             sp->n_units);
    p->last = sp->n_units++;
    p->channels = co;
    p->side = side;
    if (out) *out = u;
    return FCT_OK;
}

/* MobileNet's block: widen with a 1x1, filter each channel, narrow with a 1x1, and add the input where asked. */
static fct_status add_bottleneck(spec_parser *p, int c, int e, int s, bool residual) {
    int from = p->last;
    fct_unit *u;
    if (residual && from < 0) return bad(p, "a residual needs a layer before it");
    fct_status st = add_unit(p, FCT_UNIT_CONV, e, 1, 1, 0, true, NULL);
    if (!st) st = add_unit(p, FCT_UNIT_DW, e, 3, s, 1, true, NULL);
    if (!st) st = add_unit(p, FCT_UNIT_CONV, c, 1, 1, 0, false, &u);
    if (!st && residual) u->res = from;
    return st;
}

/* IResNet's block (Duta et al. 2020, as InsightFace trains it). */
static fct_status add_ires(spec_parser *p, int c, int s) {
    int from = p->last, from_c = p->channels, from_side = p->side, stage = p->stage;
    if (from < 0) return bad(p, "\"ires\" needs a layer before it");
    fct_unit *u;
    int shortcut = from;
    fct_status st = FCT_OK;
    if (s != 1 || c != from_c) {
        st = add_unit(p, FCT_UNIT_CONV, c, 1, s, 0, false, NULL);
        shortcut = p->last;
        p->last = from, p->channels = from_c, p->side = from_side, p->stage = stage;
    }
    if (!st) st = add_unit(p, FCT_UNIT_IDENT, from_c, 1, 1, 0, false, NULL);
    if (!st) st = add_unit(p, FCT_UNIT_CONV, c, 3, 1, 1, true, NULL);
    if (!st) st = add_unit(p, FCT_UNIT_CONV, c, 3, s, 1, false, &u);
    if (!st) u->res = shortcut;
    return st;
}

/* The embedding: one window over all that is left of the picture. */
static fct_status add_linear(spec_parser *p, int dim) {
    fct_unit *u;
    fct_status s = add_unit(p, FCT_UNIT_CONV, dim, p->side, 1, 0, false, &u);
    if (s) return s;
    u->fixed_gamma = true;
    p->ended = true;
    p->spec->dim = dim;
    return FCT_OK;
}

static fct_status set_input(spec_parser *p, int size, int channels) {
    if (p->last >= 0) return bad(p, "\"input\" must come first");
    if (size < 1 || size > 1024 || channels < 1 || channels > 64) return bad(p, "side 1 to 1024, channels 1 to 64");
    p->side = p->spec->size = size;
    p->channels = p->spec->channels = channels;
    return FCT_OK;
}

/* Carries out one statement that is split already: its name, up to 3 numbers, and whether it ends in "linear". */
static fct_status statement(spec_parser *p, const char *name, const int *v, int n, bool linear) {
    fct_status s = FCT_OK;
    if (!strcmp(name, "input") && n >= 1) return set_input(p, v[0], n > 1 ? v[1] : 3);
    if (!strcmp(name, "conv") && n == 3) return add_unit(p, FCT_UNIT_CONV, v[0], v[1], v[2], v[1] / 2, !linear, NULL);
    if (!strcmp(name, "dw") && n == 2)
        return add_unit(p, FCT_UNIT_DW, p->channels, v[0], v[1], v[0] / 2, !linear, NULL);
    if (!strcmp(name, "down") && n == 3) return add_bottleneck(p, v[0], v[1], v[2], false);
    if (!strcmp(name, "res") && n == 2) {
        for (int i = 0; i < v[1] && !s; i++) s = add_bottleneck(p, p->channels, v[0], 1, true);
        return s;
    }
    if (!strcmp(name, "ires") && n == 3) {
        for (int i = 0; i < v[2] && !s; i++) s = add_ires(p, v[0], i ? 1 : v[1]);
        return s;
    }
    if (!strcmp(name, "bn") && n == 0) return add_unit(p, FCT_UNIT_IDENT, p->channels, 1, 1, 0, false, NULL);
    if (!strcmp(name, "gdc") && n == 0) return add_unit(p, FCT_UNIT_DW, p->channels, p->side, 1, 0, false, NULL);
    if (!strcmp(name, "linear") && n == 1) return add_linear(p, v[0]);
    return bad(p, "not a statement with these numbers");
}

static fct_status parse_statement(spec_parser *p, char *text) {
    char *word[8], *save = NULL;
    int n = 0, v[3], nv = 0;
    bool linear = false;
    for (char *w = strtok_r(text, " \t\r", &save); w; w = strtok_r(NULL, " \t\r", &save)) {
        if (n == 8) return bad(p, "too many words");
        word[n++] = w;
    }
    if (n == 0) return FCT_OK;
    for (int i = 1; i < n; i++) {
        char *end;
        long x = strtol(word[i], &end, 10);
        if (!strcmp(word[i], "linear") && i == n - 1) linear = true;
        else if (*end || x < 0 || x > 4096 || nv == 3) return bad(p, "expected at most three numbers up to 4096");
        else v[nv++] = (int)x;
    }
    return statement(p, word[0], v, nv, linear);
}

/* ---- Presets ---------------------------------------------------------------- */

typedef struct preset {
    double width;
    int blocks[4], n_blocks, stem, dim;
} preset;

/* Reads options such as "width=0.5 dim=256"; false for an unknown one or a value out of range. */
static bool read_preset(const char *options, preset *o) {
    char key[16];
    double v;
    int used;
    while (sscanf(options, " %15[a-z]=%lf%n", key, &v, &used) == 2) {
        options += used;
        if (!strcmp(key, "width") && v > 0 && v <= 4) o->width = v;
        else if (!strcmp(key, "stem") && v >= 8 && v <= 512) o->stem = (int)v;
        else if (!strcmp(key, "dim") && v >= 8 && v <= 4096) o->dim = (int)v;
        else if (!strcmp(key, "blocks")) {
            o->blocks[0] = (int)v;
            int i = 1;
            for (; i < o->n_blocks && sscanf(options, ",%lf%n", &v, &used) == 1; i++, options += used)
                o->blocks[i] = (int)v;
            if (i < o->n_blocks) return false;
        } else return false;
    }
    return options[strspn(options, " \t\r\n")] == 0;
}

static int scaled(double c, double width) { return (int)(c * width / 8 + 0.5) * 8; }

/* MobileFaceNet (Chen et al. 2018, table 1), widths scaled. */
static char *mobilefacenet_text(const preset *o) {
    int a = scaled(64, o->width), b = scaled(128, o->width);
    return fct_asprintf("input 112 3; conv %d 3 2; dw 3 1; down %d %d 2; res %d %d; down %d %d 2; res %d %d; "
                        "down %d %d 2; res %d %d; conv %d 1 1; gdc; linear %d",
                        o->stem, a, 2 * a, 2 * a, o->blocks[0], b, 4 * a, 2 * b, o->blocks[1], b, 4 * b, 2 * b,
                        o->blocks[2], scaled(512, o->width), o->dim);
}

static char *iresnet_text(const preset *o) {
    int c = scaled(64, o->width);
    return fct_asprintf(
        "input 112 3; conv %d 3 1; ires %d 2 %d; ires %d 2 %d; ires %d 2 %d; ires %d 2 %d; bn; linear %d", c, c,
        o->blocks[0], 2 * c, o->blocks[1], 4 * c, o->blocks[2], 8 * c, o->blocks[3], o->dim);
}

/* Replaces a preset by its statements. The text is owned; NULL when *st says why not. */
static char *expand(const char *text, fct_status *st, fct_error *err) {
    preset m = {1, {4, 6, 2}, 3, 64, 256}, r = {0.5, {1, 2, 2, 1}, 4, 64, 256};
    char *out;
    text += strspn(text, " \t\r\n");
    bool mobile = !strncmp(text, "mobilefacenet", 13), ires = !strncmp(text, "iresnet", 7);
    if ((mobile && !read_preset(text + 13, &m)) || (ires && !read_preset(text + 7, &r))) {
        *st = fct_fail(err, FCT_ERR_FORMAT, "network \"%s\": unknown or invalid option", text);
        return NULL;
    }
    out = mobile ? mobilefacenet_text(&m) : ires ? iresnet_text(&r) : fct_strdup(text);
    if (!out) *st = fct_fail_nomem(err, "network description", 0);
    return out;
}

/* ---- Layout of the parameters ------------------------------------------------- */

/* Gives a parameter its name and its place in the one array of all parameters. */
static void add_param(fct_net_spec *s, int unit, const char *suffix, size_t *offset, size_t count, bool decay) {
    fct_param *p = &s->param[s->n_param++];
    snprintf(p->name, sizeof p->name, "%s.%s", s->unit[unit].name, suffix);
    p->offset = *offset = s->n_params;
    p->count = count;
    p->decay = decay;
    p->unit = unit;
    s->n_params += count;
}

/* Lays parameters and statistics out one after the other, and marks the outputs that have to be stored. */
static fct_status lay_out(fct_net_spec *s, fct_error *err) {
    s->param = fct_calloc((size_t)s->n_units * 4, sizeof *s->param);
    if (!s->param) return fct_fail_nomem(err, "network parameters", 0);
    s->unit[s->n_units - 1].stored = true;
    for (int i = 0; i < s->n_units; i++) {
        fct_unit *u = &s->unit[i];
        if (u->op == FCT_UNIT_IDENT) u->w_n = 0;
        if (u->op == FCT_UNIT_DW) u->w_n = (size_t)u->co * u->k * u->k;
        if (u->op == FCT_UNIT_CONV) u->w_n = (size_t)u->co * u->ci * u->k * u->k;
        if (u->w_n) add_param(s, i, "weight", &u->w, u->w_n, true);
        add_param(s, i, "gamma", &u->gamma, (size_t)u->co, false);
        add_param(s, i, "beta", &u->beta, (size_t)u->co, false);
        if (u->prelu) add_param(s, i, "slope", &u->slope, (size_t)u->co, false);
        u->stat = s->n_stats;
        s->n_stats += 2 * (size_t)u->co;
        s->macs += (double)u->w_n * u->oh * u->ow;
        if (u->res >= 0) u->stored = s->unit[u->res].stored = true;
        if ((u->op == FCT_UNIT_IDENT || u->flat) && u->in >= 0) s->unit[u->in].stored = true;
    }
    return FCT_OK;
}

/* A tensor with two readers is stored, so that it is activated once. */
static void store_shared(fct_net_spec *s) {
    int readers[FCT_NET_MAX_UNITS] = {0};
    for (int i = 0; i < s->n_units; i++)
        if (s->unit[i].in >= 0 && ++readers[s->unit[i].in] > 1) s->unit[s->unit[i].in].stored = true;
}

/* Carries out the statements in order; errors show the statement at fault. */
static fct_status parse_all(spec_parser *p, char *text) {
    char *save = NULL;
    for (char *t = strtok_r(text, ";\n", &save); t; t = strtok_r(NULL, ";\n", &save)) {
        char shown[80];
        snprintf(shown, sizeof shown, "%s", t + strspn(t, " \t\r"));
        p->statement = shown;
        fct_status s = parse_statement(p, t);
        if (s) return s;
    }
    p->statement = "end";
    if (!p->ended) return bad(p, "the last statement must be \"linear\"");
    if (p->spec->unit[0].op == FCT_UNIT_DW) return bad(p, "the first layer must not be depthwise");
    if (p->spec->unit[0].op == FCT_UNIT_IDENT) return bad(p, "the first layer must be a convolution");
    return FCT_OK;
}

fct_status fct_net_spec_parse(const char *text, fct_net_spec *out, fct_error *err) {
    fct_status s = FCT_OK;
    *out = (fct_net_spec){.size = 112, .channels = 3};
    out->text = expand(text, &s, err);
    if (!out->text) return s;
    char *copy = fct_strdup(out->text);
    spec_parser p = {.spec = out, .last = -1, .channels = 3, .side = 112, .err = err, .statement = ""};
    s = copy ? parse_all(&p, copy) : fct_fail_nomem(err, "network description", 0);
    fct_free(copy);
    if (!s) s = lay_out(out, err);
    if (!s) store_shared(out);
    if (s) fct_net_spec_clear(out);
    return s;
}

void fct_net_spec_clear(fct_net_spec *s) {
    fct_free(s->text);
    fct_free(s->param);
    s->text = NULL;
    s->param = NULL;
}

/* Draws weights by He's rule (He et al. 2015): variance 2 over the number of inputs. */
void fct_net_init(const fct_net_spec *s, fct_rng *rng, fct_real *params, fct_real *stats) {
    for (int i = 0; i < s->n_units; i++) {
        const fct_unit *u = &s->unit[i];
        if (u->w_n) {
            double std = sqrt(2.0 / ((double)u->w_n / u->co));
            for (size_t j = 0; j < u->w_n; j++) params[u->w + j] = (fct_real)(std * fct_rng_normal(rng));
        }
        for (int c = 0; c < u->co; c++) {
            params[u->gamma + c] = 1;
            params[u->beta + c] = 0;
            if (u->prelu) params[u->slope + c] = (fct_real)0.25;
            stats[u->stat + c] = 0;
            stats[u->stat + u->co + c] = 1;
        }
    }
}
