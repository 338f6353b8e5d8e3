/* Picasa's lists of faces. */
#include "base/alloc.h"
#include "tags/picasa.h"
#include "tags_util.h"

static fct_picasa *parse(const char *text) {
    fct_picasa *p = NULL;
    REQUIRE(fct_picasa_parse((const uint8_t *)text, strlen(text), &p, &e) == FCT_OK);
    return p;
}

static void check_face(const fct_picasa_face *f, const char *name, int l, int t, int r, int b) {
    const double want[4] = {l / 65535.0, t / 65535.0, r / 65535.0, b / 65535.0};
    CHECK_MSG(!strcmp(f->name, name), "%s, not %s", f->name, name);
    for (int i = 0; i < 4; i++) CHECK_MSG(fabs(f->box[i] - want[i]) < 1e-12, "[%d] = %f", i, f->box[i]);
}

/* With a mark, Windows' line ends, a face without a name, one whose contact comes later, and zeros left out. */
TEST(a_list_as_picasa_writes_it) {
    fct_picasa *p = parse("\xEF\xBB\xBF[Picasa]\r\nname=Holidays\r\n\r\n[IMG_1.JPG]\r\nrotate=rotate(1)\r\n"
                          "faces=rect64(3f845bcb59418507),8e62398ebda8c1a5;rect64(5a8b2f5d9a3e),ffffffffffffffff;"
                          "rect64(1000200030004000),12ab\r\nbackuphash=1\r\n"
                          "[Contacts2]\r\n8e62398ebda8c1a5=Ada Lovelace;ada@example.com;\r\n12ab=Zo\xC3\xAB;;\r\n");
    fct_picasa_face f[8];
    CHECK(fct_picasa_faces(p, "img_1.jpg", f, 8) == 3);
    check_face(&f[0], "Ada Lovelace", 0x3f84, 0x5bcb, 0x5941, 0x8507);
    check_face(&f[1], "", 0, 0x5a8b, 0x2f5d, 0x9a3e);
    check_face(&f[2], "Zo\xC3\xAB", 0x1000, 0x2000, 0x3000, 0x4000);
    CHECK(fct_picasa_faces(p, "IMG_1.JPG", f, 2) == 2 && fct_picasa_faces(p, "IMG_2.JPG", f, 8) == 0);
    fct_picasa_free(p);
}

/* The older section names accounts; Latin-1 is taken for what it is. */
TEST(older_lists) {
    fct_picasa *p = parse("[Contacts]\nd10a8325c557b085=joedoe_lh,cb989580bc43a91\n77=Jos\xE9;x\n[a.jpg]\n"
                          "faces=rect64(1000200030004000),d10a8325c557b085;rect64(1000200030005000),77\n");
    fct_picasa_face f[8];
    CHECK(fct_picasa_faces(p, "a.jpg", f, 8) == 2);
    check_face(&f[0], "", 0x1000, 0x2000, 0x3000, 0x4000);
    check_face(&f[1], "Jos\xC3\xA9", 0x1000, 0x2000, 0x3000, 0x5000);
    fct_picasa_free(p);
}

TEST(lines_that_make_no_sense) {
    fct_picasa *p = parse("faces=rect64(1000200030004000),1\n=\n[]\n[a.jpg\n[a.jpg]\nfaces=\nfaces=;;;\n"
                          "faces=rect64(),1;rect64(xyz),1;rect64(12345678901234567),1;rect64(4000300020001000),1;"
                          "rect32(1),1;rect64(1000200030004000;rect64(1000200030004000)\n[Contacts2]\n=x\nzz=y\n5=\n");
    fct_picasa_face f[8];
    CHECK(fct_picasa_faces(p, "a.jpg", f, 8) == 1);
    check_face(&f[0], "", 0x1000, 0x2000, 0x3000, 0x4000);
    fct_picasa_free(p);
    p = parse("");
    CHECK(fct_picasa_faces(p, "a.jpg", f, 8) == 0);
    fct_picasa_free(p);
}

/* Through the public face: the photo's own orientation counts, and XMP of the same face goes before. */
TEST(picasa_beside_a_photo) {
    new_root("picasa_photo");
    put_photo("a.jpg", 400, 300);
    set_orientation("a.jpg", 3);
    put_text(".picasa.ini", "[Contacts2]\n1=Ada;;\n[A.JPG]\nfaces=rect64(3333333366666666),1\n"); /* 0.2 to 0.4 */
    fct_tags *t = read_tags("a.jpg");
    REQUIRE(t && fct_tags_count(t) == 1);
    check_region(t, 0, "Ada", 0.6, 0.6, 0.8, 0.8);
    CHECK(fct_tags_region(t, 0)->source == FCT_REGION_PICASA);
    fct_tags_free(t);
    NEEDS_XMP();
    fct_region named = {.box = {0.6f, 0.6f, 0.8f, 0.8f}, .name = "Ida"};
    CHECK(fct_tags_write(at("a.jpg"), &named, 1, NULL, NULL, &e) == FCT_OK);
    t = read_tags("a.jpg");
    REQUIRE(t && fct_tags_count(t) == 1);
    check_region(t, 0, "Ida", 0.6, 0.6, 0.8, 0.8);
    fct_tags_free(t);
}

int main(int argc, char **argv) { return test_main(argc, argv); }
