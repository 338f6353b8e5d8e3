/* The audit log. An entry's hash is SHA-256 over the hash of the entry before it (zeros
 * for the first), the entry's number and time as eight bytes each, little-endian, and
 * its three texts, each with the NUL behind it. Who changes, cuts out or exchanges an
 * entry breaks the chain there; who makes the rest anew or cuts it off at the end has
 * another last hash than the one that was noted elsewhere. */
#include "base/alloc.h"
#include "base/buffer.h"
#include "base/error.h"
#include "base/file.h"
#include "base/hash.h"
#include "facet/privacy.h"
#include "gallery/gallery_impl.h"
#include "text/json_reader.h"
#include <string.h>

static void put_number(fct_sha256 *h, int64_t v) {
    uint8_t bytes[8];
    for (int i = 0; i < 8; i++) bytes[i] = (uint8_t)((uint64_t)v >> (8 * i));
    fct_sha256_update(h, bytes, sizeof bytes);
}

/* The hash of an entry that follows one with the hash before. */
static void hash_entry(const fct_store_audit *a, const uint8_t before[32], uint8_t out[32]) {
    fct_sha256 h;
    fct_sha256_init(&h);
    fct_sha256_update(&h, before, 32);
    put_number(&h, a->seq);
    put_number(&h, a->at);
    fct_sha256_update(&h, a->actor, strlen(a->actor) + 1);
    fct_sha256_update(&h, a->what, strlen(a->what) + 1);
    fct_sha256_update(&h, a->detail, strlen(a->detail) + 1);
    fct_sha256_final(&h, out);
}

/* ---- Writing ---------------------------------------------------------------------------- */

/* What the setting says. */
typedef enum audit_level { AUDIT_OFF, AUDIT_CHANGES, AUDIT_SEARCHES } audit_level;

static fct_status read_level(fct_store *st, audit_level *out, fct_error *err) {
    char *value;
    fct_status s = fct_setting_read(st, 0, "audit", &value, err);
    *out = s || !value ? AUDIT_OFF : strcmp(value, "searches") == 0 ? AUDIT_SEARCHES : AUDIT_CHANGES;
    if (!s && value && strcmp(value, "off") == 0) *out = AUDIT_OFF;
    fct_free(value);
    return s;
}

fct_status fct_audit_is_on(fct_store *st, bool *out, fct_error *err) {
    audit_level level;
    fct_status s = read_level(st, &level, err);
    *out = level != AUDIT_OFF;
    return s;
}

/* Who the calling thread works for; NULL = whom the gallery was opened for. */
static _Thread_local const char *working_for;

void fct_gallery_act_for(const char *actor) { working_for = actor; }

static fct_status append(fct_store *st, const char *what, const char *detail, fct_error *err) {
    uint8_t before[32];
    fct_store_audit a = {.at = fct_time_unix(),
                         .actor = working_for ? working_for
                                  : st->actor ? st->actor
                                              : "",
                         .what = what,
                         .detail = detail};
    fct_status s = st->ops->audit_last(st, &a.seq, before, err);
    if (s) return s;
    a.seq++;
    hash_entry(&a, before, a.hash);
    return st->ops->audit_add(st, &a, 1, err);
}

fct_status fct_audit_note(fct_store *st, const char *what, const char *detail, fct_error *err) {
    audit_level level;
    fct_status s = read_level(st, &level, err);
    return s || level == AUDIT_OFF ? s : append(st, what, detail, err);
}

fct_status fct_audit_ids(fct_store *st, const char *what, int64_t person_id, const int64_t *faces, size_t n,
                         fct_error *err) {
    audit_level level;
    fct_buf b = {0};
    fct_status s = read_level(st, &level, err);
    if (s || level == AUDIT_OFF) return s;
    fct_buf_printf(&b, "{\"person\":%lld", (long long)person_id);
    for (size_t i = 0; i < n; i++) fct_buf_printf(&b, "%s%lld", i ? "," : ",\"faces\":[", (long long)faces[i]);
    fct_buf_text(&b, n ? "]}" : "}");
    s = b.failed ? fct_fail_nomem(err, "audit log", b.size) : append(st, what, b.data, err);
    fct_buf_free(&b);
    return s;
}

fct_status fct_audit_person(fct_store *st, const char *what, int64_t person_id, fct_error *err) {
    return fct_audit_ids(st, what, person_id, NULL, 0, err);
}

/* An entry of the caller's own. */
typedef struct note_call {
    const char *what, *detail;
} note_call;

static fct_status note(void *ctx, fct_store *st, fct_error *err) {
    const note_call *c = ctx;
    return fct_audit_note(st, c->what, c->detail, err);
}

static fct_status check_note(const char *what, const char *detail, fct_error *err) {
    size_t n = what ? strnlen(what, 33) : 0;
    if (n < 1 || n > 32 || strspn(what, "abcdefghijklmnopqrstuvwxyz-") != n)
        return fct_fail(err, FCT_ERR_ARG, "what an entry of the audit log tells of has 1 to 32 of a-z and '-'");
    size_t size = detail ? strnlen(detail, 65537) : 0;
    if (size < 2 || size > 65536) return fct_fail(err, FCT_ERR_ARG, "the detail of an entry has 2 to 65536 bytes");
    char *copy = fct_strdup(detail);
    if (!copy) return fct_fail_nomem(err, "audit log", size);
    fct_json_doc doc = {0};
    fct_status s = fct_json_parse(&doc, copy, size, "detail", err);
    if (!s && !fct_json_is(doc.values, FCT_JSON_OBJECT)) s = fct_fail(err, FCT_ERR_ARG, "the detail is no JSON object");
    fct_json_free(&doc);
    fct_free(copy);
    return s == FCT_ERR_FORMAT ? FCT_ERR_ARG : s;
}

