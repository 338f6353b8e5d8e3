/* Searches of probes in a gallery of known people, some of the probes being strangers'.
 *
 * What a search gives is one score: of a known person that of his own picture where
 * it is first, else none; of a stranger the best of all. With these as genuine and
 * impostor "comparisons", thresholds, rates and intervals are those of pairs. */
#include "base/alloc.h"
#include "base/error.h"
#include "base/thread.h"
#include "evaluate/evaluate_impl.h"
#include <float.h>
#include <stdlib.h>
#include <string.h>

enum { PROBES = 64, PANELS = 512, WIDTH = 16 };

typedef struct found_probe {
    uint32_t person, rank; /* rank: from 1; 0 = never found */
} found_probe;

struct fct_identification {
    fct_scores *searches;
    found_probe *probes; /* [info.probes] of known people, owned */
    uint32_t *people;    /* [n_known] known people, owned */
    size_t n_known, cap_people;
    fct_identification_info info;
};

/* While it is made: everybody's pictures together, in the order given. */
typedef struct id_setup {
    fct_identification *x;
    const float *rows;
    const uint32_t *people;
    size_t n;
    int dim;
    fct_identification_opts o;
    size_t *pictures; /* [n] by person */
    size_t *first;    /* [cap_people + 1] of a person in pictures */
    bool *stranger;   /* [cap_people] */
    bool *enrolled;   /* [n] by picture */
    size_t *gallery;  /* [n_gallery] pictures, a person's together */
    size_t n_gallery;
    fct_panels panels;
    float *unit, *tile, *best; /* [PROBES][dim]; scores with one chunk of the gallery; [PROBES][n_gallery] */
} id_setup;

void fct_identification_opts_init(fct_identification_opts *o) { *o = (fct_identification_opts){sizeof *o, 1, 0.25, 1}; }

void fct_identification_free(fct_identification *x) {
    if (!x) return;
    fct_scores_free(x->searches);
    fct_free(x->probes);
    fct_free(x->people);
    fct_free(x);
}

/* ---- Who is known --------------------------------------------------------------------- */

static size_t pictures_of(const id_setup *t, size_t person) { return t->first[person + 1] - t->first[person]; }

/* Sorts pictures by person, keeping their order. */
static void group_pictures(id_setup *t) {
    for (size_t i = 0; i < t->n; i++) t->first[t->people[i] + 1]++;
    for (size_t p = 0; p < t->x->cap_people; p++) t->first[p + 1] += t->first[p];
    for (size_t i = t->n; i-- > 0;) t->pictures[--t->first[t->people[i] + 1]] = i;
    memmove(t->first, t->first + 1, t->x->cap_people * sizeof *t->first);
    t->first[t->x->cap_people] = t->n;
}

/* People with too few pictures are strangers, and by chance some more until there are enough of them. */
static void choose_strangers(id_setup *t) {
    size_t people = 0, strangers = 0, candidates = 0;
    uint32_t *known = t->x->people;
    for (size_t p = 0; p < t->x->cap_people; p++) {
        size_t n = pictures_of(t, p);
        if (!n) continue;
        people++;
        t->stranger[p] = n <= (size_t)t->o.gallery_pictures;
        if (t->stranger[p]) strangers++;
        else known[candidates++] = (uint32_t)p;
    }
    size_t wanted = (size_t)ceil(t->o.stranger_share * (double)people);
    for (uint64_t i = 0; strangers < wanted && candidates > 0; i++, strangers++) {
        size_t pick = (size_t)((fct_mix(fct_mix(t->o.seed) + i) >> 32) * candidates >> 32);
        t->stranger[known[pick]] = true;
        known[pick] = known[--candidates];
    }
    t->x->n_known = 0;
    for (size_t p = 0; p < t->x->cap_people; p++)
        if (pictures_of(t, p) && !t->stranger[p]) known[t->x->n_known++] = (uint32_t)p;
    t->x->info.known = (uint32_t)t->x->n_known;
    t->x->info.strangers = (uint32_t)strangers;
}

static bool has_face(const id_setup *t, size_t picture) {
    return fct_panels_row_good(t->rows + picture * (size_t)t->dim, t->dim);
}

/* Enrolls the first pictures with a face of every known person; one at least is left to be searched. */
static void enroll_known(id_setup *t) {
    for (size_t i = 0; i < t->x->n_known; i++) {
        uint32_t p = t->x->people[i];
        int wanted = t->o.gallery_pictures;
        for (size_t k = t->first[p]; k + 1 < t->first[p + 1] && wanted > 0; k++) {
            if (!has_face(t, t->pictures[k])) continue;
            t->gallery[t->n_gallery++] = t->pictures[k];
            t->enrolled[t->pictures[k]] = true;
            wanted--;
        }
        t->x->info.not_enrolled += wanted == t->o.gallery_pictures;
    }
    t->x->info.enrolled = (uint32_t)t->n_gallery;
}

/* ---- Searching ---------------------------------------------------------------------------- */

/* The best score of each person of the gallery with one probe, in place of the pictures' scores. Returns the number of
 * people; owners [n_gallery] says who they are. */
