#include "facet/tags.h"

#include "base/alloc.h"
#include "base/error.h"
#include "base/file.h"
#include "tags/photo_meta.h"
#include "tags/picasa.h"
#include "tags/region_turn.h"
#include "tags/sidecar.h"
#include "tags/xmp_regions.h"
#include "tags/xmp_text.h"

#include <string.h>

enum { MAX_PHOTO = INT32_MAX }; /* bytes of a photo, or of a sidecar */

struct fct_tags_reader {
    char *folder; /* whose list is kept; NULL = none yet */
    fct_picasa *picasa;
};

struct fct_tags {
    fct_region *regions; /* their names are owned */
    size_t n, capacity;
    int width, height, orientation; /* of the stored picture */
    char *sidecar;
};

fct_status fct_tags_reader_create(fct_tags_reader **out, fct_error *err) {
    *out = fct_calloc(1, sizeof **out);
    return *out ? FCT_OK : fct_fail_nomem(err, "reader of tags", 0);
}

void fct_tags_reader_free(fct_tags_reader *r) {
    if (!r) return;
    fct_picasa_free(r->picasa);
    fct_free(r->folder);
    fct_free(r);
}

void fct_tags_free(fct_tags *t) {
    if (!t) return;
    for (size_t i = 0; i < t->n; i++) fct_free((char *)t->regions[i].name);
    fct_free(t->regions);
    fct_free(t->sidecar);
    fct_free(t);
}

int fct_tags_count(const fct_tags *t) { return (int)t->n; }
const fct_region *fct_tags_region(const fct_tags *t, int i) { return &t->regions[i]; }
int fct_tags_width(const fct_tags *t) { return t->orientation >= 5 ? t->height : t->width; }
int fct_tags_height(const fct_tags *t) { return t->orientation >= 5 ? t->width : t->height; }
int fct_tags_orientation(const fct_tags *t) { return t->orientation; }
const char *fct_tags_sidecar(const fct_tags *t) { return t->sidecar; }

/* The region that is there already: the same kind in the same place; of a face that was found in two sources or
 * lists, or NULL. */
static fct_region *find_same(fct_tags *t, const double box[4], fct_region_kind kind) {
    for (size_t i = 0; i < t->n; i++) {
        double other[4] = {t->regions[i].box[0], t->regions[i].box[1], t->regions[i].box[2], t->regions[i].box[3]};
        if (t->regions[i].kind == kind && fct_turn_iou(other, box) >= 0.5) return &t->regions[i];
    }
    return NULL;
}

/* Adds a region of the shown picture. One that is there already only learns the name it lacked. */
static fct_status add_region(fct_tags *t, const double box[4], const fct_region *like, fct_error *err) {
    fct_region *same = find_same(t, box, like->kind);
    if (same && (same->name[0] || !like->name[0])) return FCT_OK;
    if (!same && t->n >= FCT_TAGS_MAX_REGIONS) return FCT_OK;
    char *name = fct_strdup(like->name);
    if (!name) return fct_fail_nomem(err, "regions", 0);
    if (same) {
        fct_free((char *)same->name);
        same->name = name;
        return FCT_OK;
    }
    fct_region *p = fct_grow(t->regions, &t->capacity, t->n + 1, sizeof *p);
    if (!p) {
        fct_free(name);
        return fct_fail_nomem(err, "regions", 0);
    }
    t->regions = p;
    p[t->n] = *like;
    p[t->n].name = name;
    for (int i = 0; i < 4; i++) p[t->n].box[i] = (float)box[i];
    t->n++;
    return FCT_OK;
}

/* Adds the regions of one object: MWG's, then Microsoft's where those are not the same faces. */
static fct_status add_lists(fct_tags *t, fct_xmp *x, fct_region_source source, const char *file, fct_error *err) {
    fct_region_fit fit = FCT_FIT_STORED;
    fct_status s = FCT_OK;
    for (int form = FCT_FORM_MWG; !s && form <= FCT_FORM_MP; form++) {
        fct_stored_regions list = {0};
        s = fct_xmp_regions_get(x, (fct_region_form)form, t->width, t->height, file, &list, err);
        if (form == FCT_FORM_MWG) fit = fct_region_fit_of(&list, t->width, t->height, t->orientation);
        for (size_t i = 0; !s && i < list.n; i++) {
            const fct_stored_region *r = &list.at[i];
            double box[4];
            if (!r->has_box) continue;
            if (fit == FCT_FIT_SHOWN) memcpy(box, r->box, sizeof box);
            else fct_turn_to_shown(t->orientation, r->box, box);
            fct_region like = {
                .name = r->name, .kind = r->kind, .source = source, .ours = r->ours, .doubtful = fit == FCT_FIT_NOT};
            s = add_region(t, box, &like, err);
        }
        fct_stored_regions_free(&list);
    }
    return s;
}

