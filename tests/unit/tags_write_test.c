/* Writing face regions: merging, sidecars, photos in place. tests/cli/tags_test.py
 * has exiftool read what is written. */
#include "base/alloc.h"
#include "tags_util.h"

static const fct_region ada = {.box = {0.5f, 0.2f, 0.7f, 0.3f}, .name = "Ada"};
static const fct_region bob = {.box = {0.1f, 0.6f, 0.2f, 0.8f}, .name = "Bob"};

/* Everything that has nothing to do with facet, in a sidecar. */
#define OTHER_THINGS                                                                                                   \
    "<rdf:Description rdf:about='' xmlns:dc='http://purl.org/dc/elements/1.1/' "                                       \
    "xmlns:odd='http://example.com/odd/' odd:Number='42'><dc:title><rdf:Alt><rdf:li xml:lang='x-default'>A &amp; B"    \
    "</rdf:li><rdf:li xml:lang='de'>\xC3\x84</rdf:li></rdf:Alt></dc:title><odd:Nested rdf:parseType='Resource'>"       \
    "<odd:List><rdf:Seq><rdf:li>one</rdf:li><rdf:li>two</rdf:li></rdf:Seq></odd:List></odd:Nested></rdf:Description>"

static fct_tags_written write_tags(const char *name, const fct_region *faces, int n, fct_sidecar_style style,
                                   bool in_place) {
    fct_tags_written w;
    fct_tags_write_opts o;
    fct_tags_write_opts_init(&o);
    o.style = style;
    o.in_place = in_place;
    e.text[0] = 0;
    fct_status s = fct_tags_write(at(name), faces, n, &o, &w, &e);
    CHECK_MSG(s == FCT_OK, "%s: %s", name, e.text);
    return w;
}

static char *read_text(const char *name) {
    uint8_t *data = NULL;
    size_t n;
    REQUIRE(fct_file_read(at(name), 1 << 24, &data, &n, &e) == FCT_OK);
    return (char *)data;
}

static bool there(const char *name) {
    fct_file_stat st;
    fct_file_get_stat(at(name), &st);
    return st.exists;
}

TEST(a_new_sidecar_is_read_back_under_every_orientation) {
    NEEDS_XMP();
    for (int o = 1; o <= 8; o++) {
        new_root("tags_new");
        put_photo("a.jpg", 400, 300);
        set_orientation("a.jpg", o);
        fct_region faces[] = {ada, bob, {.box = {0, 0, 0.1f, 0.1f}, .name = ""}};
        fct_tags_written w = write_tags("a.jpg", faces, 3, FCT_SIDECAR_AUTO, false);
        CHECK(w.changed && w.added == 2 && w.renamed == 0 && w.removed == 0 && there("a.jpg.xmp"));
        fct_tags *t = read_tags("a.jpg");
        REQUIRE(t && fct_tags_count(t) == 2);
        check_region(t, 0, "Ada", 0.5, 0.2, 0.7, 0.3);
        check_region(t, 1, "Bob", 0.1, 0.6, 0.2, 0.8);
        fct_tags_free(t);
        w = write_tags("a.jpg", faces, 3, FCT_SIDECAR_AUTO, false);
        CHECK_MSG(!w.changed, "orientation %d: a second time there is nothing to do", o);
    }
}

TEST(the_style_names_the_sidecar) {
    NEEDS_XMP();
    new_root("tags_style");
    put_photo("a.jpg", 40, 30);
    write_tags("a.jpg", &ada, 1, FCT_SIDECAR_ADOBE, false);
    CHECK(there("a.xmp") && !there("a.jpg.xmp"));
    write_tags("a.jpg", &bob, 1, FCT_SIDECAR_AUTO, false); /* the one that is there */
    CHECK(!there("a.jpg.xmp"));
    write_tags("a.jpg", &bob, 1, FCT_SIDECAR_DIGIKAM, false);
    CHECK(there("a.jpg.xmp"));
}

