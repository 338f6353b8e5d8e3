/* Pictures of the pairs that a pack gets wrong, or nearly. */
#include "measure/eval_page.h"
#include "photos/html_report.h"

#include <string.h>

enum { PAIRS = 12, MISSED = 12, THUMB = 160 };

/* One side of a pair: the face, as it was embedded. */
static int put_side(const eval_page *p, cli_engine *e, const cli_input *input) {
    cli_photo photo;
    fct_image *cut = NULL;
    fct_error err;
    int code = cli_photo_load(e, input, &photo);
    if (!code && fct_faces_count(photo.faces)) {
        fct_status s = cli_html_cut_face(&photo, fct_faces_at(photo.faces, 0), &cut, &err);
        if (!s) s = cli_html_picture(p->file, fct_image_view(cut), photo.name, &err);
        if (s) code = cli_fail(&err);
    }
    fct_image_free(cut);
    cli_photo_free(&photo);
    return code;
}

static void put_name(const eval_page *p, const eval_result *r, uint32_t photo) {
    fputs("<br>", p->file);
    cli_html_text(p->file, r->set->photos.at[photo].path);
}

static int put_pair(const eval_page *p, const eval_result *r, cli_engine *e, const fct_comparison *c) {
    fputs("<figure class=pair><div>", p->file);
    int code = put_side(p, e, &r->set->photos.at[c->a]), other = put_side(p, e, &r->set->photos.at[c->b]);
    bool matches = c->score >= r->use.threshold;
    fprintf(p->file, "</div><figcaption><b>%.3f</b> <span class=%s>%s</span><small>", c->score,
            matches == c->same ? "good" : "bad", matches ? "matches" : "does not match");
    if (r->set->kind == EVAL_PEOPLE) {
        cli_html_text(p->file, r->set->people.at[r->set->of[c->a].person]);
        if (!c->same) {
            fputs(" and ", p->file);
            cli_html_text(p->file, r->set->people.at[r->set->of[c->b].person]);
        }
    } else fputs(c->same ? "one person" : "two people", p->file);
    put_name(p, r, c->a);
    put_name(p, r, c->b);
    fputs("</small></figcaption></figure>\n", p->file);
    return code > other ? code : other;
}

static int put_pairs(const eval_page *p, const eval_result *r, cli_engine *e, bool same, const char *title) {
    const fct_comparison *c;
    size_t n = fct_scores_hardest(r->scores, same, &c);
    int code = CLI_DONE;
    if (!n) return code;
    fprintf(p->file, "<h3>%s</h3>\n<div class=pairs>\n", title);
    for (size_t i = 0; i < n && i < PAIRS; i++) {
        int one = put_pair(p, r, e, &c[i]);
        code = one > code ? one : code;
    }
    fputs("</div>\n", p->file);
    return code;
}

/* Photos in which no face was found, small. */
static int put_missed(const eval_page *p, const eval_result *r, cli_engine *e) {
    int shown = 0, code = CLI_DONE;
    if (!r->failed) return code;
    fprintf(p->file, "<h3>No face found: %s</h3>\n<div class=pairs>\n", eval_number(r->failed));
    for (size_t i = 0; i < r->set->photos.n && shown < MISSED; i++) {
        cli_photo photo;
        fct_error err;
        if (r->faces[i] > 0) continue;
        shown++;
        fputs("<figure class=pair>", p->file);
        if (r->faces[i] == 0 && !cli_photo_load(e, &r->set->photos.at[i], &photo)) {
            if (cli_html_scaled(p->file, fct_image_view(photo.image), THUMB, photo.name, &err)) code = cli_fail(&err);
            cli_photo_free(&photo);
        }
        fprintf(p->file, "<figcaption>%s<small>", r->faces[i] ? "could not be read" : "no face");
        put_name(p, r, (uint32_t)i);
        fputs("</small></figcaption></figure>\n", p->file);
    }
    fputs("</div>\n", p->file);
    return code;
}

static int put_pack(const eval_page *p, int i) {
    const eval_result *r = &p->r[i];
    cli_settings own = eval_pack_settings(p->set, p->models[i]);
    cli_engine e;
    int code = cli_engine_open(&own, FCT_TASK_EMBED, &e);
    if (!code) {
        if (p->n > 1) {
            fputs("<h3 class=pack>", p->file);
            cli_html_text(p->file, eval_name(r));
            fputs("</h3>\n", p->file);
        }
        code = put_pairs(p, r, &e, true, "One person, least alike");
        int other = put_pairs(p, r, &e, false, "Two people, most alike");
        int missed = put_missed(p, r, &e);
        code = other > code ? other : code;
        code = missed > code ? missed : code;
    }
    cli_engine_close(&e);
    return code;
}

int eval_page_pictures(const eval_page *p) {
    int code = CLI_DONE;
    if (p->r->set->kind == EVAL_SCORES) return code;
    fputs("<section id=mistakes><h2>Mistakes, and nearly</h2>\n<p>The pairs that the packs find hardest. A pair of one "
          "person that is two people, or of two that is one, may also be a wrong label: look at the highest scores of "
          "two people first.</p>\n",
          p->file);
    for (int i = 0; i < p->n; i++) {
        int one = put_pack(p, i);
        code = one > code ? one : code;
    }
    fputs("</section>\n", p->file);
    return code;
}