static size_t best_by_person(const id_setup *t, float *scores, uint32_t *owners) {
    size_t n = 0;
    for (size_t i = 0; i < t->n_gallery; i++) {
        uint32_t p = t->people[t->gallery[i]];
        if (n && owners[n - 1] == p) scores[n - 1] = fmaxf(scores[n - 1], scores[i]);
        else owners[n] = p, scores[n++] = scores[i];
    }
    return n;
}

static fct_status put_search(id_setup *t, uint32_t person, size_t picture, bool known, float score, fct_error *err) {
    fct_comparison c = {score, known, (uint32_t)picture, (uint32_t)picture, person, person};
    fct_status s = fct_scores_note_person(t->x->searches, person, err);
    return s ? s : fct_scores_put(t->x->searches, &c, err);
}

/* Takes one search's result: scores with all pictures of the gallery, or NULL where the probe has no face. */
static fct_status take_result(id_setup *t, size_t picture, float *scores, uint32_t *owners, fct_error *err) {
    uint32_t person = t->people[picture];
    bool known = !t->stranger[person];
    float own = NAN, top = -FLT_MAX;
    size_t people = scores ? best_by_person(t, scores, owners) : 0;
    uint32_t rank = 1;
    for (size_t i = 0; i < people; i++) {
        if (owners[i] == person) own = scores[i];
        else top = fmaxf(top, scores[i]);
    }
    for (size_t i = 0; i < people; i++) rank += owners[i] != person && scores[i] >= own;
    if (!known) {
        t->x->info.others++;
        t->x->info.failed_others += !scores;
        return put_search(t, person, picture, false, scores ? top : NAN, err);
    }
    bool found = scores && !isnan(own);
    t->x->probes[t->x->info.probes++] = (found_probe){person, found ? rank : 0};
    t->x->info.failed_probes += !scores;
    return put_search(t, person, picture, true, !scores ? NAN : found && rank == 1 ? own : -FLT_MAX, err);
}

static void search_chunk(id_setup *t, int m) {
    for (size_t at = 0; at < t->panels.panels; at += PANELS) {
        size_t count = t->panels.panels - at < PANELS ? t->panels.panels - at : PANELS;
        fct_panels_score(&t->panels, at, count, t->unit, m, t->tile);
        size_t from = at * WIDTH, n = t->n_gallery - from < count * WIDTH ? t->n_gallery - from : count * WIDTH;
        for (int p = 0; p < m; p++)
            memcpy(t->best + (size_t)p * t->n_gallery + from, t->tile + (size_t)p * count * WIDTH, n * sizeof(float));
    }
}

static fct_status search_all(id_setup *t, uint32_t *owners, fct_error *err) {
    size_t batch[PROBES];
    int m = 0;
    fct_status s = FCT_OK;
    for (size_t i = 0; i <= t->n && !s; i++) {
        bool probe = i < t->n && !t->enrolled[i], usable = probe && has_face(t, i);
        if (probe && !usable) s = take_result(t, i, NULL, owners, err);
        if (usable) {
            fct_panels_unit(t->rows + i * (size_t)t->dim, t->dim, t->unit + (size_t)m * t->dim);
            batch[m++] = i;
        }
        if (m < PROBES && i < t->n) continue;
        search_chunk(t, m);
        for (int p = 0; p < m && !s; p++) s = take_result(t, batch[p], t->best + (size_t)p * t->n_gallery, owners, err);
        m = 0;
    }
    return s;
}

static fct_status search(id_setup *t, fct_error *err) {
    fct_status s = fct_panels_make(t->rows, t->gallery, t->n_gallery, t->dim, &t->panels, err);
    if (s) return s;
    t->unit = fct_aligned_alloc((size_t)PROBES * t->dim * sizeof(float));
    t->tile = fct_aligned_alloc((size_t)PROBES * PANELS * WIDTH * sizeof(float));
    t->best = fct_aligned_alloc((size_t)PROBES * t->n_gallery * sizeof(float));
    uint32_t *owners = fct_alloc(t->n_gallery * sizeof *owners);
    if (t->unit && t->tile && t->best && owners) {
        fct_parallel_begin();
        s = search_all(t, owners, err);
        fct_parallel_end();
    } else s = fct_fail_nomem(err, "searches", 0);
    fct_free(owners);
    fct_aligned_free(t->unit);
    fct_aligned_free(t->tile);
    fct_aligned_free(t->best);
    fct_panels_clear(&t->panels);
    return s;
}

/* ---- The calls ---------------------------------------------------------------------------------- */

static fct_status prepare(id_setup *t, fct_error *err) {
    fct_identification *x = t->x;
    t->pictures = fct_calloc(t->n + 1, sizeof *t->pictures);
    t->first = fct_calloc(x->cap_people + 2, sizeof *t->first);
    t->stranger = fct_calloc(x->cap_people + 1, sizeof *t->stranger);
    t->enrolled = fct_calloc(t->n + 1, sizeof *t->enrolled);
    t->gallery = fct_calloc(t->n + 1, sizeof *t->gallery);
    x->people = fct_calloc(x->cap_people + 1, sizeof *x->people);
    x->probes = fct_calloc(t->n + 1, sizeof *x->probes);
    if (!t->pictures || !t->first || !t->stranger || !t->enrolled || !t->gallery || !x->people || !x->probes)
        return fct_fail_nomem(err, "identification", t->n * sizeof *x->probes);
    group_pictures(t);
    choose_strangers(t);
    enroll_known(t);
    if (t->n_gallery) return fct_scores_create(NULL, &x->searches, err);
    return fct_fail(err, FCT_ERR_ARG, "identification: nobody has %d pictures with a face and one more",
                    t->o.gallery_pictures);
}