/* Names of others, pets and whatever else a sidecar holds stay; what facet wrote goes with its face. */
TEST(everything_else_is_kept) {
    NEEDS_XMP();
    new_root("tags_kept");
    put_photo("a.jpg", 400, 300);
    put_text("a.jpg.xmp",
             XMP_PACKET(OTHER_THINGS
                        "<rdf:Description rdf:about=''" XMP_REGION_NAMESPACES
                        " xmlns:odd='http://example.com/odd/'><mwg-rs:Regions rdf:parseType='Resource'>"
                        "<mwg-rs:RegionList><rdf:Bag>"
                        "<rdf:li rdf:parseType='Resource'><mwg-rs:Name>Rex</mwg-rs:Name><mwg-rs:Type>Pet</mwg-rs:Type>"
                        "<mwg-rs:Area stArea:x='.6' stArea:y='.25' stArea:w='.2' stArea:h='.1'/></rdf:li>"
                        "<rdf:li rdf:parseType='Resource'><mwg-rs:Name>Somebody</mwg-rs:Name><mwg-rs:Type>Face"
                        "</mwg-rs:Type><mwg-rs:Area stArea:x='.6' stArea:y='.26' stArea:w='.2' stArea:h='.12'/>"
                        "<odd:Mark>mine</odd:Mark></rdf:li>"
                        "<rdf:li rdf:parseType='Resource'><mwg-rs:Name>Far Away</mwg-rs:Name><mwg-rs:Type>Face"
                        "</mwg-rs:Type><mwg-rs:Area stArea:x='.9' stArea:y='.9' stArea:w='.1' stArea:h='.1'/></rdf:li>"
                        "</rdf:Bag></mwg-rs:RegionList></mwg-rs:Regions></rdf:Description>"));
    fct_region faces[] = {ada, bob};
    fct_tags_written w = write_tags("a.jpg", faces, 2, FCT_SIDECAR_AUTO, false);
    CHECK(w.added == 1 && w.renamed == 1 && w.removed == 0 && w.kept == 2);
    fct_tags *t = read_tags("a.jpg");
    REQUIRE(t && fct_tags_count(t) == 4);
    check_region(t, 0, "Rex", 0.5, 0.2, 0.7, 0.3);
    check_region(t, 1, "Ada", 0.5, 0.2, 0.7, 0.32); /* the area somebody drew */
    check_region(t, 2, "Far Away", 0.85, 0.85, 0.95, 0.95);
    check_region(t, 3, "Bob", 0.1, 0.6, 0.2, 0.8);
    fct_tags_free(t);
    char *text = read_text("a.jpg.xmp");
    CHECK_MSG(strstr(text, OTHER_THINGS), "what has nothing to do with regions is not as it was");
    CHECK(strstr(text, "<odd:Mark>mine"));
    fct_buffer_free(text);
    w = write_tags("a.jpg", &ada, 1, FCT_SIDECAR_AUTO, false); /* Bob has gone; he was facet's */
    CHECK(w.changed && w.removed == 1 && w.added == 0 && w.kept == 2);
    w = write_tags("a.jpg", NULL, 0, FCT_SIDECAR_AUTO, false); /* Ada's region was somebody's before */
    CHECK(w.changed && w.renamed == 1 && w.removed == 0 && w.kept == 3);
    t = read_tags("a.jpg");
    REQUIRE(t && fct_tags_count(t) == 3);
    check_region(t, 1, "Somebody", 0.5, 0.2, 0.7, 0.32);
    fct_tags_free(t);
    CHECK(!write_tags("a.jpg", NULL, 0, FCT_SIDECAR_AUTO, false).changed);
}

