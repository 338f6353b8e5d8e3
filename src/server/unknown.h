/* Unknown faces that were seen, where a collection keeps them. They are people of a
 * collection that is set apart (srv_unknown_place()), each a group of faces of somebody
 * unknown, so that all that holds for people holds for them: they are durable, encrypted
 * where the gallery is, and found by searches of their own. */
#ifndef FCT_SERVER_UNKNOWN_H
#define FCT_SERVER_UNKNOWN_H

#include "server/app.h"

enum {
    SRV_UNKNOWN_FACES = 20,     /* kept of one group, at most */
    SRV_UNKNOWN_GROUPS = 10000, /* of one collection */
    SRV_UNKNOWN_SOURCE = 200,   /* bytes */
    SRV_UNKNOWN_LEAST = 32      /* pixels that a face must have to be kept */
};

/* What is noted of a group. */
typedef struct srv_group {
    int64_t last, times; /* seen: when (seconds since 1970), how often */
    char source[SRV_UNKNOWN_SOURCE + 1];
    bool ignored;
    int64_t parted; /* the group from which somebody has split it; 0 = none */
} srv_group;

/* Keeps a face of nobody known in the collection, if that is set for it; *group: where, 0 = it is not kept. source may
 * be NULL. The thread works where it did. */
fct_status srv_unknown_see(srv_app *app, int64_t collection, fct_view picture, const fct_face *face, const char *source,
                           int64_t *group, fct_error *err);

fct_status srv_group_read(srv_core *c, int64_t group, srv_group *out, fct_error *err);
fct_status srv_group_write(srv_core *c, int64_t group, const srv_group *x, fct_error *err);
/* A group without faces in the collection where the thread works. */
fct_status srv_group_make(srv_core *c, int64_t *id, fct_error *err);
/* Removes the group where it has no face any more. */
fct_status srv_group_settle(srv_core *c, int64_t group, fct_error *err);

#endif