/* Adds the regions of a packet; one without any needs no exempi. */
static fct_status add_packet(fct_tags *t, const uint8_t *data, size_t size, fct_region_source source, const char *file,
                             fct_error *err) {
    fct_xmp_text text;
    fct_xmp *x = NULL;
    fct_status s = fct_xmp_text_read(data, size, file, &text, err);
    if (!s && text.packet.size) s = fct_xmp_parse(text.packet.data, text.packet.size, file, &x, err);
    if (!s && x) s = add_lists(t, x, source, file, err);
    fct_xmp_free(x);
    fct_xmp_text_free(&text);
    return s;
}

/* The regions of the sidecar that is there. */
static fct_status add_sidecar(fct_tags *t, const char *photo, fct_error *err) {
    bool exists;
    char *path;
    fct_map m;
    fct_status s = fct_sidecar_find(photo, FCT_SIDECAR_AUTO, &path, &exists, err);
    if (!s && exists) s = fct_map_copy(path, MAX_PHOTO, &m, err);
    if (!s && exists) {
        s = add_packet(t, m.data, m.size, FCT_REGION_SIDECAR, path, err);
        fct_map_close(&m);
    }
    if (!s && exists) t->sidecar = path;
    else fct_free(path);
    return s;
}

/* Makes sure that the reader has the list of the photo's folder. */
static fct_status keep_folder(fct_tags_reader *r, const char *photo, fct_error *err) {
    char *folder = fct_path_dir(photo);
    if (!folder) return fct_fail_nomem(err, photo, 0);
    if (r->folder && !strcmp(r->folder, folder)) {
        fct_free(folder);
        return FCT_OK;
    }
    fct_picasa_free(r->picasa);
    fct_free(r->folder);
    r->folder = NULL;
    fct_status s = fct_picasa_open(folder, &r->picasa, err);
    if (s) fct_free(folder);
    else r->folder = folder;
    return s;
}

static fct_status add_picasa(fct_tags *t, fct_tags_reader *r, const char *photo, fct_error *err) {
    fct_status s = keep_folder(r, photo, err);
    if (s) return s;
    fct_picasa_face *faces = fct_calloc(FCT_TAGS_MAX_REGIONS, sizeof *faces);
    if (!faces) return fct_fail_nomem(err, photo, 0);
    int n = fct_picasa_faces(r->picasa, fct_path_base(photo), faces, FCT_TAGS_MAX_REGIONS);
    for (int i = 0; i < n && !s; i++) {
        double box[4];
        fct_turn_to_shown(t->orientation, faces[i].box, box);
        s = add_region(t, box, &(fct_region){.name = faces[i].name, .source = FCT_REGION_PICASA}, err);
    }
    fct_free(faces);
    return s;
}

fct_status fct_tags_read(fct_tags_reader *r, const char *photo, fct_tags **out, fct_error *err) {
    fct_map m;
    *out = NULL;
    fct_status s = fct_map_copy(photo, MAX_PHOTO, &m, err);
    if (s) return s;
    fct_photo_meta meta;
    fct_tags *t = fct_calloc(1, sizeof *t);
    s = t ? fct_photo_meta_read(&(fct_photo_bytes){m.data, m.size, photo}, &meta, err) : fct_fail_nomem(err, photo, 0);
    if (!s) {
        t->width = meta.width;
        t->height = meta.height;
        t->orientation = meta.orientation;
        s = add_sidecar(t, photo, err);
    }
    if (!s && meta.xmp_size) s = add_packet(t, meta.xmp, meta.xmp_size, FCT_REGION_PHOTO, photo, err);
    if (!s) s = add_picasa(t, r, photo, err);
    fct_map_close(&m);
    if (s) fct_tags_free(t);
    else *out = t;
    return s;
}
