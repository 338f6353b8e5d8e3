/* The page of --html: figures, curves and pictures in one file that needs nothing else. */
#include "measure/eval_page.h"
#include "photos/html_report.h"
#include "photos/report.h"

#include "base/draft.h"

#include <math.h>

static const char page_style[] =
    ":root{--bg:#fff;--fg:#171b20;--dim:#59636e;--line:#dce1e6;--card:#f5f7f9;--good:#0f7a3d;--bad:#b3261e;"
    "--c0:#0b62c4;--c1:#c2410c;--c2:#0f766e;--c3:#7c3aed;--c4:#946200;--c5:#be185d;color-scheme:light dark}\n"
    "@media(prefers-color-scheme:dark){:root{--bg:#12161a;--fg:#e6eaee;--dim:#9ba7b3;--line:#2b343c;--card:#1a2026;"
    "--good:#5fd38d;--bad:#ff8a80;--c0:#6cb2ff;--c1:#ff9d66;--c2:#4fd1c0;--c3:#b79bff;--c4:#e3b341;--c5:#ff8fc0}}\n"
    "body{font:15px/1.55 system-ui,sans-serif;margin:2.2em auto;max-width:76em;padding:0 1.2em;color:var(--fg);"
    "background:var(--bg)}h1{font-size:1.5em;margin:0 0 .2em}h2{font-size:1.2em;margin:2.2em 0 .5em}"
    "h3{font-size:1em;margin:1.4em 0 .5em}h3.pack{font-size:1.1em;margin-top:2em}p{max-width:48em;margin:.5em 0}\n"
    "small,figcaption,.dim{color:var(--dim)}.good{color:var(--good)}.bad{color:var(--bad)}"
    "a{color:var(--c0)}nav a{margin-right:1.2em}nav{margin:1em 0}\n"
    ".scroll{overflow-x:auto}table{border-collapse:collapse;font-variant-numeric:tabular-nums;margin:.6em 0}"
    "th,td{padding:.32em .9em .32em 0;text-align:right;border-bottom:1px solid var(--line);white-space:nowrap}"
    "th:first-child,td:first-child{text-align:left}thead th{color:var(--dim);font-weight:600}"
    "td.best{font-weight:650}td small{font-size:.85em;font-weight:400}caption{text-align:left;font-weight:600;"
    "padding:.4em 0}\n"
    ".cards{display:grid;grid-template-columns:repeat(auto-fill,minmax(20em,1fr));gap:1em;margin:1em 0}"
    ".card{background:var(--card);border-radius:10px;padding:1em 1.2em}.card b{font-size:1.9em;display:block;"
    "line-height:1.2;font-weight:650}.card h3{margin:0 0 .3em}\n"
    ".charts{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(30em,100%),1fr));gap:1em 2em}"
    "figure{margin:0}.charts figcaption{font-weight:600;color:var(--fg);margin:.4em 0}\n"
    ".plot{width:100%;height:auto;font:12px system-ui,sans-serif}.plot text{fill:var(--dim)}"
    ".plot .label{fill:var(--fg)}.grid{stroke:var(--line)}.frame{stroke:var(--dim);fill:none}"
    ".line{fill:none;stroke-width:2.2;stroke-linejoin:round}.area{stroke:none;opacity:.45}"
    ".mark{stroke:var(--fg);stroke-dasharray:4 4}.dot path{stroke-width:1.4;fill:none}"
    ".dot circle{stroke:var(--bg);stroke-width:1.5}.dot:hover circle{stroke:var(--fg)}\n"
    ".line.s0,.dot.s0 path{stroke:var(--c0)}.area.s0,.dot.s0 circle{fill:var(--c0)}"
    ".line.s1,.dot.s1 path{stroke:var(--c1)}.area.s1,.dot.s1 circle{fill:var(--c1)}"
    ".line.s2,.dot.s2 path{stroke:var(--c2)}.area.s2,.dot.s2 circle{fill:var(--c2)}"
    ".line.s3,.dot.s3 path{stroke:var(--c3)}.area.s3,.dot.s3 circle{fill:var(--c3)}"
    ".line.s4,.dot.s4 path{stroke:var(--c4)}.area.s4,.dot.s4 circle{fill:var(--c4)}"
    ".line.s5,.dot.s5 path{stroke:var(--c5)}.area.s5,.dot.s5 circle{fill:var(--c5)}\n"
    ".legend span{margin-right:1.6em;white-space:nowrap}.sample{width:34px;height:10px;margin-right:.5em}"
    ".swatch{display:inline-block;width:.8em;height:.8em;border-radius:2px;margin-right:.5em;opacity:.6}"
    ".swatch.s0{background:var(--c0)}.swatch.s1{background:var(--c1)}\n"
    ".pairs{display:grid;grid-template-columns:repeat(auto-fill,minmax(10.5em,1fr));gap:1.2em}"
    ".pair div{display:flex;gap:4px}.pair div img{flex:1;min-width:0;height:auto;border-radius:6px}"
    ".pair>img{max-width:100%;height:auto;border-radius:6px}"
    ".pair small{display:block;overflow-wrap:anywhere;line-height:1.35}details{margin:.6em 0}"
    "summary{cursor:pointer}dt{font-weight:600;margin-top:.6em}dd{margin:0;max-width:48em}\n";

