/* facet/enroll.h: remembering a person by pictures: a face is judged, cut out and
 * stored in a gallery, by one call for all who do that.
 *
 * Nothing here keeps state: a call may be made from any thread, with the same
 * pack and gallery from several at once. The embedding must have been made by
 * the pack's embedder (FCT_TASK_EMBED). */
#ifndef FACET_ENROLL_H
#define FACET_ENROLL_H

#include "face.h"
#include "gallery.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct fct_enroll_opts {
    size_t size;                      /* sizeof this struct; set by fct_enroll_opts_init() */
    float threshold;                  /* cosine from which two faces are taken for one person's; 0 = the pack's
                                         (default 0) */
    float duplicate;                  /* cosine above which a face is one that the person has already: it is not
                                         stored again, the stored one's id is given (default 0.9999, which is
                                         also the most) */
    uint32_t refuse;                  /* fct_flaw bits: a face with one of these is not stored; FCT_FLAW_ALL is
                                         strict, 0 only warns (default 0) */
    int face;                         /* fct_enroll_photo(): 1 = the first face of the picture, 2 = the second,
                                         ...; 0 = the largest (default 0) */
    bool no_crop;                     /* store no picture of the face (default false) */
    const char *source;               /* where the face came from, for people to read (a path, a note), or NULL
                                         (default NULL) */
    const fct_quality_limits *limits; /* what counts as a flaw; NULL = defaults (default NULL) */
    int64_t person_id;                /* whose name it must be, or FCT_PERSON_NEW: fct_gallery_enroll_known(); 0 =
                                         anybody's (default 0) */
} fct_enroll_opts;
FCT_API void fct_enroll_opts_init(fct_enroll_opts *o);

typedef enum fct_enroll_outcome {
    FCT_ENROLL_NO_FACE = 0, /* fct_enroll_photo(): there is no face, or no face of the number asked for */
    FCT_ENROLL_REFUSED = 1, /* not stored: a warning is among those to refuse */
    FCT_ENROLL_KNOWN = 2,   /* the person has this face already */
    FCT_ENROLL_STORED = 3   /* new and on disk; fct_enroll_check(): would be stored */
} fct_enroll_outcome;

#define FCT_ENROLL_WARNINGS 12

/* What came of one face. */
typedef struct fct_enroll_result {
    fct_enroll_outcome outcome;
    int64_t face_id;     /* stored or known; else 0 */
    int face;            /* fct_enroll_photo(): which of the picture's faces, from 0; -1 = none; else 0 */
    fct_quality quality; /* its score is what is stored */
    int n_warnings;
    fct_warning warnings[FCT_ENROLL_WARNINGS]; /* flaws of the picture, then of the comparison */
} fct_enroll_result;

/* A face to be enrolled. All pointers are borrowed for the call. */
typedef struct fct_enroll_item {
    fct_view picture;     /* any pixel format */
    const fct_face *face; /* with landmarks and embedding; coordinates are the picture's */
    const char *source;   /* instead of the options', or NULL */
} fct_enroll_item;

/* Judges a face and stores it as name's: its embedding, box, scores, source and
 * an aligned crop of 112 x 112 as JPEG (FCT_CROP_ALIGNED; none where this build
 * cannot write JPEG). The result tells what came of it and what is wrong with
 * it. What was stored is on disk when the call returns.
 * Errors: FCT_ERR_ARG (a face without landmarks or embedding, a bad name or
 * option), FCT_ERR_MISMATCH (the gallery is of another network), and those of
 * fct_gallery_enroll(). */
FCT_API fct_status fct_enroll(fct_gallery *g, const fct_pack *p, const char *name, fct_view picture,
                              const fct_face *face, const fct_enroll_opts *opts, fct_enroll_result *out,
                              fct_error *err);

/* The same for n faces of one person in one transaction: all that are not refused
 * are stored, or none where the call fails. A face is compared with those before
 * it too. out: [n], caller-owned. */
FCT_API fct_status fct_enroll_batch(fct_gallery *g, const fct_pack *p, const char *name, const fct_enroll_item *items,
                                    int n, const fct_enroll_opts *opts, fct_enroll_result *out, fct_error *err);

/* The same for a photo in which faces were found (fct_analyze()): opts->face
 * chooses one. FCT_FLAW_SEVERAL is among the warnings where the largest of
 * several was taken. */
FCT_API fct_status fct_enroll_photo(fct_gallery *g, const fct_pack *p, const char *name, fct_view picture,
                                    const fct_faces *faces, const fct_enroll_opts *opts, fct_enroll_result *out,
                                    fct_error *err);

/* Judges as fct_enroll() would, and stores nothing. g or name NULL, or a face
 * without embedding: only the picture is judged. */
FCT_API fct_status fct_enroll_check(fct_gallery *g, const fct_pack *p, const char *name, fct_view picture,
                                    const fct_face *face, const fct_enroll_opts *opts, fct_enroll_result *out,
                                    fct_error *err);

/* Embeds a picture that a gallery stores (fct_gallery_crop()), for
 * fct_gallery_migrate(). One that was cut FCT_CROP_ALIGNED is embedded as it is.
 * In any other a face is detected first: where its landmarks lie as in an aligned
 * crop it is embedded as it is, else it is aligned anew. a needs FCT_TASK_EMBED,
 * and FCT_TASK_DETECT for crops that are not known to be aligned; p is its pack.
 * out: [fct_pack_embedding_dim()], caller-owned. FCT_ERR_NOT_FOUND: no face can
 * be found in it. Errors of fct_image_decode() for what is no picture. */
FCT_API fct_status fct_embed_crop(const fct_pack *p, fct_analyzer *a, const void *jpeg, size_t len, fct_crop_cut cut,
                                  float *out, fct_error *err);

#ifdef __cplusplus
}
#endif
#endif
