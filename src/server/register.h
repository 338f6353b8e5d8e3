/* Enrollment of several pictures of one person, as all dialects do it. */
#ifndef FCT_SERVER_REGISTER_H
#define FCT_SERVER_REGISTER_H

#include "server/core.h"

enum { SRV_REGISTER_MOST = 20 };
/* What is stored as the source of a face, which is shown to nobody; anything else is. */
#define SRV_SOURCE_SERVER   "server"
#define SRV_SOURCE_EXTERNAL "external"

typedef enum srv_review {
    SRV_REVIEW_OFF,      /* the largest face of each picture is taken, whatever its flaws */
    SRV_REVIEW_STANDARD, /* exactly one face, and one that is good enough to be recognized by */
    SRV_REVIEW_STRICT    /* and like the person's other faces more than like anybody else's */
} srv_review;

/* One picture of a person. */
typedef struct srv_register_item {
    const void *data; /* borrowed */
    size_t size;
    const char *filename;   /* for people; may be "" */
    const float *embedding; /* made elsewhere, of the pack's size, borrowed; NULL = made here. data may be NULL then */
    const char *reason;     /* why it was not stored, a word of the API; NULL = it was. Static */
    char detail[500];       /* the same for people */
    fct_enroll_result result;
} srv_register_item;

/* Whom pictures are of, and how they are taken. */
typedef struct srv_register_opts {
    const char *name;
    int64_t person_id; /* whose name it must be when the faces are stored, or FCT_PERSON_NEW; 0 = anybody's */
    srv_review review;
    const char *source;
    uint64_t deadline; /* fct_time_ns() */
} srv_register_opts;

/* Finds the face of each picture and stores those that pass, in one transaction. What a
 * picture is refused for is in its item and no failure of the call. *stored: how many
 * faces the person has of them now. FCT_ERR_NOT_FOUND: the name is not the person's any more; FCT_ERR_EXISTS:
 * it is not that of somebody new. */
fct_status srv_register(srv_core *c, const srv_register_opts *o, srv_register_item *items, int n, int *stored,
                        fct_error *err);

#endif
