#include "watch/pose_guide.h"

#include <math.h>

/* In distances of the eyes, and of eyes to mouth. A nose stands out by about half the eyes'
 * distance, so that 0.09 is a turn of some ten degrees. */
#define FRONTAL 0.12f
#define TURN    0.09f
#define NOD     0.06f

/* The camera shows people as others see them: who turns to their left moves the nose
 * towards the picture's right. */
static const struct pose {
    const char *request, *missed;
    float turn, nod; /* least change from the first picture, with its direction */
} poses[POSE_STEPS] = {
    {"look into the camera", "a look into the camera", 0, 0},
    {"turn a little to the left", "a turn to the left", TURN, 0},
    {"a little to the right", "a turn to the right", -TURN, 0},
    {"chin up a little", "a chin held up", 0, -NOD},
    {"look into the camera again", "a second look into the camera", 0, 0},
};

const char *cli_pose_request(int step) { return poses[step].request; }
const char *cli_pose_missed(int step) { return poses[step].missed; }

/* Has a value moved at least as far as wanted, in that direction? */
static bool has_moved(float moved, float wanted) { return wanted > 0 ? moved >= wanted : moved <= wanted; }

bool cli_pose_matches(int step, const fct_quality *q, const fct_quality *first) {
    const struct pose *p = &poses[step];
    if (step == 0) return fabsf(q->turn) <= FRONTAL;
    float turn = q->turn - first->turn, nod = q->nod - first->nod;
    if (p->turn != 0) return has_moved(turn, p->turn);
    if (p->nod != 0) return has_moved(nod, p->nod) && fabsf(turn) < TURN;
    return fabsf(turn) <= TURN / 2;
}
