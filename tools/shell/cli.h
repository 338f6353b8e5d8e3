/* The facet command: what its commands share.
 *
 * tools/ sees the public headers of include/facet/, and of src/ only the
 * platform headers base/file.h, thread.h, alloc.h and compiler.h, whose objects
 * are linked statically (docs/decisions/0060-command.md).
 *
 * Output rules: results on stdout, everything else on stderr; an error is one
 * line "facet: FILE: what is wrong". Exit codes below. */
#ifndef FACET_CLI_H
#define FACET_CLI_H

#include <facet/facet.h>

#include "base/compiler.h"

#include <stdio.h>

/* Exit codes. When several apply the highest wins. */
enum {
    CLI_DONE = 0,
    CLI_NONE = 1,     /* no face, or nobody recognized */
    CLI_USE = 2,      /* wrong options or arguments */
    CLI_INPUT = 3,    /* a file could not be read, a model or gallery is unusable, output failed */
    CLI_STOPPED = 130 /* interrupted; main() makes it 128 and the signal's number */
};

/* Every option means the same in every command that takes it. */
typedef enum cli_opt_id {
    OPT_FACE,
    OPT_ALL_FACES,
    OPT_STRICT,
    OPT_FOLDERS,
    OPT_FACE_ID,
    OPT_YES,
    OPT_EXPORT,
    OPT_FORMAT,
    OPT_OUT,
    OPT_NORMALIZE,
    OPT_THRESHOLD,
    OPT_SEARCH,
    OPT_SERVER_FROM,
    OPT_TOP,
    OPT_LAYERS,
    OPT_SECONDS,
    OPT_SIZE,
    OPT_BATCH,
    OPT_DRAW,
    OPT_CROP_DIR,
    OPT_CSV,
    OPT_HTML,
    OPT_FAR,
    OPT_BY,
    OPT_PHOTOS,
    OPT_SEED,
    OPT_KIND,
    OPT_PART,
    OPT_REPORT,
    OPT_DET_SIZE,
    OPT_DET_THRESH,
    OPT_MAX_FACES,
    OPT_ROTATIONS,
    OPT_TILE,
    OPT_FILES_FROM,
    OPT_MAX_PIXELS,
    OPT_RECORD,
    OPT_EVENTS,
    OPT_SNAPSHOT_DIR,
    OPT_KEEP_DAYS,
    OPT_SHEET,
    OPT_BLUR,
    OPT_KEEP,
    OPT_COVER,
    OPT_IN_PLACE,
    OPT_EVERY,
    OPT_FRAME_SIZE,
    OPT_FPS,
    OPT_HARDWARE,
    OPT_INSECURE,
    OPT_LIST,
    OPT_STOP_AFTER,
    OPT_TERMINAL,
    OPT_ALBUM,
    OPT_WITH,
    OPT_FROM,
    OPT_TO,
    OPT_COPY,
    OPT_LINK,
    OPT_HARD_LINK,
    OPT_WRITE,
    OPT_READ,
    OPT_STYLE,
    OPT_AGAIN,
    OPT_ANEW,
    OPT_NO_MORE,
    OPT_NULL,
    OPT_FORGET_MISSING,
    OPT_NO_VIDEOS,
    OPT_GALLERY,
    OPT_WAIT,
    OPT_LEASE,
    OPT_ATTEMPTS,
    OPT_ROOT,
    OPT_URL,
    OPT_DATA,
    OPT_PORT,
    OPT_HOST,
    OPT_TLS_CERT,
    OPT_TLS_KEY,
    OPT_API,
    OPT_ALLOW,
    OPT_IMMICH_UPSTREAM,
    OPT_AUDIT,
    OPT_MONITOR_FILES,
    OPT_NO_AUTH,
    OPT_ROLE,
    OPT_AWS,
    OPT_MQTT,
    OPT_MQTT_CA,
    OPT_TOPIC,
    OPT_FRIGATE,
    OPT_SERVER,
    OPT_AGREEING,
    OPT_CREDENTIALS,
    OPT_RATE,
    OPT_CONNECTIONS,
    OPT_QUEUE,
    OPT_MAX_BODY,
    OPT_TIMEOUT,
    OPT_PROXY,
    OPT_SHA256,
    OPT_ACCEPT_LICENSE,
    OPT_REPLACE,
    OPT_COLLECTION,
    OPT_KEY_FILE,
    OPT_SET,
    OPT_CONSENT,
    OPT_EXPIRES,
    OPT_NOT_FACE,
    OPT_MOVE_TO,
    OPT_MEANS,
    OPT_REPEATS,
    OPT_VERIFY,
    OPT_DRY_RUN,
    OPT_PICTURES,
    OPT_MODEL_ID,
    OPT_DROP,
    OPT_MODELS,
    OPT_PRECISION,
    OPT_LOW_MEMORY,
    OPT_NO_CACHE,
    OPT_THREADS,
    OPT_JSON,
    OPT_QUIET,
    OPT_VERBOSE,
    OPT_HELP,
    OPT_COUNT
} cli_opt_id;
#define CLI_OPT(id) [id] = true /* in the initializer of a cli_option_set */
typedef bool cli_option_set[OPT_COUNT];
/* What all commands have, those that load a pack, those that find faces, and those that do so in many photos. */
#define CLI_COMMON_OPTIONS CLI_OPT(OPT_JSON), CLI_OPT(OPT_QUIET), CLI_OPT(OPT_VERBOSE)
#define CLI_PACK_OPTIONS                                                                                               \
    CLI_COMMON_OPTIONS, CLI_OPT(OPT_MODELS), CLI_OPT(OPT_PRECISION), CLI_OPT(OPT_LOW_MEMORY), CLI_OPT(OPT_NO_CACHE),   \
        CLI_OPT(OPT_THREADS)
