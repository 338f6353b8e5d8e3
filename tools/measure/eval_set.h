/* What 'facet evaluate' works on: photos and who is on them, or pairs, or scores. */
#ifndef FACET_CLI_EVAL_SET_H
#define FACET_CLI_EVAL_SET_H

#include "measure/eval_names.h"
#include "photos/inputs.h"

typedef enum eval_kind {
    EVAL_PEOPLE, /* photos by person: folders, or a CSV file with the columns file and identity */
    EVAL_PAIRS,  /* pairs of photos: a CSV file with a, b and same */
    EVAL_SCORES  /* scores of pairs, of whatever made them: a CSV file with score and same */
} eval_kind;

typedef struct eval_photo {
    uint32_t person; /* EVAL_PEOPLE: index into people */
    int group;       /* index into groups, -1 = none */
} eval_photo;

typedef struct eval_pair {
    uint32_t a, b;               /* photos */
    uint32_t person_a, person_b; /* who is on them, as far as the pairs tell */
    float score;                 /* EVAL_SCORES; NaN = none */
    bool same;
    uint8_t fold;
    int group; /* index into groups, -1 = none */
} eval_pair;

enum { EVAL_FOLDS = 10 }; /* where no column says otherwise */

typedef struct eval_set {
    eval_kind kind;
    char *title;       /* of the report: what was given; owned */
    cli_inputs photos; /* [photos.n]; in EVAL_SCORES only names, or nothing */
    eval_photo *of;    /* [photos.n] */
    size_t cap_of;
    eval_names people; /* EVAL_PEOPLE */
    eval_names groups;
    const char *by;   /* the column that names the groups, borrowed; NULL = there are none */
    eval_pair *pairs; /* [n_pairs] */
    size_t n_pairs, cap_pairs;
    int folds;
} eval_set;

/* Reads what the arguments name. Prints one line and returns an exit code where that fails. Free with
 * eval_set_free() in both cases. */
int eval_set_read(const cli_args *a, eval_set *out);
void eval_set_free(eval_set *s);

/* eval_csv.c: reads a CSV file into an empty set. */
int eval_csv_read(const char *path, const cli_settings *set, eval_set *out);
/* Adds a photo and returns its number. path is taken over. */
uint32_t eval_set_add_photo(eval_set *s, char *path, uint32_t person, int group);

#endif
