/* Comma-separated values (RFC 4180, but with a bare line feed): one face a line. */
#ifndef FACET_CLI_FACE_CSV_H
#define FACET_CLI_FACE_CSV_H

#include "photos/engine.h"

/* A text, in quotes where it needs them. Bytes as they are, but on a terminal, which
 * would obey control characters. */
void cli_csv_text(FILE *f, const char *text);

/* The columns that lines of faces begin with: file, face (from 1), x1, y1, x2, y2, score. */
#define CLI_CSV_FACE "file,face,x1,y1,x2,y2,score"
void cli_csv_face(FILE *f, const cli_photo *p, int face);

#endif
