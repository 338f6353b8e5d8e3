/* Reading face regions: places under all orientations, files as other programs write
 * them, damaged and hostile ones. tests/cli/tags_test.py compares with exiftool. */
#include "image/image_internal.h"
#include "tags/photo_meta.h"
#include "tags/region_number.h"
#include "tags/region_turn.h"
#include "tags/xml_scan.h"
#include "tags_util.h"

/* A box drawn into a picture, which is then turned by the code that turns photos, must be where the region is. */
TEST(a_region_is_where_its_pixels_are_shown) {
    enum { W = 40, H = 20, X1 = 4, Y1 = 3, X2 = 14, Y2 = 9 };
    for (int o = 1; o <= 8; o++) {
        fct_image *im, *shown;
        REQUIRE(fct_image_create(W, H, FCT_PIX_GRAY, &im, &e) == FCT_OK);
        for (int y = Y1; y < Y2; y++) memset(fct_image_pixels(im) + y * fct_image_view(im).stride + X1, 255, X2 - X1);
        REQUIRE(fct_image_orient(fct_image_view(im), o, &shown, &e) == FCT_OK);
        fct_view v = fct_image_view(shown);
        int x1 = v.width, y1 = v.height, x2 = 0, y2 = 0;
        for (int y = 0; y < v.height; y++)
            for (int x = 0; x < v.width; x++) {
                if (v.data[y * v.stride + x] != 255) continue;
                x1 = x < x1 ? x : x1, y1 = y < y1 ? y : y1, x2 = x + 1 > x2 ? x + 1 : x2, y2 = y + 1 > y2 ? y + 1 : y2;
            }
        double box[4] = {(double)X1 / W, (double)Y1 / H, (double)X2 / W, (double)Y2 / H}, got[4], back[4];
        const double want[4] = {(double)x1 / v.width, (double)y1 / v.height, (double)x2 / v.width,
                                (double)y2 / v.height};
        fct_turn_to_shown(o, box, got);
        fct_turn_to_stored(o, got, back);
        for (int i = 0; i < 4; i++) {
            CHECK_MSG(fabs(got[i] - want[i]) < 1e-12, "orientation %d, [%d]: %f, not %f", o, i, got[i], want[i]);
            CHECK(fabs(back[i] - box[i]) < 1e-12);
        }
        fct_image_free(im);
        fct_image_free(shown);
    }
}

/* digiKam writes both lists with attributes. One region has no name, one is a pet. */
TEST(a_sidecar_as_digikam_writes_it) {
    NEEDS_XMP();
    new_root("tags_digikam");
    put_photo("a.jpg", 400, 300);
    put_text(
        "a.jpg.xmp",
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n" XMP_PACKET(
            "<rdf:Description rdf:about='' " XMP_REGION_NAMESPACES " xmlns:tiff='http://ns.adobe.com/tiff/1.0/' "
            "tiff:Orientation='1'>"
            "<mwg-rs:Regions rdf:parseType='Resource'><mwg-rs:AppliedToDimensions stDim:w='400' stDim:h='300' "
            "stDim:unit='pixel'/><mwg-rs:RegionList><rdf:Bag><rdf:li><rdf:Description mwg-rs:Name='Zo\xC3\xAB' "
            "mwg-rs:Type='Face'><mwg-rs:Area stArea:x='0.5' stArea:y='0.25' stArea:w='0.2' stArea:h='0.1' "
            "stArea:unit='normalized'/></rdf:Description></rdf:li>"
            "<rdf:li><rdf:Description mwg-rs:Type='Face'><mwg-rs:Area stArea:x='0.1' stArea:y='0.9' stArea:w='0.1' "
            "stArea:h='0.1' stArea:unit='normalized'/></rdf:Description></rdf:li>"
            "<rdf:li><rdf:Description mwg-rs:Name='Rex' mwg-rs:Type='Pet'><mwg-rs:Area stArea:x='0.8' stArea:y='0.8' "
            "stArea:w='0.1' stArea:h='0.1' stArea:unit='normalized'/></rdf:Description></rdf:li>"
            "</rdf:Bag></mwg-rs:RegionList></mwg-rs:Regions>"
            "<MP:RegionInfo rdf:parseType='Resource'><MPRI:Regions><rdf:Bag>"
            "<rdf:li MPReg:Rectangle='0.4, 0.2, 0.2, 0.1' MPReg:PersonDisplayName='Zo\xC3\xAB'/>"
            "</rdf:Bag></MPRI:Regions></MP:RegionInfo></rdf:Description>"));
    fct_tags *t = read_tags("a.jpg");
    REQUIRE(t);
    CHECK(fct_tags_count(t) == 3 && !strcmp(fct_tags_sidecar(t), at("a.jpg.xmp")));
    check_region(t, 0, "Zo\xC3\xAB", 0.4, 0.2, 0.6, 0.3);
    check_region(t, 1, "", 0.05, 0.85, 0.15, 0.95);
    check_region(t, 2, "Rex", 0.75, 0.75, 0.85, 0.85);
    CHECK(fct_tags_region(t, 2)->kind == FCT_REGION_PET && fct_tags_region(t, 0)->source == FCT_REGION_SIDECAR);
    fct_tags_free(t);
}

