/* Photos and XMP for the tests of tags. */
#ifndef FCT_TESTS_TAGS_UTIL_H
#define FCT_TESTS_TAGS_UTIL_H

#include "facet/facet.h"
#include "scratch.h"

#include <math.h>

static fct_error e;

/* XMP around the content of an rdf:RDF. */
#define XMP_PACKET(content)                                                                                            \
    "<?xpacket begin='\xEF\xBB\xBF' id='W5M0MpCehiHzreSzNTczkc9d'?>\n"                                                 \
    "<x:xmpmeta xmlns:x='adobe:ns:meta/'><rdf:RDF xmlns:rdf='http://www.w3.org/1999/02/22-rdf-syntax-ns#'>" content    \
    "</rdf:RDF></x:xmpmeta>\n<?xpacket end='w'?>"

/* The namespaces of regions. */
#define XMP_REGION_NAMESPACES                                                                                          \
    " xmlns:mwg-rs='http://www.metadataworkinggroup.com/schemas/regions/'"                                             \
    " xmlns:stArea='http://ns.adobe.com/xmp/sType/Area#' xmlns:stDim='http://ns.adobe.com/xap/1.0/sType/Dimensions#'"  \
    " xmlns:MP='http://ns.microsoft.com/photo/1.2/' xmlns:MPRI='http://ns.microsoft.com/photo/1.2/t/RegionInfo#'"      \
    " xmlns:MPReg='http://ns.microsoft.com/photo/1.2/t/Region#'"

static inline void put_text(const char *name, const char *text) {
    REQUIRE(fct_file_write_atomic(at(name), text, strlen(text), NULL) == FCT_OK);
}

/* A photo of width x height with a different color in each corner. */
static inline void put_photo(const char *name, int width, int height) {
    fct_image *im;
    REQUIRE(fct_image_create(width, height, FCT_PIX_RGB, &im, &e) == FCT_OK);
    for (int i = 0; i < 4; i++)
        fct_draw_fill(im, (float)(i % 2 * width / 2), (float)(i / 2 * height / 2), (float)((i % 2 + 1) * width / 2),
                      (float)((i / 2 + 1) * height / 2), 0x204060U * (unsigned)(i + 1));
    CHECK(fct_image_write(fct_image_view(im), at(name), FCT_FILE_AUTO, 0, &e) == FCT_OK);
    fct_image_free(im);
}

/* Gives a JPEG an EXIF block with this orientation. */
static inline void set_orientation(const char *name, int orientation) {
    static const uint8_t head[] = "\xFF\xE1\0\x22"
                                  "Exif\0\0II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0";
    uint8_t *data;
    size_t n;
    REQUIRE(fct_file_read(at(name), 1 << 24, &data, &n, &e) == FCT_OK && data[0] == 0xFF && data[1] == 0xD8);
    FILE *f = fct_fopen(at(name), "wb");
    REQUIRE(f);
    fwrite(data, 1, 2, f);
    fwrite(head, 1, sizeof head - 1, f);
    fputc(orientation, f);
    fwrite("\0\0\0\0\0\0", 1, 7, f);
    fwrite(data + 2, 1, n - 2, f);
    fclose(f);
    fct_buffer_free(data);
}

/* Reads a photo's regions with a reader of its own; NULL and the error in e on failure. */
static inline fct_tags *read_tags(const char *name) {
    fct_tags_reader *r;
    fct_tags *t = NULL;
    REQUIRE(fct_tags_reader_create(&r, &e) == FCT_OK);
    fct_status s = fct_tags_read(r, at(name), &t, &e);
    CHECK((s == FCT_OK) == (t != NULL) && (!s || (e.code == s && e.text[0])));
    fct_tags_reader_free(r);
    return t;
}

static inline void check_region(const fct_tags *t, int i, const char *name, double x1, double y1, double x2,
                                double y2) {
    REQUIRE(t && i < fct_tags_count(t));
    const fct_region *r = fct_tags_region(t, i);
    const double want[4] = {x1, y1, x2, y2};
    CHECK_MSG(!strcmp(r->name, name), "region %d is %s, not %s", i, r->name, name);
    for (int k = 0; k < 4; k++)
        CHECK_MSG(fabs((double)r->box[k] - want[k]) < 2e-5, "region %d (%s): [%d] = %f, not %f", i, name, k, r->box[k],
                  want[k]);
}

static inline bool have_xmp(void) { return strstr(fct_build_features(), "tags") != NULL; }
#define NEEDS_XMP()                                                                                                    \
    do {                                                                                                               \
        if (!have_xmp()) SKIP("built without exempi (apt-get install libexempi-dev)");                                 \
    } while (0)

#endif
