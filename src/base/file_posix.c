#include "base/alloc.h"
#include "base/dir_list.h"
#include "base/error.h"
#include "base/file.h"
#include "base/file_sys.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#ifdef __linux__
#include <sys/vfs.h>
#endif

FILE *fct_fopen(const char *path, const char *mode) { return fopen(path, mode); }

int64_t fct_file_read_some(FILE *f, void *data, size_t n, int ms) {
    struct pollfd p = {.fd = fileno(f), .events = POLLIN};
    int ready = poll(&p, 1, ms);
    if (ready == 0 || (ready < 0 && errno == EINTR)) return FCT_READ_LATER;
    ssize_t got = ready < 0 ? -1 : read(p.fd, data, n);
    if (got < 0) return errno == EINTR || errno == EAGAIN ? FCT_READ_LATER : FCT_READ_FAILED;
    return got;
}

/* ---- Mapping ------------------------------------------------------------------ */

/* Maps a regular file; an empty one, which mmap() refuses, gets a pointer of its own. */
static int map_fd(int fd, fct_map *out) {
    struct stat st;
    if (fstat(fd, &st)) return errno;
    if (S_ISDIR(st.st_mode)) return EISDIR;
    if (!S_ISREG(st.st_mode)) return EINVAL;
    if (st.st_size == 0) {
        out->data = (const uint8_t *)"";
        return 0;
    }
    if ((uintmax_t)st.st_size > SIZE_MAX / 2) return ENOMEM;
    void *p = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (p == MAP_FAILED) return errno;
    out->data = p;
    out->size = (size_t)st.st_size;
    return 0;
}

bool fct_sys_only_ours(int fd) {
    struct stat st;
    return !fstat(fd, &st) && st.st_uid == geteuid() && !(st.st_mode & (S_IWGRP | S_IWOTH));
}

static fct_status map_path(const char *path, bool own, fct_map *out, fct_error *err) {
    *out = (fct_map){0};
    /* Non-blocking, so that a named pipe is refused instead of waited for. */
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | (own ? O_NOFOLLOW : 0));
    if (fd < 0) return fct_fail_errno(err, path, errno);
    int e = own && !fct_sys_only_ours(fd) ? EPERM : map_fd(fd, out);
    close(fd);
    if (e == EINVAL) return fct_fail(err, FCT_ERR_IO, "%s: not a regular file", path);
    return e ? fct_fail_errno(err, path, e) : FCT_OK;
}

fct_status fct_map_open(const char *path, fct_map *out, fct_error *err) { return map_path(path, false, out, err); }
fct_status fct_map_open_own(const char *path, fct_map *out, fct_error *err) { return map_path(path, true, out, err); }

void fct_sys_unmap(const void *data, size_t size) { munmap((void *)(uintptr_t)data, size); }

int fct_sys_open_regular(const char *path, FILE **out, uint64_t *size) {
    struct stat st;
    *out = NULL;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK), e = fd < 0 || fstat(fd, &st) ? errno : 0;
    if (!e && !S_ISREG(st.st_mode)) e = S_ISDIR(st.st_mode) ? EISDIR : EINVAL;
    if (!e && !(*out = fdopen(fd, "rb"))) e = errno;
    if (!e) *size = (uint64_t)st.st_size;
    else if (fd >= 0) close(fd);
    return e;
}

/* ---- Files -------------------------------------------------------------------- */

void fct_sys_stat_of(const struct stat *st, fct_file_stat *out) {
#ifdef __APPLE__
    struct timespec t = st->st_mtimespec, c = st->st_ctimespec;
#else
    struct timespec t = st->st_mtim, c = st->st_ctim;
#endif
    *out = (fct_file_stat){.exists = true,
                           .is_dir = S_ISDIR(st->st_mode),
                           .is_file = S_ISREG(st->st_mode),
                           .size = (uint64_t)st->st_size,
                           .mtime_ns = (int64_t)t.tv_sec * 1000000000 + t.tv_nsec,
                           .ctime_ns = (int64_t)c.tv_sec * 1000000000 + c.tv_nsec,
                           .device = (uint64_t)st->st_dev,
                           .inode = (uint64_t)st->st_ino};
}

void fct_file_get_stat(const char *path, fct_file_stat *out) {
    struct stat st;
    *out = (fct_file_stat){0};
    bool link = lstat(path, &st) == 0 && S_ISLNK(st.st_mode);
    if (stat(path, &st) == 0) fct_sys_stat_of(&st, out);
    out->is_symlink = link;
}

fct_status fct_file_remove(const char *path, fct_error *err) {
    return unlink(path) ? fct_fail_errno(err, path, errno) : FCT_OK;
}

fct_status fct_file_rename(const char *from, const char *to, fct_error *err) {
    if (!rename(from, to)) return FCT_OK;
    return fct_fail_errno(err, errno == ENOENT ? from : to, errno);
}

fct_status fct_file_link(const char *target, const char *path, bool symbolic, fct_error *err) {
    if (!(symbolic ? symlink(target, path) : link(target, path))) return FCT_OK;
    int e = errno;
    if (e == EXDEV || e == EPERM || e == EOPNOTSUPP || e == ENOSYS || e == EMLINK)
        return fct_fail(err, FCT_ERR_UNSUPPORTED, "%s: no %s link to %s is possible: %s", path,
                        symbolic ? "symbolic" : "hard", target, strerror(e));
    return fct_fail_errno(err, e == ENOENT ? target : path, e);
}

void fct_file_copy_time(const char *from, const char *to) {
    struct stat st;
    if (stat(from, &st)) return;
    struct timespec times[2] = {{.tv_nsec = UTIME_OMIT}, st.st_mtim};
    (void)!utimensat(AT_FDCWD, to, times, 0);
}

