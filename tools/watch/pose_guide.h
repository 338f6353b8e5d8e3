/* The poses that guided enrollment asks for, one after the other. */
#ifndef FACET_CLI_POSE_GUIDE_H
#define FACET_CLI_POSE_GUIDE_H

#include <facet/facet.h>

enum { POSE_STEPS = 5 };

/* What the person is asked to do at a step, and what was not seen where nobody did. Static. */
const char *cli_pose_request(int step);
const char *cli_pose_missed(int step);

/* Whether a measured face shows the pose of a step. first tells how the same face looked at step 0, from which turns
 * count, since noses and cameras differ. */
bool cli_pose_matches(int step, const fct_quality *q, const fct_quality *first);

#endif
