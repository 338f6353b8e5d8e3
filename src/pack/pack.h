/* What the face pipeline asks of a pack. */
#ifndef FCT_PACK_PACK_H
#define FCT_PACK_PACK_H

#include "facet/face.h"

/* Input normalization: (x - mean) / std of bytes 0..255. */
typedef struct fct_norm {
    float mean, std;
} fct_norm;

/* The network of a task. Borrowed from the pack. */
typedef struct fct_pack_net {
    const fct_model *model;
    fct_norm norm;
    int width, height; /* of a fixed input, else 0 */
    bool batches;      /* takes any number of pictures at once */
    bool agreement;    /* of a detector: fct_det_agree() */
    bool second_look;  /* of a detector that agrees: where faces are small, finder.c looks again at a larger size */
    bool refine;       /* of FCT_TASK_LANDMARK_68: its eyes, nose and mouth take the place of the detector's five
                          landmarks before faces are aligned. Loaded for FCT_TASK_EMBED too then */
    bool aligned;      /* of FCT_TASK_GENDER_AGE: it sees FCT_TASK_CROP_WIDE, not the square around the box */
} fct_pack_net;

/* NULL where the pack has no network for the task. Borrowed until p is freed. */
const fct_pack_net *fct_pack_get_net(const fct_pack *p, fct_task t);

#endif
