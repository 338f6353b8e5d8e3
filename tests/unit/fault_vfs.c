#include "fault_vfs.h"
#include "gallery_util.h"
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

#define MAX_FILES  8
#define MAX_SHM    16
#define SHM_REGION 32768
#define SECTOR     512

/* A write of len bytes at offset, or a truncation to offset (data NULL). */
typedef struct pending {
    size_t offset;
    size_t len;
    uint8_t *data;
    struct pending *next;
} pending;

typedef struct content {
    uint8_t *data;
    size_t size, cap;
} content;

typedef struct node {
    char name[512];
    content now, disk; /* as programs see it; as it was last synced */
    pending *first, **last;
    int open;
    /* Locks, and the shared memory of the write-ahead log, among the handles of a file. */
    int shared, reserved, pending_lock, exclusive; /* how many handles have them */
    int shm_users;
    void *shm[MAX_SHM];
    int shm_shared[SQLITE_SHM_NLOCK], shm_exclusive[SQLITE_SHM_NLOCK];
} node;

typedef struct handle {
    sqlite3_file base;
    node *n;
    int level; /* SQLITE_LOCK_... */
    bool uses_shm;
    bool shm_held[SQLITE_SHM_NLOCK]; /* shared or exclusive */
} handle;

static node nodes[MAX_FILES];
static fault_kind armed;
static long countdown;
static bool fired;

/* ---- Faults --------------------------------------------------------------------- */

void fault_vfs_fail(fault_kind kind, long n) {
    armed = n ? kind : FAULT_NONE;
    countdown = n;
    fired = false;
}

bool fault_vfs_fired(void) { return fired; }

/* Whether this operation of the given kind fails. */
static bool fails(fault_kind kind) {
    if (armed == FAULT_POWER) {
        if (countdown > 0) countdown--;
        if (countdown == 0) fired = true;
        return countdown == 0;
    }
    bool same = armed == kind || (kind == FAULT_WRITE_FULL && armed == FAULT_WRITE_SHORT);
    if (!same || countdown == 0 || --countdown > 0) return false;
    fired = true;
    return true;
}

/* ---- Content -------------------------------------------------------------------- */

static void resize(content *c, size_t size) {
    if (size > c->cap) {
        c->cap = size * 2;
        c->data = realloc(c->data, c->cap);
        if (!c->data) abort();
    }
    if (size > c->size) memset(c->data + c->size, 0, size - c->size);
    c->size = size;
}

static void put(content *c, const uint8_t *data, size_t len, size_t offset) {
    if (offset + len > c->size) resize(c, offset + len);
    if (len) memcpy(c->data + offset, data, len);
}

static void copy(content *to, const content *from) {
    resize(to, 0);
    put(to, from->data, from->size, 0);
}

static void forget_pending(node *n) {
    while (n->first) {
        pending *p = n->first;
        n->first = p->next;
        free(p->data);
        free(p);
    }
    n->last = &n->first;
}

static void add_pending(node *n, const void *data, size_t len, size_t offset) {
    pending *p = calloc(1, sizeof *p);
    if (!p) abort();
    *p = (pending){offset, len, data ? malloc(len) : NULL, NULL};
    if (data) memcpy(p->data, data, len);
    if (!n->first) n->last = &n->first;
    *n->last = p;
    n->last = &p->next;
}

static void survive(node *n, const pending *p, uint64_t *random) {
    switch (util_random(random) % 3) {
    case 0:
        break;
    case 1:
        if (p->data) put(&n->disk, p->data, p->len, p->offset);
        else resize(&n->disk, p->offset);
        break;
    default:
        for (size_t at = 0; p->data && at < p->len; at += SECTOR)
            if (util_random(random) % 2)
                put(&n->disk, p->data + at, p->len - at < SECTOR ? p->len - at : SECTOR, p->offset + at);
    }
}

void fault_vfs_power_cycle(uint64_t *random) {
    fault_vfs_fail(FAULT_NONE, 0);
    for (int i = 0; i < MAX_FILES; i++) {
        node *n = &nodes[i];
        if (n->open) abort();
        for (const pending *p = n->first; p; p = p->next) survive(n, p, random);
        forget_pending(n);
        copy(&n->now, &n->disk);
    }
}

static void remove_node(node *n) {
    forget_pending(n);
    free(n->now.data);
    free(n->disk.data);
    memset(n, 0, sizeof *n);
}

void fault_vfs_clear(void) {
    for (int i = 0; i < MAX_FILES; i++) remove_node(&nodes[i]);
}

static node *find(const char *name, bool create) {
    for (int i = 0; i < MAX_FILES; i++)
        if (nodes[i].name[0] && strcmp(nodes[i].name, name) == 0) return &nodes[i];
    for (int i = 0; create && i < MAX_FILES; i++)
        if (!nodes[i].name[0]) {
            strncpy(nodes[i].name, name, sizeof nodes[i].name - 1);
            return &nodes[i];
        }
    return NULL;
}

