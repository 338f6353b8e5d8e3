/* What a mistyped word may have meant. Compares characters, not bytes, so that one wrong
 * accent is one mistake, and capital letters of ASCII with small ones as equal. */
#include "shell/cli.h"

#include "text/utf8.h"

#include <string.h>

enum { LONGEST = 63 }; /* characters that are looked at */

typedef struct suggest_word {
    int32_t at[LONGEST];
    int n;
} suggest_word;

/* The characters of text before end. */
static void decode(const char *text, const char *end, suggest_word *out) {
    out->n = 0;
    while (text < end && out->n < LONGEST) {
        int32_t c = fct_utf8_next(&text, end);
        out->at[out->n++] = c >= 'A' && c <= 'Z' ? c + 32 : c;
    }
}

/* Counts the edits (letters put in, left out, exchanged) that turn b into a. *prefix gets the same for the part of
 * b's beginning that is nearest. */
static int edit_distance(const suggest_word *a, const suggest_word *b, int *prefix) {
    int row[LONGEST + 1];
    for (int j = 0; j <= b->n; j++) row[j] = j;
    for (int i = 1; i <= a->n; i++) {
        int diagonal = row[0];
        row[0] = i;
        for (int j = 1; j <= b->n; j++) {
            int best = diagonal + (a->at[i - 1] != b->at[j - 1]);
            if (row[j] + 1 < best) best = row[j] + 1;
            if (row[j - 1] + 1 < best) best = row[j - 1] + 1;
            diagonal = row[j];
            row[j] = best;
        }
    }
    *prefix = row[0];
    for (int j = 1; j <= b->n; j++)
        if (row[j] < *prefix) *prefix = row[j];
    return row[b->n];
}

/* How far name is from word: the smaller the nearer, and a large number where it cannot be meant. Of the whole name,
 * a third may be off. When the word has four letters or more, it may also mean a name's beginning ("thresh" for
 * "threshold") or one of its parts ("lovelace" for "Ada Lovelace"), of which a quarter may be off. */
static int cost_of(const suggest_word *word, const char *name) {
    enum { NEVER = 1000, BEGINNING = 6, PART = 7 };
    suggest_word w;
    const char *end = name + strlen(name);
    int prefix, part, best = NEVER, most = word->n >= 4 ? word->n / 4 : -1;
    decode(name, end, &w);
    int whole = edit_distance(word, &w, &prefix);
    if (whole < (word->n + 2) / 3 + 1) best = 4 * whole;
    if (prefix <= most && 4 * prefix + BEGINNING < best) best = 4 * prefix + BEGINNING;
    for (const char *p = name + strcspn(name, "- _"); *p; p += strcspn(p, "- _")) {
        p++;
        decode(p, p + strcspn(p, "- _"), &w);
        int d = edit_distance(word, &w, &part);
        if (d <= most && 4 * d + PART < best) best = 4 * d + PART;
    }
    return best;
}

/* Several names may be equally near; the first one wins. */
const char *cli_closest(const char *word, const char *const *names, int n) {
    enum { ENOUGH = 1000 };
    const char *best = NULL;
    suggest_word w;
    int least = ENOUGH;
    decode(word, word + strlen(word), &w);
    for (int i = 0; i < n; i++) {
        int cost = cost_of(&w, names[i]);
        if (cost < least) least = cost, best = names[i];
    }
    return best;
}
