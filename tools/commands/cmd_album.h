/* facet album: what its actions share. Each action is a command of its own
 * ("album scan"), in a file cmd_album_*.c, and a row of the table in
 * cmd_album.c. */
#ifndef FACET_CMD_ALBUM_H
#define FACET_CMD_ALBUM_H

#include "shell/cli.h"
#include "shell/json.h"

extern const cli_command cmd_album_scan, cmd_album_migrate, cmd_album_duplicates, cmd_album_status, cmd_album_check,
    cmd_album_backup, cmd_album_forget, cmd_album_undo;
/* About people: cmd_album_people.c, cmd_album_review.c. */
extern const cli_command cmd_album_cluster, cmd_album_faces, cmd_album_name, cmd_album_merge, cmd_album_split,
    cmd_album_reject, cmd_album_confirm, cmd_album_differ, cmd_album_ignore, cmd_album_review;

extern const cli_command cmd_album_people, cmd_album_find, cmd_album_like, cmd_album_sort, cmd_album_tags,
    cmd_album_report;

/* What every action takes. */
#define CLI_ALBUM_OPTIONS CLI_COMMON_OPTIONS, CLI_OPT(OPT_ALBUM)

typedef enum cli_album_mode { ALBUM_CREATE, ALBUM_WRITE, ALBUM_READ } cli_album_mode;
/* Opens the album that --album, FCT_ALBUM or the platform names. Only ALBUM_CREATE makes a new file. *out is owned:
 * fct_album_free(). On failure prints one line and returns an exit code. */
int cli_album_open(const cli_settings *s, cli_album_mode mode, fct_album **out);
/* The same, and reads the album's figures. */
int cli_album_open_info(const cli_settings *s, cli_album_mode mode, fct_album **out, fct_album_info *info);

/* Begins a line of JSON with the album's path, to which the caller adds the rest; ends it. */
void cli_album_json_begin(fct_json_writer *j, const fct_album_info *info);
void cli_album_json_end(fct_json_writer *j);
/* With --json begins such a line and an array in it, and returns j; else NULL. */
fct_json_writer *cli_album_json_list(const cli_settings *s, const fct_album_info *info, const char *array,
                                     fct_json_writer *j);
/* Ends both. NULL = nothing to end. */
void cli_album_json_list_end(fct_json_writer *j);

/* Tells that grouping begins where it takes more than a moment. */
void cli_album_tell_grouping(fct_album *album);
/* What grouping has done: a member "people" of an open object; a line for people. */
void cli_album_json_groups(fct_json_writer *j, const fct_group_result *r);
void cli_album_print_groups(const fct_group_result *r);

#endif
