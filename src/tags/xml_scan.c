#include "tags/xml_scan.h"

#include "base/error.h"

#include <string.h>

static fct_status fault(const fct_xml_scan *x, const char *what, fct_error *err) {
    return fct_fail(err, FCT_ERR_FORMAT, "%s: XMP is damaged at byte %zu: %s", x->file, (size_t)(x->at - x->start),
                    what);
}

static fct_status too_much(const fct_xml_scan *x, const char *what, int most, fct_error *err) {
    return fct_fail(err, FCT_ERR_LIMIT, "%s: XMP has more than %d %s", x->file, most, what);
}

bool fct_xml_is(fct_xml_piece p, const char *text) { return strlen(text) == p.n && !memcmp(p.at, text, p.n); }
static bool same(fct_xml_piece a, fct_xml_piece b) { return a.n == b.n && !memcmp(a.at, b.at, a.n); }

static bool begins(const fct_xml_scan *x, const char *text) {
    size_t n = strlen(text);
    return (size_t)(x->end - x->at) >= n && !memcmp(x->at, text, n);
}

/* Goes behind the next occurrence of text; false where there is none. */
static bool skip_past(fct_xml_scan *x, const char *text) {
    size_t n = strlen(text);
    for (const char *p = x->at; (size_t)(x->end - p) >= n; p++) {
        p = memchr(p, text[0], (size_t)(x->end - p) - n + 1);
        if (!p) return false;
        if (memcmp(p, text, n)) continue;
        x->at = p + n;
        return true;
    }
    return false;
}

static bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }
static bool ends_name(char c) { return is_blank(c) || strchr(">/=<\"'&", c); }

static const char *skip_blanks(const char *p, const char *end) {
    while (p < end && is_blank(*p)) p++;
    return p;
}

/* The name at p, with its prefix; empty where there is none. */
static fct_xml_piece name_at(const char *p, const char *end) {
    const char *q = p;
    while (q < end && !ends_name(*q)) q++;
    return (fct_xml_piece){p, (size_t)(q - p)};
}

/* Divides a name; a name without a prefix has an empty one. */
static fct_xml_piece prefix_of(fct_xml_piece name, fct_xml_piece *rest) {
    const char *colon = name.n ? memchr(name.at, ':', name.n) : NULL;
    size_t n = colon ? (size_t)(colon - name.at) : 0;
    *rest = colon ? (fct_xml_piece){colon + 1, name.n - n - 1} : name;
    return (fct_xml_piece){name.at, n};
}

bool fct_xml_attribute(fct_xml_piece *attributes, fct_xml_piece *name, fct_xml_piece *value) {
    const char *end = attributes->at + attributes->n, *p = skip_blanks(attributes->at, end);
    *name = name_at(p, end);
    p = skip_blanks(p + name->n, end);
    if (!name->n || p >= end || *p != '=') return false;
    p = skip_blanks(p + 1, end);
    if (p >= end || (*p != '"' && *p != '\'')) return false;
    const char *close = p + 1 < end ? memchr(p + 1, *p, (size_t)(end - p - 1)) : NULL;
    if (!close) return false;
    *value = (fct_xml_piece){p + 1, (size_t)(close - p - 1)};
    *attributes = (fct_xml_piece){close + 1, (size_t)(end - close - 1)};
    return true;
}

/* The namespace that a prefix stands for here; empty = none. */
static fct_xml_piece lookup(const fct_xml_scan *x, fct_xml_piece prefix) {
    for (int i = x->n_spaces; i-- > 0;)
        if (same(x->spaces[i].prefix, prefix)) return x->spaces[i].uri;
    return (fct_xml_piece){prefix.at, 0};
}

/* Goes over the attributes of the tag that begins at x->at behind its name: notes the namespaces, and ends at the
 * '>' or '/'. */
static fct_status take_attributes(fct_xml_scan *x, fct_xml_piece *out, fct_error *err) {
    const char *from = x->at;
    fct_xml_piece left = {from, (size_t)(x->end - from)}, name, value, rest;
    for (;;) {
        x->at = skip_blanks(left.at, x->end);
        if (x->at >= x->end) return fault(x, "it ends in an element", err);
        if (*x->at == '>' || *x->at == '/') break;
        if (!fct_xml_attribute(&left, &name, &value)) return fault(x, "no attribute with a value in quotes", err);
        if (memchr(value.at, '<', value.n)) return fault(x, "'<' in a value", err);
        if (++x->siblings[x->depth] > FCT_XML_MAX_SIBLINGS)
            return too_much(x, "properties in one place", FCT_XML_MAX_SIBLINGS, err);
        fct_xml_piece prefix = prefix_of(name, &rest);
        bool usual = fct_xml_is(name, "xmlns");
        if (!usual && !fct_xml_is(prefix, "xmlns")) continue;
        if (x->n_spaces >= FCT_XML_MAX_NAMESPACES) return too_much(x, "namespaces", FCT_XML_MAX_NAMESPACES, err);
        x->spaces[x->n_spaces++] = (fct_xml_space){usual ? (fct_xml_piece){name.at, 0} : rest, value, x->depth};
    }
    *out = (fct_xml_piece){from, (size_t)(x->at - from)};
    return FCT_OK;
}

