/* The settings of a monitor: their form in requests and in the file of monitors, their limits and defaults. */
#ifndef FCT_SERVER_MONITOR_CONFIG_H
#define FCT_SERVER_MONITOR_CONFIG_H

#include "server/monitor_address.h"
#include "text/json_reader.h"
#include "text/json_writer.h"

enum {
    SRV_MONITOR_ID = 65, /* bytes with the NUL, as all of these */
    SRV_MONITOR_NAME = 201,
    SRV_MONITOR_TEXT = 1001,
    SRV_MONITORS_MOST = 64
};

/* Who is told of, and how often. */
typedef struct srv_monitor_policy {
    int confirm;     /* analyzed frames in which a face must be found */
    double absence;  /* seconds after which a face that is not seen has left */
    double cooldown; /* seconds since the last sighting in which nobody is told of again */
    bool unknown;    /* tell of faces that nobody has the name of */
} srv_monitor_policy;

typedef struct srv_monitor_config {
    char id[SRV_MONITOR_ID];
    int64_t number;           /* 1, 2, ... in the order in which they were made */
    int64_t created, updated; /* seconds since 1970 */
    char name[SRV_MONITOR_NAME], description[SRV_MONITOR_TEXT];
    bool enabled;
    srv_source_kind kind;
    char address[SRV_ADDRESS]; /* with user and password: never shown; "" = it could not be opened, see `sealed` */
    bool loop;                 /* a file begins anew at its end */
    char collection[SRV_MONITOR_ID];
    double fps;
    float threshold; /* NAN = the collection's */
    int buffer, days;
    srv_monitor_policy policy;
    bool preview;
    char *sealed; /* owned: the address as the file has it, where its key is not at hand; else NULL */
} srv_monitor_config;

void srv_monitor_config_init(srv_monitor_config *c);
void srv_monitor_config_free(srv_monitor_config *c);
/* An id: a letter or a digit, then up to 63 of these, '.', '_' and '-'; "events" is none. */
bool srv_monitor_id_is_good(const char *id);

/* Takes settings from a JSON object; those that it does not name stay. is_new: name and address must be there, and an
 * id may. FCT_ERR_ARG names the setting; FCT_ERR_UNSUPPORTED as srv_address_check(). c may be changed in part then. */
fct_status srv_monitor_config_read(srv_monitor_config *c, const fct_json *v, bool is_new, fct_error *err);

/* Writes the settings as members of an open object, without the address, which is the caller's to show or to seal. */
void srv_monitor_config_write(const srv_monitor_config *c, fct_json_writer *j);

#endif
