/* Pictures as frames: those of a folder in order of names, or numbered files. */
#include "video/source_internal.h"
#include "base/alloc.h"
#include "base/error.h"
#include "base/file.h"
#include <stdio.h>
#include <string.h>

typedef struct folder_input {
    fct_input_env *env;
    char **names; /* of a folder; NULL = a pattern */
    size_t n, at;
    int number;
    int64_t frames;
} folder_input;

/* Path of the next picture, owned; NULL with FCT_OK at the end. */
static fct_status next_path(folder_input *in, char **path, fct_error *err) {
    char numbered[4096];
    fct_file_stat st;
    *path = NULL;
    if (in->names) {
        if (in->at >= in->n) return FCT_OK;
        *path = fct_path_join(in->env->address, in->names[in->at++]);
        return *path ? FCT_OK : fct_fail_nomem(err, "path", 0);
    }
    if (!fct_address_numbered(in->env->address, in->number, numbered, sizeof numbered)) return FCT_OK;
    fct_file_get_stat(numbered, &st);
    if (!st.is_file) return FCT_OK;
    in->number++;
    *path = fct_strdup(numbered);
    return *path ? FCT_OK : fct_fail_nomem(err, "path", 0);
}

/* A picture of another size is fitted to the first one's. */
static fct_status fit(folder_input *in, fct_image **image, fct_error *err) {
    fct_view v = fct_image_view(*image);
    fct_source_info *info = &in->env->info;
    if (!info->width) info->width = v.width, info->height = v.height;
    if (v.width == info->width && v.height == info->height) return FCT_OK;
    fct_image *resized;
    fct_status s = fct_image_resize(v, info->width, info->height, &resized, err);
    fct_image_free(*image);
    *image = s ? NULL : resized;
    return s;
}

static bool is_picture(const char *name) {
    static const char *const endings[] = {"jpg", "jpeg", "png", "webp", "heic", "avif", "tif", "tiff", "bmp", "jxl",
                                          "JPG", "JPEG", "PNG", "WEBP", "HEIC", "AVIF", "TIF", "TIFF", "BMP", "JXL"};
    const char *ext = fct_path_ext(name);
    for (size_t i = 0; i < sizeof endings / sizeof *endings; i++)
        if (!strcmp(ext, endings[i])) return true;
    return false;
}

static void input_close(void *state) {
    folder_input *in = state;
    if (!in) return;
    if (in->names) fct_dir_list_free(in->names, in->n);
    fct_free(in);
}

static fct_status list_folder(folder_input *in, fct_error *err) {
    size_t all, kept = 0;
    fct_status s = fct_dir_list(in->env->address, &in->names, &all, err);
    if (s) return s;
    for (size_t i = 0; i < all; i++) { /* the others go to the end, where freeing finds them */
        if (!is_picture(in->names[i])) continue;
        char *swap = in->names[kept];
        in->names[kept++] = in->names[i];
        in->names[i] = swap;
    }
    in->n = all;
    in->env->info.frames = (int64_t)kept;
    if (!kept) return fct_fail(err, FCT_ERR_NOT_FOUND, "%s: no pictures in this folder", in->env->name);
    return FCT_OK;
}

/* Pictures of a folder, by name, or a row of numbered ones that begins with 0 or 1. */
static fct_status input_open(fct_input_env *env, void **out, fct_error *err) {
    folder_input *in = fct_calloc(1, sizeof *in);
    *out = NULL;
    if (!in) return fct_fail_nomem(err, "source", sizeof *in);
    in->env = env;
    fct_status s = FCT_OK;
    if (fct_address_kind_of(env->address) == FCT_ADDRESS_FOLDER) s = list_folder(in, err);
    else {
        char probe[4096];
        fct_file_stat st;
        if (fct_address_numbered(env->address, 0, probe, sizeof probe))
            fct_file_get_stat(probe, &st), in->number = !st.is_file;
    }
    snprintf(env->info.codec, sizeof env->info.codec, "pictures");
    env->info.fps = env->opts.fps > 0 ? env->opts.fps : 25;
    if (env->info.frames) env->info.duration = (double)env->info.frames / env->info.fps;
    if (s) {
        input_close(in);
        return s;
    }
    *out = in;
    return FCT_OK;
}

static fct_status input_read(void *state, fct_image **image, double *time, fct_error *err) {
    folder_input *in = state;
    char *path;
    fct_decode_opts o;
    *image = NULL;
    if (in->names && in->frames >= in->env->info.frames) return FCT_OK;
    fct_status s = next_path(in, &path, err);
    if (s) return s;
    if (!path && !in->frames) return fct_fail(err, FCT_ERR_NOT_FOUND, "%s: no picture numbered 0 or 1", in->env->name);
    if (!path) return FCT_OK;
    fct_decode_opts_init(&o);
    o.max_pixels = in->env->opts.max_pixels;
    s = fct_image_read(path, &o, image, err);
    fct_free(path);
    if (!s) s = fit(in, image, err);
    *time = (double)in->frames++ / in->env->info.fps;
    return s;
}

const fct_input_class fct_folder_input = {input_open, input_read, input_close};