#define CLI_FINDER_OPTIONS                                                                                             \
    CLI_PACK_OPTIONS, CLI_OPT(OPT_DET_SIZE), CLI_OPT(OPT_DET_THRESH), CLI_OPT(OPT_MAX_FACES), CLI_OPT(OPT_ROTATIONS),  \
        CLI_OPT(OPT_TILE), CLI_OPT(OPT_MAX_PIXELS)
#define CLI_ANALYSIS_OPTIONS CLI_FINDER_OPTIONS, CLI_OPT(OPT_FILES_FROM)
/* Which people are worked with. */
#define CLI_GALLERY_OPTIONS CLI_OPT(OPT_GALLERY), CLI_OPT(OPT_COLLECTION), CLI_OPT(OPT_KEY_FILE)
#define CLI_VIDEO_OPTIONS                                                                                              \
    CLI_GALLERY_OPTIONS, CLI_OPT(OPT_THRESHOLD), CLI_OPT(OPT_SEARCH), CLI_OPT(OPT_SERVER_FROM), CLI_OPT(OPT_DET_SIZE), \
        CLI_OPT(OPT_MAX_PIXELS), CLI_OPT(OPT_RECORD), CLI_OPT(OPT_EVENTS), CLI_OPT(OPT_SNAPSHOT_DIR),                  \
        CLI_OPT(OPT_KEEP_DAYS), CLI_OPT(OPT_SHEET), CLI_OPT(OPT_BLUR), CLI_OPT(OPT_EVERY), CLI_OPT(OPT_FRAME_SIZE),    \
        CLI_OPT(OPT_FPS), CLI_OPT(OPT_HARDWARE), CLI_OPT(OPT_INSECURE), CLI_OPT(OPT_STOP_AFTER), CLI_OPT(OPT_REPEATS)

enum { CLI_PACKS_MOST = 6 }; /* given with --models, to be compared */

typedef struct cli_sizes {
    int n; /* 0 = automatic */
    struct {
        int width, height;
    } at[FCT_MAX_DET_SIZES];
} cli_sizes;

/* Values of all options after parsing; those not given hold their defaults.
 * Texts are borrowed from argv. */
