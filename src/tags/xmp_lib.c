#include "tags/xmp_lib.h"

#include "base/alloc.h"
#include "base/error.h"

static const char *const uris[FCT_XMP_NAMESPACES] = {"http://www.metadataworkinggroup.com/schemas/regions/",
                                                     "http://ns.adobe.com/xmp/sType/Area#",
                                                     "http://ns.adobe.com/xap/1.0/sType/Dimensions#",
                                                     "http://ns.microsoft.com/photo/1.2/",
                                                     "http://ns.microsoft.com/photo/1.2/t/RegionInfo#",
                                                     "http://ns.microsoft.com/photo/1.2/t/Region#",
                                                     "urn:facet:xmp:1.0#"};

const char *fct_xmp_uri(fct_xmp_ns ns) { return uris[ns]; }

#ifdef FCT_HAVE_EXEMPI
#include "base/thread.h"
#include "image/codec_load.h"

#include <exempi/xmp.h>
#include <string.h>

/* clang-format off */
#define XMP(X) \
    X(xmp_init) X(xmp_register_namespace) X(xmp_new_empty) X(xmp_parse) X(xmp_free) X(xmp_serialize) \
    X(xmp_get_property) X(xmp_set_property) X(xmp_append_array_item) X(xmp_delete_property) \
    X(xmp_string_new) X(xmp_string_free) X(xmp_string_cstr) X(xmp_string_len)
XMP(FCT_CODEC_POINTER)
static const fct_symbol symbols[] = {XMP(FCT_CODEC_SYMBOL)};
/* clang-format on */

static fct_codec_library library = {.files = {"libexempi.so.8", "libexempi.8.dylib", "libexempi-8.dll"},
                                    .package = "libexempi8",
                                    .symbols = symbols,
                                    .n = sizeof symbols / sizeof *symbols};

static char prefixes[FCT_XMP_NAMESPACES][32]; /* with their colon, as exempi has them */
static bool ready;

/* Held by whoever calls exempi: its tables and its start belong to the process. */
static fct_mutex lock = FCT_MUTEX_INIT;

struct fct_xmp {
    XmpPtr object;
    XmpStringPtr text; /* the value that was got last */
};

/* Tells exempi the namespaces' usual prefixes before any file can claim them for others. */
static bool start(void) {
    static const char *const usual[FCT_XMP_NAMESPACES] = {"mwg-rs", "stArea", "stDim", "MP", "MPRI", "MPReg", "facet"};
    XmpStringPtr got = lib_xmp_init() ? lib_xmp_string_new() : NULL;
    if (!got) return false;
    for (int i = 0; i < FCT_XMP_NAMESPACES; i++) {
        lib_xmp_register_namespace(uris[i], usual[i], got);
        const char *prefix = lib_xmp_string_cstr(got);
        size_t n = prefix ? strlen(prefix) : 0;
        if (n == 0 || n >= sizeof prefixes[i]) break;
        memcpy(prefixes[i], prefix, n + 1);
    }
    lib_xmp_string_free(got);
    return prefixes[FCT_XMP_NAMESPACES - 1][0] != 0;
}

/* Loads exempi once; the lock is held afterwards exactly on success. */
static fct_status enter(const char *name, fct_error *err) {
    fct_status s = fct_codec_load(&library, name, "XMP", err);
    if (s) return s;
    fct_mutex_lock(&lock);
    if (!ready) ready = start();
    if (ready) return FCT_OK;
    fct_mutex_unlock(&lock);
    return fct_fail(err, FCT_ERR_UNSUPPORTED, "%s: exempi cannot be started", name);
}

/* Makes the object and hands it the text, with the lock held. */
static fct_status parse_locked(fct_xmp *x, const char *text, size_t n, const char *name, fct_error *err) {
    x->object = lib_xmp_new_empty();
    x->text = lib_xmp_string_new();
    if (!x->object || !x->text) return fct_fail_nomem(err, name, 0);
    if (n && !lib_xmp_parse(x->object, text, n))
        return fct_fail(err, FCT_ERR_FORMAT, "%s: XMP is damaged, or no RDF that XMP allows", name);
    return FCT_OK;
}

fct_status fct_xmp_parse(const char *text, size_t n, const char *file, fct_xmp **out, fct_error *err) {
    *out = NULL;
    fct_status s = enter(file, err);
    if (s) return s;
    fct_xmp *x = fct_calloc(1, sizeof *x);
    s = x ? parse_locked(x, text, n, file, err) : fct_fail_nomem(err, file, 0);
    fct_mutex_unlock(&lock);
    if (s) fct_xmp_free(x);
    else *out = x;
    return s;
}

void fct_xmp_free(fct_xmp *x) {
    if (!x) return;
    fct_mutex_lock(&lock);
    if (x->object) lib_xmp_free(x->object);
    if (x->text) lib_xmp_string_free(x->text);
    fct_mutex_unlock(&lock);
    fct_free(x);
}

