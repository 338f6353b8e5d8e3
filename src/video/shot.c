/* Consecutive frames of one shot differ little or, while the camera moves, by about
 * as much each time. A cut is a difference that stands out from both. */
#include "video/shot.h"
#include <math.h>
#include <stdlib.h>

#define LEAST  9.0f /* mean difference of brightness below which nothing is a cut */
#define FACTOR 2.5f /* a cut differs by so many times the usual difference ... */
#define OFFSET 4.0f /* ... and this */
#define MEMORY 0.7f /* of the running mean */

/* Mean brightness of four pixels spread over a cell. */
static uint8_t cell_mean(fct_view v, int row, int column) {
    int sum = 0, channels = v.format == FCT_PIX_GRAY ? 1 : 3;
    for (int i = 0; i < 4; i++) {
        int64_t x = (int64_t)(4 * column + 1 + 2 * (i & 1)) * v.width / (4 * FCT_SHOT_COLUMNS);
        int64_t y = (int64_t)(4 * row + 1 + 2 * (i >> 1)) * v.height / (4 * FCT_SHOT_ROWS);
        const uint8_t *p = v.data + y * v.stride + x * channels;
        sum += channels == 1 ? 4 * p[0] : p[0] + 2 * p[1] + p[2];
    }
    return (uint8_t)(sum / 16);
}

void fct_shot_measure(fct_view v, fct_shot_sign *out) {
    out->known = v.data && (v.format == FCT_PIX_RGB || v.format == FCT_PIX_BGR || v.format == FCT_PIX_GRAY);
    for (int r = 0; r < FCT_SHOT_ROWS && out->known; r++)
        for (int c = 0; c < FCT_SHOT_COLUMNS; c++) out->cell[r * FCT_SHOT_COLUMNS + c] = cell_mean(v, r, c);
}

static float difference(const fct_shot_sign *a, const fct_shot_sign *b) {
    int sum = 0, n = FCT_SHOT_ROWS * FCT_SHOT_COLUMNS;
    for (int i = 0; i < n; i++) sum += abs(a->cell[i] - b->cell[i]);
    return (float)sum / (float)n;
}

bool fct_shot_take(fct_shot *s, const fct_shot_sign *sign) {
    if (!sign->known) return false;
    float d = s->last.known ? difference(&s->last, sign) : 0;
    bool cut = d > fmaxf(LEAST, FACTOR * s->usual + OFFSET);
    s->usual = cut ? 0 : MEMORY * s->usual + (1 - MEMORY) * d;
    s->last = *sign;
    return cut;
}
