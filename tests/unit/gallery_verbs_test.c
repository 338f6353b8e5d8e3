/* What the verbs of gallery/gallery_store.h mean: the same random work is done by the
 * store in memory and by the one in a file or on a server, and all that they hold is compared. */
#include "test.h"
#include "base/alloc.h"
#include "base/buffer.h"
#include "gallery/gallery_store.h"
#include "gallery_util.h"
#include "memory_store.h"
#include "store_choice.h"

static fct_error e;
#define KINDS 2

/* ---- All that a store holds, as text ---------------------------------------------- */

static void put_bytes(fct_buf *b, const void *data, size_t n) {
    if (!data && !n) fct_buf_text(b, " -");
    else fct_buf_char(b, ' ');
    for (size_t i = 0; i < n; i++) fct_buf_printf(b, "%02x", ((const uint8_t *)data)[i]);
}

static fct_status dump_person(void *ctx, const fct_store_person *p, fct_error *err) {
    fct_buf_printf(ctx, "person %lld in %lld %s %lld faces %lld expires %lld", (long long)p->id,
                   (long long)p->collection_id, p->name, (long long)p->created, (long long)p->faces,
                   (long long)p->expires);
    put_bytes(ctx, p->label, p->label_size);
    put_bytes(ctx, p->details, p->details_size);
    put_bytes(ctx, p->key, p->key_size);
    fct_buf_char(ctx, '\n');
    return FCT_OK;
}

static fct_status dump_face(void *ctx, const fct_store_face *f, fct_error *err) {
    fct_buf_printf(ctx, "face %lld of %lld %g %s sum %lld cut %d", (long long)f->id, (long long)f->person_id, f->box[2],
                   f->source ? f->source : "-", (long long)f->checksum, f->has_crop ? f->crop_cut : -1);
    put_bytes(ctx, f->embedding, f->embedding_size);
    put_bytes(ctx, f->crop, f->crop_size);
    put_bytes(ctx, f->key, f->key_size);
    fct_buf_char(ctx, '\n');
    return FCT_OK;
}

static fct_status dump_negative(void *ctx, const fct_store_negative *x, fct_error *err) {
    fct_buf_printf(ctx, "negative %lld of %lld", (long long)x->id, (long long)x->person_id);
    put_bytes(ctx, x->embedding, x->embedding_size);
    put_bytes(ctx, x->key, x->key_size);
    fct_buf_char(ctx, '\n');
    return FCT_OK;
}

static fct_status dump_collection(void *ctx, const fct_store_collection *c, fct_error *err) {
    fct_buf_printf(ctx, "collection %lld %s\n", (long long)c->id, c->name);
    return FCT_OK;
}

static fct_status count_setting(void *ctx, const fct_store_setting *x, fct_error *err) {
    int64_t *sum = ctx; /* they may come in any order */
    for (const char *p = x->key; *p; p++) *sum += *p * (x->collection_id + 3) * (int64_t)(strlen(x->value) + 1);
    return FCT_OK;
}

static fct_status dump_audit(void *ctx, const fct_store_audit *a, fct_error *err) {
    fct_buf_printf(ctx, "audit %lld %lld %s %s %s", (long long)a->seq, (long long)a->at, a->actor, a->what, a->detail);
    put_bytes(ctx, a->hash, 32);
    fct_buf_char(ctx, '\n');
    return FCT_OK;
}

static char *dump(fct_store *st) {
    fct_buf b = {0};
    fct_store_model m;
    int64_t people, faces, settings = 0;
    int schema;
    const fct_store_ops *o = st->ops;
    int parts = FCT_PERSON_DETAILS | FCT_PERSON_KEY;
    REQUIRE(!o->begin(st, FCT_STORE_READ, &e) && !o->describe(st, &people, &faces, &schema, &e));
    REQUIRE(!o->get_model(st, &m, &e));
    fct_buf_printf(&b, "%d people, %d faces, model %s %d\n", (int)people, (int)faces, m.id, (int)m.dim);
    REQUIRE(!o->collections(st, dump_collection, &b, &e) && !o->settings(st, count_setting, &settings, &e));
    fct_buf_printf(&b, "settings %lld\n", (long long)settings);
    fct_people_query all = {.parts = parts, .count_faces = true, .by_name = true}, some = {.collection_id = 2};
    const char *names[] = {"P1", "P3", "nobody"};
    fct_people_query named = {.names = names, .n = 3, .collection_id = 1, .parts = parts, .by_name = true};
    REQUIRE(!o->people(st, &all, dump_person, &b, &e) && !o->people(st, &some, dump_person, &b, &e));
    REQUIRE(!o->people(st, &named, dump_person, &b, &e));
    fct_people_query page = {.after = 3, .most = 2, .parts = parts, .count_faces = true, .collection_id = 1};
    fct_people_query first = {.most = 4, .count_faces = true};
    REQUIRE(!o->people(st, &page, dump_person, &b, &e) && !o->people(st, &first, dump_person, &b, &e));
    fct_faces_query f = {.parts = FCT_FACE_INFO | FCT_FACE_EMBEDDING | FCT_FACE_CROP | FCT_FACE_KEY, .by_person = true};
    REQUIRE(!o->faces(st, &f, dump_face, &b, &e));
    int64_t ids[] = {1, 2, 3, 4, 5};
    REQUIRE(!o->negatives(st, ids, 5, FCT_FACE_KEY, dump_negative, &b, &e));
    REQUIRE(!o->audit(st, 2, dump_audit, &b, &e) && !o->end(st, FCT_OK, &e));
    return fct_buf_take(&b, NULL);
}

