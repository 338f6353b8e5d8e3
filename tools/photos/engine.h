/* The pack, analyzer and gallery that a command works with, opened as the
 * options say, and the loop over photos. */
#ifndef FACET_CLI_ENGINE_H
#define FACET_CLI_ENGINE_H

#include "shell/cli.h"
#include "photos/inputs.h"

typedef struct cli_engine {
    const cli_settings *set; /* borrowed */
    fct_pack *pack;
    fct_analyzer *analyzer;
    float threshold; /* of --threshold, else the gallery's, else the pack's */
} cli_engine;

/* Opens the pack with these tasks (fct_task bits). FCT_TASK_DETECT is always among them;
 * FCT_TASK_EMBED is required where asked for, the others are taken if the pack has them.
 * On failure prints one line and returns an exit code. Free with cli_engine_close() in both cases. */
int cli_engine_open(const cli_settings *s, uint32_t tasks, cli_engine *out);
void cli_engine_close(cli_engine *e);

/* The options of an analyzer as the command line says. */
void cli_finder_opts(const cli_settings *s, uint32_t tasks, fct_analyzer_opts *o);

/* The folder of prepared networks, owned (fct_free); NULL = there shall be none. */
char *cli_cache_dir(const cli_settings *s);

/* Finds the pack, a known one or one under the root (NULL = the default one), that the name may have meant. */
bool cli_pack_near(const char *root, const char *name, char *out, size_t cap);

/* Opens the pack alone, for reports. *out is owned. Returns as above. */
int cli_pack_open(const cli_settings *s, uint32_t tasks, fct_pack **out);

typedef enum cli_gallery_mode { GALLERY_CREATE, GALLERY_WRITE, GALLERY_READ, GALLERY_CLOSED } cli_gallery_mode;
/* Opens the gallery that --gallery, FCT_GALLERY or the platform names. Only GALLERY_CREATE makes a new file;
 * GALLERY_CLOSED is for who opens it otherwise. *out is owned. Returns as above. */
int cli_gallery_open(const cli_settings *s, cli_gallery_mode mode, fct_gallery **out);

/* Who is noted in the audit log: the user's name, NULL = unknown. Borrowed from the environment. */
const char *cli_user_name(void);

/* Finds a person by name. When nobody has the name, that is an answer, CLI_NONE after one line, and not a fault of
 * the gallery; otherwise returns as above. */
int cli_gallery_find(fct_gallery *g, const char *name, fct_person *out);

/* Checks that the gallery is empty or was made with the engine's embedder, and prints one line when it was not;
 * returns as above. A threshold of the gallery's own ('facet gallery calibrate') becomes the engine's where
 * --threshold is not given. */
int cli_gallery_check_model(fct_gallery *g, cli_engine *e);

/* One photo and what was found in it. */
typedef struct cli_photo {
    const cli_input *input;
    const char *name; /* to be shown */
    fct_image *image; /* RGB; the callback may draw on it */
    fct_faces *faces;
} cli_photo;

/* Called for each photo in order; returns an exit code that the run's result includes. */
typedef int cli_photo_fn(void *user, const cli_photo *photo);
/* Called for each photo that could not be read or analyzed, after its line on stderr. May be NULL. */
typedef void cli_photo_failed_fn(void *user, const char *name, const fct_error *e);

typedef struct cli_photo_calls {
    cli_photo_fn *done;
    cli_photo_failed_fn *failed;
    void *user;
} cli_photo_calls;

/* Reads and analyzes all inputs. The next photos are decoded in a thread of their own at the same time, unless the
 * budget is one thread. Shows the progress line. A bad photo is reported and passed over. Returns the highest exit
 * code: CLI_INPUT when a photo failed, CLI_STOPPED after an interrupt. */
int cli_photos_run(cli_engine *e, const cli_inputs *in, const cli_photo_calls *calls);

/* Reads and analyzes one photo; prints the line where that fails. Free with
 * cli_photo_free() in both cases. */
int cli_photo_load(cli_engine *e, const cli_input *input, cli_photo *out);
void cli_photo_free(cli_photo *p);

/* Index of the face with the largest box, -1 if there is none. */
int cli_largest_face(const fct_faces *f);

#endif
