/* Faces of a video. Its key frames are looked through, at most one a second. The
 * same person is in many of them: of faces that are alike beyond doubt the best
 * one is kept. */
#include "album/album_look.h"
#include "album/album_read.h"
#include "base/alloc.h"
#include "base/error.h"
#include "facet/video.h"
#include <string.h>

#define MOST_FACES 200  /* kept of one video */
#define ALIKE      0.6f /* cosine from which two faces of a video are one person's in any light */
#define STEP       0.95 /* seconds between two frames that are looked at */

/* Drops the last face if it is like one before, which it replaces where it is better. */
static void merge_last(fct_new_photo *p, int dim) {
    fct_new_face *last = &p->faces[p->n_faces - 1];
    for (int i = 0; i < p->n_faces - 1; i++) {
        fct_new_face *f = &p->faces[i];
        if (f->time_ms == last->time_ms || fct_cosine(f->embedding, last->embedding, dim) < ALIKE) continue;
        fct_new_face worse = f->quality.score < last->quality.score ? *f : *last;
        if (f->quality.score < last->quality.score) *f = *last;
        fct_new_face_clear(&worse);
        p->n_faces--;
        return;
    }
    if (p->n_faces > MOST_FACES) fct_new_face_clear(&p->faces[--p->n_faces]);
}

/* Adds the faces of a frame to those of the video, each person's best alone. */
static fct_status look_at_frame(fct_reader *r, const fct_frame *frame, fct_new_photo *p, fct_error *err) {
    fct_faces *faces = NULL;
    fct_new_photo found = {.n_faces = 0};
    int dim = fct_pack_embedding_dim(r->pack);
    fct_status s = fct_analyze(r->analyzer, frame->view, &faces, err);
    if (!s) s = fct_reader_add_faces(&found, frame->view, faces, (int64_t)(frame->time * 1000 + 0.5), err);
    fct_new_face *all = s ? NULL : fct_realloc_array(p->faces, (size_t)(p->n_faces + found.n_faces) + 1, sizeof *all);
    if (!s && !all) s = fct_fail_nomem(err, "faces", 0);
    if (all) p->faces = all;
    for (int i = 0; i < found.n_faces; i++) {
        if (s) fct_new_face_clear(&found.faces[i]);
        else {
            p->faces[p->n_faces++] = found.faces[i];
            merge_last(p, dim);
        }
    }
    fct_free(found.faces);
    fct_faces_free(faces);
    return s;
}

/* The first frame tells what the video looks like. */
static void take_size(const fct_frame *f, fct_new_photo *p) {
    fct_look look;
    if (p->width) return;
    p->width = f->view.width;
    p->height = f->view.height;
    p->has_look = fct_look_measure(f->view, &look);
    p->phash = look.phash;
    memcpy(p->look, look.gray, sizeof p->look);
}

/* A damaged file gives what can be read of it. */
fct_status fct_reader_video(fct_reader *r, const char *path, fct_new_photo *p, fct_error *err) {
    fct_source_opts o;
    fct_source *source;
    fct_frame frame;
    fct_source_info info;
    double next = 0;
    fct_source_opts_init(&o);
    o.key_frames = true;
    if (r->max_pixels) o.max_pixels = r->max_pixels;
    fct_status s = fct_source_open(path, &o, &source, err);
    if (s) return s;
    fct_source_get_info(source, &info);
    p->has_taken = info.has_taken;
    p->taken = info.taken;
    for (;;) {
        if (atomic_load(r->stop)) s = fct_fail(err, FCT_ERR_CANCELLED, "%s: the scan was stopped", path);
        if (!s) s = fct_source_next(source, &frame, err);
        if (s || !frame.view.data) break;
        take_size(&frame, p);
        if (frame.time < next) continue;
        next = frame.time + STEP;
        s = look_at_frame(r, &frame, p, err);
        if (s) break;
    }
    if (s == FCT_ERR_FORMAT && p->width) s = FCT_OK;
    fct_source_free(source);
    if (!s && !p->width) s = fct_fail(err, FCT_ERR_FORMAT, "%s: no frame can be read", path);
    return s;
}
