/* Packs in zip files. Archives come from the network: names, sizes and kinds of
 * entries are all checked before a byte is written, and sizes again while
 * writing. */
#include "pack/store.h"
#include "base/alloc.h"
#include "base/error.h"
#include "base/file.h"
#include <string.h>

#ifdef FCT_HAVE_ZIP
#include "base/library.h"
#include "base/thread.h"
#include <zip.h>

/* Weights hardly compress: a pack's zip is about as large as its files. */
#define MAX_UNPACKED ((uint64_t)4 << 30)
enum { max_entries = 256, max_ratio = 50, block = 256 << 10 };

typedef struct unpacking {
    zip_t *zip;
    const char *path, *into;
    const fct_store_opts *opts;
    fct_sums *sums;
    fct_error *err;
    uint64_t done, total;
    char *folder; /* within the archive, with its last '/'; "" = top; owned */
    uint8_t *buf;
} unpacking;

/* libzip's functions, looked up at the first archive. */
static struct {
    zip_t *(*open)(const char *, int, int *);
    void (*discard)(zip_t *);
    zip_int64_t (*get_num_entries)(zip_t *, zip_flags_t);
    int (*stat_index)(zip_t *, zip_uint64_t, zip_flags_t, zip_stat_t *);
    int (*file_get_external_attributes)(zip_t *, zip_uint64_t, zip_flags_t, zip_uint8_t *, zip_uint32_t *);
    zip_file_t *(*fopen_index)(zip_t *, zip_uint64_t, zip_flags_t);
    zip_int64_t (*fread)(zip_file_t *, void *, zip_uint64_t);
    int (*fclose)(zip_file_t *);
    void (*error_init_with_code)(zip_error_t *, int);
    const char *(*error_strerror)(zip_error_t *);
    void (*error_fini)(zip_error_t *);
} api;

