/* Inside a source: where pictures come from (inputs), and the thread that reads
 * them ahead. */
#ifndef FCT_VIDEO_SOURCE_INTERNAL_H
#define FCT_VIDEO_SOURCE_INTERNAL_H

#include "facet/video.h"
#include <stdatomic.h>

#define FCT_SPARE 4

/* What an input learns and is told. Filled before its open returns; afterwards
 * the reader thread alone touches it. */
typedef struct fct_input_env {
    const char *address; /* as given, with credentials */
    char name[256];      /* for texts and info: without them */
    fct_source_opts opts;
    fct_source_info info;
    atomic_bool stop; /* an input must give up waiting when set */
    void (*open_plain)(
        void); /* FFmpeg's own way to open an address, where ours adds the verification of certificates */
    _Atomic uint64_t deadline; /* monotonic ns after which waiting is given up; 0 = none */
    fct_coded *coded;          /* what read() made its picture of, where opts.keep_coded asks; owned by who takes it */
    _Atomic(fct_image *) spare[FCT_SPARE]; /* pictures of read()'s that are not needed any more, or NULL: an input may
                                   take one and write a frame over it, whose memory is in place then */
} fct_input_env;

/* An input: its functions and its state. read() fills *image with the next frame
 * (RGB, size of the first one; owned by the caller) and its time in seconds; at
 * the end *image is NULL. An input that can go on after an error says so by the
 * next read(). */
typedef struct fct_input_class {
    fct_status (*open)(fct_input_env *env, void **out, fct_error *err);
    fct_status (*read)(void *state, fct_image **image, double *time, fct_error *err);
    void (*close)(void *state);
} fct_input_class;

extern const fct_input_class fct_folder_input; /* pictures of a folder or a numbered pattern */
extern const fct_input_class fct_raw_input;    /* raw frames on standard input */
extern const fct_input_class fct_ffmpeg_input; /* files, cameras, streams */

/* Frees what a decoder delivered; NULL is harmless (ffmpeg_input.c). */
void fct_coded_free(fct_coded *c);

/* The latest n frames stay valid, not only the latest. Before the first fct_source_next(). */
fct_status fct_source_hold(fct_source *s, int n, fct_error *err);

/* ---- Addresses ------------------------------------------------------------------ */

typedef enum fct_address_kind {
    FCT_ADDRESS_FILE,
    FCT_ADDRESS_CAMERA,
    FCT_ADDRESS_STREAM,
    FCT_ADDRESS_RAW,
    FCT_ADDRESS_FOLDER,
    FCT_ADDRESS_PATTERN
} fct_address_kind;
fct_address_kind fct_address_kind_of(const char *address);

/* Copies an address without user name, password, query and fragment, cut to fit. */
void fct_address_redact(const char *address, char *out, size_t cap);

/* A number pattern's file name: "%04d" and the like replaced; false where the
 * pattern has not exactly one such place or the result does not fit. */
bool fct_address_numbered(const char *pattern, int number, char *out, size_t cap);

#endif
