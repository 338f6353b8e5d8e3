#include "bridge/mqtt.h"

#include "base/alloc.h"
#include "base/error.h"
#include "base/file.h"
#include "base/library.h"
#include "base/thread.h"

#include <mosquitto.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { KEEPALIVE_S = 30, LOOP_MS = 200, WAIT_LEAST_MS = 500, WAIT_MOST_MS = 30000 };

static struct {
    FCT_TYPE_OF(mosquitto_lib_init) * lib_init;
    FCT_TYPE_OF(mosquitto_new) * new;
    FCT_TYPE_OF(mosquitto_destroy) * destroy;
    FCT_TYPE_OF(mosquitto_username_pw_set) * username_pw_set;
    FCT_TYPE_OF(mosquitto_tls_set) * tls_set;
    FCT_TYPE_OF(mosquitto_tls_insecure_set) * tls_insecure_set;
    FCT_TYPE_OF(mosquitto_int_option) * int_option;
    FCT_TYPE_OF(mosquitto_connect) * connect;
    FCT_TYPE_OF(mosquitto_reconnect) * reconnect;
    FCT_TYPE_OF(mosquitto_disconnect) * disconnect;
    FCT_TYPE_OF(mosquitto_loop) * loop;
    FCT_TYPE_OF(mosquitto_subscribe) * subscribe;
    FCT_TYPE_OF(mosquitto_connect_callback_set) * connect_callback_set;
    FCT_TYPE_OF(mosquitto_message_callback_set) * message_callback_set;
    FCT_TYPE_OF(mosquitto_strerror) * strerror;
    FCT_TYPE_OF(mosquitto_connack_string) * connack_string;
} api;

