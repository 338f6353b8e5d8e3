/* From a network's signature to its task. */
#include "pack/signature.h"
#include "tasks/task_table.h"
#include <stdio.h>
#include <string.h>

enum { most_side = 1024 }; /* larger fixed inputs are no face network's */

static bool input_is(const fct_signature *s, int64_t side) { return s->dims[2] == side && s->dims[3] == side; }

static const char *dim_text(int64_t d, char buf[24]) {
    if (d > 0) snprintf(buf, 24, "%lld", (long long)d);
    else snprintf(buf, 24, "?");
    return buf;
}

/* Says what was seen of a file that fits no rule. */
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

/* Detectors are told by the number of their outputs: three maps of scores and boxes, or of landmarks too, or
 * five of each. */
static void route_detector(const fct_signature *s, fct_route *r) {
    if (s->outputs == 6 || s->outputs == 9 || s->outputs == 10 || s->outputs == 15) r->task = FCT_TASK_DETECT;
    else snprintf(r->note, sizeof r->note, "a detector with %d outputs: not an SCRFD (6, 9, 10 or 15)", s->outputs);
}

/* Tells the kinds of landmarks apart by the number of values. */
static void route_landmarks(const fct_signature *s, fct_route *r) {
    int64_t values = s->out_rank >= 2 ? s->out_dims[1] : -1;
    if (s->outputs == 1 && values == 3309) r->task = FCT_TASK_LANDMARK_68;
    else if (s->outputs == 1 && values == 212) r->task = FCT_TASK_LANDMARK_106;
    else snprintf(r->note, sizeof r->note, "landmarks with %lld values: 212 and 3309 are known", (long long)values);
}

/* Recognizes gender and age by their three values. */
static void route_attributes(const fct_signature *s, fct_route *r) {
    int64_t values = s->out_rank >= 2 ? s->out_dims[1] : -1;
    if (s->outputs == 1 && values == 3) r->task = FCT_TASK_GENDER_AGE;
    else snprintf(r->note, sizeof r->note, "attributes with %lld values: 3 are known", (long long)values);
}

/* Embedders see a square that is cut into sixteenths. */
static bool is_embedder(const fct_signature *s) {
    return s->dims[2] == s->dims[3] && s->dims[2] >= 112 && s->dims[2] % 16 == 0;
}

/* Sets InsightFace's normalization, unless the graph normalizes its input itself. */
static void set_norm(const fct_signature *s, bool names_only, fct_route *r) {
    r->mean = 127.5;
    r->std = fct_task_row_at(fct_task_index(r->task))->std;
    if (r->task == FCT_TASK_DETECT) return;
    bool own = s->names_normalize || (r->task != FCT_TASK_EMBED && s->named_bn_data);
    if (!own && s->ops_normalize && !names_only) {
        own = true;
        snprintf(r->note, sizeof r->note,
                 "normalizes its input itself, though its node names do not say so to InsightFace");
    }
    if (own) r->mean = 0, r->std = 1;
}

/* Sets what follows from the task: the size of its input, and how that is normalized. */
static void set_input(const fct_signature *s, bool names_only, fct_route *r) {
    if (s->dims[2] > 0 && s->dims[3] > 0) r->height = (int)s->dims[2], r->width = (int)s->dims[3];
    r->batches = s->dims[0] == -1;
    set_norm(s, names_only, r);
}

/* Whether one picture of three channels, or a batch of them, goes in and nothing else. */
static bool takes_pictures(const fct_signature *s) {
    return s->rank == 4 && s->inputs == 1 && (s->dims[1] == 3 || s->dims[1] == -1) && s->dims[0] <= 1;
}

/* The rules are InsightFace's, in its order: a file that fits several goes to the same task as there. */
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
    if (takes_pictures(s) && (r->task == FCT_TASK_DETECT || s->dims[2] <= most_side)) {
        set_input(s, names_only, r);
        return;
    }
    r->task = 0;
    note_unknown(s, r);
}

/* Whether facet can cut a crop of that side for the task. */
static bool side_fits(const fct_task_row *row, int64_t side) {
    if (side < 1 || side > most_side) return false;
    return row->crop != FCT_TASK_CROP_ALIGNED || side % 112 == 0 || side % 128 == 0;
}

/* Checks that the network could do the task which the manifest names, instead of guessing the task. */
void fct_signature_route_as(const fct_signature *s, uint32_t task, bool names_only, fct_route *r) {
    const fct_task_row *row = fct_task_row_at(fct_task_index(task));
    const int64_t values = s->out_rank == 2 ? s->out_dims[1] : -1;
    *r = (fct_route){0};
    if (!takes_pictures(s)) note_unknown(s, r);
    else if (row->crop == FCT_TASK_CROP_NONE) route_detector(s, r);
    else if (s->dims[2] != s->dims[3] || !side_fits(row, s->dims[2])) {
        char d[2][24];
        snprintf(r->note, sizeof r->note, "no such network has an input of %s x %s pixels", dim_text(s->dims[3], d[0]),
                 dim_text(s->dims[2], d[1]));
    } else if (s->outputs != 1) snprintf(r->note, sizeof r->note, "it has %d outputs, not one", s->outputs);
    else if (row->values && values > 0 && values != row->values)
        snprintf(r->note, sizeof r->note, "it gives %lld values, not %d", (long long)values, row->values);
    else r->task = task;
    if (r->task) set_input(s, names_only, r);
}