/* ---- The head --------------------------------------------------------------------------- */

static void put_what(const eval_page *p) {
    const eval_set *s = p->r->set;
    if (s->kind != EVAL_SCORES) fprintf(p->file, "%s photos", eval_number(s->photos.n));
    if (s->kind == EVAL_PEOPLE) fprintf(p->file, " of %s", cli_count((int)s->people.n, "person", "people"));
    fprintf(p->file, "%s%s", s->kind == EVAL_SCORES ? "" : ", ", eval_pairs(&p->r->info));
}

static void put_card(const eval_page *p, const eval_result *r) {
    fputs("<div class=card><h3>", p->file);
    cli_html_text(p->file, eval_name(r));
    fputs("</h3>\n", p->file);
    if (isnan(r->false_accept)) {
        fputs("<p>No threshold can be told from so few pairs of two people.</p></div>\n", p->file);
        return;
    }
    fprintf(p->file, "<b>%s</b>", eval_percent(r->use.tar.value));
    fprintf(p->file, "<span class=dim>(%.1f to %.1f) of the attempts of one person accepted, ", 100 * r->use.tar.low,
            100 * r->use.tar.high);
    fprintf(p->file, "at a false accept rate of %s</span>\n", eval_rate_name(r->false_accept));
    fprintf(p->file, "<p>Threshold to use: <strong>%s</strong>", eval_threshold(r, r->use.threshold));
    fprintf(p->file, "<br><small>of two people %s match, of one person %s do not</small></p>",
            eval_percent(r->use.fmr.value), eval_percent(r->use.fnmr.value));
    const char *doubt = eval_doubt(r);
    if (doubt) fprintf(p->file, "<p class=bad>Careful: %s.</p>\n", doubt);
    if (r->searches)
        fprintf(p->file, "<p>Searches: <strong>%s</strong> found first</p>", eval_percent(r->ranks[0].value));
    fputs("</div>\n", p->file);
}

static void put_head(const eval_page *p) {
    bool pictures = p->r->set->kind != EVAL_SCORES, searches = p->r->searches != NULL;
    fputs("<!doctype html>\n<html lang=en><meta charset=utf-8><meta name=viewport content=\"width=device-width\">\n"
          "<title>Face recognition evaluated: ",
          p->file);
    cli_html_text(p->file, p->r->set->title);
    fprintf(p->file, "</title>\n<style>\n%s</style>\n<header><h1>Face recognition evaluated: ", page_style);
    cli_html_text(p->file, p->r->set->title);
    fputs("</h1>\n<p class=dim>", p->file);
    put_what(p);
    fprintf(p->file,
            "</p>\n<nav><a href=\"#pairs\">Pairs</a>%s%s%s<a href=\"#method\">How it was measured</a></nav>"
            "</header>\n<main>\n<div class=cards>\n",
            searches ? "<a href=\"#searches\">Searches</a>" : "",
            p->r->n_groups ? "<a href=\"#groups\">Groups</a>" : "",
            pictures ? "<a href=\"#mistakes\">Mistakes</a>" : "");
    for (int i = 0; i < p->n; i++) put_card(p, &p->r[i]);
    fputs("</div>\n", p->file);
}

/* ---- Tables ------------------------------------------------------------------------------- */