static int open_stream(const char *path, int flags, mode_t mode, FILE **out) {
    int fd = open(path, flags | O_WRONLY | O_CLOEXEC, mode);
    *out = fd < 0 ? NULL : fdopen(fd, "wb");
    if (*out) return 0;
    int e = errno;
    if (fd >= 0) close(fd);
    return e;
}

int fct_sys_create(const char *path, bool private, FILE **out) {
    return open_stream(path, O_CREAT | O_EXCL | O_NOFOLLOW, private ? 0600 : 0666, out);
}

int fct_sys_open_device(const char *path, FILE **out) { return open_stream(path, O_NOCTTY, 0, out); }

/* These lead to whatever the process has open there, a plain file too. */
bool fct_sys_is_device(const char *path) {
    return strcmp(path, "/dev/stdout") == 0 || strcmp(path, "/dev/stderr") == 0 || strncmp(path, "/dev/fd/", 8) == 0;
}

/* rename() would replace what is there. File systems without hard links (FAT) get
 * a look before the rename instead. */
int fct_sys_rename_new(const char *from, const char *to) {
    struct stat st;
    if (link(from, to) == 0) {
        (void)unlink(from);
        return 0;
    }
    if (errno == EEXIST || (errno != EPERM && errno != EOPNOTSUPP && errno != ENOSYS && errno != EMLINK)) return errno;
    if (lstat(to, &st) == 0) return EEXIST;
    return rename(from, to) ? errno : 0;
}

int fct_sys_unlink(const char *path) { return unlink(path) ? errno : 0; }

int fct_sys_random(void *out, size_t n) { return getentropy(out, n) ? errno : 0; }

void fct_file_copy_rights(const char *from, const char *to) {
    struct stat st;
    if (stat(from, &st) == 0 && S_ISREG(st.st_mode)) (void)!chmod(to, st.st_mode & 0777);
}

bool fct_file_make_private(const char *path) {
    struct stat st;
    if (stat(path, &st) || !S_ISREG(st.st_mode) || st.st_uid != geteuid() || !(st.st_mode & 077)) return false;
    return chmod(path, st.st_mode & 0700) == 0;
}

int fct_sys_flush(FILE *f) {
    if (fflush(f)) return errno;
    return fsync(fileno(f)) && errno != EINVAL ? errno : 0; /* EINVAL: not a file that can be synchronized */
}

void fct_sys_flush_dir(const char *path) {
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) return;
    (void)fsync(fd);
    close(fd);
}

/* Whether path still names the file: its last holder may have removed it. */
static bool is_named(int fd, const char *path) {
    struct stat a, b;
    return !fstat(fd, &a) && !stat(path, &b) && a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

int fct_sys_lock(const char *path, intptr_t *handle) {
    for (;;) {
        int fd = open(path, O_RDONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0666);
        if (fd < 0) return errno;
        int e = flock(fd, LOCK_EX | LOCK_NB) ? errno : 0;
        if (e == EWOULDBLOCK || e == EINTR) {
            close(fd);
            if (e == EINTR) continue;
            return EAGAIN;
        }
        if (is_named(fd, path)) {
            *handle = fd;
            return 0;
        }
        close(fd);
    }
}

void fct_sys_unlock(const char *path, intptr_t handle) {
    (void)unlink(path); /* before the lock is given up: nobody else's file */
    close((int)handle);
}

unsigned fct_sys_process(void) { return (unsigned)getpid(); }

int64_t fct_sys_memory_available(void) { return INT64_MAX; }

/* The numbers of statfs(2). FUSE and 9P may well be local, but what stands behind them cannot be asked. */
bool fct_path_is_shared(const char *path) {
#ifdef __linux__
    static const uint32_t shared[] = {
        0x6969,     /* NFS */
        0x517b,     /* SMB */
        0xff534d42, /* CIFS */
        0xfe534d42, /* SMB 2 */
        0x65735546, /* FUSE */
        0x01021997, /* 9P */
        0x00c36400, /* Ceph */
        0x5346414f, /* AFS */
        0x6b414653, /* AFS, of the kernel */
        0x786f4256, /* VirtualBox's folders */
        0xbacbacbc, /* VMware's folders */
    };
    struct statfs fs;
    if (statfs(path, &fs)) return false;
    for (size_t i = 0; i < sizeof shared / sizeof *shared; i++)
        if ((uint32_t)fs.f_type == shared[i]) return true;
#else
    (void)path;
#endif
    return false;
}

/* ---- Folders ------------------------------------------------------------------ */

int fct_sys_mkdir(const char *path, bool private) { return mkdir(path, private ? 0700 : 0777) ? errno : 0; }
int fct_sys_rmdir(const char *path) { return rmdir(path) ? errno : 0; }

fct_status fct_dir_list(const char *path, char ***names, size_t *n, fct_error *err) {
    fct_dir_names found = {0};
    struct dirent *entry;
    *names = NULL;
    *n = 0;
    DIR *dir = opendir(path);
    if (!dir) return fct_fail_errno(err, path, errno);
    bool ok = true;
    while (ok && (errno = 0, entry = readdir(dir))) ok = fct_dir_names_add(&found, entry->d_name);
    int e = ok ? errno : ENOMEM;
    closedir(dir);
    if (e) {
        fct_dir_list_free(found.names, found.n);
        return fct_fail_errno(err, path, e);
    }
    fct_dir_names_sort(&found);
    *names = found.names;
    *n = found.n;
    return FCT_OK;
}
