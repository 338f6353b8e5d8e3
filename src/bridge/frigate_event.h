/* What Frigate publishes under "TOPIC/events": JSON, a message each time that something
 * it follows appears, changes or is gone.
 *
 *   {"type":"new"|"update"|"end", "before":{...}, "after":{"id":"1700000000.123456-abcdef",
 *    "camera":"door", "label":"person", "sub_label":null|"Ann"|["Ann",0.9],
 *    "has_snapshot":true, "false_positive":false, ...}} */
#ifndef FCT_BRIDGE_FRIGATE_EVENT_H
#define FCT_BRIDGE_FRIGATE_EVENT_H

#include "facet/base.h"

enum { BRG_ID = 80, BRG_CAMERA = 65, BRG_PAYLOAD_MOST = 1 << 20 };

typedef enum brg_event_type { BRG_NEW, BRG_UPDATE, BRG_END } brg_event_type;

typedef struct brg_event {
    brg_event_type type;
    char id[BRG_ID];         /* letters, digits, '.', '-' and '_' alone: it becomes part of an address */
    char camera[BRG_CAMERA]; /* UTF-8 without control characters */
    bool is_person;          /* not a car, and not taken back as a mistake */
    bool has_snapshot;
    bool has_sub_label; /* somebody has named it already */
} brg_event;

/* Reads a message of size bytes. FCT_ERR_FORMAT, FCT_ERR_LIMIT: the text says what is wrong. */
fct_status brg_event_read(const void *data, size_t size, brg_event *out, fct_error *err);

#endif
