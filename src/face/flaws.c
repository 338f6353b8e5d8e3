/* What is wrong with a measured face: one limit per measure, one row per flaw. */
#include "facet/face.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

void fct_quality_limits_init(fct_quality_limits *o) {
    *o = (fct_quality_limits){.size = sizeof *o,
                              .least_side = 48,
                              .least_detection = 0.6f,
                              .most_outside = 0.15f,
                              .most_turn = 0.35f,
                              .most_misfit = 0.25f,
                              .least_brightness = 40,
                              .most_brightness = 210,
                              .least_contrast = 18,
                              .least_detail = 0.015f};
}

/* The caller may have been compiled against a shorter struct. */
static fct_quality_limits read_limits(const fct_quality_limits *given) {
    fct_quality_limits o;
    fct_quality_limits_init(&o);
    if (given && given->size >= sizeof(size_t)) memcpy(&o, given, given->size < sizeof o ? given->size : sizeof o);
    return o;
}

const char *fct_flaw_name(fct_flaw f) {
    switch (f) {
    case FCT_FLAW_SMALL:
        return "small";
    case FCT_FLAW_HARD_TO_SEE:
        return "hard_to_see";
    case FCT_FLAW_CUT_OFF:
        return "cut_off";
    case FCT_FLAW_TURNED:
        return "turned";
    case FCT_FLAW_MISPLACED:
        return "misplaced";
    case FCT_FLAW_DARK:
        return "dark";
    case FCT_FLAW_BRIGHT:
        return "bright";
    case FCT_FLAW_FLAT:
        return "flat";
    case FCT_FLAW_BLURRED:
        return "blurred";
    case FCT_FLAW_UNLIKE:
        return "unlike";
    case FCT_FLAW_LIKE_OTHER:
        return "like_other";
    case FCT_FLAW_SEVERAL:
        return "several";
    default:
        return NULL;
    }
}

int fct_quality_flaws(const fct_quality *q, const fct_quality_limits *limits, fct_warning *out, int cap) {
    const fct_quality_limits l = read_limits(limits);
    /* A measure is a flaw above its limit where most is set, else below it. */
    const struct {
        fct_flaw flaw;
        bool most;
        float value, limit;
        const char *text; /* for printf() with the value */
    } rows[] = {
        {FCT_FLAW_SMALL, false, q->side > 0 ? q->side : 1e9f, l.least_side, "small (%.0f pixels)"},
        {FCT_FLAW_HARD_TO_SEE, false, q->detection, l.least_detection, "hard to see (score %.2f)"},
        {FCT_FLAW_CUT_OFF, true, q->outside, l.most_outside, "cut off by the picture's edge"},
        {FCT_FLAW_TURNED, true, fabsf(q->turn), l.most_turn, "turned to the side"},
        {FCT_FLAW_MISPLACED, true, q->misfit, l.most_misfit, "partly hidden, or its features were not found well"},
        {FCT_FLAW_DARK, false, q->brightness, l.least_brightness, "very dark"},
        {FCT_FLAW_BRIGHT, true, q->brightness, l.most_brightness, "overexposed"},
        {FCT_FLAW_FLAT, false, q->contrast, l.least_contrast, "without contrast"},
        {FCT_FLAW_BLURRED, false, q->detail, l.least_detail, "blurred"},
    };
    int n = 0;
    for (size_t i = 0; i < sizeof rows / sizeof *rows && n < cap; i++) {
        if (rows[i].most ? !(rows[i].value > rows[i].limit) : !(rows[i].value < rows[i].limit)) continue;
        out[n] = (fct_warning){.flaw = rows[i].flaw, .value = rows[i].value, .limit = rows[i].limit};
        snprintf(out[n].text, sizeof out[n].text, rows[i].text, (double)rows[i].value);
        n++;
    }
    return n;
}