/* ---- Files ------------------------------------------------------------------------ */

static node *node_of(sqlite3_file *f) { return ((handle *)f)->n; }

static int f_unlock(sqlite3_file *f, int level);
static int f_shm_unmap(sqlite3_file *f, int remove);

static int f_close(sqlite3_file *f) {
    f_unlock(f, SQLITE_LOCK_NONE);
    f_shm_unmap(f, 0);
    node_of(f)->open--;
    return SQLITE_OK;
}

static int f_read(sqlite3_file *f, void *buf, int len, sqlite3_int64 offset) {
    node *n = node_of(f);
    if (fails(FAULT_READ)) return SQLITE_IOERR_READ;
    sqlite3_int64 have = (sqlite3_int64)n->now.size - offset;
    if (have < 0) have = 0;
    if (have > len) have = len;
    if (have) memcpy(buf, n->now.data + offset, (size_t)have);
    if (have == len) return SQLITE_OK;
    memset((char *)buf + have, 0, (size_t)(len - have));
    return SQLITE_IOERR_SHORT_READ;
}

static int f_write(sqlite3_file *f, const void *data, int len, sqlite3_int64 offset) {
    node *n = node_of(f);
    bool failed = fails(FAULT_WRITE_FULL), full = armed == FAULT_WRITE_FULL;
    if (failed) len = armed == FAULT_WRITE_SHORT ? len / 2 : 0;
    if (len) {
        put(&n->now, data, (size_t)len, (size_t)offset);
        add_pending(n, data, (size_t)len, (size_t)offset);
    }
    return !failed ? SQLITE_OK : full ? SQLITE_FULL : SQLITE_IOERR_WRITE;
}

static int f_truncate(sqlite3_file *f, sqlite3_int64 size) {
    node *n = node_of(f);
    if (fails(FAULT_WRITE_FULL)) return SQLITE_IOERR_TRUNCATE;
    resize(&n->now, (size_t)size);
    add_pending(n, NULL, 0, (size_t)size);
    return SQLITE_OK;
}

static int f_sync(sqlite3_file *f, int flags) {
    node *n = node_of(f);
    if (fails(FAULT_SYNC)) return SQLITE_IOERR_FSYNC;
    forget_pending(n);
    copy(&n->disk, &n->now);
    return SQLITE_OK;
}

static int f_size(sqlite3_file *f, sqlite3_int64 *size) {
    *size = (sqlite3_int64)node_of(f)->now.size;
    return SQLITE_OK;
}

/* Adds what a handle's lock is to the counts of its file, or takes it away. */
static void count_lock(node *n, int level, int by) {
    if (level >= SQLITE_LOCK_SHARED) n->shared += by;
    if (level >= SQLITE_LOCK_RESERVED) n->reserved += by;
    if (level >= SQLITE_LOCK_PENDING) n->pending_lock += by;
    if (level >= SQLITE_LOCK_EXCLUSIVE) n->exclusive += by;
}

/* SQLite's rules: many may share; one of them may intend to write (reserved), wait
 * for the others to leave (pending), write alone (exclusive). */
static int f_lock(sqlite3_file *f, int level) {
    handle *h = (handle *)f;
    node *n = h->n;
    if (fails(FAULT_LOCK)) return SQLITE_IOERR_LOCK;
    if (level <= h->level) return SQLITE_OK;
    count_lock(n, h->level, -1); /* what the others have */
    bool busy = n->exclusive || (level == SQLITE_LOCK_SHARED && n->pending_lock) ||
                (level >= SQLITE_LOCK_RESERVED && n->reserved) || (level == SQLITE_LOCK_EXCLUSIVE && n->shared);
    if (!busy) h->level = level;
    else if (level == SQLITE_LOCK_EXCLUSIVE && !n->exclusive && !n->reserved) h->level = SQLITE_LOCK_PENDING;
    count_lock(n, h->level, 1);
    return busy ? SQLITE_BUSY : SQLITE_OK;
}

static int f_unlock(sqlite3_file *f, int level) {
    handle *h = (handle *)f;
    if (level >= h->level) return SQLITE_OK;
    count_lock(h->n, h->level, -1);
    count_lock(h->n, level, 1);
    h->level = level;
    return SQLITE_OK;
}

static int f_reserved(sqlite3_file *f, int *out) { return *out = node_of(f)->reserved > 0, SQLITE_OK; }
static int f_control(sqlite3_file *f, int op, void *arg) { return SQLITE_NOTFOUND; }
static int f_sector(sqlite3_file *f) { return SECTOR; }
static int f_device(sqlite3_file *f) { return 0; }

