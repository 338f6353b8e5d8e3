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

/* Runs the network of a row of the task table over all faces of n subjects and sets
 * their values. A face that cannot be cropped (no landmarks to align by, a box
 * without extent) is left without. */
fct_status fct_task_run(int task_index, fct_runner *r, fct_subject *subjects, int n, fct_error *err);

/* The five landmarks that alignment uses from the 68 points: more exact than a
 * detector's, which sees the face small. */
void fct_refine_landmarks(const float points[68][3], float kps[5][2]);

#endif
