/* The report of 'facet enroll --folders DIR --report FILE': what became of each photo, a
 * line of CSV each, written when it is so. A run that was stopped, killed even, goes on
 * by it: photos that are noted and have not changed since are passed over, unless their
 * person has left the gallery or they could not be read. */
#ifndef FACET_CLI_ENROLL_REPORT_H
#define FACET_CLI_ENROLL_REPORT_H

#include "photos/inputs.h"

typedef struct cli_enroll_report cli_enroll_report;

/* What became of a photo; the names are in the file and stay. */
typedef enum cli_enroll_state {
    ENROLL_STORED,     /* "stored" */
    ENROLL_KNOWN,      /* "known": the person had this face already */
    ENROLL_REFUSED,    /* "refused": a face that --strict does not take */
    ENROLL_NO_FACE,    /* "no face" */
    ENROLL_UNREADABLE, /* "unreadable" */
    ENROLL_STATES
} cli_enroll_state;

/* Opens the report, or begins one; g tells whether people who are noted are still there. A report of another model is
 * refused. Prints one line and returns an exit code where that fails. *out is owned: cli_enroll_report_close(). */
int cli_enroll_report_open(const char *path, const char *model_id, fct_gallery *g, cli_enroll_report **out);

/* Takes photos that are done out of the inputs; returns how many. */
size_t cli_enroll_report_skip(const cli_enroll_report *r, cli_inputs *in);

/* Notes a photo. face_id 0 = none; why may be NULL. */
void cli_enroll_report_add(cli_enroll_report *r, const char *file, const char *person, cli_enroll_state state,
                           int64_t face_id, const char *why);

/* Prints a line and returns CLI_INPUT where the report could not be written. r may be NULL. */
int cli_enroll_report_close(cli_enroll_report *r);

#endif
