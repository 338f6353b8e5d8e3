/* Results for people, as tables in the terminal, and for spreadsheets. */
#include "measure/eval_report.h"
#include "photos/face_csv.h"
#include "photos/report.h"

#include <math.h>
#include <string.h>

/* ---- One pack ------------------------------------------------------------------------- */

static void print_heading(const eval_result *r) {
    const eval_set *s = r->set;
    cli_print_styled(STYLE_STRONG, eval_name(r));
    if (s->kind == EVAL_SCORES) printf(": %s\n", eval_pairs(&r->info));
    else if (s->kind == EVAL_PAIRS) printf(": %s photos, %s\n", eval_number(s->photos.n), eval_pairs(&r->info));
    else
        printf(": %s photos of %s, %s\n", eval_number(s->photos.n), cli_count((int)s->people.n, "person", "people"),
               eval_pairs(&r->info));
    if (r->failed)
        printf("  no face in %s%s%s%s: such an attempt is rejected\n", cli_count((int)r->failed, "photo", "photos"),
               r->unread ? " (" : "", r->unread ? eval_number(r->unread) : "", r->unread ? " could not be read)" : "");
    else if (s->kind == EVAL_SCORES && r->info.failed_genuine + r->info.failed_impostor)
        printf("  %s without a score: such an attempt is rejected\n",
               cli_count((int)(r->info.failed_genuine + r->info.failed_impostor), "pair", "pairs"));
}

static void print_points(const eval_result *r) {
    bool few = false;
    printf("  %8s  %-10s  %-26s  %s\n", "FAR", "threshold", "TAR (95 % interval)", "false accepts");
    for (int i = 0; i < r->n_points; i++) {
        const fct_operating_point *p = &r->points[i];
        bool sure = p->wanted * (double)r->info.impostor >= EVAL_SURE;
        few |= !sure;
        printf("  %8s  %-10s  %-26s  %s%s\n", eval_rate_name(p->wanted), eval_threshold(r, p->threshold),
               eval_interval(&p->tar), eval_number(p->errors), sure ? "" : " *");
    }
    if (r->n_points < EVAL_RATES_MOST) printf("  %8s\n", eval_too_few(r));
    if (few) printf("  * fewer than %d: the rate is uncertain by more than 30 %%\n", EVAL_SURE);
    if (!isnan(r->equal_error)) printf("  equal error rate %s\n", eval_percent(r->equal_error));
    if (!isnan(r->accuracy))
        printf("  accuracy of pairs %s (+- %.1f) in %d folds\n", eval_percent(r->accuracy), 100 * r->deviation,
               r->set->folds);
}

static void print_searches(const eval_result *r) {
    const fct_identification_info *s = &r->searched;
    if (!r->searches) return;
    printf("  searches: %s known, ", cli_count((int)s->known, "person", "people"));
    printf("%s of them and ", cli_count((int)s->probes, "photo", "photos"));
    printf("%s of ", cli_count((int)s->others, "photo", "photos"));
    printf("%s\n", cli_count((int)s->strangers, "stranger", "strangers"));
    printf("    found first %s, among 5 %s, among 10 %s\n", eval_interval(&r->ranks[0]),
           eval_percent(r->ranks[1].value), eval_percent(r->ranks[2].value));
    if (r->n_fpirs) printf("  %8s  %-10s  %-26s  %s\n", "FPIR", "threshold", "DIR (95 % interval)", "false alarms");
    for (int i = 0; i < r->n_fpirs; i++) {
        const fct_operating_point *p = &r->fpirs[i];
        printf("  %8s  %-10s  %-26s  %s%s\n", eval_rate_name(p->wanted), eval_threshold(r, p->threshold),
               eval_interval(&p->tar), eval_number(p->errors), p->wanted * (double)s->others >= EVAL_SURE ? "" : " *");
    }
}

/* What a threshold does, in the words of both kinds of mistakes. */
static void print_cost(const fct_operating_point *p) {
    printf("    of two people %s match (FMR), of one person %s do not (FNMR)\n", eval_interval(&p->fmr),
           eval_interval(&p->fnmr));
}

static void print_threshold(const eval_result *r) {
    if (isnan(r->false_accept)) {
        printf("  threshold to use: none can be told from so few pairs of two people\n");
    } else {
        printf("  threshold to use: %s, for a FAR of %s\n", eval_threshold(r, r->use.threshold),
               eval_rate_name(r->false_accept));
        print_cost(&r->use);
        if (r->searches)
            printf("    in searches of %s: somebody is named for %s of strangers (FPIR)\n",
                   cli_count((int)r->searched.known, "person", "people"),
                   eval_percent(r->search_use.false_accept.value));
        const char *doubt = eval_doubt(r);
        if (doubt) cli_warn("%s: %s", eval_name(r), doubt);
    }
    if (isnan(r->pack_threshold)) return;
    printf("  the pack's own threshold: %.4f\n", r->pack_threshold);
    print_cost(&r->own);
}

