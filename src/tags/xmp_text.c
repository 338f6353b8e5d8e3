#include "tags/xmp_text.h"

#include "base/alloc.h"
#include "base/error.h"
#include "tags/xml_scan.h"

#include <string.h>

static const char rdf_uri[] = "http://www.w3.org/1999/02/22-rdf-syntax-ns#";
static const char head[] = "<x:xmpmeta xmlns:x=\"adobe:ns:meta/\">\n <rdf:RDF xmlns:rdf=\"http://www.w3.org/1999/02/"
                           "22-rdf-syntax-ns#\">\n";
static const char tail[] = " </rdf:RDF>\n</x:xmpmeta>\n";

static bool is_regions(const fct_xml_tag *t) {
    return (fct_xml_is(t->name, "Regions") && fct_xml_is(t->uri, fct_xmp_uri(FCT_XMP_REGIONS))) ||
           (fct_xml_is(t->name, "RegionInfo") && fct_xml_is(t->uri, fct_xmp_uri(FCT_XMP_MP)));
}

/* Adds the element with the namespaces that hold around it to the packet of regions: a description of its own, so
 * that the same prefix may stand for something else in another. A second one of the same kind is left out. */
static void add_element(fct_xmp_text *t, const fct_xml_scan *x, const char *from, const char *to) {
    fct_buf *b = &t->packet;
    if (!b->size) fct_buf_text(b, head);
    fct_buf_text(b, "<fct_rdf:Description xmlns:fct_rdf=\"");
    fct_buf_text(b, rdf_uri);
    fct_buf_text(b, "\" fct_rdf:about=\"\"");
    for (int i = 0; i < x->n_spaces; i++) {
        const fct_xml_space *s = &x->spaces[i];
        bool hidden = s->prefix.n == 7 && !memcmp(s->prefix.at, "fct_rdf", 7);
        for (int k = i + 1; k < x->n_spaces && !hidden; k++)
            hidden = x->spaces[k].prefix.n == s->prefix.n && !memcmp(x->spaces[k].prefix.at, s->prefix.at, s->prefix.n);
        if (hidden || !s->uri.n || memchr(s->uri.at, '"', s->uri.n)) continue;
        fct_buf_text(b, s->prefix.n ? " xmlns:" : " xmlns");
        fct_buf_add(b, s->prefix.at, s->prefix.n);
        fct_buf_text(b, "=\"");
        fct_buf_add(b, s->uri.at, s->uri.n);
        fct_buf_char(b, '"');
    }
    fct_buf_char(b, '>');
    fct_buf_add(b, from, (size_t)(to - from));
    fct_buf_text(b, "</fct_rdf:Description>\n");
}

/* The first value of an attribute rdf:about, by whatever prefix. */
static void take_about(fct_xmp_text *t, const fct_xml_tag *tag) {
    fct_xml_piece left = tag->attributes, name, value;
    while (!t->about.size && fct_xml_attribute(&left, &name, &value)) {
        bool about =
            name.n >= 5 && !memcmp(name.at + name.n - 5, "about", 5) && (name.n == 5 || name.at[name.n - 6] == ':');
        if (about && !memchr(value.at, '"', value.n)) fct_buf_add(&t->about, value.at, value.n);
    }
}

/* What is found on the way through a packet. */
typedef struct xmp_walk {
    fct_xmp_text *t;
    fct_xml_scan scan;
    int rdf;      /* depth of the first rdf:RDF while it is open, else 0 */
    bool have[2]; /* regions of both kinds */
} xmp_walk;

static void take_start(xmp_walk *w, const fct_xml_tag *tag) {
    bool rdf = fct_xml_is(tag->name, "RDF") && fct_xml_is(tag->uri, rdf_uri);
    if (rdf && !w->t->found) {
        w->t->found = true;
        w->rdf = tag->depth;
        w->t->rdf = (fct_xmp_span){(size_t)(tag->from - w->scan.start), (size_t)(tag->to - w->scan.start)};
        w->t->sealed = w->scan.closing;
    } else if (w->rdf && tag->depth == w->rdf + 1) take_about(w->t, tag);
}

/* The regions are noted when they end, and the namespaces around them are still known then. */
static fct_status take_stop(xmp_walk *w, const fct_xml_tag *tag, fct_error *err) {
    fct_xmp_text *t = w->t;
    if (w->rdf && tag->depth == w->rdf) {
        t->insert = (size_t)(tag->from - w->scan.start);
        w->rdf = 0;
    }
    if (!w->rdf || tag->depth != w->rdf + 2 || !is_regions(tag)) return FCT_OK;
    if (t->n_regions >= FCT_XMP_MAX_SPANS)
        return fct_fail(err, FCT_ERR_LIMIT, "%s: XMP has more than %d lists of regions", w->scan.file,
                        FCT_XMP_MAX_SPANS);
    bool mp = fct_xml_is(tag->name, "RegionInfo");
    if (!w->have[mp]) add_element(t, &w->scan, tag->element, tag->to);
    w->have[mp] = true;
    t->regions[t->n_regions++] =
        (fct_xmp_span){(size_t)(tag->element - w->scan.start), (size_t)(tag->to - w->scan.start)};
    return FCT_OK;
}

static fct_status walk(xmp_walk *w, fct_error *err) {
    fct_xml_tag tag;
    fct_status s = fct_xml_begin(&w->scan, w->t->text.data, w->t->text.size, w->scan.file, err);
    do {
        if (!s) s = fct_xml_next(&w->scan, &tag, err);
        if (!s && tag.kind == FCT_XML_START) take_start(w, &tag);
        if (!s && tag.kind == FCT_XML_STOP) s = take_stop(w, &tag, err);
    } while (!s && tag.kind != FCT_XML_OVER);
    return s;
}

