/* facet help, facet version. */
#include "shell/cli.h"
#include "shell/help.h"

#include "facet/album.h"

#include <stdlib.h>
#include <string.h>

/* The name is a command's or else a topic's. */
static int help_on(const char *name, bool all) {
    const cli_command *c = cli_page_find(name);
    if (c) {
        cli_help_command(stdout, c, all);
        return CLI_DONE;
    }
    const char *names[48];
    int n = 0;
    for (const cli_topic *t = cli_topics; t->name; t++) {
        names[n++] = t->name;
        if (strcmp(t->name, name) == 0) {
            fputs(t->text, stdout);
            return CLI_DONE;
        }
    }
    for (const cli_command *const *k = cli_commands; *k; k++) names[n++] = (*k)->name;
    const char *near = cli_closest(name, names, n);
    if (near) cli_error("help: no command or topic '%s'; did you mean '%s'?", name, near);
    else cli_error("help: no command or topic '%s'; see 'facet --help'", name);
    return CLI_USE;
}

static int help_man(const char *name) {
    const cli_command *c = strcmp(name, "facet") ? cli_page_find(name) : NULL;
    if (!c && strcmp(name, "facet")) {
        cli_error("help: no man page of '%s'", name);
        return CLI_USE;
    }
    cli_man_page(stdout, c);
    return CLI_DONE;
}

#ifdef CLI_HAVE_ALBUM
static fct_status print_name(void *user, const fct_album_person *p, fct_error *err) {
    (void)user, (void)err;
    if (p->name && !strchr(p->name, '\n')) puts(p->name);
    return FCT_OK;
}

static void album_names(void) {
    char path[4096];
    fct_album_opts o;
    fct_album *album = NULL;
    fct_album_opts_init(&o);
    o.read_only = o.must_exist = true;
    if (!fct_album_default_path(path, sizeof path, NULL) && !fct_album_open(path, &o, &album, NULL))
        (void)fct_album_people(album, 0, print_name, NULL, NULL);
    fct_album_free(album);
}
#else
static void album_names(void) {}
#endif

/* Prints names for completion scripts, one a line; where there are none, it prints neither names nor a message. */
static int help_names(const char *what) {
    fct_error e;
    int n = 0;
    if (strcmp(what, "album") == 0) {
        album_names();
        return CLI_DONE;
    }
    if (strcmp(what, "people") == 0) {
        char path[4096];
        fct_gallery_opts o;
        fct_gallery *g = NULL;
        fct_person *people = NULL;
        fct_gallery_opts_init(&o);
        o.read_only = o.must_exist = true;
        if (!fct_gallery_default_path(path, sizeof path, &e) && !fct_gallery_open(path, &o, &g, &e) &&
            !fct_gallery_people(g, &people, &n, &e))
            for (int i = 0; i < n; i++)
                if (!strchr(people[i].name, '\n')) puts(people[i].name);
        fct_gallery_people_free(people);
        fct_gallery_free(g);
        return CLI_DONE;
    }
    fct_store_pack *packs = NULL;
    if (strcmp(what, "packs") == 0) {
        if (!fct_store_list(NULL, &packs, &n, &e))
            for (int i = 0; i < n; i++) puts(packs[i].name);
        fct_buffer_free(packs);
        return CLI_DONE;
    }
    cli_error("help: no names of '%s'; there are people, packs and album", what);
    return CLI_USE;
}

/* Whether a command without parts of its own has this action: its help explains all of them together. */
static bool has_action(const cli_command *c, const char *word) {
    size_t n = strlen(word);
    for (const char *p = c->actions; p && *p; p += strcspn(p, "|"), p += *p == '|')
        if (strcspn(p, "|") == n && strncmp(p, word, n) == 0) return true;
    return false;
}

static int run_help(cli_args *a) {
    if (a->n_words == 0) {
        cli_help_overview(stdout);
        return CLI_DONE;
    }
    if (a->n_words == 1) return help_on(a->words[0], false);
    bool all = strcmp(a->words[a->n_words - 1], "all") == 0;
    if (all && a->n_words == 2) return help_on(a->words[0], true);
    const cli_command *c = cli_command_find(a->words[0]), *part = c ? cli_part_find(c, a->words[1]) : NULL;
    if (!part && c && has_action(c, a->words[1])) part = c;
    if (part && (all || a->n_words == 2)) {
        cli_help_command(stdout, part, all);
        return CLI_DONE;
    }
    if (a->n_words > 2) {
        cli_error("help: unexpected argument '%s'; usage: facet help %s", a->words[2], cmd_help.synopsis);
        return CLI_USE;
    }
    if (strcmp(a->words[0], "man") == 0) return help_man(a->words[1]);
    if (strcmp(a->words[0], "completion") == 0) {
        if (cli_completion(stdout, a->words[1])) return CLI_DONE;
        cli_error("help: no completion for '%s'; there are bash, zsh and fish", a->words[1]);
        return CLI_USE;
    }
    if (strcmp(a->words[0], "names") == 0) return help_names(a->words[1]);
    cli_error("help: unexpected argument '%s'; usage: facet help %s", a->words[1], cmd_help.synopsis);
    return CLI_USE;
}

const cli_command cmd_help = {
    .name = "help",
    .synopsis = "[COMMAND [ACTION] [all] | TOPIC | man COMMAND | completion SHELL | names people|packs|album]",
    .summary = "show help on a command or topic, write man pages and completions",
    .description = "Without argument: the list of commands and topics.\n\n"
                   "'man COMMAND' writes the command's manual page in man's own form, 'completion SHELL' the "
                   "completion script for bash, zsh or fish. 'names people', 'names packs' and 'names album' list, for "
                   "such scripts, "
                   "whom "
                   "the gallery knows and which packs there are.",
    .examples = "facet help packs\n"
                "facet help man detect | man -l -\n"
                "Completion in the running bash\n"
                "facet help completion bash > facet.bash && . ./facet.bash",
    .max_words = 3,
    .run = run_help,
};

static int run_version(cli_args *a) {
    printf("facet %s\n", fct_version());
    return CLI_DONE;
}

const cli_command cmd_version = {
    .name = "version",
    .synopsis = "",
    .summary = "show the version",
    .description = "Prints the version of facet. 'facet info' tells what this build supports.",
    .run = run_version,
};
