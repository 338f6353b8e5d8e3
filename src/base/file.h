/* Files, folders, paths, time, terminal: everything that differs between platforms.
 * Paths are UTF-8; '/' separates, '\\' too on Windows. */
#ifndef FCT_BASE_FILE_H
#define FCT_BASE_FILE_H

#include "facet/base.h"
#include <stdio.h>

/* Read-only mapping of a whole regular file; an empty file gives size 0 and a
 * non-NULL data. Errors: FCT_ERR_NOT_FOUND, FCT_ERR_IO ("is a directory",
 * "permission denied"), each with the path. */
typedef struct fct_map {
    const uint8_t *data;
    size_t size;
    void *handle;
} fct_map;
fct_status fct_map_open(const char *path, fct_map *out, fct_error *err);
/* The same bytes in memory of our own. Whoever reads a mapping of a file that
 * somebody shortens meanwhile is ended by the system (SIGBUS), and a camera that
 * writes its picture anew is enough for that; of a copy the worst is
 * FCT_ERR_FORMAT. So everything is read like this but what is too large for it, networks and
 * shards (base/part_file.h), and what is nobody else's, the caches. Larger than max: FCT_ERR_LIMIT. */
fct_status fct_map_copy(const char *path, size_t max, fct_map *out, fct_error *err);
void fct_map_close(fct_map *m);
/* The same for a file that only this user can have written: refuses symbolic
 * links and files of somebody else, or writable by others (FCT_ERR_IO). Windows:
 * fct_map_open(); the folders that facet makes are private there. */
fct_status fct_map_open_own(const char *path, fct_map *out, fct_error *err);

/* Whole file into an owned buffer (fct_free), with one NUL byte after its size
 * bytes. Larger than max: FCT_ERR_LIMIT. */
fct_status fct_file_read(const char *path, size_t max, uint8_t **data, size_t *size, fct_error *err);

/* Writes data to path as a draft does (base/draft.h): the old file or the new one
 * is there, never a part. The second makes a file for this user alone. */
fct_status fct_file_write_atomic(const char *path, const void *data, size_t size, fct_error *err);
fct_status fct_file_write_private(const char *path, const void *data, size_t size, fct_error *err);

/* Writes the parts one after the other to a file that only this user may read,
 * renamed into place when complete but not flushed to the disk: for what can be
 * made again and is checked when read. */
typedef struct fct_file_part {
    const void *data;
    size_t size;
} fct_file_part;
fct_status fct_file_write_cache(const char *path, const fct_file_part *parts, size_t n, fct_error *err);

/* Takes all rights to a file of this user's from everybody else. True where others
 * had some until now. On Windows the system and the administrators keep theirs. */
bool fct_file_make_private(const char *path);

/* Makes path a second name of the file `target` (a hard link), or a symbolic link that names it. Never replaces
 * anything: FCT_ERR_EXISTS. FCT_ERR_UNSUPPORTED where the file system, or the user's rights, have no such links. */
fct_status fct_file_link(const char *target, const char *path, bool symbolic, fct_error *err);

/* Gives a file the time of another's last change, where both are there. */
void fct_file_copy_time(const char *from, const char *to);

/* Gives a file the rights of another that it is going to replace, where both are there and this user may. */
void fct_file_copy_rights(const char *from, const char *to);

FILE *fct_fopen(const char *path, const char *mode); /* UTF-8 paths, and no translation of line ends */

/* What a pipe, a terminal or a file gives now: up to n bytes into data. Waits at
 * most ms for the first of them. The number of bytes, 0 at the end, FCT_READ_LATER
 * when there was nothing in that time, or FCT_READ_FAILED. Reads past the buffer of
 * f, which nothing else may have read from. Windows waits for pipes alone. */
enum { FCT_READ_LATER = -1, FCT_READ_FAILED = -2 };
int64_t fct_file_read_some(FILE *f, void *data, size_t n, int ms);

