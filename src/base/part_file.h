/* A file that is read in parts, where they are needed, instead of mapped. */
#ifndef FCT_BASE_PART_FILE_H
#define FCT_BASE_PART_FILE_H

#include "base/file.h"

/* Whoever reads a mapping of a file that somebody shortens meanwhile is ended by
 * the system (SIGBUS). Here the worst is an error: every read checks that the file
 * still has the size and the time of change that it had when it was opened. */
typedef struct fct_part_file {
    const char *path;     /* borrowed */
    uint8_t *data;        /* [size] private memory: zeros where fct_part_load() has not read yet. Not NULL,
                           * also for an empty file */
    size_t size;          /* of the file when it was opened */
    size_t room;          /* bytes of memory behind data */
    fct_file_stat opened; /* what the system said of the file when it was opened */
    intptr_t handle;
} fct_part_file;

/* Opens a regular file and reads nothing of it yet. Errors are those of
 * fct_map_open(). path is borrowed until fct_part_close(). */
fct_status fct_part_open(const char *path, fct_part_file *out, fct_error *err);
/* The same for a file that only this user can have written (fct_map_open_own()), and
 * for fct_part_read() alone: there is no memory for fct_part_load(). */
fct_status fct_part_open_own(const char *path, fct_part_file *out, fct_error *err);
void fct_part_close(fct_part_file *f);

/* Reads n bytes at offset `at`, both within the file's size, into `out` or to
 * where they belong in f->data. FCT_ERR_FORMAT when the file has changed since it
 * was opened. Any number of threads may read different parts at the same time. */
fct_status fct_part_read(const fct_part_file *f, size_t at, size_t n, void *out, fct_error *err);
fct_status fct_part_load(const fct_part_file *f, size_t at, size_t n, fct_error *err);

#endif
