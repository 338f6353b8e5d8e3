/* Files of packed weights, mapped and used in place: format, identity of models.
 *
 * A cache folder belongs to one user and is never trusted: a file that is
 * somebody else's, foreign, truncated or damaged is as good as none. */
#ifndef FCT_GRAPH_CPU_CACHE_H
#define FCT_GRAPH_CPU_CACHE_H

#include "base/file.h"
#include "facet/model.h"
#include "graph/model_bytes.h"
#include "ops/packed.h"

/* One array of one node, as the file has it. */
typedef struct fct_cache_entry {
    char name[24]; /* fct_packed_part.name */
    uint32_t node; /* number in the graph after the passes */
    uint32_t zero;
    uint64_t offset; /* from the file's start, a multiple of 64 */
    uint64_t bytes;
    uint64_t sum; /* of the array's chunks' checksums */
    uint64_t zero2;
} fct_cache_entry;

/* What a file must have been made for: a SHA-256 over model, options, machine, build. */
typedef struct fct_cache_key {
    uint8_t b[32];
} fct_cache_key;

fct_cache_key fct_cache_key_of(const fct_model_bytes *source, const fct_model_opts *opts);

/* The directory of a file: every length and offset in it lies within size bytes,
 * every name ends. NULL = not one, or damaged. data: 8-byte aligned. Borrows data. */
const fct_cache_entry *fct_cache_parse(const void *data, size_t size, fct_cache_key *key, uint32_t *n);
/* Whether the arrays have their checksums; uses fct_parallel(). */
bool fct_cache_intact(const void *data, const fct_cache_entry *entries, uint32_t n);

/* Maps the file for a key when there is one and all of it is sound. */
bool fct_cache_open(const char *dir, const fct_cache_key *key, fct_map *map, const fct_cache_entry **entries,
                    uint32_t *n);

/* Writes such a file and removes old ones until the folder is within its bound. Nobody is told of a failure: it only
 * means that there is no file. */
typedef struct fct_cache_part {
    uint32_t node;
    fct_packed_part part;
} fct_cache_part;
void fct_cache_write(const char *dir, const fct_cache_key *key, const fct_cache_part *parts, uint32_t n);

/* Removes the oldest files until so many bytes more are within the folder's bound;
 * false where they never will be. */
bool fct_cache_make_room(const char *dir, uint64_t bytes);

/* Fills source->sha256 from a record made earlier for the same file: same device,
 * inode, size, times, and the same bytes in some places. */
bool fct_cache_recall(const char *dir, fct_model_bytes *source);
/* Makes that record. */
void fct_cache_remember(const char *dir, const fct_model_bytes *source);

#endif
