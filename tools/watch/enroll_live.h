/* Enrolling the face in front of a camera: a name is typed, then good pictures of the
 * largest face are gathered, one for each pose that is asked for. */
#ifndef FACET_CLI_ENROLL_LIVE_H
#define FACET_CLI_ENROLL_LIVE_H

#include "watch/pose_guide.h"
#include "watch/watch.h"
#include "watch/window.h"

/* One picture that was taken. */
typedef struct cli_shot {
    fct_image *frame; /* owned */
    fct_face face;    /* its embedding is owned */
} cli_shot;

typedef struct cli_enroll {
    enum { ENROLL_OFF, ENROLL_NAME, ENROLL_GATHER } state;
    char name[201];
    int step;                /* the pose that is waited for */
    bool missed[POSE_STEPS]; /* poses that nobody showed in time */
    char fault[200];         /* what is wrong with the face at present: shown instead of the request; "" = nothing */
    char outcome[400];       /* what came of the last enrollment, shown for a few seconds; "" = none */
    char prompt[256];        /* what cli_enroll_prompt() gives */
    fct_analyzer *embedder;  /* owned; made at the first use */
    cli_shot shots[POSE_STEPS];
    fct_quality first; /* of the first shot */
    int n;
    int64_t track;        /* whose shots these are; chosen with the first one */
    uint64_t last, since; /* when the last shot was taken or the outcome known; when this pose was first asked for */
} cli_enroll;

void cli_enroll_start(cli_enroll *e);
/* Keys, as cli_keys has them, while a name is typed or shots are gathered. */
void cli_enroll_keys(cli_enroll *e, const char *text);
/* One frame; when the shots are complete they go to the gallery. An exit code. */
int cli_enroll_frame(cli_enroll *e, cli_watch *w, fct_view frame);
/* What to show on the window; NULL = nothing. Borrowed until the next call. */
const char *cli_enroll_prompt(cli_enroll *e);
void cli_enroll_free(cli_enroll *e);

#endif
