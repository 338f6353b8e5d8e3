/* Who a track is: votes of single embeddings, weighted by the quality of the
 * face they were made from. */
#ifndef FCT_VIDEO_VOTES_H
#define FCT_VIDEO_VOTES_H

#include "facet/gallery.h"

#define FCT_VOTES_MAX 6 /* persons in the running at once */

typedef struct fct_candidate {
    int64_t person_id;
    char name[201];
    float weight, similarity;
} fct_candidate;

/* Zero-initialize. similarity is summed with the weights. */
typedef struct fct_votes {
    fct_candidate list[FCT_VOTES_MAX];
    int n, count;   /* candidates; votes */
    float nobody;   /* weight of "not in the gallery" */
    int64_t chosen; /* person of the current name, 0 = none */
    bool decided;
} fct_votes;

/* One embedding's vote: its nearest person with the cosine, or NULL where nobody
 * reached the threshold. quality 0..1; threshold: the cosine that counts as
 * recognized. Returns whether the name changed. */
bool fct_votes_add(fct_votes *v, const fct_match *m, float quality, float threshold);

/* There will be no more votes: decides by those that there are, a single one too. */
void fct_votes_settle(fct_votes *v);

/* The chosen candidate; NULL = nobody. Borrowed until the next vote. */
const fct_candidate *fct_votes_chosen(const fct_votes *v);

#endif
