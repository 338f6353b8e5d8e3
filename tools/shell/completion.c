/* Shell completions. Each script completes commands, their actions, the options of
 * the command typed, the values of options with a fixed choice, the people of the
 * gallery and the packs ('facet help names'), and file names. */
#include "shell/help.h"

#include <string.h>

/* Writes choices "a|b|c" with another divider in place of '|'. */
static void put_choices(FILE *f, const char *choices, char divider) {
    for (; *choices; choices++) fputc(*choices == '|' ? divider : *choices, f);
}

/* Writes what the first argument of a command may be, with spaces in between, or nothing where it may be anything. */
static void put_actions(FILE *f, const cli_command *c) {
    if (c->actions) put_choices(f, c->actions, ' ');
    for (const cli_command *const *p = c->parts; p && *p; p++) fprintf(f, "%s ", cli_part_word(*p));
    if (c != &cmd_help) return;
    for (const cli_command *const *k = cli_commands; *k; k++) fprintf(f, "%s ", (*k)->name);
    for (const cli_topic *t = cli_topics; t->name; t++) fprintf(f, "%s ", t->name);
    fputs("man completion names ", f);
}

/* What follows an action: people, packs, or one of these words. */
static const struct completed_action {
    const char *command, *action, *names, *choices;
} completed_actions[] = {{"gallery", "merge", "people", NULL},    {"models", "get", "packs", NULL},
                         {"models", "verify", "packs", NULL},     {"models", "path", "packs", NULL},
                         {"models", "remove", "packs", NULL},     {"help", "completion", NULL, "bash|zsh|fish"},
                         {"help", "names", NULL, "people|packs"}, {"help", "man", NULL, NULL}};
enum { N_COMPLETED = sizeof completed_actions / sizeof *completed_actions };

/* The words that follow an action where they are always the same. */
static void put_after_action(FILE *f, const struct completed_action *a) {
    if (a->choices) put_choices(f, a->choices, ' ');
    else
        for (const cli_command *const *c = cli_commands; *c; c++) fprintf(f, "%s ", (*c)->name);
}

static bool has_actions(const cli_command *c) { return c->actions || c->parts || c == &cmd_help; }

/* Calls fn for every command that has options of its own: all but those with parts, and the parts of these. */
typedef void leaf_fn(FILE *f, const cli_command *c, const cli_command *part);
static void for_leaves(FILE *f, leaf_fn *fn) {
    for (const cli_command *const *c = cli_commands; *c; c++)
        if (!(*c)->parts) fn(f, *c, NULL);
        else
            for (const cli_command *const *p = (*c)->parts; *p; p++) fn(f, *c, *p);
}

/* What 'facet help names' takes for a kind of words; NULL = these are no people. */
static const char *names_of(cli_complete kind) {
    return kind == COMPLETE_PEOPLE ? "people" : kind == COMPLETE_ALBUM ? "album" : NULL;
}

/* ---- bash ------------------------------------------------------------------- */

/* The completions of an option's value: its fixed choices, people, packs or files. */
static void bash_values(FILE *f) {
    fputs("    case $previous in\n", f);
    for (int i = 0; i < OPT_COUNT; i++) {
        if (!cli_opts[i].arg) continue;
        fprintf(f, "    --%s", cli_opts[i].name);
        if (cli_opts[i].letter) fprintf(f, "|-%c", cli_opts[i].letter);
        fputs(")\n", f);
        if (cli_opts[i].choices) {
            fputs("        COMPREPLY=($(compgen -W '", f);
            put_choices(f, cli_opts[i].choices, ' ');
            fputs("' -- \"$word\")) ;;\n", f);
        } else if (cli_opts[i].complete == COMPLETE_NONE) fputs("        COMPREPLY=() ;;\n", f);
        else if (names_of(cli_opts[i].complete))
            fprintf(f, "        _facet_names %s \"$word\" ;;\n", names_of(cli_opts[i].complete));
        else if (cli_opts[i].complete == COMPLETE_PACK)
            fputs("        _facet_names packs \"$word\"; COMPREPLY+=($(compgen -d -- \"$word\")) ;;\n", f);
        else if (cli_opts[i].complete == COMPLETE_FOLDER)
            fputs("        COMPREPLY=($(compgen -d -- \"$word\")) ;;\n", f);
        else fputs("        COMPREPLY=($(compgen -f -- \"$word\")) ;;\n", f);
    }
    fputs("    *) return 1 ;;\n    esac\n    return 0\n", f);
}

