/* The album in memory for its report, and the pages' files. */
#ifndef FACET_ALBUM_REPORT_H
#define FACET_ALBUM_REPORT_H

#include "shell/cli.h"

typedef struct report_person {
    int64_t id;
    char *name; /* owned; NULL = nobody has named it */
    int64_t faces, photos, first, last;
} report_person;

typedef struct report_photo {
    int64_t id, taken;
    size_t order;  /* by date */
    char *path;    /* owned */
    char mark[17]; /* the start of its hash, for names of files */
    int width, height;
    bool is_video;
} report_photo;

typedef struct report_face {
    int64_t id, photo_id;
    size_t person; /* index in people */
    float quality;
} report_face;

typedef struct report_book {
    report_person *people; /* named ones first, most photos first */
    report_photo *photos;  /* by id */
    report_face *faces;    /* by photo */
    size_t n_people, n_photos, n_faces, people_cap, photos_cap, faces_cap;
} report_book;

/* Reads whoever is worth a page: people with a name, and groups of two photos and more; ignored people aside. Prints
 * one line and returns an exit code on failure. */
int cli_report_read(fct_album *album, report_book *out);
void cli_report_free(report_book *b);

const report_photo *cli_report_photo(const report_book *b, int64_t id);

/* Writes all files into the folder. progress: a line on a terminal. */
int cli_report_write(fct_album *album, const report_book *b, const char *folder, bool quiet);

#endif
