#include "base/alloc.h"
#include "base/error.h"
#include "base/file.h"
#include "bridge/bridge.h"
#include "text/utf8.h"

#include <stdlib.h>
#include <string.h>

enum { FILE_MOST = 65536, SECRETS = 4 };

static const struct {
    const char *name, *variable;
} known[SECRETS] = {{"mqtt_user", "FCT_MQTT_USER"},
                    {"mqtt_password", "FCT_MQTT_PASSWORD"},
                    {"frigate_token", "FCT_FRIGATE_TOKEN"},
                    {"server_key", "FCT_SERVER_KEY"}};

static char **place(brg_secrets *s, int i) {
    char **places[SECRETS] = {&s->mqtt_user, &s->mqtt_password, &s->frigate_token, &s->server_key};
    return places[i];
}

/* Takes a line, which ends with a NUL. */
static fct_status take_line(const char *path, int number, char *line, brg_secrets *out, fct_error *err) {
    if (!*line || *line == '#') return FCT_OK;
    char *value = strchr(line, '=');
    if (value) *value++ = 0;
    for (int i = 0; value && i < SECRETS; i++) {
        if (strcmp(line, known[i].name) != 0) continue;
        for (const char *p = value; *p; p++)
            if ((unsigned char)*p < 32 || *p == 127)
                return fct_fail(err, FCT_ERR_FORMAT, "%s: line %d: a control character", path, number);
        fct_free(*place(out, i));
        *place(out, i) = fct_strdup(value);
        return *place(out, i) ? FCT_OK : fct_fail_nomem(err, path, 0);
    }
    return fct_fail(err, FCT_ERR_FORMAT,
                    "%s: line %d: mqtt_user=, mqtt_password=, frigate_token= or server_key= is needed", path, number);
}

static fct_status read_file(const char *path, brg_secrets *out, fct_error *err) {
    uint8_t *text;
    size_t size;
    fct_status s = fct_file_read(path, FILE_MOST, &text, &size, err);
    if (s) return s;
    char *p = (char *)text;
    for (int number = 1; p && !s; number++) {
        char *end = strchr(p, '\n'), *next = end ? end + 1 : NULL;
        if (end) *end = 0;
        if (end && end > p && end[-1] == '\r') end[-1] = 0;
        s = take_line(path, number, p, out, err);
        p = next;
    }
    fct_free(text);
    return s;
}

fct_status brg_secrets_read(const char *path, brg_secrets *out, fct_error *err) {
    *out = (brg_secrets){0};
    fct_status s = path ? read_file(path, out, err) : FCT_OK;
    for (int i = 0; i < SECRETS && !s; i++) {
        const char *value = getenv(known[i].variable);
        if (*place(out, i) || !value || !*value) continue;
        if (!(*place(out, i) = fct_strdup(value))) s = fct_fail_nomem(err, "secrets", 0);
    }
    return s;
}

void brg_secrets_free(brg_secrets *s) {
    for (int i = 0; i < SECRETS; i++) fct_free(*place(s, i));
    *s = (brg_secrets){0};
}