typedef struct cli_settings {
    bool help, help_all, quiet, verbose, json, yes, normalize, all_faces, strict, rotations, low_memory, no_cache,
        layers;
    bool csv, in_place, hardware, insecure, list, terminal, wait;
    const char *record, *events, *snapshot_dir, *sheet, *blur, *keep, *frame_size;
    int every, keep_days;
    int lease, attempts; /* 0 = the queue's default */
    double fps, stop_after;
    bool accept_license, replace, pictures, drop, no_auth, aws;
    bool again, anew, no_more, forget_missing, no_videos, null;
    const char *data, *host, *tls_cert, *tls_key, *api, *allow, *immich_upstream, *audit, *monitor_files;
    int port, connections, queue; /* port: -1 = not given */
    int64_t max_body;
    double rate, timeout;
    const char *mqtt, *mqtt_ca, *topic, *frigate, *server, *credentials;
    int agreeing;                            /* 0 = not given */
    bool copy, link, hard_link, write, read; /* of the album's photos */
    const char *with, *from, *to;
    const char *models, *album, *gallery, *files_from, *draw, *html, *export_dir, *crop_dir, *out, *folders;
    const char *by, *photos, *part, *report;
    int kind;                               /* of a file of faces: index into the choices, 0 = found out */
    const char *all_models[CLI_PACKS_MOST]; /* every --models of the command line, models being the last one */
    int n_models;                           /* more than CLI_PACKS_MOST: the others are not kept */
    const char *root, *url, *proxy, *sha256, *model_id;
    const char *collection, *key_file, *set, *consent, *expires, *move_to;
    bool means, repeats, verify, dry_run;
    int64_t not_face;
    int threads, max_faces, tile, top, face, batch;
    int64_t max_pixels, face_id, server_from; /* server_from: -1 = not given */
    double det_thresh, threshold, seconds;    /* threshold: NAN = the pack's */
    double false_accept;                      /* NAN = chosen by the number of pairs */
    int64_t seed;
    int precision, format, cover, role, search, style; /* index into the option's choices */
    cli_sizes det_size, size;
} cli_settings;

typedef struct cli_args {
    cli_settings set;
    cli_option_set given; /* which options were on the command line */
    char **words;         /* the arguments that are no options; owned array, borrowed texts */
    int n_words;
} cli_args;

/* What an option's value or a command's argument can be completed with. */
typedef enum cli_complete {
    COMPLETE_NONE,
    COMPLETE_FILE,
    COMPLETE_FOLDER,
    COMPLETE_PEOPLE, /* the gallery's people */
    COMPLETE_ALBUM,  /* the album's people, or files */
    COMPLETE_PACK    /* packs by name, or folders */
} cli_complete;

typedef struct cli_command {
    const char *name;
    const char *synopsis;     /* its arguments: "PHOTO..." */
    const char *actions;      /* what its first argument may be, "list|get", for completion; NULL = anything */
    const char *summary;      /* one line, no full stop */
    const char *description;  /* paragraphs divided by empty lines */
    cli_option_set options;   /* CLI_OPT() of those it takes; OPT_HELP is always taken */
    const char *examples;     /* lines; those starting with "facet" are commands, others explain the next */
    cli_complete words;       /* what its arguments are completed with; COMPLETE_NONE = files */
    int min_words, max_words; /* how many arguments, max -1 = any number */
    int (*run)(cli_args *args);
    /* Commands of its own, "album scan" and so on, which its first argument chooses; ends with NULL. run is then for
     * arguments that choose none. */
    const struct cli_command *const *parts;
} cli_command;

/* All commands in the order of the help; ends with a NULL name. Static. */
extern const cli_command *const cli_commands[];
extern const cli_command cmd_detect, cmd_blur, cmd_embed, cmd_compare, cmd_enroll, cmd_evaluate, cmd_identify,
    cmd_people, cmd_forget, cmd_remove, cmd_rename, cmd_gallery, cmd_queue, cmd_worker, cmd_tags, cmd_album, cmd_video,
    cmd_camera, cmd_info, cmd_models, cmd_doctor, cmd_train, cmd_bench, cmd_serve, cmd_bridge, cmd_help, cmd_version;
const cli_command *cli_command_find(const char *name); /* NULL = none */
/* The part of a command that is called by its last word ("scan" of "album scan"), NULL = none. */
const cli_command *cli_part_find(const cli_command *c, const char *word);
const char *cli_part_word(const cli_command *part); /* that word */
/* The command or part whose page of the manual is called so: "detect", "album-scan". NULL = none. */
const cli_command *cli_page_find(const char *name);
bool cli_command_takes(const cli_command *c, cli_opt_id id);
bool cli_command_takes_any(const cli_command *c); /* an option besides --help */
/* Whether the option has the same meaning in commands that have nothing else in common (--json). */
bool cli_option_is_shared(cli_opt_id id);

/* ---- Options (options.c) -------------------------------------------------- */
typedef enum cli_opt_kind {
    KIND_FLAG,
    KIND_TEXT,
    KIND_INT,
    KIND_INT64,
    KIND_NUMBER,
    KIND_SIZES,
    KIND_CHOICE
} cli_opt_kind;