static bool load_mosquitto(void) {
    static const char *const files[] = {"libmosquitto.so.1", "libmosquitto.1.dylib", NULL};
#define SYMBOL(f)                                                                                                      \
    { "mosquitto_" #f, (void (**)(void)) & api.f }
    static const fct_symbol symbols[] = {SYMBOL(lib_init),
                                         SYMBOL(new),
                                         SYMBOL(destroy),
                                         SYMBOL(username_pw_set),
                                         SYMBOL(tls_set),
                                         SYMBOL(tls_insecure_set),
                                         SYMBOL(int_option),
                                         SYMBOL(connect),
                                         SYMBOL(reconnect),
                                         SYMBOL(disconnect),
                                         SYMBOL(loop),
                                         SYMBOL(subscribe),
                                         SYMBOL(connect_callback_set),
                                         SYMBOL(message_callback_set),
                                         SYMBOL(strerror),
                                         SYMBOL(connack_string)};
    return fct_library_load(files, symbols, sizeof symbols / sizeof *symbols) && api.lib_init() == MOSQ_ERR_SUCCESS;
}

struct brg_mqtt {
    brg_mqtt_opts o; /* texts of the caller, which last as long */
    char host[256];
    int port;
    bool tls, connected;
    bool told; /* what is wrong, since it was connected last */
    struct mosquitto *client;
    fct_thread thread;
    atomic_bool stopping;
};

fct_status brg_mqtt_parse(const char *url, char *host, int *port, bool *tls, fct_error *err) {
    const char *p = strstr(url, "://");
    *tls = strncmp(url, "mqtts://", 8) == 0;
    if (!p || (!*tls && strncmp(url, "mqtt://", 7) != 0))
        return fct_fail(err, FCT_ERR_ARG, "--mqtt: mqtt://HOST[:PORT] or mqtts://HOST[:PORT] is needed");
    p += 3;
    if (strchr(p, '@'))
        return fct_fail(err, FCT_ERR_ARG, "--mqtt: a password in an address is seen by everybody who lists processes");
    bool six = *p == '[';
    size_t n = six ? strcspn(p + 1, "]") : strcspn(p, ":/");
    const char *rest = p + n + (six && p[n + 1] ? 2 : 0);
    if (n == 0 || n > 255 || (six && p[n + 1] != ']') || strcspn(p, " ?#") != strlen(p))
        return fct_fail(err, FCT_ERR_ARG, "--mqtt: no host in it");
    memcpy(host, p + six, n);
    host[n] = 0;
    *port = *tls ? 8883 : 1883;
    if (*rest == ':') {
        char *end;
        long number = strtol(rest + 1, &end, 10);
        if (rest[1] < '0' || rest[1] > '9' || number < 1 || number > 65535)
            return fct_fail(err, FCT_ERR_ARG, "--mqtt: the port is none");
        *port = (int)number;
        rest = end;
    }
    if (*rest == '/') rest++;
    return *rest ? fct_fail(err, FCT_ERR_ARG, "--mqtt: nothing may follow host and port") : FCT_OK;
}

/* ---- What libmosquitto calls ------------------------------------------------------------------- */

/* Tells what is wrong, once until it is right again. */
static void tell_fault(brg_mqtt *m, const char *text) {
    if (!m->told) m->o.state(m->o.data, false, text);
    m->told = true;
    m->connected = false;
}

/* A session is new after each connection, so it listens anew. */
static void on_connect(struct mosquitto *client, void *user, int code) {
    brg_mqtt *m = user;
    if (code) {
        tell_fault(m, api.connack_string(code));
        return;
    }
    int failed = api.subscribe(client, NULL, m->o.topic, 1);
    if (failed) {
        tell_fault(m, api.strerror(failed));
        return;
    }
    m->connected = true;
    m->told = false;
    m->o.state(m->o.data, true, "connected");
}

static void on_message(struct mosquitto *client, void *user, const struct mosquitto_message *x) {
    brg_mqtt *m = user;
    if (!x->retain && x->payloadlen >= 0) m->o.message(m->o.data, x->payload, (size_t)x->payloadlen);
}

/* ---- The thread ------------------------------------------------------------------------------------ */

/* Sleeps in small steps, so that the end is not waited for. */
static void wait_ms(brg_mqtt *m, int ms) {
    for (; ms > 0 && !atomic_load(&m->stopping); ms -= 100) fct_sleep_ms(ms < 100 ? ms : 100);
}

/* Tries to connect until it works, with longer and longer pauses. False: it is the end. */
static bool connect_again(brg_mqtt *m, bool first) {
    for (int pause = WAIT_LEAST_MS; !atomic_load(&m->stopping);
         pause = pause * 2 < WAIT_MOST_MS ? pause * 2 : WAIT_MOST_MS) {
        int failed = first ? api.connect(m->client, m->host, m->port, KEEPALIVE_S) : api.reconnect(m->client);
        if (!failed) return true;
        tell_fault(m, api.strerror(failed));
        wait_ms(m, pause);
    }
    return false;
}

static void work(void *arg) {
    brg_mqtt *m = arg;
    if (!connect_again(m, true)) return;
    while (!atomic_load(&m->stopping)) {
        int failed = api.loop(m->client, LOOP_MS, 1);
        if (!failed) continue;
        if (!m->connected) wait_ms(m, 2 * WAIT_LEAST_MS); /* refused: a wrong password or certificate */
        tell_fault(m, api.strerror(failed));
        if (!connect_again(m, false)) return;
    }
    api.disconnect(m->client);
    for (int i = 0; i < 5 && !api.loop(m->client, 20, 1); i++) continue;
}

static fct_status set_tls(brg_mqtt *m, fct_error *err) {
    fct_file_stat st = {0};
    if (m->o.ca) {
        fct_file_get_stat(m->o.ca, &st);
        if (!st.is_file) return fct_fail(err, FCT_ERR_IO, "%s: no such file", m->o.ca);
    }
    int failed = api.tls_set(m->client, m->o.ca, m->o.ca ? NULL : "/etc/ssl/certs", NULL, NULL, NULL);
    if (!failed && m->o.insecure) failed = api.tls_insecure_set(m->client, true);
    return failed ? fct_fail(err, FCT_ERR_IO, "%s: %s", m->o.ca ? m->o.ca : "TLS", api.strerror(failed)) : FCT_OK;
}

fct_status brg_mqtt_start(const brg_mqtt_opts *o, brg_mqtt **out, fct_error *err) {
    *out = NULL;
    brg_mqtt *m = fct_calloc(1, sizeof *m);
    if (!m) return fct_fail_nomem(err, "MQTT", 0);
    m->o = *o;
    fct_status s = brg_mqtt_parse(o->url, m->host, &m->port, &m->tls, err);
    if (!s && !load_mosquitto())
        s = fct_fail(err, FCT_ERR_UNSUPPORTED, "libmosquitto is not installed (libmosquitto1)");
    if (!s && !(m->client = api.new(NULL, true, m))) s = fct_fail_nomem(err, "MQTT", 0);
    if (!s && o->user && api.username_pw_set(m->client, o->user, o->password)) s = fct_fail_nomem(err, "MQTT", 0);
    if (!s && m->tls) s = set_tls(m, err);
    if (!s) {
        api.connect_callback_set(m->client, on_connect);
        api.message_callback_set(m->client, on_message);
        s = fct_thread_start(&m->thread, work, m, err);
    }
    if (s) {
        if (m->client) api.destroy(m->client);
        fct_free(m);
    } else *out = m;
    return s;
}

void brg_mqtt_stop(brg_mqtt *m) {
    if (!m) return;
    atomic_store(&m->stopping, true);
    fct_thread_join(&m->thread);
    api.destroy(m->client);
    fct_free(m);
}
