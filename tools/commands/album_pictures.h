/* Pictures of an album's faces, in a terminal and as files. */
#ifndef FACET_ALBUM_PICTURES_H
#define FACET_ALBUM_PICTURES_H

#include "commands/cmd_album.h"

/* Prints two faces side by side as colored half blocks, where the terminal takes colors; else nothing. */
void cli_album_show_pair(fct_album *album, int64_t face_a, int64_t face_b);

/* Writes both faces of each question into a folder: "001-12-a.jpg", "001-12-b.jpg". Returns an exit code. */
int cli_album_write_pairs(fct_album *album, const char *dir, const fct_question *questions, size_t n);

#endif
