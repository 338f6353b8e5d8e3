/* Inside of clustering. Faces are numbered in canonical order here. */
#ifndef FCT_CLUSTER_IMPL_H
#define FCT_CLUSTER_IMPL_H

#include "base/numbers.h"
#include "cluster/cluster.h"

#define FCT_NO_FACE UINT32_MAX

/* A face and how much it is like another. */
typedef struct fct_near {
    uint32_t face;
    float score; /* cosine */
} fct_near;

/* The nearest faces of faces. */
typedef struct fct_near_lists {
    size_t n;
    int k;
    fct_near *list;  /* [n][k], in no particular order */
    uint32_t *count; /* [n] */
} fct_near_lists;

/* Faces in the form in which they are compared. */
typedef struct fct_near_faces {
    const float *unit; /* [n][dim] of unit length, borrowed */
    size_t n;
    int dim, size;
    int8_t *bytes; /* [n][size] */
    float *scale;  /* [n] what a byte is worth */
    float *error;  /* [n] the length of what the bytes leave over */
} fct_near_faces;
/* False: no memory. Free with fct_near_faces_free(), also then. */
bool fct_near_faces_make(fct_near_faces *f, const float *unit, size_t n, int dim);
void fct_near_faces_free(fct_near_faces *f);

/* Finds the k nearest faces of each among all others, those of a cosine of at least floor; equal ones by number. The
 * faces from n_free on are not compared with one another. All threads help. */
fct_status fct_near_find(const fct_near_faces *f, size_t n_free, int k, float floor, fct_near_lists *out,
                         fct_error *err);
/* The same for each probe among the faces of f, but for those whose group is the probe's. group: [f->n]; mine:
 * [probes->n] */
fct_status fct_near_between(const fct_near_faces *probes, const fct_near_faces *f, const uint32_t *group,
                            const uint32_t *mine, int k, float floor, fct_near_lists *out, fct_error *err);
void fct_near_free(fct_near_lists *l);

/* A group of faces. */
typedef struct fct_group {
    uint32_t n;         /* faces; 0 = it is a part of another by now */
    uint32_t version;   /* changes with the faces */
    int64_t person;     /* 0 = nobody yet */
    float weight;       /* sum of the faces' weights */
    float length;       /* of the sum of their weighted embeddings */
    float crowd;        /* sum of weight * likeness of strangers above the usual, */
    float judged;       /* over faces of this weight */
    float care;         /* sum of weight * what is asked in addition for children and poor pictures */
    bool late;          /* made of faces that join only after all others */
    fct_numbers beside; /* groups that it was near to, by any of their faces */
    fct_numbers photos; /* ascending */
    fct_numbers foes;   /* faces of which it is known that they are somebody else's */
    fct_numbers bans;   /* people whom it is not */
} fct_group;

/* The work of one call. */
typedef struct fct_grouping {
    const fct_cluster_opts *o;
    size_t n;
    int dim;
    float *sums;       /* [n][dim] of a group's weighted embeddings, by the number of its first face */
    float *weights;    /* [n] */
    fct_group *groups; /* [n] by the number of the first face */
    uint32_t *parent;  /* [n] a face nearer to the group's first face, union-find */
    uint32_t *mark;    /* [n] for collecting neighbors */
    uint32_t marks;
    fct_near *scratch; /* [n] what fct_group_near() has found */
} fct_grouping;

/* cluster_merge.c */
uint32_t fct_group_of(fct_grouping *g, uint32_t face);

/* Joins group b into a without asking; returns the number of the group. False: no memory. */
bool fct_group_join(fct_grouping *g, uint32_t a, uint32_t b, uint32_t *joined);
/* Whether a link, or a photo that both are in, says that two groups are two people. */
bool fct_group_apart(fct_grouping *g, uint32_t a, uint32_t b);
/* How much two groups are alike beyond what is needed to join them. */
float fct_group_score(const fct_grouping *g, uint32_t a, uint32_t b);
/* The groups near to a group, with their scores, into g->scratch; returns how many. */
uint32_t fct_group_near(fct_grouping *g, uint32_t a);

/* Joins all that may be joined, best first, at a score of at least `least`; late: groups of late faces too. */
fct_status fct_groups_merge(fct_grouping *g, float least, bool late, fct_error *err);

/* cluster_crowd.c: adds to each group how crowded it is around its faces. Groups are those that are surely one person
 * at this time, and people from before. */
typedef struct fct_crowd_work {
    const fct_near_faces *faces;
    const fct_near_lists *lists; /* sorted, the nearest first */
    size_t n_free;               /* the faces before have no person from before */
    float floor;                 /* of the lists */
    float sure;                  /* the cosine from which two faces are surely one person's */
    float least;                 /* what joins two groups */
} fct_crowd_work;
fct_status fct_crowds_add(fct_grouping *g, const fct_crowd_work *w, fct_error *err);

/* Sorts lists, the nearest first. */
void fct_near_sort(fct_near_lists *l);

/* cluster_result.c: the result, in the caller's order: face i of the grouping is face order[i] of the caller. */
fct_status fct_groups_result(fct_grouping *g, const float *unit, const uint32_t *order, float least, fct_clusters *out,
                             fct_error *err);

#endif
