/* What the server counts, in the text format of Prometheus. */
#ifndef FCT_SERVER_METRICS_H
#define FCT_SERVER_METRICS_H

#include "base/buffer.h"
#include "base/thread.h"

enum { SRV_METRIC_ROUTES = 160, SRV_METRIC_BUCKETS = 11 };

typedef struct srv_route_count {
    const char *name;    /* static */
    uint64_t classes[6]; /* answers by the first digit of their status */
    uint64_t buckets[SRV_METRIC_BUCKETS + 1];
    double seconds;
} srv_route_count;

typedef struct srv_metrics {
    fct_mutex lock;
    srv_route_count routes[SRV_METRIC_ROUTES];
    int n;
    uint64_t refused; /* before they became requests */
} srv_metrics;

void srv_metrics_init(srv_metrics *m);
void srv_metrics_free(srv_metrics *m);
void srv_metrics_add(srv_metrics *m, const char *name, int status, double seconds);
void srv_metrics_refused(srv_metrics *m);

/* Appends all that was counted. */
void srv_metrics_write(srv_metrics *m, fct_buf *out);
/* Appends one number with its name and what it means. type: "gauge" or "counter". */
void srv_metrics_number(fct_buf *out, const char *name, const char *type, const char *help, double value);

#endif
