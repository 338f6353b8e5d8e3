/* The report's files: index.html, people/N.html, pictures/ and faces/. */
#include "commands/album_dates.h"
#include "commands/album_report.h"
#include "photos/album_page.h"
#include "photos/html_report.h"
#include "shell/progress.h"

#include "base/alloc.h"
#include "base/draft.h"
#include "base/file.h"

#include <stdlib.h>
#include <string.h>

enum { PICTURE_SIDE = 560, BEST_FACES = 12, COMPANIONS = 8, FEW_PHOTOS = 30 };

typedef struct report_pages {
    fct_album *album;
    const report_book *book;
    const char *folder;
    FILE *f;                  /* the page at hand */
    const char *up;           /* from the page to the folder: "" or "../" */
    size_t *best;             /* of each person: the face that stands for it */
    size_t *count;            /* scratch, by person: photos together */
    const report_face **mine; /* scratch: the faces of the person at hand, best first */
    size_t n_mine;
} report_pages;

static const char *name_of(const report_person *p, char room[40]) {
    if (p->name) return p->name;
    snprintf(room, 40, "Somebody (#%lld)", (long long)p->id);
    return room;
}

/* "2019" or "2019 to 2024". */
static void years_text(const report_person *p, char out[40]) {
    char first[16], last[16];
    cli_album_date_text(p->first, first);
    cli_album_date_text(p->last, last);
    if (!strncmp(first, last, 4)) snprintf(out, 40, "%.4s", first);
    else snprintf(out, 40, "%.4s \xE2\x80\x93 %.4s", first, last);
}

static const char *count_text(int64_t n, const char *one, const char *more, char out[40]) {
    snprintf(out, 40, "%lld %s", (long long)n, n == 1 ? one : more);
    return out;
}

/* ---- Pictures --------------------------------------------------------------------------- */

static int put_file(const report_pages *r, const char *name, const void *data, size_t n) {
    char *path = fct_path_join(r->folder, name);
    fct_error e;
    int code = !path                                                          ? CLI_INPUT
               : fct_file_write_cache(path, &(fct_file_part){data, n}, 1, &e) ? cli_fail(&e)
                                                                              : CLI_DONE;
    fct_free(path);
    return code;
}

static bool have_file(const report_pages *r, const char *name) {
    char *path = fct_path_join(r->folder, name);
    fct_file_stat st = {.exists = false};
    if (path) fct_file_get_stat(path, &st);
    fct_free(path);
    return st.exists;
}

/* Writes a photo small. It is called by its content, so that one from an earlier report need not be made again. A
 * photo that cannot be read is told of; its tile shows the face then. */
static int put_picture(const report_pages *r, const report_photo *p) {
    char name[64];
    fct_decode_opts o;
    fct_image *im = NULL, *small = NULL;
    fct_error e;
    uint8_t *jpeg = NULL;
    size_t n;
    snprintf(name, sizeof name, "pictures/%s.jpg", p->mark);
    if (have_file(r, name)) return CLI_DONE;
    fct_decode_opts_init(&o);
    o.min_side_hint = PICTURE_SIDE;
    if (fct_image_read(p->path, &o, &im, &e)) {
        cli_warn("%s", e.text);
        return CLI_DONE;
    }
    fct_view v = fct_image_view(im);
    double k = (double)PICTURE_SIDE / (v.width > v.height ? v.width : v.height);
    int w = (int)(v.width * k + 0.5), h = (int)(v.height * k + 0.5), code = CLI_DONE;
    if (k < 1 && fct_image_resize(v, w > 0 ? w : 1, h > 0 ? h : 1, &small, &e)) code = cli_fail(&e);
    if (!code && fct_image_encode(small ? fct_image_view(small) : v, FCT_FILE_JPEG, 80, &jpeg, &n, &e))
        code = cli_fail(&e);
    if (!code) code = put_file(r, name, jpeg, n);
    fct_buffer_free(jpeg);
    fct_image_free(small);
    fct_image_free(im);
    return code;
}

static int put_crop(const report_pages *r, int64_t face_id) {
    char name[64];
    void *jpeg;
    size_t n;
    fct_error e;
    snprintf(name, sizeof name, "faces/%lld.jpg", (long long)face_id);
    if (fct_album_crop(r->album, face_id, &jpeg, &n, &e)) return cli_fail(&e);
    int code = put_file(r, name, jpeg, n);
    fct_buffer_free(jpeg);
    return code;
}

/* ---- One page ------------------------------------------------------------------------------ */

