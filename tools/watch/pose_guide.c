#include "watch/pose_guide.h"

#include <math.h>

/* Measured in distances of the eyes. A nose stands out by about half of that, so that 0.07 is a turn of some ten
 * degrees. */
#define FRONTAL 0.12f
#define TURN    0.07f
/* How much nearer the face is to come: its eyes so much farther apart. */
#define NEARER 1.15f

/* The camera shows people as others see them: who turns to their left moves the nose
 * towards the picture's right. */
static const struct pose {
    const char *request, *missed;
    float turn;   /* least change from the first picture, with its direction; 0 = hardly any */
    float nearer; /* least ratio of the eyes' distance to that of the first picture; 0 = any */
} poses[POSE_STEPS] = {
    {"look into the camera", "a look into the camera", 0, 0},
    {"turn a little to the left", "a turn to the left", TURN, 0},
    {"a little to the right", "a turn to the right", -TURN, 0},
    {"come a little nearer", "a face that comes nearer", 0, NEARER},
    {"look into the camera again", "a second look into the camera", 0, 0},
};

const char *cli_pose_request(int step) { return poses[step].request; }
const char *cli_pose_missed(int step) { return poses[step].missed; }

bool cli_pose_matches(int step, const fct_quality *q, const fct_quality *first) {
    const struct pose *p = &poses[step];
    if (step == 0) return fabsf(q->turn) <= FRONTAL;
    float turn = q->turn - first->turn;
    if (p->turn != 0) return p->turn > 0 ? turn >= p->turn : turn <= p->turn;
    return fabsf(turn) <= TURN / 2 && q->eyes >= p->nearer * first->eyes;
}