/* Lightroom: photo.xmp, elements instead of attributes, a rotation, and a photo that is shown turned. */
TEST(a_sidecar_as_lightroom_writes_it) {
    NEEDS_XMP();
    new_root("tags_lightroom");
    put_photo("a.jpg", 400, 300);
    set_orientation("a.jpg", 6);
    put_text("a.xmp",
             XMP_PACKET("<rdf:Description rdf:about=''" XMP_REGION_NAMESPACES "><mwg-rs:Regions "
                        "rdf:parseType='Resource'><mwg-rs:AppliedToDimensions rdf:parseType='Resource'><stDim:w>4000"
                        "</stDim:w><stDim:h>3000</stDim:h><stDim:unit>pixel</stDim:unit></mwg-rs:AppliedToDimensions>"
                        "<mwg-rs:RegionList><rdf:Bag><rdf:li rdf:parseType='Resource'><mwg-rs:Area "
                        "rdf:parseType='Resource'><stArea:h>0.20</stArea:h><stArea:w>0.10</stArea:w><stArea:x>0.25"
                        "</stArea:x><stArea:y>0.40</stArea:y></mwg-rs:Area><mwg-rs:Name>Ada</mwg-rs:Name>"
                        "<mwg-rs:Type>Face</mwg-rs:Type><mwg-rs:Rotation>-1.57080</mwg-rs:Rotation></rdf:li></rdf:Bag>"
                        "</mwg-rs:RegionList></mwg-rs:Regions></rdf:Description>"));
    fct_tags *t = read_tags("a.jpg");
    REQUIRE(t && fct_tags_count(t) == 1);
    CHECK(fct_tags_width(t) == 300 && fct_tags_height(t) == 400 && fct_tags_orientation(t) == 6);
    check_region(t, 0, "Ada", 0.5, 0.2, 0.7, 0.3);
    CHECK(!fct_tags_region(t, 0)->doubtful);
    fct_tags_free(t);
}

/* Windows: Microsoft's list alone, names without rectangles among them, and RDF without an envelope. */
TEST(a_list_as_windows_writes_it) {
    NEEDS_XMP();
    new_root("tags_windows");
    put_photo("a.jpg", 400, 300);
    put_text("a.jpg.xmp", "<rdf:RDF xmlns:rdf='http://www.w3.org/1999/02/22-rdf-syntax-ns#'><rdf:Description "
                          "rdf:about='uuid:faf5bdd5-ba3d-11da-ad31-d33d75182f1b'" XMP_REGION_NAMESPACES
                          "><MP:RegionInfo><rdf:Description><MPRI:Regions><rdf:Bag><rdf:li><rdf:Description>"
                          "<MPReg:PersonDisplayName>Nobody Drawn</MPReg:PersonDisplayName></rdf:Description></rdf:li>"
                          "<rdf:li><rdf:Description><MPReg:Rectangle>0.790650, 0.441734, 0.209350, 0.279133"
                          "</MPReg:Rectangle><MPReg:PersonDisplayName> Ada Lovelace </MPReg:PersonDisplayName>"
                          "</rdf:Description></rdf:li></rdf:Bag></MPRI:Regions></rdf:Description></MP:RegionInfo>"
                          "</rdf:Description></rdf:RDF>");
    fct_tags *t = read_tags("a.jpg");
    REQUIRE(t && fct_tags_count(t) == 1);
    check_region(t, 0, "Ada Lovelace", 0.790650, 0.441734, 1, 0.720867);
    fct_tags_free(t);
}

