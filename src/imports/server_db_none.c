#include "base/error.h"
#include "imports/import_sink.h"

fct_status fct_server_db_import(const char *part, fct_import_sink *sink, fct_error *err) {
    return fct_fail(err, FCT_ERR_UNSUPPORTED, "%s: this build cannot read SQLite files (libsqlite3)", sink->path);
}
