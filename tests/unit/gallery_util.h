/* Helpers of the gallery's test programs. */
#ifndef FCT_GALLERY_UTIL_H
#define FCT_GALLERY_UTIL_H

#include "facet/gallery.h"

#define UTIL_DIM   32
#define UTIL_MODEL "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

/* Path of a file in this process's temporary folder, which is made empty at the
 * first call and removed at exit. Static, overwritten by the call after the next. */
const char *util_path(const char *name);
/* Removes a gallery file with its -wal, -shm and -journal. */
void util_remove(const char *path);
void util_copy(const char *from, const char *to);

/* Repeatable random numbers: SplitMix64. */
uint64_t util_random(uint64_t *state);
float util_uniform(uint64_t *state); /* -1..1 */

/* The embedding number seed, [dim], of any length; different seeds are far apart. */
void util_embedding(uint64_t seed, int dim, float *out);

/* An embedding [UTIL_DIM] whose cosine to number seed is about c. */
void util_near(uint64_t seed, double c, float *out);

/* Enrolls embedding number seed, which is also its source, under name; *id may be NULL. */
fct_status util_enroll(fct_gallery *g, const char *name, uint64_t seed, int64_t *id, fct_error *err);

/* Name that embedding number seed is found under at threshold 0.999, "" = nobody,
 * NULL = the search failed. Static. */
const char *util_who(fct_gallery *g, uint64_t seed);

#endif
