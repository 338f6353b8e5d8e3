#include "gallery/jsonl.h"

#include <math.h>
#include <string.h>

enum { LINE_INTEGER, LINE_REAL, LINE_TEXT, LINE_BOX, LINE_OBJECT };
static const struct {
    const char *name;
    int kind;
    size_t offset;
} members[] = {
    {"facet_gallery", LINE_INTEGER, offsetof(fct_json_line, facet_gallery)},
    {"dim", LINE_INTEGER, offsetof(fct_json_line, dim)},
    {"created", LINE_INTEGER, offsetof(fct_json_line, created)},
    {"crop_cut", LINE_INTEGER, offsetof(fct_json_line, crop_cut)},
    {"expires", LINE_INTEGER, offsetof(fct_json_line, expires)},
    {"collection", LINE_TEXT, offsetof(fct_json_line, collection)},
    {"metadata", LINE_OBJECT, offsetof(fct_json_line, metadata)},
    {"consent", LINE_OBJECT, offsetof(fct_json_line, consent)},
    {"model", LINE_TEXT, offsetof(fct_json_line, model)},
    {"name", LINE_TEXT, offsetof(fct_json_line, name)},
    {"source", LINE_TEXT, offsetof(fct_json_line, source)},
    {"embedding", LINE_TEXT, offsetof(fct_json_line, embedding)},
    {"crop", LINE_TEXT, offsetof(fct_json_line, crop)},
    {"box", LINE_BOX, offsetof(fct_json_line, box)},
    {"score", LINE_REAL, offsetof(fct_json_line, score)},
    {"quality", LINE_REAL, offsetof(fct_json_line, quality)},
};
enum { N_MEMBERS = sizeof members / sizeof *members };

/* What is wrong with a member's value, or NULL. */
static const char *take_real(const fct_json *v, float *out) {
    double d;
    if (!fct_json_get_number(v, &d)) return "has no number where one belongs";
    *out = (float)d;
    return isfinite(*out) ? NULL : "has a number that is too large";
}

static const char *take_box(const fct_json *v, float out[4]) {
    if (!fct_json_is(v, FCT_JSON_ARRAY)) return "has a box that is no array";
    if (v->length != 4) return "has a box that is not of four numbers";
    const char *why = NULL;
    int i = 0;
    for (const fct_json *c = fct_json_first(v); c && !why; c = fct_json_next(v, c)) why = take_real(c, &out[i++]);
    return why;
}

static const char *take_text(const fct_json *v, char **out, char *line) {
    const char *text = fct_json_get_text(v);
    if (!text) return "has no string where one belongs";
    *out = line + (text - line); /* which is the caller's to write to */
    return NULL;
}

/* Stores a member in its place in the record; unknown members are passed over, so that later versions can add some. */
static const char *take_member(const fct_json *v, fct_json_line *out, char *line) {
    int i = 0;
    while (i < N_MEMBERS && strcmp(members[i].name, v->key) != 0) i++;
    if (i == N_MEMBERS) return NULL;
    void *to = (char *)out + members[i].offset;
    switch (members[i].kind) {
    case LINE_INTEGER:
        return fct_json_get_int(v, to) ? NULL : "has a bad integer";
    case LINE_REAL:
        return take_real(v, to);
    case LINE_BOX:
        return take_box(v, to);
    case LINE_OBJECT:
        *(const fct_json **)to = v;
        return fct_json_is(v, FCT_JSON_OBJECT) ? NULL : "has no object where one belongs";
    default:
        return take_text(v, to, line);
    }
}

fct_status fct_json_line_parse(fct_json_doc *doc, char *line, size_t len, fct_json_line *out, const char **why) {
    fct_json_fault fault;
    memset(out, 0, sizeof *out);
    if (line[strspn(line, " \t\r\n")] != '{') { /* better than what is wrong with some other file as JSON */
        *why = "is no JSON object";
        return FCT_ERR_FORMAT;
    }
    fct_status s = fct_json_read(doc, line, len, &fault);
    *why = fault.why;
    if (s) return s;
    const fct_json *root = doc->values;
    for (const fct_json *c = fct_json_first(root); c && !*why; c = fct_json_next(root, c))
        *why = take_member(c, out, line);
    return *why ? FCT_ERR_FORMAT : FCT_OK;
}
