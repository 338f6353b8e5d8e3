/* The facet command: finds the command named by its first argument and runs it. */
#include "shell/cli.h"
#include "shell/help.h"

#include "base/file.h"

#include <stdlib.h>
#include <string.h>

const cli_command *const cli_commands[] = {
    &cmd_detect, &cmd_blur,   &cmd_embed,  &cmd_compare, &cmd_enroll,  &cmd_evaluate, &cmd_identify, &cmd_people,
    &cmd_forget, &cmd_remove, &cmd_rename, &cmd_gallery, &cmd_queue,   &cmd_worker,   &cmd_tags,
#ifdef CLI_HAVE_ALBUM
    &cmd_album,
#endif
    &cmd_video,  &cmd_camera, &cmd_info,   &cmd_models,  &cmd_doctor,
#ifdef CLI_HAVE_TRAIN
    &cmd_train,
#endif
    &cmd_bench,  &cmd_serve,  &cmd_bridge, &cmd_help,    &cmd_version, NULL,
};

const cli_command *cli_command_find(const char *name) {
    for (const cli_command *const *c = cli_commands; *c; c++)
        if (strcmp((*c)->name, name) == 0) return *c;
    return NULL;
}

const char *cli_part_word(const cli_command *part) {
    const char *blank = strrchr(part->name, ' ');
    return blank ? blank + 1 : part->name;
}

const cli_command *cli_part_find(const cli_command *c, const char *word) {
    for (const cli_command *const *p = c->parts; p && *p; p++)
        if (strcmp(cli_part_word(*p), word) == 0) return *p;
    return NULL;
}

const cli_command *cli_page_find(const char *name) {
    const cli_command *c = cli_command_find(name);
    char first[32];
    const char *dash = strchr(name, '-');
    if (c || !dash || dash - name >= (ptrdiff_t)sizeof first) return c;
    snprintf(first, sizeof first, "%.*s", (int)(dash - name), name);
    c = cli_command_find(first);
    return c ? cli_part_find(c, dash + 1) : NULL;
}

bool cli_command_takes(const cli_command *c, cli_opt_id id) { return id == OPT_HELP || c->options[id]; }

bool cli_command_takes_any(const cli_command *c) {
    for (int i = 0; i < OPT_COUNT; i++)
        if (c->options[i]) return true;
    return false;
}

bool cli_option_is_shared(cli_opt_id id) {
    static const cli_option_set shared = {CLI_PACK_OPTIONS};
    return shared[id];
}

/* The likely mistakes are a photo without a command and a typing error; each gets a hint of its own. */
static int unknown_command(const char *word) {
    const char *names[32];
    int n = 0;
    for (const cli_command *const *c = cli_commands; *c; c++) names[n++] = (*c)->name;
    const char *near = cli_closest(word, names, n);
    fct_file_stat st;
    fct_file_get_stat(word, &st);
    if (st.exists) cli_error("'%s' is a file, not a command; did you mean 'facet detect %s'?", word, word);
    else if (near) cli_error("unknown command '%s'; did you mean '%s'?", word, near);
    else cli_error("unknown command '%s'; see 'facet --help'", word);
    return CLI_USE;
}

/* Tells somebody who gave options without a command what is missing. */
static int no_command(char *word) {
    const char *names[OPT_COUNT];
    for (int i = 0; i < OPT_COUNT; i++) names[i] = cli_opts[i].name;
    word[strcspn(word, "=")] = 0;
    const char *near = strncmp(word, "--", 2) == 0 ? cli_closest(word + 2, names, OPT_COUNT) : NULL;
    if (near && strcmp(near, word + 2) != 0) cli_error("unknown option '%s'; did you mean '--%s'?", word, near);
    else cli_error("a command is missing after '%s'; see 'facet --help'", word);
    return CLI_USE;
}

/* Moves the command in front of the options before it, as in 'facet --models X detect'. Returns false where there is
 * no command. argv comes without the program's name. */
static bool move_command_first(int argc, char **argv) {
    int at = 0;
    while (at < argc && argv[at][0] == '-' && argv[at][1]) at += cli_option_words(argv[at]);
    if (at >= argc) return false;
    char *command = argv[at];
    memmove(argv + 1, argv, (size_t)at * sizeof *argv);
    argv[0] = command;
    return true;
}

/* The library passes over a variable that it cannot use; who has set it is told. */
static void check_variable(const cli_settings *s) {
    const char *env = fct_env("FCT_THREADS");
    char *end;
    if (s->threads || !env || !*env) return;
    long n = strtol(env, &end, 10);
    if (end == env || *end || n < 1 || n > 1024)
        cli_warn("FCT_THREADS: '%s' is not a whole number from 1 to 1024, and is ignored", env);
}

/* Parses the words after the command, sets up messages and threads, and runs it. */
static int run_command(const cli_command *c, int argc, char **argv) {
    cli_args args;
    int code = cli_args_parse(c, argc, argv, &args);
    if (code == CLI_DONE && args.set.help) cli_help_command(stdout, c, args.set.help_all);
    else if (code == CLI_DONE) {
        cli_message_setup(&args.set);
        check_variable(&args.set);
        fct_error e;
        if (fct_set_threads(args.set.threads, &e)) code = cli_fail(&e);
        else code = c->run(&args);
    }
    cli_args_free(&args);
    fct_shutdown();
    return code;
}

/* Results that could not be written are an error: a full disk must not look like success. */
static int finish_output(int code) {
    if (fflush(stdout) == 0 && !ferror(stdout)) return code;
    if (fct_term_reader_left(stdout)) return code;
    cli_error("standard output: cannot write");
    return code > CLI_INPUT ? code : CLI_INPUT;
}

int main(int argc, char **argv) {
    fct_program_start(&argc, &argv);
    cli_signals_setup();
    if (argc < 2) {
        cli_help_overview(stderr);
        return CLI_USE;
    }
    const char *word = argv[1];
    if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0) word = "help";
    else if (strcmp(word, "--version") == 0 || strcmp(word, "-V") == 0) word = "version";
    else if (!move_command_first(argc - 1, argv + 1)) return no_command(argv[1]);
    else word = argv[1];
    const cli_command *c = cli_command_find(word), *part = NULL;
    if (!c) return unknown_command(word);
    argc -= 2;
    argv += 2;
    if (c->parts && move_command_first(argc, argv)) part = cli_part_find(c, argv[0]);
    if (part) return cli_exit_status(finish_output(run_command(part, argc - 1, argv + 1)));
    return cli_exit_status(finish_output(run_command(c, argc, argv)));
}
