#include "tags/xmp_regions.h"

#include "base/alloc.h"
#include "base/error.h"
#include "tags/region_number.h"
#include "tags/region_turn.h"
#include "text/names.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* Where things are in the two forms; "%d" is the item's number. The names behind it are in order of form. */
static const fct_xmp_ns top[] = {FCT_XMP_REGIONS, FCT_XMP_MP};
static const char *const item_path[] = {"~0Regions/~0RegionList[%d]%s", "~3RegionInfo/~4Regions[%d]%s"};
static const char *const outer_path[] = {"~0Regions", "~3RegionInfo"};
static const char *const list_path[] = {"~0Regions/~0RegionList", "~3RegionInfo/~4Regions"};
static const char *const name_field[] = {"/~0Name", "/~5PersonDisplayName"};

/* A field of an item. Borrowed until the next call with x. */
static const char *field(fct_xmp *x, fct_region_form form, int item, const char *what) {
    char path[160];
    snprintf(path, sizeof path, item_path[form], item, what);
    return fct_xmp_get(x, top[form], path);
}

/* Whether an item, or a field of it, is a struct. */
static bool is_struct(fct_xmp *x, fct_region_form form, int item, const char *what) {
    char path[160];
    snprintf(path, sizeof path, item_path[form], item, what);
    return fct_xmp_is(x, top[form], path, FCT_XMP_STRUCT);
}

/* A field of an item as a number. */
static bool number_field(fct_xmp *x, fct_region_form form, int item, const char *what, double *out) {
    const char *text = field(x, form, item, what);
    *out = 0;
    return text && fct_region_number(&text, text + strlen(text), out);
}

static fct_region_kind kind_of(const char *type) {
    static const char *const types[] = {"Face", "Pet", "Focus", "BarCode"};
    if (!type || !*type) return FCT_REGION_FACE; /* Picasa and others leave it out */
    for (int i = 0; i < 4; i++)
        if (!strcmp(type, types[i])) return (fct_region_kind)i;
    return FCT_REGION_OTHER;
}

/* Cuts a box at the picture's border. False where nothing sensible is left; a center outside the picture is none by
 * MWG's rules. */
static bool clip(double box[4]) {
    double cx = (box[0] + box[2]) / 2, cy = (box[1] + box[3]) / 2;
    if (!(cx >= 0 && cx <= 1 && cy >= 0 && cy <= 1)) return false;
    for (int i = 0; i < 4; i++) box[i] = fmin(fmax(box[i], 0), 1);
    return box[2] > box[0] && box[3] > box[1];
}

/* The area of an MWG item: a rectangle, or a circle whose diameter counts in parts of the shorter side. */
static bool mwg_box(fct_xmp *x, int item, double width, double height, double box[4]) {
    double cx, cy, w, h, d;
    if (!is_struct(x, FCT_FORM_MWG, item, "/~0Area")) return false;
    if (!number_field(x, FCT_FORM_MWG, item, "/~0Area/~1x", &cx)) return false;
    if (!number_field(x, FCT_FORM_MWG, item, "/~0Area/~1y", &cy)) return false;
    bool sides = number_field(x, FCT_FORM_MWG, item, "/~0Area/~1w", &w) &&
                 number_field(x, FCT_FORM_MWG, item, "/~0Area/~1h", &h);
    if (!sides) {
        if (!number_field(x, FCT_FORM_MWG, item, "/~0Area/~1d", &d)) return false;
        double shorter = fmin(width, height);
        w = width > 0 ? d * shorter / width : d;
        h = height > 0 ? d * shorter / height : d;
    }
    const char *unit = field(x, FCT_FORM_MWG, item, "/~0Area/~1unit");
    if (unit && !strcmp(unit, "pixel") && width > 0 && height > 0) {
        cx /= width;
        cy /= height;
        w /= width;
        h /= height;
    }
    memcpy(box, (double[4]){cx - w / 2, cy - h / 2, cx + w / 2, cy + h / 2}, sizeof(double[4]));
    return clip(box);
}

/* Microsoft's "x, y, w, h". */
static bool mp_box(fct_xmp *x, int item, double box[4]) {
    const char *p = field(x, FCT_FORM_MP, item, "/~5Rectangle"), *end = p ? p + strlen(p) : NULL;
    double v[4];
    for (int i = 0; i < 4; i++) {
        if (!p || !fct_region_number(&p, end, &v[i])) return false;
        while (p < end && (*p == ',' || *p == ' ')) p++;
    }
    memcpy(box, (double[4]){v[0], v[1], v[0] + v[2], v[1] + v[3]}, sizeof v);
    return clip(box);
}

