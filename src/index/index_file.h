/* A staged index in a file that can be thrown away: opened in a moment where
 * building the index anew takes seconds, and the place where rows lie that are too
 * many for memory.
 *
 * The file is a cache. It belongs to one state of one database (fct_index_key), was
 * written by a machine like this one, and is checked when it is read: whatever does
 * not fit gives FCT_ERR_FORMAT, and who opened it builds the index from the database
 * instead. No content, however hostile, does more than give wrong scores. It is read
 * in parts and not mapped, so that somebody who shortens it meanwhile causes an error
 * and not a signal.
 *
 * Numbers are as this machine has them; sections begin at multiples of 4096 and
 * follow from dim and the number of rows n:
 *   header     fct_index_header, in 4096 bytes
 *   vectors    [n][dim] float, unit length
 *   bytes      [n][size] int8
 *   sums       [n][2] uint32: checksums of a row's vector and of its bytes
 *   signs      [ceil(n / 8)][words][8] uint64
 *   scales     [n] float
 *   errors     [n] float
 *   rows       [n] face id and person id, int64
 * Opening reads all but vectors and bytes, and checks it against the checksum in the
 * header; vectors are read where a search needs their exact scores, bytes row by row
 * until it is worth reading all of a chunk. */
#ifndef FCT_INDEX_FILE_H
#define FCT_INDEX_FILE_H

#include "base/part_file.h"
#include "base/thread.h"
#include "index/index_impl.h"
#include <stdatomic.h>

#define FCT_INDEX_FILE_MAGIC   "fctindex"
#define FCT_INDEX_FILE_ORDER   UINT32_C(0x01020304)
#define FCT_INDEX_FILE_VERSION 1
#define FCT_INDEX_FILE_PAGE    4096

typedef struct fct_index_header {
    char magic[8];
    uint32_t order, version;
    uint32_t dim, per_chunk; /* rows of a chunk */
    uint64_t n, file_size;
    fct_index_key key;
    int64_t seq;
    uint64_t sections; /* checksum of sums, signs, scales, errors and rows */
    uint64_t header;   /* of this struct with 0 in this place */
} fct_index_header;

/* Where the sections are. */
typedef struct fct_index_layout {
    size_t vectors, bytes, sums, signs, scales, errors, rows, end;
} fct_index_layout;
/* False where they do not fit size_t. */
bool fct_index_layout_make(int dim, size_t n, fct_index_layout *out);
/* FCT_ERR_FORMAT, naming the fault, unless the header fits itself, the key (NULL = any) and the file's size. */
fct_status fct_index_header_check(const fct_index_header *h, const char *path, uint64_t file_size,
                                  const fct_index_key *key, fct_error *err);
uint64_t fct_index_header_sum(const fct_index_header *h);

typedef struct fct_index_sums {
    uint32_t vector, bytes;
} fct_index_sums;
uint32_t fct_index_sum(const void *data, size_t size);

typedef struct fct_index_file {
    int users;      /* chunks, and who opened it; guarded by the lock of the index */
    fct_mutex lock; /* guards reading of bytes */
    char *path;
    fct_part_file part;
    fct_index_header head;
    fct_index_layout at;
    size_t n_chunks;
    fct_index_sums *sums;
    uint64_t *signs;
    float *scales, *errors;
    fct_index_row *rows;
    _Atomic(int8_t *) *bytes; /* [n_chunks]; NULL = not read yet */
    atomic_uint *asked;       /* [n_chunks] rows that were read alone */
} fct_index_file;

/* *out is owned by one user. */
fct_status fct_index_file_open(const char *path, const fct_index_key *key, fct_index_file **out, fct_error *err);
/* Reads the header alone. */
fct_status fct_index_header_read(const char *path, const fct_index_key *key, fct_index_header *out, fct_error *err);
void fct_index_file_drop(fct_index_file *f); /* takes one user off */

/* Rows of a chunk, at..at+n-1. */
fct_status fct_index_file_vectors(const fct_index_file *f, size_t chunk, size_t at, size_t n, float *out,
                                  fct_error *err);
/* All bytes of a chunk; borrowed from the file. */
fct_status fct_index_file_bytes(fct_index_file *f, size_t chunk, const int8_t **out, fct_error *err);
/* The bytes of one row: in memory where the chunk was read, else in room [size]. */
fct_status fct_index_file_row(fct_index_file *f, size_t chunk, size_t at, int8_t *room, const int8_t **out,
                              fct_error *err);

/* ---- index_write.c: a cache file while rows are appended to its index */
typedef struct fct_index_writer fct_index_writer;
/* Writes the vectors of a full chunk, the next of the file, and frees them. */
fct_status fct_index_writer_put(fct_index_writer *w, fct_chunk *c, size_t n, fct_error *err);
void fct_index_writer_discard(fct_index_writer *w); /* NULL is harmless */

#endif
