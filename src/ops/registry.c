/* The operators by number and by name. */
#include "ops/op.h"
#include <string.h>

#define DECLARE(number, description) extern const fct_op fct_op_##description;
FCT_OPS(DECLARE)
#define ENTRY(number, description) [FCT_OP_##number] = &fct_op_##description,
static const fct_op *const ops[FCT_OP_COUNT] = {FCT_OPS(ENTRY)};

const fct_op *fct_op_get(fct_op_id id) { return id > FCT_OP_NONE && id < FCT_OP_COUNT ? ops[id] : NULL; }

const fct_op *fct_op_find(const char *name) {
    for (int i = FCT_OP_NONE + 1; i < FCT_OP_COUNT; i++)
        if (!strcmp(ops[i]->name, name)) return ops[i];
    return NULL;
}
