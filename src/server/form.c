#include "server/form.h"

#include "base/alloc.h"
#include "base/error.h"
#include "text/base64.h"
#include "text/utf8.h"

#include <locale.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* ---- Reading a body ------------------------------------------------------------------------- */

static fct_status copy_body(srv_form *f, fct_error *err) {
    const fct_buf *b = &f->request->body;
    f->text = fct_strndup(b->data ? b->data : "", b->size);
    return f->text ? FCT_OK : fct_fail_nomem(err, "body", b->size);
}

static fct_status make_parts(srv_form *f, fct_error *err) {
    f->kind = SRV_FORM_PARTS;
    f->parts = fct_calloc(SRV_PARTS_MOST, sizeof *f->parts);
    return f->parts ? FCT_OK : fct_fail_nomem(err, "parts of the body", 0);
}

static fct_status read_json(srv_form *f, fct_error *err) {
    const fct_buf *b = &f->request->body;
    f->kind = SRV_FORM_JSON;
    fct_status s = FCT_OK;
    f->text = fct_alloc(b->size + 1);
    if (!f->text) s = fct_fail_nomem(err, "body", b->size);
    if (!s) {
        if (b->size) memcpy(f->text, b->data, b->size);
        s = fct_json_parse(&f->json, f->text, b->size, "JSON body", err);
    }
    return s;
}

static void plus_to_space(char *text) {
    for (; *text; text++)
        if (*text == '+') *text = ' ';
}

/* Reads "a=1&b=2", each member decoded. */
static fct_status read_urlencoded(srv_form *f, fct_error *err) {
    fct_status s = make_parts(f, err);
    if (!s) s = copy_body(f, err);
    if (s) return s;
    if (strlen(f->text) != f->request->body.size)
        return fct_fail(
            err, FCT_ERR_FORMAT,
            "form: a NUL byte; a picture as the whole body needs a Content-Type of its own, such as image/jpeg");
    for (char *p = f->text, *next; p && *p; p = next) {
        if ((next = strchr(p, '&'))) *next++ = 0;
        char *value = strchr(p, '=');
        if (value) *value++ = 0;
        else value = p + strlen(p);
        plus_to_space(p);
        plus_to_space(value);
        if (!srv_percent_decode(p) || !srv_percent_decode(value) || strlen(p) >= SRV_PART_NAME)
            return fct_fail(err, FCT_ERR_FORMAT, "form: member %d is badly encoded", f->n_parts + 1);
        if (f->n_parts == SRV_PARTS_MOST)
            return fct_fail(err, FCT_ERR_LIMIT, "form: more than %d members", SRV_PARTS_MOST);
        srv_multipart_part *part = &f->parts[f->n_parts++];
        strcpy(part->name, p);
        part->data = (const uint8_t *)value;
        part->size = strlen(value);
    }
    return FCT_OK;
}

/* A text part ends with a NUL, so that it can be handed out as a text: they are copied. */
static fct_status read_multipart(srv_form *f, const char *boundary, fct_error *err) {
    const fct_buf *b = &f->request->body;
    fct_status s = make_parts(f, err);
    if (!s)
        s = srv_multipart_split((const uint8_t *)(b->data ? b->data : ""), b->size, boundary, f->parts, &f->n_parts,
                                err);
    size_t need = 0, at = 0;
    for (int i = 0; i < f->n_parts; i++) need += f->parts[i].is_file ? 0 : f->parts[i].size + 1;
    if (!s && !(f->text = fct_alloc(need))) s = fct_fail_nomem(err, "body", need);
    for (int i = 0; i < f->n_parts && !s; i++) {
        srv_multipart_part *p = &f->parts[i];
        if (p->is_file) continue;
        memcpy(f->text + at, p->data, p->size);
        f->text[at + p->size] = 0;
        p->data = (const uint8_t *)f->text + at;
        at += p->size + 1;
    }
    return s;
}

static bool is_type(const char *type, const char *wanted) {
    size_t n = strlen(wanted);
    return strncasecmp(type, wanted, n) == 0 && (type[n] == 0 || type[n] == ';' || type[n] == ' ');
}

fct_status srv_form_read(const srv_request *r, srv_form *out, fct_error *err) {
    char boundary[71];
    *out = (srv_form){.request = r};
    const char *type = srv_request_field(r, "Content-Type");
    if (r->body.size == 0 && (!type || !is_type(type, "application/json"))) return FCT_OK;
    if (!type) return fct_fail(err, FCT_ERR_UNSUPPORTED, "the body has no Content-Type");
    if (is_type(type, "multipart/form-data")) {
        if (srv_multipart_boundary(type, boundary)) return read_multipart(out, boundary, err);
        return fct_fail(err, FCT_ERR_FORMAT, "multipart body: the Content-Type has no proper boundary");
    }
    if (is_type(type, "application/json")) return read_json(out, err);
    if (is_type(type, "application/x-www-form-urlencoded")) return read_urlencoded(out, err);
    if (strncasecmp(type, "image/", 6) != 0 && !is_type(type, "application/octet-stream"))
        return fct_fail(err, FCT_ERR_UNSUPPORTED, "a body must be multipart/form-data, JSON or a picture");
    out->kind = SRV_FORM_RAW;
    return FCT_OK;
}

