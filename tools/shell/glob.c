/* Matching of one name against one pattern. */
#include "photos/inputs.h"

#include <string.h>

/* Matches c against the set that starts after '['; *end moves behind its ']'. Without a ']' there is no set: the
 * result is false and *end is NULL. */
static bool match_set(const char *p, unsigned char c, const char **end) {
    bool negated = *p == '!' || *p == '^', hit = false;
    p += negated;
    for (bool first = true; *p && (*p != ']' || first); first = false) {
        unsigned char low = (unsigned char)*p, high = low;
        if (p[1] == '-' && p[2] && p[2] != ']') high = (unsigned char)p[2], p += 2;
        if (c >= low && c <= high) hit = true;
        p++;
    }
    *end = *p ? p + 1 : NULL;
    return *p && hit != negated;
}

static const char *next_character(const char *s) {
    s++;
    while (((unsigned char)*s & 0xC0) == 0x80) s++;
    return s;
}

/* Works iteratively and returns to no more than one '*', so that it needs no stack and at most quadratic time. */
bool cli_glob_match(const char *pattern, const char *name) {
    const char *star = NULL, *retry = NULL;
    while (*name) {
        const char *end = NULL;
        if (*pattern == '*') {
            star = ++pattern;
            retry = name;
            continue;
        }
        if (*pattern == '?') {
            pattern++;
            name = next_character(name);
            continue;
        }
        if (*pattern == '[' && match_set(pattern + 1, (unsigned char)*name, &end)) {
            pattern = end;
            name++;
            continue;
        }
        if (*pattern == *name && (*pattern != '[' || !end)) {
            pattern++;
            name++;
            continue;
        }
        if (!star) return false;
        pattern = star;
        name = retry = next_character(retry);
    }
    while (*pattern == '*') pattern++;
    return *pattern == 0;
}
