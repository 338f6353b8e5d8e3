#include "server/job_gallery.h"

#include "base/alloc.h"
#include "base/error.h"
#include "base/file.h"
#include "facet/gallery_faces.h"
#include "server/facet_api.h"
#include "server/retention.h"
#include "server/unknown.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* The same picture, and not only the same person. */
static const float same_picture = 0.97f;
enum { PAIRS_MOST = 10000 };

fct_status srv_job_import(srv_app *app, srv_job *job, fct_error *err) {
    char *path;
    int added = 0;
    fct_status s = srv_job_input_path(&app->jobs, job, &path, err);
    if (!s && (s = fct_gallery_import(app->core.gallery, path, &added, err))) {
        /* Where the body lies is nobody's business. */
        size_t n = strlen(path);
        fct_error e = *err;
        if (strncmp(e.text, path, n) == 0) fct_fail(err, s, "import%s", e.text + n);
    }
    if (path && !job->in_file) fct_file_remove(path, NULL);
    if (!s) srv_job_add(&app->jobs, job, "added", added);
    fct_free(path);
    return s;
}

fct_status srv_job_retention(srv_app *app, srv_job *job, fct_error *err) {
    srv_retention sum;
    fct_status s = srv_retention_run(app, &sum, err);
    srv_job_add(&app->jobs, job, "people", sum.people);
    srv_job_add(&app->jobs, job, "unknown_faces", sum.faces);
    return s;
}

/* ---- Duplicates --------------------------------------------------------------------------------------------- */

static fct_status write_pair(srv_app *app, srv_job *job, const char *kind, float score, const int64_t people[2],
                             const int64_t faces[2], fct_error *err) {
    fct_buf line = {0};
    fct_json_writer w;
    fct_json_to_buf(&w, &line);
    fct_json_object(&w, NULL);
    fct_json_text(&w, "kind", kind);
    fct_json_number(&w, "score", score, 6);
    fct_json_array(&w, "persons");
    for (int i = 0; i < 2; i++) srv_json_id(&w, NULL, people[i]);
    fct_json_close_array(&w);
    fct_json_array(&w, "faces");
    for (int i = 0; i < 2; i++) srv_json_id(&w, NULL, faces[i]);
    fct_json_close_array(&w);
    fct_json_close_object(&w);
    srv_job_add(&app->jobs, job, strcmp(kind, "person") == 0 ? "persons" : "pictures", 1);
    fct_status s = srv_job_result(&app->jobs, job, &line, err);
    fct_buf_free(&line);
    return s;
}

/* Two people who look like one, and a picture that two people have. */
static fct_status between_people(srv_app *app, srv_job *job, float threshold, fct_error *err) {
    fct_similar *list;
    int n;
    fct_status s = fct_gallery_similar(app->core.gallery, threshold, &list, &n, err);
    for (int i = 0; i < n && i < PAIRS_MOST && !s; i++) {
        const char *kind = list[i].score >= same_picture ? "picture" : "person";
        s = write_pair(app, job, kind, list[i].score, list[i].person_id, list[i].face_id, err);
    }
    fct_gallery_similar_free(list);
    return s;
}

/* Pictures that one person has twice. rows: [n][dim]. */
static fct_status compare_faces(srv_app *app, srv_job *job, int64_t person, const int64_t *ids, const float *rows,
                                int n, int dim, fct_error *err) {
    fct_status s = FCT_OK;
    for (int i = 1; i < n && !s; i++)
        for (int k = 0; k < i && !s; k++) {
            float score = fct_cosine(rows + (size_t)i * (size_t)dim, rows + (size_t)k * (size_t)dim, dim);
            const int64_t people[2] = {person, person}, faces[2] = {ids[k], ids[i]};
            if (score >= same_picture) s = write_pair(app, job, "picture", score, people, faces, err);
        }
    return s;
}

static fct_status within_person(srv_app *app, srv_job *job, int64_t person, fct_error *err) {
    fct_stored_face *faces;
    int n, kept = 0, dim = fct_pack_embedding_dim(app->core.pack), got;
    fct_status s = fct_gallery_faces(app->core.gallery, person, &faces, &n, err);
    if (s == FCT_ERR_NOT_FOUND) return FCT_OK; /* removed meanwhile */
    float *rows = s ? NULL : fct_calloc((size_t)n + 1, (size_t)dim * sizeof *rows);
    int64_t *ids = s ? NULL : fct_calloc((size_t)n + 1, sizeof *ids);
    if (!s && (!rows || !ids)) s = fct_fail_nomem(err, "faces", 0);
    for (int i = 0; i < n && !s; i++) {
        s = fct_gallery_embedding(app->core.gallery, faces[i].id, rows + (size_t)kept * (size_t)dim, dim, &got, err);
        if (s == FCT_ERR_NOT_FOUND) s = FCT_OK;
        else if (!s) ids[kept++] = faces[i].id;
    }
    if (!s) s = compare_faces(app, job, person, ids, rows, kept, dim, err);
    fct_gallery_faces_free(faces);
    fct_free(rows);
    fct_free(ids);
    return s;
}

