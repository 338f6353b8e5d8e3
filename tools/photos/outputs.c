#include "photos/outputs.h"

#include "photos/below.h"

#include "base/alloc.h"
#include "base/file.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { CROP_SIZE = 224 };

static bool can_write_as(const char *path) {
    static const char *const endings[] = {"jpg", "jpeg", "png", "webp", NULL};
    return cli_has_ending(path, endings);
}

static bool ends_as_folder(const char *path) {
    char last = path[strlen(path) - 1];
    return last == '/' || last == '\\';
}

/* Writes what tells a file from all others, whatever it is called: "=DEVICE:INODE", or "" where the system does not
 * say or there is no file. */
static void identity_of(const char *path, char out[64]) {
    fct_file_stat fs;
    fct_file_get_stat(path, &fs);
    out[0] = 0;
    if (fs.exists && fs.inode) snprintf(out, 64, "=%" PRIx64 ":%" PRIx64, fs.device, fs.inode);
}

bool cli_same_file(const char *a, const char *b) {
    char x[64], y[64];
    identity_of(a, x);
    identity_of(b, y);
    return *x && strcmp(x, y) == 0;
}

/* Notes what identifies each photo, so that no result overwrites one under another name. */
static void note_photos(cli_outputs *o) {
    char id[64];
    for (size_t i = 0; i < o->in->n; i++) {
        identity_of(o->in->at[i].path, id);
        if (*id) cli_name_set_add(&o->photos, id);
    }
}

/* --draw means a folder when several photos are drawn, when there is one of that name, or when the name ends like
 * one. */
static int decide_draw_folder(cli_outputs *o) {
    fct_file_stat fs;
    fct_file_get_stat(o->draw, &fs);
    o->draw_folder = o->in->several || fs.is_dir || ends_as_folder(o->draw);
    if (o->draw_folder && !fs.is_dir && can_write_as(o->draw)) {
        cli_error("--draw: several photos are drawn into a folder, and '%s' is named like a file", o->draw);
        return CLI_USE;
    }
    if (!o->draw_folder && !can_write_as(o->draw)) {
        cli_error("--draw: '%s' does not end in .jpg, .png or .webp (for a folder, end it in /)", o->draw);
        return CLI_USE;
    }
    return CLI_DONE;
}

/* Whether the file of --html or --out is one of the photos, which it would replace; prints a line then. */
static bool names_photo(const cli_outputs *o, const char *option, const char *path) {
    char id[64];
    identity_of(path, id);
    if (!*id || !cli_name_set_has(&o->photos, id)) return false;
    cli_error("--%s: '%s' is one of the photos; name another file", option, path);
    return true;
}

int cli_outputs_setup(const cli_settings *s, const cli_inputs *in, cli_outputs *out) {
    *out = (cli_outputs){.draw = s->draw, .crop_dir = s->crop_dir, .in = in};
    int code = s->draw ? decide_draw_folder(out) : CLI_DONE;
    if (code) return code;
    if (out->draw_folder || out->crop_dir) out->names = cli_names_below_root(in);
    if (out->draw || out->crop_dir || s->html || s->out) note_photos(out);
    if (s->html && names_photo(out, "html", s->html)) return CLI_USE;
    if (s->html && s->draw && (strcmp(s->html, s->draw) == 0 || cli_same_file(s->html, s->draw))) {
        cli_error("--draw and --html are both to write '%s'", s->html);
        return CLI_USE;
    }
    return s->out && names_photo(out, "out", s->out) ? CLI_USE : CLI_DONE;
}

void cli_outputs_free(cli_outputs *o) {
    if (o->in) cli_names_free(o->names, o->in->n);
    cli_name_set_free(&o->photos);
    cli_name_set_free(&o->written);
    memset(o, 0, sizeof *o);
}

void cli_written_free(cli_written *w) {
    free(w->drawn);
    cli_names_free(w->crops, (size_t)w->n_crops);
    memset(w, 0, sizeof *w);
}

enum { QUALITY = 92 };

int cli_write_picture(fct_view v, const char *path) {
    fct_error e;
    char *dir = fct_path_dir(path);
    fct_status s = dir ? fct_dir_make(dir, &e) : FCT_OK;
    fct_free(dir);
    if (!s) s = fct_image_write(v, path, FCT_FILE_AUTO, QUALITY, &e);
    if (!s) return CLI_DONE;
    cli_error("%s", e.text);
    return CLI_INPUT;
}