/* A region that somebody renamed after facet had written it is theirs. */
TEST(a_name_changed_by_others_stays) {
    NEEDS_XMP();
    new_root("tags_theirs");
    put_photo("a.jpg", 400, 300);
    write_tags("a.jpg", &bob, 1, FCT_SIDECAR_AUTO, false);
    char *text = read_text("a.jpg.xmp"), *name = text;
    while ((name = strstr(name, ":Name>Bob"))) memcpy(name, ":Name>Eve", 9);
    for (name = text; (name = strstr(name, "DisplayName>Bob"));) memcpy(name, "DisplayName>Eve", 15);
    put_text("a.jpg.xmp", text);
    fct_tags_written w = write_tags("a.jpg", &ada, 1, FCT_SIDECAR_AUTO, false);
    CHECK(w.added == 1 && w.removed == 0 && w.kept == 1);
    fct_tags *t = read_tags("a.jpg");
    REQUIRE(t && fct_tags_count(t) == 2);
    check_region(t, 0, "Eve", 0.1, 0.6, 0.2, 0.8);
    fct_tags_free(t);
    fct_buffer_free(text);
}

TEST(a_face_that_moved_or_was_renamed) {
    NEEDS_XMP();
    new_root("tags_moved");
    put_photo("a.jpg", 400, 300);
    write_tags("a.jpg", &ada, 1, FCT_SIDECAR_AUTO, false);
    fct_region other = {.box = {0.5f, 0.2f, 0.72f, 0.3f}, .name = "Ida"};
    fct_tags_written w = write_tags("a.jpg", &other, 1, FCT_SIDECAR_AUTO, false);
    CHECK(w.changed && w.renamed == 1 && w.added == 0 && w.removed == 0);
    fct_tags *t = read_tags("a.jpg");
    REQUIRE(t && fct_tags_count(t) == 1);
    check_region(t, 0, "Ida", 0.5, 0.2, 0.72, 0.3);
    fct_tags_free(t);
}

/* A sidecar hides what the photo says itself, so a new one begins with it. */
TEST(a_new_sidecar_has_the_regions_of_the_photo) {
    NEEDS_XMP();
    new_root("tags_hidden");
    put_photo("a.jpg", 400, 300);
    write_tags("a.jpg", &bob, 1, FCT_SIDECAR_AUTO, true);
    CHECK(!there("a.jpg.xmp"));
    fct_region faces[] = {bob, ada};
    fct_tags_written w = write_tags("a.jpg", faces, 2, FCT_SIDECAR_AUTO, false);
    CHECK(w.added == 1);
    fct_tags *t = read_tags("a.jpg");
    REQUIRE(t && fct_tags_count(t) == 2 && fct_tags_sidecar(t));
    check_region(t, 0, "Bob", 0.1, 0.6, 0.2, 0.8);
    CHECK(fct_tags_region(t, 0)->source == FCT_REGION_SIDECAR);
    fct_tags_free(t);
}

static fct_image *decoded(const char *name) {
    fct_image *im = NULL;
    CHECK_MSG(fct_image_read(at(name), NULL, &im, &e) == FCT_OK, "%s", e.text);
    return im;
}

/* In place: the pixels stay, the rest of the file too, and again there is nothing to do. */
TEST(photos_in_place) {
    NEEDS_XMP();
    static const char *const names[] = {"a.jpg", "a.png", "a.webp"};
    new_root("tags_in_place");
    for (int i = 0; i < 3; i++) {
        put_photo(names[i], 400, 300);
        if (i == 0) set_orientation(names[i], 7);
        fct_image *before = decoded(names[i]);
        fct_region faces[] = {ada, bob};
        fct_tags_written w = write_tags(names[i], faces, 2, FCT_SIDECAR_AUTO, true);
        CHECK(w.changed && w.added == 2);
        fct_image *after = decoded(names[i]);
        fct_view v = fct_image_view(before), u = fct_image_view(after);
        CHECK(v.width == u.width && v.height == u.height && !memcmp(v.data, u.data, (size_t)(v.stride * v.height)));
        fct_image_free(before);
        fct_image_free(after);
        fct_tags *t = read_tags(names[i]);
        REQUIRE(t && fct_tags_count(t) == 2);
        CHECK(!fct_tags_sidecar(t) && fct_tags_region(t, 0)->source == FCT_REGION_PHOTO);
        check_region(t, 0, "Ada", 0.5, 0.2, 0.7, 0.3);
        fct_tags_free(t);
        CHECK(!write_tags(names[i], faces, 2, FCT_SIDECAR_AUTO, true).changed);
    }
}

