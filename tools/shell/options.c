/* Parsing of options and arguments. */
#include "shell/cli.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static void set_defaults(cli_settings *s) {
    memset(s, 0, sizeof *s);
    s->det_thresh = 0.5;
    s->threshold = NAN;
    s->false_accept = NAN;
    s->seed = 1;
    s->port = -1;
    s->server_from = -1;
    s->seconds = 2;
    s->top = 1;
    s->every = 1;
    s->batch = 1;
}

static int bad_value(const cli_command *c, const cli_opt *o, const char *value, const char *wanted) {
    cli_error("%s: --%s: '%s' is not %s", c->name, o->name, value, wanted);
    return CLI_USE;
}

/* strtod() takes more than a number, such as leading blanks, so what it leaves and what it skips are checked too. */
static int parse_number(const cli_command *c, const cli_opt *o, const char *value, void *field) {
    char *end, wanted[100];
    errno = 0;
    double x = strtod(value, &end);
    bool whole = o->kind != KIND_NUMBER;
    bool good = end != value && *end == 0 && !isspace((unsigned char)value[0]) && isfinite(x) && x >= o->low &&
                x <= o->high && (!whole || x == floor(x));
    if (!good) {
        if (whole) snprintf(wanted, sizeof wanted, "a whole number from %.0f to %.0f", o->low, o->high);
        else snprintf(wanted, sizeof wanted, "a number from %.10g to %.10g", o->low, o->high);
        return bad_value(c, o, value, wanted);
    }
    if (o->kind == KIND_INT) *(int *)field = (int)x;
    else if (o->kind == KIND_INT64) *(int64_t *)field = (int64_t)x;
    else *(double *)field = x;
    return CLI_DONE;
}

/* Stores the index of the choice, since the code that reads it knows the order. */
static int parse_choice(const cli_command *c, const cli_opt *o, const char *value, int *field) {
    const char *p = o->choices;
    for (int i = 0; *p; i++) {
        size_t n = strcspn(p, "|");
        if (strlen(value) == n && strncmp(p, value, n) == 0) {
            *field = i;
            return CLI_DONE;
        }
        p += n + (p[n] == '|');
    }
    char wanted[100];
    snprintf(wanted, sizeof wanted, "one of %s", o->choices);
    return bad_value(c, o, value, wanted);
}

/* Parses one "640" or "640x480" at *p, which moves on behind it. */
static bool parse_size(const char **p, int *width, int *height) {
    char *end;
    long w = strtol(*p, &end, 10), h = w;
    if (end == *p) return false;
    if (*end == 'x' || *end == 'X') {
        const char *second = end + 1;
        h = strtol(second, &end, 10);
        if (end == second) return false;
    }
    *p = end;
    *width = (int)w, *height = (int)h;
    return w >= 32 && w <= 8192 && h >= 32 && h <= 8192 && w % 32 == 0 && h % 32 == 0 && w * h <= 4096 * 4096;
}

static int parse_sizes(const cli_command *c, const cli_opt *o, const char *value, cli_sizes *out) {
    static const char wanted[] =
        "auto, or WIDTHxHEIGHT in multiples of 32 from 32 to 8192, at most 4096x4096 pixels (up to four, by commas)";
    out->n = 0;
    if (strcmp(value, "auto") == 0) return CLI_DONE;
    for (const char *p = value;; p++) {
        if (out->n == FCT_MAX_DET_SIZES) return bad_value(c, o, value, wanted);
        if (!parse_size(&p, &out->at[out->n].width, &out->at[out->n].height)) return bad_value(c, o, value, wanted);
        out->n++;
        if (*p == 0) return CLI_DONE;
        if (*p != ',') return bad_value(c, o, value, wanted);
    }
}

/* Stores a value in the settings' field that the table names for the option. */
static int set_option(const cli_command *c, const cli_opt *o, const char *value, cli_settings *s) {
    void *field = (char *)s + o->offset;
    switch (o->kind) {
    case KIND_FLAG:
        *(bool *)field = true;
        return CLI_DONE;
    case KIND_TEXT:
        if (!*value) {
            cli_error("%s: --%s: the value is empty", c->name, o->name);
            return CLI_USE;
        }
        *(const char **)field = value;
        return CLI_DONE;
    case KIND_INT:
    case KIND_INT64:
    case KIND_NUMBER:
        return parse_number(c, o, value, field);
    case KIND_SIZES:
        return parse_sizes(c, o, value, field);
    case KIND_CHOICE:
        return parse_choice(c, o, value, field);
    }
    return CLI_USE;
}

/* Suggests only options that this command takes. */
static int unknown_option(const cli_command *c, const char *name, size_t length) {
    const char *names[OPT_COUNT];
    int n = 0;
    for (int i = 0; i < OPT_COUNT; i++)
        if (cli_command_takes(c, (cli_opt_id)i)) names[n++] = cli_opts[i].name;
    char word[64];
    snprintf(word, sizeof word, "%.*s", (int)length, name);
    const char *near = cli_closest(word, names, n);
    if (near) cli_error("%s: unknown option '--%s'; did you mean '--%s'?", c->name, word, near);
    else cli_error("%s: unknown option '--%s'; see 'facet %s --help'", c->name, word, c->name);
    return CLI_USE;
}

typedef struct option_parser {
    const cli_command *command;
    int argc, at;
    char **argv;
    cli_args *out;
} option_parser;

