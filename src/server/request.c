#include "server/request.h"

#include "base/alloc.h"
#include "server/stream.h"
#include "text/utf8.h"

#include <string.h>
#include <strings.h>

static void free_pairs(srv_pair *pairs, int n) {
    for (int i = 0; i < n; i++) {
        fct_free(pairs[i].name);
        fct_free(pairs[i].value);
    }
}

void srv_request_free(srv_request *r) {
    fct_free(r->path);
    for (int i = 0; i < SRV_PARAMS; i++) fct_free(r->params[i]);
    free_pairs(r->fields, r->n_fields);
    free_pairs(r->query, r->n_query);
    fct_buf_free(&r->body);
    r->n_fields = r->n_query = 0;
}

void srv_reply_free(srv_reply *r) {
    fct_buf_free(&r->body);
    srv_stream_release(r->stream);
    r->stream = NULL;
}

const char *srv_request_field(const srv_request *r, const char *name) {
    for (int i = 0; i < r->n_fields; i++)
        if (strcasecmp(r->fields[i].name, name) == 0) return r->fields[i].value;
    return NULL;
}

const char *srv_request_query(const srv_request *r, const char *name) {
    for (int i = 0; i < r->n_query; i++)
        if (strcmp(r->query[i].name, name) == 0) return r->query[i].value;
    return NULL;
}

bool srv_pair_add(srv_pair *pairs, int *n, const char *name, const char *value) {
    if (*n == SRV_PAIRS) return false;
    srv_pair p = {fct_strdup(name), fct_strdup(value)};
    if (!p.name || !p.value) {
        free_pairs(&p, 1);
        return false;
    }
    pairs[(*n)++] = p;
    return true;
}

static int hex_digit(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

bool srv_percent_decode(char *text) {
    char *to = text;
    for (const char *p = text; *p; p++, to++) {
        *to = *p;
        if (*p != '%') continue;
        int high = hex_digit(p[1]), low = high < 0 ? -1 : hex_digit(p[2]);
        if (low < 0 || high + low == 0) return false;
        *to = (char)(high * 16 + low);
        p += 2;
    }
    *to = 0;
    return fct_utf8_valid(text, strlen(text));
}