/* Takes away the declaration of an encoding, which is UTF-8 now whatever it was. */
static void drop_declaration(fct_buf *text) {
    const char *close = text->size > 6 && !memcmp(text->data, "<?xml ", 6) ? strstr(text->data, "?>") : NULL;
    if (!close) return;
    size_t n = (size_t)(close + 2 - text->data);
    memmove(text->data, text->data + n, text->size - n + 1);
    text->size -= n;
}

fct_status fct_xmp_text_read(const uint8_t *data, size_t n, const char *file, fct_xmp_text *out, fct_error *err) {
    *out = (fct_xmp_text){0};
    if (!data || !n) return FCT_OK;
    if (n > 2 * (size_t)FCT_XML_MAX_SIZE)
        return fct_fail(err, FCT_ERR_LIMIT, "%s: XMP of %zu bytes, the limit is %d", file, n, FCT_XML_MAX_SIZE);
    fct_xml_clean(data, n, &out->text);
    xmp_walk *w = fct_calloc(1, sizeof *w);
    if (!w || out->text.failed) {
        fct_free(w);
        return fct_fail_nomem(err, file, n);
    }
    drop_declaration(&out->text);
    w->t = out;
    w->scan.file = file;
    fct_status s = FCT_OK;
    if (out->text.size) s = walk(w, err);
    if (out->packet.size) fct_buf_text(&out->packet, tail);
    if (!s && (out->packet.failed || out->about.failed)) s = fct_fail_nomem(err, file, 0);
    fct_free(w);
    return s;
}

void fct_xmp_text_free(fct_xmp_text *t) {
    fct_buf_free(&t->text);
    fct_buf_free(&t->about);
    fct_buf_free(&t->packet);
}

/* ---- Putting together ----------------------------------------------------------------- */

/* Appends the description that exempi has written, with the packet's own rdf:about and the namespace of RDF. */
static void add_description(const fct_xmp_text *t, const fct_buf *regions, fct_buf *out) {
    static const char first[] = "<rdf:Description rdf:about=\"\"", last[] = "</rdf:Description>";
    const char *from = regions->size ? strstr(regions->data, first) : NULL, *to = from, *next;
    while (to && (next = strstr(to + 1, last))) to = next;
    if (!from || to == from) return; /* it has nothing to say */
    from += sizeof first - 1;
    fct_buf_text(out, "  <rdf:Description xmlns:rdf=\"");
    fct_buf_text(out, rdf_uri);
    fct_buf_text(out, "\" rdf:about=\"");
    if (t->about.size) fct_buf_add(out, t->about.data, t->about.size);
    fct_buf_char(out, '"');
    fct_buf_add(out, from, (size_t)(to - from));
    fct_buf_text(out, last);
    fct_buf_char(out, '\n');
}

/* The text from `from` to `to` without the regions in it. */
static void add_rest(const fct_xmp_text *t, size_t from, size_t to, fct_buf *out) {
    for (int i = 0; i < t->n_regions; i++) {
        if (t->regions[i].from < from || t->regions[i].to > to) continue;
        fct_buf_add(out, t->text.data + from, t->regions[i].from - from);
        from = t->regions[i].to;
    }
    fct_buf_add(out, t->text.data + from, to - from);
}

/* A packet that was not there. */
static void add_new(const fct_xmp_text *t, const fct_buf *regions, bool embedded, fct_buf *out) {
    if (embedded) fct_buf_text(out, "<?xpacket begin=\"\xEF\xBB\xBF\" id=\"W5M0MpCehiHzreSzNTczkc9d\"?>\n");
    else fct_buf_text(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    fct_buf_text(out, head);
    add_description(t, regions, out);
    fct_buf_text(out, tail);
    if (!embedded) return;
    for (int i = 0; i < 20; i++) fct_buf_printf(out, "%99s\n", "");
    fct_buf_text(out, "<?xpacket end=\"w\"?>");
}

/* An rdf:RDF in one tag, "<rdf:RDF ... />", is opened; its own prefix is kept. */
static void add_opened(const fct_xmp_text *t, const fct_buf *regions, fct_buf *out) {
    const char *tag = t->text.data + t->rdf.from;
    size_t n = t->rdf.to - t->rdf.from, name = 1;
    while (!strchr(" \t\r\n/>", tag[name])) name++;
    fct_buf_add(out, t->text.data, t->rdf.from);
    fct_buf_add(out, tag, n - 2);
    fct_buf_text(out, ">\n");
    add_description(t, regions, out);
    fct_buf_text(out, "</");
    fct_buf_add(out, tag + 1, name - 1);
    fct_buf_char(out, '>');
    fct_buf_add(out, t->text.data + t->rdf.to, t->text.size - t->rdf.to);
}

fct_status fct_xmp_text_put(const fct_xmp_text *t, const fct_buf *regions, bool embedded, const char *file,
                            fct_buf *out, fct_error *err) {
    if (t->text.size && !t->found) return fct_fail(err, FCT_ERR_FORMAT, "%s: not XMP: no rdf:RDF", file);
    if (!t->text.size) add_new(t, regions, embedded, out);
    else {
        if (!embedded) fct_buf_text(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
        if (t->sealed) add_opened(t, regions, out);
        else {
            add_rest(t, 0, t->insert, out);
            add_description(t, regions, out);
            add_rest(t, t->insert, t->text.size, out);
        }
        if (!embedded) fct_buf_char(out, '\n');
    }
    return out->failed ? fct_fail_nomem(err, file, t->text.size) : FCT_OK;
}