/* A JPEG of a face, which is nobody else's business: file and folders are for this user alone. */
static int write_crop(fct_view v, const char *path) {
    fct_error e;
    uint8_t *data = NULL;
    size_t len = 0;
    char *dir = fct_path_dir(path);
    fct_status s = dir ? fct_dir_make_private(dir, &e) : FCT_OK;
    fct_free(dir);
    if (!s) s = fct_image_encode(v, FCT_FILE_JPEG, QUALITY, &data, &len, &e);
    if (!s) s = fct_file_write_private(path, data, len, &e);
    fct_buffer_free(data);
    if (!s) return CLI_DONE;
    cli_error("%s", e.text);
    return CLI_INPUT;
}

/* ---- Names ------------------------------------------------------------------------- */

static bool is_written(const cli_outputs *o, const char *path) {
    char id[64];
    if (cli_name_set_has(&o->written, path)) return true;
    identity_of(path, id); /* another name of the same file: a link, or capital letters where they do not count */
    return *id && cli_name_set_has(&o->written, id);
}

/* Whether two names may be of one file: they have the same size and time of change, where there is no more to go by. */
static bool looks_the_same(const char *a, const char *b) {
    fct_file_stat x, y;
    fct_file_get_stat(a, &x);
    fct_file_get_stat(b, &y);
    return x.exists && y.exists && !x.inode && x.size == y.size && x.mtime_ns == y.mtime_ns;
}

/* Compares files rather than names, where the system can tell them apart. */
static bool is_photo(const cli_outputs *o, const cli_input *input, const char *path) {
    char id[64];
    identity_of(path, id);
    return *id ? cli_name_set_has(&o->photos, id) : looks_the_same(path, input->path);
}

static void note_written(cli_outputs *o, const char *path) {
    char id[64];
    cli_name_set_add(&o->written, path);
    identity_of(path, id);
    if (*id) cli_name_set_add(&o->written, id);
}

/* Makes the name folder/STEM[-face][-number].ext, the first that is free; owned. A crop's name may not be a photo's
 * either; a drawing over a photo is refused where it is written. */
static char *output_path(const cli_outputs *o, const char *folder, const cli_input *input, int face, const char *ext) {
    const char *name = o->names[input - o->in->at];
    size_t stem = strlen(name), n = strlen(fct_path_ext(name));
    if (n) stem -= n + 1;
    char number[16] = "", copy[24] = "";
    if (face > 0) snprintf(number, sizeof number, "-%d", face);
    for (int i = 2;; i++) {
        char *path = cli_format("%s%s%.*s%s%s.%s", folder, ends_as_folder(folder) ? "" : "/", (int)stem, name, number,
                                copy, ext);
        if (!is_written(o, path) && !(face > 0 && is_photo(o, input, path))) return path;
        free(path);
        snprintf(copy, sizeof copy, "-%d", i);
    }
}

/* ---- Writing ------------------------------------------------------------------------ */

/* Keeps the photo's format where facet can write it, else writes a JPEG. */
int cli_outputs_write_drawn(cli_outputs *o, const cli_input *input, fct_view picture, cli_written *w) {
    const char *ext = can_write_as(input->relative) ? fct_path_ext(input->relative) : "jpg";
    char *path = o->draw_folder ? output_path(o, o->draw, input, 0, ext) : cli_format("%s", o->draw);
    int code;
    if (is_photo(o, input, path)) {
        cli_error("%s: --draw would overwrite %s; name another place", path,
                  o->in->n > 1 ? "one of the photos" : "the photo itself");
        code = CLI_INPUT;
    } else code = cli_write_picture(picture, path);
    if (!code) {
        note_written(o, path);
        w->drawn = path;
    } else free(path);
    return code;
}

int cli_outputs_write_crops(cli_outputs *o, const cli_photo *p, cli_written *w) {
    int code = CLI_DONE;
    w->n_crops = fct_faces_count(p->faces);
    w->crops = cli_alloc((size_t)w->n_crops, sizeof *w->crops);
    for (int i = 0; i < w->n_crops && !code; i++) {
        const fct_face *f = fct_faces_at(p->faces, i);
        fct_image *crop;
        fct_error e;
        if (!f->has_kps) continue;
        if (fct_align(fct_image_view(p->image), f->kps, CROP_SIZE, &crop, &e)) return cli_fail(&e);
        char *path = output_path(o, o->crop_dir, p->input, i + 1, "jpg");
        code = write_crop(fct_image_view(crop), path);
        fct_image_free(crop);
        if (!code) {
            note_written(o, path);
            w->crops[i] = path;
        } else free(path);
    }
    return code;
}

void cli_json_drawn(fct_json_writer *j, const cli_outputs *o, const cli_written *w) {
    if (o->draw) fct_json_text(j, "drawn", w->drawn);
}

void cli_json_crop(fct_json_writer *j, const cli_outputs *o, const cli_written *w, int face) {
    if (o->crop_dir) fct_json_text(j, "crop", face < w->n_crops ? w->crops[face] : NULL);
}