/* Finds libzip at run time, so that facet starts on machines that lack it. */
static bool load_zip(void) {
    static const char *const files[] = {"libzip.so.5", "libzip.so.4", "libzip.5.dylib", "libzip.dll", "zip.dll", NULL};
#define SYMBOL(f)                                                                                                      \
    { "zip_" #f, (void (**)(void)) & api.f }
    const fct_symbol symbols[] = {SYMBOL(open),
                                  SYMBOL(discard),
                                  SYMBOL(get_num_entries),
                                  SYMBOL(stat_index),
                                  SYMBOL(file_get_external_attributes),
                                  SYMBOL(fopen_index),
                                  SYMBOL(fread),
                                  SYMBOL(fclose),
                                  SYMBOL(error_init_with_code),
                                  SYMBOL(error_strerror),
                                  SYMBOL(error_fini)};
#undef SYMBOL
    return fct_library_load(files, symbols, sizeof symbols / sizeof *symbols);
}

/* Loads the library at the first archive; later calls use the same one. */
static bool have_zip(void) {
    static fct_mutex lock = FCT_MUTEX_INIT;
    static bool loaded;
    fct_mutex_lock(&lock);
    if (!loaded) loaded = load_zip();
    bool ok = loaded;
    fct_mutex_unlock(&lock);
    return ok;
}

static fct_status refuse(const unpacking *u, const char *entry, const char *why) {
    return fct_fail(u->err, FCT_ERR_FORMAT, "%s: entry \"%.200s\" %s", u->path, entry, why);
}

/* Whether a name stays inside the folder. No entry may try to leave it, wanted or not: such an archive is not to be
 * trusted at all. */
static bool name_stays_inside(const char *n) {
    if (n[0] == '/' || strpbrk(n, "\\:")) return false;
    for (const char *part = n; part; part = strchr(part, '/')) {
        if (*part == '/') part++;
        if (part[0] == '.' && part[1] == '.' && (part[2] == '/' || part[2] == 0)) return false;
    }
    for (; *n; n++)
        if ((unsigned char)*n < 32 || *n == 127) return false;
    return true;
}

static bool is_link_or_device(const unpacking *u, zip_uint64_t i) {
    zip_uint8_t system;
    zip_uint32_t attributes;
    if (api.file_get_external_attributes(u->zip, i, 0, &system, &attributes) || system != ZIP_OPSYS_UNIX) return false;
    unsigned kind = attributes >> 28; /* the upper bits of st_mode */
    return kind != 0 && kind != 8 && kind != 4;
}

/* Refuses whatever could do harm when it is unpacked: paths that leave the folder, links, devices, and entries that
 * would grow out of all proportion. */
static fct_status check_entry(unpacking *u, zip_uint64_t i, zip_stat_t *st) {
    if (api.stat_index(u->zip, i, 0, st) || !st->name)
        return fct_fail(u->err, FCT_ERR_FORMAT, "%s: damaged: entry %llu cannot be read", u->path,
                        (unsigned long long)i);
    if (!name_stays_inside(st->name)) return refuse(u, st->name, "would leave the pack's folder");
    if (is_link_or_device(u, i)) return refuse(u, st->name, "is a link or a device");
    if ((st->valid & ZIP_STAT_ENCRYPTION_METHOD) && st->encryption_method != ZIP_EM_NONE)
        return refuse(u, st->name, "is encrypted");
    if (!(st->valid & ZIP_STAT_SIZE) || !(st->valid & ZIP_STAT_COMP_SIZE)) return refuse(u, st->name, "has no size");
    if (st->size > MAX_UNPACKED || u->total + st->size > MAX_UNPACKED ||
        (st->size >> 20) / max_ratio > (st->comp_size >> 20) + 1)
        return fct_fail(u->err, FCT_ERR_LIMIT, "%s: entry \"%.200s\" would unpack to %llu bytes from %llu", u->path,
                        st->name, (unsigned long long)st->size, (unsigned long long)st->comp_size);
    u->total += st->size;
    return FCT_OK;
}

static bool is_onnx(const char *name) {
    size_t n = strlen(name);
    return n > 5 && strcmp(name + n - 5, ".onnx") == 0;
}

/* Part of an entry's name before the last '/', with it; its length. */
static size_t folder_length(const char *name) {
    const char *slash = strrchr(name, '/');
    return slash ? (size_t)(slash - name) + 1 : 0;
}

static bool hidden(const char *name) { return strncmp(name, "__MACOSX/", 9) == 0 || name[folder_length(name)] == '.'; }

/* Checks all entries and finds the one folder that holds the networks: some
 * archives have the files at their top, some in a folder of the pack's name. */
static fct_status survey(unpacking *u) {
    zip_int64_t n = api.get_num_entries(u->zip, 0);
    if (n < 1 || n > max_entries)
        return fct_fail(u->err, FCT_ERR_FORMAT, "%s: %lld entries (1 to %d are expected)", u->path, (long long)n,
                        max_entries);
    for (zip_uint64_t i = 0; i < (zip_uint64_t)n; i++) {
        zip_stat_t st;
        fct_status s = check_entry(u, i, &st);
        if (s) return s;
        if (!is_onnx(st.name) || hidden(st.name)) continue;
        size_t length = folder_length(st.name);
        if (u->folder && (strlen(u->folder) != length || strncmp(u->folder, st.name, length)))
            return refuse(u, st.name, "lies in another folder than the networks before it");
        if (!u->folder && !(u->folder = fct_strndup(st.name, length))) return fct_fail_nomem(u->err, u->path, 0);
    }
    if (!u->folder) return fct_fail(u->err, FCT_ERR_FORMAT, "%s: no ONNX files in this archive", u->path);
    return FCT_OK;
}

/* Writes the entry piece by piece and holds it to the size that the archive declares, whatever the compressed data
 * yields. */
static fct_status copy_entry(unpacking *u, zip_file_t *in, const zip_stat_t *st, fct_sink *out) {
    uint64_t left = st->size;
    for (;;) {
        zip_int64_t n = api.fread(in, u->buf, block);
        if (n < 0) return refuse(u, st->name, "is damaged");
        if (n == 0) break;
        if ((uint64_t)n > left) return refuse(u, st->name, "is longer than it says");
        left -= (uint64_t)n;
        u->done += (uint64_t)n;
        fct_status s = fct_sink_write(out, u->buf, (size_t)n, u->err);
        if (!s) s = fct_store_tell(u->opts, "unpack", u->done, u->total, u->err);
        if (s) return s;
    }
    return left ? refuse(u, st->name, "is shorter than it says") : FCT_OK;
}

static fct_status unpack_entry(unpacking *u, zip_uint64_t i, const zip_stat_t *st, const char *name) {
    char *path = fct_path_join(u->into, name), sha256[65];
    fct_sink *out = NULL;
    fct_status s = path ? fct_sink_create(path, &out, u->err) : fct_fail_nomem(u->err, name, 0);
    fct_free(path);
    if (s) return s;
    zip_file_t *in = api.fopen_index(u->zip, i, 0);
    s = in ? copy_entry(u, in, st, out) : refuse(u, st->name, "cannot be unpacked");
    /* The checksum of the entry is checked when it is read to its end. */
    if (in && api.fclose(in) && !s) s = refuse(u, st->name, "is damaged: its checksum is wrong");
    if (s) {
        fct_sink_abort(out);
        return s;
    }
    s = fct_sink_close(out, sha256, u->err);
    return s ? s : fct_sums_set(u->sums, name, sha256, u->err);
}

static fct_status unpack_all(unpacking *u) {
    size_t prefix = strlen(u->folder);
    zip_int64_t n = api.get_num_entries(u->zip, 0);
    for (zip_uint64_t i = 0; i < (zip_uint64_t)n; i++) {
        zip_stat_t st;
        if (api.stat_index(u->zip, i, 0, &st)) return refuse(u, "?", "cannot be read");
        const char *name = st.name + prefix;
        if (hidden(st.name) || strncmp(st.name, u->folder, prefix) || !*name || strchr(name, '/')) continue;
        if (!fct_store_file_ok(name)) return refuse(u, st.name, "has characters that a pack's files do not have");
        if (strcmp(name, FCT_SUMS_NAME) == 0) continue; /* written anew */
        fct_status s = unpack_entry(u, i, &st, name);
        if (s) return s;
    }
    return FCT_OK;
}

/* Looks at every entry before it writes the first one. */
fct_status fct_unzip(const char *zip, const char *into, const fct_store_opts *o, fct_sums *sums, fct_error *err) {
    unpacking u = {.path = zip, .into = into, .opts = o, .sums = sums, .err = err};
    int code;
    if (!have_zip())
        return fct_fail(err, FCT_ERR_UNSUPPORTED, "%s: libzip is not installed: import the unpacked folder", zip);
    char *native = fct_path_native(zip);
    if (!native) return fct_fail_nomem(err, zip, 0);
    u.zip = api.open(native, ZIP_RDONLY, &code);
    fct_free(native);
    if (!u.zip) {
        zip_error_t ze;
        api.error_init_with_code(&ze, code);
        fct_status s = fct_fail(err, code == ZIP_ER_NOENT ? FCT_ERR_NOT_FOUND : FCT_ERR_FORMAT, "%s: %s", zip,
                                api.error_strerror(&ze));
        api.error_fini(&ze);
        return s;
    }
    u.buf = fct_alloc(block);
    fct_status s = u.buf ? survey(&u) : fct_fail_nomem(err, zip, block);
    if (!s) s = unpack_all(&u);
    api.discard(u.zip);
    fct_free(u.buf);
    fct_free(u.folder);
    return s;
}

#else

fct_status fct_unzip(const char *zip, const char *into, const fct_store_opts *o, fct_sums *sums, fct_error *err) {
    return fct_fail(err, FCT_ERR_UNSUPPORTED,
                    "%s: this build of facet reads no zip files (built without libzip): import the unpacked folder",
                    zip);
}

#endif
