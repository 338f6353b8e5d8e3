#include "server/routes.h"

#include "base/alloc.h"
#include "text/utf8.h"

#include <string.h>

enum { SEGMENTS = 12 };

/* The segments of a path, decoded. */
typedef struct path_parts {
    char *at[SEGMENTS]; /* owned */
    int n;
} path_parts;

static void free_parts(path_parts *p) {
    for (int i = 0; i < p->n; i++) fct_free(p->at[i]);
    p->n = 0;
}

/* A segment that names no folder's neighbor and holds nothing that a terminal or a log obeys. */
static bool is_harmless(const char *segment) {
    if (strcmp(segment, ".") == 0 || strcmp(segment, "..") == 0) return false;
    for (const char *p = segment, *end = p + strlen(p); p < end;)
        if (fct_utf8_is_control((uint32_t)fct_utf8_next(&p, end))) return false;
    return true;
}

/* Splits "/a/b%20c/" into its decoded segments. A '/' that is encoded is part of its segment. False for an empty or
 * bad segment, or too many. */
static bool split(const char *path, path_parts *out) {
    out->n = 0;
    if (*path != '/') return false;
    for (const char *p = path + 1; *p;) {
        size_t n = strcspn(p, "/");
        if (n == 0 || out->n == SEGMENTS) return false;
        char *segment = fct_strndup(p, n);
        if (!segment) return false;
        out->at[out->n++] = segment;
        if (!srv_percent_decode(segment) || !is_harmless(segment)) return false;
        p += n + (p[n] == '/');
    }
    return true;
}

/* Whether the segments are those of a route's path. */
static bool fits(const char *pattern, const path_parts *parts) {
    int i = 0;
    for (const char *p = pattern + 1; *p; i++) {
        size_t n = strcspn(p, "/");
        if (i == parts->n) return false;
        bool any = n == 2 && strncmp(p, "{}", 2) == 0;
        if (!any && (strlen(parts->at[i]) != n || strncmp(p, parts->at[i], n))) return false;
        p += n + (p[n] == '/');
    }
    return i == parts->n;
}

/* Moves the segments in place of {} into the request. */
static void take_params(const srv_route *route, path_parts *parts, srv_request *r) {
    int i = 0, n = 0;
    for (const char *p = route->path + 1; *p; i++) {
        size_t len = strcspn(p, "/");
        if (len == 2 && strncmp(p, "{}", 2) == 0 && n < SRV_PARAMS) {
            r->params[n++] = parts->at[i];
            parts->at[i] = NULL;
        }
        p += len + (p[len] == '/');
    }
}

srv_route_result srv_route_find(const srv_dialect *const *dialects, srv_request *r, const srv_dialect **dialect,
                                int *methods) {
    path_parts parts;
    *dialect = NULL;
    *methods = 0;
    if (!split(r->path, &parts)) {
        free_parts(&parts);
        return SRV_ROUTE_BAD_PATH;
    }
    for (; *dialects && !r->route; dialects++)
        for (const srv_route *route = (*dialects)->routes; route->path && !r->route; route++) {
            if (!fits(route->path, &parts)) continue;
            if (!*dialect) *dialect = *dialects;
            *methods |= route->method;
            if (route->method != r->method) continue;
            r->route = route;
            *dialect = *dialects;
            take_params(route, &parts, r);
        }
    free_parts(&parts);
    return r->route ? SRV_ROUTE_FOUND : *dialect ? SRV_ROUTE_OTHER_METHOD : SRV_ROUTE_NONE;
}
