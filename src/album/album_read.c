/* Reading one file.
 *
 * A photo's bytes are read once, into memory, and hash and faces are those of
 * these bytes, whatever happens to the file meanwhile. Its size and time are taken
 * before and after: where they differ, it is read again. A file that was changed
 * within the last two seconds may change again without its time telling so: it is
 * stored with no time, and the next scan looks at its bytes again.
 *
 * A JPEG is decoded at half, a quarter or an eighth of its size as long as it has
 * the pixels that the detector looks at. Where a face that is found in it is smaller
 * than its crop, which would be blurred, the photo is decoded once more, at the size
 * at which it is not. */
#include "album/album_read.h"
#include "album/album_look.h"
#include "base/alloc.h"
#include "base/buffer.h"
#include "base/error.h"
#include "base/file.h"
#include "base/hash.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define LARGEST_PHOTO ((size_t)1 << 30)
#define CROP_SIDE     112
#define MOST_KEPT     4000000 /* pixels of a picture whose memory is kept for the next */
#define CROP_QUALITY  90
#define TRIES         3
#define SETTLED_NS    2000000000 /* longer ago than this, a change has a time of its own */

/* ---- The thread's tools ------------------------------------------------------------------- */

void fct_reader_default_opts(fct_analyzer_opts *o) {
    fct_analyzer_opts_init(o);
    o->tasks = FCT_TASK_DETECT | FCT_TASK_EMBED | FCT_TASK_GENDER_AGE;
}

fct_status fct_reader_open(fct_reader *r, const fct_pack *p, const fct_analyzer_opts *o, fct_error *err) {
    r->pack = p;
    r->finder = *o;
    r->finder.fit = !o->rotations && !o->tile;
    return fct_analyzer_create(p, &r->finder, &r->analyzer, err);
}

void fct_reader_close(fct_reader *r) {
    fct_analyzer_free(r->analyzer);
    fct_image_free(r->spare);
    r->analyzer = NULL;
    r->spare = NULL;
}

/* Keeps the larger of two pictures' memories for the next one, but none that only a few photos need. */
static void give_back(fct_reader *r, fct_image *im) {
    fct_image *kept = r->spare;
    if (!im) return;
    fct_view a = fct_image_view(im), b = kept ? fct_image_view(kept) : (fct_view){.data = NULL};
    bool keep = (int64_t)a.width * a.height <= MOST_KEPT && (int64_t)a.width * a.height >= (int64_t)b.width * b.height;
    if (keep) r->spare = im;
    fct_image_free(keep ? kept : im);
}

void fct_new_face_clear(fct_new_face *f) {
    fct_free(f->embedding);
    fct_buffer_free(f->crop);
    *f = (fct_new_face){.embedding = NULL};
}

static void clear_faces(fct_new_photo *p) {
    for (int i = 0; i < p->n_faces; i++) fct_new_face_clear(&p->faces[i]);
    fct_free(p->faces);
    p->faces = NULL;
    p->n_faces = 0;
}

void fct_read_item_free(fct_read_item *it) {
    clear_faces(&it->photo);
    fct_free(it->path);
    it->path = NULL;
}

/* ---- Faces ----------------------------------------------------------------------------------- */

static bool all_finite(const float *v, int n) {
    bool finite = true;
    for (int i = 0; i < n; i++) finite &= isfinite(v[i]) != 0;
    return finite;
}

/* The aligned face as JPEG, and its quality. */
static fct_status make_crop(fct_view v, const fct_face *from, fct_new_face *f, fct_error *err) {
    fct_image *crop = NULL;
    fct_status s = fct_align(v, from->kps, CROP_SIDE, &crop, err);
    if (!s) s = fct_face_quality_aligned(v, from, fct_image_view(crop), &f->quality, err);
    if (!s) s = fct_image_encode(fct_image_view(crop), FCT_FILE_JPEG, CROP_QUALITY, &f->crop, &f->crop_size, err);
    fct_image_free(crop);
    return s;
}

/* A picture, or a part of one: v's corner lies at (x, y) of a picture of width x height pixels. */
typedef struct photo_part {
    fct_view v;
    int x, y, width, height;
} photo_part;

static photo_part whole_of(fct_view v) { return (photo_part){v, 0, 0, v.width, v.height}; }

