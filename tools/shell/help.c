#include "shell/help.h"

#include "base/buffer.h"

#include <string.h>

enum { HELP_WIDTH = 79, HELP_COLUMN = 26 };

/* Goes word by word; a word that is too long for a line stands alone on one. */
void cli_wrap(FILE *f, const char *text, size_t length, int column, int indent, int width) {
    const char *end = text + length;
    bool first = true;
    while (text < end) {
        size_t n = 0;
        while (text + n < end && text[n] != ' ') n++;
        if (!first && column + 1 + (int)n > width) {
            fprintf(f, "\n%*s", indent, "");
            column = indent;
        } else if (!first) {
            fputc(' ', f);
            column++;
        }
        fwrite(text, 1, n, f);
        column += (int)n;
        text += n;
        while (text < end && *text == ' ') text++;
        first = false;
    }
    fputc('\n', f);
}

static void print_heading(FILE *f, const char *text) {
    fprintf(f, "%s%s%s", cli_style(f, STYLE_STRONG), text, cli_style(f, STYLE_PLAIN));
}

void cli_help_overview(FILE *f) {
    fprintf(f, "facet %s: finds, compares and recognizes faces in photos.\n\n", fct_version());
    fputs("Usage: facet COMMAND [OPTION...] [ARGUMENT...]\n", f);
    print_heading(f, "\nCommands:\n");
    for (const cli_command *const *c = cli_commands; *c; c++) fprintf(f, "  %-13s%s\n", (*c)->name, (*c)->summary);
    print_heading(f, "\nTopics:\n");
    for (const cli_topic *t = cli_topics; t->name; t++) fprintf(f, "  %-13s%s\n", t->name, t->summary);
    fputs("\n'facet COMMAND --help' shows a command's options and examples,\n'facet help TOPIC' a topic.\n", f);
}

/* Paragraphs are divided by empty lines; each is wrapped anew. */
static void print_paragraphs(FILE *f, const char *text) {
    while (*text) {
        const char *stop = strstr(text, "\n\n");
        size_t n = stop ? (size_t)(stop - text) : strlen(text);
        fputc('\n', f);
        cli_wrap(f, text, n, 0, 0, HELP_WIDTH);
        text += n;
        while (*text == '\n') text++;
    }
}

/* A name that is too long for the left column puts its text on the next line. */
static void print_option(FILE *f, const cli_opt *o) {
    char left[80];
    int n = o->letter ? snprintf(left, sizeof left, "  -%c, --%s", o->letter, o->name)
                      : snprintf(left, sizeof left, "      --%s", o->name);
    if (o->arg) n += snprintf(left + n, sizeof left - (size_t)n, " %s", o->arg);
    fputs(left, f);
    if (n + 2 > HELP_COLUMN) fprintf(f, "\n%*s", HELP_COLUMN, "");
    else fprintf(f, "%*s", HELP_COLUMN - n, "");
    cli_wrap(f, o->help, strlen(o->help), HELP_COLUMN, HELP_COLUMN, HELP_WIDTH);
}

/* Commands are set further in than the lines that explain them. */
static void print_examples(FILE *f, const char *text) {
    print_heading(f, "\nExamples:\n");
    for (; *text; text += strcspn(text, "\n"), text += *text == '\n') {
        int n = (int)strcspn(text, "\n");
        if (strncmp(text, "facet", 5) == 0) fprintf(f, "      %.*s\n", n, text);
        else fprintf(f, "  %.*s\n", n, text);
    }
}

/* The names of the shared options that c takes, in lines. */
static void print_shared_names(FILE *f, const cli_command *c) {
    fct_buf text = {0};
    fct_buf_text(&text, "Shared options:");
    for (int i = 0; i < OPT_COUNT; i++)
        if (cli_command_takes(c, (cli_opt_id)i) && cli_option_is_shared((cli_opt_id)i))
            fct_buf_printf(&text, " --%s", cli_opts[i].name);
    fct_buf_printf(&text, " ('facet %s --help all' explains them)", c->name);
    if (text.data) cli_wrap(f, text.data, text.size, 0, 2, HELP_WIDTH);
    fct_buf_free(&text);
}

static bool takes_shared(const cli_command *c) {
    for (int i = 0; i < OPT_COUNT; i++)
        if (cli_command_takes(c, (cli_opt_id)i) && cli_option_is_shared((cli_opt_id)i)) return true;
    return false;
}

static void print_options(FILE *f, const cli_command *c, bool shared) {
    for (int i = 0; i < OPT_COUNT; i++)
        if (cli_command_takes(c, (cli_opt_id)i) && cli_option_is_shared((cli_opt_id)i) == shared)
            print_option(f, &cli_opts[i]);
}

static void print_parts(FILE *f, const cli_command *c) {
    int width = 11;
    print_heading(f, "\nActions:\n");
    for (const cli_command *const *p = c->parts; *p; p++)
        if ((int)strlen(cli_part_word(*p)) > width) width = (int)strlen(cli_part_word(*p));
    for (const cli_command *const *p = c->parts; *p; p++)
        fprintf(f, "  %-*s  %s\n", width, cli_part_word(*p), (*p)->summary);
    fprintf(f, "\n'facet %s ACTION --help' shows an action's options and examples.\n", c->name);
}

/* The options that many commands share are only named, unless all were asked for, so that a command's own stand out. */
void cli_help_command(FILE *f, const cli_command *c, bool all) {
    fprintf(f, "facet %s: %s\n\nUsage: facet %s%s%s%s\n", c->name, c->summary, c->name,
            cli_command_takes_any(c) ? " [OPTION...]" : "", *c->synopsis ? " " : "", c->synopsis);
    print_paragraphs(f, c->description);
    if (c->parts) print_parts(f, c);
    else {
        print_heading(f, "\nOptions:\n");
        print_options(f, c, false);
    }
    if (takes_shared(c)) {
        fputc('\n', f);
        if (all) {
            print_heading(f, "Shared options:\n");
            print_options(f, c, true);
        } else print_shared_names(f, c);
    }
    if (c->examples) print_examples(f, c->examples);
}
