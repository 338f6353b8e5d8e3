/* Shaped text. FriBidi says in which direction each part of the text runs, fontconfig
 * which font has each character, HarfBuzz turns a part in one font, direction and
 * script into glyphs with places, FreeType draws them. All four are loaded when the
 * first such text is drawn. */
#include "image/shape.h"
#include "image/codec_load.h"
#include "base/file.h"
#include "base/thread.h"

#ifdef FCT_HAVE_SHAPING
#include <fontconfig/fontconfig.h>
#include <fribidi.h>
#include <ft2build.h>
#include FT_FREETYPE_H
#include <hb-ft.h>
#include <hb.h>
#include <math.h>
#include <string.h>

/* clang-format off */
#define FONTCONFIG(X) \
    X(FcCharSetHasChar) X(FcConfigBuildFonts) X(FcConfigCreate) X(FcConfigDestroy) \
    X(FcConfigParseAndLoadFromMemory) X(FcConfigSubstitute) X(FcDefaultSubstitute) X(FcFontSort) \
    X(FcInitLoadConfigAndFonts) X(FcNameParse) X(FcPatternDestroy) X(FcPatternGetBool) X(FcPatternGetCharSet) \
    X(FcPatternGetInteger) X(FcPatternGetString)
#define FREETYPE(X) X(FT_Init_FreeType) X(FT_Load_Glyph) X(FT_New_Face) X(FT_Select_Size) X(FT_Set_Pixel_Sizes)
#define HARFBUZZ(X) \
    X(hb_buffer_add_utf32) X(hb_buffer_create) X(hb_buffer_destroy) X(hb_buffer_get_glyph_infos) \
    X(hb_buffer_get_glyph_positions) X(hb_buffer_guess_segment_properties) X(hb_buffer_set_direction) \
    X(hb_buffer_set_script) X(hb_font_destroy) X(hb_ft_font_create_referenced) X(hb_shape) \
    X(hb_unicode_funcs_get_default) X(hb_unicode_script)
#define FRIBIDI_FUNCTIONS(X) \
    X(fribidi_get_bidi_types) X(fribidi_get_bracket_types) X(fribidi_get_par_embedding_levels_ex)
FONTCONFIG(FCT_CODEC_POINTER)
FREETYPE(FCT_CODEC_POINTER)
HARFBUZZ(FCT_CODEC_POINTER)
FRIBIDI_FUNCTIONS(FCT_CODEC_POINTER)
static const fct_symbol fontconfig[] = {FONTCONFIG(FCT_CODEC_SYMBOL)}, freetype[] = {FREETYPE(FCT_CODEC_SYMBOL)},
                        harfbuzz[] = {HARFBUZZ(FCT_CODEC_SYMBOL)}, bidi[] = {FRIBIDI_FUNCTIONS(FCT_CODEC_SYMBOL)};
/* clang-format on */

