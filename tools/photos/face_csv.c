#include "photos/face_csv.h"

#include "base/file.h"
#include "text/utf8.h"

#include <stdlib.h>
#include <string.h>

static void put(FILE *f, const char *text, bool terminal) {
    if (terminal) fct_utf8_print_safe(f, text);
    else fputs(text, f);
}

/* Quotes a text with a comma, a quote or a line break in it, and doubles the quotes inside. */
void cli_csv_text(FILE *f, const char *text) {
    bool terminal = fct_term_is_tty(f);
    if (!strpbrk(text, ",\"\r\n")) {
        put(f, text, terminal);
        return;
    }
    fputc('"', f);
    for (const char *quote; (quote = strchr(text, '"')); text = quote + 1) {
        char *part = cli_format("%.*s\"\"", (int)(quote - text), text);
        put(f, part, terminal);
        free(part);
    }
    put(f, text, terminal);
    fputc('"', f);
}

void cli_csv_face(FILE *f, const cli_photo *p, int face) {
    const fct_face *at = fct_faces_at(p->faces, face);
    cli_csv_text(f, p->name);
    fprintf(f, ",%d", face + 1);
    for (int k = 0; k < 4; k++) fprintf(f, ",%.2f", at->box[k]);
    fprintf(f, ",%.4f", at->score);
}
