/* The few calls of the operating system that file.c builds on; one version for
 * POSIX, one for Windows. */
#ifndef FCT_BASE_FILE_SYS_H
#define FCT_BASE_FILE_SYS_H

#include "base/file.h"

/* Fails with the path and the meaning of an errno value: FCT_ERR_NOT_FOUND,
 * FCT_ERR_EXISTS, FCT_ERR_NOMEM or FCT_ERR_IO. */
fct_status fct_fail_errno(fct_error *err, const char *path, int e);

/* These return 0 or an errno value. */
int fct_sys_mkdir(const char *path, bool private);
int fct_sys_rmdir(const char *path);
int fct_sys_create(const char *path, bool private,
                   FILE **out); /* for writing; EEXIST where it exists, also as a link */
void fct_sys_unmap(const void *data, size_t size);
int fct_sys_open_regular(const char *path, FILE **out, uint64_t *size); /* for reading; EINVAL: no regular file */
int fct_sys_open_device(const char *path, FILE **out);                  /* for writing; creates and empties nothing */
bool fct_sys_is_device(const char *path);                 /* a name of the system's own, such as /dev/stdout */
int fct_sys_rename_new(const char *from, const char *to); /* EEXIST where to exists */
int fct_sys_unlink(const char *path);                     /* in a signal handler too */
int fct_sys_random(void *out, size_t n);                  /* n bytes, at most 256, that nobody can foresee */
int fct_sys_flush(FILE *f);                               /* to the disk */
void fct_sys_flush_dir(const char *path);                 /* makes a rename in it durable, where that is possible */

/* A lock under a file's name, for processes and threads: the file is there while
 * somebody holds it, and the lock ends with the process. 0, EAGAIN where another
 * holds it, or an errno value. A file system without locks gives it to all. */
int fct_sys_lock(const char *path, intptr_t *handle);
void fct_sys_unlock(const char *path, intptr_t handle);

unsigned fct_sys_process(void); /* number of this process */

/* Bytes that could be used now, where the system says so by a call; else INT64_MAX. */
int64_t fct_sys_memory_available(void);

bool fct_sys_only_ours(int fd); /* a file of this user's that nobody else may write to; POSIX alone */
struct stat;
void fct_sys_stat_of(const struct stat *st, fct_file_stat *out); /* is_symlink aside; POSIX alone */

size_t fct_path_root(const char *path); /* length of a leading "/", "C:/", ...; 0 for a relative path */

#endif