#define LIBRARY(name, version, table)                                                                                  \
    {                                                                                                                  \
        {"lib" name ".so." #version, "lib" name "." #version ".dylib", "lib" name "-" #version ".dll", NULL},          \
            "lib" name #version, table, sizeof table / sizeof *table, 0                                                \
    }
static fct_codec_library libraries[] = {LIBRARY("fontconfig", 1, fontconfig), LIBRARY("freetype", 6, freetype),
                                        LIBRARY("harfbuzz", 0, harfbuzz), LIBRARY("fribidi", 0, bidi)};

enum { MAX_FACES = 24 };

/* The system's fonts in the order in which fontconfig prefers them, and those of them
 * that have been opened. Guarded by the lock; lives as long as the process. */
static struct {
    fct_mutex lock;
    bool tried;
    FcFontSet *fonts;
    FT_Library freetype;
    struct {
        int font;
        FT_Face face;
    } faces[MAX_FACES];
    int n_faces;
} fonts = {.lock = FCT_MUTEX_INIT};

#ifdef FCT_FONTS /* a system that has no file of fontconfig's: here is where its fonts are */
static FcConfig *find_given_fonts(void) {
    FcConfig *c = lib_FcConfigCreate();
    if (c && lib_FcConfigParseAndLoadFromMemory(c, (const FcChar8 *)FCT_FONTS, FcFalse) && lib_FcConfigBuildFonts(c))
        return c;
    if (c) lib_FcConfigDestroy(c);
    return NULL;
}
#endif

/* What fontconfig knows of the system's fonts, to be destroyed; NULL = nothing. */
static FcConfig *find_fonts(void) {
#ifdef FCT_FONTS
    if (!fct_env("FONTCONFIG_FILE")) return find_given_fonts();
#endif
    return lib_FcInitLoadConfigAndFonts();
}

/* Opens the libraries and lists the system's fonts at the first call; without them text falls back on the built-in
 * font. */
static bool open_fonts(void) {
    if (fonts.tried) return fonts.fonts && fonts.fonts->nfont > 0;
    fonts.tried = true;
    for (size_t i = 0; i < sizeof libraries / sizeof *libraries; i++)
        if (fct_codec_load(&libraries[i], "text", "text", NULL)) return false;
    FcConfig *config = find_fonts();
    FcPattern *wanted = lib_FcNameParse((const FcChar8 *)"sans-serif");
    FcResult result;
    if (config && wanted && !lib_FT_Init_FreeType(&fonts.freetype)) {
        lib_FcConfigSubstitute(config, wanted, FcMatchPattern);
        lib_FcDefaultSubstitute(wanted);
        fonts.fonts = lib_FcFontSort(config, wanted, FcTrue, NULL, &result);
    }
    if (wanted) lib_FcPatternDestroy(wanted);
    if (config) lib_FcConfigDestroy(config); /* the fonts found hold what they need of it */
    return fonts.fonts && fonts.fonts->nfont > 0;
}

/* Opens font number i once; NULL where it cannot be opened or too many are. */
static FT_Face face_of(int i) {
    for (int k = 0; k < fonts.n_faces; k++)
        if (fonts.faces[k].font == i) return fonts.faces[k].face;
    FcChar8 *file;
    int index = 0;
    FT_Face face;
    if (fonts.n_faces == MAX_FACES || lib_FcPatternGetString(fonts.fonts->fonts[i], FC_FILE, 0, &file) != FcResultMatch)
        return NULL;
    lib_FcPatternGetInteger(fonts.fonts->fonts[i], FC_INDEX, 0, &index);
    if (lib_FT_New_Face(fonts.freetype, (const char *)file, index, &face)) return NULL;
    fonts.faces[fonts.n_faces].font = i;
    fonts.faces[fonts.n_faces++].face = face;
    return face;
}

static bool font_has(int i, uint32_t c) {
    FcCharSet *set;
    return lib_FcPatternGetCharSet(fonts.fonts->fonts[i], FC_CHARSET, 0, &set) == FcResultMatch &&
           lib_FcCharSetHasChar(set, c);
}

/* A font of pictures in colors, emoji. */
static bool is_colored(int i) {
    FcBool colored = FcFalse;
    return lib_FcPatternGetBool(fonts.fonts->fonts[i], FC_COLOR, 0, &colored) == FcResultMatch && colored;
}

/* The first font that has the character, among those in colors or all; -1 = none. */
static int font_for(uint32_t c, bool colored) {
    for (int i = 0; i < fonts.fonts->nfont; i++)
        if (font_has(i, c) && (!colored || is_colored(i)) && face_of(i)) return i;
    return colored ? font_for(c, false) : -1;
}

/* ---- What each character needs ------------------------------------------------------ */

typedef struct shape_text {
    const uint32_t *text;
    int n;
    int font[FCT_SHAPE_MAX];
    hb_script_t script[FCT_SHAPE_MAX];
    FriBidiLevel level[FCT_SHAPE_MAX];
} shape_text;

/* Marks and joiners belong to the character before them. */
static bool follows(uint32_t c, hb_script_t script) {
    return script == HB_SCRIPT_INHERITED || c == 0x200D || (c >= 0xFE00 && c <= 0xFE0F) ||
           (c >= 0x1F3FB && c <= 0x1F3FF);
}

/* Whether a character has no shape of its own in any font. */
static bool is_invisible(uint32_t c) {
    return (c >= 0x200B && c <= 0x200F) || (c >= 0x202A && c <= 0x202E) || (c >= 0x2060 && c <= 0x2069) || c == 0xFEFF;
}

static bool choose_fonts(shape_text *t) {
    for (int i = 0; i < t->n; i++) {
        uint32_t c = t->text[i];
        t->font[i] = i > 0 ? t->font[i - 1] : 0;
        if ((i > 0 && follows(c, t->script[i])) || is_invisible(c)) continue;
        bool emoji = c >= 0x1F000 && c < 0x20000;
        if (i > 0 && !emoji && t->script[i] == HB_SCRIPT_COMMON && font_has(t->font[i], c) && !is_colored(t->font[i]))
            continue; /* stays with its word */
        t->font[i] = font_for(c, emoji);
        if (t->font[i] < 0) return false;
    }
    return true;
}

static void find_scripts(shape_text *t) {
    hb_unicode_funcs_t *u = lib_hb_unicode_funcs_get_default();
    for (int i = 0; i < t->n; i++) t->script[i] = lib_hb_unicode_script(u, t->text[i]);
}

/* Computes the embedding levels of the bidirectional algorithm, which say in which direction each character runs. */
static bool find_levels(shape_text *t) {
    FriBidiCharType types[FCT_SHAPE_MAX];
    FriBidiBracketType brackets[FCT_SHAPE_MAX];
    FriBidiParType direction = FRIBIDI_PAR_ON;
    lib_fribidi_get_bidi_types(t->text, t->n, types);
    lib_fribidi_get_bracket_types(t->text, t->n, types, brackets);
    return lib_fribidi_get_par_embedding_levels_ex(types, brackets, t->n, &direction, t->level) != 0;
}

/* ---- Parts in one font, script and direction -------------------------------------------- */

typedef struct shape_part {
    int start, n;
} shape_part;

static bool neutral(hb_script_t s) { return s == HB_SCRIPT_COMMON || s == HB_SCRIPT_INHERITED; }

/* Cuts the text into parts of one font, direction and script each, as the shaper wants them. */
static int cut_into_parts(const shape_text *t, shape_part *out) {
    int n = 0;
    hb_script_t script = HB_SCRIPT_COMMON;
    for (int i = 0; i < t->n; i++) {
        bool same_script = neutral(t->script[i]) || neutral(script) || t->script[i] == script;
        bool joins = i > 0 && t->font[i] == t->font[i - 1] && t->level[i] == t->level[i - 1] && same_script;
        if (!joins) {
            out[n++] = (shape_part){i, 0};
            script = HB_SCRIPT_COMMON;
        }
        out[n - 1].n++;
        if (!neutral(t->script[i])) script = t->script[i];
    }
    return n;
}

/* Rule L2 of the bidirectional algorithm: from the highest level down to 1, every
 * sequence of parts at that level or above is reversed. */
static void order_for_the_eye(const shape_text *t, shape_part *parts, int n) {
    int highest = 0;
    for (int i = 0; i < t->n; i++)
        if (t->level[i] > highest) highest = t->level[i];
    for (int level = highest; level > 0; level--)
        for (int a = 0; a < n; a++) {
            int b = a;
            while (b < n && t->level[parts[b].start] >= level) b++;
            for (int i = a, k = b - 1; i < k; i++, k--) {
                shape_part swap = parts[i];
                parts[i] = parts[k];
                parts[k] = swap;
            }
            if (b > a) a = b;
        }
}

/* ---- Drawing ------------------------------------------------------------------------------ */

typedef struct shape_pen {
    fct_image *im; /* NULL = measure only */
    fct_ink ink;
    float x, base, em; /* where the next glyph stands; the font's size in pixels */
} shape_pen;

/* A glyph of gray coverage whose upper left corner is at (left, top). */
static void put_gray(const shape_pen *p, const FT_Bitmap *b, int left, int top) {
    for (int y = 0; y < (int)b->rows; y++)
        for (int x = 0; x < (int)b->width; x++) {
            int px = left + x, py = top + y;
            if (px < 0 || py < 0 || px >= p->im->width || py >= p->im->height) continue;
            float coverage = (float)b->buffer[y * b->pitch + x] / 255;
            fct_ink_blend(&p->ink, p->im->pixels + py * p->im->stride + (ptrdiff_t)px * p->ink.at.bytes, coverage);
        }
}

/* Mean of the part of a colored glyph under one pixel: B G R A, colors times alpha. */
static void mean_color(const FT_Bitmap *b, int x, int y, float scale, float out[4]) {
    int x0 = (int)((float)x / scale), x1 = (int)((float)(x + 1) / scale), y0 = (int)((float)y / scale),
        y1 = (int)((float)(y + 1) / scale);
    int n = 0;
    memset(out, 0, 4 * sizeof *out);
    for (int j = y0; j <= y1 && j < (int)b->rows; j++)
        for (int i = x0; i <= x1 && i < (int)b->width; i++, n++)
            for (int c = 0; c < 4; c++) out[c] += b->buffer[j * b->pitch + 4 * i + c];
    for (int c = 0; c < 4 && n; c++) out[c] /= (float)n;
}

/* A colored glyph (emoji), which comes in one size and is scaled. */
static void put_color(const shape_pen *p, const FT_Bitmap *b, int left, int top, float scale) {
    int w = (int)ceilf((float)b->width * scale), h = (int)ceilf((float)b->rows * scale);
    for (int y = 0; y < h; y++)
        for (int x = 0; x < w; x++) {
            int px = left + x, py = top + y;
            float m[4];
            if (px < 0 || py < 0 || px >= p->im->width || py >= p->im->height) continue;
            mean_color(b, x, y, scale, m);
            if (m[3] < 1) continue;
            for (int c = 0; c < 3; c++) m[c] = fminf(255, m[c] * 255 / m[3]);
            fct_ink k = fct_ink_of(p->im, (uint32_t)m[2] << 16 | (uint32_t)m[1] << 8 | (uint32_t)m[0]);
            fct_ink_blend(&k, p->im->pixels + py * p->im->stride + (ptrdiff_t)px * k.at.bytes, m[3] / 255);
        }
}

static void put_glyph(const shape_pen *p, FT_Face face, uint32_t glyph, float x, float y, float scale) {
    if (!p->im || lib_FT_Load_Glyph(face, glyph, FT_LOAD_RENDER | FT_LOAD_COLOR)) return;
    const FT_GlyphSlot s = face->glyph;
    int left = (int)lrintf(x + (float)s->bitmap_left * scale), top = (int)lrintf(y - (float)s->bitmap_top * scale);
    if (s->bitmap.pixel_mode == FT_PIXEL_MODE_BGRA) put_color(p, &s->bitmap, left, top, scale);
    else if (s->bitmap.pixel_mode == FT_PIXEL_MODE_GRAY) put_gray(p, &s->bitmap, left, top);
}

/* Sets the face's size. What its pixels have to be multiplied with to have the size
 * asked for: 1 but for fonts of pictures, which have a size of their own. */
static float set_size(FT_Face face, float em) {
    if (FT_IS_SCALABLE(face)) return lib_FT_Set_Pixel_Sizes(face, 0, (FT_UInt)lrintf(em)) ? 0 : 1;
    if (face->num_fixed_sizes < 1 || lib_FT_Select_Size(face, 0)) return 0;
    float size = (float)face->size->metrics.y_ppem;
    return size > 0 ? em / size : 0;
}

/* Shapes and draws a run of letters of one font and one direction. */
static void draw_part(shape_pen *p, const shape_text *t, const shape_part *part) {
    FT_Face face = face_of(t->font[part->start]);
    float scale = face ? set_size(face, p->em) : 0;
    if (!(scale > 0)) return;
    hb_buffer_t *b = lib_hb_buffer_create();
    hb_font_t *font = lib_hb_ft_font_create_referenced(face);
    lib_hb_buffer_add_utf32(b, t->text, t->n, (unsigned)part->start, part->n);
    lib_hb_buffer_set_direction(b, t->level[part->start] & 1 ? HB_DIRECTION_RTL : HB_DIRECTION_LTR);
    for (int i = part->start; i < part->start + part->n; i++)
        if (!neutral(t->script[i])) {
            lib_hb_buffer_set_script(b, t->script[i]);
            break;
        }
    lib_hb_buffer_guess_segment_properties(b);
    lib_hb_shape(font, b, NULL, 0);
    unsigned n;
    const hb_glyph_info_t *glyphs = lib_hb_buffer_get_glyph_infos(b, &n);
    const hb_glyph_position_t *at = lib_hb_buffer_get_glyph_positions(b, &n);
    for (unsigned i = 0; i < n; i++) {
        float unit = scale / 64;
        if (glyphs[i].codepoint) /* 0 would be an empty box */
            put_glyph(p, face, glyphs[i].codepoint, p->x + (float)at[i].x_offset * unit,
                      p->base - (float)at[i].y_offset * unit, scale);
        p->x += (float)at[i].x_advance * unit;
    }
    lib_hb_font_destroy(font);
    lib_hb_buffer_destroy(b);
}

/* The built-in font's capitals are 14 of its 26 units high and stand on unit 20; those
 * of the usual fonts have seven tenths of the size. */
#define EM_OF_HEIGHT   (14.f / 26 / 0.7f)
#define BASE_OF_HEIGHT (20.f / 26)

bool fct_shape_draw(fct_image *im, float x, float y, float height, const uint32_t *text, int n, uint32_t color,
                    float *width) {
    enum { LARGEST = 1024 };
    shape_text t = {.text = text, .n = n};
    shape_part parts[FCT_SHAPE_MAX];
    bool visible = im && isfinite(x) && isfinite(y) && fabsf(x) < 1e6f && fabsf(y) < 1e6f;
    if (n < 1 || n > FCT_SHAPE_MAX || !(height * EM_OF_HEIGHT >= 1) || height > LARGEST) return false;
    fct_mutex_lock(&fonts.lock);
    bool ok = open_fonts();
    if (ok) find_scripts(&t);
    ok = ok && choose_fonts(&t) && find_levels(&t);
    if (ok) {
        shape_pen p = {.im = visible ? im : NULL, .x = visible ? x : 0, .base = y + height * BASE_OF_HEIGHT};
        float start = p.x;
        p.em = height * EM_OF_HEIGHT;
        if (p.im) p.ink = fct_ink_of(im, color);
        int n_parts = cut_into_parts(&t, parts);
        order_for_the_eye(&t, parts, n_parts);
        for (int i = 0; i < n_parts; i++) draw_part(&p, &t, &parts[i]);
        *width = p.x - start;
    }
    fct_mutex_unlock(&fonts.lock);
    return ok;
}

#else

bool fct_shape_draw(fct_image *im, float x, float y, float height, const uint32_t *text, int n, uint32_t color,
                    float *width) {
    return false;
}

#endif
