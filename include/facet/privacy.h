/* facet/privacy.h: what a gallery knows of a person besides the faces, and forgetting.
 *
 * Details of people, consent and retention dates; forgetting a person so that no file
 * of the gallery holds anything of it any more; an audit log that says who did what
 * without saying of whom; templates that are encrypted at rest. docs/security-gallery.md
 * says what each of these protects from, and what not. */
#ifndef FACET_PRIVACY_H
#define FACET_PRIVACY_H

#include "gallery.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Details ------------------------------------------------------------------------ */

/* What is known of a person. Texts are owned: fct_details_clear(). */
typedef struct fct_details {
    char *metadata;       /* a JSON object, "{}" where there is none */
    bool consented;       /* somebody has noted that the person agreed; then also: */
    char *consent_by;     /* who noted it */
    char *consent_text;   /* to what the person agreed, or where that is written */
    int64_t consent_time; /* when, in seconds since 1970, UTC */
} fct_details;
FCT_API fct_status fct_gallery_details(fct_gallery *g, int64_t person_id, fct_details *out, fct_error *err);
FCT_API void fct_details_clear(fct_details *d);

/* Sets one member of the metadata to a JSON value (text in quotation marks, number,
 * list ...); value NULL takes it away. FCT_ERR_ARG: no JSON, or a key of none or more
 * than 64 bytes; FCT_ERR_LIMIT: metadata and consent have more than 65,536 bytes. */
FCT_API fct_status fct_gallery_set_metadata(fct_gallery *g, int64_t person_id, const char *key, const char *value,
                                            fct_error *err);
/* Sets all of the metadata to a JSON object. Errors as above. unique (may be NULL) is a member that nobody else of the
 * person's collection may have with the same text, whoever writes at the same time: FCT_ERR_EXISTS. That looks at
 * everybody of the collection. */
FCT_API fct_status fct_gallery_replace_metadata(fct_gallery *g, int64_t person_id, const char *object,
                                                const char *unique, fct_error *err);
/* Somebody whose metadata has this text under key. Looks at everybody. FCT_ERR_NOT_FOUND. */
FCT_API fct_status fct_gallery_find_metadata(fct_gallery *g, const char *key, const char *text, fct_person *out,
                                             fct_error *err);
/* Notes that the person has agreed; text NULL takes the note back. by and text are UTF-8 without control
 * characters, of at most 200 and 4096 bytes. */
FCT_API fct_status fct_gallery_set_consent(fct_gallery *g, int64_t person_id, const char *by, const char *text,
                                           int64_t time, fct_error *err);
/* When the person is to be forgotten, in seconds since 1970, UTC; 0 = never. FCT_ERR_ARG: negative. */
FCT_API fct_status fct_gallery_set_expires(fct_gallery *g, int64_t person_id, int64_t expires, fct_error *err);

/* ---- Forgetting ----------------------------------------------------------------------- */

/* Removes people [n] with all that is known of them, overwrites what they took in the
 * gallery's files, and removes caches beside them. Ids of nobody are passed over;
 * *forgotten (may be NULL): how many people there were. FCT_ERR_BUSY: they are removed, but
 * somebody who has the gallery open kept it from writing its file anew; the next
 * forgetting does that. Copies of the gallery are the caller's to deal with: those of
 * an encrypted gallery lose the person with the key (fct_gallery_save_keys()). */
FCT_API fct_status fct_gallery_forget(fct_gallery *g, const int64_t *person_ids, int n, int *forgotten, fct_error *err);

/* Removes a person who can be restored until a time (seconds since 1970), or until the
 * retention date where that is earlier. No search and no list has the person any more:
 * he is in the collection ".removed", which is set apart, and his retention date is
 * that time, so that whoever forgets those whose time is over forgets him too. Faces
 * and details stay in the file until then: removing is not forgetting. FCT_ERR_NOT_FOUND:
 * nobody, or removed already. */
FCT_API fct_status fct_gallery_set_aside(fct_gallery *g, int64_t person_id, int64_t until, fct_error *err);
/* The person is again who and where he was. FCT_ERR_NOT_FOUND: was not removed, or the
 * collection is gone; FCT_ERR_EXISTS: somebody else has the name now, or the same member
 * `unique` of the metadata (may be NULL). */
FCT_API fct_status fct_gallery_restore_person(fct_gallery *g, int64_t person_id, const char *unique, fct_error *err);
typedef struct fct_removed {
    int64_t id;
    char name[201];        /* before */
    int64_t collection_id; /* before */
    int faces;
    int64_t created, expires; /* as of fct_person, before */
    int64_t removed, until;   /* when, and until when the person can be restored: seconds since 1970, UTC */
} fct_removed;
/* All of them, by id. *out is owned: fct_gallery_removed_free(). */
FCT_API fct_status fct_gallery_removed(fct_gallery *g, fct_removed **out, int *n, fct_error *err);
FCT_API void fct_gallery_removed_free(fct_removed *x);

/* The people whose time is over: their retention date is not after now. *out is
 * owned: fct_gallery_people_free(). */
FCT_API fct_status fct_gallery_expired(fct_gallery *g, int64_t now, fct_person **out, int *n, fct_error *err);

/* ---- The audit log ---------------------------------------------------------------------- */

