/* Man pages in the man(7) macros. */
#include "shell/help.h"

#include <ctype.h>
#include <string.h>

/* Writes text with roff's special characters escaped. A minus stays a minus, so that examples can be copied. */
static void put(FILE *f, const char *text, size_t n) {
    for (size_t i = 0; i < n; i++) {
        char c = text[i];
        bool start = i == 0 || text[i - 1] == '\n';
        if (start && (c == '.' || c == '\'')) fputs("\\&", f);
        if (c == '\\') fputs("\\e", f);
        else if (c == '-') fputs("\\-", f);
        else if (c == '\'') fputs("\\(aq", f);
        else if (c == '~') fputs("\\(ti", f);
        else fputc(c, f);
    }
}

static void put_line(FILE *f, const char *text) {
    put(f, text, strlen(text));
    fputc('\n', f);
}

static void put_upper(FILE *f, const char *text) {
    for (; *text; text++) fputc(toupper((unsigned char)*text), f);
}

/* The name of a command's page: "album-scan" for "album scan". */
static void put_page_name(FILE *f, const char *name, bool upper) {
    for (; *name; name++)
        if (*name == ' ' || *name == '-') fputs("\\-", f);
        else fputc(upper ? toupper((unsigned char)*name) : *name, f);
}

static void put_paragraphs(FILE *f, const char *text) {
    for (bool first = true; *text; first = false) {
        const char *stop = strstr(text, "\n\n");
        size_t n = stop ? (size_t)(stop - text) : strlen(text);
        if (!first) fputs(".PP\n", f);
        put(f, text, n);
        fputc('\n', f);
        text += n;
        while (*text == '\n') text++;
    }
}

/* One tagged paragraph: the names in bold, the value in italics, the text below. */
static void put_option(FILE *f, const cli_opt *o) {
    fputs(".TP\n", f);
    if (o->letter) fprintf(f, "\\fB\\-%c\\fR, ", o->letter);
    fputs("\\fB\\-\\-", f);
    put(f, o->name, strlen(o->name));
    fputs("\\fR", f);
    if (o->arg) {
        fputs(" \\fI", f);
        put(f, o->arg, strlen(o->arg));
        fputs("\\fR", f);
    }
    fputc('\n', f);
    put_line(f, o->help);
}

/* Commands are printed as they are, without filling; the lines between them explain them. */
static void put_examples(FILE *f, const char *text) {
    fputs(".SH EXAMPLES\n", f);
    while (*text) {
        size_t n = strcspn(text, "\n");
        bool command = strncmp(text, "facet", 5) == 0;
        fputs(command ? ".RS 4\n.nf\n" : ".PP\n", f);
        put(f, text, n);
        fputs(command ? "\n.fi\n.RE\n" : "\n", f);
        text += n;
        text += *text == '\n';
    }
}

/* A section that lists the pages of commands. */
static void put_pages(FILE *f, const char *heading, const cli_command *const *list) {
    fprintf(f, ".SH %s\n", heading);
    for (; *list; list++) {
        fputs(".TP\n\\fBfacet\\-", f);
        put_page_name(f, (*list)->name, false);
        fputs("\\fR(1)\n", f);
        put_line(f, (*list)->summary);
    }
}

static void put_command(FILE *f, const cli_command *c) {
    fputs(".TH FACET\\-", f);
    put_page_name(f, c->name, true);
    fprintf(f, " 1 \"\" \"facet %s\" \"facet\"\n.SH NAME\nfacet\\-", fct_version());
    put_page_name(f, c->name, false);
    fputs(" \\- ", f);
    put_line(f, c->summary);
    fprintf(f, ".SH SYNOPSIS\n\\fBfacet %s\\fR%s ", c->name, cli_command_takes_any(c) ? " [\\fIOPTION\\fR...]" : "");
    put_line(f, c->synopsis);
    fputs(".SH DESCRIPTION\n", f);
    put_paragraphs(f, c->description);
    if (c->parts) put_pages(f, "ACTIONS", c->parts);
    fputs(".SH OPTIONS\n", f);
    for (int shared = 0; shared < 2; shared++) /* the command's own first */
        for (int i = 0; i < OPT_COUNT; i++)
            if (cli_command_takes(c, (cli_opt_id)i) && cli_option_is_shared((cli_opt_id)i) == shared)
                put_option(f, &cli_opts[i]);
    if (c->examples) put_examples(f, c->examples);
    fputs(".SH SEE ALSO\n\\fBfacet\\fR(1)\n", f);
}

static void put_overview(FILE *f) {
    fprintf(f, ".TH FACET 1 \"\" \"facet %s\" \"facet\"\n", fct_version());
    fputs(".SH NAME\nfacet \\- find, compare and recognize faces in photos\n"
          ".SH SYNOPSIS\n\\fBfacet\\fR \\fICOMMAND\\fR [\\fIOPTION\\fR...] [\\fIARGUMENT\\fR...]\n"
          ".SH DESCRIPTION\nfacet loads face model packs in ONNX form and runs them itself on the CPU.\n",
          f);
    put_pages(f, "COMMANDS", cli_commands);
    for (const cli_topic *t = cli_topics; t->name; t++) {
        fputs(".SH ", f);
        put_upper(f, t->name);
        fputs("\n.nf\n", f);
        put(f, t->text, strlen(t->text));
        fputs(".fi\n", f);
    }
}

void cli_man_page(FILE *f, const cli_command *c) {
    if (c) put_command(f, c);
    else put_overview(f);
}