/* Opens a page; its folder is `up` away from the report's. */
static int begin_page(report_pages *r, const char *name, const char *up, const char *title, fct_draft **out) {
    char *path = fct_path_join(r->folder, name);
    fct_error e;
    *out = NULL;
    if (!path || fct_draft_open(path, FCT_DRAFT_PRIVATE, out, &e)) {
        fct_free(path);
        return path ? cli_fail(&e) : CLI_INPUT;
    }
    fct_free(path);
    r->f = fct_draft_file(*out);
    r->up = up;
    cli_page_begin(r->f, title);
    return CLI_DONE;
}

static int end_page(report_pages *r, fct_draft *d) {
    fct_error e;
    cli_page_end(r->f);
    r->f = NULL;
    return fct_draft_commit(d, &e) ? cli_fail(&e) : CLI_DONE;
}

static void put_face_image(const report_pages *r, int64_t face_id, const char *alt) {
    fprintf(r->f, "<img width=112 height=112 loading=lazy src=\"%sfaces/%lld.jpg\" alt=\"", r->up, (long long)face_id);
    cli_html_text(r->f, alt);
    fputs("\">", r->f);
}

static void put_card(const report_pages *r, size_t i) {
    const report_person *p = &r->book->people[i];
    char years[40], count[40], room[40];
    years_text(p, years);
    fprintf(r->f, "<li%s><a href=\"people/%lld.html\">", p->name ? "" : " class=nobody", (long long)p->id);
    put_face_image(r, r->book->faces[r->best[i]].id, "");
    fputs("<b>", r->f);
    cli_html_text(r->f, name_of(p, room));
    fprintf(r->f, "</b><small>%s<br>%s</small></a>\n", count_text(p->photos, "photo", "photos", count), years);
}

static int put_index(report_pages *r) {
    const report_book *b = r->book;
    char people[40], photos[40];
    size_t named = 0;
    fct_draft *d;
    int code = begin_page(r, "index.html", "", "People in photos", &d);
    if (code) return code;
    while (named < b->n_people && b->people[named].name) named++;
    fprintf(r->f, "<header><h1>People</h1>\n<p>%s with a name, %zu without; %s.</p>\n",
            count_text((int64_t)named, "person", "people", people), b->n_people - named,
            count_text((int64_t)b->n_photos, "photo", "photos", photos));
    fputs("<input type=search hidden placeholder=\"Find a name\" aria-label=\"Find a name\"></header>\n", r->f);
    fputs("<ul class=people>\n", r->f);
    for (size_t i = 0; i < named; i++) put_card(r, i);
    fputs("</ul>\n", r->f);
    if (named < b->n_people) {
        fputs("<h2>Not named yet</h2>\n<ul class=people>\n", r->f);
        for (size_t i = named; i < b->n_people; i++) put_card(r, i);
        fputs("</ul>\n", r->f);
    }
    if (!b->n_people) fputs("<p>Nobody yet.</p>\n", r->f);
    fputs("<footer><kbd>/</kbd> finds a name. Made by facet; this folder holds small copies of photos, and needs no "
          "network.</footer>\n",
          r->f);
    return end_page(r, d);
}

/* ---- A person's page ------------------------------------------------------------------------ */

static int by_quality(const void *a, const void *b) {
    const report_face *x = *(const report_face *const *)a, *y = *(const report_face *const *)b;
    if (x->quality != y->quality) return x->quality > y->quality ? -1 : 1;
    return (x->id > y->id) - (x->id < y->id);
}

static void collect_faces(report_pages *r, size_t person) {
    r->n_mine = 0;
    for (size_t i = 0; i < r->book->n_faces; i++)
        if (r->book->faces[i].person == person) r->mine[r->n_mine++] = &r->book->faces[i];
    if (r->n_mine) qsort(r->mine, r->n_mine, sizeof *r->mine, by_quality);
}

/* The best faces, one of each photo. */
static int put_best(const report_pages *r, const char *name) {
    int64_t seen[BEST_FACES];
    int n = 0, code = CLI_DONE;
    fputs("<div class=faces tabindex=0 role=group aria-label=\"Best faces\">\n", r->f);
    for (size_t i = 0; i < r->n_mine && n < BEST_FACES && !code; i++) {
        bool known = false;
        for (int k = 0; k < n; k++) known |= seen[k] == r->mine[i]->photo_id;
        if (known) continue;
        seen[n++] = r->mine[i]->photo_id;
        code = put_crop(r, r->mine[i]->id);
        put_face_image(r, r->mine[i]->id, name);
        fputc('\n', r->f);
    }
    fputs("</div>\n", r->f);
    return code;
}

/* First face of a photo in the list of all. */
static size_t faces_of(const report_book *b, int64_t photo) {
    size_t low = 0, high = b->n_faces;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (b->faces[middle].photo_id < photo) low = middle + 1;
        else high = middle;
    }
    return low;
}

