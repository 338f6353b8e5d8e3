/* Enrolling the face in front of a camera: a name is typed, then good shots of
 * the largest face are gathered, each from a somewhat other angle. */
#ifndef FACET_CLI_ENROL_LIVE_H
#define FACET_CLI_ENROL_LIVE_H

#include "watch.h"
#include "window.h"

enum { ENROL_SHOTS = 5 };

typedef struct cli_enrol {
    enum { ENROL_OFF, ENROL_NAME, ENROL_GATHER } state;
    char name[201], hint[200];
    fct_analyzer *embedder; /* owned; made at the first use */
    float *embeddings;      /* [ENROL_SHOTS][dim], owned */
    fct_enrolment shots[ENROL_SHOTS];
    int n;
    int64_t track; /* whose shots these are; chosen with the first one */
    uint64_t last, started;
} cli_enrol;

void cli_enrol_start(cli_enrol *e);
/* Keys, as cli_keys has them, while a name is typed or shots are gathered. */
void cli_enrol_keys(cli_enrol *e, const char *text);
/* One frame; when the shots are complete they go to the gallery. An exit code. */
int cli_enrol_frame(cli_enrol *e, cli_watch *w, fct_view frame);
/* What to show on the window; NULL = nothing. Borrowed until the next call. */
const char *cli_enrol_prompt(cli_enrol *e);
void cli_enrol_free(cli_enrol *e);

#endif
