/* Finds faces: runs the detector of a pack over a picture at all its sizes (and
 * tiles), one suppression over all. One thread at a time. */
#ifndef FCT_FACE_FINDER_H
#define FCT_FACE_FINDER_H

#include "face/detect.h"
#include "graph/arena.h"

typedef struct fct_finder fct_finder;

/* *out is owned; it borrows the pack and the arena. Errors as fct_analyzer_create(). */
fct_status fct_finder_create(const fct_pack *p, const fct_analyzer_opts *opts, fct_arena *arena, fct_finder **out,
                             fct_error *err);
void fct_finder_free(fct_finder *f);

/* Takes over other options; on failure the old ones stay. */
fct_status fct_finder_configure(fct_finder *f, const fct_analyzer_opts *opts, fct_error *err);
bool fct_finder_has_kps(const fct_finder *f);

/* Faces of the picture, best first, at most max_faces. list is emptied first. */
fct_status fct_finder_run(fct_finder *f, fct_view picture, fct_det_list *list, fct_error *err);

#endif
