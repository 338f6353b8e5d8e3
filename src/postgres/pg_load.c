#define FCT_PQ_PLAIN
#include "postgres/pg_load.h"
#include "base/error.h"
#include "base/library.h"
#include "base/thread.h"

fct_pq_functions fct_pq;

/* Loads libpq the first time that a gallery on a server is opened: who has none needs no PostgreSQL. */
static bool look_up(void) {
    static const char *const files[] = {"libpq.so.5", "libpq.5.dylib", "libpq.dll", NULL};
#define SYMBOL(f)                                                                                                      \
    { #f, (void (**)(void)) & fct_pq.f }
    const fct_symbol symbols[] = {SYMBOL(PQcancel),
                                  SYMBOL(PQclear),
                                  SYMBOL(PQcmdStatus),
                                  SYMBOL(PQconnectdbParams),
                                  SYMBOL(PQconninfoFree),
                                  SYMBOL(PQconninfoParse),
                                  SYMBOL(PQerrorMessage),
                                  SYMBOL(PQexec),
                                  SYMBOL(PQfformat),
                                  SYMBOL(PQfinish),
                                  SYMBOL(PQfreeCancel),
                                  SYMBOL(PQfreemem),
                                  SYMBOL(PQftype),
                                  SYMBOL(PQgetCancel),
                                  SYMBOL(PQgetResult),
                                  SYMBOL(PQgetisnull),
                                  SYMBOL(PQgetlength),
                                  SYMBOL(PQgetvalue),
                                  SYMBOL(PQnfields),
                                  SYMBOL(PQntuples),
                                  SYMBOL(PQparameterStatus),
                                  SYMBOL(PQpingParams),
                                  SYMBOL(PQprepare),
                                  SYMBOL(PQresultErrorField),
                                  SYMBOL(PQresultStatus),
                                  SYMBOL(PQsendQueryPrepared),
                                  SYMBOL(PQserverVersion),
                                  SYMBOL(PQsetNoticeReceiver),
                                  SYMBOL(PQsetSingleRowMode),
                                  SYMBOL(PQstatus),
                                  SYMBOL(PQtransactionStatus)};
#undef SYMBOL
    return fct_library_load(files, symbols, sizeof symbols / sizeof *symbols);
}

fct_status fct_pq_load(fct_error *err) {
    static fct_mutex lock = FCT_MUTEX_INIT;
    static bool loaded;
    fct_mutex_lock(&lock);
    if (!loaded) loaded = look_up();
    bool there = loaded;
    fct_mutex_unlock(&lock);
    return there ? FCT_OK : fct_fail(err, FCT_ERR_UNSUPPORTED, "PostgreSQL: libpq is not installed (Debian: libpq5)");
}
