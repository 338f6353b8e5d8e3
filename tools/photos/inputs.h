/* Which files the user means: files, folders, patterns, lists, standard input. */
#ifndef FACET_CLI_INPUTS_H
#define FACET_CLI_INPUTS_H

#include "shell/cli.h"

typedef struct cli_input {
    char *path;           /* owned; "-" = standard input */
    const char *relative; /* borrowed from path: what follows the folder or pattern it came from */
    const char *person;   /* borrowed: whom 'facet enroll --folders' found it for, else NULL */
} cli_input;

/* Photos and videos in folders of a kind that is not read here, by ending. */
enum { CLI_UNREAD_KINDS = 48 };
typedef struct cli_unread {
    const char *ending; /* static */
    size_t n;
} cli_unread;

typedef struct cli_inputs {
    cli_input *at; /* owned */
    size_t n, capacity;
    bool several;                        /* a folder, pattern or list was among the words, or more than one word */
    bool failed;                         /* one of the words named nothing; a line was printed */
    cli_unread unread[CLI_UNREAD_KINDS]; /* what folders hold besides */
    int n_unread;
} cli_inputs;

/* Expands words (see 'facet help inputs') and --files-from. Prints one line for
 * each that names nothing, and goes on. Returns CLI_DONE, or CLI_INPUT when
 * nothing is left. Free with cli_inputs_free() in both cases. */
int cli_inputs_expand(char **words, int n_words, const cli_settings *s, cli_inputs *out);
void cli_inputs_free(cli_inputs *in);

/* All pictures in a folder and below it, appended in bytewise order. */
fct_status cli_inputs_add_folder(cli_inputs *in, const char *folder, fct_error *err);

/* Does name match pattern? '*' any run of characters but '/', '?' one of them, [a-z] and
 * [!a-z] sets. Works on whole UTF-8 characters but for sets, which are of bytes. */
bool cli_glob_match(const char *pattern, const char *name);

/* Does the name end in a dot and one of these (small letters; ends with NULL), in small or capital letters? */
bool cli_has_ending(const char *name, const char *const *endings);

/* All of standard input, at most max bytes. *data is owned: free(). */
fct_status cli_read_stdin(size_t max, void **data, size_t *size, fct_error *err);

#endif