static fct_status check(id_setup *t, fct_error *err) {
    if (t->dim < 1 || t->dim > 65536)
        return fct_fail(err, FCT_ERR_ARG, "identification: embeddings of %d values", t->dim);
    if (t->o.gallery_pictures < 1 || !(t->o.stranger_share >= 0 && t->o.stranger_share <= 0.9))
        return fct_fail(err, FCT_ERR_ARG, "identification: %d pictures in the gallery and a share of %g strangers",
                        t->o.gallery_pictures, t->o.stranger_share);
    for (size_t i = 0; i < t->n; i++) {
        if (t->people[i] >= FCT_PERSON_MAX)
            return fct_fail(err, FCT_ERR_ARG, "identification: person %u, numbers below %u wanted", t->people[i],
                            FCT_PERSON_MAX);
        if (t->people[i] >= t->x->cap_people) t->x->cap_people = (size_t)t->people[i] + 1;
    }
    return FCT_OK;
}

fct_status fct_identification_run(const float *rows, const uint32_t *people, size_t n, int dim,
                                  const fct_identification_opts *opts, fct_identification **out, fct_error *err) {
    id_setup t = {.rows = rows, .people = people, .n = n, .dim = dim};
    *out = NULL;
    fct_identification_opts_init(&t.o);
    if (opts) memcpy(&t.o, opts, opts->size < sizeof t.o ? opts->size : sizeof t.o);
    t.x = fct_calloc(1, sizeof *t.x);
    if (!t.x) return fct_fail_nomem(err, "identification", sizeof *t.x);
    fct_status s = check(&t, err);
    if (!s) s = prepare(&t, err);
    if (!s) s = search(&t, err);
    fct_free(t.pictures);
    fct_free(t.first);
    fct_free(t.stranger);
    fct_free(t.enrolled);
    fct_free(t.gallery);
    if (s) fct_identification_free(t.x);
    else *out = t.x;
    return s;
}

void fct_identification_stat(const fct_identification *x, fct_identification_info *out) { *out = x->info; }

fct_status fct_identification_at_fpir(fct_identification *x, const double *fpir, int n, const fct_interval_opts *opts,
                                      fct_operating_point *out, fct_error *err) {
    return fct_scores_at_far(x->searches, fpir, n, opts, out, err);
}

fct_status fct_identification_at_threshold(fct_identification *x, float threshold, const fct_interval_opts *opts,
                                           fct_operating_point *out, fct_error *err) {
    return fct_scores_at_threshold(x->searches, threshold, opts, out, err);
}

fct_status fct_identification_curve(fct_identification *x, size_t most, fct_curve_point **out, size_t *n,
                                    fct_error *err) {
    return fct_scores_curve(x->searches, most, out, n, err);
}

/* Share of the probes found up to a rank; each counts as often as its person was drawn (weights NULL: once). */
static double share_found(const fct_identification *x, uint32_t rank, const uint16_t *weights) {
    double found = 0, all = 0;
    for (size_t i = 0; i < x->info.probes; i++) {
        const found_probe *p = &x->probes[i];
        double w = weights ? weights[p->person] : 1;
        all += w;
        if (p->rank && p->rank <= rank) found += w;
    }
    return all > 0 ? found / all : NAN;
}

fct_status fct_identification_at_rank(fct_identification *x, int rank, const fct_interval_opts *opts, fct_rate *out,
                                      fct_error *err) {
    fct_interval_opts o;
    *out = (fct_rate){NAN, NAN, NAN};
    if (rank < 1) return fct_fail(err, FCT_ERR_ARG, "rank %d", rank);
    fct_status s = fct_interval_check(opts, &o, err);
    if (s) return s;
    out->value = share_found(x, (uint32_t)rank, NULL);
    if (!o.replicates) return FCT_OK;
    double *values = fct_calloc((size_t)o.replicates, sizeof *values);
    uint16_t *weights = fct_calloc(x->cap_people + 1, sizeof *weights);
    if (values && weights) {
        for (int i = 0; i < o.replicates; i++) {
            fct_resample_draw(x->people, x->n_known, o.seed, (uint64_t)i, weights, x->cap_people);
            values[i] = share_found(x, (uint32_t)rank, weights);
        }
        fct_resample_interval(values, (size_t)o.replicates, o.confidence, out);
        if (out->value == 1 && x->n_known) out->low = fmax(0, 1 + log(1 - o.confidence) / (double)x->n_known);
    } else s = fct_fail_nomem(err, "intervals", 0);
    fct_free(values);
    fct_free(weights);
    return s;
}
