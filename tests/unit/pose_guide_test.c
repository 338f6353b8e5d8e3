/* Which faces show the poses that guided enrollment asks for. */
#include "test.h"
#include "watch/pose_guide.h"

enum { FRONT, LEFT, RIGHT, NEARER, AGAIN };

static bool shows(int step, float turn, float eyes) {
    const fct_quality first = {.turn = 0.03f, .eyes = 50}, q = {.turn = turn, .eyes = eyes};
    return cli_pose_matches(step, &q, &first);
}

TEST(each_pose_is_told_from_the_others) {
    static const struct {
        float turn, eyes;
        bool shown[POSE_STEPS];
    } faces[] = {
        {0.03f, 50, {true, false, false, false, true}},   /* as at first */
        {0.16f, 50, {false, true, false, false, false}},  /* the nose towards the picture's right */
        {-0.15f, 50, {false, false, true, false, false}}, /* and left */
        {0.02f, 60, {true, false, false, true, true}},    /* nearer */
        {0.08f, 50, {true, false, false, false, false}},  /* between frontal and turned */
        {-0.15f, 60, {false, false, true, false, false}}, /* nearer, but turned */
    };
    for (size_t i = 0; i < sizeof faces / sizeof *faces; i++)
        for (int step = FRONT; step <= AGAIN; step++)
            CHECK_MSG(shows(step, faces[i].turn, faces[i].eyes) == faces[i].shown[step], "face %zu, pose %d", i, step);
}

TEST(every_pose_has_words) {
    for (int step = 0; step < POSE_STEPS; step++) CHECK(*cli_pose_request(step) && *cli_pose_missed(step));
}

int main(int argc, char **argv) { return test_main(argc, argv); }