typedef struct cli_opt {
    const char *name; /* without "--" */
    char letter;      /* short form, 0 = none */
    cli_opt_kind kind;
    size_t offset;       /* of its field in cli_settings */
    const char *arg;     /* what the help calls its value; NULL for a flag */
    double low, high;    /* limits of numbers */
    const char *choices; /* of KIND_CHOICE, divided by '|' */
    cli_complete complete;
    const char *help;
} cli_opt;
extern const cli_opt cli_opts[OPT_COUNT];

/* Parses argv (without program and command name). On bad use prints one line
 * and returns CLI_USE; else CLI_DONE. Free with cli_args_free() in both cases. */
int cli_args_parse(const cli_command *c, int argc, char **argv, cli_args *out);
void cli_args_free(cli_args *a);

/* Returns how many words an option takes on the command line, 1 or 2 with its value, whatever command it belongs to:
 * word is "--models", "-m", "-qm" and so on. */
int cli_option_words(const char *word);

/* Returns the name that word may have meant, or NULL (suggest.c). */
const char *cli_closest(const char *word, const char *const *names, int n);

/* ---- Messages (message.c) ------------------------------------------------- */
typedef enum cli_style_id {
    STYLE_PLAIN,   /* ends the others */
    STYLE_STRONG,  /* headings, names of photos */
    STYLE_FAINT,   /* what is of no account: unknown, no face */
    STYLE_GOOD,    /* recognized, the same, in order */
    STYLE_WARNING, /* not the same, doubtful */
    STYLE_BAD      /* an error, a fault */
} cli_style_id;
/* Returns what switches to a style: an escape sequence on a terminal that takes colors, where NO_COLOR is not set,
 * else "". Static. */
const char *cli_style(FILE *f, cli_style_id id);

/* Prints text for people like printf(). What names of files and people hold must not command a terminal: control
 * characters become '?' and invalid bytes U+FFFD, except for one line feed at the end. JSON and CSV are for programs
 * and do not go through here. */
void cli_print(const char *format, ...) FCT_PRINTF(1, 2);
void cli_print_styled(cli_style_id style, const char *text); /* the same of one text */
/* How many columns of a terminal a text takes: marks above a letter none, East Asian characters two. */
int cli_text_columns(const char *text);

/* Prints one line on stderr, with "facet: " before it; control characters become '?'. */
void cli_error(const char *format, ...) FCT_PRINTF(1, 2);
/* Prints a line like cli_error(), with "facet: warning: " before it, unless --quiet was given. */
void cli_warn(const char *format, ...) FCT_PRINTF(1, 2);
/* Prints what was done, without a prefix, on stderr, unless --quiet was given. */
void cli_note(const char *format, ...) FCT_PRINTF(1, 2);
/* Prints the error's text and returns the exit code it stands for: CLI_USE for
 * FCT_ERR_ARG, CLI_STOPPED for FCT_ERR_CANCELLED, else CLI_INPUT. */
int cli_fail(const fct_error *e);
/* Asks on the terminal, or takes --yes for an answer. Without a terminal prints
 * one line. CLI_DONE = yes, CLI_NONE = no, CLI_USE = could not ask. */
int cli_confirm(const cli_settings *s, const char *question);
/* Sets up messages by --quiet and --verbose, which sends the library's log to stderr. */
void cli_message_setup(const cli_settings *s);

/* Both exit the process with code 3 and one line when memory is out. */
void *cli_alloc(size_t count, size_t size);                            /* zeroed; owned: free() */
void *cli_grow(void *p, size_t *capacity, size_t needed, size_t size); /* amortized realloc */
char *cli_format(const char *format, ...) FCT_PRINTF(1, 2);            /* owned: free() */

/* SIGINT, SIGTERM and SIGHUP end the command at once, without parts of files
 * (shell/signals.c), until a command says that it will ask cli_interrupted() and
 * end by itself; the second signal ends that one too. */
void cli_signals_setup(void);
void cli_catch_interrupt(void);
bool cli_interrupted(void);
/* From now on SIGHUP asks for something to be read anew instead of for the end: true once after each. */
void cli_catch_reload(void);
bool cli_reload_asked(void);
int cli_exit_status(int code); /* Returns code, or 128 and the number of the signal that came. */

#endif
