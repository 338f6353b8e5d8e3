/* A pack's manifest: pack.json, or InsightFace's manifest.json of version 2. */
#ifndef FCT_PACK_MANIFEST_H
#define FCT_PACK_MANIFEST_H

#include "facet/face.h"

#define FCT_MANIFEST_NAME    "pack.json"
#define FCT_MANIFEST_V2_NAME "manifest.json"

typedef struct fct_manifest_file {
    char *name;      /* in the pack's folder; in pack.json without a slash and not hidden */
    uint32_t task;   /* fct_task; 0 = by its signature */
    char sha256[65]; /* lower case; "" = not given */
    bool has_norm;   /* mean and std are given */
    double mean, std;
    bool agreement;   /* of a detector; see fct_det_agree() */
    bool second_look; /* of a detector; see fct_pack_net */
    bool refine;      /* of landmark_3d_68; see fct_pack_net */
    bool aligned;     /* of genderage; see fct_pack_net */
} fct_manifest_file;

typedef struct fct_manifest {
    char *name;       /* NULL = not given */
    char *license;    /* NULL = not given */
    float threshold;  /* 0 = not given */
    bool lists_files; /* false: all files of the folder */
    fct_manifest_file *files;
    int n_files;
} fct_manifest;

/* Reads the text of a manifest; name stands for it in errors. *out is filled;
 * release it with fct_manifest_clear(). FCT_ERR_FORMAT names the member or the
 * place that is wrong; FCT_ERR_LIMIT: nested too deep; FCT_ERR_UNSUPPORTED: a later
 * version of the format. */
fct_status fct_manifest_read(const void *text, size_t len, const char *name, fct_manifest *out, fct_error *err);
/* The same of manifest.json (manifest_v2.c). A file that is not of version 2, or no
 * JSON, is some other program's: *out is empty then, as without a manifest. */
fct_status fct_manifest_read_v2(const void *text, size_t len, const char *name, fct_manifest *out, fct_error *err);
void fct_manifest_clear(fct_manifest *m);

#endif
