/* facet/store.h: packs on disk: list, download, import, verify, remove.
 *
 * The store is a folder with one folder per pack, by default
 * ~/.insightface/models, where packs that InsightFace downloaded are found too.
 * A pack appears in it complete or not at all: it is unpacked into a temporary
 * folder, checked, and renamed. Nothing here touches the network but
 * fct_store_get(). All functions are thread-safe; of two installations of one
 * pack at the same time, by threads or processes, the second waits for the first. */
#ifndef FACET_STORE_H
#define FACET_STORE_H

#include "base.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A pack that is in the store, or that fct_store_get() knows by name. */
typedef struct fct_store_pack {
    char name[65];
    char path[1024];   /* of its folder, "" = not installed */
    bool built_in;     /* part of the library itself; path is "" */
    bool known;        /* has an address and, for most, hashes in facet's own table */
    int files;         /* ONNX files */
    uint64_t bytes;    /* of all its files */
    char license[200]; /* "" = unknown: see the pack's own papers */
} fct_store_pack;

/* The built-in pack unless one of its name is installed, installed packs by name,
 * then known ones that are not installed. root: as
 * fct_pack_opts.root. *out is owned: fct_buffer_free(). A root that does not
 * exist holds no packs. */
FCT_API fct_status fct_store_list(const char *root, fct_store_pack **out, int *n, fct_error *err);

/* Folder of an installed pack into buf (cap bytes with the NUL); name NULL: the
 * store itself. FCT_ERR_NOT_FOUND, FCT_ERR_LIMIT where buf is too short. */
FCT_API fct_status fct_store_path(const char *root, const char *name, char *buf, size_t cap, fct_error *err);

/* Called with the bytes done and the total of a step, 0 = unknown. step: static,
 * "download", "unpack", "copy", "verify", or "wait" (ten times a second, while the
 * pack is being installed by somebody else). Return false to stop:
 * FCT_ERR_CANCELLED. */
typedef bool fct_store_progress(const char *step, uint64_t done, uint64_t total, void *user);

typedef struct fct_store_opts {
    size_t size;         /* sizeof this struct; set by fct_store_opts_init() */
    const char *root;    /* as fct_pack_opts.root (default NULL) */
    bool accept_license; /* without it fct_store_get() fails with FCT_ERR_ARG and the terms (default false) */
    bool replace;        /* replace an installed pack of the name (default false: FCT_ERR_EXISTS) */
    const char *url;     /* of a mirror: of the zip itself, or of the folder that holds <name>.zip (default
                            NULL: the pack's own) */
    const char *proxy;   /* (default NULL: http_proxy, https_proxy, no_proxy of the environment) */
    const char *sha256;  /* the archive must have this hash (default NULL: the known or recorded one, if any) */
    int retries;         /* of a transfer that breaks off without progress (default 5) */
    int stall_seconds;   /* give an attempt up after so long without a byte (default 30) */
    fct_store_progress *progress; /* (default NULL) */
    void *user;                   /* for progress (default NULL) */
} fct_store_opts;
FCT_API void fct_store_opts_init(fct_store_opts *o);

/* What happened, for people to read. */
typedef struct fct_store_result {
    char path[1024]; /* of the pack */
    char sha256[65]; /* of the archive, "" for a folder */
    bool checked;    /* the archive's hash was known before, and it is that */
    int files;       /* ONNX files */
    bool recorded;   /* the hash was not known; it is now, and the next download must have it */
} fct_store_result;

/* Downloads and installs a pack. A transfer that broke off is resumed, also by
 * a later call. out may be NULL. Errors: FCT_ERR_ARG (terms not accepted, bad
 * name), FCT_ERR_EXISTS, FCT_ERR_NOT_FOUND (unknown name without a url; HTTP
 * 404), FCT_ERR_NETWORK, FCT_ERR_MISMATCH (hash), FCT_ERR_FORMAT, FCT_ERR_LIMIT
 * (archives that would unpack to too much), FCT_ERR_IO, FCT_ERR_CANCELLED,
 * FCT_ERR_UNSUPPORTED (built without libcurl or libzip). */
FCT_API fct_status fct_store_get(const char *name, const fct_store_opts *opts, fct_store_result *out, fct_error *err);

/* Installs a zip or a folder of ONNX files that is on disk. name: what to call
 * it; NULL = the file's or folder's name. Errors as fct_store_get(). */
FCT_API fct_status fct_store_import(const char *path, const char *name, const fct_store_opts *opts,
                                    fct_store_result *out, fct_error *err);

typedef enum fct_store_state {
    FCT_STORE_GOOD = 0,         /* has the hash that InsightFace published */
    FCT_STORE_AS_INSTALLED = 1, /* has the hash recorded when it was installed */
    FCT_STORE_UNKNOWN = 2,      /* no hash to compare with */
    FCT_STORE_DIFFERS = 3,
    FCT_STORE_MISSING = 4
} fct_store_state;

typedef struct fct_store_file {
    char name[256];
    uint64_t bytes;
    char sha256[65];
    fct_store_state state;
} fct_store_file;

/* Hashes the files of a pack and compares them. *out is owned:
 * fct_buffer_free(). Files that differ are no error of the call. */
FCT_API fct_status fct_store_verify(const char *name, const fct_store_opts *opts, fct_store_file **out, int *n,
                                    fct_error *err);

/* Removes an installed pack. FCT_ERR_ARG where its folder is not a pack. */
FCT_API fct_status fct_store_remove(const char *root, const char *name, fct_error *err);

#ifdef __cplusplus
}
#endif
#endif