static void put_pack_heads(const eval_page *p, const char *first) {
    fprintf(p->file, "<div class=scroll><table><thead><tr><th scope=col>%s", first);
    for (int i = 0; i < p->n; i++) {
        fputs("<th scope=col>", p->file);
        cli_html_text(p->file, eval_name(&p->r[i]));
    }
    fputs("</thead>\n<tbody>\n", p->file);
}

/* A row of the i-th points: the share with its interval, threshold below. The highest share stands out. */
static void put_point_row(const eval_page *p, const char *name, int i, bool searches) {
    const fct_operating_point *of[CLI_PACKS_MOST];
    double best = -1;
    fprintf(p->file, "<tr><th scope=row>%s", name);
    for (int k = 0; k < p->n; k++) {
        const eval_result *r = &p->r[k];
        of[k] = i < (searches ? r->n_fpirs : r->n_points) ? (searches ? &r->fpirs[i] : &r->points[i]) : NULL;
        if (of[k]) best = fmax(best, of[k]->tar.value);
    }
    for (int k = 0; k < p->n; k++) {
        if (!of[k]) {
            fputs("<td>-", p->file);
            continue;
        }
        double all = searches ? (double)p->r[k].searched.others : (double)p->r[k].info.impostor;
        fprintf(p->file, "<td%s>%s<br>", p->n > 1 && of[k]->tar.value == best ? " class=best" : "",
                eval_interval(&of[k]->tar));
        fprintf(p->file, "<small>threshold %s, %s false%s</small>", eval_threshold(&p->r[k], of[k]->threshold),
                eval_number(of[k]->errors), of[k]->wanted * all < EVAL_SURE ? ": few" : "");
    }
    fputs("\n", p->file);
}

static void put_rate_row(const eval_page *p, const char *name, double (*value)(const eval_result *), bool low_is_good) {
    double best = NAN;
    for (int k = 0; k < p->n; k++) {
        double v = value(&p->r[k]);
        if (isnan(best) || (low_is_good ? v < best : v > best)) best = v;
    }
    fprintf(p->file, "<tr><th scope=row>%s", name);
    for (int k = 0; k < p->n; k++) {
        double v = value(&p->r[k]);
        fprintf(p->file, "<td%s>%s", p->n > 1 && v == best ? " class=best" : "", eval_percent(v));
    }
    fputs("\n", p->file);
}

static double equal_of(const eval_result *r) { return r->equal_error; }
static double accuracy_of(const eval_result *r) { return r->accuracy; }
static double first_of(const eval_result *r) { return r->searches ? r->ranks[0].value : NAN; }
static double among5_of(const eval_result *r) { return r->searches ? r->ranks[1].value : NAN; }
static double among10_of(const eval_result *r) { return r->searches ? r->ranks[2].value : NAN; }
static double own_fmr_of(const eval_result *r) { return r->own.fmr.value; }
static double own_fnmr_of(const eval_result *r) { return r->own.fnmr.value; }

static void put_pairs(const eval_page *p) {
    char name[40];
    fputs("<section id=pairs><h2>Pairs: is it the same person?</h2>\n", p->file);
    if (p->r->n_curve) eval_page_pair_charts(p);
    put_pack_heads(p, "");
    for (int i = 0; i < p->r->n_points; i++) {
        snprintf(name, sizeof name, "TAR at FAR %s", eval_rate_name(p->r->points[i].wanted));
        put_point_row(p, name, i, false);
    }
    put_rate_row(p, "equal error rate", equal_of, true);
    if (!isnan(p->r->accuracy)) put_rate_row(p, "accuracy of pairs", accuracy_of, false);
    if (!isnan(p->r->pack_threshold)) {
        put_rate_row(p, "FMR at the pack's own threshold", own_fmr_of, true);
        put_rate_row(p, "FNMR there", own_fnmr_of, true);
    }
    fputs("</table></div>\n", p->file);
    if (p->r->n_points < EVAL_RATES_MOST) fprintf(p->file, "<p class=dim>FAR %s.</p>\n", eval_too_few(p->r));
    fputs("<h3>Scores</h3>\n", p->file);
    eval_page_score_charts(p);
    fputs("</section>\n", p->file);
}

