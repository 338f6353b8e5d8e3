/* What a picture looks like, for finding the same one again: saved anew, resized,
 * slightly cropped. */
#ifndef FCT_ALBUM_LOOK_H
#define FCT_ALBUM_LOOK_H

#include "album/album_scan_store.h"

typedef struct fct_look {
    uint64_t phash;
    uint8_t gray[FCT_LOOK_SIZE]; /* 16 x 16, spread over 0..255 */
} fct_look;

/* Bits in which the hashes of one picture may differ. */
enum { FCT_LOOK_MOST_DISTANCE = 10 };

/* Measures an upright picture of any pixel format. false: it is of one color all over, and like every other such
 * picture. */
bool fct_look_measure(fct_view v, fct_look *out);

/* Bits in which two hashes differ, 0..64. */
int fct_phash_distance(uint64_t a, uint64_t b);

/* How like two looks are: their correlation, -1..1. */
double fct_look_likeness(const uint8_t a[FCT_LOOK_SIZE], const uint8_t b[FCT_LOOK_SIZE]);

/* Whether two pictures of these sizes are one: like in shape, hash and look. */
bool fct_look_same(const fct_look *a, int width_a, int height_a, const fct_look *b, int width_b, int height_b);

#endif
