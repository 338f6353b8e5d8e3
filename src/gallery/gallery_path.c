/* What of the gallery does not need SQLite. */
#include "base/file.h"
#include "facet/gallery.h"
#include "postgres/pg_address.h"

void fct_gallery_opts_init(fct_gallery_opts *o) {
    *o = (fct_gallery_opts){.size = sizeof *o, .busy_ms = 5000, .cache_from = 50000, .server_from = 100000};
}

bool fct_gallery_is_address(const char *place) { return place && fct_pg_is_address(place); }

fct_status fct_gallery_default_path(char *buf, size_t cap, fct_error *err) {
    return fct_data_file_path("FCT_GALLERY", "gallery.db", "gallery", buf, cap, err);
}
