/* The page is written as the photos come, in bounded memory. Its summary is known last
 * and stands last in the file; the style sheet shows it first. */
#include "photos/html_report.h"

#include "photos/name_set.h"
#include "photos/report.h"

#include "base/draft.h"
#include "text/base64.h"
#include "text/utf8.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { LONGER_SIDE = 1000, FACE_SIDE = 112, PICTURE_QUALITY = 82 };

struct cli_html {
    fct_draft *draft;
    FILE *file; /* the draft's */
    bool names; /* the faces were compared with people */
    long photos, failed, faces, named;
    cli_name_set people; /* who was recognized */
};

static const char page_head[] =
    "<!doctype html>\n<html lang=en><meta charset=utf-8><meta name=viewport content=\"width=device-width\">\n<style>\n"
    "body{font:15px/1.5 system-ui,sans-serif;margin:2em auto;max-width:70em;padding:0 1em;color:#1c2228;"
    "background:#fff;display:flex;flex-direction:column}\n"
    "header{order:-1}h1{font-size:1.3em;margin:0}section{border-top:1px solid #d8dde2;padding:1em 0}\n"
    "h2{font-size:1.05em;margin:0 0 .5em;overflow-wrap:anywhere}small,p{color:#5d6873;font-weight:normal}\n"
    "section>img{max-width:100%;border-radius:6px;display:block}\n"
    "figure{display:inline-block;vertical-align:top;width:9em;margin:.8em .7em 0 0}\n"
    "figure img{width:112px;height:112px;object-fit:cover;border-radius:6px;display:block}\n"
    "figcaption{font-size:.85em;overflow-wrap:anywhere}figcaption small{display:block;font-size:inherit}\n"
    ".unknown{color:#5d6873}.error{color:#b3261e}\n"
    "@media(prefers-color-scheme:dark){body{background:#14181c;color:#e4e8ec}section{border-color:#2c343c}"
    "small,p,.unknown{color:#98a4af}.error{color:#ff8a80}}\n</style>\n";

/* Writes text as the page's text: what could be taken for markup is escaped, and what could turn the text around or
 * is not UTF-8 is replaced. */
void cli_html_text(FILE *f, const char *text) {
    fct_buf safe = {0};
    fct_utf8_add_safe(&safe, text, strlen(text));
    for (const char *s = safe.data; s && *s; s++) {
        if (*s == '<') fputs("&lt;", f);
        else if (*s == '>') fputs("&gt;", f);
        else if (*s == '&') fputs("&amp;", f);
        else if (*s == '"') fputs("&quot;", f);
        else if (*s == '\'') fputs("&#39;", f);
        else fputc(*s, f);
    }
    fct_buf_free(&safe);
}

/* Writes an <img> with the picture itself in it. */
fct_status cli_html_picture(FILE *f, fct_view v, const char *alt, fct_error *err) {
    uint8_t *jpeg;
    size_t n;
    fct_status s = fct_image_encode(v, FCT_FILE_JPEG, PICTURE_QUALITY, &jpeg, &n, err);
    if (s) return s;
    size_t length = fct_base64_size(n);
    char *text = cli_alloc(length, 1);
    fct_base64_encode(jpeg, n, text);
    fct_buffer_free(jpeg);
    fprintf(f, "<img width=%d height=%d alt=\"", v.width, v.height);
    cli_html_text(f, alt);
    fputs("\" src=\"data:image/jpeg;base64,", f);
    fwrite(text, 1, length, f);
    fputs("\">\n", f);
    free(text);
    return FCT_OK;
}

/* Shrinks a picture to the size in which the page shows it, unless it is no larger anyway. */
fct_status cli_html_scaled(FILE *f, fct_view v, int side, const char *alt, fct_error *err) {
    int longer = v.width > v.height ? v.width : v.height;
    if (longer <= side) return cli_html_picture(f, v, alt, err);
    fct_image *small;
    int width = (int)((int64_t)v.width * side / longer), height = (int)((int64_t)v.height * side / longer);
    fct_status s = fct_image_resize(v, width ? width : 1, height ? height : 1, &small, err);
    if (s) return s;
    s = cli_html_picture(f, fct_image_view(small), alt, err);
    fct_image_free(small);
    return s;
}