/* Writes the path with exempi's prefixes; false where it does not fit. */
static bool expand(const char *path, char out[512]) {
    size_t n = 0;
    for (const char *p = path; *p; p++) {
        bool prefix = p[0] == '~' && p[1] >= '0' && p[1] < '0' + FCT_XMP_NAMESPACES;
        const char *piece = prefix ? prefixes[p[1] - '0'] : p;
        size_t length = prefix ? strlen(piece) : 1;
        if (n + length >= 512) return false;
        memcpy(out + n, piece, length);
        n += length;
        p += prefix;
    }
    out[n] = 0;
    return true;
}

const char *fct_xmp_get(fct_xmp *x, fct_xmp_ns ns, const char *path) {
    char full[512];
    uint32_t bits = 0;
    if (!expand(path, full)) return NULL;
    fct_mutex_lock(&lock);
    bool found = lib_xmp_get_property(x->object, uris[ns], full, x->text, &bits);
    const char *value = found ? lib_xmp_string_cstr(x->text) : NULL;
    fct_mutex_unlock(&lock);
    return found && value ? (XMP_IS_PROP_SIMPLE(bits) ? value : "") : NULL;
}

bool fct_xmp_is(fct_xmp *x, fct_xmp_ns ns, const char *path, fct_xmp_form form) {
    char full[512];
    uint32_t bits = 0;
    if (!expand(path, full)) return false;
    fct_mutex_lock(&lock);
    bool found = lib_xmp_get_property(x->object, uris[ns], full, x->text, &bits);
    fct_mutex_unlock(&lock);
    return found && (form == FCT_XMP_STRUCT ? XMP_IS_PROP_STRUCT(bits)
                     : form == FCT_XMP_BAG  ? XMP_IS_PROP_ARRAY(bits)
                                            : XMP_IS_PROP_SIMPLE(bits));
}

static uint32_t bits_of(fct_xmp_form form) {
    return form == FCT_XMP_STRUCT ? XMP_PROP_VALUE_IS_STRUCT : form == FCT_XMP_BAG ? XMP_PROP_VALUE_IS_ARRAY : 0;
}

bool fct_xmp_set(fct_xmp *x, fct_xmp_ns ns, const char *path, const char *value, fct_xmp_form form) {
    char full[512];
    if (!expand(path, full)) return false;
    fct_mutex_lock(&lock);
    bool done = lib_xmp_set_property(x->object, uris[ns], full, form ? "" : value, bits_of(form));
    fct_mutex_unlock(&lock);
    return done;
}

bool fct_xmp_append(fct_xmp *x, fct_xmp_ns ns, const char *path, fct_xmp_form form) {
    char full[512];
    if (!expand(path, full)) return false;
    fct_mutex_lock(&lock);
    bool done = lib_xmp_append_array_item(x->object, uris[ns], full, XMP_PROP_VALUE_IS_ARRAY, NULL, bits_of(form));
    fct_mutex_unlock(&lock);
    return done;
}

bool fct_xmp_delete(fct_xmp *x, fct_xmp_ns ns, const char *path) {
    char full[512];
    if (!expand(path, full)) return false;
    fct_mutex_lock(&lock);
    bool done = lib_xmp_delete_property(x->object, uris[ns], full);
    fct_mutex_unlock(&lock);
    return done;
}

fct_status fct_xmp_write(fct_xmp *x, const char *file, fct_buf *out, fct_error *err) {
    fct_mutex_lock(&lock);
    bool done = lib_xmp_serialize(x->object, x->text, XMP_SERIAL_OMITPACKETWRAPPER, 0);
    if (done) fct_buf_add(out, lib_xmp_string_cstr(x->text), lib_xmp_string_len(x->text));
    fct_mutex_unlock(&lock);
    if (!done) return fct_fail(err, FCT_ERR_FORMAT, "%s: its regions cannot be written again", file);
    return out->failed ? fct_fail_nomem(err, file, 0) : FCT_OK;
}

#else

static fct_status missing(const char *file, fct_error *err) {
    return fct_fail(err, FCT_ERR_UNSUPPORTED, "%s: this build has no face regions in XMP (Meson feature \"tags\")",
                    file);
}
fct_status fct_xmp_parse(const char *text, size_t n, const char *file, fct_xmp **out, fct_error *err) {
    *out = NULL;
    return missing(file, err);
}
void fct_xmp_free(fct_xmp *x) {}
const char *fct_xmp_get(fct_xmp *x, fct_xmp_ns ns, const char *path) { return NULL; }
bool fct_xmp_is(fct_xmp *x, fct_xmp_ns ns, const char *path, fct_xmp_form form) { return false; }
bool fct_xmp_set(fct_xmp *x, fct_xmp_ns ns, const char *path, const char *value, fct_xmp_form form) { return false; }
bool fct_xmp_append(fct_xmp *x, fct_xmp_ns ns, const char *path, fct_xmp_form form) { return false; }
bool fct_xmp_delete(fct_xmp *x, fct_xmp_ns ns, const char *path) { return false; }
fct_status fct_xmp_write(fct_xmp *x, const char *file, fct_buf *out, fct_error *err) { return missing(file, err); }

#endif