/* ---- Random work -------------------------------------------------------------------- */

static uint64_t state;
static int64_t below(int n) { return (int64_t)(util_random(&state) % (uint64_t)n); }

static fct_status work_on_people(fct_store *st) {
    char name[20];
    int64_t id = 1 + below(12);
    size_t n;
    snprintf(name, sizeof name, "P%d", (int)below(8));
    fct_store_person p = {.id = id,
                          .name = name,
                          .created = below(1000),
                          .collection_id = 1 + below(2),
                          .expires = below(2) * 77,
                          .details = below(2) ? name : NULL,
                          .label = below(2) ? "label" : NULL};
    p.details_size = p.details ? 2 : 0;
    p.label_size = p.label ? 5 : 0;
    int parts = FCT_PERSON_NAME | FCT_PERSON_COLLECTION | FCT_PERSON_EXPIRES | FCT_PERSON_DETAILS;
    switch (below(4)) {
    case 0:
        return st->ops->people_remove(st, &id, 1, &n, &e);
    case 1:
        return st->ops->people_update(st, &p, 1, parts & (int)below(32), &n, &e);
    default:
        return st->ops->people_add(st, &p, 1, &e);
    }
}

static fct_status note_id(void *ctx, const fct_store_person *p, fct_error *err) {
    if (p->id > *(int64_t *)ctx) *(int64_t *)ctx = p->id;
    return FCT_OK;
}

/* Somebody, or 0; stores may answer in any order. */
static int64_t anybody(fct_store *st) {
    int64_t id = 0, ids[12], first = below(12);
    for (int i = 0; i < 12; i++) ids[i] = 1 + (first + i) % 12;
    fct_people_query q = {.ids = ids, .n = 1 + (size_t)below(12)};
    REQUIRE(!st->ops->people(st, &q, note_id, &id, &e));
    return id;
}

static fct_status work_on_faces(fct_store *st) {
    int64_t id = 1 + below(40), person = anybody(st), first = 0;
    size_t n;
    char bytes[20];
    snprintf(bytes, sizeof bytes, "bytes %d", (int)below(100));
    if (!person) return FCT_OK;
    fct_store_face f = {.person_id = person,
                        .box = {0, 1, (double)below(9), 2},
                        .embedding = bytes,
                        .embedding_size = 7,
                        .crop = below(2) ? bytes : NULL,
                        .crop_cut = 1,
                        .source = below(2) ? bytes : NULL,
                        .checksum = below(1000)};
    f.crop_size = f.crop ? 6 : 0;
    f.has_crop = f.crop != NULL;
    fct_store_negative x = {.person_id = person, .embedding = bytes, .embedding_size = 8};
    fct_store_key k = {.person_id = person, .data = below(3) ? bytes : NULL, .size = 5};
    int parts = FCT_FACE_EMBEDDING | FCT_FACE_CROP | FCT_FACE_SOURCE;
    switch (below(8)) {
    case 0:
        return st->ops->faces_remove(st, &id, 1, &n, &e);
    case 1:
        return st->ops->faces_move(st, &id, 1, person, &e);
    case 2:
        f.id = id;
        return st->ops->faces_update(st, &f, 1, parts & (int)below(32), &e);
    case 3:
        return st->ops->negatives_add(st, &x, 1, &e);
    case 4:
        id = 1 + below(10);
        return st->ops->negatives_remove(st, &id, 1, &n, &e);
    case 5:
        return st->ops->keys_put(st, &k, 1, &e);
    default:
        if (below(2)) {
            REQUIRE(!st->ops->face_ids(st, 2, &first, &e));
            f.id = first + 1; /* the first is left out: a number need not be used */
        }
        return st->ops->faces_add(st, &f, 1, &e);
    }
}

