/* Reading what gallery_export.c writes. The file is not trusted: every line goes
 * through the same checks as an enrollment. */
#include "base/alloc.h"
#include "base/buffer.h"
#include "base/error.h"
#include "base/file.h"
#include "gallery/gallery_impl.h"
#include "gallery/import_details.h"
#include "text/base64.h"
#include <string.h>

#define FIRST_BYTES    ((size_t)1 << 16)  /* of a file that are read at once, at first */
#define LINE_MAX_BYTES ((size_t)24 << 20) /* a crop of FCT_CROP_MAX in base 64, and the rest */

/* ---- Lines of a file ------------------------------------------------------------- */

typedef struct line_reader {
    FILE *f;
    char *buf;
    size_t start, end, cap; /* unread bytes */
} line_reader;

/* More bytes from the file; false at its end or without memory (*no_memory). */
static bool fill(line_reader *r, bool *no_memory) {
    if (r->start) memmove(r->buf, r->buf + r->start, r->end - r->start); /* what is unread moves to the front */
    r->end -= r->start;
    r->start = 0;
    if (r->end + 1 >= r->cap) {
        char *buf = fct_grow(r->buf, &r->cap, r->cap ? r->cap + 1 : FIRST_BYTES, 1);
        if (!buf) return *no_memory = true, false;
        r->buf = buf;
    }
    size_t n = fread(r->buf + r->end, 1, r->cap - 1 - r->end, r->f);
    r->end += n;
    return n > 0;
}

/* Length of the line at the start of what is unread, the end of the line found
 * from byte seen on; SIZE_MAX when its end is not there yet. */
static size_t line_length(const line_reader *r, size_t seen) {
    size_t have = r->end - r->start;
    const char *stop = have > seen ? memchr(r->buf + r->start + seen, '\n', have - seen) : NULL;
    return stop ? (size_t)(stop - r->buf) - r->start : SIZE_MAX;
}

/* The next line, without its end, with a NUL behind it; NULL at the end. */
static char *next_line(line_reader *r, size_t *len, bool *too_long, bool *no_memory) {
    size_t seen = 0;
    while ((*len = line_length(r, seen)) == SIZE_MAX) {
        seen = r->end - r->start;
        *too_long = seen > LINE_MAX_BYTES;
        if (*too_long) return NULL;
        if (fill(r, no_memory)) continue;
        if (*no_memory || seen == 0) return NULL;
        *len = seen; /* the last line has no end */
        break;
    }
    char *line = r->buf + r->start;
    line[*len] = 0;
    r->start += *len + (r->start + *len < r->end);
    return line;
}

/* ---- One line ----------------------------------------------------------------------- */

typedef struct importer {
    fct_enroller enroller;
    const char *path;
    long line;
    char model_id[65];
    int dim;
    float *embedding;                  /* [dim] */
    fct_json_doc doc;                  /* of the current line */
    int64_t collection_id;             /* of people whose line names none; 0 = the default */
    bool here;                         /* of all, whatever their lines name */
    char collection[FCT_NAME_MAX + 1]; /* the last one that was named */
    int64_t named_id;                  /* its id */
    fct_import_details details;
} importer;

static fct_status bad_line(const importer *im, const char *why, fct_error *err) {
    return fct_fail(err, FCT_ERR_FORMAT, "%s: line %ld %s", im->path, im->line, why);
}

static fct_status read_header(importer *im, const fct_json_line *j, fct_error *err) {
    if (!j->facet_gallery) return bad_line(im, "is not the head of a gallery export", err);
    if (j->facet_gallery != 1)
        return fct_fail(err, FCT_ERR_UNSUPPORTED, "%s: made by a newer version of facet", im->path);
    if (!j->model) return FCT_OK; /* of a gallery without faces */
    size_t len = strlen(j->model);
    if (len < 1 || len > 64 || j->dim < 1 || j->dim > FCT_INDEX_DIM_MAX)
        return bad_line(im, "names no usable model", err);
    memcpy(im->model_id, j->model, len + 1);
    im->dim = (int)j->dim;
    im->embedding = fct_realloc_array(NULL, (size_t)im->dim, sizeof *im->embedding);
    return im->embedding ? FCT_OK : fct_fail_nomem(err, "embedding", 0);
}

/* Bytes are decoded into the line itself, which is longer than they are. */
static fct_status import_face(importer *im, const fct_json_line *j, fct_error *err) {
    size_t size, crop_size = 0;
    uint8_t *raw = (uint8_t *)j->embedding; /* decoded where it stands */
    if (!im->dim) return bad_line(im, "has a face, but the head names no model", err);
    if (!fct_base64_decode(j->embedding, strlen(j->embedding), raw, &size) ||
        !fct_embedding_unpack(raw, size, im->dim, im->embedding))
        return bad_line(im, "has a bad embedding", err);
    if (j->crop && !fct_base64_decode(j->crop, strlen(j->crop), (uint8_t *)j->crop, &crop_size))
        return bad_line(im, "has a bad crop", err);
    fct_enrollment f = {.model_id = im->model_id,
                        .embedding = im->embedding,
                        .dim = im->dim,
                        .source = j->source,
                        .score = j->score,
                        .quality = j->quality,
                        .crop = j->crop,
                        .crop_len = crop_size};
    if (j->crop_cut == FCT_CROP_ALIGNED || j->crop_cut == FCT_CROP_LOOSE) f.crop_cut = (fct_crop_cut)j->crop_cut;
    memcpy(f.box, j->box, sizeof f.box);
    fct_status s = fct_faces_check(&f, 1, NULL);
    if (s) return bad_line(im, "holds no valid face", err);
    return fct_enroller_put(&im->enroller, j->name, &f, j->created, NULL, err);
}

