/* facet album review: questions about people, likeliest first; answered by a key
 * each in a terminal, by words or lines of standard input elsewhere. */
#include "commands/album_pictures.h"
#include "commands/album_words.h"
#include "photos/report.h"

#include "base/file.h"

#include <stdlib.h>
#include <string.h>

/* How a question is called: "12+40" about two people, "12+face:301". */
static const char *key_of(const fct_question *q, char out[64]) {
    if (q->other_id) snprintf(out, 64, "%lld+%lld", (long long)q->person_id, (long long)q->other_id);
    else snprintf(out, 64, "%lld+face:%lld", (long long)q->person_id, (long long)q->other_face);
    return out;
}

typedef struct review {
    cli_args *a;
    fct_album *album;
    fct_question *questions; /* [n] */
    size_t n;
    int yes, no, gone;
    struct given_answer {
        char key; /* y, n, i */
        size_t question;
    } * given; /* [n_given] answers by key that can be taken back, the last one last */
    size_t n_given, cap_given;
} review;

/* ---- Lists ------------------------------------------------------------------------------ */

/* A question with its key, by which a later call can answer it. */
static int json_question(review *r, const fct_question *q) {
    cli_face_card of_person, of_other;
    char key[64], name[300];
    fct_json_writer j;
    int code = cli_album_card(r->album, q->face_id, &of_person);
    if (!code) code = cli_album_card(r->album, q->other_face, &of_other);
    if (code) return code;
    cli_json_line(&j, stdout);
    fct_json_text(&j, "question", key_of(q, key));
    fct_json_number(&j, "likelihood", q->likelihood, 4);
    fct_json_int(&j, "person_id", q->person_id);
    fct_json_text(&j, "person", cli_album_call(r->album, q->person_id, name));
    cli_json_card(&j, "face", &of_person);
    if (q->other_id) {
        fct_json_int(&j, "other_id", q->other_id);
        fct_json_text(&j, "other", cli_album_call(r->album, q->other_id, name));
    }
    cli_json_card(&j, "other_face", &of_other);
    fct_json_close_object(&j);
    fct_json_end(&j);
    return CLI_DONE;
}

static int show_question(review *r, const fct_question *q) {
    cli_face_card of_person, of_other;
    char key[64], name[300], other[300];
    int code = cli_album_card(r->album, q->face_id, &of_person);
    if (!code) code = cli_album_card(r->album, q->other_face, &of_other);
    if (code) return code;
    char *first = cli_album_card_line(&of_person), *second = cli_album_card_line(&of_other);
    cli_album_call(r->album, q->person_id, name);
    if (q->other_id) cli_album_call(r->album, q->other_id, other);
    else snprintf(other, sizeof other, "a face");
    cli_print("%s  %.0f %%  %s = %s?\n", key_of(q, key), 100 * (double)q->likelihood, name, other);
    cli_print("  %s\n", first);
    cli_print("  %s\n", second);
    free(first);
    free(second);
    return CLI_DONE;
}

static int list_questions(review *r) {
    int code = CLI_DONE;
    for (size_t i = 0; i < r->n && !code; i++)
        code = r->a->set.json ? json_question(r, &r->questions[i]) : show_question(r, &r->questions[i]);
    if (!r->n && !r->a->set.json) cli_note("there is no question");
    return code ? code : r->n ? CLI_DONE : CLI_NONE;
}

/* ---- Answers by words ------------------------------------------------------------------------- */

/* False answers and unknown questions are told, and the rest goes on. */
static int answer_word(review *r, const char *word) {
    char key[64];
    fct_error e;
    const char *sign = strpbrk(word, "= \t");
    const char *what = sign ? sign + 1 + strspn(sign + 1, "= \t") : "";
    bool yes = !strcmp(what, "yes");
    if (!yes && strcmp(what, "no")) {
        cli_error("%s: an answer is QUESTION=yes or QUESTION=no", word);
        return CLI_USE;
    }
    for (size_t i = 0; i < r->n; i++) {
        const fct_question *q = &r->questions[i];
        key_of(q, key);
        if (strlen(key) != (size_t)(sign - word) || strncmp(key, word, strlen(key))) continue;
        fct_status st = fct_album_answer(r->album, q, yes, &e);
        if (st == FCT_ERR_NOT_FOUND) {
            cli_warn("%s: one of them is no more", key);
            r->gone++;
            return CLI_NONE;
        }
        if (st) return cli_fail(&e);
        *(yes ? &r->yes : &r->no) += 1;
        return CLI_DONE;
    }
    cli_error("%.*s: there is no such question", (int)(sign - word), word);
    return CLI_NONE;
}

