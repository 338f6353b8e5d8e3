/* Searches among some people, or faces of some time, on the chosen store. */
#include "test.h"
#include "gallery/gallery_impl.h"
#include "gallery_util.h"
#include "store_choice.h"

static fct_error e;

static fct_gallery *open_for(const char *collection) {
    fct_gallery *g = NULL;
    fct_gallery_opts o;
    fct_gallery_opts_init(&o);
    o.collection = collection;
    CHECK_MSG(!store_open("filter.db", &o, &g, &e), "%s", e.text);
    return g;
}

static const char *who(fct_gallery *g, const float *v, const fct_search_opts *o) {
    static fct_match m;
    int n = 0;
    fct_status s = fct_gallery_search_with(g, UTIL_MODEL, v, 1, UTIL_DIM, o, &m, &n, &e);
    CHECK_MSG(!s, "%s", e.text);
    return n ? m.name : "";
}

static int64_t id_of(fct_gallery *g, const char *name) {
    fct_person p;
    REQUIRE(!fct_gallery_find(g, name, &p, &e));
    return p.id;
}

static fct_status put_dates(void *ctx, fct_store *st, fct_error *err) {
    uint8_t bytes[4 * UTIL_DIM];
    float v[UTIL_DIM];
    int64_t person = *(int64_t *)ctx;
    fct_status s = FCT_OK;
    for (int i = 0; i < 10 && !s; i++) { /* face number 50 + i is of the time 1000 + i */
        util_embedding((uint64_t)(50 + i), UTIL_DIM, v);
        fct_embedding_pack(v, UTIL_DIM, bytes);
        fct_store_face f = {.person_id = person,
                            .created = 1000 + i,
                            .embedding = bytes,
                            .embedding_size = sizeof bytes,
                            .checksum = fct_face_checksum(bytes, sizeof bytes, NULL, 0)};
        s = st->ops->faces_add(st, &f, 1, err);
    }
    return s;
}

TEST(some_people_and_some_dates) {
    store_erase("filter.db");
    fct_gallery *g = open_for(NULL), *staff = open_for("staff");
    float v[UTIL_DIM];
    REQUIRE(!util_enroll(g, "Ada", 1, NULL, &e) && !util_enroll(g, "Bob", 2, NULL, &e));
    REQUIRE(!util_enroll(g, "Carl", 3, NULL, &e) && !util_enroll(staff, "Dora", 1, NULL, &e));
    int64_t two[] = {id_of(g, "Bob"), id_of(g, "Carl")}, ada = id_of(g, "Ada"), dora = id_of(staff, "Dora");
    fct_search_opts o;
    fct_search_opts_init(&o);
    o.threshold = -1;
    util_near(1, 0.9, v);
    CHECK(!strcmp(who(g, v, &o), "Ada"));
    o.people = two;
    o.n_people = 2;
    CHECK(!strcmp(who(g, v, &o), "Bob") || !strcmp(who(g, v, &o), "Carl"));
    CHECK(!strcmp(who(staff, v, &o), "")); /* none of them is there */
    o.except_people = true;
    CHECK(!strcmp(who(g, v, &o), "Ada") && !strcmp(who(staff, v, &o), "Dora"));
    o.people = &ada;
    o.n_people = 1;
    CHECK(!strcmp(who(g, v, &o), "Dora")); /* of another collection, the same face */
    o.people = &dora;
    CHECK(!strcmp(who(staff, v, &o), "") && !strcmp(who(g, v, &o), "Ada"));
    o.except_people = false;
    CHECK(!strcmp(who(staff, v, &o), "Dora"));
    o.templates = FCT_TEMPLATE_MEAN;
    CHECK(!strcmp(who(g, v, &o), "Dora"));
    o.n_people = 0; /* nobody */
    CHECK(!strcmp(who(g, v, &o), ""));
    fct_match m;
    int n;
    o.n_people = -1;
    CHECK(fct_gallery_search_with(g, UTIL_MODEL, v, 1, UTIL_DIM, &o, &m, &n, &e) == FCT_ERR_ARG);
    fct_search_opts_init(&o);
    REQUIRE(!fct_gallery_write(g, put_dates, &two[0], &e));
    o.threshold = 0.8f;
    o.stored_from = 1003;
    o.stored_before = 1007;
    for (int i = 0; i < 10; i++) {
        util_embedding((uint64_t)(50 + i), UTIL_DIM, v);
        CHECK_MSG(!strcmp(who(g, v, &o), i >= 3 && i < 7 ? "Bob" : ""), "%d: %s", i, who(g, v, &o));
    }
    o.stored_before = 0; /* the others were stored today */
    util_near(1, 0.9, v);
    CHECK(!strcmp(who(g, v, &o), "Ada"));
    o.people = two;
    o.n_people = 2;
    CHECK(!strcmp(who(g, v, &o), ""));
    o.templates = FCT_TEMPLATE_MEAN;
    CHECK(fct_gallery_search_with(g, UTIL_MODEL, v, 1, UTIL_DIM, &o, &m, &n, &e) == FCT_ERR_ARG);
    fct_gallery_free(staff);
    fct_gallery_free(g);
}

int main(int argc, char **argv) { return test_main(argc, argv); }
