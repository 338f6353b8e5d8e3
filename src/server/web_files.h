/* The files of the web page, which embed_web.py puts into the program. */
#ifndef FCT_SERVER_WEB_FILES_H
#define FCT_SERVER_WEB_FILES_H

#include <stddef.h>

typedef struct srv_web_file {
    const char *name, *type;
    const unsigned char *plain;
    size_t plain_size;
    const unsigned char *packed; /* the same, as gzip */
    size_t packed_size;
} srv_web_file;

/* index.html first; ends with a NULL name. */
extern const srv_web_file srv_web_files[];
/* Changes when any of them does; part of the address of all but the first. */
extern const char srv_web_stamp[];

#endif
