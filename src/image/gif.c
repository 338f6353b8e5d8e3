/* GIF with giflib: the first frame, on the canvas that the file asks for. What the
 * frame leaves free, and its transparent color, has alpha 0. */
#include "image/codec_load.h"
#include "base/alloc.h"
#include "base/error.h"

#ifdef FCT_HAVE_GIF
#include <gif_lib.h>
#include <string.h>

/* clang-format off */
#define GIF(X) \
    X(DGifCloseFile) X(DGifGetExtension) X(DGifGetExtensionNext) X(DGifGetImageDesc) X(DGifGetLine) \
    X(DGifGetRecordType) X(DGifOpen) X(DGifExtensionToGCB) X(GifErrorString)
GIF(FCT_CODEC_POINTER)
static const fct_symbol symbols[] = {GIF(FCT_CODEC_SYMBOL)};
/* clang-format on */

static fct_codec_library library = {.files = {"libgif.so.7", "libgif.7.dylib", "libgif-7.dll"},
                                    .package = "libgif7",
                                    .symbols = symbols,
                                    .n = sizeof symbols / sizeof *symbols};

typedef struct gif_file {
    const fct_source_bytes *source;
    size_t at;
    bool past_end;   /* more was asked for than the file has */
    int transparent; /* index of the color without ink, or -1 */
} gif_file;

static int read_bytes(GifFileType *g, GifByteType *out, int n) {
    gif_file *f = g->UserData;
    size_t rest = f->source->len - f->at, take = n < 0 ? 0 : (size_t)n < rest ? (size_t)n : rest;
    f->past_end |= n > 0 && take < (size_t)n;
    if (take) memcpy(out, f->source->data + f->at, take);
    f->at += take;
    return (int)take;
}

/* giflib reports a file that ends early as damaged; past_end tells the two apart. */
static fct_status gif_fail(const gif_file *f, int code, fct_error *err) {
    const char *text = lib_GifErrorString(code), *name = f->source->name;
    if (code == D_GIF_ERR_NOT_ENOUGH_MEM) return fct_fail_nomem(err, name, 0);
    if (f->past_end) return fct_fail(err, FCT_ERR_FORMAT, "%s: GIF is cut off", name);
    return fct_fail(err, FCT_ERR_FORMAT, "%s: damaged GIF: %s", name, text ? text : "no picture");
}

/* Reads an extension; the one before a frame names its transparent color. */
static bool read_extension(GifFileType *g, gif_file *f) {
    int code;
    GifByteType *block;
    GraphicsControlBlock gcb;
    if (lib_DGifGetExtension(g, &code, &block) == GIF_ERROR) return false;
    if (block && code == GRAPHICS_EXT_FUNC_CODE && lib_DGifExtensionToGCB(block[0], block + 1, &gcb) == GIF_OK)
        f->transparent = gcb.TransparentColor;
    while (block)
        if (lib_DGifGetExtensionNext(g, &block) == GIF_ERROR) return false;
    return true;
}

/* Reads everything up to the first frame. */
static bool find_frame(GifFileType *g, gif_file *f) {
    for (GifRecordType kind; lib_DGifGetRecordType(g, &kind) == GIF_OK && kind != TERMINATE_RECORD_TYPE;) {
        if (kind == IMAGE_DESC_RECORD_TYPE) return lib_DGifGetImageDesc(g) == GIF_OK;
        if (kind == EXTENSION_RECORD_TYPE && !read_extension(g, f)) return false;
    }
    return false;
}

/* Puts one row of color numbers into the picture; numbers outside the table leave the pixel free. */
static void put_row(const gif_file *f, const ColorMapObject *colors, const GifByteType *row, const GifImageDesc *d,
                    int y, fct_image *im) {
    for (int x = 0; x < d->Width && y >= 0 && y < im->height; x++) {
        int at = d->Left + x;
        if (at < 0 || at >= im->width || row[x] >= colors->ColorCount || row[x] == f->transparent) continue;
        const GifColorType *c = &colors->Colors[row[x]];
        uint8_t *p = im->pixels + y * im->stride + 4 * (ptrdiff_t)at;
        p[0] = c->Red, p[1] = c->Green, p[2] = c->Blue, p[3] = 255;
    }
}

static fct_status read_rows(GifFileType *g, const gif_file *f, fct_image *im, fct_error *err) {
    static const int start[] = {0, 4, 2, 1}, step[] = {8, 8, 4, 2}; /* of the passes of an interlaced frame */
    const GifImageDesc *d = &g->Image;
    const ColorMapObject *colors = d->ColorMap ? d->ColorMap : g->SColorMap;
    if (!colors) return fct_fail(err, FCT_ERR_FORMAT, "%s: damaged GIF: no table of colors", f->source->name);
    GifByteType *row = fct_alloc((size_t)d->Width);
    if (!row) return fct_fail_nomem(err, f->source->name, (size_t)d->Width);
    bool ok = true;
    for (int pass = 0; pass < (d->Interlace ? 4 : 1) && ok; pass++)
        for (int y = d->Interlace ? start[pass] : 0; y < d->Height && ok; y += d->Interlace ? step[pass] : 1) {
            ok = lib_DGifGetLine(g, row, d->Width) == GIF_OK;
            if (ok) put_row(f, colors, row, d, d->Top + y, im);
        }
    fct_free(row);
    return ok ? FCT_OK : gif_fail(f, g->Error, err);
}

/* Checks the size of the canvas and of the frame before anything is allocated for either. */
static fct_status decode_frame(GifFileType *g, gif_file *f, fct_image **out, fct_error *err) {
    fct_status s = fct_decode_check_size(f->source, g->SWidth, g->SHeight, err);
    if (s) return s;
    if (!find_frame(g, f)) return gif_fail(f, g->Error, err);
    s = fct_decode_check_size(f->source, g->Image.Width, g->Image.Height, err);
    if (!s) s = fct_image_create(g->SWidth, g->SHeight, FCT_PIX_RGBA, out, err);
    return s ? s : read_rows(g, f, *out, err);
}

fct_status fct_gif_decode(const fct_source_bytes *s, fct_image **out, fct_image_facts *facts, fct_error *err) {
    fct_image *im = NULL;
    int code = 0;
    *out = NULL;
    fct_status st = fct_codec_load(&library, s->name, "GIF", err);
    if (st) return st;
    gif_file f = {.source = s, .transparent = -1};
    GifFileType *g = lib_DGifOpen(&f, read_bytes, &code);
    if (!g) return gif_fail(&f, code, err);
    st = decode_frame(g, &f, &im, err);
    lib_DGifCloseFile(g, &code);
    if (!st) st = fct_decode_finish_alpha(&im, s->opts->format, err);
    if (st) fct_image_free(im);
    else *out = im;
    return st;
}

#else

fct_status fct_gif_decode(const fct_source_bytes *s, fct_image **out, fct_image_facts *facts, fct_error *err) {
    *out = NULL;
    return fct_fail(err, FCT_ERR_UNSUPPORTED, "%s: this build has no GIF (Meson feature \"gif\")", s->name);
}

#endif
