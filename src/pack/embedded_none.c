/* A build without a pack of its own. */
#include "pack/embedded.h"

#include <stddef.h>

const fct_embedded_pack *fct_embedded(void) { return NULL; }