/* Regions that are given in the shown picture, in pixels, as circles, outside, and for another picture. */
TEST(areas_of_all_kinds) {
    NEEDS_XMP();
#define ONE_REGION(dims, area)                                                                                         \
    XMP_PACKET("<rdf:Description rdf:about=''" XMP_REGION_NAMESPACES                                                   \
               "><mwg-rs:Regions rdf:parseType='Resource'><mwg-rs:AppliedToDimensions " dims                           \
               "/><mwg-rs:RegionList><rdf:Bag><rdf:li rdf:parseType='Resource'><mwg-rs:Name>Ada</mwg-rs:Name>"         \
               "<mwg-rs:Area " area "/></rdf:li></rdf:Bag></mwg-rs:RegionList></mwg-rs:Regions></rdf:Description>")
    static const struct {
        const char *xmp;
        int n;
        bool doubtful;
        double box[4];
    } cases[] = {
        {ONE_REGION("stDim:w='300' stDim:h='400'", "stArea:x='.6' stArea:y='.25' stArea:w='.2' stArea:h='.1'"),
         1,
         false,
         {0.5, 0.2, 0.7, 0.3}}, /* the program had turned the photo */
        {ONE_REGION("stDim:w='400' stDim:h='300'",
                    "stArea:x='100' stArea:y='120' stArea:w='40' stArea:h='60' stArea:unit='pixel'"),
         1,
         false,
         {0.5, 0.2, 0.7, 0.3}},
        {ONE_REGION("stDim:w='400' stDim:h='300'", "stArea:x='0.5' stArea:y='0.5' stArea:d='0.5'"),
         1,
         false,
         {0.25, 0.3125, 0.75, 0.6875}}, /* a circle 150 pixels wide */
        {ONE_REGION("stDim:w='400' stDim:h='300'", "stArea:x='0' stArea:y='0' stArea:w='0.2' stArea:h='0.2'"),
         1,
         false,
         {0.9, 0, 1, 0.1}}, /* cut at the border */
        {ONE_REGION("stDim:w='400' stDim:h='300'", "stArea:x='1.5' stArea:y='0.5' stArea:w='0.2' stArea:h='0.2'"),
         0,
         false,
         {0}},
        {ONE_REGION("stDim:w='400' stDim:h='300'", "stArea:x='nan' stArea:y='0.5' stArea:w='0.2' stArea:h='0.2'"),
         0,
         false,
         {0}},
        {ONE_REGION("stDim:w='900' stDim:h='300'", "stArea:x='.25' stArea:y='.4' stArea:w='.1' stArea:h='.2'"),
         1,
         true,
         {0.5, 0.2, 0.7, 0.3}},
    };
    new_root("tags_areas");
    put_photo("a.jpg", 400, 300);
    set_orientation("a.jpg", 6);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        put_text("a.jpg.xmp", cases[i].xmp);
        fct_tags *t = read_tags("a.jpg");
        CHECK_MSG(t && fct_tags_count(t) == cases[i].n, "case %zu: %s", i, t ? "number" : e.text);
        if (t && cases[i].n) {
            const double *b = cases[i].box;
            check_region(t, 0, "Ada", b[0], b[1], b[2], b[3]);
            CHECK_MSG(fct_tags_region(t, 0)->doubtful == cases[i].doubtful, "case %zu", i);
        }
        fct_tags_free(t);
    }
}

TEST(text_in_other_encodings) {
    NEEDS_XMP();
    static const char xmp[] =
        XMP_PACKET("<rdf:Description rdf:about=''" XMP_REGION_NAMESPACES
                   "><MP:RegionInfo rdf:parseType='Resource'><MPRI:Regions><rdf:Bag><rdf:li "
                   "MPReg:Rectangle='0.4, 0.2, 0.2, 0.1' MPReg:PersonDisplayName='Zo\xEB\x02'/></rdf:Bag>"
                   "</MPRI:Regions></MP:RegionInfo></rdf:Description>");
    static uint8_t wide[2 * sizeof xmp + 2] = {0xFF, 0xFE};
    new_root("tags_encodings");
    put_photo("a.jpg", 40, 30);
    put_text("a.jpg.xmp", xmp);
    fct_tags *t = read_tags("a.jpg");
    CHECK_MSG(t, "%s", e.text);
    if (t) check_region(t, 0, "Zo\xC3\xAB", 0.4, 0.2, 0.6, 0.3);
    fct_tags_free(t);
    const char *body = strstr(xmp, "<x:xmpmeta"); /* the same in UTF-16 */
    size_t n = 2;
    for (const char *p = body; *p; p++, n += 2) wide[n] = (uint8_t)*p;
    REQUIRE(fct_file_write_atomic(at("a.jpg.xmp"), wide, n, &e) == FCT_OK);
    t = read_tags("a.jpg");
    CHECK_MSG(t, "%s", e.text);
    if (t) check_region(t, 0, "Zo\xC3\xAB", 0.4, 0.2, 0.6, 0.3);
    fct_tags_free(t);
}