static int answer_lines(review *r) {
    char line[256];
    int worst = CLI_DONE;
    while (worst < CLI_INPUT && fgets(line, sizeof line, stdin)) {
        line[strcspn(line, "\r\n")] = 0;
        int one = *line ? answer_word(r, line) : CLI_DONE;
        if (one > worst) worst = one;
    }
    return worst;
}

static int tell_answers(review *r, int code) {
    fct_album_info info;
    fct_error e;
    fct_json_writer j;
    if (!r->a->set.json) cli_note("%d answered with yes, %d with no", r->yes, r->no);
    else if (fct_album_stat(r->album, &info, &e)) return cli_fail(&e);
    else {
        cli_album_json_begin(&j, &info);
        fct_json_int(&j, "yes", r->yes);
        fct_json_int(&j, "no", r->no);
        fct_json_int(&j, "gone", r->gone);
        cli_album_json_end(&j);
    }
    return code;
}

static int answer_words(review *r) {
    int worst = CLI_DONE;
    for (int i = 0; i < r->a->n_words && worst < CLI_INPUT; i++) {
        int one = strcmp(r->a->words[i], "-") ? answer_word(r, r->a->words[i]) : answer_lines(r);
        if (one > worst) worst = one;
    }
    return tell_answers(r, worst);
}

/* ---- Answers by keys ---------------------------------------------------------------------------- */

/* Whether both of a question are still there: a merge may have taken one. */
static bool stands(review *r, const fct_question *q) {
    cli_face_card a, b;
    if (cli_album_card(r->album, q->face_id, &a) || cli_album_card(r->album, q->other_face, &b)) return false;
    return a.person_id == q->person_id && b.person_id == q->other_id;
}

static int ignore_other(review *r, const fct_question *q) {
    fct_error e;
    fct_status st = q->other_id ? fct_album_ignore(r->album, q->other_id, true, &e)
                                : fct_album_ignore_face(r->album, q->other_face, &e);
    return st ? cli_fail(&e) : CLI_DONE;
}

static void note_answer(review *r, char key, size_t question) {
    r->given = cli_grow(r->given, &r->cap_given, r->n_given + 1, sizeof *r->given);
    r->given[r->n_given++] = (struct given_answer){key, question};
    r->yes += key == 'y';
    r->no += key == 'n';
}

/* Takes back the last answer of this review, or, where there is none, what was done last before it. *question: the
 * one that was answered. */
static int undo_last(review *r, size_t *question) {
    char what[300];
    fct_error e;
    fct_status st = fct_album_undo(r->album, what, sizeof what, &e);
    if (st == FCT_ERR_NOT_FOUND) cli_print("there is nothing to undo\n");
    else if (st) return cli_fail(&e);
    else cli_print("undone: %s\n", what);
    if (st || !r->n_given) return CLI_DONE;
    const struct given_answer *last = &r->given[--r->n_given];
    r->yes -= last->key == 'y';
    r->no -= last->key == 'n';
    *question = last->question;
    return CLI_DONE;
}

typedef enum key_result { KEY_NEXT, KEY_AGAIN, KEY_SHOW, KEY_QUIT, KEY_FAILED } key_result;

