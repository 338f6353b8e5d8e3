/* Grouping an album's faces: the snapshot, the clusters, and what of them goes into the file. */
#include "facet/album_people.h"
#include "album/album_snapshot.h"
#include "base/alloc.h"
#include "base/error.h"
#include <stdio.h>
#include <stdlib.h>

#define THRESHOLD 0.40f

void fct_group_opts_init(fct_group_opts *o) { *o = (fct_group_opts){.size = sizeof *o}; }

/* Reads the threshold of the last call where none is given; else keeps the one given, in ten-thousandths. */
fct_status fct_album_group_threshold(fct_album *a, float *threshold, fct_error *err) {
    char *text = NULL, number[32];
    if (*threshold > 0) {
        snprintf(number, sizeof number, "%d", (int)(*threshold * 10000 + 0.5f));
        return fct_album_setting_put(a, "threshold", number, err);
    }
    fct_status s = fct_album_setting(a, "threshold", &text, err);
    long v = text ? strtol(text, NULL, 10) : 0;
    *threshold = v > 0 && v < 10000 ? (float)v / 10000 : THRESHOLD;
    fct_free(text);
    return s;
}

/* Whether faces have come since grouping last saw all: *newest, which the setting "grouped" remembers. */
static fct_status look_for_new(fct_album *a, int64_t *newest, bool *any, fct_error *err) {
    char *text = NULL;
    fct_status s = fct_album_newest_face(a, newest, err);
    if (!s) s = fct_album_setting(a, "grouped", &text, err);
    *any = !text || strtoll(text, NULL, 10) < *newest;
    fct_free(text);
    return s;
}

static fct_status remember(fct_album *a, int64_t newest, fct_error *err) {
    char number[32];
    snprintf(number, sizeof number, "%lld", (long long)newest);
    return fct_album_setting_put(a, "grouped", number, err);
}

/* ---- Into the file ----------------------------------------------------------------------- */

/* Writes what decisions have changed, and forgets what is to be grouped anew. */
static fct_status write_decided(fct_album *a, const fct_album_snapshot *s, fct_error *err) {
    fct_status st = FCT_OK;
    for (size_t i = 0; i < s->n && !st; i++)
        if (s->person[i] != s->stored[i])
            st = fct_album_member_put(a, s->id[i], s->person[i], FCT_MEMBER_NAMED, 1, err);
    return st;
}

/* Makes the new people, people[k] for the one numbered -k - 1. */
static fct_status make_people(fct_album *a, int64_t *people, size_t n, fct_error *err) {
    fct_status s = FCT_OK;
    for (size_t i = 0; i < n && !s; i++) s = fct_album_person_add(a, NULL, &people[i], err);
    return s;
}

/* Stores the clusters' faces with their people, new ones made for it, and counts. */
static fct_status write_groups(fct_album *a, const fct_album_snapshot *s, fct_clusters *c, fct_group_result *r,
                               fct_error *err) {
    int64_t *people = fct_realloc_array(NULL, c->n_new + 1, sizeof *people);
    fct_status st = people ? make_people(a, people, c->n_new, err) : fct_fail_nomem(err, "people", 0);
    r->faces = (int64_t)s->n;
    r->new_people = (int64_t)c->n_new;
    for (size_t i = 0; i < s->n && !st; i++) {
        if (s->person[i]) continue;
        if (c->person[i] < 0) c->person[i] = people[-c->person[i] - 1], r->grouped++;
        else if (c->person[i] > 0) r->joined++;
        else r->loose++;
        if (c->person[i]) st = fct_album_member_add(a, s->id[i], c->person[i], (double)c->score[i], err);
    }
    fct_free(people);
    return st;
}

static fct_status write_all(fct_album *a, const fct_album_snapshot *s, fct_clusters *c, int64_t newest,
                            fct_group_result *r, fct_error *err) {
    fct_status st = fct_album_begin(a, err);
    if (st) return st;
    st = write_decided(a, s, err);
    if (!st) st = write_groups(a, s, c, r, err);
    if (!st) st = fct_album_people_tidy(a, err);
    if (!st) st = remember(a, newest, err);
    return fct_album_end(a, st, err);
}

/* ---- All of it ------------------------------------------------------------------------------ */

fct_status fct_snapshot_cluster(const fct_album_snapshot *s, float threshold, fct_clusters *c, fct_error *err) {
    fct_cluster_faces faces = fct_snapshot_faces(s);
    fct_cluster_opts o;
    fct_cluster_opts_init(&o);
    o.threshold = threshold;
    return fct_cluster(&faces, &o, c, err);
}

fct_status fct_album_group(fct_album *a, const fct_group_opts *opts, fct_group_result *out, fct_error *err) {
    fct_group_opts o;
    fct_group_result r = {0};
    fct_album_snapshot snap;
    fct_clusters c = {0};
    int64_t newest;
    bool any;
    fct_group_opts_init(&o);
    if (opts) o = *opts;
    if (out) *out = r;
    if (!(o.threshold >= 0 && o.threshold < 1) || !(o.gallery_threshold >= 0 && o.gallery_threshold < 1))
        return fct_fail(err, FCT_ERR_ARG, "a threshold of %g is out of range", (double)o.threshold);
    fct_status s = look_for_new(a, &newest, &any, err);
    if (!s && o.only_new && !any) return FCT_OK;
    if (!s) s = fct_album_group_threshold(a, &o.threshold, err);
    if (!s) s = fct_snapshot_load(a, o.anew, &snap, err);
    if (s) return s;
    s = fct_snapshot_cluster(&snap, o.threshold, &c, err);
    if (!s) s = write_all(a, &snap, &c, newest, &r, err);
    if (!s && o.gallery)
        s = fct_album_recognize(a, &snap, c.person, o.gallery, o.gallery_threshold, o.threshold, &r.recognized, err);
    if (!s && out) *out = r;
    fct_clusters_free(&c);
    fct_snapshot_free(&snap);
    return s;
}
