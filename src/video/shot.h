/* Where a film is cut: one shot ends and another begins. */
#ifndef FCT_VIDEO_SHOT_H
#define FCT_VIDEO_SHOT_H

#include "facet/image.h"

#define FCT_SHOT_COLUMNS 32
#define FCT_SHOT_ROWS    18

/* A frame in few numbers: the brightness of a grid of cells. */
typedef struct fct_shot_sign {
    uint8_t cell[FCT_SHOT_ROWS * FCT_SHOT_COLUMNS];
    bool known; /* false: there was no picture */
} fct_shot_sign;

/* The frames so far. Zero-initialize. */
typedef struct fct_shot {
    fct_shot_sign last;
    float usual; /* how much consecutive frames of this shot differ, 0..255 */
} fct_shot;

/* Measures an RGB or gray picture; a view of another format gives an unknown sign.
 * Takes about 50 microseconds. */
void fct_shot_measure(fct_view v, fct_shot_sign *out);

/* Takes the next frame's sign and tells whether the picture was cut before it. A
 * fast movement of the camera or a flash may count as a cut, for it is cheap to look
 * again and dear to overlook a cut. Unknown signs are never cuts. */
bool fct_shot_take(fct_shot *s, const fct_shot_sign *sign);

#endif
