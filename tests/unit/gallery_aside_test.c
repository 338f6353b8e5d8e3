/* People who are not to be found: collections that are set apart, removal and restoring; faces moved together;
 * metadata that is looked for; histograms and groups. On the chosen store. */
#include "test.h"
#include "base/alloc.h"
#include "base/file.h"
#include "base/thread.h"
#include "facet/gallery_faces.h"
#include "facet/privacy.h"
#include "gallery_util.h"
#include "store_choice.h"
#include <stdlib.h>
#include <string.h>

static fct_error e;

static fct_gallery *open_new(void) {
    fct_gallery *g = NULL;
    store_erase("aside.db");
    CHECK_MSG(!store_open("aside.db", NULL, &g, &e), "%s", e.text);
    REQUIRE(g);
    return g;
}

static int count_people(fct_gallery *g) {
    fct_person *p;
    int n = -1;
    CHECK(!fct_gallery_people(g, &p, &n, &e));
    fct_gallery_people_free(p);
    return n;
}

static fct_status count_lines(const void *data, size_t size, void *user, fct_error *err) {
    ++*(int *)user;
    return FCT_OK;
}

TEST(collections_set_apart) {
    fct_gallery *g = open_new();
    int64_t apart;
    int lines = 0, n;
    fct_similar *alike;
    REQUIRE(!util_enroll(g, "Ada", 1, NULL, &e) && !fct_gallery_add_collection(g, ".apart", &apart, &e));
    fct_gallery_work_in(apart);
    CHECK(fct_gallery_works_in() == apart);
    REQUIRE(!util_enroll(g, "Bob", 2, NULL, &e) && !util_enroll(g, "Ada too", 1, NULL, &e));
    CHECK(count_people(g) == 2 && !strcmp(util_who(g, 2), "Bob") && !strcmp(util_who(g, 1), "Ada too"));
    fct_gallery_work_in(0);
    CHECK(count_people(g) == 1 && !strcmp(util_who(g, 2), "") && !strcmp(util_who(g, 1), "Ada"));
    fct_person p;
    CHECK(fct_gallery_find(g, "Bob", &p, &e) == FCT_ERR_NOT_FOUND);
    REQUIRE(!fct_gallery_similar(g, 0.9f, &alike, &n, &e));
    CHECK(n == 0);
    fct_gallery_similar_free(alike);
    REQUIRE(!fct_gallery_export_to(g, count_lines, &lines, false, &e));
    CHECK_MSG(lines == 3, "%d lines", lines); /* head, Ada and a face */
    fct_gallery_free(g);
}

TEST(removal_and_restoring) {
    fct_gallery *g = open_new();
    fct_person p, q;
    fct_removed *list;
    fct_person *due;
    fct_details d;
    int n;
    REQUIRE(!util_enroll(g, "Ada", 1, NULL, &e) && !fct_gallery_find(g, "Ada", &p, &e));
    REQUIRE(!fct_gallery_set_metadata(g, p.id, "k", "[1]", &e) && !fct_gallery_set_expires(g, p.id, 9000, &e));
    REQUIRE(!fct_gallery_set_consent(g, p.id, "me", "yes", 5, &e) && !fct_gallery_person(g, p.id, &p, &e));
    CHECK(fct_gallery_set_aside(g, p.id, 0, &e) == FCT_ERR_ARG);
    CHECK(fct_gallery_restore_person(g, p.id, NULL, &e) == FCT_ERR_NOT_FOUND);
    REQUIRE(!fct_gallery_set_aside(g, p.id, 5000, &e));
    CHECK(fct_gallery_set_aside(g, p.id, 5000, &e) == FCT_ERR_NOT_FOUND);
    CHECK(count_people(g) == 0 && !strcmp(util_who(g, 1), ""));
    REQUIRE(!fct_gallery_removed(g, &list, &n, &e) && n == 1);
    CHECK(list->id == p.id && !strcmp(list->name, "Ada") && list->faces == 1 && list->until == 5000);
    CHECK(list->expires == 9000 && list->collection_id == 1 && list->created == p.created);
    fct_gallery_removed_free(list);
    REQUIRE(!fct_gallery_expired(g, 5000, &due, &n, &e));
    CHECK(n == 1 && due->id == p.id);
    fct_gallery_people_free(due);
    /* The name is free meanwhile, and then taken. */
    REQUIRE(!util_enroll(g, "Ada", 2, NULL, &e) && !fct_gallery_find(g, "Ada", &q, &e) && q.id != p.id);
    CHECK(fct_gallery_restore_person(g, p.id, NULL, &e) == FCT_ERR_EXISTS);
    REQUIRE(!fct_gallery_remove_person(g, q.id, &e) && !fct_gallery_restore_person(g, p.id, NULL, &e));
    REQUIRE(!fct_gallery_person(g, p.id, &q, &e) && !fct_gallery_details(g, p.id, &d, &e));
    CHECK(!memcmp(q.name, p.name, strlen(p.name) + 1) && q.expires == 9000 && q.collection_id == 1 && q.faces == 1);
    CHECK(!strcmp(d.metadata, "{\"k\": [1]}") && d.consented && !strcmp(d.consent_text, "yes"));
    fct_details_clear(&d);
    CHECK(!strcmp(util_who(g, 1), "Ada"));
    /* What was in a collection that is gone cannot come back. */
    int64_t other;
    REQUIRE(!fct_gallery_add_collection(g, "other", &other, &e) && !fct_gallery_move_person(g, p.id, other, NULL, &e));
    REQUIRE(!fct_gallery_set_aside(g, p.id, 5000, &e) && !fct_gallery_remove_collection(g, other, NULL, &e));
    CHECK(fct_gallery_restore_person(g, p.id, NULL, &e) == FCT_ERR_NOT_FOUND && strstr(e.text, "is gone"));
    CHECK(!fct_gallery_check(g, &e));
    fct_gallery_free(g);
}