/* Goes through the whole text. */
static fct_status scan(const char *text) {
    fct_xml_scan *x = malloc(sizeof *x);
    fct_xml_tag t;
    REQUIRE(x);
    fct_status s = fct_xml_begin(x, text, strlen(text), "x", &e);
    do
        if (!s) s = fct_xml_next(x, &t, &e);
    while (!s && t.kind != FCT_XML_OVER);
    free(x);
    return s;
}

/* What could make exempi recurse, search or swell without end never gets there. */
TEST(hostile_xml_is_refused_with_its_place) {
    static char deep[4 * 100 + 1], wide[5001 * 4 + 8], names[1002 * 12 + 8];
    for (int i = 0; i < 100; i++) memcpy(deep + 3 * i, "<a>", 3);
    strcpy(wide, "<r>");
    for (int i = 0; i < 5001; i++) strcpy(wide + 3 + 4 * i, "<b/>");
    strcpy(names, "<r");
    for (int i = 0; i < 1001; i++) strcpy(names + 2 + 12 * i, " xmlns:a='b'");
    strcat(names, "/>");
    CHECK(scan(deep) == FCT_ERR_LIMIT && strstr(e.text, "64 levels"));
    CHECK(scan(wide) == FCT_ERR_LIMIT && strstr(e.text, "5000 properties"));
    CHECK(scan(names) == FCT_ERR_LIMIT && strstr(e.text, "256 namespaces"));
    static const char *const bad[] = {"<!DOCTYPE a [<!ENTITY b 'c'>]><a/>",
                                      "<a>",
                                      "</a>",
                                      "<a></b>",
                                      "<a><b></a",
                                      "<a b>",
                                      "<a b=c>",
                                      "<a b='c>",
                                      "<a b='<'/>",
                                      "<",
                                      "<>",
                                      "<a/",
                                      "<a /b>",
                                      "<!-- a",
                                      "<![CDATA[ a",
                                      "<?a"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        CHECK_MSG(scan(bad[i]) == FCT_ERR_FORMAT && strstr(e.text, "at byte"), "%s", bad[i]);
    CHECK(scan("<?x ?><!-- <a> --><r:RDF a = \"'>\" b='\"'><b/><![CDATA[<c>]]>d</r:RDF >") == FCT_OK);
}

TEST(numbers) {
    static const struct {
        const char *text;
        bool ok;
        double v;
    } cases[] = {{"0.25", true, 0.25}, {" -.5x", true, -0.5}, {"1e-3", true, 0.001}, {"2.", true, 2},
                 {"1e", true, 1},      {"", false, 0},        {".", false, 0},       {"nan", false, 0},
                 {"1e999", false, 0},  {"+3", true, 3}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *s = cases[i].text;
        double v;
        CHECK_MSG(fct_region_number(&s, s + strlen(s), &v) == cases[i].ok && fabs(v - cases[i].v) < 1e-12, "'%s': %g",
                  cases[i].text, v);
    }
    char text[32];
    fct_region_number_text(-0.1234567, text);
    CHECK(!strcmp(text, "-0.123457"));
}

/* Photos cut off at every length, and with every byte of the first ones changed, give an answer or an error. */
TEST(cut_and_damaged_photos) {
    static const char *const names[] = {"a.jpg", "a.png", "a.webp"};
    new_root("tags_damaged");
    for (int i = 0; i < 3; i++) {
        uint8_t *data;
        size_t n;
        fct_photo_meta m;
        put_photo(names[i], 48, 32);
        REQUIRE(fct_file_read(at(names[i]), 1 << 24, &data, &n, &e) == FCT_OK);
        CHECK(fct_photo_meta_read(&(fct_photo_bytes){data, n, "x"}, &m, &e) == FCT_OK && m.width == 48 &&
              m.height == 32);
        for (size_t cut = 0; cut < n; cut++) {
            uint8_t *part = malloc(cut + 1); /* of its own, so that a sanitizer sees what is read behind it */
            REQUIRE(part);
            memcpy(part, data, cut);
            fct_status s = fct_photo_meta_read(&(fct_photo_bytes){part, cut, "x"}, &m, &e);
            CHECK(s <= 0 && (s == FCT_OK || e.text[0]));
            free(part);
        }
        for (size_t k = 0; k < n && k < 200; k++) {
            data[k] ^= 0xFF;
            (void)fct_photo_meta_read(&(fct_photo_bytes){data, n, "x"}, &m, &e);
            data[k] ^= 0xFF;
        }
        fct_buffer_free(data);
    }
}

/* Formats that hold no regions, or whose are not written, have sidecars. All these files show a picture of 40 x 24. */
TEST(photos_with_sidecars_alone) {
    static const char *const names[] = {"same-gif", "same-gif-frames", "same-bmp",        "same-bmp-runs",
                                        "same-jxl", "same-jxl-16bit",  "same-jxl-turned6"};
    const char *source = getenv("FCT_SOURCE");
    new_root("tags_plain");
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char path[600];
        uint8_t *data;
        size_t n;
        fct_photo_meta m = {.width = 0};
        snprintf(path, sizeof path, "%s/fuzz/corpus/image/%s", source ? source : ".", names[i]);
        REQUIRE(fct_file_read(path, 1 << 24, &data, &n, &e) == FCT_OK);
        CHECK_MSG(!fct_photo_meta_read(&(fct_photo_bytes){data, n, "x"}, &m, &e) && m.width == 40 && m.height == 24 &&
                      m.orientation == 1,
                  "%s: %d x %d", names[i], m.width, m.height);
        for (size_t cut = 0; cut < n; cut++) {
            uint8_t *part = malloc(cut + 1); /* of its own, so that a sanitizer sees what is read behind it */
            REQUIRE(part);
            memcpy(part, data, cut);
            (void)fct_photo_meta_read(&(fct_photo_bytes){part, cut, "x"}, &m, &e);
            free(part);
        }
        CHECK(!fct_file_write_atomic(at(names[i]), data, n, &e));
        fct_buffer_free(data);
    }
    NEEDS_XMP();
    fct_region ada = {.box = {0.25F, 0.25F, 0.5F, 0.75F}, .name = "Ada"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        fct_tags_written w;
        CHECK(!fct_tags_write(at(names[i]), &ada, 1, NULL, &w, &e) && w.added == 1);
        fct_tags *t = read_tags(names[i]);
        CHECK(t && fct_tags_count(t) == 1 && !strcmp(fct_tags_region(t, 0)->name, "Ada"));
        fct_tags_free(t);
    }
}

