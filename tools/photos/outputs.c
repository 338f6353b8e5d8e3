#include "photos/outputs.h"

#include "base/alloc.h"
#include "base/file.h"

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

int cli_outputs_setup(const cli_settings *s, const cli_inputs *in, cli_outputs *out) {
    *out = (cli_outputs){.draw = s->draw, .crop_dir = s->crop_dir};
    if (!s->draw) return CLI_DONE;
    fct_file_stat fs;
    fct_file_get_stat(s->draw, &fs);
    out->draw_folder = in->several || fs.is_dir || ends_as_folder(s->draw);
    if (out->draw_folder && !fs.is_dir && can_write_as(s->draw)) {
        cli_error("--draw: several photos are drawn into a folder, and '%s' is named like a file", s->draw);
        return CLI_USE;
    }
    if (!out->draw_folder && !can_write_as(s->draw)) {
        cli_error("--draw: '%s' does not end in .jpg, .png or .webp (for a folder, end it in /)", s->draw);
        return CLI_USE;
    }
    return CLI_DONE;
}

int cli_write_picture(fct_view v, const char *path) {
    fct_error e;
    char *dir = fct_path_dir(path);
    fct_status st = dir ? fct_dir_make(dir, &e) : FCT_OK;
    fct_free(dir);
    if (!st) st = fct_image_write(v, path, FCT_FILE_AUTO, 92, &e);
    if (!st) return CLI_DONE;
    cli_error("%s", e.text);
    return CLI_INPUT;
}

/* folder/stem[-copy][-face].ext of an input's relative name; owned. */
static char *output_path(const char *folder, const cli_input *input, int face, const char *ext) {
    const char *name = strcmp(input->path, "-") ? input->relative : "stdin";
    size_t stem = strlen(name), n = strlen(fct_path_ext(name));
    if (n) stem -= n + 1;
    char copy[16] = "", number[16] = "";
    if (input->copy > 1) snprintf(copy, sizeof copy, "-%d", input->copy);
    if (face > 0) snprintf(number, sizeof number, "-%d", face);
    return cli_format("%s%s%.*s%s%s.%s", folder, ends_as_folder(folder) ? "" : "/", (int)stem, name, copy, number, ext);
}

/* Two names of one file have the same size and time of change. */
static bool is_same_file(const char *a, const char *b) {
    fct_file_stat x, y;
    fct_file_get_stat(a, &x);
    fct_file_get_stat(b, &y);
    return x.exists && y.exists && x.size == y.size && x.mtime_ns == y.mtime_ns;
}

int cli_outputs_write_drawn(const cli_outputs *o, const cli_input *input, fct_view picture) {
    const char *ext = can_write_as(input->relative) ? fct_path_ext(input->relative) : "jpg";
    char *path = o->draw_folder ? output_path(o->draw, input, 0, ext) : cli_format("%s", o->draw);
    int code;
    if (strcmp(input->path, "-") && is_same_file(path, input->path)) {
        cli_error("%s: --draw would overwrite the photo itself; name another place", path);
        code = CLI_INPUT;
    } else code = cli_write_picture(picture, path);
    free(path);
    return code;
}

int cli_outputs_write_crops(const cli_outputs *o, const cli_photo *p) {
    int code = CLI_DONE;
    for (int i = 0; i < fct_faces_count(p->faces) && !code; i++) {
        const fct_face *f = fct_faces_at(p->faces, i);
        fct_image *crop;
        fct_error e;
        if (!f->has_kps) continue;
        if (fct_align(fct_image_view(p->image), f->kps, CROP_SIZE, &crop, &e)) return cli_fail(&e);
        char *path = output_path(o->crop_dir, p->input, i + 1, "jpg");
        code = cli_write_picture(fct_image_view(crop), path);
        free(path);
        fct_image_free(crop);
    }
    return code;
}
