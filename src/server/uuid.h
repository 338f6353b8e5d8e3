/* Ids of faces for clients that want UUIDs: the gallery's number behind zeros. */
#ifndef FCT_SERVER_UUID_H
#define FCT_SERVER_UUID_H

#include <stdint.h>

enum { SRV_UUID = 37 }; /* bytes of its text with the NUL */

/* The UUID of a face. Version 8 of RFC 9562: whatever its maker likes. */
void srv_uuid_of(int64_t id, char out[SRV_UUID]);
/* The face's number; -1 where the text is none of ours. */
int64_t srv_uuid_id(const char *uuid);

#endif