/* Lets what follows go into the collection of a line, which is made if need be. */
static fct_status choose_collection(importer *im, const fct_json_line *j, fct_error *err) {
    char name[FCT_NAME_MAX + 1];
    const char *why;
    im->enroller.collection_id = im->collection_id;
    if (!j->collection || im->here) return FCT_OK;
    fct_status s = fct_name_clean(j->collection, name, &why);
    if (s) return s == FCT_ERR_NOMEM ? fct_fail_nomem(err, "name", 0) : bad_line(im, "names no valid collection", err);
    if (!im->named_id || strcmp(name, im->collection) != 0) {
        fct_store_collection c = {.name = name, .created = fct_time_unix()};
        s = im->enroller.st->ops->collections_add(im->enroller.st, &c, 1, err);
        memcpy(im->collection, name, strlen(name) + 1);
        im->named_id = c.id;
    }
    im->enroller.collection_id = im->named_id;
    return s;
}

static fct_status import_person(importer *im, const char *name, const fct_json_line *j, fct_error *err) {
    const char *why = "";
    int64_t into = im->enroller.collection_id ? im->enroller.collection_id : FCT_COLLECTION_DEFAULT;
    fct_status s = fct_import_details_take(&im->details, name, into, j, &why);
    if (s) return s == FCT_ERR_NOMEM ? fct_fail_nomem(err, "details", 0) : bad_line(im, why, err);
    return fct_enroller_put_person(&im->enroller, j->name, j->created, err);
}

static fct_status import_line(importer *im, char *line, size_t len, fct_error *err) {
    fct_json_line j;
    const char *why;
    fct_status s = fct_json_line_parse(&im->doc, line, len, &j, &why);
    if (s) return s == FCT_ERR_NOMEM ? fct_fail_nomem(err, im->path, len) : bad_line(im, why, err);
    if (im->line == 1) return read_header(im, &j, err);
    char name[FCT_NAME_MAX + 1];
    s = fct_name_clean(j.name, name, &why);
    if (s) return s == FCT_ERR_NOMEM ? fct_fail_nomem(err, "name", 0) : bad_line(im, "has no valid name", err);
    s = choose_collection(im, &j, err);
    if (s) return s;
    return j.embedding ? import_face(im, &j, err) : import_person(im, name, &j, err);
}

/* Imports line by line, so that the size of the file does not matter, and names the line at fault. */
static fct_status import_lines(importer *im, FILE *f, fct_error *err) {
    line_reader r = {.f = f};
    bool too_long = false, no_memory = false;
    size_t len;
    char *line;
    fct_status s = FCT_OK;
    while (!s && (line = next_line(&r, &len, &too_long, &no_memory))) {
        im->line++;
        s = import_line(im, line, len, err);
    }
    if (!s && no_memory) s = fct_fail_nomem(err, "import", r.cap);
    im->line++;
    if (!s && too_long) s = bad_line(im, "is too long", err);
    if (!s && ferror(f)) s = fct_fail(err, FCT_ERR_IO, "%s: cannot be read", im->path);
    if (!s && im->line == 1) s = fct_fail(err, FCT_ERR_FORMAT, "%s: is empty", im->path);
    fct_free(r.buf);
    if (!s) s = fct_enroller_flush(&im->enroller, err);
    return s ? s : fct_import_details_store(&im->details, im->enroller.st, err);
}

/* What one call wants to have done, and its result. */
typedef struct import_call {
    const char *path;
    FILE *f;
    int64_t collection_id;
    bool here; /* all into this one */
    int added;
} import_call;

static fct_status import_all(void *ctx, fct_store *st, fct_error *err) {
    import_call *c = ctx;
    importer im = {.enroller = {.st = st}, .collection_id = c->collection_id, .here = c->here, .path = c->path};
    rewind(c->f); /* the transaction may be run again */
    fct_status s = import_lines(&im, c->f, err);
    c->added = im.enroller.added;
    fct_enroller_clear(&im.enroller);
    fct_free(im.embedding);
    fct_json_free(&im.doc);
    fct_import_details_clear(&im.details);
    return s;
}

fct_status fct_gallery_import(fct_gallery *g, const char *path, int *added, fct_error *err) {
    if (added) *added = 0;
    if (!path || !*path) return fct_fail(err, FCT_ERR_ARG, "import: no path");
    fct_file_stat st;
    fct_file_get_stat(path, &st);
    if (!st.exists) return fct_fail(err, FCT_ERR_NOT_FOUND, "%s: no such file", path);
    import_call c = {.path = path,
                     .collection_id = fct_gallery_home(g),
                     .here = fct_gallery_works_in() != 0,
                     .f = st.is_file ? fct_fopen(path, "rb") : NULL};
    if (!c.f) {
        const char *why = st.is_dir ? "is a directory" : st.is_file ? "cannot be read" : "is not a regular file";
        return fct_fail(err, FCT_ERR_IO, "%s: %s", path, why);
    }
    fct_status s = fct_gallery_write(g, import_all, &c, err);
    fclose(c.f);
    if (!s && added) *added = c.added;
    return s;
}
