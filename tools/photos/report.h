/* How photos and faces are printed, for people and as JSON. */
#ifndef FACET_CLI_REPORT_H
#define FACET_CLI_REPORT_H

#include "photos/engine.h"
#include "shell/json.h"

/* "file", "width", "height" of the photo, as members of an open object. */
void cli_json_photo(fct_json_writer *j, const cli_photo *p);

/* Members of the face in an open object: "box", "score", "kps" and what else the
 * pack gave: "gender", "age", "pose", and the values of the tasks that have a key
 * (fct_task_info): "landmark_106", "landmark_68". */
void cli_json_face(fct_json_writer *j, const fct_face *f);

/* {"file": name, "error": text} as a line of its own. */
void cli_json_failure(FILE *f, const char *name, const fct_error *e);

/* "score 0.87  box 120,80 96x120  male 31" (positions rounded to pixels). */
void cli_print_face(FILE *f, const fct_face *face);

/* Prints a line and returns CLI_USE where both --json and --csv were given. */
int cli_check_formats(const char *command, const cli_settings *s);

/* "1 face", "3 faces". Borrowed until the fourth call after it. */
const char *cli_count(int n, const char *one, const char *many);

/* "M 31", "F", or "" for what is known of gender and age. */
void cli_format_person(const fct_face *f, char *out, size_t cap);

#endif
