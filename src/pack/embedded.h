/* The pack that the build put into the library (meson option embed_pack). Its
 * manifest was read and its files were checked by the build (embed_pack.py). */
#ifndef FCT_PACK_EMBEDDED_H
#define FCT_PACK_EMBEDDED_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

typedef struct fct_embedded_file {
    const char *name;                /* "det.onnx" */
    const unsigned char *data, *end; /* the file's bytes, in read-only memory */
    const char *sha256;              /* of the file as built in */
    const char *task;                /* its name; NULL = by its signature */
    bool has_norm;                   /* mean and std are given */
    double mean, std;
    bool agreement;   /* of a detector; see fct_det_agree() */
    bool second_look; /* of a detector; see fct_pack_net */
    bool refine;      /* of landmark_3d_68; see fct_pack_net */
    bool aligned;     /* of genderage; see fct_pack_net */
} fct_embedded_file;

typedef struct fct_embedded_pack {
    const char *name, *license; /* license: NULL = not given */
    float threshold;            /* 0 = not given */
    int n;
    const fct_embedded_file *files; /* in the manifest's order */
} fct_embedded_pack;

/* NULL where there is none. Static. */
const fct_embedded_pack *fct_embedded(void);

/* Whether it is the built-in pack's name. */
static inline bool fct_embedded_is(const char *name) {
    const fct_embedded_pack *b = fct_embedded();
    return b && strcmp(b->name, name) == 0;
}

/* What the path of such a file starts with where one is shown, as
 * "built-in:det.onnx". */
#define FCT_EMBEDDED_PREFIX "built-in:"

#endif
