/* From a network's signature to its task. */
#include "pack/signature.h"
#include <stdio.h>
#include <string.h>

const char *fct_task_name(fct_task t) {
    switch (t) {
    case FCT_TASK_DETECT:
        return "detection";
    case FCT_TASK_EMBED:
        return "recognition";
    case FCT_TASK_LANDMARK_106:
        return "landmark_2d_106";
    case FCT_TASK_LANDMARK_68:
        return "landmark_3d_68";
    case FCT_TASK_GENDER_AGE:
        return "genderage";
    default:
        return NULL;
    }
}

static bool input_is(const fct_signature *s, int64_t side) { return s->dims[2] == side && s->dims[3] == side; }

static const char *dim_text(int64_t d, char buf[24]) {
    if (d > 0) snprintf(buf, 24, "%lld", (long long)d);
    else snprintf(buf, 24, "?");
    return buf;
}

static void note_unknown(const fct_signature *s, fct_route *r) {
    char d[4][24];
    if (s->rank != 4) {
        snprintf(r->note, sizeof r->note, "unknown signature: an input of %d dimensions", s->rank);
        return;
    }
    snprintf(r->note, sizeof r->note, "unknown signature: input %s x %s x %s x %s, %d inputs, %d outputs",
             dim_text(s->dims[0], d[0]), dim_text(s->dims[1], d[1]), dim_text(s->dims[2], d[2]),
             dim_text(s->dims[3], d[3]), s->inputs, s->outputs);
}

static void route_detector(const fct_signature *s, fct_route *r) {
    if (s->outputs == 6 || s->outputs == 9 || s->outputs == 10 || s->outputs == 15) r->task = FCT_TASK_DETECT;
    else snprintf(r->note, sizeof r->note, "a detector with %d outputs: not an SCRFD (6, 9, 10 or 15)", s->outputs);
}

static void route_landmarks(const fct_signature *s, fct_route *r) {
    int64_t values = s->out_rank >= 2 ? s->out_dims[1] : -1;
    if (s->outputs == 1 && values == 3309) r->task = FCT_TASK_LANDMARK_68;
    else if (s->outputs == 1 && values == 212) r->task = FCT_TASK_LANDMARK_106;
    else snprintf(r->note, sizeof r->note, "landmarks with %lld values: 212 and 3309 are known", (long long)values);
}

static void route_attributes(const fct_signature *s, fct_route *r) {
    int64_t values = s->out_rank >= 2 ? s->out_dims[1] : -1;
    if (s->outputs == 1 && values == 3) r->task = FCT_TASK_GENDER_AGE;
    else snprintf(r->note, sizeof r->note, "attributes with %lld values: 3 are known", (long long)values);
}

static bool is_embedder(const fct_signature *s) {
    return s->dims[2] == s->dims[3] && s->dims[2] >= 112 && s->dims[2] % 16 == 0;
}

static void set_norm(const fct_signature *s, bool names_only, fct_route *r) {
    r->mean = 127.5;
    r->std = r->task == FCT_TASK_EMBED ? 127.5 : 128;
    if (r->task == FCT_TASK_DETECT) return;
    bool own = s->names_normalize || (r->task != FCT_TASK_EMBED && s->named_bn_data);
    if (!own && s->ops_normalize && !names_only) {
        own = true;
        snprintf(r->note, sizeof r->note,
                 "normalizes its input itself, though its node names do not say so to InsightFace");
    }
    if (own) r->mean = 0, r->std = 1;
}

void fct_signature_route(const fct_signature *s, bool names_only, fct_route *r) {
    *r = (fct_route){0};
    if (s->rank != 4 || s->inputs < 1) note_unknown(s, r);
    else if (s->outputs >= 5) route_detector(s, r);
    else if (input_is(s, 192)) route_landmarks(s, r);
    else if (input_is(s, 96)) route_attributes(s, r);
    else if (s->inputs == 2 && input_is(s, 128))
        snprintf(r->note, sizeof r->note, "a face swapper: left unloaded; facet analyzes faces, it does not make them");
    else if (is_embedder(s) && s->outputs == 1) r->task = FCT_TASK_EMBED;
    else note_unknown(s, r);
    if (!r->task) return;
    /* Fixed inputs of more than 1024 pixels are no face network's. */
    bool large = r->task != FCT_TASK_DETECT && s->dims[2] > 1024;
    if (large || s->inputs != 1 || (s->dims[1] != 3 && s->dims[1] != -1) || s->dims[0] > 1) {
        r->task = 0;
        note_unknown(s, r);
        return;
    }
    if (s->dims[2] > 0 && s->dims[3] > 0) r->height = (int)s->dims[2], r->width = (int)s->dims[3];
    r->batches = s->dims[0] == -1;
    set_norm(s, names_only, r);
}
