/* Mapped files by address, so that a program can say which of them was shortened
 * while it was read. The library itself installs no handler. */
#include "base/file.h"
#include "base/file_sys.h"

#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

/* A mapping. Whoever changes `begin` from 0 to BUSY has the slot to himself. A
 * mapping that finds no slot free is not named. */
enum { SLOTS = 64, LONGEST = 400, BUSY = 1 };
static struct {
    _Atomic uintptr_t begin;
    uintptr_t end;
    char path[LONGEST];
} mapped[SLOTS];

static void (*lost)(const char *path);
static atomic_bool telling;

void fct_map_note(const char *path, const void *data, size_t size) {
    for (int i = 0; i < SLOTS; i++) {
        uintptr_t none = 0;
        if (!atomic_compare_exchange_strong(&mapped[i].begin, &none, BUSY)) continue;
        size_t n = strnlen(path, LONGEST - 1);
        memcpy(mapped[i].path, path, n);
        mapped[i].path[n] = 0;
        for (char *c = mapped[i].path; *c; c++)
            if ((unsigned char)*c < 32 || *c == 127) *c = '?';
        mapped[i].end = (uintptr_t)data + size;
        atomic_store(&mapped[i].begin, (uintptr_t)data);
        return;
    }
}

void fct_map_forget(const void *data) {
    for (int i = 0; i < SLOTS; i++) {
        uintptr_t begin = (uintptr_t)data;
        if (atomic_compare_exchange_strong(&mapped[i].begin, &begin, 0)) return;
    }
}

static const char *path_at(uintptr_t address) {
    for (int i = 0; i < SLOTS; i++) {
        uintptr_t begin = atomic_load(&mapped[i].begin);
        if (begin > BUSY && address >= begin && address < mapped[i].end) return mapped[i].path;
    }
    return NULL;
}

/* A fault elsewhere is a fault of the program: it happens again, without this handler. */
static void on_bus_error(int number, siginfo_t *info, void *context) {
    const char *path = path_at((uintptr_t)info->si_addr);
    if (!path) {
        signal(number, SIG_DFL);
        return;
    }
    while (atomic_exchange(&telling, true)) pause(); /* another thread ends the process */
    lost(path);
}

void fct_program_guard_maps(void (*handler)(const char *path)) {
    struct sigaction action = {.sa_sigaction = on_bus_error, .sa_flags = SA_SIGINFO};
    lost = handler;
    sigaction(SIGBUS, &action, NULL);
}
