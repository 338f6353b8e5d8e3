/* Names for folders and files that every file system takes. */
#ifndef FCT_ALBUM_SORT_NAME_H
#define FCT_ALBUM_SORT_NAME_H

#include "base/buffer.h"

/* Appends a person's name as the name of a folder: what Windows, or any file system, does not allow becomes '_'; a dot
 * at the front too, and dots and spaces at the end go. At most 150 bytes, whole characters. Never empty. */
void fct_sort_folder_name(const char *name, fct_buf *out);

/* Appends a file's name, the n-th of that name: "a.jpg", "a (2).jpg". */
void fct_sort_file_name(const char *base, int n, fct_buf *out);

#endif
