/* The tasks after detection, over the faces of any number of pictures. */
#ifndef FCT_FACE_TASKS_H
#define FCT_FACE_TASKS_H

#include "face/faces.h"
#include "face/runner.h"

/* One picture in work: coordinates of faces are pixels of view. */
typedef struct fct_subject {
    fct_view view;
    fct_faces *faces;
} fct_subject;

/* Runs the task's network over all faces of n subjects and fills in their
 * results. A face that cannot be cropped (no landmarks for EMBED, a box without
 * extent) is left without. */
fct_status fct_task_run(fct_task task, fct_runner *r, fct_subject *subjects, int n, fct_error *err);

/* Values per face that the network of a task gives; dim: of the embedder. */
int fct_task_values(fct_task task, int dim);

#endif
