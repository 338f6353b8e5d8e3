/* Picasa's list of a folder's faces, ".picasa.ini" (older: "Picasa.ini"). A text file
 * of sections, in UTF-8 or Latin-1, with or without a byte order mark:
 *
 *   [Contacts2]                        people: number=name;mail address;...
 *   8e62398ebda8c1a5=Ada Lovelace;;
 *   [Contacts]                         older: number=account_lh,number there: no name
 *   [IMG_1.jpg]                        a photo of the folder
 *   faces=rect64(3f845bcb59418507),8e62398ebda8c1a5;rect64(...),...
 *
 * rect64 is left, top, right and bottom as 16 bits each, 65535 being the whole width
 * or height of the stored picture; zeros at the front are left out. The number
 * ffffffffffffffff is a face without a name. */
#ifndef FCT_TAGS_PICASA_H
#define FCT_TAGS_PICASA_H

#include "facet/base.h"

typedef struct fct_picasa fct_picasa;

typedef struct fct_picasa_face {
    double box[4];    /* x1, y1, x2, y2 of the stored picture, 0 to 1 */
    const char *name; /* "" where it is not known; borrowed from the list */
} fct_picasa_face;

/* Reads the list of a folder; one that has none, or is none, gives an empty list. *out is owned.
 * Errors: FCT_ERR_IO, FCT_ERR_LIMIT (more than 64 MiB), FCT_ERR_NOMEM. */
fct_status fct_picasa_open(const char *folder, fct_picasa **out, fct_error *err);
/* The same from text in memory. What cannot be understood is passed over. */
fct_status fct_picasa_parse(const uint8_t *data, size_t n, fct_picasa **out, fct_error *err);
void fct_picasa_free(fct_picasa *p);

/* Takes up to max faces of a photo, by its file name without a folder; upper and lower case are the same.
 * Returns how many. */
int fct_picasa_faces(const fct_picasa *p, const char *file, fct_picasa_face *out, int max);

#endif
