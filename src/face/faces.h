/* The faces of one picture while they are being made. */
#ifndef FCT_FACE_FACES_H
#define FCT_FACE_FACES_H

#include "face/detect.h"
#include "tasks/task_table.h"

struct fct_faces {
    int n;
    fct_face *items;
    /* By row of the task table: [n][numbers kept], NULL where the task is not run. */
    float *blocks[FCT_TASK_SLOTS];
    int kept[FCT_TASK_SLOTS];
    const float **values; /* [n][fct_task_count()]: the faces' fct_face.values */
};

/* n faces with box, score and landmarks of the candidates; all else unknown.
 * Blocks are made for the tasks. *out is owned. */
fct_status fct_faces_create(const fct_det *dets, int n, bool has_kps, uint32_t tasks, int embedding_dim,
                            fct_faces **out, fct_error *err);

/* Room for what a task keeps of face i. */
float *fct_faces_room(fct_faces *f, int i, int task_index);
/* What was written there counts from now on. */
void fct_faces_set(fct_faces *f, int i, int task_index);
/* Brings the values of all tasks into the faces' own fields; last of all. Those of tasks outside the set
 * (what was run for the sake of another) are forgotten. */
void fct_faces_land(fct_faces *f, uint32_t tasks);

/* Maps all coordinates from the picture turned clockwise by `turns` quarters
 * back to the picture itself, of width x height. */
void fct_faces_turn_back(fct_faces *f, int turns, int width, int height);

#endif
