/* Pictures to train on: where each lies and who it shows. Tar shards are
 * listed when they are opened, and their pictures read where they lie.
 *
 * Sources:
 *  - an index: a CSV file with a header; column "file", and optionally
 *    "identity" (empty = unknown). A file "shard/name" is looked for as a file
 *    beside the index, else as member "shard/name" or "name" of shard.tar there.
 *  - a folder with one folder of pictures per identity.
 *  - a tar file: members "identity/picture"; no folder = unknown. */
#ifndef FCT_TRAIN_DATASET_H
#define FCT_TRAIN_DATASET_H

#include "facet/base.h"
#include "facet/image.h"
#include "base/part_file.h"
#include <stdint.h>

typedef struct fct_sample {
    const char *name;
    int32_t source; /* >= 0: tar shard; -1: a file of its own, at path base/name */
    int32_t label;  /* class, 0 .. classes - 1; -1 = unknown */
    uint64_t offset, size;
} fct_sample;

typedef struct fct_shard {
    char *name, *path; /* owned */
    fct_part_file file;
    void *members;
    size_t n_members;
} fct_shard;

typedef struct fct_dataset {
    fct_sample *sample;
    size_t n;
    int classes;
    char **class_name; /* [n + 1]; NULL: a class of one picture */
    char *base;
    fct_shard *shard;
    int n_shards;
    size_t missing;     /* named by the index but not found: left out of sample */
    size_t lone;        /* identities with fewer than min_images pictures, taken as unknown */
    size_t empty;       /* folders of identities without a picture */
    int skipped_shards; /* shards that could not be read to their end */
} fct_dataset;

/* Opens any of the sources. Identities with fewer than min_images pictures
 * (default 2 where 0) become unknown. *out is owned. */
fct_status fct_dataset_open(const char *path, int min_images, fct_dataset **out, fct_error *err);
void fct_dataset_free(fct_dataset *d);

/* Decodes picture i, RGB. *out is owned. Thread-safe. */
fct_status fct_dataset_read(const fct_dataset *d, size_t i, fct_image **out, fct_error *err);

/* Makes every picture of unknown identity a class of its own, without a name. */
void fct_dataset_single_classes(fct_dataset *d);

/* Index of the sample with this name, or -1. O(n). */
long fct_dataset_find(const fct_dataset *d, const char *name);

/* ---- Tar, shared with the shards ---- */
typedef struct fct_tar_member {
    char *name;
    uint64_t offset, size;
} fct_tar_member;
/* Regular files of a ustar / GNU / pax archive, sorted by name. *whole is false
 * where the archive breaks off or a header is damaged: what came before is listed.
 * Fails when the file cannot be read or has changed since it was opened. *members is owned: fct_tar_free(). */
fct_status fct_tar_list(const fct_part_file *file, fct_tar_member **members, size_t *n, bool *whole, fct_error *err);
void fct_tar_free(fct_tar_member *m, size_t n);
const fct_tar_member *fct_tar_find(const fct_tar_member *m, size_t n, const char *name);

#endif