/* scale: how many pixels of the file's picture one of w's stands for. */
static fct_status make_face(const photo_part *w, double scale, const fct_face *from, int64_t time_ms, fct_new_face *f,
                            fct_error *err) {
    const fct_view v = w->v;
    *f = (fct_new_face){.time_ms = time_ms, .score = from->score, .gender = from->gender, .age = from->age};
    for (int i = 0; i < 4; i++)
        f->box[i] = ((double)from->box[i] + (i % 2 ? w->y : w->x)) / (i % 2 ? w->height : w->width);
    for (int i = 0; i < 5; i++) {
        f->kps[i][0] = (from->kps[i][0] + (float)w->x) / (float)w->width;
        f->kps[i][1] = (from->kps[i][1] + (float)w->y) / (float)w->height;
    }
    f->has_pose = from->has_pose && all_finite(from->pose, 3);
    memcpy(f->pose, from->pose, sizeof f->pose);
    size_t size = (size_t)from->embedding_dim * sizeof *f->embedding;
    f->embedding = fct_alloc(size);
    if (!f->embedding) return fct_fail_nomem(err, "embedding", size);
    memcpy(f->embedding, from->embedding, size);
    f->norm = fct_normalize(f->embedding, from->embedding_dim);
    fct_status s = make_crop(v, from, f, err);
    fct_quality_scale(&f->quality, (float)scale);
    return s;
}

/* A face that can be stored: all that it is made of are numbers. */
static bool is_usable(const fct_face *f) {
    return f->has_kps && f->embedding && all_finite(f->embedding, f->embedding_dim) && f->embedding_norm > 0 &&
           all_finite(f->box, 4) && all_finite(&f->kps[0][0], 10) && isfinite(f->score);
}

/* found: the same faces where they were detected, for their scores; NULL = faces have them. */
static fct_status add_faces(fct_new_photo *p, const photo_part *w, const fct_faces *faces, const fct_faces *found,
                            int64_t time_ms, fct_error *err) {
    double scale = p->width > w->width ? (double)p->width / w->width : 1;
    int n = fct_faces_count(faces);
    fct_new_face *all = fct_realloc_array(p->faces, (size_t)(p->n_faces + n) + 1, sizeof *all);
    if (!all) return fct_fail_nomem(err, "faces", 0);
    p->faces = all;
    fct_status s = FCT_OK;
    for (int i = 0; i < n && !s; i++) {
        fct_face from = *fct_faces_at(faces, i);
        if (found) from.score = fct_faces_at(found, i)->score;
        if (!is_usable(&from)) continue;
        s = make_face(w, scale, &from, time_ms, &all[p->n_faces], err);
        if (s) fct_new_face_clear(&all[p->n_faces]);
        else p->n_faces++;
        if (s == FCT_ERR_ARG) s = FCT_OK; /* landmarks that coincide: no face that anybody could use */
    }
    return s;
}

fct_status fct_reader_add_faces(fct_new_photo *p, fct_view v, const fct_faces *faces, int64_t time_ms, fct_error *err) {
    const photo_part whole = whole_of(v);
    return add_faces(p, &whole, faces, NULL, time_ms, err);
}

/* ---- A photo ------------------------------------------------------------------------------------ */

typedef struct photo_bytes {
    fct_map map;
    const char *path;
    fct_decode_opts opts;
} photo_bytes;

/* The shorter side that a photo is decoded with at least: what the detector looks at, of a photo of 4:3. */
static int looked_at(const fct_reader *r) {
    int most = r->finder.n_det_sizes ? 0 : 640;
    for (int i = 0; i < r->finder.n_det_sizes; i++) {
        int w = r->finder.det_sizes[i].width, h = r->finder.det_sizes[i].height;
        most = w > most ? w : most;
        most = h > most ? h : most;
    }
    return r->finder.tile ? 0 : most * 3 / 4; /* tiles are of the whole picture */
}

