/* Regions in XMP, read and merged. Boxes are of the stored picture: x1, y1, x2, y2 as
 * parts of its width and height.
 *
 * MWG:        mwg-rs:Regions, a struct of
 *               AppliedToDimensions  stDim:w, stDim:h, stDim:unit ("pixel")
 *               RegionList           a bag of structs: Name, Type ("Face", "Pet", "Focus",
 *                                    "BarCode"), Area: stArea:x, y (the center), w, h, or
 *                                    d (a circle's diameter, in parts of the shorter side)
 * Microsoft:  MP:RegionInfo/MPRI:Regions, a bag of structs: MPReg:PersonDisplayName,
 *               MPReg:Rectangle ("x, y, w, h" from the upper left corner)
 *
 * What facet writes carries facet:WrittenName beside the name. Where both are the same the
 * region is still as facet left it, and facet may change or remove it. A region of
 * somebody else that facet has given a name also has facet:NameBefore, the name before. */
#ifndef FCT_TAGS_XMP_REGIONS_H
#define FCT_TAGS_XMP_REGIONS_H

#include "facet/tags.h"
#include "tags/xmp_lib.h"

enum { FCT_TAGS_MAX_REGIONS = 1000 };

typedef enum fct_region_form { FCT_FORM_MWG, FCT_FORM_MP } fct_region_form;

typedef struct fct_stored_region {
    double box[4];
    bool has_box; /* some have no area that could be understood */
    char *name;   /* owned; "" where it has none */
    fct_region_kind kind;
    bool ours;    /* as an earlier call wrote it */
    char *was;    /* owned; the name before facet's, where the region is somebody else's; else NULL */
    int item;     /* its place in the list, from 1 */
    bool claimed; /* for merging */
} fct_stored_region;

typedef struct fct_stored_regions {
    fct_stored_region *at; /* owned */
    size_t n, capacity;
    bool odd;             /* something in it has not the form that it should have; what came before it is here */
    double width, height; /* of the picture that they are for; 0 = not said */
} fct_stored_regions;

/* Appends the list of one form. Errors: FCT_ERR_NOMEM, FCT_ERR_LIMIT. aspect: height over width of the stored
 * picture (1 where unknown), for circles. */
fct_status fct_xmp_regions_get(fct_xmp *x, fct_region_form form, double width, double height, const char *name,
                               fct_stored_regions *out, fct_error *err);
void fct_stored_regions_free(fct_stored_regions *r);

/* How the regions of an AppliedToDimensions fit a picture of width x height that is shown by orientation. */
typedef enum fct_region_fit {
    FCT_FIT_STORED, /* they are of the stored picture, or nothing is said */
    FCT_FIT_SHOWN,  /* their program turned the picture first: they are of the shown one */
    FCT_FIT_NOT     /* of a picture of another shape */
} fct_region_fit;
fct_region_fit fct_region_fit_of(const fct_stored_regions *r, int width, int height, int orientation);

/* A face to write: its box in the stored picture. */
typedef struct fct_face_mark {
    double box[4];
    const char *name;
} fct_face_mark;

typedef struct fct_mark_list {
    const fct_face_mark *at;
    int n;
    int width, height, orientation; /* of the stored picture */
} fct_mark_list;

/* Merges the faces into both lists. *out counts what happened to the first one, MWG's; changed is set for any
 * change. Errors: FCT_ERR_MISMATCH, FCT_ERR_FORMAT (exempi refuses), FCT_ERR_NOMEM, FCT_ERR_LIMIT. */
fct_status fct_xmp_regions_merge(fct_xmp *x, const fct_mark_list *marks, const char *name, fct_tags_written *out,
                                 fct_error *err);

#endif
