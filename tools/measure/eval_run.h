/* Finding out what one pack is worth on a set. */
#ifndef FACET_CLI_EVAL_RUN_H
#define FACET_CLI_EVAL_RUN_H

#include "measure/eval_result.h"
#include "photos/engine.h"

/* Embeds all photos with the pack and measures. *code becomes CLI_INPUT where photos could not be read. Returns an
 * exit code other than CLI_DONE after one line where nothing was measured. Free with eval_result_free() in both
 * cases. */
int eval_run(const eval_set *set, const cli_settings *s, const char *models, eval_result *out, int *code);
void eval_result_free(eval_result *r);

/* Settings with which a pack finds and embeds the main face of each photo. */
cli_settings eval_pack_settings(const cli_settings *s, const char *models);

#endif
