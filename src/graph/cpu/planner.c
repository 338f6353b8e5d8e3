#include "graph/cpu/planner.h"
#include "graph/cpu/plan_build.h"
#include "graph/cpu/plan_front.h"
#include "graph/cpu/plan_memory.h"

fct_status fct_plan_create(const fct_cpu_net *net, const fct_tensor_view *inputs, fct_plan **out, fct_error *err) {
    fct_status s = fct_plan_build(net, inputs, out, err);
    if (!s) s = fct_front_create(*out, inputs, err);
    if (!s) s = fct_plan_place(*out, err);
    if (s) {
        fct_plan_free(*out);
        *out = NULL;
    }
    return s;
}

fct_status fct_plan_run(const fct_plan *p, const fct_tensor_view *inputs, char *arena, double *times, fct_error *err) {
    fct_status s = p->front.one ? fct_front_run(p, inputs, arena, times, err) : FCT_OK;
    return s ? s : fct_plan_run_steps(p, inputs, arena, times, err);
}
