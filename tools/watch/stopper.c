#include "watch/stopper.h"

#include "base/file.h"

static void wait_for_stop(void *arg) {
    cli_stopper *s = arg;
    while (!atomic_load(&s->done)) {
        if (cli_interrupted()) {
            fct_source_cancel(s->source);
            return;
        }
        fct_sleep_ms(20);
    }
}

fct_status cli_stopper_start(cli_stopper *s, fct_source *source, fct_error *err) {
    s->source = source;
    atomic_init(&s->done, false);
    fct_status st = fct_thread_start(&s->thread, wait_for_stop, s, err);
    if (st) s->source = NULL;
    return st;
}

void cli_stopper_end(cli_stopper *s) {
    if (!s->source) return;
    atomic_store(&s->done, true);
    fct_thread_join(&s->thread);
    s->source = NULL;
}
