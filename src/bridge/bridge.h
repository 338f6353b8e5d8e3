/* facet bridge frigate: listens to what Frigate says of people that it follows, looks at their
 * snapshots, and tells Frigate their names as sub labels. */
#ifndef FCT_BRIDGE_BRIDGE_H
#define FCT_BRIDGE_BRIDGE_H

#include "bridge/recognizer.h"
#include "bridge/mqtt.h"
#include "bridge/visits.h"

/* Secrets, from a file or the environment; texts are owned: brg_secrets_free(). NULL = not given. */
typedef struct brg_secrets {
    char *mqtt_user, *mqtt_password, *frigate_token, *server_key;
} brg_secrets;

/* Reads lines "mqtt_user=...", "mqtt_password=", "frigate_token=", "server_key=" of a file (NULL = none), empty ones
 * and those that begin with '#' apart; what it does not say is taken from FCT_MQTT_USER, FCT_MQTT_PASSWORD,
 * FCT_FRIGATE_TOKEN and FCT_SERVER_KEY. FCT_ERR_FORMAT names the line. Free it in both cases. */
fct_status brg_secrets_read(const char *path, brg_secrets *out, fct_error *err);
void brg_secrets_free(brg_secrets *s);

/* What became of a visit. */
typedef struct brg_report {
    const char *event, *camera;
    const char *name; /* NULL = nobody known */
    double score;
    int looks, faces; /* snapshots, and those with a face */
    bool sent;        /* Frigate was told, and took it */
} brg_report;

typedef struct brg_opts {
    const char *mqtt, *topic; /* address of the broker; Frigate's topic ("frigate") */
    const char *ca;           /* see brg_mqtt_opts */
    const char *frigate;      /* address of Frigate's HTTP interface */
    const brg_secrets *secrets;
    bool insecure, dry_run;
    int needed;             /* snapshots that must agree before a person has left */
    const brg_local *local; /* who finds faces, or */
    const char *server, *collection;
    bool (*stopped)(void); /* asked several times a second */
    /* Called by the calling thread. */
    void (*report)(void *user, const brg_report *r);
    void (*note)(void *user, bool warning, const char *text);
    void *user;
} brg_opts;

/* Works until stopped() says so. Errors are those of the options; what goes wrong later is noted and tried again. */
fct_status brg_run(const brg_opts *o, fct_error *err);

#endif
