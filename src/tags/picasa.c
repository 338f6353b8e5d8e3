#include "tags/picasa.h"

#include "base/alloc.h"
#include "base/buffer.h"
#include "base/error.h"
#include "base/file.h"
#include "text/names.h"
#include "text/utf8.h"

#include <string.h>

/* One line of interest. Texts lie in the list's copy of the file, with a NUL behind them. */
typedef struct picasa_contact {
    uint64_t number;
    const char *name;
} picasa_contact;

typedef struct picasa_photo {
    const char *file, *faces;
} picasa_photo;

struct fct_picasa {
    fct_buf text; /* the file in UTF-8, cut into pieces by NUL bytes */
    picasa_contact *contacts;
    picasa_photo *photos;
    size_t n_contacts, contacts_cap, n_photos, photos_cap;
};

static const uint64_t nobody = UINT64_MAX;

static char lower(char c) { return c >= 'A' && c <= 'Z' ? (char)(c + 32) : c; }
static bool same(const char *a, const char *b) {
    while (*a && lower(*a) == lower(*b)) a++, b++;
    return lower(*a) == lower(*b);
}

/* Takes a hexadecimal number of up to 16 digits off the text; false where there is none. */
static bool take_hex(const char **s, uint64_t *out) {
    int n = 0;
    *out = 0;
    for (;; ++*s, n++) {
        char c = lower(**s);
        int digit = c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
        if (digit < 0) return n > 0;
        if (n == 16) return false;
        *out = *out << 4 | (uint64_t)digit;
    }
}

/* "number=name;...": the older section has names of accounts instead, which say nobody's name. */
static fct_status take_contact(fct_picasa *p, char *line, bool older, fct_error *err) {
    const char *s = line;
    picasa_contact c;
    if (!take_hex(&s, &c.number) || *s != '=') return FCT_OK;
    char *name = line + (s + 1 - line);
    name[strcspn(name, ";")] = 0;
    if (older && strstr(name, "_lh,")) return FCT_OK;
    size_t n;
    const char *from = fct_text_trimmed(name, &n);
    name[from - name + (ptrdiff_t)n] = 0;
    c.name = from;
    if (!n) return FCT_OK;
    picasa_contact *list = fct_grow(p->contacts, &p->contacts_cap, p->n_contacts + 1, sizeof *list);
    if (!list) return fct_fail_nomem(err, ".picasa.ini", 0);
    p->contacts = list;
    list[p->n_contacts++] = c;
    return FCT_OK;
}

static fct_status take_photo(fct_picasa *p, const char *file, const char *faces, fct_error *err) {
    picasa_photo *list = fct_grow(p->photos, &p->photos_cap, p->n_photos + 1, sizeof *list);
    if (!list) return fct_fail_nomem(err, ".picasa.ini", 0);
    p->photos = list;
    list[p->n_photos++] = (picasa_photo){file, faces};
    return FCT_OK;
}

/* One line in the section that begins with *section. */
static fct_status take_line(fct_picasa *p, char *line, const char **section, fct_error *err) {
    size_t n = strlen(line);
    while (n && (line[n - 1] == ' ' || line[n - 1] == '\t')) line[--n] = 0;
    if (line[0] == '[' && n > 2 && line[n - 1] == ']') {
        line[n - 1] = 0;
        *section = line + 1;
        return FCT_OK;
    }
    if (!*section) return FCT_OK;
    bool newer = same(*section, "Contacts2");
    if (newer || same(*section, "Contacts")) return take_contact(p, line, !newer, err);
    return strncmp(line, "faces=", 6) ? FCT_OK : take_photo(p, *section, line + 6, err);
}