/* Who is on the same photos, most often first. */
static void put_companions(report_pages *r, size_t person, const report_photo *const *photos, size_t n) {
    const report_book *b = r->book;
    char room[40];
    memset(r->count, 0, b->n_people * sizeof *r->count);
    for (size_t i = 0; i < n; i++)
        for (size_t k = faces_of(b, photos[i]->id); k < b->n_faces && b->faces[k].photo_id == photos[i]->id; k++)
            if (b->faces[k].person != person) r->count[b->faces[k].person]++;
    bool any = false;
    for (int shown = 0; shown < COMPANIONS; shown++) {
        size_t best = person;
        for (size_t i = 0; i < b->n_people; i++)
            if (b->people[i].name && r->count[i] > (best == person ? 0 : r->count[best])) best = i;
        if (best == person) break;
        if (!any) fputs("<ul class=with><li><small>Together with</small>\n", r->f);
        any = true;
        fprintf(r->f, "<li><a href=\"%lld.html\">", (long long)b->people[best].id);
        cli_html_text(r->f, name_of(&b->people[best], room));
        fprintf(r->f, " <small>%zu</small></a>\n", r->count[best]);
        r->count[best] = 0;
    }
    if (any) fputs("</ul>\n", r->f);
}

/* What stands below a photo: date, file, and who else is on it. */
static void put_caption(const report_pages *r, const report_photo *p, size_t person) {
    const report_book *b = r->book;
    char date[16];
    cli_album_date_text(p->taken, date);
    fprintf(r->f, "%s%s \xC2\xB7 ", p->is_video ? "Video \xC2\xB7 " : "", date);
    cli_html_text(r->f, fct_path_base(p->path));
    bool first = true;
    for (size_t k = faces_of(b, p->id); k < b->n_faces && b->faces[k].photo_id == p->id; k++) {
        const report_person *other = &b->people[b->faces[k].person];
        if (b->faces[k].person == person || !other->name) continue;
        fputs(first ? " \xC2\xB7 with " : ", ", r->f);
        cli_html_text(r->f, other->name);
        first = false;
    }
}

/* A photo on a person's page: a small copy of it, or for videos, and photos that are gone, the person's face. */
static int put_tile(report_pages *r, const report_photo *p, size_t person, int64_t face_id) {
    char name[64];
    double ratio = p->width > 0 && p->height > 0 ? (double)p->width / p->height : 1;
    int code = p->is_video ? CLI_DONE : put_picture(r, p);
    snprintf(name, sizeof name, "pictures/%s.jpg", p->mark);
    bool picture = !p->is_video && have_file(r, name);
    if (!picture) {
        snprintf(name, sizeof name, "faces/%lld.jpg", (long long)face_id);
        ratio = 1;
        if (!code) code = put_crop(r, face_id);
    }
    ratio = ratio < 0.4 ? 0.4 : ratio > 3 ? 3 : ratio;
    fprintf(r->f, "<a%s style=--r:%d.%03d href=\"file://", p->is_video ? " class=video" : "", (int)ratio,
            (int)(ratio * 1000) % 1000);
    if (!fct_path_is_sep(p->path[0])) fputc('/', r->f); /* C:/... */
    cli_page_address(r->f, p->path);
    fprintf(r->f, "\"><img loading=lazy src=\"../%s\" alt=\"", name);
    put_caption(r, p, person);
    fputs("\"><span>", r->f);
    put_caption(r, p, person);
    fputs("</span></a>\n", r->f);
    return code;
}

static int by_order(const void *a, const void *b) {
    const report_photo *x = *(const report_photo *const *)a, *y = *(const report_photo *const *)b;
    return (x->order > y->order) - (x->order < y->order);
}

/* The person's photos by date, each once; owned. */
static const report_photo **photos_of(const report_pages *r, size_t *n) {
    const report_photo **list = cli_alloc(r->n_mine + 1, sizeof *list);
    size_t kept = 0;
    *n = 0;
    for (size_t i = 0; i < r->n_mine; i++)
        if ((list[*n] = cli_report_photo(r->book, r->mine[i]->photo_id))) ++*n;
    if (*n) qsort(list, *n, sizeof *list, by_order);
    for (size_t i = 0; i < *n; i++)
        if (!kept || list[kept - 1] != list[i]) list[kept++] = list[i];
    *n = kept;
    return list;
}

static int64_t face_on(const report_pages *r, int64_t photo) {
    for (size_t i = 0; i < r->n_mine; i++)
        if (r->mine[i]->photo_id == photo) return r->mine[i]->id;
    return 0;
}