/* The same faces in a picture that is as many times as large, or a part of one: all but finding them is done again. */
static fct_status analyze_again(fct_reader *r, fct_view v, const photo_part *w, const fct_faces *found, fct_faces **out,
                                fct_error *err) {
    int n = fct_faces_count(found);
    float kx = (float)w->width / (float)v.width, ky = (float)w->height / (float)v.height;
    const float x = (float)w->x, y = (float)w->y;
    float *boxes = fct_alloc((size_t)n * 14 * sizeof *boxes), *kps = boxes + 4 * (size_t)n;
    *out = NULL;
    if (!boxes) return fct_fail_nomem(err, "faces", 0);
    for (int i = 0; i < n; i++) {
        const fct_face *f = fct_faces_at(found, i);
        for (int k = 0; k < 4; k++) boxes[4 * i + k] = f->box[k] * (k % 2 ? ky : kx) - (k % 2 ? y : x);
        for (int k = 0; k < 10; k++) kps[10 * i + k] = f->kps[k / 2][k % 2] * (k % 2 ? ky : kx) - (k % 2 ? y : x);
    }
    fct_status s = fct_analyze_known(r->analyzer, w->v, n, boxes, kps, out, err);
    fct_free(boxes);
    return s;
}

/* Half the side of a square around the middle of a face's box that holds all that is cut out for any network: at most
 * 1.5 sides of the box. The corners of an aligned face lie up to five times as far as its farthest landmark. */
static float reach(const fct_face *f) {
    const float *b = f->box;
    float cx = (b[0] + b[2]) / 2, cy = (b[1] + b[3]) / 2, most = 1.5f * fmaxf(b[2] - b[0], b[3] - b[1]);
    for (int k = 0; f->has_kps && k < 5; k++)
        most = fmaxf(most, 6 * fmaxf(fabsf(f->kps[k][0] - cx), fabsf(f->kps[k][1] - cy)));
    return most;
}

static float clamp_part(float v) { return v > 0 ? v < 1 ? v : 1 : 0; } /* not a number: 0 */

/* What of the picture the faces need. */
static void find_part(fct_view v, const fct_faces *found, float part[4]) {
    part[0] = part[1] = 1, part[2] = part[3] = 0;
    for (int i = 0; i < fct_faces_count(found); i++) {
        const fct_face *f = fct_faces_at(found, i);
        const float far = reach(f);
        for (int k = 0; k < 2; k++) {
            const float side = (float)(k ? v.height : v.width), at = (f->box[k] + f->box[k + 2]) / 2;
            part[k] = fminf(part[k], clamp_part((at - far) / side));
            part[k + 2] = fmaxf(part[k + 2], clamp_part((at + far) / side));
        }
    }
}

/* Takes the faces from a larger picture, of which the part with faces is decoded for it. */
static fct_status use_larger(fct_reader *r, photo_bytes *b, fct_view v, const fct_faces *found, fct_new_photo *p,
                             fct_error *err) {
    fct_image *larger = NULL;
    fct_faces *faces = NULL;
    fct_image_facts facts;
    float part[4];
    int side = v.width < v.height ? v.width : v.height;
    find_part(v, found, part);
    b->opts.min_side_hint = (int)ceilf((float)side * fct_faces_enlargement(found));
    b->opts.part = part;
    fct_status s = fct_image_decode_facts(b->map.data, b->map.size, b->path, &b->opts, &larger, &facts, err);
    if (s) return s;
    const photo_part w = {fct_image_view(larger), facts.part_x, facts.part_y, facts.decoded_width,
                          facts.decoded_height};
    s = analyze_again(r, v, &w, found, &faces, err);
    if (!s) s = add_faces(p, &w, faces, found, 0, err);
    fct_faces_free(faces);
    give_back(r, larger);
    return s;
}

static void measure_look(fct_view v, fct_new_photo *p) {
    fct_look look;
    p->has_look = fct_look_measure(v, &look);
    p->phash = look.phash;
    memcpy(p->look, look.gray, sizeof p->look);
}

/* Decodes and analyzes what is in memory. */
static fct_status read_photo(fct_reader *r, photo_bytes *b, fct_new_photo *p, fct_error *err) {
    fct_image *im = NULL;
    fct_faces *faces = NULL;
    fct_image_facts facts;
    fct_decode_opts_init(&b->opts);
    b->opts.max_pixels = r->max_pixels;
    b->opts.min_side_hint = looked_at(r);
    b->opts.spare = &r->spare;
    fct_status s = fct_image_decode_facts(b->map.data, b->map.size, b->path, &b->opts, &im, &facts, err);
    if (s) return s;
    fct_view v = fct_image_view(im);
    p->width = facts.width;
    p->height = facts.height;
    p->orientation = facts.orientation;
    p->has_taken = facts.has_taken;
    p->taken = facts.taken;
    measure_look(v, p);
    s = fct_analyze(r->analyzer, v, &faces, err);
    bool reduced = v.width < facts.width || v.height < facts.height;
    if (!s && reduced && fct_faces_enlargement(faces) > 1) s = use_larger(r, b, v, faces, p, err);
    else if (!s) s = fct_reader_add_faces(p, v, faces, 0, err);
    fct_faces_free(faces);
    give_back(r, im);
    return s;
}

