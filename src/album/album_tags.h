/* What the two halves of tags share: album_tags_write.c and album_tags_read.c. */
#ifndef FCT_ALBUM_TAGS_H
#define FCT_ALBUM_TAGS_H

#include "album/album_table.h"
#include "facet/album_use.h"

/* What a user has said about a place in a photo: a decision of kind IS or IS_NOT, with its anchor. */
typedef struct fct_tag_mark {
    size_t photo; /* index in the table's photos; SIZE_MAX = not in the album now */
    double box[4];
    int64_t face_id; /* 0 = drawn by hand */
    int64_t person_id;
    bool is;      /* IS */
    bool by_user; /* not from a tag */
    int64_t anchor;
} fct_tag_mark;

typedef struct fct_tag_marks {
    fct_tag_mark *at; /* owned; by photo */
    size_t n, capacity;
} fct_tag_marks;

/* Reads all decisions of these kinds. Free *out in every case. */
fct_status fct_tag_marks_read(fct_album *a, const fct_album_table *t, fct_tag_marks *out, fct_error *err);

/* The first mark of a photo by its index, and how many there are. */
size_t fct_tag_marks_of(const fct_tag_marks *m, size_t photo, size_t *n);

#endif
