/* A file of keys: those of an encrypted gallery's people, sealed with the gallery's
 * key. Lines of JSON: {"facet_keys":1,"gallery":"ID in hex"}, then one for each person,
 * {"person":7,"key":"..."} with the sealed key in base 64. */
#ifndef FCT_GALLERY_KEY_FILE_H
#define FCT_GALLERY_KEY_FILE_H

#include "gallery/gallery_store.h"
#include "gallery/seal.h"

#define FCT_KEY_FILE_BYTES (FCT_SEAL_KEY + FCT_SEAL_EXTRA) /* of a sealed key */

/* What such a file holds. Zero-initialize. */
typedef struct fct_key_file {
    fct_store_key *keys; /* [n]: whose, and what bytes hold */
    uint8_t (*bytes)[FCT_KEY_FILE_BYTES];
    size_t n, cap, cap_bytes;
} fct_key_file;

/* Puts the gallery's id as such a file names it into out. */
void fct_key_file_id(const fct_seal *seal, char out[33]);

/* Reads the text of a file, which it changes, and opens each key to see that it is one.
 * path, place: what messages call the file and the gallery. FCT_ERR_FORMAT names the
 * line; FCT_ERR_MISMATCH: of another gallery; FCT_ERR_UNSUPPORTED: of a newer version.
 * On failure out holds nothing. */
fct_status fct_key_file_read(const fct_seal *seal, const char *path, const char *place, char *text, size_t size,
                             fct_key_file *out, fct_error *err);
void fct_key_file_clear(fct_key_file *f);

#endif
