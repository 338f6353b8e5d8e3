/* facet serve: a face-recognition server in this process. docs/decisions/0090 says
 * how it is built. This header and keys.h are what the command sees of it. */
#ifndef FCT_SERVER_SERVER_H
#define FCT_SERVER_SERVER_H

#include "facet/base.h"
#include "server/keys.h"

typedef struct srv_server srv_server;

typedef struct srv_server_opts {
    size_t size;                 /* sizeof this struct; set by srv_server_opts_init() */
    const char *host;            /* a name, an address, or "*" for all (default "127.0.0.1") */
    int port;                    /* 0 = the system chooses (default 8100) */
    const char *data;            /* folder of gallery and keys, made where it is missing (no default) */
    const char *gallery;         /* file, or address of a server; NULL = gallery.db in the data folder (default NULL) */
    const char *pack;            /* see fct_pack_open() (default NULL) */
    const char *cache_dir;       /* of prepared networks; NULL = none (default NULL) */
    const char *cert, *key;      /* PEM files: TLS instead of plain connections (default NULL) */
    const char *apis;            /* dialects besides facet's own, divided by commas (default all but those that must be
                                    asked for) */
    const char *allow;           /* addresses that may use dialects without keys, besides this machine, as
                                    "10.0.0.0/8,::1" (default NULL) */
    const char *immich_upstream; /* URL of Immich's own service for what is not faces (default NULL) */
    const char *audit;         /* what the gallery's audit log notes: "off", "changes", "searches"; NULL = as it is, and
                                  changes in a new gallery (default NULL) */
    const char *monitor_files; /* folder whose videos monitors may watch; NULL = none (default NULL) */
    bool no_auth;              /* everybody may do everything (default false) */
    float threshold;           /* cosine for the same person; NAN = the pack's (default NAN) */
    double rate;               /* requests per second of one key or address; 0 = no limit (default 0) */
    int connections;           /* at once; 0 = 1024, or as many as the system's open files allow (default 0) */
    int queue;                 /* requests that may wait (default 64) */
    int64_t max_body;          /* bytes of a request (default 67108864) */
    int64_t max_pixels;        /* of a picture (default 40000000) */
    int timeout_ms;            /* from a request's head to its answer, at most (default 30000) */
    int head_ms, body_ms, idle_ms; /* for a client to send a head, a body (more for a large one), the next request
                                 (default 10000, 30000, 75000) */
} srv_server_opts;
void srv_server_opts_init(srv_server_opts *o);

/* Opens everything and begins to listen; when it returns, requests are answered. *out
 * is owned. Errors name the file, address or option. */
fct_status srv_server_start(const srv_server_opts *o, srv_server **out, fct_error *err);

int srv_server_port(const srv_server *s);
/* The admin key that was made because there was none; "" = there were keys. Borrowed. */
const char *srv_server_new_key(const srv_server *s);

/* Reads keys and certificate anew. Where that fails, the old ones stay. */
fct_status srv_server_reload(srv_server *s, fct_error *err);

/* Takes no more requests, finishes those it has, for at most grace_ms, and frees it. */
void srv_server_stop(srv_server *s, int grace_ms);

/* The file of keys in a data folder; owned (fct_free), NULL = out of memory. */
char *srv_keys_path(const char *data);

/* Tells the service manager a state ("READY=1"), where there is one. */
void srv_server_notify(const char *state);

#endif
