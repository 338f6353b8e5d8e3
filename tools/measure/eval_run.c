#include "measure/eval_run.h"

#include "measure/eval_measure.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

cli_settings eval_pack_settings(const cli_settings *s, const char *models) {
    cli_settings own = *s;
    own.models = models;
    own.max_faces = 1; /* the largest and most central one */
    return own;
}

typedef struct embed_job {
    cli_engine engine;
    eval_result *out;
} embed_job;

/* Copies the embedding of the photo's face to its row. */
static int embed_photo(void *user, const cli_photo *p) {
    embed_job *j = user;
    eval_result *r = j->out;
    size_t i = (size_t)(p->input - r->set->photos.at);
    const fct_face *f = fct_faces_at(p->faces, 0);
    r->faces[i] = fct_faces_count(p->faces);
    if (f && f->embedding_dim == r->dim) memcpy(r->rows + i * r->dim, f->embedding, (size_t)r->dim * sizeof *r->rows);
    else r->faces[i] = 0;
    return CLI_DONE;
}

static int embed_all(embed_job *j, int *code) {
    eval_result *r = j->out;
    size_t n = r->set->photos.n;
    r->dim = fct_pack_embedding_dim(j->engine.pack);
    r->rows = cli_alloc(n * (size_t)r->dim, sizeof *r->rows);
    r->faces = cli_alloc(n, sizeof *r->faces);
    for (size_t i = 0; i < n; i++) r->faces[i] = -1;
    int run = cli_photos_run(&j->engine, &r->set->photos, &(cli_photo_calls){embed_photo, NULL, j});
    if (run == CLI_STOPPED) return run;
    if (run > *code) *code = run;
    for (size_t i = 0; i < n; i++) {
        r->failed += r->faces[i] <= 0;
        r->unread += r->faces[i] < 0;
    }
    if (r->failed < n) return CLI_DONE;
    cli_error("evaluate: no face was found in any of %zu photos", n);
    return CLI_NONE;
}

static int run_pack(const cli_settings *s, const char *models, eval_result *out, int *code) {
    embed_job j = {.out = out};
    cli_settings own = eval_pack_settings(s, models);
    int run = cli_engine_open(&own, FCT_TASK_EMBED, &j.engine);
    if (!run) {
        snprintf(out->name, sizeof out->name, "%s", fct_pack_name(j.engine.pack));
        snprintf(out->id, sizeof out->id, "%s", fct_pack_embedder_id(j.engine.pack));
        out->pack_threshold = fct_pack_threshold(j.engine.pack);
        run = embed_all(&j, code);
    }
    cli_engine_close(&j.engine);
    return run;
}

int eval_run(const eval_set *set, const cli_settings *s, const char *models, eval_result *out, int *code) {
    memset(out, 0, sizeof *out);
    out->set = set;
    out->pack_threshold = out->false_accept = out->accuracy = out->deviation = NAN;
    int run = set->kind == EVAL_SCORES ? CLI_DONE : run_pack(s, models, out, code);
    return run ? run : eval_measure(s, out);
}

void eval_result_free(eval_result *r) {
    fct_scores_free(r->scores);
    fct_identification_free(r->searches);
    fct_curve_free(r->curve);
    fct_curve_free(r->search_curve);
    free(r->rows);
    free(r->faces);
    free(r->groups);
    memset(r, 0, sizeof *r);
}
