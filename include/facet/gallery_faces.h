/* facet/gallery_faces.h: what all faces of a gallery, compared with one another, tell:
 * how alike they are, and which of them are one person's.
 *
 * Both work on the people that the gallery was opened for, or that
 * fct_gallery_work_in() says; both are thread-safe. */
#ifndef FACET_GALLERY_FACES_H
#define FACET_GALLERY_FACES_H

#include "gallery.h"

#ifdef __cplusplus
extern "C" {
#endif

#define FCT_HISTOGRAM_MOST 200

/* How many pairs of faces have which cosine. */
typedef struct fct_histogram {
    int bins; /* of equal width, from -1 to 1; a pair lies in bin i from -1 + 2 i / bins on */
    uint64_t genuine[FCT_HISTOGRAM_MOST], impostor[FCT_HISTOGRAM_MOST]; /* pairs of one person, of two */
    uint64_t n_genuine, n_impostor;
    uint64_t genuine_matches, impostor_matches; /* of them, with at least the threshold */
    int people;
    int64_t faces, compared; /* in the gallery; of them compared */
} fct_histogram;

/* Compares all pairs of faces; of more than most_faces (2 to 20000), about so many are
 * drawn by chance, always the same. bins: 1 to FCT_HISTOGRAM_MOST. The time grows with the square of most_faces:
 * about a fifth of a second for 2,000. */
FCT_API fct_status fct_gallery_histogram(fct_gallery *g, int bins, int most_faces, float threshold, fct_histogram *out,
                                         fct_error *err);

/* A face and the group that it belongs to. */
typedef struct fct_grouped_face {
    int64_t face_id, person_id; /* person_id: whose it is in the gallery */
    int group;                  /* from 1, the largest group first; 0 = in none */
    float score;                /* cosine to the group's mean; 0 where group is 0 */
} fct_grouped_face;

/* Groups faces by likeness, whoever they belong to in the gallery
 * (docs/decisions/0081-clusters.md). threshold: the cosine that one in 10,000 pairs of
 * strangers passes. A group has `least` faces or more. FCT_ERR_LIMIT: more than 200,000 faces. *out is owned, in
 * no order: fct_grouped_faces_free(). */
FCT_API fct_status fct_gallery_group(fct_gallery *g, float threshold, int least, fct_grouped_face **out, int *n,
                                     int *groups, fct_error *err);
FCT_API void fct_grouped_faces_free(fct_grouped_face *x);

#ifdef __cplusplus
}
#endif
#endif