/* Cuts out the face: upright by its landmarks, or its box where it has none. */
fct_status cli_html_cut_face(const cli_photo *p, const fct_face *face, fct_image **out, fct_error *err) {
    fct_view v = fct_image_view(p->image);
    if (face->has_kps) return fct_align(v, face->kps, FACE_SIDE, out, err);
    double side = fmax(fmax(face->box[2] - face->box[0], face->box[3] - face->box[1]), 1), k = FACE_SIDE / side;
    double x = (face->box[0] + face->box[2]) / 2, y = (face->box[1] + face->box[3]) / 2;
    return fct_image_warp(v, (double[6]){k, 0, FACE_SIDE / 2.0 - k * x, 0, k, FACE_SIDE / 2.0 - k * y}, FACE_SIDE,
                          FACE_SIDE, out, err);
}

/* One face as a figure: its picture, cut out of the photo, with name and scores below. */
static fct_status put_face(cli_html *h, const cli_photo *p, int i, const cli_html_face *face, fct_error *err) {
    fct_image *cut;
    char number[24];
    snprintf(number, sizeof number, "face %d", i + 1);
    const char *name = face->name ? face->name : h->names ? "unknown" : number;
    fct_status s = cli_html_cut_face(p, fct_faces_at(p->faces, i), &cut, err);
    if (s) return s;
    fputs("<figure>", h->file);
    s = cli_html_picture(h->file, fct_image_view(cut), name, err);
    fct_image_free(cut);
    fputs(h->names && !face->name ? "<figcaption><span class=unknown>" : "<figcaption><span>", h->file);
    cli_html_text(h->file, name);
    fputs("</span><small>", h->file);
    cli_html_text(h->file, face->detail);
    fputs("</small></figcaption></figure>\n", h->file);
    return s;
}

static const char *title_of(const cli_html *h) { return h->names ? "People in photos" : "Faces in photos"; }

int cli_html_open(const char *path, bool names, cli_html **out) {
    fct_error e;
    fct_draft *draft;
    *out = NULL;
    if (fct_draft_open(path, FCT_DRAFT_PRIVATE, &draft, &e)) return cli_fail(&e);
    cli_html *h = cli_alloc(1, sizeof *h);
    h->draft = draft;
    h->file = fct_draft_file(draft);
    h->names = names;
    fputs(page_head, h->file);
    fputs("<title>", h->file);
    fputs(title_of(h), h->file);
    fputs("</title>\n", h->file);
    *out = h;
    return CLI_DONE;
}

/* Writes a photo's section at once, so that the page never has to be in memory as a whole. */
int cli_html_photo(cli_html *h, const cli_photo *p, fct_view drawn, const cli_html_face *faces) {
    int n = fct_faces_count(p->faces);
    fct_error e;
    h->photos++;
    h->faces += n;
    fputs("<section><h2>", h->file);
    cli_html_text(h->file, p->name);
    fprintf(h->file, " <small>%s</small></h2>\n", n ? cli_count(n, "face", "faces") : "no face");
    fct_status s = cli_html_scaled(h->file, drawn, LONGER_SIDE, p->name, &e);
    for (int i = 0; i < n && !s; i++) {
        if (faces[i].name) {
            h->named++;
            cli_name_set_add(&h->people, faces[i].name);
        }
        s = put_face(h, p, i, &faces[i], &e);
    }
    fputs("</section>\n", h->file);
    return s ? cli_fail(&e) : CLI_DONE;
}

void cli_html_failure(cli_html *h, const char *name, const fct_error *e) {
    h->failed++;
    fputs("<section><h2>", h->file);
    cli_html_text(h->file, name);
    fputs("</h2>\n<p class=error>", h->file);
    cli_html_text(h->file, e->text);
    fputs("</section>\n", h->file);
}

static void put_summary(cli_html *h) {
    fprintf(h->file, "<header><h1>%s</h1>\n<p>%s, ", title_of(h), cli_count((int)h->photos, "photo", "photos"));
    fputs(cli_count((int)h->faces, "face", "faces"), h->file);
    if (h->names)
        fprintf(h->file, ", %ld of them of %s", h->named, cli_count((int)h->people.count, "person", "people"));
    if (h->failed) fprintf(h->file, "; %s could not be read", cli_count((int)h->failed, "file", "files"));
    fputs(".</header>\n", h->file);
}

int cli_html_close(cli_html *h, bool keep) {
    int code = CLI_DONE;
    fct_error e;
    if (!h) return code;
    if (keep) {
        put_summary(h);
        if (fct_draft_commit(h->draft, &e)) code = cli_fail(&e);
    } else fct_draft_discard(h->draft);
    cli_name_set_free(&h->people);
    free(h);
    return code;
}