typedef struct fct_file_stat {
    bool exists, is_dir, is_file, is_symlink;
    uint64_t size;
    int64_t mtime_ns, ctime_ns; /* of the last change of content, and of anything; ctime_ns is 0 where unknown */
    uint64_t device, inode;     /* 0 where unknown */
} fct_file_stat;
void fct_file_get_stat(const char *path, fct_file_stat *out); /* follows links but for is_symlink */
fct_status fct_file_remove(const char *path, fct_error *err);
fct_status fct_file_rename(const char *from, const char *to, fct_error *err); /* replaces a file */
fct_status fct_dir_make(const char *path, fct_error *err);         /* with parents; an existing folder is fine */
fct_status fct_dir_make_private(const char *path, fct_error *err); /* what it makes is for this user alone */
fct_status fct_dir_remove(const char *path, fct_error *err);       /* with all it holds; does not follow links */

/* Names in a folder, sorted bytewise, without "." and "..". *names is owned:
 * fct_dir_list_free(). */
fct_status fct_dir_list(const char *path, char ***names, size_t *n, fct_error *err);
void fct_dir_list_free(char **names, size_t n);

bool fct_path_is_sep(char c);                      /* '/', on Windows '\\' too */
char *fct_path_join(const char *a, const char *b); /* a, '/', b, without a second '/'; owned; NULL = out of memory */
const char *fct_path_base(const char *path);       /* last component; borrowed from path */
bool fct_path_has_folder(const char *path);        /* more than a name: "a/b", "/a", on Windows "C:a" too */
char *fct_path_dir(const char *path);              /* all before it, "." if none; owned */
const char *fct_path_ext(const char *path);        /* after the last dot of the base, "" if none; borrowed */
char *fct_path_absolute(const char *path);         /* behind the current folder; owned; NULL = cannot be told */
char *fct_path_native(const char *path);           /* as other libraries take it, long ones too; owned; NULL =
                                                      out of memory */
/* Whether path, which is there, lies where other computers can write too: NFS, SMB, a share of Windows, a file system
 * of some program (FUSE), a host's folder in a virtual machine. False where that cannot be told. */
bool fct_path_is_shared(const char *path);
char *fct_path_real(const char *path); /* the same without links, "." and ".."; NULL = it is not there */
const char *fct_env(const char *name); /* getenv() in UTF-8 on every platform; lasts as long as the process */
char *fct_home_dir(void);              /* owned; NULL if unknown */
char *fct_data_dir(void);              /* per-user data folder of facet; owned; NULL if unknown */
char *fct_cache_dir(void);             /* per-user cache folder of facet; owned */

/* A default file: what the environment variable says, else name in fct_data_dir(). Writes at most cap bytes with the
 * NUL. noun stands for the file in errors ("gallery"). */
fct_status fct_data_file_path(const char *variable, const char *name, const char *noun, char *buf, size_t cap,
                              fct_error *err);

/* ---- Time ----------------------------------------------------------------- */
uint64_t fct_time_ns(void);  /* monotonic */
int64_t fct_time_unix(void); /* seconds since 1970, UTC */
void fct_sleep_ms(int ms);

/* ---- Terminal ---------------------------------------------------------------- */
bool fct_term_is_tty(FILE *f);
bool fct_term_has_colors(FILE *f); /* a terminal that understands escape sequences */
int fct_term_width(FILE *f);       /* columns; 80 if unknown */
/* Whether a write to it that failed says that its reader has left (`facet ... | head -1`), which is nothing to report.
 * POSIX: never; such a program is ended by SIGPIPE. */
bool fct_term_reader_left(FILE *f);
/* Makes standard input give single keys, unseen, or lines again. Does nothing where it is no terminal. */
void fct_term_keys(bool single);
int fct_term_key(void); /* the next byte of standard input; -1 = the end, or a signal */

/* For a program's main(): makes the arguments UTF-8, standard input and output
 * binary, and the terminal understand UTF-8 and escape sequences, where that is
 * not so already. Changes nothing on failure. *argv lasts as long as the process.
 * A console keeps its code page after its programs: it gets its own back at exit(),
 * and fct_program_restore() does so before _Exit(). */
void fct_program_start(int *argc, char ***argv);
void fct_program_restore(void);

/* For a program too, never for the library: has handler called when the user or
 * the system wants the program to end, with the signal's number: SIGINT (2),
 * SIGTERM (15), SIGHUP (1; not where it is ignored, as under nohup). On Windows
 * Ctrl-C is 2, a console that closes 1; the handler runs in a thread of its own
 * there. A read or a wait that blocks fails instead of going on, so that whoever
 * waits for a camera notices. The handler may do what a signal handler may. */
void fct_program_on_stop(void (*handler)(int number));

#endif
