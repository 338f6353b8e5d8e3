#include "text/names.h"

#include "base/alloc.h"
#include "base/error.h"
#include "text/utf8.h"

#include <string.h>

#ifdef FCT_HAVE_UTF8PROC
#include <utf8proc.h>
#endif

/* Bytes. Putting a run of accents into order takes the square of its length. */
enum { longest_name = 4096 };

const char *fct_text_trimmed(const char *text, size_t *n) {
    const char *end = text + strlen(text), *first = NULL, *last = text;
    for (const char *s = text; s < end;) {
        const char *at = s;
        if (fct_utf8_is_space((uint32_t)fct_utf8_next(&s, end))) continue;
        if (!first) first = at;
        last = s;
    }
    *n = first ? (size_t)(last - first) : 0;
    return first ? first : end;
}

#ifdef FCT_HAVE_UTF8PROC

bool fct_text_has_nfc(void) { return true; }

/* utf8proc_NFC() would allocate by itself; this decomposes into memory of ours and
 * composes it there. The first call only counts. */
static fct_status compose(const char *text, size_t n, bool fold, char **out, fct_error *err) {
    const utf8proc_uint8_t *bytes = (const utf8proc_uint8_t *)text;
    const utf8proc_option_t form = UTF8PROC_STABLE | UTF8PROC_COMPOSE | (fold ? UTF8PROC_CASEFOLD : 0);
    utf8proc_ssize_t count = utf8proc_decompose(bytes, (utf8proc_ssize_t)n, NULL, 0, form);
    if (count < 0) return fct_fail(err, FCT_ERR_ARG, "a name that cannot be normalized");
    /* utf8proc_reencode() wants one byte more than four for each code point. */
    utf8proc_int32_t *codes = fct_calloc((size_t)count + 1, sizeof *codes);
    if (!codes) return fct_fail_nomem(err, "a name", n);
    utf8proc_decompose(bytes, (utf8proc_ssize_t)n, codes, count, form);
    if (utf8proc_reencode(codes, count, form) < 0) {
        fct_free(codes);
        return fct_fail(err, FCT_ERR_ARG, "a name that cannot be normalized");
    }
    *out = (char *)codes;
    return FCT_OK;
}

#else

bool fct_text_has_nfc(void) { return false; }

static fct_status compose(const char *text, size_t n, bool fold, char **out, fct_error *err) {
    *out = fct_strndup(text, n);
    if (!*out) return fct_fail_nomem(err, "a name", n);
    for (char *s = *out; fold && *s; s++)
        if (*s >= 'A' && *s <= 'Z') *s = (char)(*s - 'A' + 'a');
    return FCT_OK;
}

#endif

/* Brings a text without the white space around it into form C, with small letters where fold says so. */
static fct_status normalize(const char *text, bool fold, char **out, fct_error *err) {
    size_t n;
    *out = NULL;
    text = fct_text_trimmed(text, &n);
    if (n > longest_name) return fct_fail(err, FCT_ERR_LIMIT, "a name of %zu bytes (at most %d)", n, longest_name);
    if (!fct_utf8_valid(text, n)) return fct_fail(err, FCT_ERR_ARG, "a name that is not UTF-8");
    return compose(text, n, fold, out, err);
}

fct_status fct_text_nfc(const char *text, char **out, fct_error *err) { return normalize(text, false, out, err); }

fct_status fct_text_folded(const char *text, char **out, fct_error *err) {
    fct_status s = normalize(text, true, out, err);
    if (s) return s;
    char *to = *out;
    const char *end = *out + strlen(*out);
    bool blank = false;
    for (const char *from = *out; from < end;) {
        const char *at = from;
        if (fct_utf8_is_space((uint32_t)fct_utf8_next(&from, end))) {
            if (!blank) *to++ = ' ';
            blank = true;
            continue;
        }
        blank = false;
        while (at < from) *to++ = *at++;
    }
    *to = 0;
    return FCT_OK;
}