fct_status srv_job_duplicates(srv_app *app, srv_job *job, fct_error *err) {
    fct_person *people;
    int n;
    float threshold = isnan(job->threshold) ? srv_core_threshold(&app->core) : (float)job->threshold;
    fct_status s = fct_gallery_people(app->core.gallery, &people, &n, err);
    if (s) return s;
    s = srv_job_goes_on(&app->jobs, job, 0, n) ? between_people(app, job, threshold, err) : FCT_ERR_CANCELLED;
    for (int i = 0; i < n && !s; i++) {
        if (!srv_job_goes_on(&app->jobs, job, i + 1, n)) s = FCT_ERR_CANCELLED;
        else if (people[i].faces > 1) s = within_person(app, job, people[i].id, err);
    }
    fct_gallery_people_free(people);
    return s;
}

/* ---- Clusters ------------------------------------------------------------------------------------------------ */

/* How many faces a group of the gallery has in a cluster. */
typedef struct share {
    int64_t group;
    int cluster, faces;
} share;

static int by_group(const void *a, const void *b) {
    const share *x = a, *y = b;
    if (x->group != y->group) return x->group < y->group ? -1 : 1;
    return (x->cluster > y->cluster) - (x->cluster < y->cluster);
}

static int by_cluster(const void *a, const void *b) {
    const share *x = a, *y = b;
    if (x->cluster != y->cluster) return x->cluster < y->cluster ? -1 : 1;
    if (x->faces != y->faces) return x->faces > y->faces ? -1 : 1; /* the largest first */
    return (x->group > y->group) - (x->group < y->group);
}

/* Each group with the cluster in which most of its faces are; those of none are left out. Returns how many. */
static int choose_clusters(share *list, int n) {
    int kept = 0, parts = 0;
    qsort(list, (size_t)n, sizeof *list, by_group);
    for (int i = 0; i < n; i++) { /* count */
        if (parts && list[parts - 1].group == list[i].group && list[parts - 1].cluster == list[i].cluster)
            list[parts - 1].faces++;
        else list[parts++] = list[i];
    }
    for (int i = 0; i < parts; i++) { /* the most */
        if (kept && list[kept - 1].group == list[i].group) {
            if (list[i].faces > list[kept - 1].faces) list[kept - 1] = list[i];
        } else list[kept++] = list[i];
    }
    for (int i = parts = 0; i < kept; i++)
        if (list[i].cluster) list[parts++] = list[i];
    if (parts) qsort(list, (size_t)parts, sizeof *list, by_cluster);
    return parts;
}

/* Whether a user has said otherwise: one of them is ignored, or they were split. */
static fct_status may_join(srv_core *c, int64_t a, int64_t b, bool *out, fct_error *err) {
    srv_group x, y;
    *out = false;
    fct_status s = srv_group_read(c, a, &x, err);
    if (!s) s = srv_group_read(c, b, &y, err);
    if (s == FCT_ERR_NOT_FOUND) return FCT_OK; /* removed meanwhile */
    *out = !s && x.ignored == y.ignored && x.parted != b && y.parted != a;
    return s;
}

/* Joins the groups of one cluster into its largest. */
static fct_status join(srv_app *app, srv_job *job, const share *list, int n, fct_error *err) {
    fct_buf line = {0};
    fct_json_writer w;
    int joined = 0;
    fct_status s = FCT_OK;
    fct_json_to_buf(&w, &line);
    fct_json_object(&w, NULL);
    srv_json_id(&w, "group", list[0].group);
    fct_json_array(&w, "joined");
    for (int i = 1; i < n && !s; i++) {
        bool may;
        s = may_join(&app->core, list[0].group, list[i].group, &may, err);
        if (s || !may) continue;
        s = fct_gallery_merge(app->core.gallery, list[i].group, list[0].group, err);
        if (s == FCT_ERR_NOT_FOUND) {
            s = FCT_OK;
            continue;
        }
        srv_json_id(&w, NULL, list[i].group);
        joined++;
    }
    fct_json_close_array(&w);
    fct_json_close_object(&w);
    srv_job_add(&app->jobs, job, "joined", joined);
    if (!s && joined) s = srv_job_result(&app->jobs, job, &line, err);
    fct_buf_free(&line);
    return s;
}

static fct_status join_all(srv_app *app, srv_job *job, share *list, int n, fct_error *err) {
    fct_status s = FCT_OK;
    for (int i = 0, end; i < n && !s; i = end) {
        for (end = i + 1; end < n && list[end].cluster == list[i].cluster;) end++;
        if (!srv_job_goes_on(&app->jobs, job, i, n)) s = FCT_ERR_CANCELLED;
        else if (end > i + 1) s = join(app, job, &list[i], end - i, err);
    }
    return s;
}

/* Groups are joined and never torn apart: what a user has put together stays. */
fct_status srv_job_clusters(srv_app *app, srv_job *job, fct_error *err) {
    fct_grouped_face *faces;
    int64_t place;
    int n, clusters;
    float threshold = srv_core_threshold(&app->core);
    fct_status s = srv_unknown_place(&app->core, srv_place(), false, &place, err);
    if (s || !place) return s;
    srv_work_in(place);
    s = fct_gallery_group(app->core.gallery, threshold, 2, &faces, &n, &clusters, err);
    if (s) return s;
    share *list = fct_calloc((size_t)n + 1, sizeof *list);
    if (!list) s = fct_fail_nomem(err, "groups", 0);
    for (int i = 0; i < n && list; i++) list[i] = (share){faces[i].person_id, faces[i].group, 1};
    if (!s && n) s = join_all(app, job, list, choose_clusters(list, n), err);
    if (!s) srv_job_add(&app->jobs, job, "faces", n);
    fct_grouped_faces_free(faces);
    fct_free(list);
    return s;
}