/* The log is on where the setting "audit" (of the whole gallery) is "changes" or
 * "searches". Changes are noted in the transaction that makes them; with "searches",
 * searches are noted as well, by whom and with which scores. An entry names people and
 * faces by their numbers, so that forgetting somebody leaves no name in the log. Each
 * entry holds a hash over itself and the entry before it. */
typedef struct fct_audit_entry {
    int64_t seq;        /* from 1, without gaps */
    int64_t time;       /* seconds since 1970, UTC */
    const char *actor;  /* fct_gallery_opts.actor */
    const char *what;   /* "enroll", "rename", "remove", "merge", "forget", "search", ... */
    const char *detail; /* a JSON object: {"person":3,"faces":[7,8]} */
    char hash[65];      /* hex */
} fct_audit_entry;
/* Texts are borrowed for the call. What fn returns other than FCT_OK ends the reading and is returned. */
typedef fct_status fct_audit_visit_fn(const fct_audit_entry *entry, void *user, fct_error *err);
/* Gives each entry after a number to fn. */
FCT_API fct_status fct_gallery_audit(fct_gallery *g, int64_t after, fct_audit_visit_fn *fn, void *user, fct_error *err);
/* Goes through the whole log. FCT_ERR_FORMAT names the first entry that is not what
 * was written, or is missing. *entries, hash (may be NULL): how many there are and the
 * last one's hash, which, kept elsewhere, also shows that entries were cut off at the
 * end, or the whole log was made anew. */
FCT_API fct_status fct_gallery_verify_audit(fct_gallery *g, int64_t *entries, char hash[65], fct_error *err);
/* The number and the hash of the last entry (hash may be NULL); 0 where there is none. */
FCT_API fct_status fct_gallery_last_audit(fct_gallery *g, int64_t *entries, char hash[65], fct_error *err);
/* From now on the calling thread works for this actor in every gallery, in place of fct_gallery_opts.actor; NULL: for
 * that one again. For programs in which one gallery serves many. UTF-8 without control characters; borrowed until the
 * next call. */
FCT_API void fct_gallery_act_for(const char *actor);
/* Adds an entry of the caller's own. what: 1 to 32 of a-z and '-'; detail: a JSON object. FCT_OK and nothing else
 * where the log is off. */
FCT_API fct_status fct_gallery_note(fct_gallery *g, const char *what, const char *detail, fct_error *err);

/* ---- Encryption --------------------------------------------------------------------------- */

/* An encrypted gallery holds names, embeddings, pictures, sources, details and negatives
 * sealed by XChaCha20-Poly1305, each person's with a key of the person's own, which
 * is kept sealed with the gallery's key. Numbers, dates, boxes, scores, settings and
 * the audit log are in the clear. Keys are given as fct_gallery_opts.key is: 64
 * hexadecimal digits or the path of a file; NULL = FCT_GALLERY_KEY. Without libsodium
 * all of these give FCT_ERR_UNSUPPORTED. The audit log notes them, by the actor that
 * fct_gallery_act_for() names.
 *
 * Writes a new random key into a new file that only its owner can read. Whoever loses
 * it loses the gallery. FCT_ERR_EXISTS. */
FCT_API fct_status fct_gallery_make_key(const char *path, fct_error *err);
/* Encrypts the gallery at path in one transaction and writes its file anew, so that
 * nothing in the clear is left in it. Who has it open must open it again. FCT_ERR_EXISTS: encrypted
 * already; FCT_ERR_BUSY: encrypted, but others kept the file from being written anew. */
FCT_API fct_status fct_gallery_encrypt(const char *path, const char *key, fct_error *err);
FCT_API fct_status fct_gallery_decrypt(const char *path, const char *key, fct_error *err);
/* Gives it another key. Keys of people stay what they are: who has read them with the old
 * key can still read what was stored until now. Decrypting and encrypting makes all anew. */
FCT_API fct_status fct_gallery_rekey(const char *path, const char *key, const char *new_key, fct_error *err);

/* Copies of an encrypted gallery (fct_gallery_backup()) have no keys of people. These
 * writes them, sealed, into a file, which is replaced. Whoever keeps only the newest
 * such file keeps nobody readable, in any copy however old, who was forgotten. */
FCT_API fct_status fct_gallery_save_keys(fct_gallery *g, const char *path, fct_error *err);
/* Gives the people of the copy at path their keys back, and removes those who are in
 * the copy but not in the file: they were forgotten. FCT_ERR_FORMAT names the line;
 * FCT_ERR_MISMATCH: of another gallery. *restored, *removed: people. */
FCT_API fct_status fct_gallery_restore_keys(const char *path, const char *key, const char *file, int *restored,
                                            int *removed, fct_error *err);

/* Seals a secret of the caller's own, such as an address with a password, so that it can be stored: with the key of
 * encrypted galleries, given as above, into a line of printable characters. purpose, up to 200 bytes, is bound to it
 * and must be the same when it is opened. secret: up to 65,536 bytes. *out is owned: fct_buffer_free().
 * FCT_ERR_NOT_FOUND: no key is set. */
FCT_API fct_status fct_secret_seal(const char *key, const char *purpose, const char *secret, char **out,
                                   fct_error *err);
/* FCT_ERR_MISMATCH: it is not this key or purpose, or what was sealed was changed; FCT_ERR_FORMAT: nothing sealed. */
FCT_API fct_status fct_secret_open(const char *key, const char *purpose, const char *sealed, char **out,
                                   fct_error *err);

#ifdef __cplusplus
}
#endif
#endif
