/* The back ends of this build, by device. */
#ifndef FCT_GRAPH_DEVICES_H
#define FCT_GRAPH_DEVICES_H

#include "graph/backend.h"

/* The back end that the options ask for: static, or NULL with FCT_ERR_UNSUPPORTED, which names the
 * devices that there are. file stands for the network in the error. */
const fct_backend *fct_device_find(const fct_model_opts *opts, const char *file, fct_error *err);

#endif
