#include "tags/sidecar.h"

#include "base/alloc.h"
#include "base/error.h"
#include "base/file.h"

#include <string.h>

char *fct_sidecar_path(const char *photo, fct_sidecar_style style) {
    const char *ext = fct_path_ext(photo);
    if (style != FCT_SIDECAR_ADOBE || !*ext) return fct_asprintf("%s.xmp", photo);
    return fct_asprintf("%.*sxmp", (int)(ext - photo), photo);
}

fct_status fct_sidecar_find(const char *photo, fct_sidecar_style style, char **out, bool *exists, fct_error *err) {
    fct_sidecar_style first = style == FCT_SIDECAR_ADOBE ? FCT_SIDECAR_ADOBE : FCT_SIDECAR_DIGIKAM;
    fct_file_stat st;
    *exists = false;
    *out = fct_sidecar_path(photo, first);
    if (!*out) return fct_fail_nomem(err, photo, 0);
    fct_file_get_stat(*out, &st);
    *exists = st.exists;
    if (st.exists || style != FCT_SIDECAR_AUTO) return FCT_OK;
    char *other = fct_sidecar_path(photo, FCT_SIDECAR_ADOBE);
    if (!other) {
        fct_free(*out);
        *out = NULL;
        return fct_fail_nomem(err, photo, 0);
    }
    fct_file_get_stat(other, &st);
    *exists = st.exists;
    fct_free(st.exists ? *out : other);
    if (st.exists) *out = other;
    return FCT_OK;
}