fct_status srv_form_read_json(const srv_request *r, srv_form *out, fct_error *err) {
    *out = (srv_form){.request = r};
    return read_json(out, err);
}

void srv_form_free(srv_form *f) {
    fct_free(f->parts);
    fct_free(f->text);
    fct_json_free(&f->json);
    for (size_t i = 0; i < f->n_decoded; i++) fct_free(f->decoded[i]);
    fct_free(f->decoded);
    *f = (srv_form){0};
}

/* ---- Asking ------------------------------------------------------------------------------------ */

const fct_json *srv_form_json(const srv_form *f, const char *name) {
    return f->kind == SRV_FORM_JSON ? fct_json_member(f->json.values, name) : NULL;
}

const char *srv_form_text(srv_form *f, const char *name) {
    for (int i = 0; i < f->n_parts; i++) {
        const srv_multipart_part *p = &f->parts[i];
        if (p->is_file || strcmp(p->name, name) != 0) continue;
        /* One with a NUL inside, or that is not UTF-8, is no text. */
        bool fine = !memchr(p->data, 0, p->size) && fct_utf8_valid((const char *)p->data, p->size);
        return fine ? (const char *)p->data : NULL;
    }
    const char *text = fct_json_get_text(srv_form_json(f, name));
    return text ? text : srv_request_query(f->request, name);
}

/* Reads a whole text as a number with a decimal point. */
static bool parse_number(const char *text, double *out) {
    if (!*text || strlen(text) > 40 || strspn(text, "+-.0123456789eE") != strlen(text)) return false;
    char copy[41], *end;
    /* strtod() goes by the locale's decimal point; a program that uses facet may have set one. */
    char point = *localeconv()->decimal_point;
    strcpy(copy, text);
    for (char *p = copy; *p; p++)
        if (*p == '.') *p = point;
    *out = strtod(copy, &end);
    return !*end && isfinite(*out);
}

fct_status srv_form_number(srv_form *f, const char *name, double low, double high, double *out, fct_error *err) {
    const fct_json *v = srv_form_json(f, name);
    const char *text = v ? NULL : srv_form_text(f, name);
    double number;
    if (!v && !text) return FCT_OK;
    if (!(v ? fct_json_get_number(v, &number) : parse_number(text, &number)))
        return fct_fail(err, FCT_ERR_ARG, "%s: is no number", name);
    if (number < low || number > high)
        return fct_fail(err, FCT_ERR_ARG, "%s: %g is not in %g to %g", name, number, low, high);
    *out = number;
    return FCT_OK;
}

fct_status srv_form_int(srv_form *f, const char *name, int low, int high, int *out, fct_error *err) {
    double number = NAN;
    fct_status s = srv_form_number(f, name, low, high, &number, err);
    if (s || isnan(number)) return s;
    if (number != floor(number)) return fct_fail(err, FCT_ERR_ARG, "%s: %g is no whole number", name, number);
    *out = (int)number;
    return FCT_OK;
}

fct_status srv_form_bool(srv_form *f, const char *name, bool *out, fct_error *err) {
    const fct_json *v = srv_form_json(f, name);
    if (v && fct_json_get_bool(v, out)) return FCT_OK;
    const char *text = v ? "" : srv_form_text(f, name);
    if (!text) return FCT_OK;
    static const char *const yes[] = {"true", "1", "yes", "on"}, *const no[] = {"false", "0", "no", "off"};
    for (int i = 0; i < 4; i++)
        if (strcasecmp(text, yes[i]) == 0 || strcasecmp(text, no[i]) == 0) {
            *out = strcasecmp(text, yes[i]) == 0;
            return FCT_OK;
        }
    return fct_fail(err, FCT_ERR_ARG, "%s: is neither true nor false", name);
}

/* ---- Pictures ------------------------------------------------------------------------------------- */

