/* The file of monitors, DIR/monitors.json, for its owner alone:
 *
 *   {"version":1,"last_number":2,"monitors":[{"id":"door","number":2,"created":0,"updated":0,
 *     "address":{"type":"rtsp","loop":false,"url":"rtsp://..."},"settings":{...}}]}
 *
 * The settings are those of requests (monitor_config.h). Where FCT_GALLERY_KEY is set an address is stored sealed, as
 * "sealed" in place of "url" (fct_secret_seal()). It is replaced as a whole, so that whoever reads it, also after the
 * process was killed, finds the old list or the new one. */
#ifndef FCT_SERVER_MONITOR_FILE_H
#define FCT_SERVER_MONITOR_FILE_H

#include "server/monitor_config.h"

typedef struct srv_monitor_list {
    srv_monitor_config *at; /* owned, by number */
    size_t n, capacity;
    int64_t last_number;
    bool plain; /* an address was stored in the clear although there is a key now: to be written again */
} srv_monitor_list;

/* Reads the file; none is no fault but an empty list. An address that cannot be opened with the key at hand stays
 * sealed and is no fault either. FCT_ERR_FORMAT names the place. Free the list in both cases. */
fct_status srv_monitor_file_read(const char *path, srv_monitor_list *out, fct_error *err);
/* The same from memory, text [size], which is changed; text[size] must be writable. name stands for the file. */
fct_status srv_monitor_file_parse(char *text, size_t size, const char *name, srv_monitor_list *out, fct_error *err);
fct_status srv_monitor_file_write(const char *path, const srv_monitor_list *l, fct_error *err);
void srv_monitor_list_free(srv_monitor_list *l);
/* Adds a copy, of which `sealed` goes over to the list where it fits in. */
fct_status srv_monitor_list_add(srv_monitor_list *l, const srv_monitor_config *c, fct_error *err);

/* Why an address that stayed sealed cannot be opened; never FCT_OK. */
fct_status srv_monitor_sealed_reason(const srv_monitor_config *c, fct_error *err);

#endif
