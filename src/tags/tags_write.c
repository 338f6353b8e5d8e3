/* fct_tags_write(): sidecars, and photos in place. */
#include "facet/tags.h"

#include "base/alloc.h"
#include "base/draft.h"
#include "base/error.h"
#include "base/file.h"
#include "facet/image.h"
#include "tags/photo_meta.h"
#include "tags/region_turn.h"
#include "tags/sidecar.h"
#include "tags/xmp_regions.h"
#include "tags/xmp_text.h"

#include <string.h>

enum { MAX_PHOTO = INT32_MAX };

/* One photo that is written to. */
typedef struct tags_job {
    const char *photo;
    fct_map map;
    fct_photo_meta meta;
    fct_mark_list marks;
    fct_face_mark *faces; /* owned; what marks.at is */
    fct_error *err;
} tags_job;

void fct_tags_write_opts_init(fct_tags_write_opts *o) { *o = (fct_tags_write_opts){.size = sizeof *o}; }

static bool sound_box(const float b[4]) {
    for (int i = 0; i < 4; i++)
        if (!(b[i] >= 0 && b[i] <= 1)) return false;
    return b[2] > b[0] && b[3] > b[1];
}

/* Takes the named faces and brings their boxes to the stored picture. */
static fct_status take_faces(tags_job *j, const fct_region *faces, int n) {
    j->faces = fct_calloc(n > 0 ? (size_t)n : 1, sizeof *j->faces);
    if (!j->faces) return fct_fail_nomem(j->err, j->photo, 0);
    j->marks = (fct_mark_list){j->faces, 0, j->meta.width, j->meta.height, j->meta.orientation};
    for (int i = 0; i < n; i++) {
        if (faces[i].kind != FCT_REGION_FACE || !faces[i].name || !faces[i].name[0]) continue;
        if (!sound_box(faces[i].box))
            return fct_fail(j->err, FCT_ERR_ARG, "%s: the box of face %d is not inside the picture", j->photo, i + 1);
        fct_face_mark *f = &j->faces[j->marks.n++];
        double box[4] = {faces[i].box[0], faces[i].box[1], faces[i].box[2], faces[i].box[3]};
        fct_turn_to_stored(j->meta.orientation, box, f->box);
        f->name = faces[i].name;
    }
    return FCT_OK;
}

/* A draft with the rights that the file had which it replaces: who may not read the old one may not read the new. */
static fct_status replace_file(const char *path, const char *data, size_t size, fct_error *err) {
    fct_draft *d;
    fct_status s = fct_draft_open(path, FCT_DRAFT_PLAIN, &d, err);
    if (s) return s;
    fct_file_copy_rights(path, fct_draft_name(d));
    if (size && fwrite(data, 1, size, fct_draft_file(d)) != size) {
        s = fct_fail(err, FCT_ERR_IO, "%s: cannot write %zu bytes", path, size);
        fct_draft_discard(d);
        return s;
    }
    return fct_draft_commit(d, err);
}

/* Merges the faces into the regions of `from` and appends the packet `into` with the result to out; both are the same
 * but for a new sidecar, which begins with the regions that the photo has. */
static fct_status merge_text(tags_job *j, const fct_xmp_text *from, const fct_xmp_text *into, bool embedded,
                             const char *file, fct_buf *out, fct_tags_written *done) {
    fct_xmp *x;
    fct_buf regions = {0};
    fct_status s = fct_xmp_parse(from->packet.data, from->packet.size, file, &x, j->err);
    if (!s) s = fct_xmp_regions_merge(x, &j->marks, file, done, j->err);
    if (!s && done->changed) s = fct_xmp_write(x, file, &regions, j->err);
    if (!s && done->changed) s = fct_xmp_text_put(into, &regions, embedded, file, out, j->err);
    fct_buf_free(&regions);
    fct_xmp_free(x);
    return s;
}

static fct_status merge_new(tags_job *j, const char *path, fct_buf *out, fct_tags_written *done) {
    fct_xmp_text own, none = {0};
    fct_status s = fct_xmp_text_read(j->meta.xmp, j->meta.xmp_size, j->photo, &own, j->err);
    if (!s) s = merge_text(j, &own, &none, false, path, out, done);
    fct_xmp_text_free(&own);
    return s;
}

/* A packet of a photo, embedded, or a sidecar's. */
static fct_status merge_packet(tags_job *j, const uint8_t *data, size_t size, bool embedded, const char *file,
                               fct_buf *out, fct_tags_written *done) {
    fct_xmp_text text;
    fct_status s = fct_xmp_text_read(data, size, file, &text, j->err);
    if (!s && text.text.size && !text.found) s = fct_fail(j->err, FCT_ERR_FORMAT, "%s: not XMP: no rdf:RDF", file);
    if (!s) s = merge_text(j, &text, &text, embedded, file, out, done);
    fct_xmp_text_free(&text);
    return s;
}

static fct_status merge_old(tags_job *j, const char *path, fct_buf *out, fct_tags_written *done) {
    fct_map m;
    fct_status s = fct_map_copy(path, MAX_PHOTO, &m, j->err);
    if (s) return s;
    s = merge_packet(j, m.data, m.size, false, path, out, done);
    fct_map_close(&m);
    return s;
}