static void bash_people(FILE *f, const cli_command *c, const cli_command *part) {
    const char *names = names_of((part ? part : c)->words);
    if (names)
        fprintf(f, "    %s:%s) _facet_names %s \"$word\" ;;\n", c->name, part ? cli_part_word(part) : "*", names);
}

static void bash_options(FILE *f, const cli_command *c) {
    fputs("options='", f);
    for (int i = 0; i < OPT_COUNT; i++)
        if (cli_command_takes(c, (cli_opt_id)i)) fprintf(f, "--%s ", cli_opts[i].name);
    fputc('\'', f);
}

/* The options and actions of one command; where it has parts, the options of the part that was typed. */
static void bash_command(FILE *f, const cli_command *c) {
    fprintf(f, "    %s) ", c->name);
    bash_options(f, c);
    fputs(" actions='", f);
    put_actions(f, c);
    fputc('\'', f);
    if (c->parts) fputs("\n        case $action in\n", f);
    for (const cli_command *const *p = c->parts; p && *p; p++) {
        fprintf(f, "        %s) ", cli_part_word(*p));
        bash_options(f, *p);
        fputs(" ;;\n", f);
    }
    fputs(c->parts ? "        esac ;;\n" : " ;;\n", f);
}

/* The arguments of commands and actions that are names. */
static void bash_arguments(FILE *f) {
    fputs("    case $command:$action in\n", f);
    for_leaves(f, bash_people);
    for (int i = 0; i < N_COMPLETED; i++) {
        const struct completed_action *a = &completed_actions[i];
        fprintf(f, "    %s:%s) ", a->command, a->action);
        if (a->names) fprintf(f, "_facet_names %s \"$word\"", a->names);
        else {
            fputs("COMPREPLY=($(compgen -W '", f);
            put_after_action(f, a);
            fputs("' -- \"$word\"))", f);
        }
        fputs(" ;;\n", f);
    }
    fputs("    esac\n", f);
}

/* Names have blanks and quotes: each line is a name, quoted as the shell wants it. */
static const char bash_names[] = "_facet_names() {\n"
                                 "    local name quoted\n"
                                 "    while IFS= read -r name; do\n"
                                 "        printf -v quoted %q \"$name\"\n"
                                 "        case $quoted in \"$2\"*) COMPREPLY+=(\"$quoted\"); continue ;; esac\n"
                                 "        case $name in \"${2#[\\'\\\"]}\"*) COMPREPLY+=(\"$quoted\") ;; esac\n"
                                 "    done < <(facet help names \"$1\" 2>/dev/null)\n}\n";

/* Writes the whole script: a function for names, one for values, one that knows commands and actions, and the
 * registration. */
static void bash_script(FILE *f) {
    fputs("# bash completion of facet\n", f);
    fputs(bash_names, f);
    fputs("_facet_value() {\n    local previous=$1 word=$2\n", f);
    bash_values(f);
    fputs("}\n_facet() {\n    local word=${COMP_WORDS[COMP_CWORD]} command=${COMP_WORDS[1]} action=${COMP_WORDS[2]}"
          " options= actions=\n    "
          "COMPREPLY=()\n"
          "    if [ \"$COMP_CWORD\" -eq 1 ]; then\n        COMPREPLY=($(compgen -W '",
          f);
    for (const cli_command *const *c = cli_commands; *c; c++) fprintf(f, "%s ", (*c)->name);
    fputs("--help --version' -- \"$word\"))\n        return\n    fi\n"
          "    _facet_value \"${COMP_WORDS[COMP_CWORD-1]}\" \"$word\" && return\n    case $command in\n",
          f);
    for (const cli_command *const *c = cli_commands; *c; c++) bash_command(f, *c);
    fputs("    esac\n    case $word in\n    -*) COMPREPLY=($(compgen -W \"$options\" -- \"$word\")) ;;\n"
          "    *) [ \"$COMP_CWORD\" -eq 2 ] && COMPREPLY=($(compgen -W \"$actions\" -- \"$word\"))\n"
          "        [ \"$COMP_CWORD\" -eq 2 ] && action=\n        _facet_arguments ;;\n"
          "    esac\n}\n_facet_arguments() {\n",
          f);
    bash_arguments(f);
    fputs("}\ncomplete -o default -F _facet facet\n", f);
}

/* ---- zsh -------------------------------------------------------------------- */

/* Escapes quotes, brackets and colons for a text inside '...' and inside [...]. */
static void zsh_text(FILE *f, const char *text) {
    for (; *text; text++) {
        if (*text == '\'') fputs("'\\''", f);
        else {
            if (strchr("[]:\\", *text)) fputc('\\', f);
            fputc(*text, f);
        }
    }
}

