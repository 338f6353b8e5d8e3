/* HEIC and AVIF (ISO/IEC 23008-12): boxes of size (u32, itself included; 1 = a u64
 * follows the type; 0 = to the end), type (4 letters) and content. Full boxes begin
 * with version (u8) and flags (u24). Of interest inside "meta" (full):
 *   pitm   number of the primary item
 *   iinf   count, then "infe" boxes: item's number, protection (u16), type (4 letters),
 *          name "\0" and, for type "mime", what it is: "application/rdf+xml" is XMP
 *   iloc   sizes of its fields (4 bits each: offset, length, base offset, index), then
 *          for each item: number, construction (0 = offset in the file, 1 = in idat),
 *          extents of offset and length
 *   iprp   "ipco": the properties, counted from 1: ispe (width, height), irot (quarter
 *          turns to the left), imir (1 = top and bottom change places, 0 = the sides);
 *          "ipma": which properties each item has
 * The properties say how the picture is turned; its EXIF block only repeats it. */
#include "tags/photo_meta.h"

#include "base/error.h"
#include "tags/region_turn.h"

#include <math.h>
#include <string.h>

/* A range of the file's bytes that is read from its beginning. Reading past the end gives zeros and marks it. */
typedef struct heif_span {
    const uint8_t *at, *end;
    bool bad;
} heif_span;

typedef struct heif_box {
    char type[5];
    heif_span body;
} heif_box;

typedef struct heif_items {
    heif_span iloc, idat;
    heif_span properties; /* content of ipco */
    heif_span links;      /* content of ipma */
    uint64_t primary, xmp;
    bool has_xmp;
} heif_items;

static uint64_t take(heif_span *s, int n) {
    if (s->end - s->at < n) {
        s->bad = true;
        s->at = s->end;
        return 0;
    }
    uint64_t v = fct_meta_big(s->at, n);
    s->at += n;
    return v;
}

/* Takes the next box off a range; false at its end, and where the box does not fit (then the range is bad). */
static bool next_box(heif_span *s, heif_box *out) {
    if (s->at == s->end || s->bad) return false;
    const uint8_t *start = s->at;
    uint64_t size = take(s, 4), type = take(s, 4);
    if (size == 1) size = take(s, 8);
    else if (size == 0) size = (uint64_t)(s->end - start);
    size_t head = (size_t)(s->at - start);
    if (s->bad || size < head || size > (uint64_t)(s->end - start)) {
        s->bad = true;
        return false;
    }
    for (int i = 0; i < 4; i++) out->type[i] = (char)(type >> 8 * (3 - i) & 255);
    out->type[4] = 0;
    out->body = (heif_span){s->at, start + size, false};
    s->at = start + size;
    return true;
}

static bool is_box(const heif_box *b, const char *type) { return !strcmp(b->type, type); }

static bool is_heif(const uint8_t *data, size_t size) {
    static const char *const brands[] = {"heic", "heix", "heim", "heis", "hevc", "hevx",
                                         "mif1", "msf1", "mif2", "avif", "avis"};
    if (size < 16 || memcmp(data + 4, "ftyp", 4)) return false;
    for (size_t i = 0; i < sizeof brands / sizeof *brands; i++)
        if (!memcmp(data + 8, brands[i], 4)) return true;
    return false;
}

/* One entry of iinf: notes the first item that is XMP. */
static void take_item_info(heif_span s, heif_items *out) {
    uint64_t version = take(&s, 1);
    take(&s, 3);
    if (version < 2 || out->has_xmp) return;
    uint64_t id = take(&s, version == 2 ? 2 : 4);
    take(&s, 2);
    if (take(&s, 4) != 0x6D696D65) return; /* "mime" */
    const uint8_t *nul = s.at < s.end ? memchr(s.at, 0, (size_t)(s.end - s.at)) : NULL;
    static const char kind[] = "application/rdf+xml";
    if (!nul || (size_t)(s.end - nul - 1) < sizeof kind - 1 || memcmp(nul + 1, kind, sizeof kind - 1)) return;
    out->xmp = id;
    out->has_xmp = true;
}

static void take_item_infos(heif_span s, heif_items *out) {
    heif_box b;
    uint64_t version = take(&s, 1);
    take(&s, 3);
    take(&s, version == 0 ? 2 : 4);
    while (next_box(&s, &b))
        if (is_box(&b, "infe")) take_item_info(b.body, out);
}

static void take_properties(heif_span s, heif_items *out) {
    heif_box b;
    while (next_box(&s, &b)) {
        if (is_box(&b, "ipco")) out->properties = b.body;
        else if (is_box(&b, "ipma")) out->links = b.body;
    }
}

static void take_meta(heif_span s, heif_items *out) {
    heif_box b;
    take(&s, 4);
    while (next_box(&s, &b)) {
        if (is_box(&b, "pitm"))
            out->primary =
                take(&b.body, 1) ? (take(&b.body, 3), take(&b.body, 4)) : (take(&b.body, 3), take(&b.body, 2));
        else if (is_box(&b, "iinf")) take_item_infos(b.body, out);
        else if (is_box(&b, "iloc")) out->iloc = b.body;
        else if (is_box(&b, "idat")) out->idat = b.body;
        else if (is_box(&b, "iprp")) take_properties(b.body, out);
    }
}

