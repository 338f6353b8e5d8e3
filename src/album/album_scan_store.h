/* What a scan asks of the album's file: sqlite/album_places.c (folders and files)
 * and sqlite/album_contents.c (photos and their faces). All verbs run inside the
 * caller's transaction. */
#ifndef FCT_ALBUM_SCAN_STORE_H
#define FCT_ALBUM_SCAN_STORE_H

#include "album/album_store.h"

/* ---- Folders ----------------------------------------------------------------------- */

/* The root that is folder, or holds it, in *id, and where below it in *below: a
 * part of folder. *id 0: there is none. */
fct_status fct_album_root_of(fct_album *a, const char *folder, int64_t *id, const char **below, fct_error *err);
/* Adds a root, and makes the roots that lie below it parts of it. */
fct_status fct_album_root_add(fct_album *a, const char *path, int64_t *id, fct_error *err);

/* Paths of folders are relative to the root, "" is the root itself. */
typedef struct fct_placed_folder {
    int64_t id;       /* 0 = not known */
    bool mount;       /* another file system's than the folder above it, when last seen */
    int64_t files;    /* in it; fct_album_folders() only */
    const char *path; /* the same */
} fct_placed_folder;
fct_status fct_album_folder_find(fct_album *a, int64_t root_id, const char *path, fct_placed_folder *out,
                                 fct_error *err);
fct_status fct_album_folder_put(fct_album *a, int64_t root_id, const char *path, bool mount, int64_t *id,
                                fct_error *err);
/* Folders of a root, those at and below path. */
typedef fct_status fct_placed_folder_fn(void *user, const fct_placed_folder *f, fct_error *err);
fct_status fct_album_folders(fct_album *a, int64_t root_id, const char *path, fct_placed_folder_fn *fn, void *user,
                             fct_error *err);
/* Whether the album knows files at or below path. */
fct_status fct_album_has_files(fct_album *a, int64_t root_id, const char *path, bool *any, fct_error *err);

/* ---- Files -------------------------------------------------------------------------- */

typedef struct fct_placed_file {
    int64_t id, size, mtime_ns;
    int64_t photo_id; /* 0 = could not be read */
    const char *name;
} fct_placed_file;
/* Files in a folder, by name's bytes. */
typedef fct_status fct_placed_file_fn(void *user, const fct_placed_file *f, fct_error *err);
fct_status fct_album_folder_files(fct_album *a, int64_t folder_id, fct_placed_file_fn *fn, void *user, fct_error *err);

/* Adds a file or changes what is known of it. error: why it could not be read, where photo_id is 0. */
fct_status fct_album_file_put(fct_album *a, int64_t folder_id, const fct_placed_file *f, const char *error,
                              fct_error *err);
fct_status fct_album_file_remove(fct_album *a, int64_t id, fct_error *err);
fct_status fct_album_files_remove(fct_album *a, int64_t folder_id, int64_t *n, fct_error *err);

/* Forgets photos that have no place any more, folders without files, and people
 * without a name, a face or a decision. */
fct_status fct_album_tidy(fct_album *a, fct_error *err);

/* ---- Contents ------------------------------------------------------------------------ */

/* A face to be stored. */
typedef struct fct_new_face {
    int64_t time_ms;
    double box[4];
    float kps[5][2], score;
    fct_quality quality;
    bool has_pose;
    float pose[3];
    int gender, age;  /* -1 = unknown */
    float *embedding; /* [dim of the album], unit length */
    float norm;
    uint8_t *crop; /* JPEG */
    size_t crop_size;
} fct_new_face;

enum { FCT_LOOK_SIDE = 16, FCT_LOOK_SIZE = FCT_LOOK_SIDE * FCT_LOOK_SIDE };

/* A content to be stored. */
typedef struct fct_new_photo {
    uint8_t hash[32];
    bool is_video, has_taken, has_look;
    int width, height, orientation; /* width 0 where error is set */
    int64_t taken, changed;         /* seconds since 1970 */
    uint64_t phash;
    uint8_t look[FCT_LOOK_SIZE];
    const char *error; /* why it could not be read; NULL = it could */
    fct_new_face *faces;
    int n_faces;
} fct_new_photo;

/* What is known of a content. */
typedef struct fct_known_photo {
    int64_t id; /* 0 = nothing */
    int64_t places;
    int width, height;
    bool has_look, failed;
    uint64_t phash;
    uint8_t look[FCT_LOOK_SIZE]; /* where has_look */
    uint8_t hash[32];
} fct_known_photo;
fct_status fct_album_photo_find(fct_album *a, const uint8_t hash[32], fct_known_photo *out, fct_error *err);
fct_status fct_album_photo_get(fct_album *a, int64_t id, fct_known_photo *out, fct_error *err);

/* Stores a content with its faces; *id is the photo's id. It takes the place of the
 * photo with the same hash, or of the photo old (0 = of none), which then shows the
 * same picture: faces that were there keep their ids, and so their people;
 * decisions about the old content become those about the new one. */
fct_status fct_album_photo_put(fct_album *a, const fct_new_photo *p, int64_t old, int64_t *id, fct_error *err);

/* ---- Looks: sqlite/album_looks.c ------------------------------------------------------- */

/* What a photo looks like, for finding duplicates. */
typedef struct fct_photo_look {
    int64_t id, changed; /* of the photo; its time */
    int64_t places;
    int width, height;
    bool has_look;
    uint64_t phash;
    uint8_t gray[FCT_LOOK_SIZE];
} fct_photo_look;
/* Photos that can be read, videos without a look, by id. */
typedef fct_status fct_photo_look_fn(void *user, const fct_photo_look *p, fct_error *err);
fct_status fct_album_looks(fct_album *a, fct_photo_look_fn *fn, void *user, fct_error *err);

/* ---- Embedding anew ----------------------------------------------------------------------- */

/* The next faces after a face's id whose embedding is not of the album's network, with their pictures. */
typedef struct fct_crop_row {
    int64_t face_id;
    uint8_t *jpeg; /* owned by the caller: fct_free() */
    size_t size;
} fct_crop_row;
fct_status fct_album_to_embed(fct_album *a, int64_t after, fct_crop_row *out, int cap, int *n, fct_error *err);
fct_status fct_album_embedding_put(fct_album *a, int64_t face_id, const float *unit, float norm, fct_error *err);

#endif
