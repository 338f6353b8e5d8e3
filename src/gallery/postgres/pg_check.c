/* What can be checked of the tables: that what refers to something finds it. The
 * server checks its pages by itself where it was told to (initdb --data-checksums),
 * when they are read. */
#include "base/error.h"
#include "gallery/postgres/pg_store.h"

static fct_status check_none(fct_pg_store *st, const char *what, const char *sql, fct_error *err) {
    int64_t id;
    fct_status s = fct_pg_ask_int(&st->pg, NULL, &id, err, sql);
    if (s || !id) return s;
    return fct_fail(err, FCT_ERR_FORMAT, "%s: damaged: %s %lld", st->head.place, what, (long long)id);
}

fct_status fct_pg_odd_answer(const fct_pg_store *st, fct_error *err) {
    return fct_fail(err, FCT_ERR_FORMAT, "%s: an answer of the server is not what was asked for", st->head.place);
}

fct_status fct_pg_check(fct_store *head, fct_error *err) {
    fct_pg_store *st = fct_pg_store_of(head);
    fct_status s = check_none(st, "nobody has face",
                              "SELECT f.id FROM face f LEFT JOIN person p ON p.id = person_id WHERE p.id IS "
                              "NULL LIMIT 1",
                              err);
    if (!s && st->vectors)
        s = check_none(st, "no face has vector",
                       "SELECT v.face_id FROM face_vector v LEFT JOIN face f ON f.id = face_id WHERE f.id IS "
                       "NULL LIMIT 1",
                       err);
    return s;
}
