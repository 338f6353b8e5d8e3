/* What a face server does, without a word of HTTP: decode, detect, embed, compare,
 * people, faces, search. The dialects are tables of routes over these operations.
 *
 * A core may be used by any number of threads. */
#ifndef FCT_SERVER_CORE_H
#define FCT_SERVER_CORE_H

#include "facet/enroll.h"
#include "facet/gallery.h"
#include "server/infer.h"

typedef struct srv_core {
    fct_pack *pack;
    fct_gallery *gallery;
    srv_infer *infer;
    char gallery_path[1024];
    int64_t max_pixels; /* of one picture */
    float threshold;    /* cosine: the pack's, or as the server was told; see srv_core_threshold() */
} srv_core;

typedef struct srv_core_opts {
    const char *pack;      /* name or folder; NULL = the default one */
    const char *cache_dir; /* of prepared networks; NULL = none */
    const char *gallery;   /* path of the gallery's file, or address of a server */
    int threads;           /* that run networks */
    int batch;             /* pictures of different requests that run together, at most */
    int64_t max_pixels;
    float threshold; /* NAN = the pack's */
    const char
        *audit; /* "off", "changes" or "searches" (facet/privacy.h); NULL: as it is, and changes in a new gallery */
    /* Called once the gallery is open, in a thread of its own, while the pack is still being loaded; may be NULL.
     * Opening fails where it does. */
    fct_status (*beside)(void *user, fct_error *err);
    void *user;
} srv_core_opts;

/* Opens pack and gallery and checks that they fit. Free with srv_core_close() in both cases. */
fct_status srv_core_open(const srv_core_opts *o, srv_core *out, fct_error *err);
void srv_core_close(srv_core *c);

enum { SRV_COLLECTION_DEFAULT = 1 }; /* its id: the collection that every gallery has */

/* The cosine for the same person in the collection that the calling thread works in: its own setting "threshold", else
 * the server's. */
float srv_core_threshold(const srv_core *c);

/* A picture and the faces that were found in it. */
typedef struct srv_seen {
    fct_image *image;  /* as it was decoded: where look.reduce was set, it may be smaller */
    fct_faces *faces;  /* in the pixels of the whole picture */
    int width, height; /* of the whole picture */
} srv_seen;

/* A copy of a face in the pixels of seen->image. Borrows from it. */
fct_face srv_seen_face(const srv_seen *seen, const fct_face *f);

/* Decodes a picture and finds its faces; with look->reduce a large JPEG at a smaller size, and again at a larger one
 * where the faces turn out to be too small for that. name stands for it in error texts. FCT_ERR_FORMAT,
 * FCT_ERR_UNSUPPORTED: it is no picture; FCT_ERR_LIMIT: too many pixels; FCT_ERR_CANCELLED:
 * the deadline passed. Free with srv_seen_free() in both cases. */
fct_status srv_core_look(srv_core *c, const void *data, size_t size, const char *name, const srv_look *look,
                         srv_seen *out, fct_error *err);
void srv_seen_free(srv_seen *s);

/* The threshold that holds in the collection where the calling thread works: its own, else that of
 * the whole gallery, else the server's. */
float srv_core_threshold(const srv_core *c);

/* The face with the largest box; NULL = there is none. */
const fct_face *srv_largest(const fct_faces *f);
/* The faces by the area of their boxes, the largest first; order: [fct_faces_count()], caller-owned. */
void srv_by_area(const fct_faces *f, int *order);

/* The k people nearest to one face; out: [k]. Nothing where the face has no embedding. */
fct_status srv_core_search(srv_core *c, const fct_face *face, float threshold, int k, fct_match *out, int *n,
                           fct_error *err);

/* The best cosine of a face to one person's faces, and which one that is; 0 faces: -1 and 0. */
fct_status srv_core_verify(srv_core *c, const fct_face *face, int64_t person_id, float *similarity, int64_t *face_id,
                           fct_error *err);

/* A stored face and its person (p may be NULL), if the person is in the collection; 0 = in any. FCT_ERR_NOT_FOUND. */
fct_status srv_core_face(srv_core *c, int64_t collection_id, int64_t face_id, fct_stored_face *f, fct_person *p,
                         fct_error *err);
/* Forgets people for good. Where somebody keeps the file from being written anew, that is for the next time. */
fct_status srv_core_forget(srv_core *c, const int64_t *ids, int n, fct_error *err);

/* Quality as InsightFace Server reports it, 0..1 each; sharpness and brightness as the picture was decoded. */
typedef struct srv_quality {
    float score, sharpness, brightness, pose;
} srv_quality;
void srv_core_quality(const srv_seen *seen, const fct_face *f, srv_quality *out);

/* A page of a list: `limit` items after an id. */
typedef struct srv_page {
    int limit;
    int64_t after; /* 0 = from the beginning */
    int64_t next;  /* what `after` is for the next page; 0 = this was the last */
} srv_page;

/* People by id, those whose name holds `search` (NULL = all). *out is owned:
 * fct_gallery_people_free(). */
fct_status srv_core_people(srv_core *c, const char *search, srv_page *page, fct_person **out, int *n, fct_error *err);
/* Faces of a person by id. *out is owned: fct_gallery_faces_free(). */
fct_status srv_core_faces(srv_core *c, int64_t person_id, srv_page *page, fct_stored_face **out, int *n,
                          fct_error *err);

#endif
