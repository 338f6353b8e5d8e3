/* Results as one JSON object, docs/json.md. */
#include "measure/eval_report.h"

#include <math.h>

static void put_rate(fct_json_writer *j, const char *key, const fct_rate *r) {
    fct_json_array(j, key);
    fct_json_number(j, NULL, r->value, 8);
    fct_json_number(j, NULL, r->low, 8);
    fct_json_number(j, NULL, r->high, 8);
    fct_json_close_array(j);
}

/* The members of a point: of pairs as FAR and TAR, of searches as FPIR and DIR. */
static void put_point(fct_json_writer *j, const char *key, const fct_operating_point *p, bool searches) {
    fct_json_object(j, key);
    if (!isnan(p->wanted)) fct_json_number(j, "wanted", p->wanted, 12);
    fct_json_float(j, "threshold", p->threshold);
    fct_json_int(j, "errors", (int64_t)p->errors);
    if (searches) {
        put_rate(j, "fpir", &p->false_accept);
        put_rate(j, "dir", &p->tar);
        put_rate(j, "fnir", &p->fnmr);
    } else {
        put_rate(j, "far", &p->false_accept);
        put_rate(j, "tar", &p->tar);
        put_rate(j, "fmr", &p->fmr);
        put_rate(j, "fnmr", &p->fnmr);
    }
    fct_json_close_object(j);
}

static void put_counts(fct_json_writer *j, const fct_scores_info *info) {
    fct_json_int(j, "genuine", (int64_t)info->genuine);
    fct_json_int(j, "impostor", (int64_t)info->impostor);
    fct_json_int(j, "failed_genuine", (int64_t)info->failed_genuine);
    fct_json_int(j, "failed_impostor", (int64_t)info->failed_impostor);
}

/* A curve as rows of threshold, false accepts and false rejects; the first threshold, above all scores, is null. */
static void put_curve(fct_json_writer *j, const char *key, const fct_curve_point *p, size_t n) {
    fct_json_array(j, key);
    for (size_t i = 0; i < n; i++) {
        fct_json_array(j, NULL);
        fct_json_float(j, NULL, p[i].threshold);
        fct_json_number(j, NULL, p[i].accepts, 10);
        fct_json_number(j, NULL, p[i].rejects, 10);
        fct_json_close_array(j);
    }
    fct_json_close_array(j);
}

static const char *file_of(const eval_result *r, uint32_t photo) {
    return photo < r->set->photos.n ? r->set->photos.at[photo].path : NULL;
}

static void put_hardest(fct_json_writer *j, const char *key, const eval_result *r, bool same) {
    const fct_comparison *c;
    size_t n = fct_scores_hardest(r->scores, same, &c);
    fct_json_array(j, key);
    for (size_t i = 0; i < n; i++) {
        fct_json_object(j, NULL);
        fct_json_float(j, "cosine", c[i].score);
        if (file_of(r, c[i].a)) {
            fct_json_text(j, "a", file_of(r, c[i].a));
            fct_json_text(j, "b", file_of(r, c[i].b));
        } else fct_json_int(j, "pair", c[i].a);
        fct_json_close_object(j);
    }
    fct_json_close_array(j);
}

static void put_searches(fct_json_writer *j, const eval_result *r) {
    const fct_identification_info *s = &r->searched;
    fct_json_object(j, "searches");
    fct_json_int(j, "known", s->known);
    fct_json_int(j, "not_enrolled", s->not_enrolled);
    fct_json_int(j, "strangers", s->strangers);
    fct_json_int(j, "probes", (int64_t)s->probes);
    fct_json_int(j, "failed_probes", (int64_t)s->failed_probes);
    fct_json_int(j, "others", (int64_t)s->others);
    fct_json_int(j, "failed_others", (int64_t)s->failed_others);
    put_rate(j, "rank1", &r->ranks[0]);
    fct_json_array(j, "cmc");
    for (int i = 0; i < EVAL_RANKS; i++) fct_json_number(j, NULL, r->cmc[i], 8);
    fct_json_close_array(j);
    fct_json_array(j, "points");
    for (int i = 0; i < r->n_fpirs; i++) put_point(j, NULL, &r->fpirs[i], true);
    fct_json_close_array(j);
    if (!isnan(r->false_accept)) put_point(j, "use", &r->search_use, true);
    put_curve(j, "curve", r->search_curve, r->n_search_curve);
    fct_json_close_object(j);
}

static void put_groups(fct_json_writer *j, const eval_result *r) {
    fct_json_array(j, "groups");
    for (size_t i = 0; i < r->n_groups; i++) {
        const eval_group *g = &r->groups[i];
        fct_json_object(j, NULL);
        fct_json_text(j, "group", g->name);
        if (r->set->kind == EVAL_PEOPLE) {
            fct_json_int(j, "photos", (int64_t)g->photos);
            fct_json_int(j, "people", (int64_t)g->people);
        }
        put_counts(j, &g->info);
        put_point(j, "use", &g->point, false);
        fct_json_close_object(j);
    }
    fct_json_close_array(j);
}

static void put_failures(fct_json_writer *j, const eval_result *r) {
    fct_json_array(j, "no_face");
    for (size_t i = 0; r->faces && i < r->set->photos.n; i++)
        if (r->faces[i] <= 0) fct_json_text(j, NULL, r->set->photos.at[i].path);
    fct_json_close_array(j);
}

static void put_pack(fct_json_writer *j, const eval_result *r) {
    fct_json_object(j, NULL);
    fct_json_text(j, "pack", eval_name(r));
    fct_json_text(j, "model_id", r->id[0] ? r->id : NULL);
    put_counts(j, &r->info);
    fct_json_int(j, "people", r->info.people);
    fct_json_bool(j, "sampled", r->info.sampled);
    put_failures(j, r);
    fct_json_array(j, "points");
    for (int i = 0; i < r->n_points; i++) put_point(j, NULL, &r->points[i], false);
    fct_json_close_array(j);
    fct_json_number(j, "equal_error", r->equal_error, 8);
    fct_json_number(j, "accuracy", r->accuracy, 8);
    fct_json_number(j, "recommended_far", r->false_accept, 12);
    if (!isnan(r->false_accept)) put_point(j, "use", &r->use, false);
    if (!isnan(r->pack_threshold)) put_point(j, "own", &r->own, false);
    put_curve(j, "curve", r->curve, r->n_curve);
    if (r->searches) put_searches(j, r);
    if (r->n_groups) put_groups(j, r);
    put_hardest(j, "worst_genuine", r, true);
    put_hardest(j, "nearest_impostors", r, false);
    fct_json_close_object(j);
}

void eval_print_json(const eval_result *r, int n) {
    static const char *const kinds[] = {"people", "pairs", "scores"};
    fct_json_writer j;
    cli_json_line(&j, stdout);
    fct_json_text(&j, "kind", kinds[r->set->kind]);
    fct_json_int(&j, "photos", (int64_t)r->set->photos.n);
    if (r->set->by) fct_json_text(&j, "by", r->set->by);
    fct_json_array(&j, "packs");
    for (int i = 0; i < n; i++) put_pack(&j, &r[i]);
    fct_json_close_array(&j);
    fct_json_close_object(&j);
    fct_json_end(&j);
}