/* Whether the option says what is worked on or changed: of two values one would be lost without a word. Of other
 * options the last one counts, so that a shell's alias can be overruled. */
static bool wants_one(cli_opt_id id) {
    static const cli_opt_id once[] = {OPT_FACE_ID,  OPT_FOLDERS, OPT_FILES_FROM, OPT_SET,  OPT_CONSENT, OPT_EXPIRES,
                                      OPT_NOT_FACE, OPT_MOVE_TO, OPT_BLUR,       OPT_KEEP, OPT_WITH,    OPT_PART};
    for (size_t i = 0; i < sizeof once / sizeof *once; i++)
        if (once[i] == id) return true;
    return false;
}

/* Takes an option's value from behind '=' (inline_value), or else from the next argument. */
static int take_option(option_parser *p, cli_opt_id id, const char *inline_value) {
    const cli_opt *o = &cli_opts[id];
    const char *value = inline_value;
    if (o->kind == KIND_FLAG && inline_value) {
        cli_error("%s: --%s takes no value", p->command->name, o->name);
        return CLI_USE;
    }
    if (o->kind != KIND_FLAG && !value) {
        if (p->at + 1 >= p->argc) {
            cli_error("%s: --%s needs a value: %s", p->command->name, o->name, o->arg);
            return CLI_USE;
        }
        value = p->argv[++p->at];
    }
    if (p->out->given[id] && wants_one(id)) {
        cli_error("%s: --%s is given twice; it takes one %s", p->command->name, o->name, o->arg);
        return CLI_USE;
    }
    p->out->given[id] = true;
    if (id == OPT_MODELS && p->out->set.n_models++ < CLI_PACKS_MOST)
        p->out->set.all_models[p->out->set.n_models - 1] = value;
    return set_option(p->command, o, value, &p->out->set);
}

static int parse_long(option_parser *p, const char *word) {
    size_t length = strcspn(word, "=");
    const char *value = word[length] ? word + length + 1 : NULL;
    for (int i = 0; i < OPT_COUNT; i++)
        if (cli_command_takes(p->command, (cli_opt_id)i) && strlen(cli_opts[i].name) == length &&
            strncmp(cli_opts[i].name, word, length) == 0)
            return take_option(p, (cli_opt_id)i, value);
    return unknown_option(p->command, word, length);
}

/* Parses options of one letter: "-q", "-qv", "-t4", "-t 4". */
static int parse_short(option_parser *p, const char *letters) {
    for (; *letters; letters++) {
        int id = 0;
        while (id < OPT_COUNT && !(cli_command_takes(p->command, (cli_opt_id)id) && cli_opts[id].letter == *letters))
            id++;
        if (id == OPT_COUNT) {
            cli_error("%s: unknown option '-%c'; see 'facet %s --help'", p->command->name, *letters, p->command->name);
            return CLI_USE;
        }
        bool flag = cli_opts[id].kind == KIND_FLAG;
        int code = take_option(p, (cli_opt_id)id, !flag && letters[1] ? letters + 1 : NULL);
        if (code || !flag) return code;
    }
    return CLI_DONE;
}

int cli_option_words(const char *word) {
    const char *name = word + 1;
    if (*name == '-') {
        size_t length = strcspn(++name, "=");
        for (int i = 0; i < OPT_COUNT && !name[length]; i++)
            if (strlen(cli_opts[i].name) == length && strncmp(cli_opts[i].name, name, length) == 0)
                return cli_opts[i].kind == KIND_FLAG ? 1 : 2;
        return 1;
    }
    for (; *name; name++)
        for (int i = 0; i < OPT_COUNT; i++)
            if (cli_opts[i].letter == *name && cli_opts[i].kind != KIND_FLAG) return name[1] ? 1 : 2;
    return 1;
}

static int check_words(const cli_command *c, const cli_args *a) {
    if (a->n_words < c->min_words) {
        cli_error("%s: too few arguments; usage: facet %s %s", c->name, c->name, c->synopsis);
        return CLI_USE;
    }
    if (c->max_words >= 0 && a->n_words > c->max_words) {
        cli_error("%s: unexpected argument '%s'; usage: facet %s%s%s", c->name, a->words[c->max_words], c->name,
                  *c->synopsis ? " " : "", c->synopsis);
        return CLI_USE;
    }
    return CLI_DONE;
}

/* Options and other words may come in any order; after "--" everything is a word. */
int cli_args_parse(const cli_command *c, int argc, char **argv, cli_args *out) {
    memset(out, 0, sizeof *out);
    set_defaults(&out->set);
    out->words = cli_alloc((size_t)argc + 1, sizeof *out->words);
    option_parser p = {.command = c, .argc = argc, .argv = argv, .out = out};
    bool options = true;
    for (; p.at < argc; p.at++) {
        char *word = argv[p.at];
        int code = CLI_DONE;
        if (options && strcmp(word, "--") == 0) options = false;
        else if (options && strncmp(word, "--", 2) == 0) code = parse_long(&p, word + 2);
        else if (options && word[0] == '-' && word[1]) code = parse_short(&p, word + 1);
        else out->words[out->n_words++] = word;
        if (code) return code;
        if (out->set.help) {
            out->set.help_all = p.at + 1 < argc && strcmp(argv[p.at + 1], "all") == 0;
            return CLI_DONE;
        }
    }
    return check_words(c, out);
}

void cli_args_free(cli_args *a) {
    free(a->words);
    a->words = NULL;
}
