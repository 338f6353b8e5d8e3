/* Is a face good enough to be remembered? Plain rules on what detection gives,
 * for warnings at enrollment; no score is made of them. */
#ifndef FACET_CLI_FACE_CHECK_H
#define FACET_CLI_FACE_CHECK_H

#include <facet/facet.h>

enum { FACE_CHECK_MOST = 8 };

typedef struct cli_face_check {
    int n;
    char faults[FACE_CHECK_MOST][120]; /* "small (31 pixels)", "turned to the side", ... */
} cli_face_check;

/* Appends what is wrong with face in picture to *out. */
void cli_face_check_photo(fct_view picture, const fct_face *face, cli_face_check *out);

/* Appends whether the face is unlike the person's other photos, or like somebody
 * else's, in the gallery. threshold: cosine. */
fct_status cli_face_check_people(fct_gallery *g, const char *name, const char *model_id, const fct_face *face,
                                 float threshold, cli_face_check *out, fct_error *err);

#endif
