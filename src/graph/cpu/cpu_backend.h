/* The CPU's back end: packed weights, plans of steps, one arena. */
#ifndef FCT_GRAPH_CPU_BACKEND_H
#define FCT_GRAPH_CPU_BACKEND_H

#include "graph/backend.h"

extern const fct_backend fct_cpu_backend;

#endif
