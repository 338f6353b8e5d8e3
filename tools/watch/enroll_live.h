/* Enrolling the face in front of a camera: a name is typed, then good shots of
 * the largest face are gathered, each from a somewhat other angle. */
#ifndef FACET_CLI_ENROLL_LIVE_H
#define FACET_CLI_ENROLL_LIVE_H

#include "watch/watch.h"
#include "watch/window.h"

enum { ENROLL_SHOTS = 5 };

typedef struct cli_enroll {
    enum { ENROLL_OFF, ENROLL_NAME, ENROLL_GATHER } state;
    char name[201], hint[200];
    fct_analyzer *embedder; /* owned; made at the first use */
    float *embeddings;      /* [ENROLL_SHOTS][dim], owned */
    fct_enrollment shots[ENROLL_SHOTS];
    int n;
    int64_t track; /* whose shots these are; chosen with the first one */
    uint64_t last, started;
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
