#include "gallery/key_file.h"
#include "base/alloc.h"
#include "base/buffer.h"
#include "base/error.h"
#include "text/base64.h"
#include "text/json_reader.h"
#include <stdio.h>
#include <string.h>

void fct_key_file_id(const fct_seal *seal, char out[33]) {
    for (size_t i = 0; i < sizeof seal->gallery; i++) snprintf(out + 2 * i, 3, "%02x", seal->gallery[i]);
}

/* A reading of such a file. */
typedef struct key_reader {
    const fct_seal *seal;
    const char *path, *place;
    fct_json_doc doc;
    long line;
    fct_key_file *out;
} key_reader;

static fct_status bad_line(const key_reader *r, const char *why, fct_error *err) {
    return fct_fail(err, FCT_ERR_FORMAT, "%s: line %ld %s", r->path, r->line, why);
}

/* The first line says of which gallery the keys are. */
static fct_status read_head(const key_reader *r, const fct_json *v, fct_error *err) {
    int64_t version;
    char id[33];
    const char *gallery = fct_json_get_text(fct_json_member(v, "gallery"));
    if (!fct_json_get_int(fct_json_member(v, "facet_keys"), &version) || !gallery)
        return bad_line(r, "is not the head of a file of keys", err);
    if (version != 1) return fct_fail(err, FCT_ERR_UNSUPPORTED, "%s: made by a newer version of facet", r->path);
    fct_key_file_id(r->seal, id);
    if (strcmp(id, gallery) == 0) return FCT_OK;
    return fct_fail(err, FCT_ERR_MISMATCH, "%s: keys of another gallery than %s", r->path, r->place);
}

static fct_status keep_key(fct_key_file *f, int64_t person, const uint8_t raw[FCT_KEY_FILE_BYTES], fct_error *err) {
    fct_store_key *keys = fct_grow(f->keys, &f->cap, f->n + 1, sizeof *keys);
    if (keys) f->keys = keys;
    uint8_t(*bytes)[FCT_KEY_FILE_BYTES] = fct_grow(f->bytes, &f->cap_bytes, f->n + 1, sizeof *bytes);
    if (bytes) f->bytes = bytes;
    if (!keys || !bytes) return fct_fail_nomem(err, "keys", 0);
    memcpy(f->bytes[f->n], raw, FCT_KEY_FILE_BYTES);
    f->keys[f->n++] = (fct_store_key){.person_id = person, .size = FCT_KEY_FILE_BYTES};
    return FCT_OK;
}

static fct_status read_key(const key_reader *r, const fct_json *v, fct_error *err) {
    int64_t person;
    uint8_t raw[128], key[FCT_SEAL_KEY];
    size_t size;
    const char *text = fct_json_get_text(fct_json_member(v, "key"));
    bool good = fct_json_get_int(fct_json_member(v, "person"), &person) && person > 0 && text &&
                strlen(text) < sizeof raw && fct_base64_decode(text, strlen(text), raw, &size) &&
                size == FCT_KEY_FILE_BYTES;
    if (!good) return bad_line(r, "holds no key", err);
    fct_seal_place at = {.kind = 'K', .person = person, .name = ""};
    good = fct_seal_get(r->seal, r->seal->key, &at, raw, size, key);
    fct_seal_wipe(key, sizeof key);
    if (!good) return bad_line(r, "holds a key that the gallery's key does not open", err);
    return keep_key(r->out, person, raw, err);
}

static fct_status read_lines(key_reader *r, char *text, size_t size, fct_error *err) {
    fct_status s = FCT_OK;
    fct_json_fault fault;
    for (char *end = text + size, *p = text; p < end && !s;) {
        char *stop = memchr(p, '\n', (size_t)(end - p));
        size_t len = (size_t)((stop ? stop : end) - p);
        r->line++;
        s = fct_json_read(&r->doc, p, len, &fault);
        if (s == FCT_ERR_NOMEM) s = fct_fail_nomem(err, "keys", len);
        else if (s) s = bad_line(r, fault.why, err);
        else s = r->line == 1 ? read_head(r, r->doc.values, err) : read_key(r, r->doc.values, err);
        p += len + 1;
    }
    return s || r->line ? s : fct_fail(err, FCT_ERR_FORMAT, "%s: is empty", r->path);
}

fct_status fct_key_file_read(const fct_seal *seal, const char *path, const char *place, char *text, size_t size,
                             fct_key_file *out, fct_error *err) {
    key_reader r = {.seal = seal, .path = path, .place = place, .out = out};
    *out = (fct_key_file){0};
    fct_status s = read_lines(&r, text, size, err);
    for (size_t i = 0; i < out->n; i++) out->keys[i].data = out->bytes[i];
    fct_json_free(&r.doc);
    if (s) fct_key_file_clear(out);
    return s;
}

void fct_key_file_clear(fct_key_file *f) {
    fct_free(f->keys);
    fct_free(f->bytes);
    *f = (fct_key_file){0};
}