/* Decodes a text of base 64, whose blanks and line ends are passed over and whose padding may be missing. */
fct_status srv_form_decode(srv_form *f, const char *name, const char *text, size_t n, const uint8_t **data,
                           size_t *size, fct_error *err) {
    if (n > 5 && strncmp(text, "data:", 5) == 0) {
        const char *comma = memchr(text, ',', n < 200 ? n : 200);
        if (!comma) return fct_fail(err, FCT_ERR_FORMAT, "%s: a data: URL without a comma", name);
        n -= (size_t)(comma + 1 - text);
        text = comma + 1;
    }
    void **decoded = fct_grow(f->decoded, &f->cap_decoded, f->n_decoded + 1, sizeof *decoded);
    if (!decoded) return fct_fail_nomem(err, "pictures", 0);
    f->decoded = decoded;
    char *copy = fct_alloc(n + 4);
    if (!copy) return fct_fail_nomem(err, "picture", n);
    size_t m = 0;
    for (size_t i = 0; i < n; i++)
        if (text[i] != '\r' && text[i] != '\n' && text[i] != ' ') copy[m++] = text[i];
    while (m % 4 && m % 4 != 1) copy[m++] = '=';
    f->decoded[f->n_decoded++] = copy;
    if (!fct_base64_decode(copy, m, (uint8_t *)copy, size) || *size == 0)
        return fct_fail(err, FCT_ERR_FORMAT, "%s: is not base 64", name);
    *data = (uint8_t *)copy;
    return FCT_OK;
}

static fct_status none(const char *name, fct_error *err) {
    return fct_fail(
        err, FCT_ERR_NOT_FOUND,
        "%s: is missing; a picture is a file of a form, base 64, or a whole body of type image/jpeg or the like",
        name ? name : "a picture");
}

static fct_status part_picture(srv_form *f, const char *name, int i, const uint8_t **data, size_t *size,
                               fct_error *err) {
    for (int k = 0; k < f->n_parts; k++) {
        const srv_multipart_part *p = &f->parts[k];
        if (name ? strcmp(p->name, name) != 0 : !p->is_file) continue;
        if (i-- > 0) continue;
        if (!p->is_file) return srv_form_decode(f, p->name, (const char *)p->data, p->size, data, size, err);
        if (p->size == 0) return fct_fail(err, FCT_ERR_FORMAT, "%s: is an empty file", p->name);
        *data = p->data;
        *size = p->size;
        return FCT_OK;
    }
    return none(name, err);
}

fct_status srv_form_picture(srv_form *f, const char *name, int i, const uint8_t **data, size_t *size, fct_error *err) {
    *data = NULL;
    *size = 0;
    if (f->kind == SRV_FORM_PARTS) return part_picture(f, name, i, data, size, err);
    if (f->kind == SRV_FORM_RAW && i == 0) {
        *data = (const uint8_t *)f->request->body.data;
        *size = f->request->body.size;
        return FCT_OK;
    }
    const fct_json *v = name ? srv_form_json(f, name) : NULL;
    if (fct_json_is(v, FCT_JSON_ARRAY)) {
        const fct_json *list = v;
        for (v = fct_json_first(list); v && i > 0; v = fct_json_next(list, v)) i--;
    }
    if (!v || i > 0) return none(name, err);
    if (!fct_json_is(v, FCT_JSON_TEXT)) return fct_fail(err, FCT_ERR_ARG, "%s: is no text of base 64", name);
    return srv_form_decode(f, name, v->text, v->length, data, size, err);
}

/* A part that is no file must be text: one in another character set would be taken for one that is not there. */
static fct_status only_texts(const srv_form *f, fct_error *err) {
    for (int i = 0; i < f->n_parts; i++) {
        const srv_multipart_part *p = &f->parts[i];
        if (!p->is_file && (memchr(p->data, 0, p->size) || !fct_utf8_valid((const char *)p->data, p->size)))
            return fct_fail(err, FCT_ERR_ARG, "form: \"%.80s\" is no text in UTF-8", p->name);
    }
    return FCT_OK;
}

fct_status srv_form_only(const srv_form *f, const char *names, fct_error *err) {
    if (f->kind != SRV_FORM_JSON) return only_texts(f, err);
    if (!fct_json_is(f->json.values, FCT_JSON_OBJECT)) return fct_fail(err, FCT_ERR_ARG, "JSON body: is no object");
    for (const fct_json *c = fct_json_first(f->json.values); c; c = fct_json_next(f->json.values, c)) {
        size_t n = strlen(c->key);
        const char *p = strpbrk(c->key, "|?") ? "" : names;
        while (*p && !(strncmp(p, c->key, n) == 0 && (p[n] == '|' || p[n] == '?' || p[n] == 0)))
            p += strcspn(p, "|") + (p[strcspn(p, "|")] == '|');
        if (!*p) return fct_fail(err, FCT_ERR_ARG, "JSON body: \"%.80s\" is no member of this request", c->key);
        if (fct_json_is(c, FCT_JSON_NULL) && p[n] != '?')
            return fct_fail(err, FCT_ERR_ARG, "JSON body: \"%s\" is null", c->key);
    }
    return FCT_OK;
}
