#include "server/signature_table.h"

#include "base/alloc.h"
#include "base/error.h"

#include <stdlib.h>
#include <string.h>

fct_status srv_replay_init(srv_replay *t, fct_error *err) {
    t->at = fct_calloc((size_t)SRV_REPLAY_SETS * SRV_REPLAY_WAYS, sizeof *t->at);
    if (!t->at) return fct_fail_nomem(err, "used signatures", 0);
    fct_mutex_init(&t->lock);
    return FCT_OK;
}

void srv_replay_free(srv_replay *t) {
    if (!t->at) return;
    fct_mutex_destroy(&t->lock);
    fct_free(t->at);
    t->at = NULL;
}

bool srv_replay_take(srv_replay *t, const char *signature, int64_t now) {
    char head[17];
    memcpy(head, signature, 16);
    head[16] = 0;
    uint64_t value = strtoull(head, NULL, 16);
    srv_used *set = t->at + (size_t)(value % SRV_REPLAY_SETS) * SRV_REPLAY_WAYS, *oldest = set;
    bool fine = true, known = false;
    fct_mutex_lock(&t->lock);
    for (int i = 0; i < SRV_REPLAY_WAYS && !known; i++) {
        if (set[i].first < oldest->first) oldest = &set[i];
        known = set[i].first && set[i].signature == value;
        if (known) fine = now - set[i].first <= SRV_REPLAY_AGAIN;
    }
    if (!known) *oldest = (srv_used){value, now > 0 ? now : 1};
    fct_mutex_unlock(&t->lock);
    return fine;
}
