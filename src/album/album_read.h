/* Reading one photo or video: its bytes, its faces, what it looks like. */
#ifndef FCT_ALBUM_READ_H
#define FCT_ALBUM_READ_H

#include "album/album_walk.h"
#include <stdatomic.h>

/* What came of reading a file. */
typedef struct fct_read_item {
    const fct_scan_job *job; /* borrowed */
    int64_t size, mtime_ns;  /* of what was read; mtime_ns -1 where it may change again within one tick of the clock */
    int64_t known_id;        /* the content is known, and nothing below is filled in; 0 = it is new */
    bool has_bytes;          /* its hash is known; false: it could not be opened, or changed all the time */
    fct_new_photo photo;     /* owned; photo.error points to error.text */
    fct_error error;         /* why it could not be read, where it could not */
    fct_status fatal;        /* not the file's fault (memory): the scan ends with error */
    char *path;              /* owned, for messages */
} fct_read_item;

/* A thread's tools. */
typedef struct fct_reader {
    const fct_pack *pack;
    fct_analyzer *analyzer; /* owned; its input is cut to the picture's shape */
    fct_analyzer_opts finder;
    fct_image *spare; /* owned: memory for the next picture */
    int64_t max_pixels;
    const atomic_bool *stop; /* set: give up a long video */
    /* The id of the photo with that hash which need not be read again; 0 = none. */
    int64_t (*find)(void *ctx, const uint8_t hash[32]);
    void *ctx;
} fct_reader;

/* Finder options as a scan uses them, where the caller gave none. */
void fct_reader_default_opts(fct_analyzer_opts *o);
fct_status fct_reader_open(fct_reader *r, const fct_pack *p, const fct_analyzer_opts *o, fct_error *err);
void fct_reader_close(fct_reader *r);

/* Reads path. Free with fct_read_item_free(). */
void fct_reader_read(fct_reader *r, const char *path, bool is_video, fct_read_item *out);
void fct_read_item_free(fct_read_item *it);

/* ---- Parts, for album_video.c -------------------------------------------------- */

/* Faces of a picture, in parts of its size, appended to p. time_ms: of the frame. */
fct_status fct_reader_add_faces(fct_new_photo *p, fct_view v, const fct_faces *faces, int64_t time_ms, fct_error *err);
void fct_new_face_clear(fct_new_face *f);

/* album_video.c: looks through the key frames of a video. Faces of one person that look alike are kept once, the best
 * of them. */
fct_status fct_reader_video(fct_reader *r, const char *path, fct_new_photo *p, fct_error *err);

#endif
