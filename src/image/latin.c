/* Latin letters for characters that neither the built-in font nor the system's fonts
 * have: Cyrillic and Greek letter by letter, as passports and libraries do; of other
 * scripts the number of the character, which is better than an empty box: two names
 * still look different. */
#include "image/draw_internal.h"
#include <stdio.h>
#include <string.h>

static const char cyrillic[64][5] = {"A",  "B",  "V",  "G",  "D",  "E",    "Zh", "Z", "I",  "I",  "K",  "L",  "M",
                                     "N",  "O",  "P",  "R",  "S",  "T",    "U",  "F", "Kh", "Ts", "Ch", "Sh", "Shch",
                                     "\"", "Y",  "'",  "E",  "Yu", "Ya",   "a",  "b", "v",  "g",  "d",  "e",  "zh",
                                     "z",  "i",  "i",  "k",  "l",  "m",    "n",  "o", "p",  "r",  "s",  "t",  "u",
                                     "f",  "kh", "ts", "ch", "sh", "shch", "\"", "y", "'",  "e",  "yu", "ya"};
static const char greek[25][3] = {"A", "V", "G", "D", "E", "Z", "I", "Th", "I", "K",  "L",  "M", "N",
                                  "X", "O", "P", "R", "",  "S", "T", "Y",  "F", "Ch", "Ps", "O"};

typedef struct latin_pair {
    uint32_t from;
    const char *to;
} latin_pair;

static const latin_pair single[] = {
    {0x401, "E"},   {0x451, "e"},  {0x404, "Ye"}, {0x454, "ye"}, {0x406, "I"},  {0x456, "i"},    {0x407, "Yi"},
    {0x457, "yi"},  {0x490, "G"},  {0x491, "g"},  {0x40E, "U"},  {0x45E, "u"},  {0x402, "Dj"},   {0x452, "dj"},
    {0x408, "J"},   {0x458, "j"},  {0x409, "Lj"}, {0x459, "lj"}, {0x40A, "Nj"}, {0x45A, "nj"},   {0x40B, "C"},
    {0x45B, "c"},   {0x40F, "Dz"}, {0x45F, "dz"}, {0x3AC, "a"},  {0x3AD, "e"},  {0x3AE, "i"},    {0x3AF, "i"},
    {0x3CC, "o"},   {0x3CD, "y"},  {0x3CE, "o"},  {0x3C2, "s"},  {0x386, "A"},  {0x388, "E"},    {0x389, "I"},
    {0x38A, "I"},   {0x38C, "O"},  {0x38E, "Y"},  {0x38F, "O"},  {0x2018, "'"}, {0x2019, "'"},   {0x201C, "\""},
    {0x201D, "\""}, {0x2013, "-"}, {0x2014, "-"}, {0xA0, " "},   {0x3000, " "}, {0x2026, "..."}, {0xFFFD, "?"},
};

static bool is_mark(uint32_t c) {
    return (c >= 0x300 && c < 0x370) || (c >= 0x200B && c <= 0x200F) || (c >= 0x202A && c <= 0x202E) ||
           (c >= 0x2060 && c <= 0x2069) || (c >= 0xFE00 && c <= 0xFE0F) || c == 0xFEFF;
}

static char small(char c) { return c >= 'A' && c <= 'Z' ? (char)(c + 32) : c; }

/* Looks through single characters first, then the tables of whole alphabets. */
bool fct_latin_spelling(uint32_t c, char out[12]) {
    out[0] = 0;
    if (is_mark(c)) return true;
    for (size_t i = 0; i < sizeof single / sizeof *single; i++)
        if (single[i].from == c) return snprintf(out, 12, "%s", single[i].to) > 0;
    if (c >= 0x410 && c < 0x450) return snprintf(out, 12, "%s", cyrillic[c - 0x410]) > 0;
    if (c >= 0x391 && c < 0x3AA) return snprintf(out, 12, "%s", greek[c - 0x391]) > 0;
    if (c >= 0x3B1 && c < 0x3CA) {
        snprintf(out, 12, "%s", greek[c - 0x3B1]);
        out[0] = small(out[0]);
        return true;
    }
    if (c < ' ' || c == 0x7F) return snprintf(out, 12, " ") > 0;
    snprintf(out, 12, "U+%04X", (unsigned)(c & 0x1FFFFF));
    return false;
}
