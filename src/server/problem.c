#include "server/problem.h"

#include "base/file_sys.h"
#include "text/json_writer.h"

#include <stdio.h>
#include <string.h>

const char *srv_status_title(int status) {
    static const struct {
        int status;
        const char *title;
    } titles[] = {
        {200, "OK"},
        {201, "Created"},
        {204, "No Content"},
        {400, "Bad Request"},
        {401, "Unauthorized"},
        {403, "Forbidden"},
        {404, "Not Found"},
        {405, "Method Not Allowed"},
        {408, "Request Timeout"},
        {409, "Conflict"},
        {413, "Content Too Large"},
        {414, "URI Too Long"},
        {415, "Unsupported Media Type"},
        {417, "Expectation Failed"},
        {422, "Unprocessable Content"},
        {429, "Too Many Requests"},
        {431, "Request Header Fields Too Large"},
        {500, "Internal Server Error"},
        {501, "Not Implemented"},
        {502, "Bad Gateway"},
        {503, "Service Unavailable"},
        {504, "Gateway Timeout"},
        {505, "HTTP Version Not Supported"},
    };
    for (size_t i = 0; i < sizeof titles / sizeof *titles; i++)
        if (titles[i].status == status) return titles[i].title;
    return "Error";
}

void srv_new_id(char out[37]) {
    unsigned char r[16];
    if (fct_sys_random(r, sizeof r)) memset(r, 0, sizeof r);
    r[6] = (unsigned char)((r[6] & 15) | 64); /* version 4 */
    r[8] = (unsigned char)((r[8] & 63) | 128);
    char *p = out;
    for (int i = 0; i < 16; i++) {
        if (i == 4 || i == 6 || i == 8 || i == 10) *p++ = '-';
        snprintf(p, 3, "%02x", r[i]);
        p += 2;
    }
}

void srv_security_fields(srv_field_fn *add, void *user, const char *policy, const char *cache) {
    add(user, "X-Content-Type-Options", "nosniff");
    add(user, "X-Frame-Options", "DENY");
    add(user, "Content-Security-Policy", policy ? policy : "default-src 'none'; frame-ancestors 'none'");
    add(user, "Referrer-Policy", "no-referrer");
    add(user, "Cross-Origin-Resource-Policy", "same-origin");
    add(user, "Permissions-Policy", policy ? "camera=(self), microphone=(), geolocation=()" : "camera=()");
    add(user, "Cache-Control", cache ? cache : "no-store");
}

void srv_problem_body(fct_buf *out, int status, const char *code, const char *detail, const char *request_id) {
    fct_json_writer j;
    fct_json_to_buf(&j, out);
    fct_json_object(&j, NULL);
    fct_json_text(&j, "type", "about:blank");
    fct_json_text(&j, "title", srv_status_title(status));
    fct_json_int(&j, "status", status);
    fct_json_text(&j, "detail", detail);
    fct_json_text(&j, "code", code);
    fct_json_text(&j, "request_id", request_id);
    fct_json_object(&j, "error");
    fct_json_text(&j, "code", code);
    fct_json_text(&j, "message", detail);
    fct_json_object(&j, "details");
    fct_json_close_object(&j);
    fct_json_close_object(&j);
    fct_json_close_object(&j);
}

static void add_line(void *user, const char *name, const char *value) {
    fct_buf_printf(user, "%s: %s\r\n", name, value);
}

void srv_problem_response(fct_buf *out, int status, const char *detail) {
    char id[37];
    fct_buf body = {0};
    srv_new_id(id);
    const char *code = status == 408   ? "request_timeout"
                       : status == 413 ? "request_too_large"
                       : status == 503 ? "not_ready"
                                       : "invalid_request";
    srv_problem_body(&body, status, code, detail, id);
    fct_buf_printf(out, "HTTP/1.1 %d %s\r\nContent-Type: %s\r\nContent-Length: %zu\r\nConnection: close\r\n", status,
                   srv_status_title(status), SRV_PROBLEM_TYPE, body.size);
    fct_buf_printf(out, "X-Request-Id: %s\r\n", id);
    if (status == 503) fct_buf_text(out, "Retry-After: 1\r\n");
    srv_security_fields(add_line, out, NULL, NULL);
    fct_buf_text(out, "\r\n");
    fct_buf_add(out, body.data, body.size);
    out->failed |= body.failed;
    fct_buf_free(&body);
}