/* All photos; where they are many, under a heading for each year. */
static int put_photos(report_pages *r, size_t person, const report_photo *const *photos, size_t n) {
    char year[16] = "";
    int code = CLI_DONE;
    for (size_t i = 0; i < n && !code; i++) {
        const report_photo *p = photos[i];
        char date[16];
        cli_album_date_text(p->taken, date);
        if (i == 0 || (n > FEW_PHOTOS && strncmp(date, year, 4))) {
            fputs(i ? "</div>\n" : "", r->f);
            if (n > FEW_PHOTOS) fprintf(r->f, "<h2>%.4s</h2>\n", date);
            fputs("<div class=photos>\n", r->f);
            memcpy(year, date, sizeof year);
        }
        code = put_tile(r, p, person, face_on(r, p->id));
    }
    if (n) fputs("</div>\n", r->f);
    return code;
}

/* A person's page: the best faces, whom the photos are shared with, every photo, and the dialog that shows one
 * of them. */
static int put_person(report_pages *r, size_t person) {
    const report_person *p = &r->book->people[person];
    char file[64], room[40], count[40], first[16], last[16];
    const char *name = name_of(p, room);
    size_t n;
    fct_draft *d;
    snprintf(file, sizeof file, "people/%lld.html", (long long)p->id);
    int code = begin_page(r, file, "../", name, &d);
    if (code) return code;
    collect_faces(r, person);
    const report_photo **photos = photos_of(r, &n);
    cli_album_date_text(p->first, first);
    cli_album_date_text(p->last, last);
    fputs("<nav><a href=\"../index.html\">\xE2\x86\x90 All people</a></nav>\n<header><h1>", r->f);
    cli_html_text(r->f, name);
    bool one_day = !strcmp(first, last);
    fprintf(r->f, "</h1>\n<p>%s, %s %s%s%s</p>\n", count_text((int64_t)n, "photo", "photos", count),
            one_day ? "of" : "from", first, one_day ? "" : " to ", one_day ? "" : last);
    code = put_best(r, name);
    put_companions(r, person, photos, n);
    fputs("</header>\n", r->f);
    if (!code) code = put_photos(r, person, photos, n);
    fputs("<dialog aria-label=\"One photo\"><figure><img alt=\"\"><figcaption><button data-go=-1>\xE2\x86\x90</button>"
          "<button data-go=1>\xE2\x86\x92</button><span></span><a href=\"\">Open the photo</a>"
          "<button data-go=0>Close</button></figcaption></figure></dialog>\n"
          "<footer>A photo is opened with <kbd>Enter</kbd>; then <kbd>\xE2\x86\x90</kbd> <kbd>\xE2\x86\x92</kbd> "
          "and <kbd>Esc</kbd>.</footer>\n",
          r->f);
    free(photos);
    if (code) fct_draft_discard(d);
    return code ? code : end_page(r, d);
}

/* ---- All -------------------------------------------------------------------------------------- */

/* The face that stands for each person, with its picture. */
static int choose_best(report_pages *r) {
    const report_book *b = r->book;
    int code = CLI_DONE;
    for (size_t i = 0; i < b->n_people; i++) r->best[i] = SIZE_MAX;
    for (size_t i = 0; i < b->n_faces; i++) {
        size_t *best = &r->best[b->faces[i].person];
        if (*best == SIZE_MAX || b->faces[i].quality > b->faces[*best].quality) *best = i;
    }
    for (size_t i = 0; i < b->n_people && !code; i++) code = put_crop(r, b->faces[r->best[i]].id);
    return code;
}

static int make_folders(const char *folder) {
    static const char *const names[] = {"", "people", "pictures", "faces"};
    int code = CLI_DONE;
    for (int i = 0; i < 4 && !code; i++) {
        char *path = fct_path_join(folder, names[i]);
        fct_error e;
        if (!path) return CLI_INPUT;
        if (fct_dir_make_private(path, &e)) code = cli_fail(&e);
        fct_free(path);
    }
    return code;
}

int cli_report_write(fct_album *album, const report_book *b, const char *folder, bool quiet) {
    report_pages r = {.album = album, .book = b, .folder = folder, .up = ""};
    r.best = cli_alloc(b->n_people + 1, sizeof *r.best);
    r.count = cli_alloc(b->n_people + 1, sizeof *r.count);
    r.mine = cli_alloc(b->n_faces + 1, sizeof *r.mine);
    int code = make_folders(folder);
    if (!code) code = choose_best(&r);
    if (!code && b->n_people) cli_progress_start((int)b->n_people, "people", quiet);
    for (size_t i = 0; i < b->n_people && !code; i++) {
        code = put_person(&r, i);
        cli_progress_step((int)i + 1);
    }
    cli_progress_end();
    if (!code) code = put_index(&r);
    free(r.best);
    free(r.count);
    free(r.mine);
    return code;
}
