/* How results of 'facet evaluate' are told. */
#ifndef FACET_CLI_EVAL_REPORT_H
#define FACET_CLI_EVAL_REPORT_H

#include "measure/eval_run.h"
#include "shell/json.h"

/* ---- eval_format.c: numbers as texts, borrowed until the eighth call after ------------- */
const char *eval_rate_name(double rate);                           /* "1e-4" */
const char *eval_percent(double share);                            /* "98.1 %", with more decimals near 0 and 100 */
const char *eval_interval(const fct_rate *r);                      /* "98.1 % (97.2 to 98.8)" */
const char *eval_threshold(const eval_result *r, float threshold); /* rounded up, so that the rate still holds */
const char *eval_number(uint64_t n);                               /* "1,197,943" */
/* "983 pairs of one person, 1,197,943 of two" */
const char *eval_pairs(const fct_scores_info *info);
/* Which rate is the first that the pairs do not allow, and how many it would need. */
const char *eval_too_few(const eval_result *r);
/* Why the threshold to use should not be relied on; NULL = it may. */
const char *eval_doubt(const eval_result *r);
/* The result's name: the pack's, or what the scores are. */
const char *eval_name(const eval_result *r);

/* ---- The forms ------------------------------------------------------------------------- */
void eval_print_text(const eval_result *r, int n);
void eval_print_csv(const eval_result *r, int n);
void eval_print_json(const eval_result *r, int n);
/* Writes the page to path; s opens the packs again for pictures of the worst pairs. Prints one line and returns an
 * exit code where that fails. */
int eval_write_html(const char *path, const cli_settings *s, const eval_result *r, int n, const char *const *models);

#endif