/* Finds the bytes of the XMP item. An item in several pieces is not put together: nobody writes XMP so. */
static fct_status locate_xmp(const fct_photo_bytes *p, heif_items *items, fct_photo_meta *out, fct_error *err) {
    heif_span s = items->iloc;
    uint64_t version = take(&s, 1);
    take(&s, 3);
    uint64_t sizes = take(&s, 2);
    int offset = (int)(sizes >> 12), length = (int)(sizes >> 8 & 15), base = (int)(sizes >> 4 & 15);
    int index = version ? (int)(sizes & 15) : 0;
    if (offset > 8 || length > 8 || base > 8 || index > 8) s.bad = true;
    uint64_t n = take(&s, version < 2 ? 2 : 4);
    for (uint64_t i = 0; i < n && !s.bad; i++) {
        uint64_t id = take(&s, version < 2 ? 2 : 4), way = version ? take(&s, 2) & 15 : 0;
        take(&s, 2);
        uint64_t start = take(&s, base), extents = take(&s, 2), from = 0, size = 0;
        for (uint64_t k = 0; k < extents && !s.bad; k++) {
            take(&s, index);
            from = take(&s, offset);
            size = take(&s, length);
        }
        if (id != items->xmp || s.bad) continue;
        heif_span in = way == 1 ? items->idat : (heif_span){p->data, p->data + p->size, false};
        uint64_t room = (uint64_t)(in.end - in.at), at = start + from;
        if (extents != 1 || way > 1)
            return fct_fail(err, FCT_ERR_UNSUPPORTED, "%s: %s with XMP in pieces", p->name, out->format);
        if (at < start || at > room || size > room - at) break;
        out->xmp = in.at + at;
        out->xmp_size = (size_t)size;
        return FCT_OK;
    }
    return fct_fail(err, FCT_ERR_FORMAT, "%s: %s is damaged: its XMP lies nowhere", p->name, out->format);
}

/* What the properties do so far, as an orientation: where a point goes that all eight of them put elsewhere. */
static int add_turn(int orientation, int more) {
    double p[2], q[2], want[2];
    fct_turn_point(orientation, 0.25, 0.125, p);
    fct_turn_point(more, p[0], p[1], want);
    for (int o = 1; o <= 8; o++) {
        fct_turn_point(o, 0.25, 0.125, q);
        if (fabs(q[0] - want[0]) + fabs(q[1] - want[1]) < 1e-9) return o;
    }
    return orientation;
}

/* The property with this number, counted from 1, applied to what is known of the picture. */
static void apply_property(heif_span s, uint64_t number, fct_photo_meta *out) {
    static const int turns[4] = {1, 8, 3, 6};
    heif_box b;
    for (uint64_t i = 1; next_box(&s, &b); i++) {
        if (i != number) continue;
        if (is_box(&b, "irot")) out->orientation = add_turn(out->orientation, turns[take(&b.body, 1) & 3]);
        else if (is_box(&b, "imir")) out->orientation = add_turn(out->orientation, take(&b.body, 1) & 1 ? 4 : 2);
        else if (is_box(&b, "ispe")) {
            take(&b.body, 4);
            uint64_t w = take(&b.body, 4), h = take(&b.body, 4);
            if (b.body.bad || w > INT32_MAX || h > INT32_MAX) return;
            out->width = (int)w;
            out->height = (int)h;
        }
        return;
    }
}

/* Applies the primary item's properties in their order. */
static void apply_links(const heif_items *items, fct_photo_meta *out) {
    enum { MOST = 64 }; /* of one item: more is no file of a camera */
    heif_span s = items->links;
    uint64_t version = take(&s, 1), flags = take(&s, 3), n = take(&s, 4);
    for (uint64_t i = 0; i < n && !s.bad; i++) {
        uint64_t id = take(&s, version ? 4 : 2), links = take(&s, 1);
        for (uint64_t k = 0; k < links && !s.bad; k++) {
            uint64_t number = flags & 1 ? take(&s, 2) & 0x7FFF : take(&s, 1) & 0x7F;
            if (id == items->primary && k < MOST) apply_property(items->properties, number, out);
        }
    }
}

static fct_status read_heif(const fct_photo_bytes *p, fct_photo_meta *out, fct_error *err) {
    static const uint8_t none[1];
    heif_span file = {p->data, p->data + p->size, false}, empty = {none, none, false};
    heif_items items = {.iloc = empty, .idat = empty, .properties = empty, .links = empty};
    heif_box b;
    bool found = false;
    while (!found && next_box(&file, &b)) {
        found = is_box(&b, "meta");
        if (found) take_meta(b.body, &items);
    }
    if (!found) return fct_fail(err, FCT_ERR_FORMAT, "%s: %s is damaged or cut off", p->name, out->format);
    apply_links(&items, out);
    return items.has_xmp ? locate_xmp(p, &items, out, err) : FCT_OK;
}

const fct_photo_format fct_photo_heif = {"HEIC", is_heif, read_heif, NULL};
