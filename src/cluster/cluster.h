/* Which faces are one person's: groups of faces by their embeddings, their photos
 * and what a user has said. Nothing here knows a database.
 *
 * The method is in docs/decisions/0081-clusters.md. In short: every face's nearest
 * faces are found exactly (cluster_near.c); groups, each face its own at first, are
 * joined best pair first while the pair is like enough (cluster_merge.c); what
 * "enough" is depends on how many strangers look nearly as much alike, on the sizes
 * of the groups, and on age and quality.
 *
 * The result depends on what the faces are, not on their order or on the number of
 * threads: inside, faces are sorted by a hash of their embeddings. All functions
 * are thread-safe. */
#ifndef FCT_CLUSTER_CLUSTER_H
#define FCT_CLUSTER_CLUSTER_H

#include "facet/base.h"

#define FCT_CLUSTER_MOST UINT32_MAX / 2 /* faces */

/* Two faces, by their numbers. */
typedef struct fct_face_pair {
    size_t a, b;
} fct_face_pair;

/* A face that is not a person's. */
typedef struct fct_face_ban {
    size_t face;
    int64_t person;
} fct_face_ban;

/* What is to be grouped. Pointers are borrowed for the call. */
typedef struct fct_cluster_faces {
    size_t n;
    int dim;                   /* 1..16384 */
    const float *embeddings;   /* [n][dim], of any length but zero */
    const float *quality;      /* [n] 0..1; NULL = all 1 */
    const int64_t *photo;      /* [n] faces of one photo are of different people; negative: of no photo; NULL = all */
    const bool *child;         /* [n] NULL = nobody */
    const int64_t *person;     /* [n] whose the face is: > 0 a person who keeps it, 0 = not known; NULL = all 0 */
    const fct_face_pair *same; /* must-links: faces of one person, also within a photo */
    size_t n_same;
    const fct_face_pair *differ; /* cannot-links */
    size_t n_differ;
    const fct_face_ban *bans; /* cannot-links between a face and a person of `person` */
    size_t n_bans;
} fct_cluster_faces;

typedef struct fct_cluster_opts {
    float threshold;     /* cosine that one in 10,000 pairs of strangers passes (default 0.40) */
    float least_quality; /* faces below are looked at after all others, and more strictly (default 0.30) */
    int least_faces;     /* of a new person (default 2) */
    int neighbors;       /* of a face that are looked at, 1..1024 (default 64) */
    float hint;          /* a likeness so far below what joins is worth a question (default 0.12) */
    /* What the likeness of two groups is made of, see cluster_merge.c. Defaults: by measurement. */
    float strictness; /* added to threshold (default 0.04) */
    float crowd;      /* weight of the strangers' likeness (default 1) */
    float growth;     /* how much more two large groups must be alike than two faces (default 0.06) */
    float child;      /* how much more two children (default 0.08) */
    float poor;       /* how much more two faces of low quality (default 0.04) */
} fct_cluster_opts;
void fct_cluster_opts_init(fct_cluster_opts *o);

/* Two groups that may be one person and were not joined: worth a question. Each is
 * named by one of its faces, the nearest to its mean. */
typedef struct fct_cluster_hint {
    size_t face_a, face_b; /* groups with a person first, else the larger */
    float score;           /* above 0 it would have been joined; the greater, the likelier */
} fct_cluster_hint;

typedef struct fct_clusters {
    int64_t *person;         /* [n] > 0 as given; -1, -2, ... new people, largest first; 0 = nobody's */
    float *score;            /* [n] cosine to the mean of the person's faces, 0 where person is 0 */
    size_t n_new;            /* new people */
    fct_cluster_hint *hints; /* [n_hints] likeliest first */
    size_t n_hints;
} fct_clusters;

/* Groups faces. Faces that have a person keep him; two such people are never
 * joined. Every must-link and cannot-link holds in the result. *out: to be freed
 * by fct_clusters_free(). opts NULL = defaults. Errors: FCT_ERR_ARG: an embedding
 * that is zero or not finite, an option, a number of a face out of range, or links that
 * contradict each other (named in the text). */
fct_status fct_cluster(const fct_cluster_faces *faces, const fct_cluster_opts *opts, fct_clusters *out, fct_error *err);
void fct_clusters_free(fct_clusters *c);

#endif
