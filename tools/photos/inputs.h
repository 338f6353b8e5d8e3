/* Which files the user means: files, folders, patterns, lists, standard input. */
#ifndef FACET_CLI_INPUTS_H
#define FACET_CLI_INPUTS_H

#include "photos/endings.h"
#include "shell/cli.h"

typedef struct cli_input {
    char *path;           /* owned; "-" = standard input */
    const char *relative; /* borrowed from path: what follows the folder or pattern it came from */
    const char *person;   /* borrowed: whom 'facet enroll --folders' found it for, else NULL */
} cli_input;

typedef struct cli_inputs {
    cli_input *at; /* owned */
    size_t n, capacity;
    bool several;       /* a folder, pattern or list was among the words, or more than one word */
    bool failed;        /* one of the words named nothing; a line was printed */
    cli_endings unread; /* photos and videos in folders of a kind that is not read here */
} cli_inputs;

/* Whether a name ends as those of pictures and videos do, also of kinds that are not read. */
bool cli_ends_as_photo(const char *name);

/* Expands words (see 'facet help inputs') and --files-from. Prints one line for
 * each that names nothing, and goes on. Returns CLI_DONE, or CLI_INPUT when
 * nothing is left. Free with cli_inputs_free() in both cases. */
int cli_inputs_expand(char **words, int n_words, const cli_settings *s, cli_inputs *out);
void cli_inputs_free(cli_inputs *in);

/* Appends all pictures in a folder and below it, in bytewise order. */
fct_status cli_inputs_add_folder(cli_inputs *in, const char *folder, fct_error *err);

/* Whether name matches pattern. '*' stands for any run of characters but '/', '?' for one of them, [a-z] and [!a-z]
 * for sets. Characters are whole UTF-8 characters, except in sets, which are of bytes. */
bool cli_glob_match(const char *pattern, const char *name);

/* Whether the name ends in a dot and one of the endings, in small or capital letters. The endings are in small
 * letters, and NULL ends their list. */
bool cli_has_ending(const char *name, const char *const *endings);

/* Reads all of standard input, at most max bytes. *data is owned: free(). */
fct_status cli_read_stdin(size_t max, void **data, size_t *size, fct_error *err);

#endif
