/* Photos of a queue, as files. */
#include "base/alloc.h"
#include "base/file.h"
#include "base/hash.h"
#include "facet/queue.h"

#define PHOTO_MAX ((size_t)1 << 30)

fct_status fct_queue_read(const char *path, uint8_t sha256[32], void **data, size_t *size, fct_error *err) {
    fct_sha256 h;
    uint8_t *bytes;
    size_t n;
    if (data) *data = NULL;
    if (size) *size = 0;
    fct_status s = fct_file_read(path, PHOTO_MAX, &bytes, &n, err);
    if (s) return s;
    fct_sha256_init(&h);
    fct_sha256_update(&h, bytes, n);
    fct_sha256_final(&h, sha256);
    if (size) *size = n;
    if (data) *data = bytes;
    else fct_free(bytes);
    return FCT_OK;
}