static int f_shm_map(sqlite3_file *f, int region, int size, int extend, void volatile **out) {
    handle *h = (handle *)f;
    node *n = h->n;
    *out = NULL;
    if (region >= MAX_SHM || size != SHM_REGION) return SQLITE_IOERR_SHMMAP;
    if (!h->uses_shm) n->shm_users++;
    h->uses_shm = true;
    if (!n->shm[region] && extend) n->shm[region] = calloc(1, SHM_REGION);
    *out = n->shm[region];
    return SQLITE_OK;
}

static void shm_release(handle *h, int slot) {
    if (!h->shm_held[slot]) return;
    if (h->n->shm_exclusive[slot]) h->n->shm_exclusive[slot] = 0;
    else h->n->shm_shared[slot]--;
    h->shm_held[slot] = false;
}

static int f_shm_lock(sqlite3_file *f, int offset, int count, int flags) {
    handle *h = (handle *)f;
    node *n = h->n;
    bool exclusive = flags & SQLITE_SHM_EXCLUSIVE;
    if (flags & SQLITE_SHM_UNLOCK) {
        for (int i = offset; i < offset + count; i++) shm_release(h, i);
        return SQLITE_OK;
    }
    if (fails(FAULT_LOCK)) return SQLITE_IOERR_SHMLOCK;
    for (int i = offset; i < offset + count; i++)
        if (n->shm_exclusive[i] || (exclusive && n->shm_shared[i])) return SQLITE_BUSY;
    for (int i = offset; i < offset + count; i++) {
        if (exclusive) n->shm_exclusive[i] = 1;
        else n->shm_shared[i]++;
        h->shm_held[i] = true;
    }
    return SQLITE_OK;
}

static void f_shm_barrier(sqlite3_file *f) {}

/* The memory goes with its last user. */
static int f_shm_unmap(sqlite3_file *f, int remove) {
    handle *h = (handle *)f;
    for (int i = 0; i < SQLITE_SHM_NLOCK; i++) shm_release(h, i);
    if (!h->uses_shm) return SQLITE_OK;
    h->uses_shm = false;
    if (--h->n->shm_users) return SQLITE_OK;
    for (int i = 0; i < MAX_SHM; i++) free(h->n->shm[i]);
    memset(h->n->shm, 0, sizeof h->n->shm);
    return SQLITE_OK;
}

static const sqlite3_io_methods methods = {
    2,         f_close,  f_read,   f_write,   f_truncate, f_sync,        f_size,      f_lock, f_unlock, f_reserved,
    f_control, f_sector, f_device, f_shm_map, f_shm_lock, f_shm_barrier, f_shm_unmap, NULL,   NULL,
};

/* ---- The file system ------------------------------------------------------------------ */

static int v_open(sqlite3_vfs *v, const char *name, sqlite3_file *f, int flags, int *out_flags) {
    handle *h = (handle *)f;
    memset(h, 0, sizeof *h);
    if (fails(FAULT_OPEN)) return SQLITE_CANTOPEN;
    node *n = find(name ? name : "temporary", flags & SQLITE_OPEN_CREATE);
    if (!n) return SQLITE_CANTOPEN;
    n->open++;
    h->base.pMethods = &methods;
    h->n = n;
    if (out_flags) *out_flags = flags;
    return SQLITE_OK;
}

static int v_delete(sqlite3_vfs *v, const char *name, int sync_dir) {
    node *n = find(name, false);
    if (fails(FAULT_WRITE_FULL)) return SQLITE_IOERR_DELETE;
    if (!n) return SQLITE_IOERR_DELETE_NOENT;
    remove_node(n);
    return SQLITE_OK;
}

static int v_access(sqlite3_vfs *v, const char *name, int flags, int *out) {
    *out = find(name, false) != NULL;
    return SQLITE_OK;
}

static int v_full_path(sqlite3_vfs *v, const char *name, int cap, char *out) {
    sqlite3_snprintf(cap, out, "%s", name);
    return SQLITE_OK;
}

static int v_random(sqlite3_vfs *v, int n, char *out) {
    static uint64_t state = 77;
    for (int i = 0; i < n; i++) out[i] = (char)util_random(&state);
    return n;
}
static int v_sleep(sqlite3_vfs *v, int us) { return us; }
static int v_time(sqlite3_vfs *v, double *out) { return *out = 2460000.5, SQLITE_OK; }
static int v_error(sqlite3_vfs *v, int n, char *out) { return 0; }

bool fault_vfs_install(void) {
    static sqlite3_vfs vfs = {.iVersion = 1,
                              .szOsFile = sizeof(handle),
                              .mxPathname = 500,
                              .zName = "fault",
                              .xOpen = v_open,
                              .xDelete = v_delete,
                              .xAccess = v_access,
                              .xFullPathname = v_full_path,
                              .xRandomness = v_random,
                              .xSleep = v_sleep,
                              .xCurrentTime = v_time,
                              .xGetLastError = v_error};
    return sqlite3_vfs_register(&vfs, 1) == SQLITE_OK;
}