static void print_groups(const eval_result *r) {
    if (!r->n_groups) return;
    printf("  by %s, at the threshold to use, pairs within each group:\n", r->set->by);
    for (size_t i = 0; i < r->n_groups; i++) {
        const eval_group *g = &r->groups[i];
        cli_print("    %-12s ", g->name);
        printf("%-40s FMR %-28s FNMR %s\n", eval_pairs(&g->info), eval_interval(&g->point.fmr),
               eval_interval(&g->point.fnmr));
    }
}

/* ---- Side by side --------------------------------------------------------------------------- */

static void print_row(const char *label, const eval_result *r, int n, double (*value)(const eval_result *, int),
                      int i) {
    printf("  %-22s", label);
    for (int k = 0; k < n; k++) printf("  %-*s", k + 1 < n ? 16 : 0, eval_percent(value(&r[k], i)));
    putchar('\n');
}

static double tar_of(const eval_result *r, int i) { return i < r->n_points ? r->points[i].tar.value : NAN; }
static double accuracy_of(const eval_result *r, int i) { return r->accuracy; }
static double rank_of(const eval_result *r, int i) { return r->searches ? r->ranks[i].value : NAN; }
static double dir_of(const eval_result *r, int i) { return i < r->n_fpirs ? r->fpirs[i].tar.value : NAN; }
static double equal_of(const eval_result *r, int i) { return r->equal_error; }

static void print_side_by_side(const eval_result *r, int n) {
    char label[40];
    printf("  %-22s", "");
    for (int k = 0; k < n; k++) cli_print("  %-*s", k + 1 < n ? 16 : 0, eval_name(&r[k]));
    putchar('\n');
    for (int i = 0; i < r->n_points; i++) {
        snprintf(label, sizeof label, "TAR at FAR %s", eval_rate_name(r->points[i].wanted));
        print_row(label, r, n, tar_of, i);
    }
    print_row("equal error rate", r, n, equal_of, 0);
    if (!isnan(r->accuracy)) print_row("accuracy of pairs", r, n, accuracy_of, 0);
    if (r->searches) print_row("found first", r, n, rank_of, 0);
    for (int i = 0; i < r->n_fpirs; i++) {
        snprintf(label, sizeof label, "DIR at FPIR %s", eval_rate_name(r->fpirs[i].wanted));
        print_row(label, r, n, dir_of, i);
    }
}

void eval_print_text(const eval_result *r, int n) {
    for (int i = 0; i < n; i++) {
        print_heading(&r[i]);
        print_points(&r[i]);
        print_searches(&r[i]);
        print_threshold(&r[i]);
        print_groups(&r[i]);
        putchar('\n');
    }
    if (n > 1) print_side_by_side(r, n);
}

/* ---- For spreadsheets --------------------------------------------------------------------------- */

static void csv_rate(const fct_rate *r) { printf(",%.9g,%.9g,%.9g", r->value, r->low, r->high); }

static void csv_line(const eval_result *r, const char *measure, const char *group, const fct_operating_point *p) {
    cli_csv_text(stdout, eval_name(r));
    printf(",%s,", measure);
    cli_csv_text(stdout, group);
    if (isnan(p->wanted)) printf(",,%.9g,%llu", (double)p->threshold, (unsigned long long)p->errors);
    else printf(",%g,%.9g,%llu", p->wanted, (double)p->threshold, (unsigned long long)p->errors);
    csv_rate(&p->false_accept);
    csv_rate(&p->tar);
    csv_rate(&p->fmr);
    csv_rate(&p->fnmr);
    putchar('\n');
}

void eval_print_csv(const eval_result *r, int n) {
    puts("pack,measure,group,wanted,threshold,errors,far,far_low,far_high,tar,tar_low,tar_high,fmr,fmr_low,fmr_high,"
         "fnmr,fnmr_low,fnmr_high");
    for (int k = 0; k < n; k++, r++) {
        for (int i = 0; i < r->n_points; i++) csv_line(r, "pairs", "", &r->points[i]);
        if (!isnan(r->false_accept)) csv_line(r, "threshold", "", &r->use);
        if (!isnan(r->pack_threshold)) csv_line(r, "own threshold", "", &r->own);
        for (int i = 0; i < r->n_fpirs; i++) csv_line(r, "searches", "", &r->fpirs[i]);
        for (size_t i = 0; i < r->n_groups; i++) csv_line(r, "threshold", r->groups[i].name, &r->groups[i].point);
    }
}