static fct_status work_on_the_rest(fct_store *st) {
    char text[20];
    bool found;
    snprintf(text, sizeof text, "T%d", (int)below(4));
    fct_store_collection c = {.name = text};
    fct_store_setting x = {.collection_id = below(4), .key = text, .value = below(3) ? "value" : NULL};
    fct_store_model m = {.id = "model", .dim = 5 + below(2)};
    fct_store_audit a = {.at = below(99), .actor = "who", .what = text, .detail = "{}", .hash = {(uint8_t)below(9)}};
    switch (below(5)) {
    case 0:
        return st->ops->collections_add(st, &c, 1, &e);
    case 1:
        return st->ops->collection_rename(st, 2 + below(3), text, &found, &e);
    case 2:
        return st->ops->settings_put(st, &x, 1, &e);
    case 3:
        return st->ops->set_model(st, &m, &e);
    default:
        REQUIRE(!st->ops->audit_last(st, &a.seq, a.hash, &e));
        a.seq++;
        a.hash[1]++;
        return st->ops->audit_add(st, &a, 1, &e);
    }
}

/* One transaction, which may end badly. */
static fct_status work(fct_store *st, uint64_t seed) {
    state = seed;
    fct_status s = st->ops->begin(st, FCT_STORE_WRITE, &e);
    for (int i = 0; i < 3 && !s; i++) {
        int64_t about = below(5);
        s = about < 2 ? work_on_people(st) : about < 4 ? work_on_faces(st) : work_on_the_rest(st);
    }
    if (!s && below(8) == 0) s = FCT_ERR_CANCELLED;
    return st->ops->end(st, s, &e);
}

/* The feed after a number, as text: each thing once, in its order. */
static char *dump_changes(fct_store *st, int64_t *seq) {
    fct_buf b = {0};
    fct_store_changes c;
    REQUIRE(!st->ops->begin(st, FCT_STORE_READ, &e) && !st->ops->changes(st, *seq, &c, &e));
    REQUIRE(!st->ops->end(st, FCT_OK, &e));
    fct_buf_text(&b, c.complete ? "changes" : "everything");
    for (int what = FCT_CHANGE_SETTING; what >= 1 && c.complete; what--)
        for (int64_t id = 0; id < 100; id++)
            for (size_t i = 0; i < c.n; i++)
                if ((int)c.items[i].what == what && c.items[i].id == id) {
                    fct_buf_printf(&b, " %d:%d", what, (int)id);
                    break;
                }
    *seq = c.newest;
    fct_free(c.items);
    return fct_buf_take(&b, NULL);
}

/* The store in memory and the one that was chosen. */
TEST(two_stores_agree) {
    if (store_is("memory")) SKIP("the other tests of memory compare it with files");
    fct_gallery_opts o;
    fct_gallery_opts_init(&o);
    memory_db *db = memory_db_create();
    if (store_is("postgresql")) memory_db_keep_numbers(db);
    fct_store *st[KINDS] = {memory_store_open(db)};
    int64_t seq[KINDS] = {0};
    store_erase("verbs.db");
    REQUIRE(!fct_store_open(store_place("verbs.db"), &o, &st[1], &e));
    for (int i = 0; i < KINDS; i++) { /* so that collection 2 is there */
        REQUIRE(!st[i]->ops->begin(st[i], FCT_STORE_WRITE, &e));
        fct_store_collection c = {.name = "second"};
        REQUIRE(!st[i]->ops->collections_add(st[i], &c, 1, &e) && c.is_new && c.id == 2);
        REQUIRE(!st[i]->ops->end(st[i], FCT_OK, &e));
    }
    int good = 0;
    for (uint64_t round = 0; round < 700 && !test_failures; round++) {
        fct_status s[KINDS];
        char *text[KINDS], *changes[KINDS];
        for (int i = 0; i < KINDS; i++) {
            s[i] = work(st[i], round);
            text[i] = dump(st[i]);
            changes[i] = dump_changes(st[i], &seq[i]);
        }
        good += !s[0];
        CHECK_MSG(s[0] == s[1], "round %d: %d and %d: %s", (int)round, s[0], s[1], e.text);
        CHECK_MSG(!strcmp(text[0], text[1]), "round %d:\n%s---\n%s", (int)round, text[0], text[1]);
        CHECK_MSG(!strcmp(changes[0], changes[1]), "round %d: %s --- %s", (int)round, changes[0], changes[1]);
        for (int i = 0; i < KINDS; i++) fct_free(text[i]), fct_free(changes[i]);
    }
    CHECK_MSG(good > 500, "%d", good);
    for (int i = 0; i < KINDS; i++) {
        CHECK_MSG(!st[i]->ops->purge(st[i], &e), "%s", e.text);
        CHECK(!st[i]->ops->begin(st[i], FCT_STORE_READ, &e));
        CHECK_MSG(!st[i]->ops->end(st[i], st[i]->ops->check(st[i], &e), &e), "%s", e.text);
        fct_store_close(st[i]);
    }
    memory_db_free(db);
}

int main(int argc, char **argv) { return test_main(argc, argv); }
