/* One pool of threads that run the networks for all requests. A thread that is free
 * takes what waits, several pictures at once where there are more than threads, so
 * that the faces of different requests are embedded in one batch; where nothing else
 * waits, a picture is alone and is answered at once: no request waits for others to
 * come. */
#ifndef FCT_SERVER_INFER_H
#define FCT_SERVER_INFER_H

#include "facet/face.h"

typedef struct srv_infer srv_infer;

enum { SRV_BATCH_MOST = 16 };

typedef struct srv_infer_stats {
    uint64_t pictures, faces;
    uint64_t batches[SRV_BATCH_MOST + 1]; /* runs with so many pictures */
    int waiting;
} srv_infer_stats;

/* What is wanted of a picture. */
typedef struct srv_look {
    uint32_t tasks;    /* fct_task bits besides FCT_TASK_DETECT; what the pack lacks is left out */
    float det_thresh;  /* least score of a face */
    uint64_t deadline; /* fct_time_ns(): waits no longer to begin */
    bool background;   /* gives way to those that are not, but for one of five: no client waits for it */
    bool largest;      /* the largest face alone */
    bool reduce;       /* srv_core_look() may decode a large JPEG at a smaller size */
} srv_look;

/* The pack is borrowed until the stop. *out is owned. */
fct_status srv_infer_start(const fct_pack *p, int threads, int batch, srv_infer **out, fct_error *err);
void srv_infer_stop(srv_infer *i); /* nobody may be inside srv_infer_run() */

/* Finds the faces of a picture. Waits. *out is owned. FCT_ERR_CANCELLED: the deadline passed. */
fct_status srv_infer_run(srv_infer *i, fct_view picture, const srv_look *look, fct_faces **out, fct_error *err);

/* The same for faces that were found in the picture at another size, which is kx times as wide and ky times as high
 * here: all but finding them (fct_analyze_again()). */
fct_status srv_infer_again(srv_infer *i, fct_view picture, const srv_look *look, const fct_faces *found, float kx,
                           float ky, fct_faces **out, fct_error *err);

void srv_infer_stat(srv_infer *i, srv_infer_stats *out);

#endif
