#include "commands/gallery_actions.h"
#include "photos/report.h"
#include "shell/json.h"

#include <stdlib.h>
#include <string.h>

static void print_json(const char *gallery, const char *file, const fct_import_result *r) {
    fct_json_writer j;
    cli_json_line(&j, stdout);
    fct_json_text(&j, "gallery", gallery);
    fct_json_text(&j, "file", file);
    fct_json_int(&j, "added", r->added);
    fct_json_text(&j, "kind", fct_import_kind_name(r->kind));
    if (r->faces) fct_json_int(&j, "faces", r->faces);
    if (r->unnamed) fct_json_int(&j, "unnamed", r->unnamed);
    if (r->model[0]) fct_json_text(&j, "model", r->model);
    fct_json_close_object(&j);
    fct_json_end(&j);
}

static void print_text(const char *file, const fct_import_result *r) {
    char known[60] = "", unnamed[60] = "", *model = cli_format(r->model[0] ? " (of %s)" : "%s", r->model);
    if (r->faces > r->added) snprintf(known, sizeof known, ", %d already there", r->faces - r->added);
    if (r->unnamed) snprintf(unnamed, sizeof unnamed, ", %d of nobody with a name left out", r->unnamed);
    cli_note("%s: %s%s%s%s", file, cli_count(r->added, "new face", "new faces"), model, known, unnamed);
    free(model);
}

/* Only our own exports say which network made the embeddings. */
static int check_model(const cli_settings *s, const char *path) {
    fct_import_kind kind = (fct_import_kind)s->kind;
    if (s->model_id || s->models) return CLI_DONE;
    if (kind == FCT_IMPORT_AUTO && fct_import_recognize(path, &kind, NULL)) return CLI_DONE; /* the import says why */
    if (kind == FCT_IMPORT_FACET) return CLI_DONE;
    cli_error("%s: nothing in it says which network made the embeddings: --model-id must, or --models PACK with the "
              "network",
              path);
    return CLI_USE;
}

int cli_gallery_import(cli_args *a, fct_gallery *g, const fct_gallery_info *info) {
    fct_import_opts o;
    fct_import_result r;
    fct_pack *pack = NULL;
    fct_error e;
    int code = check_model(&a->set, a->words[1]);
    if (code) return code;
    fct_import_opts_init(&o);
    o.kind = (fct_import_kind)a->set.kind;
    o.model_id = a->set.model_id;
    o.names = a->n_words > 2 ? a->words[2] : NULL;
    o.part = a->set.part;
    if (!o.model_id && a->set.models) { /* the network of a pack instead of its identity */
        code = cli_pack_open(&a->set, FCT_TASK_EMBED, &pack);
        if (code) return code;
        o.model_id = fct_pack_embedder_id(pack);
    }
    fct_status s = fct_import(g, a->words[1], &o, &r, &e);
    fct_pack_free(pack);
    if (s) return cli_fail(&e);
    if (a->set.json) print_json(info->path, a->words[1], &r);
    else print_text(a->words[1], &r);
    return CLI_DONE;
}
