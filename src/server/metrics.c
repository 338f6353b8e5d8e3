#include "server/metrics.h"

#include <string.h>

static const double bounds[SRV_METRIC_BUCKETS] = {0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5};

void srv_metrics_init(srv_metrics *m) {
    memset(m, 0, sizeof *m);
    fct_mutex_init(&m->lock);
}

void srv_metrics_free(srv_metrics *m) { fct_mutex_destroy(&m->lock); }

/* The counters of a route; the last ones are shared by all that find no place. */
static srv_route_count *find(srv_metrics *m, const char *name) {
    for (int i = 0; i < m->n; i++)
        if (strcmp(m->routes[i].name, name) == 0) return &m->routes[i];
    if (m->n < SRV_METRIC_ROUTES) m->routes[m->n++].name = name;
    return &m->routes[m->n - 1];
}

void srv_metrics_add(srv_metrics *m, const char *name, int status, double seconds) {
    int bucket = 0;
    while (bucket < SRV_METRIC_BUCKETS && seconds > bounds[bucket]) bucket++;
    fct_mutex_lock(&m->lock);
    srv_route_count *r = find(m, name);
    r->classes[status >= 100 && status < 600 ? status / 100 : 0]++;
    r->buckets[bucket]++;
    r->seconds += seconds;
    fct_mutex_unlock(&m->lock);
}

void srv_metrics_refused(srv_metrics *m) {
    fct_mutex_lock(&m->lock);
    m->refused++;
    fct_mutex_unlock(&m->lock);
}

static void head(fct_buf *out, const char *name, const char *type, const char *help) {
    fct_buf_printf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

void srv_metrics_number(fct_buf *out, const char *name, const char *type, const char *help, double value) {
    head(out, name, type, help);
    fct_buf_printf(out, "%s %.17g\n", name, value);
}

static void write_times(const srv_route_count *r, fct_buf *out) {
    uint64_t sum = 0;
    for (int b = 0; b < SRV_METRIC_BUCKETS; b++) {
        sum += r->buckets[b];
        fct_buf_printf(out, "facet_request_seconds_bucket{operation=\"%s\",le=\"%g\"} %llu\n", r->name, bounds[b],
                       (unsigned long long)sum);
    }
    sum += r->buckets[SRV_METRIC_BUCKETS];
    fct_buf_printf(out, "facet_request_seconds_bucket{operation=\"%s\",le=\"+Inf\"} %llu\n", r->name,
                   (unsigned long long)sum);
    fct_buf_printf(out, "facet_request_seconds_sum{operation=\"%s\"} %.6f\n", r->name, r->seconds);
    fct_buf_printf(out, "facet_request_seconds_count{operation=\"%s\"} %llu\n", r->name, (unsigned long long)sum);
}

void srv_metrics_write(srv_metrics *m, fct_buf *out) {
    fct_mutex_lock(&m->lock);
    head(out, "facet_requests_total", "counter", "Answered requests by operation and class of status.");
    for (int i = 0; i < m->n; i++)
        for (int c = 0; c < 6; c++)
            if (m->routes[i].classes[c])
                fct_buf_printf(out, "facet_requests_total{operation=\"%s\",status=\"%dxx\"} %llu\n", m->routes[i].name,
                               c, (unsigned long long)m->routes[i].classes[c]);
    head(out, "facet_request_seconds", "histogram", "From the end of the header to the end of the answer.");
    for (int i = 0; i < m->n; i++) write_times(&m->routes[i], out);
    srv_metrics_number(out, "facet_refused_total", "counter", "Requests refused before they were understood.",
                       (double)m->refused);
    fct_mutex_unlock(&m->lock);
}