static void put_searches(const eval_page *p) {
    char name[40];
    const fct_identification_info *s = &p->r->searched;
    if (!p->r->searches) return;
    fprintf(p->file, "<section id=searches><h2>Searches: who is it?</h2>\n<p>A gallery of %s with one photo each; ",
            cli_count((int)s->known, "person", "people"));
    fprintf(p->file, "%s further photos of them and %s photos of ", eval_number(s->probes), eval_number(s->others));
    fprintf(p->file, "%s were searched.</p>\n", cli_count((int)s->strangers, "stranger", "strangers"));
    eval_page_search_charts(p);
    put_pack_heads(p, "");
    put_rate_row(p, "found first (rank 1)", first_of, false);
    put_rate_row(p, "among the first 5", among5_of, false);
    put_rate_row(p, "among the first 10", among10_of, false);
    for (int i = 0; i < p->r->n_fpirs; i++) {
        snprintf(name, sizeof name, "DIR at FPIR %s", eval_rate_name(p->r->fpirs[i].wanted));
        put_point_row(p, name, i, true);
    }
    fputs("</table></div></section>\n", p->file);
}

static void put_groups(const eval_page *p) {
    if (!p->r->n_groups) return;
    fputs("<section id=groups><h2>Groups by ", p->file);
    cli_html_text(p->file, p->r->set->by);
    fputs("</h2>\n<p>Pairs within each group, all at the one threshold to use: a group whose people look alike to the "
          "pack has a higher FMR, one that it knows badly a higher FNMR.</p>\n",
          p->file);
    for (int k = 0; k < p->n; k++) {
        const eval_result *r = &p->r[k];
        fputs("<div class=scroll><table><caption>", p->file);
        cli_html_text(p->file, eval_name(r));
        fputs("</caption><thead><tr><th scope=col>group<th scope=col>pairs<th scope=col>FMR<th scope=col>FNMR</thead>"
              "<tbody>\n",
              p->file);
        for (size_t i = 0; i < r->n_groups; i++) {
            const eval_group *g = &r->groups[i];
            fputs("<tr><th scope=row>", p->file);
            cli_html_text(p->file, g->name);
            fprintf(p->file, "<td>%s<td>%s<td>%s\n", eval_pairs(&g->info), eval_interval(&g->point.fmr),
                    eval_interval(&g->point.fnmr));
        }
        fputs("</table></div>\n", p->file);
    }
    fputs("</section>\n", p->file);
}

static const char method[] =
    "<section id=method><h2>How it was measured</h2>\n<dl>\n"
    "<dt>FMR, FNMR<dd>False match and false non-match rate (ISO/IEC 19795-1): of the comparisons that were made, how "
    "many of two people matched and how many of one person did not.\n"
    "<dt>FAR, FRR, TAR<dd>False accept, false reject and true accept rate: the same of all attempts. A photo in which "
    "no face was found is an attempt that is rejected, so that it lowers TAR and FAR: FRR = FTA + FNMR (1 - FTA), with "
    "FTA the share of attempts that failed.\n"
    "<dt>FPIR, FNIR, DIR<dd>Of searches: how often somebody was named for a stranger, and how often a person in the "
    "gallery was not found first above the threshold; DIR is 1 - FNIR. Who is a stranger is drawn by chance.\n"
    "<dt>Intervals<dd>95 %, from a thousand draws of people with replacement (bootstrap by person), in each of which "
    "the threshold was chosen anew. Without any error the limit is that of the rule of 3.\n"
    "<dt>Few<dd>A rate seen in fewer than 30 errors is uncertain by more than 30 % (rule of 30).\n"
    "<dt>Faces<dd>The largest and most central face of each photo was used.\n</dl></section>\n";

int eval_write_html(const char *path, const cli_settings *s, const eval_result *r, int n, const char *const *models) {
    fct_error e;
    fct_draft *draft;
    if (fct_draft_open(path, FCT_DRAFT_PRIVATE, &draft, &e)) return cli_fail(&e);
    eval_page p = {fct_draft_file(draft), s, r, n, models};
    put_head(&p);
    put_pairs(&p);
    put_searches(&p);
    put_groups(&p);
    int code = eval_page_pictures(&p);
    fputs(method, p.file);
    fputs("</main>\n", p.file);
    if (code == CLI_STOPPED) fct_draft_discard(draft);
    else if (fct_draft_commit(draft, &e)) code = cli_fail(&e);
    return code;
}