TEST(what_is_not_written_in_place) {
    NEEDS_XMP();
    new_root("tags_refused");
    fct_tags_write_opts o;
    fct_tags_write_opts_init(&o);
    o.in_place = true;
    static const char raw[] = "II*\0\x08\0\0\0\x01\0\0\x01\x03\0\x01\0\0\0\x20\0\0\0\0\0\0\0"; /* one entry: width */
    REQUIRE(fct_file_write_atomic(at("a.nef"), raw, sizeof raw, &e) == FCT_OK);
    CHECK(fct_tags_write(at("a.nef"), &ada, 1, &o, NULL, &e) == FCT_ERR_UNSUPPORTED && strstr(e.text, "sidecar"));
    fct_region wrong = {.box = {0.5f, 0.2f, 0.4f, 0.3f}, .name = "Ada"};
    put_photo("a.jpg", 40, 30);
    CHECK(fct_tags_write(at("a.jpg"), &wrong, 1, NULL, NULL, &e) == FCT_ERR_ARG && !there("a.jpg.xmp"));
    put_text("a.jpg.xmp", "this is not XMP"); /* and is not written over */
    CHECK(fct_tags_write(at("a.jpg"), &ada, 1, NULL, NULL, &e) == FCT_ERR_FORMAT && strstr(e.text, "a.jpg.xmp"));
    char *text = read_text("a.jpg.xmp");
    CHECK(!strcmp(text, "this is not XMP"));
    fct_buffer_free(text);
    put_text("a.jpg.xmp",
             XMP_PACKET("<rdf:Description rdf:about=''" XMP_REGION_NAMESPACES "><mwg-rs:Regions "
                        "rdf:parseType='Resource'><mwg-rs:AppliedToDimensions stDim:w='900' stDim:h='300'/>"
                        "<mwg-rs:RegionList><rdf:Bag><rdf:li mwg-rs:Name='Eve'/></rdf:Bag></mwg-rs:RegionList>"
                        "</mwg-rs:Regions></rdf:Description>"));
    CHECK(fct_tags_write(at("a.jpg"), &ada, 1, NULL, NULL, &e) == FCT_ERR_MISMATCH && strstr(e.text, "900 x 300"));
}

/* Every allocation fails once: an error, nothing lost, nothing leaked. */
TEST(out_of_memory) {
    NEEDS_XMP();
    new_root("tags_oom");
    put_photo("a.jpg", 40, 30);
    put_text(".picasa.ini", "[Contacts2]\n1=Cy;;\n[a.jpg]\nfaces=rect64(1111111122222222),1\n");
    fct_region faces[] = {ada, bob};
    write_tags("a.jpg", faces, 2, FCT_SIDECAR_AUTO, false);
    char *old = read_text("a.jpg.xmp");
    faces[1].name = "Eve";
    for (long n = 1;; n++) {
        fct_tags_reader *r;
        fct_tags *t = NULL;
        long live = fct_alloc_live();
        fct_alloc_fail_at(n);
        fct_status s = fct_tags_reader_create(&r, &e);
        if (!s) s = fct_tags_read(r, at("a.jpg"), &t, &e);
        if (!s) s = fct_tags_write(at("a.jpg"), faces, 2, NULL, NULL, &e);
        bool reached = fct_alloc_has_failed();
        fct_alloc_fail_at(0);
        CHECK_MSG(s == FCT_OK || (s == FCT_ERR_NOMEM && e.text[0]), "allocation %ld: %d %s", n, s, e.text);
        fct_tags_free(t);
        fct_tags_reader_free(r);
        CHECK_MSG(fct_alloc_live() == live, "allocation %ld leaks", n);
        if (!s) put_text("a.jpg.xmp", old);
        else {
            char *now = read_text("a.jpg.xmp");
            CHECK_MSG(!strcmp(now, old), "allocation %ld changed the sidecar", n);
            fct_buffer_free(now);
        }
        if (!reached) break;
        REQUIRE(n < 10000);
    }
    fct_buffer_free(old);
}

int main(int argc, char **argv) { return test_main(argc, argv); }