TEST(errors_name_the_file) {
    new_root("tags_errors");
    CHECK(!read_tags("none.jpg") && e.code == FCT_ERR_NOT_FOUND && strstr(e.text, "none.jpg"));
    put_text("text.jpg", "no photo at all");
    CHECK(!read_tags("text.jpg") && e.code == FCT_ERR_UNSUPPORTED && strstr(e.text, "text.jpg"));
    NEEDS_XMP();
    put_photo("a.jpg", 40, 30);
    put_text("a.jpg.xmp", XMP_PACKET("<rdf:Description"));
    CHECK(!read_tags("a.jpg") && e.code == FCT_ERR_FORMAT && strstr(e.text, "a.jpg.xmp"));
    put_text("a.jpg.xmp", XMP_PACKET("<rdf:Description rdf:about=''" XMP_REGION_NAMESPACES
                                     "><mwg-rs:Regions>&undefined;</mwg-rs:Regions></rdf:Description>"));
    CHECK(!read_tags("a.jpg") && e.code == FCT_ERR_FORMAT && strstr(e.text, "a.jpg.xmp"));
    put_text("a.jpg.xmp", ""); /* a program's empty sidecar says nothing */
    fct_tags *t = read_tags("a.jpg");
    CHECK(t && fct_tags_count(t) == 0);
    fct_tags_free(t);
}

int main(int argc, char **argv) { return test_main(argc, argv); }
