/* facet bridge: names for what other programs see. */
#include "photos/engine.h"
#include "shell/json.h"

#include "base/alloc.h"

#include <math.h>
#include <string.h>

#ifdef CLI_HAVE_BRIDGE
#include "bridge/bridge.h"

enum { AGREEING = 2 }; /* snapshots */

static void print_json(const cli_settings *s, const brg_report *r) {
    fct_json_writer j;
    cli_json_line(&j, stdout);
    fct_json_text(&j, "event", r->event);
    fct_json_text(&j, "camera", r->camera);
    fct_json_text(&j, "name", r->name);
    if (r->name) fct_json_number(&j, "score", r->score, 4);
    fct_json_int(&j, "snapshots", r->looks);
    fct_json_int(&j, "with_face", r->faces);
    fct_json_bool(&j, "sent", r->sent);
    fct_json_close_object(&j);
    fct_json_end(&j);
}

static void report(void *user, const brg_report *r) {
    const cli_settings *s = user;
    if (s->json) {
        print_json(s, r);
        return;
    }
    const char *end = !r->name || r->sent ? "" : s->dry_run ? ", not sent (--dry-run)" : ", not sent";
    if (r->name) cli_print("%s  %s: %s, %.0f %%%s\n", r->event, r->camera, r->name, 100 * r->score, end);
    else cli_print("%s  %s: nobody known in %d snapshots, %d with a face\n", r->event, r->camera, r->looks, r->faces);
    fflush(stdout);
}

static void note(void *user, bool warning, const char *text) {
    if (warning) cli_warn("%s", text);
    else cli_note("%s", text);
}

/* Opens what finds faces on this machine. */
static int open_local(cli_args *a, cli_engine *e, fct_gallery **g, brg_local *out) {
    int code = cli_engine_open(&a->set, FCT_TASK_EMBED, e);
    if (!code) code = cli_gallery_open(&a->set, GALLERY_READ, g);
    if (!code) code = cli_gallery_check_model(*g, e);
    *out = (brg_local){e->pack, e->analyzer, *g, (float)a->set.threshold, a->set.max_pixels};
    return code;
}

static int run_bridge(cli_args *a) {
    brg_secrets secrets = {0};
    cli_engine engine = {0};
    fct_gallery *gallery = NULL;
    brg_local local;
    fct_error e;
    const cli_settings *s = &a->set;
    if (strcmp(a->words[0], "frigate") != 0) {
        cli_error("bridge: unknown program '%s'; there is 'frigate'", a->words[0]);
        return CLI_USE;
    }
    if (!s->mqtt || !s->frigate) {
        cli_error("bridge: --mqtt and --frigate are needed: the addresses of the broker and of Frigate");
        return CLI_USE;
    }
    cli_catch_interrupt();
    int code = brg_secrets_read(s->credentials, &secrets, &e) ? cli_fail(&e) : CLI_DONE;
    if (!code && !s->server) code = open_local(a, &engine, &gallery, &local);
    brg_opts o = {.mqtt = s->mqtt,
                  .topic = s->topic ? s->topic : "frigate",
                  .ca = s->mqtt_ca,
                  .frigate = s->frigate,
                  .secrets = &secrets,
                  .insecure = s->insecure,
                  .dry_run = s->dry_run,
                  .needed = s->agreeing ? s->agreeing : AGREEING,
                  .local = s->server ? NULL : &local,
                  .server = s->server,
                  .collection = s->collection,
                  .stopped = cli_interrupted,
                  .report = report,
                  .note = note,
                  .user = &a->set};
    if (!code && brg_run(&o, &e)) code = cli_fail(&e);
    fct_gallery_free(gallery);
    cli_engine_close(&engine);
    brg_secrets_free(&secrets);
    return code;
}

#else

static int run_bridge(cli_args *a) {
    cli_error("bridge: this build of facet has none (built without libmosquitto or libcurl)");
    return CLI_INPUT;
}

#endif

const cli_command cmd_bridge = {
    .name = "bridge",
    .synopsis = "frigate --mqtt URL --frigate URL",
    .actions = "frigate",
    .summary = "tell Frigate the names of the people it follows",
    .description =
        "Listens to the events that Frigate publishes over MQTT. While Frigate follows a person, its snapshots are "
        "looked at, one a second at most, and the name goes back as the event's sub label, once: when --agreeing "
        "snapshots give the same name, or when the person has left. Who has a sub label already keeps it.\n\n"
        "Faces are found by this machine and looked up in --gallery, or by a facet server (--server). Neither broker "
        "nor "
        "Frigate need be there at the start; both are tried again.\n\n"
        "User, password and keys never stand on the command line: FCT_MQTT_USER, FCT_MQTT_PASSWORD, FCT_FRIGATE_TOKEN "
        "and FCT_SERVER_KEY hold them, or the file of --credentials, with lines like mqtt_user=facet, mqtt_password=, "
        "frigate_token= and server_key=.",
    .options = {CLI_PACK_OPTIONS, CLI_GALLERY_OPTIONS, CLI_OPT(OPT_THRESHOLD), CLI_OPT(OPT_DET_SIZE),
                CLI_OPT(OPT_DET_THRESH), CLI_OPT(OPT_MAX_PIXELS), CLI_OPT(OPT_MQTT), CLI_OPT(OPT_MQTT_CA),
                CLI_OPT(OPT_TOPIC), CLI_OPT(OPT_FRIGATE), CLI_OPT(OPT_SERVER), CLI_OPT(OPT_AGREEING),
                CLI_OPT(OPT_CREDENTIALS), CLI_OPT(OPT_INSECURE), CLI_OPT(OPT_DRY_RUN)},
    .examples = "facet bridge frigate --mqtt mqtt://broker --frigate http://frigate:5000\n"
                "With TLS and a password, faces found by a server\n"
                "facet bridge frigate --mqtt mqtts://broker --credentials /etc/facet/bridge.conf "
                "--frigate https://frigate:8971 --server https://faces:8100",
    .min_words = 1,
    .max_words = 1,
    .run = run_bridge,
};
