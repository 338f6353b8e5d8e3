/* Where a monitor's pictures come from: which addresses are allowed, and what of them may be seen. An address may hold
 * a user's name and a password, in places that differ from camera to camera. So it goes to the source that opens it
 * and into the file of monitors, and everything else gets what srv_address_show() leaves of it. */
#ifndef FCT_SERVER_MONITOR_ADDRESS_H
#define FCT_SERVER_MONITOR_ADDRESS_H

#include "facet/base.h"

enum { SRV_ADDRESS = 2049, SRV_ADDRESS_SHOWN = 300 }; /* bytes with the NUL */

typedef enum srv_source_kind {
    SRV_SOURCE_CAMERA, /* a device of this computer: "/dev/video0", "camera:0" */
    SRV_SOURCE_FILE,   /* a path below the folder that the server was given for that */
    SRV_SOURCE_HTTP,
    SRV_SOURCE_HTTPS,
    SRV_SOURCE_RTSP
} srv_source_kind;
enum { SRV_SOURCE_KINDS = 5 };

const char *srv_source_kind_name(srv_source_kind k);               /* "camera"; static */
bool srv_source_kind_find(const char *name, srv_source_kind *out); /* false: there is no such */

/* Checks an address and tells its kind. FCT_ERR_ARG: it is badly formed, FCT_ERR_UNSUPPORTED: a scheme that is not
 * in the list. No text of an error holds any of the address but its scheme. */
fct_status srv_address_check(const char *address, srv_source_kind *kind, fct_error *err);

/* What may be shown: scheme, host and port, the path where it is plain, and neither user name, password nor query. */
void srv_address_show(const char *address, char out[SRV_ADDRESS_SHOWN]);
bool srv_address_has_credentials(const char *address);

/* The name by which fct_source_open() opens it; owned. A file's path is looked for below `files` (NULL = files are not
 * allowed, FCT_ERR_UNSUPPORTED), with all links followed, and must be a regular file there that is no list of other
 * addresses; else FCT_ERR_NOT_FOUND or FCT_ERR_UNSUPPORTED. */
fct_status srv_address_resolve(const char *address, srv_source_kind kind, const char *files, char **out,
                               fct_error *err);

/* Makes the text of an error that names the address fit to be shown: what stands before its first ": " becomes what may
 * be shown, and where any secret part of the address is left, the whole becomes a plain sentence. */
void srv_address_scrub(const char *address, fct_error *e);

#endif
