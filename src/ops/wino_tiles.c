#include "ops/wino_tiles.h"

enum { SMALL_FULL, FULL_FULL, FULL_SMALL, SMALL_SMALL };

static fct_wino_axis axis(int full, int full_count, int small, int small_count) {
    return (fct_wino_axis){full, full_count, small, small_count};
}

fct_wino_axis fct_wino_split(int family, int size) {
    const int whole = size / family, rest = size % family;
    if (rest == 0) return axis(family, whole, 2, 0);
    if (family == 4) {
        if (rest == 1 && whole >= 2) return axis(4, whole - 2, 3, 3); /* 9 = 3 + 3 + 3 */
        return axis(4, whole, rest == 3 ? 3 : 2, 1);
    }
    if (rest == 5) return axis(6, whole + 1, 2, 0);
    return axis(6, whole, rest > 2 ? 4 : 2, 1);
}

/* Counts the tiles of each class, in the order of the list. */
fct_wino_tiling fct_wino_tile(int family, int images, int oh, int ow) {
    fct_wino_tiling t = {family, fct_wino_split(family, oh), fct_wino_split(family, ow), images, {0}};
    t.first[1] = t.first[0] + images * t.y.small_count * t.x.full_count;
    t.first[2] = t.first[1] + images * t.y.full_count * t.x.full_count;
    t.first[3] = t.first[2] + images * t.y.full_count * t.x.small_count;
    t.first[4] = t.first[3] + images * t.y.small_count * t.x.small_count;
    return t;
}

static bool small_y(int class) { return class == SMALL_FULL || class == SMALL_SMALL; }
static bool small_x(int class) { return class == FULL_SMALL || class == SMALL_SMALL; }

void fct_wino_class_size(const fct_wino_tiling *t, int class, int *my, int *mx) {
    *my = small_y(class) ? t->y.small : t->y.full;
    *mx = small_x(class) ? t->x.small : t->x.full;
}

/* Finds the class of tile i, then its image, row and column within the class. */
fct_k_tile fct_wino_place(const fct_wino_tiling *t, int i) {
    int class = 0;
    while (i >= t->first[class + 1]) class ++;
    const int rows = small_y(class) ? t->y.small_count : t->y.full_count;
    const int columns = small_x(class) ? t->x.small_count : t->x.full_count;
    int my, mx;
    fct_wino_class_size(t, class, &my, &mx);
    i -= t->first[class];
    fct_k_tile p = {i / (rows * columns), i / columns % rows * my, i % columns * mx};
    if (small_y(class)) p.y += t->y.full * t->y.full_count;
    if (small_x(class)) p.x += t->x.full * t->x.full_count;
    return p;
}

/* Smaller tiles lack the family's last points. A point that one of the axes lacks drops the classes at one end of
 * the list, so the rest is one range. */
void fct_wino_range(const fct_wino_tiling *t, int a, int b, int *first, int *last) {
    const bool in_small_y = a < t->y.small + 2, in_small_x = b < t->x.small + 2;
    *first = in_small_y ? t->first[SMALL_FULL] : t->first[FULL_FULL];
    *last = in_small_x ? (in_small_y ? t->first[4] : t->first[SMALL_SMALL]) : t->first[FULL_SMALL];
}

double fct_wino_products(const fct_wino_tiling *t) {
    const double y = (double)t->y.full_count * (t->y.full + 2) + t->y.small_count * (t->y.small + 2);
    const double x = (double)t->x.full_count * (t->x.full + 2) + t->x.small_count * (t->x.small + 2);
    return y * x * t->images;
}