/* The name without the space around it; owned. */
static char *copy_name(const char *text) {
    size_t n = 0;
    const char *from = text ? fct_text_trimmed(text, &n) : "";
    return fct_strndup(from, n < 1024 ? n : 1024);
}

static fct_status take_item(fct_xmp *x, fct_region_form form, int item, fct_stored_regions *out, const char *file,
                            fct_error *err) {
    fct_stored_region *p = fct_grow(out->at, &out->capacity, out->n + 1, sizeof *p);
    if (!p) return fct_fail_nomem(err, file, 0);
    out->at = p;
    fct_stored_region r = {.item = item};
    r.name = copy_name(field(x, form, item, name_field[form]));
    if (!r.name) return fct_fail_nomem(err, file, 0);
    const char *mark = field(x, form, item, "/~6WrittenName");
    r.ours = mark && r.name[0] && !strcmp(mark, r.name);
    const char *was = r.ours ? field(x, form, item, "/~6NameBefore") : NULL;
    if (was && !(r.was = fct_strdup(was))) {
        fct_free(r.name);
        return fct_fail_nomem(err, file, 0);
    }
    if (form == FCT_FORM_MWG) r.kind = kind_of(field(x, form, item, "/~0Type"));
    out->at[out->n++] = r;
    return FCT_OK;
}

/* What picture the regions are for. */
static void take_dimensions(fct_xmp *x, fct_stored_regions *out) {
    static const char at[] = "~0Regions/~0AppliedToDimensions";
    if (!fct_xmp_is(x, FCT_XMP_REGIONS, at, FCT_XMP_STRUCT)) return;
    const char *w = fct_xmp_get(x, FCT_XMP_REGIONS, "~0Regions/~0AppliedToDimensions/~2w");
    if (w) (void)fct_region_number(&w, w + strlen(w), &out->width);
    const char *h = fct_xmp_get(x, FCT_XMP_REGIONS, "~0Regions/~0AppliedToDimensions/~2h");
    if (h) (void)fct_region_number(&h, h + strlen(h), &out->height);
}

fct_status fct_xmp_regions_get(fct_xmp *x, fct_region_form form, double width, double height, const char *name,
                               fct_stored_regions *out, fct_error *err) {
    fct_status s = FCT_OK;
    if (!fct_xmp_get(x, top[form], outer_path[form])) return FCT_OK;
    out->odd = !fct_xmp_is(x, top[form], outer_path[form], FCT_XMP_STRUCT);
    if (out->odd) return FCT_OK;
    if (form == FCT_FORM_MWG) take_dimensions(x, out);
    if (!fct_xmp_get(x, top[form], list_path[form])) return FCT_OK;
    out->odd = !fct_xmp_is(x, top[form], list_path[form], FCT_XMP_BAG);
    for (int item = 1; !s && !out->odd && field(x, form, item, ""); item++) {
        if (item > FCT_TAGS_MAX_REGIONS)
            return fct_fail(err, FCT_ERR_LIMIT, "%s: more than %d regions", name, FCT_TAGS_MAX_REGIONS);
        out->odd = !is_struct(x, form, item, "");
        if (out->odd) break;
        s = take_item(x, form, item, out, name, err);
        if (s) break;
        fct_stored_region *r = &out->at[out->n - 1];
        r->has_box = form == FCT_FORM_MWG ? mwg_box(x, item, width, height, r->box) : mp_box(x, item, r->box);
    }
    return s;
}

void fct_stored_regions_free(fct_stored_regions *r) {
    for (size_t i = 0; i < r->n; i++) {
        fct_free(r->at[i].name);
        fct_free(r->at[i].was);
    }
    fct_free(r->at);
    *r = (fct_stored_regions){0};
}

/* Whether two shapes are the same but for rounding and a scaled picture. */
static bool same_shape(double w, double h, double width, double height) {
    return fabs(w * height - h * width) <= 0.02 * fmax(w * height, h * width);
}

fct_region_fit fct_region_fit_of(const fct_stored_regions *r, int width, int height, int orientation) {
    if (!(r->width > 0 && r->height > 0) || width <= 0 || height <= 0) return FCT_FIT_STORED;
    if (same_shape(r->width, r->height, width, height)) return FCT_FIT_STORED;
    if (orientation >= 5 && same_shape(r->width, r->height, height, width)) return FCT_FIT_SHOWN;
    return FCT_FIT_NOT;
}
