/* EXIF orientation from a TIFF block.
 *
 * Layout (TIFF 6.0, section 2): "II" or "MM" for the byte order, the number 42
 * (u16), offset of the first directory (u32). A directory: count (u16), then
 * 12-byte entries of tag (u16), type (u16), count (u32), value. Orientation is
 * tag 0x0112, type 3 (u16), count 1, in the first directory. */
#include "image/image_internal.h"
#include <string.h>

typedef struct tiff {
    const uint8_t *data;
    size_t len;
    bool big;
} tiff;

/* Reads an n-byte number (2 or 4) at offset at; the caller has checked the length. */
static uint32_t tiff_number(const tiff *t, size_t at, int n) {
    uint32_t v = 0;
    for (int i = 0; i < n; i++) v |= (uint32_t)t->data[at + (size_t)i] << 8 * (t->big ? n - 1 - i : i);
    return v;
}

/* Looks through the first directory only; every offset is checked against the block before it is followed. */
int fct_exif_orientation(const uint8_t *data, size_t len) {
    if (len < 14) return 1;
    tiff t = {data, len, data[0] == 'M'};
    if (memcmp(data, t.big ? "MM" : "II", 2) || tiff_number(&t, 2, 2) != 42) return 1;
    size_t dir = tiff_number(&t, 4, 4);
    if (dir > len - 2) return 1;
    size_t count = tiff_number(&t, dir, 2), fit = (len - 2 - dir) / 12;
    for (size_t i = 0; i < (count < fit ? count : fit); i++) {
        size_t at = dir + 2 + 12 * i;
        if (tiff_number(&t, at, 2) != 0x0112) continue;
        uint32_t value = tiff_number(&t, at + 8, 2);
        bool sound = tiff_number(&t, at + 2, 2) == 3 && tiff_number(&t, at + 4, 4) == 1;
        return sound && value >= 1 && value <= 8 ? (int)value : 1;
    }
    return 1;
}
