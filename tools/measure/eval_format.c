#include "measure/eval_report.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { TEXTS = 8, LENGTH = 160 };

/* The next of the texts that are lent out. What is written into it must not be one of them. */
static char *lend(void) {
    static char texts[TEXTS][LENGTH];
    static int next;
    return texts[next++ % TEXTS];
}

const char *eval_rate_name(double rate) {
    char *out = lend(), *e;
    snprintf(out, LENGTH, "%.3g", rate);
    if (rate > 0 && rate < 0.2) {
        snprintf(out, LENGTH, "%.2e", rate);
        e = strchr(out, 'e');
        snprintf(out, LENGTH, "%.3ge%d", rate / pow(10, atoi(e + 1)), atoi(e + 1));
    }
    return out;
}

/* Decimals with which a percentage is told: more near 0 and 100. */
static int decimals_of(double p) {
    double edge = fmin(p, 100 - p);
    if (edge <= 0 || edge >= 1) return 1;
    return edge < 0.01 ? 4 : edge < 0.1 ? 3 : 2;
}

const char *eval_percent(double share) {
    char *out = lend();
    if (isnan(share)) snprintf(out, LENGTH, "-");
    else snprintf(out, LENGTH, "%.*f %%", decimals_of(100 * share), 100 * share);
    return out;
}

const char *eval_interval(const fct_rate *r) {
    if (isnan(r->value) || isnan(r->low)) return eval_percent(r->value);
    char *out = lend();
    int n = decimals_of(100 * (r->value > 0 && r->value < 1 ? r->value : r->value > 0 ? r->low : r->high));
    snprintf(out, LENGTH, "%.*f %% (%.*f to %.*f)", n, 100 * r->value, n, 100 * r->low, n, 100 * r->high);
    return out;
}

const char *eval_threshold(const eval_result *r, float threshold) {
    char *out = lend();
    if (r->set->kind == EVAL_SCORES) snprintf(out, LENGTH, "%.9g", (double)threshold);
    else snprintf(out, LENGTH, "%.4f", ceil((double)threshold * 1e4) / 1e4);
    return out;
}

const char *eval_number(uint64_t n) {
    char digits[32], *out = lend(), *to = out;
    int length = snprintf(digits, sizeof digits, "%llu", (unsigned long long)n);
    for (int i = 0; i < length; i++) {
        if (i && (length - i) % 3 == 0) *to++ = ',';
        *to++ = digits[i];
    }
    *to = 0;
    return out;
}

const char *eval_pairs(const fct_scores_info *info) {
    char text[LENGTH];
    snprintf(text, sizeof text, "%s %s of one person, %s of two", eval_number(info->genuine),
             info->genuine == 1 ? "pair" : "pairs", eval_number(info->impostor));
    return memcpy(lend(), text, sizeof text);
}

const char *eval_too_few(const eval_result *r) {
    char text[LENGTH];
    double next = pow(10, -1 - r->n_points);
    snprintf(text, sizeof text, "%s and less: too few pairs of two people (%s at least, and %s to be sure of it)",
             eval_rate_name(next), eval_number((uint64_t)(1 / next + 0.5)),
             eval_number((uint64_t)(EVAL_SURE / next + 0.5)));
    return memcpy(lend(), text, sizeof text);
}

const char *eval_name(const eval_result *r) { return r->name[0] ? r->name : "scores"; }

const char *eval_doubt(const eval_result *r) {
    static const double usual = 1e-3; /* and less, in daily use */
    bool unsure = r->false_accept * (double)r->info.impostor < EVAL_SURE;
    if (!unsure && r->false_accept <= 1.5 * usual) return NULL;
    const char *rate = eval_rate_name(unsure ? r->false_accept : usual);
    char *out = lend();
    if (unsure) snprintf(out, LENGTH, "a FAR of %s rests on fewer than %d false accepts", rate, EVAL_SURE);
    else
        snprintf(out, LENGTH,
                 "so few pairs of two people tell no threshold for daily use, for which a FAR of %s is usual", rate);
    return out;
}
