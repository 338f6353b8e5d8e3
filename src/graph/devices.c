#include "graph/devices.h"
#include "base/error.h"
#include "graph/cpu/cpu_backend.h"
#include "graph/reference.h"
#include <string.h>

const fct_backend *fct_device_find(const fct_model_opts *opts, const char *file, fct_error *err) {
    const char *device = opts->device ? opts->device : fct_cpu_backend.device;
    if (strcmp(device, fct_cpu_backend.device) != 0) {
        fct_fail(err, FCT_ERR_UNSUPPORTED, "%s: no device '%.40s': this build of facet runs networks on '%s' alone",
                 file, device, fct_cpu_backend.device);
        return NULL;
    }
    return opts->precision == FCT_PRECISION_REFERENCE ? &fct_reference_backend : &fct_cpu_backend;
}
