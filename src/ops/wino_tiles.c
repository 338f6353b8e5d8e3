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

static bool small_y(int class) { return class == SMALL_FULL || class == SMALL_SMALL; }
static bool small_x(int class) { return class == FULL_SMALL || class == SMALL_SMALL; }

void fct_wino_class_size(const fct_wino_tiling *t, int class, int *my, int *mx) {
    *my = small_y(class) ? t->y.small : t->y.full;
    *mx = small_x(class) ? t->x.small : t->x.full;
}

static int rows_of(const fct_wino_tiling *t, int class) { return small_y(class) ? t->y.small_count : t->y.full_count; }
static int columns_of(const fct_wino_tiling *t, int class) {
    return small_x(class) ? t->x.small_count : t->x.full_count;
}

int fct_wino_end(const fct_wino_tiling *t, int class) {
    return t->first[class] + t->images * rows_of(t, class) * columns_of(t, class);
}

/* Counts the tiles of each class, in the order of the list. */
fct_wino_tiling fct_wino_tile(int family, int images, int oh, int ow, bool even) {
    fct_wino_tiling t = {family, fct_wino_split(family, oh), fct_wino_split(family, ow), images, {0}};
    for (int class = 0; class < 4; class ++) {
        const int end = fct_wino_end(&t, class);
        t.first[class + 1] = end + (even && end % 2);
    }
    return t;
}

/* The places of tiles i .. end - 1, counted within a class; row by row. */
static fct_k_tile *list_class(const fct_wino_tiling *t, int class, int i, int end, fct_k_tile *list) {
    const int rows = rows_of(t, class), columns = columns_of(t, class);
    const int y0 = small_y(class) ? t->y.full * t->y.full_count : 0;
    const int x0 = small_x(class) ? t->x.full * t->x.full_count : 0;
    int my, mx;
    fct_wino_class_size(t, class, &my, &mx);
    int image = i / (rows * columns), row = i / columns % rows, column = i % columns;
    for (; i < end; i++) {
        *list++ = (fct_k_tile){image, y0 + row * my, x0 + column * mx};
        if (++column < columns) continue;
        column = 0;
        if (++row < rows) continue;
        row = 0;
        image++;
    }
    return list;
}

/* Goes through the classes; what fills one up is its last tile again. */
void fct_wino_list(const fct_wino_tiling *t, int first, int n, fct_k_tile *list) {
    for (int class = 0; class < 4 && n > 0; class ++) {
        const int end = fct_wino_end(t, class), last = t->first[class + 1];
        if (first >= last) continue;
        const int real = end < first + n ? end : first + n, stop = last < first + n ? last : first + n;
        if (first < real) list = list_class(t, class, first - t->first[class], real - t->first[class], list);
        if (stop > real) { /* it is one tile at most */
            const int at = end - 1 - t->first[class];
            list = list_class(t, class, at, at + 1, list);
        }
        n -= stop - first;
        first = stop;
    }
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
