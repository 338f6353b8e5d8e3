/* The faces of one picture while they are being made. */
#ifndef FCT_FACE_FACES_H
#define FCT_FACE_FACES_H

#include "face/detect.h"

struct fct_faces {
    int n;
    fct_face *items;
    /* Blocks that the faces point into; NULL where the task is not run. */
    float *embeddings, *landmarks_106, *landmarks_68;
};

/* n faces with box, score and landmarks of the candidates; all else unknown.
 * Blocks are made for the tasks; pointers into them are set by who fills them.
 * *out is owned. */
fct_status fct_faces_create(const fct_det *dets, int n, bool has_kps, uint32_t tasks, int embedding_dim,
                            fct_faces **out, fct_error *err);

/* Maps all coordinates from the picture turned clockwise by `turns` quarters
 * back to the picture itself, of width x height. */
void fct_faces_turn_back(fct_faces *f, int turns, int width, int height);

#endif
