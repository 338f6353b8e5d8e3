/* All faces of an album in memory, with what was decided about them: what grouping
 * and questions work on. */
#ifndef FCT_ALBUM_SNAPSHOT_H
#define FCT_ALBUM_SNAPSHOT_H

#include "album/album_store.h"
#include "cluster/cluster.h"
#include "facet/gallery.h"

typedef struct fct_album_links {
    fct_face_pair *at;
    size_t n, cap;
} fct_album_links;

/* Faces with an embedding, those to be ignored left out, by id. */
typedef struct fct_album_snapshot {
    size_t n, cap;
    int dim;
    int64_t *id;       /* [n] ascending */
    int64_t *moment;   /* [n] the same for faces of one photo, or of one moment of a video */
    int64_t *person;   /* [n] whose it is by the decisions, else as stored; 0 = nobody's */
    int64_t *stored;   /* [n] whose it is in the file */
    bool *decided;     /* [n] a user, or a tag, has said so */
    bool *ignored;     /* [n] only while loading */
    bool *child;       /* [n] */
    float *quality;    /* [n] */
    float *embeddings; /* [n][dim] */
    fct_album_links same, differ;
    fct_face_ban *bans;
    size_t n_bans, cap_bans;
} fct_album_snapshot;

/* Reads faces and decisions; decisions that contradict each other do not get in: a person's name is stronger than a
 * cannot-link, and that than a must-link; the user's word than a tag's. anew: those that only grouping has made
 * somebody's are nobody's. */
fct_status fct_snapshot_load(fct_album *a, bool anew, fct_album_snapshot *out, fct_error *err);
void fct_snapshot_free(fct_album_snapshot *s);

/* The number of a face, SIZE_MAX = not there. */
size_t fct_snapshot_find(const fct_album_snapshot *s, int64_t face_id);

/* The same as what clusters are made of; borrowed from the snapshot. */
fct_cluster_faces fct_snapshot_faces(const fct_album_snapshot *s);

/* album_group.c: the threshold given, or of the last call; and the clusters of a snapshot. */
fct_status fct_album_group_threshold(fct_album *a, float *threshold, fct_error *err);
fct_status fct_snapshot_cluster(const fct_album_snapshot *s, float threshold, fct_clusters *c, fct_error *err);

/* album_enroll.c: names people without a name whom the gallery knows, and gives them loose faces that it knows. whose:
 * [n] ids of people; threshold 0: the gallery's own, or where it has none fallback; *n: how many were named. */
fct_status fct_album_recognize(fct_album *a, const fct_album_snapshot *s, int64_t *whose, fct_gallery *g,
                               float threshold, float fallback, int64_t *n, fct_error *err);

/* What is known of an album's people, by id. */
typedef struct fct_album_cast {
    struct fct_role {
        int64_t id, faces;
        bool named, ignored;
    } * at; /* [n] ascending */
    size_t n, cap;
} fct_album_cast;
fct_status fct_album_cast_load(fct_album *a, fct_album_cast *out, fct_error *err);
/* NULL = there is no such person with a face. */
const struct fct_role *fct_album_role(const fct_album_cast *c, int64_t person_id);
void fct_album_cast_free(fct_album_cast *c);

#endif
