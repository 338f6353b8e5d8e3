#include "base/error.h"
#include "base/file_sys.h"
#include "base/part_file.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#ifndef MAP_ANONYMOUS
#define MAP_ANONYMOUS MAP_ANON
#endif
#ifndef MAP_NORESERVE
#define MAP_NORESERVE 0
#endif

/* Private memory of the file's size. Pages that nobody writes to take no memory. */
static int make_room(fct_part_file *f) {
    static uint8_t nothing[1];
    f->data = nothing;
    if (f->room == 0) return 0;
    void *p = mmap(NULL, f->room, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (p == MAP_FAILED) return errno;
    f->data = p;
    return 0;
}

static int open_fd(int fd, bool own, fct_part_file *f) {
    struct stat st;
    if (fstat(fd, &st)) return errno;
    if (S_ISDIR(st.st_mode)) return EISDIR;
    if (!S_ISREG(st.st_mode)) return EINVAL;
    if (own && !fct_sys_only_ours(fd)) return EPERM;
    if ((uintmax_t)st.st_size > SIZE_MAX / 2) return ENOMEM;
    f->size = (size_t)st.st_size;
    f->room = own ? 0 : f->size;
    fct_sys_stat_of(&st, &f->opened);
    return make_room(f);
}

static fct_status open_path(const char *path, bool own, fct_part_file *out, fct_error *err) {
    *out = (fct_part_file){.path = path};
    /* Non-blocking, so that a named pipe is refused instead of waited for. */
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | (own ? O_NOFOLLOW : 0));
    if (fd < 0) return fct_fail_errno(err, path, errno);
    int e = open_fd(fd, own, out);
    if (e) {
        close(fd);
        *out = (fct_part_file){0};
        return e == EINVAL ? fct_fail(err, FCT_ERR_IO, "%s: not a regular file", path) : fct_fail_errno(err, path, e);
    }
    out->handle = fd;
    return FCT_OK;
}

fct_status fct_part_open(const char *path, fct_part_file *out, fct_error *err) {
    return open_path(path, false, out, err);
}
fct_status fct_part_open_own(const char *path, fct_part_file *out, fct_error *err) {
    return open_path(path, true, out, err);
}

void fct_part_close(fct_part_file *f) {
    if (f->data) close((int)f->handle);
    if (f->room) munmap(f->data, f->room);
    *f = (fct_part_file){0};
}

/* Fails when the file is not the one that was opened any more. */
static fct_status check_unchanged(const fct_part_file *f, fct_error *err) {
    struct stat st;
    fct_file_stat now;
    if (fstat((int)f->handle, &st)) return fct_fail_errno(err, f->path, errno);
    fct_sys_stat_of(&st, &now);
    if (now.size < f->size) return fct_fail(err, FCT_ERR_FORMAT, "%s: became shorter while it was read", f->path);
    if (now.size == f->size && now.mtime_ns == f->opened.mtime_ns) return FCT_OK;
    return fct_fail(err, FCT_ERR_FORMAT, "%s: was written to while it was read", f->path);
}

fct_status fct_part_read(const fct_part_file *f, size_t at, size_t n, void *out, fct_error *err) {
    for (uint8_t *p = out; n > 0;) {
        ssize_t got = pread((int)f->handle, p, n < (1u << 30) ? n : 1u << 30, (off_t)at);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return fct_fail_errno(err, f->path, errno);
        if (got == 0) return fct_fail(err, FCT_ERR_FORMAT, "%s: became shorter while it was read", f->path);
        p += got;
        at += (size_t)got;
        n -= (size_t)got;
    }
    return check_unchanged(f, err);
}

fct_status fct_part_load(const fct_part_file *f, size_t at, size_t n, fct_error *err) {
    return fct_part_read(f, at, n, f->data + at, err);
}
