/* A plan: the steps of one run for one set of input shapes, and where in the
 * arena every tensor lies. Immutable once built; a session runs it. */
#ifndef FCT_GRAPH_CPU_PLAN_H
#define FCT_GRAPH_CPU_PLAN_H

#include "graph/cpu/cpu_net.h"
#include "graph/shapes.h"
#include "ops/blocked.h"
#include "ops/chain.h"

typedef enum fct_tensor_layout { FCT_PLANAR = 0, FCT_BLOCKED = 1 } fct_tensor_layout;

/* A tensor in one layout. */
typedef struct fct_slot {
    size_t bytes, offset; /* offset: in the arena, when neither input nor fixed */
    int first, last;      /* steps that make it and read it last */
    int root;             /* slot whose memory this one shares; itself when none */
    int input;            /* graph input it is, or -1 */
    const void *fixed;    /* constant data, or NULL */
} fct_slot;

typedef struct fct_plan fct_plan;
typedef struct fct_step fct_step;

/* What a running step sees. */
typedef struct fct_run {
    const fct_plan *plan;
    char *arena;
    void *scratch;
    const fct_tensor_view *inputs;
    fct_error *err;
} fct_run;

typedef fct_status fct_step_fn(const fct_step *s, const fct_run *r);

struct fct_step {
    fct_step_fn *run;
    const fct_node *node; /* NULL for conversions */
    int value;            /* what it makes, for names */
    int *in, n_in, out;   /* slots; -1 = left out */
    int in_place;         /* index in in[] whose memory the output may take, or -1 */
    fct_dims d;           /* of the input */
    fct_window win;
    fct_resize resize;
    fct_k_binary binary;
    fct_conv_plan *conv;
    fct_chain *chain; /* several operators: in[0] is the first one's input, in[1 + i] what stage i adds */
    const fct_fc *fc;
    fct_tensor_view *views; /* plain operators: inputs, then the output */
    const fct_tensor_view **ptrs;
    bool by_image; /* images of a batch do not touch each other, and lie one after the other */
    size_t scratch;
    const char *algorithm; /* static */
    char label[40];
    double macs;
};

/* The first steps of a batch's plan, done image by image. */
typedef struct fct_live {
    int slot;
    size_t bytes;
} fct_live; /* bytes of one image */
typedef struct fct_front {
    fct_plan *one;  /* for one image, its steps [0, end) placed; owned; NULL = no front */
    fct_live *live; /* what steps after it read; owned */
    int n_live, images;
    int places; /* arenas of `one`, from `at` in the batch's: a thread each */
    size_t at;
} fct_front;

struct fct_plan {
    const fct_cpu_net *net;
    fct_shapes shapes;
    fct_step *steps;
    int n_steps;
    size_t cap_steps;
    fct_slot *slots;
    int n_slots;
    size_t cap_slots;
    int *slot_of[2]; /* per value and layout, -1 = not there */
    int *outputs;    /* slot per graph output, planar float32 */
    size_t arena, scratch_at;
    int threads;     /* budget it was made for */
    int begin, end;  /* steps that are run, and whose tensors have memory: all, but for a front and what follows it */
    fct_front front; /* does steps [0, begin) */
};

void fct_plan_free(fct_plan *p); /* NULL is harmless */

/* Runs steps [begin, end). times: milliseconds per step are added to it, or NULL. */
fct_status fct_plan_run_steps(const fct_plan *p, const fct_tensor_view *inputs, char *arena, double *times,
                              fct_error *err);
/* Data of a slot in a run. */
void *fct_run_data(const fct_run *r, int slot);

/* ---- What plans are built from -------------------------------------------------- */

/* New slot; -1 = out of memory. */
int fct_plan_slot(fct_plan *p, size_t bytes);
/* New step with room for n inputs; NULL = out of memory; borrowed until the next. */
fct_step *fct_plan_step(fct_plan *p, const fct_node *n, int value, int n_in, fct_step_fn *run);
/* The slot of a value in that layout, converted if need be; -1 and *s on failure. */
int fct_plan_need(fct_plan *p, int value, fct_tensor_layout l, fct_status *s, fct_error *err);
/* New slot for a node's result. */
int fct_plan_result(fct_plan *p, int value, fct_tensor_layout l);
fct_dims fct_plan_dims(const fct_tensor_view *v);

#endif
