/* The parts of the page that 'facet evaluate --html' writes. */
#ifndef FACET_CLI_EVAL_PAGE_H
#define FACET_CLI_EVAL_PAGE_H

#include "measure/eval_report.h"

typedef struct eval_page {
    FILE *file;
    const cli_settings *set;
    const eval_result *r; /* [n] */
    int n;
    const char *const *models; /* [n] how the packs were named, NULL = the default one */
} eval_page;

/* ---- eval_charts.c: curves ----------------------------------------------------------- */
void eval_page_pair_charts(const eval_page *p);
void eval_page_score_charts(const eval_page *p);
void eval_page_search_charts(const eval_page *p);
/* Which line is which pack's. */
void eval_page_legend(const eval_page *p);

/* ---- eval_pictures.c: who was mistaken for whom ------------------------------------------ */
int eval_page_pictures(const eval_page *p);

#endif
