#include "server/once_log.h"

#include "base/alloc.h"
#include "base/buffer.h"
#include "base/error.h"
#include "base/file.h"
#include "base/file_sys.h"
#include "text/json_reader.h"
#include "text/json_writer.h"

#include <string.h>

enum { FILE_MOST = 1 << 30 };

static bool take_hash(const fct_json *v, char out[65]) {
    const char *text = fct_json_get_text(v);
    if (!text || strlen(text) != 64 || strspn(text, "0123456789abcdef") != 64) return false;
    memcpy(out, text, 65);
    return true;
}

static bool read_end(const fct_json *root, srv_once_line *out) {
    int64_t status;
    const char *location = fct_json_get_text(fct_json_member(root, "location"));
    const char *body = fct_json_get_text(fct_json_member(root, "body"));
    out->end = true;
    if (!take_hash(fct_json_member(root, "end"), out->scope)) return false;
    if (!fct_json_get_int(fct_json_member(root, "status"), &status) || status < 200 || status > 599) return false;
    if (!location || strlen(location) >= sizeof out->location) return false;
    for (const char *p = location; *p; p++)
        if ((unsigned char)*p <= 32 || *p == 127) return false; /* it becomes a header field */
    out->status = (int)status;
    strcpy(out->location, location);
    fct_json_get_bool(fct_json_member(root, "withheld"), &out->withheld);
    if (body && !(out->body = fct_strdup(body))) out->withheld = true;
    return true;
}

static bool read_begin(const fct_json *root, srv_once_line *out) {
    return take_hash(fct_json_member(root, "begin"), out->scope) &&
           take_hash(fct_json_member(root, "print"), out->print) &&
           fct_json_get_int(fct_json_member(root, "at"), &out->at) && out->at >= 0;
}

bool srv_once_line_parse(char *text, size_t size, srv_once_line *out) {
    fct_json_doc doc = {0};
    fct_json_fault fault;
    *out = (srv_once_line){0};
    bool good = !fct_json_read(&doc, text, size, &fault) && doc.n;
    if (good) good = fct_json_member(doc.values, "end") ? read_end(doc.values, out) : read_begin(doc.values, out);
    fct_json_free(&doc);
    return good;
}

void srv_once_line_clear(srv_once_line *x) {
    fct_free(x->body);
    *x = (srv_once_line){0};
}

bool srv_once_write(FILE *f, const srv_once_line *line, bool flush) {
    fct_buf b = {0};
    fct_json_writer j;
    if (!f) return true;
    fct_json_to_buf(&j, &b);
    fct_json_object(&j, NULL);
    fct_json_text(&j, line->end ? "end" : "begin", line->scope);
    if (line->end) {
        fct_json_int(&j, "status", line->status);
        fct_json_text(&j, "location", line->location);
        if (line->body) fct_json_text(&j, "body", line->body);
        if (line->withheld) fct_json_bool(&j, "withheld", true);
    } else {
        fct_json_text(&j, "print", line->print);
        fct_json_int(&j, "at", line->at);
    }
    fct_json_close_object(&j);
    fct_buf_char(&b, '\n');
    bool good = !b.failed && fwrite(b.data, 1, b.size, f) == b.size && (!flush || fct_sys_flush(f) == 0);
    fct_buf_free(&b);
    return good;
}

/* Ends the last line, which a kill may have cut off, and makes a new file private. */
static fct_status open_file(const char *path, bool whole, FILE **out, fct_error *err) {
    fct_status s = whole ? FCT_OK : fct_file_write_private(path, "", 0, err);
    if (s) return s;
    *out = fct_fopen(path, "ab");
    if (!*out) return fct_fail(err, FCT_ERR_IO, "%s: cannot be written", path);
    if (fwrite("\n", 1, 1, *out) == 1) return FCT_OK;
    fclose(*out);
    *out = NULL;
    return fct_fail(err, FCT_ERR_IO, "%s: cannot be written", path);
}

fct_status srv_once_open(const char *path, void (*fn)(void *user, srv_once_line *line), void *user, FILE **out,
                         fct_error *err) {
    uint8_t *text = NULL;
    size_t size = 0;
    fct_file_stat fs;
    *out = NULL;
    fct_file_get_stat(path, &fs);
    fct_status s = fs.exists ? fct_file_read(path, FILE_MOST, &text, &size, err) : FCT_OK;
    if (s) return s;
    for (char *p = (char *)text, *end = p ? p + size : p, *stop; p < end; p = stop + 1) {
        stop = memchr(p, '\n', (size_t)(end - p));
        if (!stop) stop = end; /* the file's NUL */
        srv_once_line line;
        if (srv_once_line_parse(p, (size_t)(stop - p), &line)) fn(user, &line);
        srv_once_line_clear(&line);
    }
    fct_free(text);
    return open_file(path, fs.exists, out, err);
}
