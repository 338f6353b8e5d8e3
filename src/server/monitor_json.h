/* How monitors and their events look in JSON. */
#ifndef FCT_SERVER_MONITOR_JSON_H
#define FCT_SERVER_MONITOR_JSON_H

#include "server/monitor.h"
#include "text/json_writer.h"

/* {"id":..,"type":..,..}; names of people are looked up in the gallery, so that they are what people are called now. */
void srv_json_event(fct_json_writer *j, const char *key, const srv_core *c, const char *monitor,
                    const srv_monitor_event *e);
void srv_json_monitor(fct_json_writer *j, const char *key, const srv_monitor_view *v);
void srv_json_state(fct_json_writer *j, const char *key, const srv_core *c, const srv_monitor_view *v);

#endif
