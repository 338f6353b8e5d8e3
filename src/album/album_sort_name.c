#include "album/album_sort_name.h"

#include "base/file.h"
#include "text/utf8.h"

#include <string.h>

static bool same_letters(const char *a, const char *b, size_t n) {
    for (size_t i = 0; i < n; i++) {
        char c = a[i] >= 'a' && a[i] <= 'z' ? (char)(a[i] - 32) : a[i];
        if (c != b[i]) return false;
    }
    return !b[n];
}

/* Names of devices, which Windows finds in every folder, with any ending. */
static bool is_device(const char *name) {
    static const char *const devices[] = {"CON", "PRN", "AUX", "NUL"};
    size_t n = strcspn(name, ".");
    for (int i = 0; i < 4; i++)
        if (n == 3 && same_letters(name, devices[i], 3)) return true;
    return n == 4 && name[3] >= '0' && name[3] <= '9' &&
           (same_letters((char[4]){name[0], name[1], name[2], 0}, "COM", 3) ||
            same_letters((char[4]){name[0], name[1], name[2], 0}, "LPT", 3));
}

void fct_sort_folder_name(const char *name, fct_buf *out) {
    enum { MOST = 150 };
    size_t start = out->size;
    const char *p = name, *end = name + strlen(name);
    if (*p == '.' || is_device(name)) fct_buf_char(out, '_');
    if (*p == '.') p++;
    while (p < end && !out->failed) {
        const char *from = p;
        int32_t c = fct_utf8_next(&p, end);
        if (out->size - start + 4 > MOST) break;
        bool valid = fct_utf8_length(from, (size_t)(end - from)) != 0;
        if (!valid || fct_utf8_is_control((uint32_t)c) || (c < 128 && strchr("/\\:*?\"<>|", (int)c)))
            fct_buf_char(out, '_');
        else fct_buf_add(out, from, (size_t)(p - from));
    }
    while (!out->failed && out->size > start && strchr(" .", out->data[out->size - 1])) out->data[--out->size] = 0;
    if (out->size == start) fct_buf_char(out, '_');
}

void fct_sort_file_name(const char *base, int n, fct_buf *out) {
    const char *ext = fct_path_ext(base);
    size_t stem = *ext ? (size_t)(ext - base) - 1 : strlen(base);
    fct_buf_add(out, base, stem);
    if (n > 1) fct_buf_printf(out, " (%d)", n);
    if (*ext) fct_buf_printf(out, ".%s", ext);
}