/* ---- A file -------------------------------------------------------------------------------------- */

/* SHA-256 of a file that is too large for memory. */
static fct_status hash_file(const char *path, uint8_t hash[32], fct_error *err) {
    enum { CHUNK = 1 << 18 };
    fct_sha256 sum;
    FILE *f = fct_fopen(path, "rb");
    uint8_t *chunk = fct_alloc(CHUNK);
    fct_status s = chunk ? FCT_OK : fct_fail_nomem(err, "file", CHUNK);
    if (!s && !f) s = fct_fail(err, FCT_ERR_IO, "%s: cannot be opened", path);
    fct_sha256_init(&sum);
    for (size_t n = 1; !s && n;) {
        n = fread(chunk, 1, CHUNK, f);
        fct_sha256_update(&sum, chunk, n);
        if (ferror(f)) s = fct_fail(err, FCT_ERR_IO, "%s: cannot be read", path);
    }
    fct_sha256_final(&sum, hash);
    if (f) fclose(f);
    fct_free(chunk);
    return s;
}

static bool is_same(const fct_file_stat *a, const fct_file_stat *b) {
    return a->is_file && b->is_file && a->size == b->size && a->mtime_ns == b->mtime_ns;
}

/* Once: out->error and the status say why it could not be read. *before: the file as it was when reading began. */
static fct_status read_once(fct_reader *r, const char *path, bool is_video, fct_read_item *out,
                            const fct_file_stat *before, fct_error *err) {
    fct_new_photo *p = &out->photo;
    photo_bytes b = {.path = path};
    fct_sha256 sum;
    p->orientation = 1;
    p->is_video = is_video;
    p->changed = before->mtime_ns / 1000000000;
    fct_status s = is_video ? hash_file(path, p->hash, err) : fct_map_copy(path, LARGEST_PHOTO, &b.map, err);
    if (s) return s;
    if (!is_video) {
        fct_sha256_init(&sum);
        fct_sha256_update(&sum, b.map.data, b.map.size);
        fct_sha256_final(&sum, p->hash);
    }
    out->has_bytes = true;
    out->known_id = r->find(r->ctx, p->hash);
    if (!out->known_id) s = is_video ? fct_reader_video(r, path, p, err) : read_photo(r, &b, p, err);
    if (!is_video) fct_map_close(&b.map);
    return s;
}

/* Again where the file changes meanwhile. */
static fct_status read_settled(fct_reader *r, const char *path, bool is_video, fct_read_item *out, fct_error *err) {
    fct_file_stat before, after;
    for (int i = 0; i < TRIES; i++) {
        clear_faces(&out->photo);
        out->photo = (fct_new_photo){.width = 0};
        out->has_bytes = false;
        fct_file_get_stat(path, &before);
        fct_status s = read_once(r, path, is_video, out, &before, err);
        fct_file_get_stat(path, &after);
        out->size = (int64_t)before.size;
        out->mtime_ns = before.mtime_ns;
        if (before.mtime_ns > fct_time_unix() * 1000000000 - SETTLED_NS) out->mtime_ns = -1;
        if (!after.exists || is_same(&before, &after)) return s;
    }
    out->has_bytes = false;
    out->known_id = 0;
    return fct_fail(err, FCT_ERR_IO, "%s: changes while it is read", path);
}

void fct_reader_read(fct_reader *r, const char *path, bool is_video, fct_read_item *out) {
    fct_status s = read_settled(r, path, is_video, out, &out->error);
    if (!s) return;
    clear_faces(&out->photo);
    out->photo.width = out->photo.height = 0;
    out->photo.has_look = false;
    out->photo.error = out->error.text;
    bool is_file = s == FCT_ERR_FORMAT || s == FCT_ERR_UNSUPPORTED || s == FCT_ERR_LIMIT || s == FCT_ERR_IO ||
                   s == FCT_ERR_NOT_FOUND;
    if (!is_file) out->fatal = s;
    if (s == FCT_ERR_IO || s == FCT_ERR_NOT_FOUND) out->has_bytes = false; /* may be otherwise next time */
}
