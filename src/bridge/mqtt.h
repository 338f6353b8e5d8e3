/* A connection to an MQTT broker, by libmosquitto, which is loaded when it is made: a
 * thread of its own receives what is published under one topic, and connects again
 * whenever the connection is lost. */
#ifndef FCT_BRIDGE_MQTT_H
#define FCT_BRIDGE_MQTT_H

#include "facet/base.h"

typedef struct brg_mqtt brg_mqtt;

typedef struct brg_mqtt_opts {
    const char *url;             /* "mqtt://HOST[:1883]" or "mqtts://HOST[:8883]" */
    const char *topic;           /* what is listened to */
    const char *user, *password; /* NULL = none */
    const char *ca;              /* PEM file of the authorities to trust; NULL = the system's */
    bool insecure;               /* do not verify the broker's certificate */
    /* Called by the connection's thread: for a message, whose data are borrowed for the call; and when the connection
     * is made or lost, text says which and why. */
    void (*message)(void *user, const void *data, size_t size);
    void (*state)(void *user, bool connected, const char *text);
    void *data; /* their first argument */
} brg_mqtt_opts;

/* Connects in the background: a broker that is not there is waited for. *out is owned. Errors: FCT_ERR_ARG (no such
 * address), FCT_ERR_UNSUPPORTED (libmosquitto is not installed), FCT_ERR_IO (the file of authorities). */
fct_status brg_mqtt_start(const brg_mqtt_opts *o, brg_mqtt **out, fct_error *err);
/* Says goodbye and ends the thread. */
void brg_mqtt_stop(brg_mqtt *m);

/* The host and port of an address; *tls. FCT_ERR_ARG says what is wrong. host: [256]. */
fct_status brg_mqtt_parse(const char *url, char *host, int *port, bool *tls, fct_error *err);

#endif