/* only_old: a sidecar that is not there is not made. */
static fct_status write_sidecar(tags_job *j, fct_sidecar_style style, bool only_old, fct_tags_written *done) {
    char *path;
    bool exists;
    fct_buf out = {0};
    *done = (fct_tags_written){0};
    fct_status s = fct_sidecar_find(j->photo, style, &path, &exists, j->err);
    if (s) return s;
    if (exists) s = merge_old(j, path, &out, done);
    else if (!only_old) s = merge_new(j, path, &out, done);
    if (!s && done->changed) s = replace_file(path, out.data, out.size, j->err);
    fct_buf_free(&out);
    fct_free(path);
    return s;
}

/* ---- In place ----------------------------------------------------------------------- */

/* Whether both files hold the same pixels: the last look before the new one takes the old one's place. */
static fct_status compare_pixels(tags_job *j, const fct_buf *new_photo) {
    fct_decode_opts o;
    fct_decode_opts_init(&o);
    o.format = FCT_PIX_RGBA;
    o.keep_orientation = true;
    fct_image *a = NULL, *b = NULL;
    fct_status s = fct_image_decode(j->map.data, j->map.size, j->photo, &o, &a, j->err);
    if (!s) s = fct_image_decode(new_photo->data, new_photo->size, j->photo, &o, &b, j->err);
    if (!s) {
        fct_view v = fct_image_view(a), w = fct_image_view(b);
        bool same = v.width == w.width && v.height == w.height;
        for (int y = 0; same && y < v.height; y++)
            same = !memcmp(v.data + y * v.stride, w.data + y * w.stride, (size_t)v.width * 4);
        if (!same) s = fct_fail(j->err, FCT_ERR_INTERNAL, "%s: not written: its pixels would change", j->photo);
    }
    fct_image_free(a);
    fct_image_free(b);
    return s;
}

static fct_status check_place(tags_job *j) {
    fct_file_stat st;
    fct_file_get_stat(j->photo, &st);
    if (st.is_symlink)
        return fct_fail(j->err, FCT_ERR_UNSUPPORTED, "%s: is a link, and photos are written in place only themselves",
                        j->photo);
    if (st.size != j->map.size) return fct_fail(j->err, FCT_ERR_IO, "%s: has changed meanwhile", j->photo);
    return FCT_OK;
}

static fct_status write_photo(tags_job *j, fct_tags_written *done) {
    fct_buf xmp = {0}, photo = {0};
    fct_status s = merge_packet(j, j->meta.xmp, j->meta.xmp_size, true, j->photo, &xmp, done);
    if (!s && done->changed) {
        s = fct_photo_meta_put(&(fct_photo_bytes){j->map.data, j->map.size, j->photo}, xmp.data, xmp.size, &photo,
                               j->err);
        if (!s) s = compare_pixels(j, &photo);
        if (!s) s = check_place(j);
        if (!s) s = replace_file(j->photo, photo.data, photo.size, j->err);
    }
    fct_buf_free(&xmp);
    fct_buf_free(&photo);
    return s;
}

/* ---- Both ---------------------------------------------------------------------------- */

static fct_status write_tags(tags_job *j, const fct_tags_write_opts *o, fct_tags_written *done) {
    if (!o->in_place) return write_sidecar(j, o->style, false, done);
    fct_tags_written beside;
    fct_status s = write_photo(j, done);
    if (!s) s = write_sidecar(j, o->style, true, &beside);
    if (!s) done->changed |= beside.changed;
    return s;
}

/* Without named faces there may be something to take back, but not where there is no sidecar: whoever goes through a
 * library should not have to read every photo for that. */
static fct_status has_nothing_to_do(tags_job *j, const fct_region *faces, int n, const fct_tags_write_opts *o,
                                    bool *out) {
    char *path;
    bool exists;
    *out = false;
    for (int i = 0; i < n; i++)
        if (faces[i].kind == FCT_REGION_FACE && faces[i].name && faces[i].name[0]) return FCT_OK;
    fct_status s = o->in_place ? FCT_OK : fct_sidecar_find(j->photo, o->style, &path, &exists, j->err);
    if (s || o->in_place) return s;
    *out = !exists;
    fct_free(path);
    return FCT_OK;
}

fct_status fct_tags_write(const char *photo, const fct_region *faces, int n, const fct_tags_write_opts *opts,
                          fct_tags_written *out, fct_error *err) {
    fct_tags_write_opts o;
    fct_tags_written done = {0};
    tags_job j = {.photo = photo, .err = err};
    fct_tags_write_opts_init(&o);
    if (opts) memcpy(&o, opts, opts->size < sizeof o ? opts->size : sizeof o);
    if (out) *out = done;
    bool nothing;
    fct_status s = has_nothing_to_do(&j, faces, n, &o, &nothing);
    if (!s && !nothing) s = fct_map_copy(photo, MAX_PHOTO, &j.map, err);
    if (s || nothing) return s;
    s = fct_photo_meta_read(&(fct_photo_bytes){j.map.data, j.map.size, photo}, &j.meta, err);
    if (!s) s = take_faces(&j, faces, n);
    if (!s) s = write_tags(&j, &o, &done);
    if (!s && out) *out = done;
    fct_free(j.faces);
    fct_map_close(&j.map);
    return s;
}
