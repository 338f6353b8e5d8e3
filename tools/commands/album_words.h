/* What users call people and faces of an album, and what is shown of a face. */
#ifndef FACET_ALBUM_WORDS_H
#define FACET_ALBUM_WORDS_H

#include "commands/cmd_album.h"

/* Finds a person by the number that the album shows, or by the name. On failure prints one line and returns an exit
 * code: CLI_NONE where nobody is called so. */
int cli_album_person(fct_album *album, const char *word, int64_t *id);
/* The same, or, where nobody is called so and the word is the path of a file, that photo of the album: one of the two
 * is not 0 then. */
int cli_album_person_or_photo(fct_album *album, const char *word, int64_t *person_id, int64_t *photo_id);

/* Whether a word is what people without a name, or faces, are called by: "12", "#12" or "face:12". */
bool cli_album_is_number(const char *word);

/* "Anna", or "person 12". Borrowed from out. */
const char *cli_album_call(fct_album *album, int64_t person_id, char out[300]);

/* Faces of a person (0 = of anybody) by words: "face:12", or the path of a photo, which stands for the faces in it.
 * *faces is owned: free(). */
int cli_album_faces(fct_album *album, int64_t person_id, char **words, int n_words, int64_t **faces, int *n);
/* Faces that a person is to have, whosever they are. A photo stands for those that are the person's already, else for
 * its only one; of a photo with several others nobody can tell which is meant, and they are listed. */
int cli_album_any_faces(fct_album *album, int64_t person_id, char **words, int n_words, int64_t **faces, int *n);

/* A face as it is shown. */
typedef struct cli_face_card {
    int64_t id, person_id;
    char path[2048]; /* "" = no place at present */
    float box[4];    /* in pixels */
    double time;     /* in a video */
    float quality;
} cli_face_card;
int cli_album_card(fct_album *album, int64_t face_id, cli_face_card *out);
void cli_json_card(fct_json_writer *j, const char *key, const cli_face_card *c); /* an object */
/* "face:12  box 120,80 96x120  /photos/a.jpg". Owned: free(). */
char *cli_album_card_line(const cli_face_card *c);

#endif