/* Counts an element that begins. What the topmost levels hold is counted together: however a packet divides its
 * properties among descriptions, they all come into one list. */
static fct_status count_element(fct_xml_scan *x, fct_xml_piece name, fct_error *err) {
    if (++x->elements > FCT_XML_MAX_ELEMENTS) return too_much(x, "elements", FCT_XML_MAX_ELEMENTS, err);
    if (!fct_xml_is(name, "li") && ++x->siblings[x->depth] > FCT_XML_MAX_SIBLINGS)
        return too_much(x, "properties in one place", FCT_XML_MAX_SIBLINGS, err);
    if (++x->depth > FCT_XML_MAX_DEPTH) return too_much(x, "levels", FCT_XML_MAX_DEPTH, err);
    if (x->depth > 3) x->siblings[x->depth] = 0;
    return FCT_OK;
}

/* A start tag, with its attributes and the address that its prefix stands for. */
static fct_status take_start(fct_xml_scan *x, fct_xml_tag *out, fct_error *err) {
    fct_xml_tag t = {.kind = FCT_XML_START, .from = x->at, .element = x->at};
    fct_xml_piece whole = name_at(x->at + 1, x->end), prefix = prefix_of(whole, &t.name);
    if (!t.name.n) return fault(x, "an element without a name", err);
    fct_status s = count_element(x, t.name, err);
    if (s) return s;
    t.depth = x->depth;
    x->whole_names[x->depth] = whole;
    x->at = whole.at + whole.n;
    s = take_attributes(x, &t.attributes, err);
    if (s) return s;
    if (*x->at == '/') {
        x->closing = true;
        x->at++;
    }
    if (x->at >= x->end || *x->at != '>') return fault(x, "an element that does not end", err);
    t.to = ++x->at;
    t.uri = lookup(x, prefix);
    x->open[x->depth] = t;
    *out = t;
    return FCT_OK;
}

/* Ends the innermost element, whose last tag is from..to. */
static void take_stop(fct_xml_scan *x, const char *from, const char *to, fct_xml_tag *out) {
    *out = x->open[x->depth];
    out->kind = FCT_XML_STOP;
    out->from = from;
    out->to = to;
    x->depth--;
    while (x->n_spaces && x->spaces[x->n_spaces - 1].depth > x->depth) x->n_spaces--;
}

static fct_status take_end(fct_xml_scan *x, fct_xml_tag *out, fct_error *err) {
    const char *from = x->at;
    fct_xml_piece name = name_at(from + 2, x->end);
    if (!x->depth || !same(name, x->whole_names[x->depth])) return fault(x, "another element ends than began", err);
    x->at = skip_blanks(name.at + name.n, x->end);
    if (x->at >= x->end || *x->at != '>') return fault(x, "an element that does not end", err);
    x->at++;
    take_stop(x, from, x->at, out);
    return FCT_OK;
}

/* Goes over what is no element; *was tells whether there was something. */
static fct_status skip_other(fct_xml_scan *x, bool *was, fct_error *err) {
    *was = true;
    if (begins(x, "<?")) return skip_past(x, "?>") ? FCT_OK : fault(x, "an instruction without an end", err);
    if (begins(x, "<!--")) {
        x->at += 4;
        return skip_past(x, "-->") ? FCT_OK : fault(x, "a comment without an end", err);
    }
    if (begins(x, "<![CDATA[")) return skip_past(x, "]]>") ? FCT_OK : fault(x, "text without an end", err);
    if (begins(x, "<!")) return fault(x, "a document type is not allowed", err);
    *was = false;
    return FCT_OK;
}

fct_status fct_xml_begin(fct_xml_scan *x, const char *text, size_t n, const char *file, fct_error *err) {
    memset(x, 0, sizeof *x);
    x->start = x->at = text;
    x->end = text + n;
    x->file = file;
    if (n > FCT_XML_MAX_SIZE)
        return fct_fail(err, FCT_ERR_LIMIT, "%s: XMP of %zu bytes, the limit is %d", file, n, FCT_XML_MAX_SIZE);
    return FCT_OK;
}

fct_status fct_xml_next(fct_xml_scan *x, fct_xml_tag *out, fct_error *err) {
    bool other = true;
    *out = (fct_xml_tag){.kind = FCT_XML_OVER, .from = x->end, .to = x->end};
    if (x->closing) {
        x->closing = false;
        take_stop(x, x->at, x->at, out);
        return FCT_OK;
    }
    while (other) {
        const char *next = x->at < x->end ? memchr(x->at, '<', (size_t)(x->end - x->at)) : NULL;
        x->at = next ? next : x->end;
        if (!next) return x->depth ? fault(x, "it is cut off", err) : FCT_OK;
        fct_status s = skip_other(x, &other, err);
        if (s) return s;
    }
    return begins(x, "</") ? take_end(x, out, err) : take_start(x, out, err);
}
