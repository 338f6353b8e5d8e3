/* facet/album_people.h: who is who in an album: faces grouped into people, and what
 * a user says about them.
 *
 * Grouping never changes whom a face belongs to: new faces join people or become
 * new ones. What the user says is kept as decisions about places in photos ("this
 * face is Anna", "these two are different"), which outlive scans, other networks
 * and grouping anew. Each call below that decides something is one step of
 * fct_album_undo(). An album of one thread at a time, as all of album.h. */
#ifndef FACET_ALBUM_PEOPLE_H
#define FACET_ALBUM_PEOPLE_H

#include "album.h"
#include "gallery.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Grouping ---------------------------------------------------------------------- */

typedef struct fct_group_opts {
    size_t size;             /* sizeof this struct; set by fct_group_opts_init() */
    float threshold;         /* cosine that one in 10,000 pairs of strangers passes; 0 = that of the last call, at
                                first 0.40. fct_pack_threshold() is right (default 0) */
    bool anew;               /* first forgets all that was grouped and not decided about (default false) */
    bool only_new;           /* does nothing where no face has come since the last call (default false) */
    fct_gallery *gallery;    /* whose people are recognized and named, or NULL (default NULL) */
    float gallery_threshold; /* cosine from which on; 0 = the gallery's own, or threshold (default 0) */
} fct_group_opts;
FCT_API void fct_group_opts_init(fct_group_opts *o);

typedef struct fct_group_result {
    int64_t faces;      /* with an embedding, those to be ignored left out */
    int64_t joined;     /* of these, faces that came to people there were */
    int64_t grouped;    /* and that have become new people */
    int64_t new_people; /* how many */
    int64_t recognized; /* people who got their name from the gallery */
    int64_t loose;      /* faces that are nobody's */
} fct_group_result;

/* Groups the faces that are nobody's yet (src/cluster), after all decisions have
 * been put into effect. Takes time that grows with the square of the number of
 * faces: nine seconds of one core for 100,000. Names from a gallery are one step of
 * fct_album_undo(). out may be NULL. FCT_ERR_NOT_FOUND: nothing was
 * scanned yet. FCT_ERR_MISMATCH: the gallery is of another network. */
FCT_API fct_status fct_album_group(fct_album *a, const fct_group_opts *opts, fct_group_result *out, fct_error *err);

/* ---- Decisions --------------------------------------------------------------------------
 * People are meant by id. FCT_ERR_NOT_FOUND: no such person, or no such face. */

/* Names a person; all faces that are his at present stay his. Where somebody else
 * has the name already, the two become one. *id (may be NULL): who it is now. */
FCT_API fct_status fct_album_name(fct_album *a, int64_t person_id, const char *name, int64_t *id, fct_error *err);

/* All n people are one: `into`, who keeps his name, or gets the first that is there. */
FCT_API fct_status fct_album_merge(fct_album *a, int64_t into, const int64_t *people, int n, fct_error *err);

/* n faces of a person are somebody else, all of them the same: a new person, *id. */
FCT_API fct_status fct_album_split(fct_album *a, int64_t person_id, const int64_t *faces, int n, int64_t *id,
                                   fct_error *err);

/* Two faces are two people. Where they are one person's, his faces are divided
 * between the two by likeness, and *id is the new person, of face b; else 0. */
FCT_API fct_status fct_album_differ(fct_album *a, int64_t face_a, int64_t face_b, int64_t *id, fct_error *err);

/* n faces are not this person: they become nobody's, and will not be his again. */
FCT_API fct_status fct_album_reject(fct_album *a, int64_t person_id, const int64_t *faces, int n, fct_error *err);

/* n faces are this person, whosever they were. faces NULL: all that are his at present. */
FCT_API fct_status fct_album_confirm(fct_album *a, int64_t person_id, const int64_t *faces, int n, fct_error *err);

/* A person is of no interest, or is again: all faces that are his at present stay his, and new ones join him, but
 * nobody is asked about him. */
FCT_API fct_status fct_album_ignore(fct_album *a, int64_t person_id, bool ignored, fct_error *err);
/* A face is of no interest, or no face. */
FCT_API fct_status fct_album_ignore_face(fct_album *a, int64_t face_id, fct_error *err);

/* Stores the best faces of a named person, up to `most`, in a gallery under his name. added (may be NULL): how many
 * were new there. FCT_ERR_ARG: he has no name. */
FCT_API fct_status fct_album_enroll(fct_album *a, int64_t person_id, fct_gallery *g, int most, int *added,
                                    fct_error *err);

/* ---- Questions ---------------------------------------------------------------------------- */

/* Two people, or a person and a face of nobody, who may be one. */
typedef struct fct_question {
    int64_t person_id;  /* the person; where one of two has a name, he */
    int64_t other_id;   /* the other person; 0 = a face that is nobody's */
    int64_t face_id;    /* the typical face of the person */
    int64_t other_face; /* and that of the other, or the face that is nobody's */
    float likelihood;   /* that they are one, 0..1 */
} fct_question;

/* What is worth asking, likeliest first; last, likeliest first again, what only poor pictures (a quality below 0.3)
 * could answer. Answers that were given are not asked again. *out is owned: fct_questions_free(). Takes as long as
 * fct_album_group(). */
FCT_API fct_status fct_album_questions(fct_album *a, fct_question **out, size_t *n, fct_error *err);
FCT_API void fct_questions_free(fct_question *q);

/* Yes: the two become one. No: they never will by themselves. FCT_ERR_NOT_FOUND: one of them is no more. */
FCT_API fct_status fct_album_answer(fct_album *a, const fct_question *q, bool same, fct_error *err);

#ifdef __cplusplus
}
#endif
#endif
