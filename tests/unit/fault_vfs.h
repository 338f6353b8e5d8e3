/* A file system in memory for SQLite that can fail and lose power.
 *
 * Every write and truncation stays pending until its file is synced. A power
 * failure keeps what was synced and, of each pending operation, nothing, all or
 * some 512-byte sectors, by chance. One process, one thread. */
#ifndef FCT_FAULT_VFS_H
#define FCT_FAULT_VFS_H

#include <stdbool.h>
#include <stdint.h>

typedef enum fault_kind {
    FAULT_NONE,
    FAULT_WRITE_FULL,  /* a write: disk full */
    FAULT_WRITE_SHORT, /* a write: half of it arrives, then an I/O error */
    FAULT_SYNC,        /* a sync: I/O error; what was pending stays pending */
    FAULT_READ,        /* a read: I/O error */
    FAULT_OPEN,        /* opening a file */
    FAULT_LOCK,        /* taking a lock: I/O error */
    FAULT_POWER,       /* everything fails from here on, of whatever kind */
    FAULT_KINDS
} fault_kind;

/* Registers it as SQLite's default; false when SQLite refuses. */
bool fault_vfs_install(void);

/* The n-th operation of the kind from now fails (1 = the next); once, but for
 * FAULT_POWER. n = 0: none. */
void fault_vfs_fail(fault_kind kind, long n);
bool fault_vfs_fired(void); /* since the last fault_vfs_fail() */

/* The power comes back: files are what survived. No file may be open. */
void fault_vfs_power_cycle(uint64_t *random);

void fault_vfs_clear(void); /* removes all files */

#endif