/* One option as a specification of zsh's _arguments: both names, the help text, the value and what completes it. */
static void zsh_option(FILE *f, const cli_opt *o) {
    char names[64];
    if (o->letter) snprintf(names, sizeof names, "'(-%c --%s)'{-%c,--%s}", o->letter, o->name, o->letter, o->name);
    else snprintf(names, sizeof names, "--%s", o->name);
    fprintf(f, " \\\n            %s'[", names);
    zsh_text(f, o->help);
    fputc(']', f);
    if (o->arg) {
        fputc(':', f);
        zsh_text(f, o->choices ? o->name : o->arg);
        fputc(':', f);
        if (o->choices) {
            fputc('(', f);
            put_choices(f, o->choices, ' ');
            fputc(')', f);
        } else if (o->complete == COMPLETE_FILE) fputs("_files", f);
        else if (o->complete == COMPLETE_FOLDER) fputs("_files -/", f);
        else if (names_of(o->complete)) fprintf(f, "_facet_names %s", names_of(o->complete));
        else if (o->complete == COMPLETE_PACK) fputs("_facet_packs", f);
        else fputc(' ', f);
    }
    fputc('\'', f);
}

/* What follows an action; $words begins with the command here. */
static void zsh_arguments(FILE *f) {
    fputs("_facet_arguments() {\n    case $words[1]:$words[2] in\n", f);
    for (int i = 0; i < N_COMPLETED; i++) {
        const struct completed_action *a = &completed_actions[i];
        fprintf(f, "    %s:%s) ", a->command, a->action);
        if (a->names) fprintf(f, "_facet_names %s", a->names);
        else {
            fputs("compadd ", f);
            put_after_action(f, a);
        }
        fputs(" ;;\n", f);
    }
    fputs("    *) _files ;;\n    esac\n}\n", f);
}

/* What may follow one command or part. */
static void zsh_command(FILE *f, const cli_command *c) {
    fputs("        _arguments -s", f);
    for (int i = 0; i < OPT_COUNT; i++)
        if (cli_command_takes(c, (cli_opt_id)i)) zsh_option(f, &cli_opts[i]);
    if (has_actions(c)) {
        fputs(" \\\n            '1:action:(", f);
        put_actions(f, c);
        fputs(")'", f);
    }
    if (c->words == COMPLETE_PEOPLE) fputs(" \\\n            '*:name:_facet_names people' ;;\n", f);
    else if (c->words == COMPLETE_ALBUM) fputs(" \\\n            '*:name:_facet_album' ;;\n", f);
    else if (has_actions(c)) fputs(" \\\n            '*:argument:_facet_arguments' ;;\n", f);
    else fputs(" \\\n            '*:file:_files' ;;\n", f);
}

/* A command with parts: their names first, then what may follow the one that was typed. */
static void zsh_parts(FILE *f, const cli_command *c) {
    fputs("        local -a parts\n        parts=(\n", f);
    for (const cli_command *const *p = c->parts; *p; p++) {
        fprintf(f, "            '%s:", cli_part_word(*p));
        zsh_text(f, (*p)->summary);
        fputs("'\n", f);
    }
    fputs("        )\n        if (( CURRENT == 2 )); then\n            _describe action parts\n            return\n"
          "        fi\n        local action=$words[2]\n        shift words\n        (( CURRENT-- ))\n"
          "        case $action in\n",
          f);
    for (const cli_command *const *p = c->parts; *p; p++) {
        fprintf(f, "        %s)\n", cli_part_word(*p));
        zsh_command(f, *p);
    }
    fputs("        esac ;;\n", f);
}

/* Writes the whole script. zsh shows the help texts beside the options. */
static void zsh_script(FILE *f) {
    fputs("#compdef facet\n# zsh completion of facet\n"
          "_facet_names() {\n    local -a names\n    names=(${(f)\"$(facet help names $1 2>/dev/null)\"})\n"
          "    compadd -a names\n}\n"
          "_facet_packs() {\n    _facet_names packs\n    _files -/\n}\n"
          "_facet_album() {\n    _facet_names album\n    _files\n}\n",
          f);
    zsh_arguments(f);
    fputs("_facet() {\n    local -a commands\n    commands=(\n", f);
    for (const cli_command *const *c = cli_commands; *c; c++) {
        fprintf(f, "        '%s:", (*c)->name);
        zsh_text(f, (*c)->summary);
        fputs("'\n", f);
    }
    fputs("    )\n    if (( CURRENT == 2 )); then\n        _describe command commands\n        return\n    fi\n"
          "    local command=$words[2]\n    shift words\n    (( CURRENT-- ))\n    case $command in\n",
          f);
    for (const cli_command *const *c = cli_commands; *c; c++) {
        fprintf(f, "    %s)\n", (*c)->name);
        if ((*c)->parts) zsh_parts(f, *c);
        else zsh_command(f, *c);
    }
    fputs("    esac\n}\n_facet \"$@\"\n", f);
}

