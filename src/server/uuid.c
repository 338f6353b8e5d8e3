#include "server/uuid.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HEAD "00000000-0000-8000-8000-"

void srv_uuid_of(int64_t id, char out[SRV_UUID]) {
    snprintf(out, SRV_UUID, HEAD "%012llx", (unsigned long long)id & 0xffffffffffff);
}

int64_t srv_uuid_id(const char *uuid) {
    size_t n = strlen(HEAD);
    bool fine =
        strlen(uuid) == SRV_UUID - 1 && strncmp(uuid, HEAD, n) == 0 && strspn(uuid + n, "0123456789abcdef") == 12;
    return fine ? strtoll(uuid + n, NULL, 16) : -1;
}
