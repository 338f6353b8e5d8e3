/* The album at one time in memory, for what goes through all of it and writes files
 * meanwhile: some hundred bytes a photo. */
#ifndef FCT_ALBUM_TABLE_H
#define FCT_ALBUM_TABLE_H

#include "album/album_store.h"

typedef struct fct_table_photo {
    int64_t id;
    uint8_t hash[32];
    bool is_video;
    size_t face, n_faces; /* in faces */
    size_t file, n_files; /* in files */
} fct_table_photo;

typedef struct fct_table_face {
    int64_t id, photo_id, person_id;
    double box[4];
} fct_table_face;

typedef struct fct_table_file {
    int64_t photo_id;
    size_t order; /* as the album lists it */
    char *path;   /* owned */
} fct_table_file;

typedef struct fct_table_person {
    int64_t id;
    bool ignored;
    char *name; /* owned; NULL = nobody has named it */
} fct_table_person;

typedef struct fct_album_table {
    fct_table_photo *photos;  /* by id */
    size_t *by_hash;          /* [n_photos] places in photos, in the order of their hashes */
    fct_table_face *faces;    /* by photo, then id */
    fct_table_file *files;    /* by photo, then as listed */
    fct_table_person *people; /* by id */
    size_t n_photos, n_faces, n_files, n_people, photos_cap, faces_cap, files_cap, people_cap;
} fct_album_table;

/* Reads the album. Free *out in every case. */
fct_status fct_album_table_read(fct_album *a, fct_album_table *out, fct_error *err);
void fct_album_table_free(fct_album_table *t);

/* NULL = none. */
const fct_table_person *fct_album_table_person(const fct_album_table *t, int64_t id);
const fct_table_photo *fct_album_table_photo(const fct_album_table *t, const uint8_t hash[32]);

#endif