/* One key: what becomes of question *at, or which one is shown instead of it. */
static key_result take_key(review *r, size_t *at, int *code) {
    const fct_question *q = &r->questions[*at];
    fct_error e;
    fct_status st = FCT_OK;
    int key = fct_term_key();
    switch (key) {
    case 'y':
    case 'n':
        st = fct_album_answer(r->album, q, key == 'y', &e);
        if (!st) note_answer(r, (char)key, *at);
        cli_print("%s\n", key == 'y' ? "yes" : "no");
        break;
    case 's':
        cli_print("later\n");
        return KEY_NEXT;
    case 'i':
        cli_print("ignored\n");
        *code = ignore_other(r, q);
        if (!*code) note_answer(r, 'i', *at);
        return *code ? KEY_FAILED : KEY_NEXT;
    case 'u':
        *code = undo_last(r, at);
        return *code ? KEY_FAILED : KEY_SHOW;
    case 'q':
    case 27:
    case 3:
    case 4:
    case -1:
        cli_print("\n");
        return KEY_QUIT;
    default:
        return KEY_AGAIN;
    }
    if (st && st != FCT_ERR_NOT_FOUND) *code = cli_fail(&e);
    return *code ? KEY_FAILED : KEY_NEXT;
}

/* Asks one question after the other. One that an answer before has settled is passed over; an undone one is
 * asked again. */
static int ask_all(review *r) {
    int code = CLI_DONE;
    key_result k = KEY_NEXT;
    for (size_t i = 0; i < r->n && k < KEY_QUIT;) {
        const fct_question *q = &r->questions[i];
        if (k == KEY_NEXT && !stands(r, q)) {
            i++;
            continue;
        }
        if (k != KEY_AGAIN) {
            cli_print("\n");
            cli_print("%zu of %zu  ", i + 1, r->n);
            code = show_question(r, q);
            if (!code) cli_album_show_pair(r->album, q->face_id, q->other_face);
            if (code) return code;
            cli_print("[y]es  [n]o  [s]kip  [i]gnore the second  [u]ndo  [q]uit: ");
            fflush(stdout);
        }
        k = take_key(r, &i, &code);
        i += k == KEY_NEXT;
    }
    return code;
}

static int ask_in_terminal(review *r) {
    if (!r->n) {
        cli_note("there is no question");
        return CLI_NONE;
    }
    cli_catch_interrupt();
    fct_term_keys(true);
    int code = ask_all(r);
    fct_term_keys(false);
    cli_note("%d answered with yes, %d with no; 'facet album review' goes on", r->yes, r->no);
    return code;
}

/* ---- The action --------------------------------------------------------------------------------- */

static int review_with(review *r) {
    const cli_settings *s = &r->a->set;
    fct_error e;
    if (fct_album_questions(r->album, &r->questions, &r->n, &e)) return cli_fail(&e);
    if (s->crop_dir) {
        int code = cli_album_write_pairs(r->album, s->crop_dir, r->questions, r->n);
        if (code) return code;
    }
    if (r->a->n_words) return answer_words(r);
    if (s->json || !fct_term_is_tty(stdin) || !fct_term_is_tty(stdout)) return list_questions(r);
    return ask_in_terminal(r);
}

static int run_review(cli_args *a) {
    review r = {.a = a};
    bool asks = !a->set.json && !a->n_words && fct_term_is_tty(stdin) && fct_term_is_tty(stdout);
    int code = cli_album_open(&a->set, asks || a->n_words ? ALBUM_WRITE : ALBUM_READ, &r.album);
    if (!code) code = review_with(&r);
    fct_questions_free(r.questions);
    free(r.given);
    fct_album_free(r.album);
    return code;
}

const cli_command cmd_album_review = {
    .name = "album review",
    .synopsis = "[QUESTION=yes|no...|-]",
    .summary = "answer whether two people are one, or a face is a person",
    .description =
        "Asks, the likeliest first, what grouping was not sure of. In a terminal each question shows both faces and "
        "takes one key: y yes, n no, s later, i ignore the second, u take the last answer back, q quit. Answers are "
        "kept at once; the next review goes on with the rest.\n\n"
        "With --json, or where there is no terminal, the questions are listed. Answers are then given as arguments, "
        "or, "
        "with -, on standard input, one a line: a question and yes or no. With --crop-dir both faces of each question "
        "are written there as pictures.\n\n"
        "Exit code 1 when there is no question.",
    .options = {CLI_ALBUM_OPTIONS, CLI_OPT(OPT_CROP_DIR), CLI_OPT(OPT_THREADS)},
    .examples = "facet album review\n"
                "facet album review --json\n"
                "facet album review 12+40=yes 12+face:301=no",
    .max_words = -1,
    .run = run_review,
};
