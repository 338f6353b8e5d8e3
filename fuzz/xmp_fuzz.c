/* XMP and photos from strangers. Whatever the bytes are, as a sidecar's or as a whole
 * photo's: an answer or an error; what is written is read again with the same faces,
 * and writing it a second time changes nothing. */
#include "fuzz.h"

#include "tags/photo_meta.h"
#include "tags/xmp_regions.h"
#include "tags/xmp_text.h"

static const fct_face_mark marks[] = {{{0.1, 0.2, 0.3, 0.5}, "Ada"}, {{0.6, 0.1, 0.9, 0.3}, "Zo\xC3\xAB <&\">"}};
static const fct_mark_list faces = {marks, 2, 400, 300, 6};

/* Merges the faces into a packet; *out is the new one. */
static fct_status merge(const uint8_t *data, size_t size, bool embedded, fct_buf *out, fct_tags_written *done,
                        fct_error *e) {
    fct_xmp_text text;
    fct_xmp *x = NULL;
    fct_buf regions = {0};
    fct_status s = fct_xmp_text_read(data, size, "fuzz", &text, e);
    if (!s) s = fct_xmp_parse(text.packet.data, text.packet.size, "fuzz", &x, e);
    if (!s) s = fct_xmp_regions_merge(x, &faces, "fuzz", done, e);
    if (!s && done->changed) s = fct_xmp_write(x, "fuzz", &regions, e);
    if (!s && done->changed) s = fct_xmp_text_put(&text, &regions, embedded, "fuzz", out, e);
    FUZZ_REQUIRE(s <= 0 && (!s || (e->code == s && e->text[0])));
    fct_buf_free(&regions);
    fct_xmp_free(x);
    fct_xmp_text_free(&text);
    return s;
}

static void use_packet(const uint8_t *data, size_t size, bool embedded) {
    fct_error e;
    fct_buf first = {0}, second = {0};
    fct_tags_written done, again;
    fct_status s = merge(data, size, embedded, &first, &done, &e);
    if (!s && done.changed) {
        FUZZ_REQUIRE(merge((const uint8_t *)first.data, first.size, embedded, &second, &again, &e) == FCT_OK);
        FUZZ_REQUIRE(!again.changed);
    }
    fct_buf_free(&first);
    fct_buf_free(&second);
}

/* As a photo: another packet is found where it was put. */
static void use_photo(const uint8_t *data, size_t size) {
    static const char xmp[] = "<rdf:RDF xmlns:rdf='http://www.w3.org/1999/02/22-rdf-syntax-ns#'/>";
    fct_photo_meta m;
    fct_error e;
    fct_buf out = {0};
    if (fct_photo_meta_read(&(fct_photo_bytes){data, size, "fuzz.tif"}, &m, &e)) return;
    FUZZ_REQUIRE(m.format && m.orientation >= 1 && m.orientation <= 8 && m.width >= 0 && m.height >= 0);
    if (m.xmp) FUZZ_REQUIRE(m.xmp >= data && m.xmp_size <= size && m.xmp + m.xmp_size <= data + size);
    if (!fct_photo_meta_put(&(fct_photo_bytes){data, size, "fuzz.tif"}, xmp, sizeof xmp - 1, &out, &e)) {
        fct_photo_bytes again = {(const uint8_t *)out.data, out.size, "fuzz.tif"};
        FUZZ_REQUIRE(!fct_photo_meta_read(&again, &m, &e));
        FUZZ_REQUIRE(m.xmp_size == sizeof xmp - 1 && !memcmp(m.xmp, xmp, m.xmp_size));
    }
    fct_buf_free(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    long live = fct_alloc_live();
    use_photo(data, size);
    if (strstr(fct_build_features(), "tags")) use_packet(data, size, size & 1);
    FUZZ_REQUIRE(fct_alloc_live() == live);
    return 0;
}
