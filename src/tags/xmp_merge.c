/* Merging faces into the lists of regions that a packet has: docs/decisions/0082-face-tags.md. */
#include "base/error.h"
#include "tags/region_number.h"
#include "tags/region_turn.h"
#include "tags/xmp_regions.h"

#include <stdio.h>
#include <string.h>

static const fct_xmp_ns top[] = {FCT_XMP_REGIONS, FCT_XMP_MP};
static const char *const list_path[] = {"~0Regions/~0RegionList", "~3RegionInfo/~4Regions"};
static const char *const name_field[] = {"~0Name", "~5PersonDisplayName"};

/* One list while faces are merged into it. */
typedef struct region_merge {
    fct_xmp *x;
    fct_region_form form;
    const fct_mark_list *marks;
    fct_stored_regions list;
    fct_region_fit fit;
    fct_tags_written done;
    bool refused; /* exempi has refused something */
} region_merge;

static void set_field(region_merge *m, int item, const char *field, const char *value, fct_xmp_form form) {
    char path[160];
    snprintf(path, sizeof path, "%s[%d]/%s", list_path[m->form], item, field);
    m->refused |= !fct_xmp_set(m->x, top[m->form], path, value, form);
}

static void set_number(region_merge *m, int item, const char *field, double v) {
    char text[32];
    fct_region_number_text(v, text);
    set_field(m, item, field, text, FCT_XMP_TEXT);
}

/* The face's box as the list counts: in a list of the shown picture, in that one. */
static void box_of(const region_merge *m, const fct_face_mark *f, double box[4]) {
    if (m->fit == FCT_FIT_SHOWN) fct_turn_to_shown(m->marks->orientation, f->box, box);
    else memcpy(box, f->box, sizeof f->box);
}

static void set_area(region_merge *m, int item, const double b[4]) {
    if (m->form == FCT_FORM_MP) {
        char v[4][32], text[160];
        for (int i = 0; i < 4; i++) fct_region_number_text(i < 2 ? b[i] : b[i] - b[i - 2], v[i]);
        snprintf(text, sizeof text, "%s, %s, %s, %s", v[0], v[1], v[2], v[3]);
        set_field(m, item, "~5Rectangle", text, FCT_XMP_TEXT);
        return;
    }
    set_field(m, item, "~0Area", NULL, FCT_XMP_STRUCT);
    set_number(m, item, "~0Area/~1x", (b[0] + b[2]) / 2);
    set_number(m, item, "~0Area/~1y", (b[1] + b[3]) / 2);
    set_number(m, item, "~0Area/~1w", b[2] - b[0]);
    set_number(m, item, "~0Area/~1h", b[3] - b[1]);
    set_field(m, item, "~0Area/~1unit", "normalized", FCT_XMP_TEXT);
}

static void set_name(region_merge *m, int item, const char *name) {
    set_field(m, item, name_field[m->form], name, FCT_XMP_TEXT);
    set_field(m, item, "~6WrittenName", name, FCT_XMP_TEXT);
}

/* The region that the face takes the place of: covered by half, or by a fifth where the name is the same already;
 * of those the one that is covered most. NULL = none. */
static fct_stored_region *region_for(region_merge *m, const double box[4], const char *name) {
    fct_stored_region *best = NULL;
    double most = 0;
    for (size_t i = 0; i < m->list.n; i++) {
        fct_stored_region *r = &m->list.at[i];
        if (r->claimed || !r->has_box || r->kind != FCT_REGION_FACE) continue;
        double iou = fct_turn_iou(r->box, box);
        if (iou >= (strcmp(r->name, name) ? 0.5 : 0.2) && iou > most) {
            best = r;
            most = iou;
        }
    }
    return best;
}

static void drop_field(region_merge *m, int item, const char *field) {
    char path[160];
    snprintf(path, sizeof path, "%s[%d]/%s", list_path[m->form], item, field);
    m->refused |= !fct_xmp_delete(m->x, top[m->form], path);
}

/* Gives a region the face's name. Its area moves along only where facet drew it; of somebody else's the name before
 * is noted. */
static void update(region_merge *m, fct_stored_region *r, const fct_face_mark *f, const double box[4]) {
    bool moved = false, renamed = strcmp(r->name, f->name) != 0, drawn = r->ours && !r->was;
    for (int i = 0; i < 4; i++) moved |= r->box[i] - box[i] > 2e-6 || box[i] - r->box[i] > 2e-6;
    r->claimed = true;
    if (renamed) {
        m->done.renamed++;
        if (!r->ours) set_field(m, r->item, "~6NameBefore", r->name, FCT_XMP_TEXT);
        set_name(m, r->item, f->name);
    }
    if (drawn && moved) set_area(m, r->item, box);
    m->done.changed |= renamed || (drawn && moved);
}

/* Appends a region; the ones before it keep their numbers. */
static void append(region_merge *m, const fct_face_mark *f, const double box[4], int item) {
    if (!fct_xmp_append(m->x, top[m->form], list_path[m->form], FCT_XMP_STRUCT)) {
        m->refused = true;
        return;
    }
    if (m->form == FCT_FORM_MWG) set_field(m, item, "~0Type", "Face", FCT_XMP_TEXT);
    set_name(m, item, f->name);
    set_area(m, item, box);
    m->done.added++;
    m->done.changed = true;
}