/* ---- fish ------------------------------------------------------------------- */

static void fish_text(FILE *f, const char *text) {
    fputc('\'', f);
    for (; *text; text++) {
        if (*text == '\'' || *text == '\\') fputc('\\', f);
        fputc(*text, f);
    }
    fputc('\'', f);
}

/* The condition that a command, and where there is one its part, was typed. */
static void fish_seen(FILE *f, const cli_command *c, const cli_command *part) {
    fprintf(f, "__fish_seen_subcommand_from %s", c->name);
    if (part) fprintf(f, "; and __fish_seen_subcommand_from %s", cli_part_word(part));
}

/* One option of one command as a line of its own, since fish has no other structure. */
static void fish_option(FILE *f, const cli_command *c, const cli_command *part, const cli_opt *o) {
    fputs("complete -c facet -n '", f);
    fish_seen(f, c, part);
    fprintf(f, "' -l %s", o->name);
    if (o->letter) fprintf(f, " -s %c", o->letter);
    if (o->choices) {
        fputs(" -x -a '", f);
        put_choices(f, o->choices, ' ');
        fputc('\'', f);
    } else if (names_of(o->complete)) fprintf(f, " -x -a '(facet help names %s 2>/dev/null)'", names_of(o->complete));
    else if (o->complete == COMPLETE_PACK) fputs(" -r -F -a '(facet help names packs 2>/dev/null)'", f);
    else if (o->arg) fputs(o->complete == COMPLETE_NONE ? " -x" : " -r -F", f);
    fputs(" -d ", f);
    fish_text(f, o->help);
    fputc('\n', f);
}

static void fish_people(FILE *f, const cli_command *c, const cli_command *part) {
    cli_complete kind = (part ? part : c)->words;
    if (!names_of(kind)) return;
    fputs("complete -c facet -n '", f);
    fish_seen(f, c, part);
    fprintf(f, "' %s-a '(facet help names %s 2>/dev/null)'\n", kind == COMPLETE_PEOPLE ? "-f " : "", names_of(kind));
}

/* All options of a command or part. */
static void fish_options(FILE *f, const cli_command *c, const cli_command *part) {
    for (int i = 0; i < OPT_COUNT; i++)
        if (cli_command_takes(part ? part : c, (cli_opt_id)i)) fish_option(f, c, part, &cli_opts[i]);
}

/* The arguments of commands and actions that are names. */
static void fish_arguments(FILE *f) {
    for_leaves(f, fish_people);
    for (int i = 0; i < N_COMPLETED; i++) {
        const struct completed_action *a = &completed_actions[i];
        fprintf(f, "complete -c facet -n '__fish_seen_subcommand_from %s; and __fish_seen_subcommand_from %s' -f -a '",
                a->command, a->action);
        if (a->names) fprintf(f, "(facet help names %s 2>/dev/null)", a->names);
        else put_after_action(f, a);
        fputs("'\n", f);
    }
}

/* Writes the commands first, then the actions and options of each. */
static void fish_script(FILE *f) {
    fputs("# fish completion of facet\n", f);
    for (const cli_command *const *c = cli_commands; *c; c++) {
        fprintf(f, "complete -c facet -n __fish_use_subcommand -f -a %s -d ", (*c)->name);
        fish_text(f, (*c)->summary);
        fputc('\n', f);
    }
    for (const cli_command *const *c = cli_commands; *c; c++) {
        if (!has_actions(*c)) continue;
        fprintf(
            f,
            "complete -c facet -n '__fish_seen_subcommand_from %s; and test (count (commandline -opc)) -eq 2' -f -a '",
            (*c)->name);
        put_actions(f, *c);
        fputs("'\n", f);
    }
    fish_arguments(f);
    for_leaves(f, fish_options);
}

bool cli_completion(FILE *f, const char *shell) {
    if (strcmp(shell, "bash") == 0) bash_script(f);
    else if (strcmp(shell, "zsh") == 0) zsh_script(f);
    else if (strcmp(shell, "fish") == 0) fish_script(f);
    else return false;
    return true;
}
