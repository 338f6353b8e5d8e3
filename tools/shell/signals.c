/* How the command ends when SIGINT, SIGTERM or SIGHUP asks it to. A command that works piece by piece asks
 * cli_interrupted() between the pieces and ends in order: it closes a recording, finishes a sheet and removes what
 * would be incomplete. Any other command ends at once, and so does every command at the second signal; drafts of
 * files (base/draft.h) are removed even then. The exit status is 128 and the signal's number. */
#include "shell/cli.h"

#include "base/draft.h"
#include "base/file.h"

#include <stdatomic.h>
#include <stdlib.h>

static atomic_int caught;      /* number of the first signal, 0 = none */
static atomic_bool ends_alone; /* the command asks cli_interrupted() */
static atomic_bool reloads;    /* the command asks cli_reload_asked() */
static atomic_bool reload;     /* SIGHUP came since it did */

enum { NUMBER_OF_SIGHUP = 1 };

/* At the first signal a command that asks cli_interrupted() goes on to its own end. In every other case the drafts
 * are removed and the process ends here, with nothing but what a signal handler may call. */
static void on_stop(int number) {
    if (number == NUMBER_OF_SIGHUP && atomic_load(&reloads)) {
        atomic_store(&reload, true);
        return;
    }
    int none = 0;
    bool first = atomic_compare_exchange_strong(&caught, &none, number);
    if (first && atomic_load(&ends_alone)) return;
    fct_draft_abandon_all();
    fct_program_restore();
    _Exit(128 + number);
}

void cli_signals_setup(void) { fct_program_on_stop(on_stop); }

void cli_catch_interrupt(void) { atomic_store(&ends_alone, true); }
bool cli_interrupted(void) { return atomic_load(&caught) != 0; }

void cli_catch_reload(void) { atomic_store(&reloads, true); }
bool cli_reload_asked(void) { return atomic_exchange(&reload, false); }

int cli_exit_status(int code) {
    int number = atomic_load(&caught);
    return number ? 128 + number : code;
}
