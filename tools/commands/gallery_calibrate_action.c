#include "commands/gallery_actions.h"
#include "photos/report.h"
#include "shell/json.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const double default_far = 1e-4;
enum { SHOWN = 3 }; /* pairs of people above the threshold */

/* Names by id. */
static const char *name_of(const fct_person *people, int n, int64_t id) {
    for (int i = 0; i < n; i++)
        if (people[i].id == id) return people[i].name;
    return "?";
}

static void json_rate(fct_json_writer *j, const char *key, const fct_rate *r) {
    fct_json_array(j, key);
    fct_json_number(j, NULL, r->value, 10);
    fct_json_number(j, NULL, r->low, 10);
    fct_json_number(j, NULL, r->high, 10);
    fct_json_close_array(j);
}

static void print_json(const char *path, double false_accept, const fct_calibration *c, const fct_person *people,
                       int n) {
    fct_json_writer j;
    cli_json_line(&j, stdout);
    fct_json_text(&j, "gallery", path);
    fct_json_float(&j, "threshold", c->threshold);
    fct_json_number(&j, "wanted", false_accept, 12);
    fct_json_int(&j, "people", c->people);
    fct_json_int(&j, "faces", c->faces);
    fct_json_int(&j, "compared", c->compared);
    fct_json_int(&j, "genuine", (int64_t)c->genuine);
    fct_json_int(&j, "impostor", (int64_t)c->impostor);
    json_rate(&j, "far", &c->false_accept);
    json_rate(&j, "tar", &c->tar);
    fct_json_array(&j, "nearest");
    for (int i = 0; i < c->n_nearest; i++) {
        fct_json_object(&j, NULL);
        fct_json_text(&j, "a", name_of(people, n, c->nearest[i].a));
        fct_json_text(&j, "b", name_of(people, n, c->nearest[i].b));
        fct_json_float(&j, "cosine", c->nearest[i].score);
        fct_json_close_object(&j);
    }
    fct_json_close_array(&j);
    fct_json_close_object(&j);
    fct_json_end(&j);
}

/* Numbers are told so that a rate of 1e-4 is readable: as pairs in so many. */
static void print_text(const char *path, double false_accept, const fct_calibration *c, const fct_person *people,
                       int n) {
    cli_print("%s: threshold %.4f for a FAR of %g\n", path, ceil((double)c->threshold * 1e4) / 1e4, false_accept);
    printf("  of %llu pairs of faces of different people %.3g %% match (%.2g to %.2g, 95 %% interval)\n",
           (unsigned long long)c->impostor, 100 * c->false_accept.value, 100 * c->false_accept.low,
           100 * c->false_accept.high);
    if (c->genuine)
        printf("  of %llu of the same person %.1f %% match (%.1f to %.1f)\n", (unsigned long long)c->genuine,
               100 * c->tar.value, 100 * c->tar.low, 100 * c->tar.high);
    if (c->compared < c->faces)
        printf("  %lld of %lld faces were compared, drawn by chance\n", (long long)c->compared, (long long)c->faces);
    for (int i = 0; i < c->n_nearest && i < SHOWN && c->nearest[i].score >= c->threshold; i++)
        cli_print("  above it: %s and %s (%.2f)%s\n", name_of(people, n, c->nearest[i].a),
                  name_of(people, n, c->nearest[i].b), c->nearest[i].score,
                  i ? "" : "; one person? 'facet gallery merge' puts them together, then calibrate again");
}

int cli_gallery_calibrate(cli_args *a, fct_gallery *g, const fct_gallery_info *info) {
    fct_calibrate_opts o;
    fct_calibration c;
    fct_person *people = NULL;
    int n = 0;
    fct_error e;
    fct_calibrate_opts_init(&o);
    o.false_accept = isnan(a->set.false_accept) ? default_far : a->set.false_accept;
    o.seed = (uint64_t)a->set.seed;
    o.store = true;
    fct_status s = fct_gallery_calibrate(g, &o, &c, &e);
    if (!s) s = fct_gallery_people(g, &people, &n, &e);
    if (s) {
        int code = cli_fail(&e);
        return s == FCT_ERR_NOT_FOUND ? CLI_NONE : code;
    }
    if (a->set.json) print_json(info->path, o.false_accept, &c, people, n);
    else print_text(info->path, o.false_accept, &c, people, n);
    fct_gallery_people_free(people);
    return CLI_DONE;
}
