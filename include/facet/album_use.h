/* facet/album_use.h: what an album is good for: finding photos, sorting them into
 * folders, and the names that other programs keep in files. What holds for album.h
 * holds here. */
#ifndef FACET_ALBUM_USE_H
#define FACET_ALBUM_USE_H

#include "album.h"
#include "tags.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Finding ---------------------------------------------------------------------- */

typedef struct fct_album_find_query {
    size_t size;           /* sizeof this struct; set by fct_album_find_query_init() */
    const int64_t *people; /* ids; the photo must show all of them (default NULL) */
    int n_people;          /* (default 0: any photo) */
    int64_t from;          /* taken at this time or later, as fct_album_photo.taken (default INT64_MIN) */
    int64_t to;            /* taken before this time (default INT64_MAX) */
} fct_album_find_query;
FCT_API void fct_album_find_query_init(fct_album_find_query *q);
/* Photos and videos, by date. */
FCT_API fct_status fct_album_find(fct_album *a, const fct_album_find_query *q, fct_album_photo_fn *fn, void *user,
                                  fct_error *err);

/* A face like another one. */
typedef struct fct_album_likeness {
    int64_t face_id, photo_id, person_id; /* person_id 0 = nobody's yet */
    float cosine;
} fct_album_likeness;
/* The faces most like an embedding [dim] of any length: of each photo the one that is most so, at least `least`,
 * greatest cosine first, at most max of them (max >= 1). *out is owned: fct_buffer_free(). Errors: FCT_ERR_MISMATCH
 * (network is not the album's), FCT_ERR_ARG. */
FCT_API fct_status fct_album_like(fct_album *a, const char *network, const float *embedding, int dim, float least,
                                  int max, fct_album_likeness **out, int *n, fct_error *err);

/* ---- Sorting into folders ------------------------------------------------------------ */

typedef enum fct_sort_how {
    FCT_SORT_COPY = 0,      /* a file of its own, with the date of the original */
    FCT_SORT_HARD_LINK = 1, /* a second name of the same file, on the same file system */
    FCT_SORT_LINK = 2       /* a symbolic link, which shows where the original is; it replaces one that leads nowhere */
} fct_sort_how;

/* What became of one photo for one person. */
typedef struct fct_sorted {
    const char *person;     /* the name */
    const char *from;       /* the original */
    const char *to;         /* in the person's folder; NULL where it failed */
    bool fresh;             /* false: it was there already */
    const fct_error *error; /* why it failed; NULL = it did not */
} fct_sorted;
typedef fct_status fct_sorted_fn(void *user, const fct_sorted *s, fct_error *err);

/* Makes a folder for each named person in `folder`, with that person's photos and videos. Nothing is
 * ever written over or removed: of two photos of one name the second becomes "name (2).jpg". A photo that is
 * there already, from an earlier call, stays, so that a second call adds only what is new. Names of people become names
 * of folders that every file system takes: "AC/DC" is "AC_DC". fn hears of every photo and may be NULL; one that cannot
 * be copied or linked does not end the call. */
FCT_API fct_status fct_album_sort(fct_album *a, const char *folder, fct_sort_how how, fct_sorted_fn *fn, void *user,
                                  fct_error *err);

/* ---- Names in files -------------------------------------------------------------------- */

/* What became of one file's regions. */
typedef struct fct_album_tagged {
    const char *path;
    fct_tags_written written; /* where regions were written */
    int named;                /* where they were read: faces that got a name */
    int drawn;                /* and regions where no face was found, which are kept as drawn by hand */
    int contrary;             /* and regions that say otherwise than the user did in the album: left alone */
    const fct_error *error;   /* why the file could not be read or written; NULL = it could */
} fct_album_tagged;
typedef fct_status fct_album_tagged_fn(void *user, const fct_album_tagged *t, fct_error *err);

/* Writes the named people of all photos as fct_tags_write() does, at each of their places; people who are ignored and
 * videos aside. A file that cannot be written does not end the call. With in_place the photos become
 * others, which the next scan recognizes. */
FCT_API fct_status fct_album_tags_write(fct_album *a, const fct_tags_write_opts *opts, fct_album_tagged_fn *fn,
                                        void *user, fct_error *err);

/* Reads the regions of all photos. A named one gives the face that it overlaps this name, as if the user had said so,
 * unless the user has said otherwise; where there is no face it is remembered, and written again by
 * fct_album_tags_write(). What facet itself wrote counts only for faces without a name, as in an album that was begun
 * anew; doubtful regions do not count. One call is one operation for fct_album_undo(). */
FCT_API fct_status fct_album_tags_read(fct_album *a, fct_album_tagged_fn *fn, void *user, fct_error *err);

#ifdef __cplusplus
}
#endif
#endif