/* Appends the file as UTF-8 without its mark: bytes that are no UTF-8 make it Latin-1. NUL bytes end a line. */
static void add_text(const uint8_t *data, size_t n, fct_buf *out) {
    bool mark = n >= 3 && !memcmp(data, "\xEF\xBB\xBF", 3);
    if (mark) data += 3, n -= 3;
    if (fct_utf8_valid((const char *)data, n)) {
        fct_buf_add(out, data, n);
        return;
    }
    for (size_t i = 0; i < n && !out->failed; i++) {
        char utf8[4];
        fct_buf_add(out, utf8, (size_t)fct_utf8_put(data[i], utf8));
    }
}

fct_status fct_picasa_parse(const uint8_t *data, size_t n, fct_picasa **out, fct_error *err) {
    *out = NULL;
    fct_picasa *p = fct_calloc(1, sizeof *p);
    if (!p) return fct_fail_nomem(err, ".picasa.ini", 0);
    const char *section = NULL;
    add_text(data, n, &p->text);
    fct_status s = p->text.failed ? fct_fail_nomem(err, ".picasa.ini", n) : FCT_OK;
    char *at = p->text.data, *end = at ? at + p->text.size : at;
    while (!s && at < end) {
        char *stop = at;
        while (stop < end && *stop && *stop != '\n' && *stop != '\r') stop++;
        *stop = 0; /* at the very end there is a NUL already */
        s = take_line(p, at, &section, err);
        at = stop + 1;
    }
    if (s) fct_picasa_free(p);
    else *out = p;
    return s;
}

fct_status fct_picasa_open(const char *folder, fct_picasa **out, fct_error *err) {
    static const char *const names[] = {".picasa.ini", "Picasa.ini"};
    enum { MOST = 64 << 20 };
    *out = NULL;
    for (int i = 0; i < 2; i++) {
        char *path = fct_path_join(folder, names[i]);
        if (!path) return fct_fail_nomem(err, folder, 0);
        fct_map m;
        fct_error e;
        fct_status s = fct_map_copy(path, MOST, &m, &e);
        if (s == FCT_OK) {
            s = fct_picasa_parse(m.data, m.size, out, err);
            fct_map_close(&m);
        } else if (s != FCT_ERR_NOT_FOUND && err) *err = e;
        fct_free(path);
        if (s != FCT_ERR_NOT_FOUND) return s;
    }
    return fct_picasa_parse((const uint8_t *)"", 0, out, err);
}

void fct_picasa_free(fct_picasa *p) {
    if (!p) return;
    fct_buf_free(&p->text);
    fct_free(p->contacts);
    fct_free(p->photos);
    fct_free(p);
}

static const char *name_of(const fct_picasa *p, uint64_t number) {
    for (size_t i = 0; number != nobody && i < p->n_contacts; i++)
        if (p->contacts[i].number == number) return p->contacts[i].name;
    return "";
}

/* Takes "rect64(...),number" off the text and goes behind the next semicolon. False where it is something else. */
static bool take_face(const fct_picasa *p, const char **s, fct_picasa_face *out) {
    uint64_t rect, number = nobody;
    const char *at = *s;
    size_t piece = strcspn(at, ";");
    *s = at + piece + (at[piece] == ';');
    while (*at == ' ') at++;
    if (strncmp(at, "rect64(", 7)) return false;
    at += 7;
    if (!take_hex(&at, &rect) || *at++ != ')') return false;
    if (*at == ',') {
        at++;
        if (!take_hex(&at, &number)) number = nobody;
    }
    for (int i = 0; i < 4; i++) out->box[i] = (double)(rect >> 16 * (3 - i) & 0xFFFF) / 65535;
    out->name = name_of(p, number);
    return out->box[2] > out->box[0] && out->box[3] > out->box[1];
}

int fct_picasa_faces(const fct_picasa *p, const char *file, fct_picasa_face *out, int max) {
    int n = 0;
    for (size_t i = 0; i < p->n_photos; i++) {
        if (!same(p->photos[i].file, file)) continue;
        for (const char *s = p->photos[i].faces; *s && n < max;)
            if (take_face(p, &s, &out[n])) n++;
    }
    return n;
}
