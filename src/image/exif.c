/* Orientation and date from EXIF, a TIFF block.
 *
 * Layout (TIFF 6.0, section 2): "II" or "MM" for the byte order, the number 42
 * (u16), offset of the first directory (u32). A directory: count (u16), then
 * 12-byte entries of tag (u16), type (u16), count (u32), value, or its offset where
 * it has more than four bytes. Orientation is tag 0x0112, type 3 (u16), count 1, in
 * the first directory. Its tag 0x8769, type 4 (u32), is the offset of the EXIF
 * directory (EXIF 2.32, section 4.6), whose tag 0x9003 is when the photo was
 * taken; 0x0132 of the first directory is when the file was made. Both are texts
 * "YYYY:MM:DD HH:MM:SS" of 20 bytes, blanks or zeros where it is not known. */
#include "image/image_internal.h"
#include <string.h>

typedef struct tiff {
    const uint8_t *data;
    size_t len;
    bool big;
} tiff;

enum { TAG_ORIENTATION = 0x0112, TAG_DATE = 0x0132, TAG_EXIF = 0x8769, TAG_DATE_TAKEN = 0x9003 };
enum { TYPE_TEXT = 2, TYPE_U16 = 3, TYPE_U32 = 4, DATE_SIZE = 20 };

/* Reads an n-byte number (2 or 4) at offset at; the caller has checked the length. */
static uint32_t tiff_number(const tiff *t, size_t at, int n) {
    uint32_t v = 0;
    for (int i = 0; i < n; i++) v |= (uint32_t)t->data[at + (size_t)i] << 8 * (t->big ? n - 1 - i : i);
    return v;
}

/* Offset of the directory's first entry with this tag, if it has the type and count; 0 = none. Every offset is
 * checked against the block before it is followed. */
static size_t find_entry(const tiff *t, size_t dir, uint32_t tag, uint32_t type, uint32_t count) {
    if (dir < 8 || dir > t->len - 2) return 0;
    size_t n = tiff_number(t, dir, 2), fit = (t->len - 2 - dir) / 12;
    for (size_t i = 0; i < (n < fit ? n : fit); i++) {
        size_t at = dir + 2 + 12 * i;
        if (tiff_number(t, at, 2) != tag) continue;
        return tiff_number(t, at + 2, 2) == type && tiff_number(t, at + 4, 4) == count ? at : 0;
    }
    return 0;
}

/* n decimal digits; -1 where one is none. */
static int digits(const uint8_t *p, int n) {
    int v = 0;
    for (int i = 0; i < n; i++) {
        if (p[i] < '0' || p[i] > '9') return -1;
        v = 10 * v + p[i] - '0';
    }
    return v;
}

/* Days from 1970-01-01 to a date of the Gregorian calendar, by counting from March on, so that the leap day is the
 * last of its year. */
static int64_t days_of(int year, int month, int day) {
    int64_t y = month > 2 ? year : year - 1, from_march = (month + 9) % 12;
    return 365 * y + y / 4 - y / 100 + y / 400 + (153 * from_march + 2) / 5 + day - 1 - 719468;
}

/* Takes a date's text at *p. A camera whose clock was never set writes zeros: that is no date. */
static bool parse_date(const uint8_t *p, int64_t *seconds) {
    int year = digits(p, 4), month = digits(p + 5, 2), day = digits(p + 8, 2), hour = digits(p + 11, 2),
        minute = digits(p + 14, 2), second = digits(p + 17, 2);
    if (year < 1826 || month < 1 || month > 12 || day < 1 || day > 31) return false;
    if (hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 || second > 60) return false;
    *seconds = days_of(year, month, day) * 86400 + hour * 3600 + minute * 60 + second;
    return true;
}

static bool read_date(const tiff *t, size_t dir, uint32_t tag, int64_t *seconds) {
    size_t entry = find_entry(t, dir, tag, TYPE_TEXT, DATE_SIZE), at;
    if (!entry || (at = tiff_number(t, entry + 8, 4)) > t->len || t->len - at < DATE_SIZE) return false;
    return parse_date(t->data + at, seconds);
}

void fct_exif_read(const uint8_t *data, size_t len, fct_image_facts *facts) {
    facts->orientation = 1;
    facts->has_taken = false;
    if (len < 14) return;
    tiff t = {data, len, data[0] == 'M'};
    if (memcmp(data, t.big ? "MM" : "II", 2) || tiff_number(&t, 2, 2) != 42) return;
    size_t dir = tiff_number(&t, 4, 4), entry = find_entry(&t, dir, TAG_ORIENTATION, TYPE_U16, 1);
    uint32_t value = entry ? tiff_number(&t, entry + 8, 2) : 1;
    if (value >= 1 && value <= 8) facts->orientation = (int)value;
    entry = find_entry(&t, dir, TAG_EXIF, TYPE_U32, 1);
    facts->has_taken = (entry && read_date(&t, tiff_number(&t, entry + 8, 4), TAG_DATE_TAKEN, &facts->taken)) ||
                       read_date(&t, dir, TAG_DATE, &facts->taken);
}
