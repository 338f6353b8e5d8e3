/* Who is on a picture: asked of a gallery on this machine, or of a facet server. */
#ifndef FCT_BRIDGE_RECOGNIZER_H
#define FCT_BRIDGE_RECOGNIZER_H

#include "bridge/web_client.h"
#include "facet/face.h"
#include "facet/gallery.h"

/* The largest face of a picture. */
typedef struct brg_face {
    bool found;     /* there is one */
    char name[201]; /* "" = nobody known */
    double score;   /* 0..1: 0.8 at the threshold, see recognizer.c */
} brg_face;

/* A gallery that the caller opened; all borrowed. */
typedef struct brg_local {
    const fct_pack *pack;
    fct_analyzer *analyzer; /* detects and embeds */
    fct_gallery *gallery;
    float threshold; /* cosine; NAN: the gallery's own, else the pack's */
    int64_t max_pixels;
} brg_local;

/* A facet server; all borrowed. */
typedef struct brg_remote {
    brg_web *web;
    const char *url, *key;  /* of its /v1 interface; key NULL = it needs none */
    const char *collection; /* NULL = the default one */
} brg_remote;

/* FCT_ERR_FORMAT, FCT_ERR_UNSUPPORTED, FCT_ERR_LIMIT: it is no picture; others: it could not be found out. */
fct_status brg_ask_local(const brg_local *l, const void *data, size_t size, brg_face *out, fct_error *err);
fct_status brg_ask_remote(const brg_remote *r, const void *data, size_t size, brg_face *out, fct_error *err);

/* Reads the server's answer to an identification, which is changed. */
fct_status brg_read_identify(char *text, size_t size, brg_face *out, fct_error *err);

#endif