fct_status fct_gallery_note(fct_gallery *g, const char *what, const char *detail, fct_error *err) {
    note_call c = {what, detail};
    fct_status s = check_note(what, detail, err);
    return s ? s : fct_gallery_write(g, note, &c, err);
}

/* ---- Searches ------------------------------------------------------------------------------ */

static fct_status level_of(void *ctx, fct_store *st, fct_error *err) { return read_level(st, ctx, err); }

/* Whether searches are noted. */
static fct_status wants_searches(fct_gallery *g, bool *out, fct_error *err) {
    audit_level level = AUDIT_OFF;
    fct_status s = g->mirror.audit_searches ? fct_gallery_read(g, level_of, &level, err) : FCT_OK;
    *out = level == AUDIT_SEARCHES;
    return s;
}

fct_status fct_audit_search(fct_gallery *g, const fct_match *found, const int *n_found, int n, int k, fct_error *err) {
    bool wanted;
    fct_buf b = {0};
    fct_status s = wants_searches(g, &wanted, err);
    if (s || !wanted) return s;
    if (g->read_only)
        return fct_fail(err, FCT_ERR_ARG, "%s: searches are noted in its audit log: it must be opened for writing",
                        g->reader->place);
    fct_buf_printf(&b, "{\"faces\":%d,\"found\":[", n);
    for (int i = 0, any = 0; i < n; i++)
        for (int j = 0; j < n_found[i]; j++) {
            const fct_match *m = &found[(size_t)i * (size_t)k + (size_t)j];
            int thousandths = (int)((m->score < 0 ? -m->score : m->score) * 1000 + 0.5f);
            fct_buf_printf(&b, "%s{\"face\":%d,\"person\":%lld,\"score\":%s%d.%03d}", any++ ? "," : "", i + 1,
                           (long long)m->person_id, m->score < 0 ? "-" : "", thousandths / 1000, thousandths % 1000);
        }
    fct_buf_text(&b, "]}");
    note_call c = {"search", b.data};
    s = b.failed ? fct_fail_nomem(err, "audit log", b.size) : fct_gallery_write(g, note, &c, err);
    fct_buf_free(&b);
    return s;
}

/* ---- Reading ------------------------------------------------------------------------------- */

/* A reading of the log. */
typedef struct audit_reader {
    int64_t after;
    fct_audit_visit_fn *fn; /* NULL: verify */
    void *user;
    int64_t last;
    uint8_t hash[32]; /* of the last entry */
    const fct_store *st;
} audit_reader;

static void to_hex(const uint8_t in[32], char out[65]) {
    for (int i = 0; i < 32; i++) {
        out[2 * i] = "0123456789abcdef"[in[i] >> 4];
        out[2 * i + 1] = "0123456789abcdef"[in[i] & 15];
    }
    out[64] = 0;
}

static fct_status show_entry(void *ctx, const fct_store_audit *a, fct_error *err) {
    const audit_reader *r = ctx;
    fct_audit_entry x = {.seq = a->seq,
                         .time = a->at,
                         .actor = a->actor ? a->actor : "",
                         .what = a->what ? a->what : "",
                         .detail = a->detail ? a->detail : ""};
    to_hex(a->hash, x.hash);
    return r->fn(&x, r->user, err);
}

static fct_status verify_entry(void *ctx, const fct_store_audit *a, fct_error *err) {
    audit_reader *r = ctx;
    uint8_t want[32];
    if (a->seq != r->last + 1)
        return fct_fail(err, FCT_ERR_FORMAT, "%s: the audit log is broken: entry %lld is missing", r->st->place,
                        (long long)r->last + 1);
    if (a->actor && a->what && a->detail) hash_entry(a, r->hash, want);
    if (!a->actor || !a->what || !a->detail || memcmp(want, a->hash, 32) != 0)
        return fct_fail(err, FCT_ERR_FORMAT, "%s: the audit log is broken: entry %lld is not as it was written",
                        r->st->place, (long long)a->seq);
    r->last = a->seq;
    memcpy(r->hash, a->hash, 32);
    return FCT_OK;
}

static fct_status read_log(void *ctx, fct_store *st, fct_error *err) {
    audit_reader *r = ctx;
    r->st = st;
    r->last = 0;
    memset(r->hash, 0, sizeof r->hash);
    return st->ops->audit(st, r->after, r->fn ? show_entry : verify_entry, r, err);
}

fct_status fct_gallery_audit(fct_gallery *g, int64_t after, fct_audit_visit_fn *fn, void *user, fct_error *err) {
    audit_reader r = {.after = after, .fn = fn, .user = user};
    if (!fn) return fct_fail(err, FCT_ERR_ARG, "audit log: no function");
    return fct_gallery_read_apart(g, read_log, &r, err);
}

static fct_status read_last(void *ctx, fct_store *st, fct_error *err) {
    audit_reader *r = ctx;
    return st->ops->audit_last(st, &r->last, r->hash, err);
}

fct_status fct_gallery_last_audit(fct_gallery *g, int64_t *entries, char hash[65], fct_error *err) {
    audit_reader r = {0};
    *entries = 0;
    if (hash) *hash = 0;
    fct_status s = fct_gallery_read(g, read_last, &r, err);
    if (!s) *entries = r.last;
    if (!s && hash) to_hex(r.hash, hash);
    return s;
}

fct_status fct_gallery_verify_audit(fct_gallery *g, int64_t *entries, char hash[65], fct_error *err) {
    audit_reader r = {0};
    if (entries) *entries = 0;
    if (hash) *hash = 0;
    fct_status s = fct_gallery_read_apart(g, read_log, &r, err);
    if (!s && entries) *entries = r.last;
    if (!s && hash) to_hex(r.hash, hash);
    return s;
}
