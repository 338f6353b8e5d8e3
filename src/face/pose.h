/* Head pose from 68 landmarks in space. */
#ifndef FCT_FACE_POSE_H
#define FCT_FACE_POSE_H

#include <stdbool.h>

/* Least-squares affine camera from the mean shape to the points (x, y in pixels,
 * y down; z in the same unit), its first two rows normalized into a rotation,
 * and that rotation's Euler angles in degrees: pitch, yaw, roll. False where the
 * points are not finite or lie so that no direction can be told. */
bool fct_pose_estimate(const float (*points)[3], float pose[3]);

#endif
