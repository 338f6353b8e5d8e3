/* Pages about people: how they look, and their common parts. They are read with a
 * browser from the disk, without any network; style and script are in each page. */
#ifndef FACET_ALBUM_PAGE_H
#define FACET_ALBUM_PAGE_H

#include "shell/cli.h"

/* What index.html of a report says of itself near its beginning; a file without it is somebody else's. */
#define ALBUM_PAGE_MARK "<meta name=generator content=\"facet album report\">"

/* The beginning of a page up to its body. */
void cli_page_begin(FILE *f, const char *title);
/* Its end, with the script. */
void cli_page_end(FILE *f);

/* Writes text as the value of an attribute that is an address: bytes that an address may not hold as %XX. */
void cli_page_address(FILE *f, const char *path);

#endif