/* Says what picture the regions are for, where nothing is said. */
static void set_dimensions(region_merge *m) {
    static const char at[] = "~0Regions/~0AppliedToDimensions";
    char path[80], w[16], h[16];
    if (m->form != FCT_FORM_MWG || m->list.width > 0 || m->marks->width <= 0) return;
    snprintf(w, sizeof w, "%d", m->marks->width);
    snprintf(h, sizeof h, "%d", m->marks->height);
    const char *const values[][2] = {{"w", w}, {"h", h}, {"unit", "pixel"}};
    m->refused |= !fct_xmp_set(m->x, FCT_XMP_REGIONS, at, NULL, FCT_XMP_STRUCT);
    for (int i = 0; i < 3; i++) {
        snprintf(path, sizeof path, "%s/~2%s", at, values[i][0]);
        m->refused |= !fct_xmp_set(m->x, FCT_XMP_REGIONS, path, values[i][1], FCT_XMP_TEXT);
    }
}

/* Gives somebody else's region its own name back. */
static void restore(region_merge *m, const fct_stored_region *r) {
    if (r->was[0]) set_field(m, r->item, name_field[m->form], r->was, FCT_XMP_TEXT);
    else drop_field(m, r->item, name_field[m->form]);
    drop_field(m, r->item, "~6WrittenName");
    drop_field(m, r->item, "~6NameBefore");
    m->done.renamed++;
    m->done.kept++;
}

/* Takes back what an earlier call wrote and no face claims now, from the last region on, so that numbers stay right. */
static void remove_stale(region_merge *m) {
    char path[160];
    for (size_t i = m->list.n; i-- > 0;) {
        const fct_stored_region *r = &m->list.at[i];
        if (!r->ours || r->claimed) {
            m->done.kept += !r->claimed;
            continue;
        }
        m->done.changed = true;
        if (r->was) {
            restore(m, r);
            continue;
        }
        snprintf(path, sizeof path, "%s[%d]", list_path[m->form], r->item);
        m->refused |= !fct_xmp_delete(m->x, top[m->form], path);
        m->done.removed++;
    }
}

/* Makes the structs around a list that is not there yet. */
static void make_list(region_merge *m) {
    static const char *const around[] = {"~0Regions", "~3RegionInfo"};
    if (m->list.n || fct_xmp_get(m->x, top[m->form], list_path[m->form])) return;
    if (!fct_xmp_get(m->x, top[m->form], around[m->form]))
        m->refused |= !fct_xmp_set(m->x, top[m->form], around[m->form], NULL, FCT_XMP_STRUCT);
    set_dimensions(m);
    m->refused |= !fct_xmp_set(m->x, top[m->form], list_path[m->form], NULL, FCT_XMP_BAG);
}

static void merge_faces(region_merge *m) {
    int item = (int)m->list.n;
    double box[4];
    if (m->marks->n > 0) {
        make_list(m);
        set_dimensions(m);
    }
    for (int i = 0; i < m->marks->n; i++) {
        const fct_face_mark *f = &m->marks->at[i];
        box_of(m, f, box);
        fct_stored_region *r = region_for(m, box, f->name);
        if (r) update(m, r, f, box);
        else append(m, f, box, ++item);
    }
    remove_stale(m);
}

/* One list. The Microsoft one says nothing of the picture it is for, so it goes by the other's. */
static fct_status merge_list(region_merge *m, const char *name, fct_error *err) {
    fct_status s = fct_xmp_regions_get(m->x, m->form, m->marks->width, m->marks->height, name, &m->list, err);
    if (!s && m->form == FCT_FORM_MWG)
        m->fit = fct_region_fit_of(&m->list, m->marks->width, m->marks->height, m->marks->orientation);
    if (!s && m->list.n + (size_t)m->marks->n > FCT_TAGS_MAX_REGIONS)
        s = fct_fail(err, FCT_ERR_LIMIT, "%s: more than %d regions", name, FCT_TAGS_MAX_REGIONS);
    if (!s && m->fit == FCT_FIT_NOT)
        s = fct_fail(err, FCT_ERR_MISMATCH, "%s: its regions are for a picture of %.0f x %.0f, the photo has %d x %d",
                     name, m->list.width, m->list.height, m->marks->width, m->marks->height);
    m->refused = m->list.odd;
    if (!s && !m->refused) merge_faces(m);
    if (!s && m->refused) s = fct_fail(err, FCT_ERR_FORMAT, "%s: its regions are not as they should be", name);
    fct_stored_regions_free(&m->list);
    return s;
}

fct_status fct_xmp_regions_merge(fct_xmp *x, const fct_mark_list *marks, const char *name, fct_tags_written *out,
                                 fct_error *err) {
    region_merge mwg = {.x = x, .form = FCT_FORM_MWG, .marks = marks};
    *out = (fct_tags_written){0};
    fct_status s = merge_list(&mwg, name, err);
    region_merge mp = {.x = x, .form = FCT_FORM_MP, .marks = marks, .fit = mwg.fit};
    if (!s) s = merge_list(&mp, name, err);
    if (!s) *out = mwg.done;
    if (!s) out->changed |= mp.done.changed;
    return s;
}