TEST(full_metadata_does_not_keep_anybody_from_being_removed) {
    fct_gallery *g = open_new();
    fct_person p;
    char text[65536];
    REQUIRE(!util_enroll(g, "Ada", 1, NULL, &e) && !fct_gallery_find(g, "Ada", &p, &e));
    int n = sprintf(text, "{\"a\": \"");
    memset(text + n, 'x', 65400);
    strcpy(text + n + 65400, "\"}");
    REQUIRE(!fct_gallery_replace_metadata(g, p.id, text, NULL, &e));
    CHECK_MSG(!fct_gallery_set_aside(g, p.id, 5000, &e), "%s", e.text);
    CHECK_MSG(!fct_gallery_restore_person(g, p.id, NULL, &e), "%s", e.text);
    fct_gallery_free(g);
}

TEST(metadata) {
    fct_gallery *g = open_new();
    fct_person p, found;
    fct_details d;
    REQUIRE(!util_enroll(g, "Ada", 1, NULL, &e) && !fct_gallery_find(g, "Ada", &p, &e));
    REQUIRE(!util_enroll(g, "Bob", 2, NULL, &e));
    REQUIRE(
        !fct_gallery_replace_metadata(g, p.id, "{\"k\":\"a\\\"\\u00e9\",\"n\":{\"k\":\"inner\"},\"x\":1}", NULL, &e));
    CHECK(!fct_gallery_find_metadata(g, "k", "a\"\xc3\xa9", &found, &e) && found.id == p.id);
    CHECK(fct_gallery_find_metadata(g, "k", "inner", &found, &e) == FCT_ERR_NOT_FOUND);
    CHECK(fct_gallery_find_metadata(g, "k", "a", &found, &e) == FCT_ERR_NOT_FOUND);
    CHECK(fct_gallery_find_metadata(g, "x", "1", &found, &e) == FCT_ERR_NOT_FOUND);
    REQUIRE(!fct_gallery_replace_metadata(g, p.id, "{}", NULL, &e) && !fct_gallery_details(g, p.id, &d, &e));
    CHECK(!strcmp(d.metadata, "{}"));
    fct_details_clear(&d);
    static const char *const bad[] = {"", "[]", "3", "{", "{\"\":1}", "{\"a\n\":1}", "{\"a\":1,\"a\":2}"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        CHECK_MSG(fct_gallery_replace_metadata(g, p.id, bad[i], NULL, &e) == FCT_ERR_ARG, "%s", bad[i]);
    CHECK(fct_gallery_replace_metadata(g, 99, "{}", NULL, &e) == FCT_ERR_NOT_FOUND);
    fct_gallery_free(g);
}

/* One of two that want the same external id, each by a gallery of its own, as two servers have. */
typedef struct id_claim {
    fct_gallery *gallery;
    int64_t person;
    fct_status status;
} id_claim;

static void claim_it(void *arg) {
    id_claim *c = arg;
    fct_error mine;
    c->status = fct_gallery_replace_metadata(c->gallery, c->person, "{\"external_id\":\"7\"}", "external_id", &mine);
}

TEST(one_of_many_gets_what_is_unique) {
    enum { N = 6 };
    if (store_is("memory")) SKIP("the store in memory is for one thread");
    fct_gallery *g = open_new();
    fct_thread threads[N];
    id_claim claims[N] = {0};
    int64_t other = 0;
    int got = 0;
    for (int i = 0; i < N; i++) {
        char name[8];
        snprintf(name, sizeof name, "P%d", i);
        REQUIRE(!fct_gallery_add_person(g, name, &claims[i].person, &e));
        REQUIRE(!store_open("aside.db", NULL, &claims[i].gallery, &e));
    }
    for (int i = 0; i < N; i++) REQUIRE(!fct_thread_start(&threads[i], claim_it, &claims[i], &e));
    for (int i = 0; i < N; i++) fct_thread_join(&threads[i]);
    for (int i = 0; i < N; i++) {
        fct_gallery_free(claims[i].gallery);
        got += !claims[i].status;
        CHECK_MSG(!claims[i].status || claims[i].status == FCT_ERR_EXISTS, "%d", claims[i].status);
        if (claims[i].status) other = claims[i].person;
        else CHECK(!fct_gallery_replace_metadata(g, claims[i].person, "{\"external_id\":\"7\"}", "external_id", &e));
    }
    CHECK_MSG(got == 1, "%d have it", got);
    CHECK(!fct_gallery_replace_metadata(g, other, "{\"external_id\":\"8\"}", "external_id", &e));
    int64_t place; /* in another collection it is free */
    REQUIRE(!fct_gallery_add_collection(g, "other", &place, &e) && !fct_gallery_move_person(g, other, place, NULL, &e));
    CHECK(!fct_gallery_replace_metadata(g, other, "{\"external_id\":\"7\"}", "external_id", &e));
    fct_gallery_free(g);
}

static void restore_it(void *arg) {
    id_claim *c = arg;
    fct_error mine;
    c->status = fct_gallery_restore_person(c->gallery, c->person, "external_id", &mine);
}

static void move_it(void *arg) {
    id_claim *c = arg;
    fct_error mine;
    c->status = fct_gallery_move_person(c->gallery, c->person, 1, "external_id", &mine);
}

/* People with one external id, of whom some come back, some come from elsewhere and one is given it, all at once: one
 * of them has it afterwards, and the others are where they were. */
TEST(one_of_many_comes_back_with_what_is_unique) {
    enum { N = 6 };
    static void (*const ways[])(void *) = {restore_it, move_it, claim_it};
    if (store_is("memory")) SKIP("the store in memory is for one thread");
    fct_gallery *g = open_new();
    fct_thread threads[N];
    id_claim claims[N] = {0};
    int64_t place, people, faces;
    int got = 0;
    REQUIRE(!fct_gallery_add_collection(g, "other", &place, &e));
    for (int i = 0; i < N; i++) {
        char name[8];
        snprintf(name, sizeof name, "P%d", i);
        REQUIRE(!fct_gallery_add_person(g, name, &claims[i].person, &e));
        if (i % 3 < 2) REQUIRE(!fct_gallery_replace_metadata(g, claims[i].person, "{\"external_id\":\"7\"}", NULL, &e));
        if (i % 3 == 0) REQUIRE(!fct_gallery_set_aside(g, claims[i].person, 5000000000, &e));
        if (i % 3 == 1) REQUIRE(!fct_gallery_move_person(g, claims[i].person, place, NULL, &e));
        REQUIRE(!store_open("aside.db", NULL, &claims[i].gallery, &e));
    }
    for (int i = 0; i < N; i++) REQUIRE(!fct_thread_start(&threads[i], ways[i % 3], &claims[i], &e));
    for (int i = 0; i < N; i++) fct_thread_join(&threads[i]);
    for (int i = 0; i < N; i++) {
        got += !claims[i].status;
        CHECK_MSG(!claims[i].status || claims[i].status == FCT_ERR_EXISTS, "%d: %d", i, claims[i].status);
        fct_gallery_free(claims[i].gallery);
    }
    CHECK_MSG(got == 1, "%d have it", got);
    REQUIRE(!fct_gallery_collection_count(g, 1, &people, &faces, &e));
    CHECK_MSG(people == 2 + (claims[2].status && claims[5].status) && faces == 0, "%lld people", (long long)people);
    fct_gallery_free(g);
}

/* Whether pages of a search name the people of a list, in its order by id, that the search is to find. */
static void check_pages(fct_gallery *g, const fct_person *all, int n, const char *search, const char *held, int limit) {
    int64_t after = 0;
    int at = 0, got;
    for (bool more = true; more;) {
        fct_person *page;
        REQUIRE(!fct_gallery_people_page(g, after, limit, search, &page, &got, &more, &e));
        CHECK(got == limit || !more);
        for (int i = 0; i < got; i++, at++) {
            while (at < n && held && !strstr(all[at].name, held)) at++;
            REQUIRE(at < n);
            bool same = page[i].id == all[at].id && !strcmp(page[i].name, all[at].name) &&
                        page[i].faces == all[at].faces && page[i].collection_id == all[at].collection_id;
            CHECK_MSG(same, "%s instead of %s", page[i].name, all[at].name);
            after = page[i].id;
        }
        fct_gallery_people_free(page);
    }
    while (at < n && held && !strstr(all[at].name, held)) at++;
    CHECK_MSG(at == n, "%d of %d", at, n);
}

static int by_id(const void *a, const void *b) {
    int64_t x = ((const fct_person *)a)->id, y = ((const fct_person *)b)->id;
    return (x > y) - (x < y);
}

TEST(pages_of_people) {
    fct_gallery *g = open_new();
    fct_person *all;
    int64_t apart, id;
    int n;
    bool more;
    REQUIRE(!fct_gallery_add_collection(g, ".apart", &apart, &e));
    for (int i = 0; i < 30; i++) {
        char name[20];
        snprintf(name, sizeof name, i % 3 ? "Ada %d" : "Bob %d", i);
        REQUIRE(!(i % 4 ? util_enroll(g, name, (uint64_t)i + 1, NULL, &e) : fct_gallery_add_person(g, name, &id, &e)));
    }
    fct_person p;
    REQUIRE(!fct_gallery_find(g, "Ada 4", &p, &e) && !fct_gallery_move_person(g, p.id, apart, NULL, &e));
    REQUIRE(!fct_gallery_find(g, "Bob 9", &p, &e) && !fct_gallery_remove_person(g, p.id, &e));
    REQUIRE(!fct_gallery_people(g, &all, &n, &e) && n == 28);
    qsort(all, (size_t)n, sizeof *all, by_id);
    static const int limits[] = {1, 5, 28, 29, 1000};
    for (size_t i = 0; i < sizeof limits / sizeof *limits; i++) {
        check_pages(g, all, n, NULL, NULL, limits[i]);
        check_pages(g, all, n, "bOB", "Bob", limits[i]);
        check_pages(g, all, n, "nobody", "nobody", limits[i]);
    }
    fct_gallery_people_free(all);
    fct_gallery_work_in(apart);
    REQUIRE(!fct_gallery_people_page(g, 0, 10, NULL, &all, &n, &more, &e) && n == 1 && !more);
    CHECK(!strcmp(all->name, "Ada 4"));
    fct_gallery_people_free(all);
    fct_gallery_work_in(0);
    CHECK(fct_gallery_people_page(g, 0, 0, NULL, &all, &n, &more, &e) == FCT_ERR_ARG && !all);
    CHECK(fct_gallery_people_page(g, -1, 1, NULL, &all, &n, &more, &e) == FCT_ERR_ARG);
    fct_gallery_free(g);
}

TEST(faces_moved_and_removed_together) {
    fct_gallery *g = open_new();
    int64_t f[4], ids[3];
    fct_person a, b;
    int n = -1;
    for (int i = 0; i < 3; i++) REQUIRE(!util_enroll(g, "Ada", 1 + (uint64_t)i, &f[i], &e));
    REQUIRE(!util_enroll(g, "Bob", 2, &f[3], &e)); /* like f[1] */
    REQUIRE(!fct_gallery_find(g, "Ada", &a, &e) && !fct_gallery_find(g, "Bob", &b, &e));
    memcpy(ids, (int64_t[]){f[0], f[1], f[3]}, sizeof ids);
    CHECK(fct_gallery_move_faces(g, (int64_t[]){f[0], 999}, 2, b.id, &n, &e) == FCT_ERR_NOT_FOUND && n == 0);
    CHECK(fct_gallery_move_faces(g, (int64_t[]){f[0], f[0]}, 2, b.id, NULL, &e) == FCT_ERR_ARG);
    CHECK(fct_gallery_move_faces(g, f, 1, 999, NULL, &e) == FCT_ERR_NOT_FOUND);
    CHECK(fct_gallery_move_faces(g, f, 0, b.id, NULL, &e) == FCT_ERR_ARG);
    REQUIRE(!fct_gallery_person(g, a.id, &a, &e) && a.faces == 3); /* nothing was moved */
    CHECK_MSG(!fct_gallery_move_faces(g, ids, 3, b.id, &n, &e) && n == 1, "%s, %d", e.text, n);
    REQUIRE(!fct_gallery_person(g, a.id, &a, &e) && !fct_gallery_person(g, b.id, &b, &e));
    CHECK_MSG(a.faces == 1 && b.faces == 2, "%d, %d", a.faces, b.faces);
    CHECK(!strcmp(util_who(g, 1), "Bob") && !strcmp(util_who(g, 3), "Ada"));
    CHECK(!fct_gallery_remove_faces(g, (int64_t[]){f[0], f[2], 999}, 3, &n, &e) && n == 2);
    REQUIRE(!fct_gallery_person(g, a.id, &a, &e));
    CHECK(a.faces == 0 && !fct_gallery_check(g, &e));
    fct_gallery_free(g);
}

/* A face near embedding number seed. */
static void enroll_near(fct_gallery *g, const char *name, uint64_t seed, double c) {
    float v[UTIL_DIM];
    util_near(seed, c, v);
    fct_enrollment f = {.model_id = UTIL_MODEL, .embedding = v, .dim = UTIL_DIM, .quality = 1};
    REQUIRE(!fct_gallery_enroll(g, name, &f, 1, NULL, NULL, &e));
}

TEST(histogram_and_groups) {
    fct_gallery *g = open_new();
    fct_histogram h;
    fct_grouped_face *list;
    int n, groups;
    REQUIRE(!fct_gallery_histogram(g, 10, 100, 0.4f, &h, &e) && h.n_genuine == 0 && h.n_impostor == 0);
    REQUIRE(!fct_gallery_group(g, 0.4f, 2, &list, &n, &groups, &e) && n == 0);
    fct_grouped_faces_free(list);
    static const char *const names[] = {"A", "B", "C", "D"}; /* A and B are one, and so are C and D */
    for (int i = 0; i < 4; i++) {
        uint64_t seed = 1 + (uint64_t)i / 2;
        REQUIRE(!util_enroll(g, names[i], seed, NULL, &e));
        enroll_near(g, names[i], seed, 0.95 - 0.01 * i);
    }
    REQUIRE(!fct_gallery_histogram(g, 20, 100, 0.8f, &h, &e));
    CHECK_MSG(h.n_genuine == 4 && h.n_impostor == 24 && h.people == 4 && h.compared == 8, "%d, %d, %d",
              (int)h.n_genuine, (int)h.n_impostor, (int)h.compared);
    uint64_t sum = 0, above = 0;
    for (int i = 0; i < h.bins; i++) sum += h.genuine[i] + h.impostor[i];
    for (int i = 18; i < h.bins; i++) above += h.genuine[i] + h.impostor[i]; /* from 0.8 on */
    CHECK(sum == 28 && above == h.genuine_matches + h.impostor_matches && h.genuine_matches == 4);
    CHECK(h.impostor_matches == 8);
    CHECK(fct_gallery_histogram(g, 0, 100, 0, &h, &e) == FCT_ERR_ARG);
    REQUIRE(!fct_gallery_group(g, 0.4f, 2, &list, &n, &groups, &e));
    CHECK_MSG(n == 8 && groups == 2, "%d faces, %d groups", n, groups);
    for (int i = 0; i < n; i++)
        for (int k = 0; k < i; k++) {
            bool same = (list[i].person_id - 1) / 2 == (list[k].person_id - 1) / 2;
            if (!store_is("postgresql")) CHECK(same == (list[i].group == list[k].group));
        }
    fct_grouped_faces_free(list);
    CHECK(fct_gallery_group(g, 2, 2, &list, &n, &groups, &e) == FCT_ERR_ARG);
    fct_gallery_free(g);
}

int main(int argc, char **argv) { return test_main(argc, argv); }
