/* The album's file: its inside, shared by the files of this folder.
 *
 * All SQL is in sqlite/. What is above it (scan, clusters, tags) calls the verbs
 * below; each runs inside the transaction of its caller where there is one:
 * fct_album_begin() ... fct_album_end(). Text and bytes that come out of the file
 * are not trusted: whoever reads them checks them. */
#ifndef FCT_ALBUM_STORE_H
#define FCT_ALBUM_STORE_H

#include "base/numbers.h"
#include "facet/album.h"
#include "sqlite/sqlite_file.h"

#define FCT_ALBUM_SCHEMA   1
#define FCT_ALBUM_MOST_DIM 4096 /* numbers of an embedding */
extern const fct_db_kind fct_album_kind;

struct fct_album {
    fct_db_file file;
    int64_t model_id;  /* of the network that faces are compared by; 0 = none yet. Read by fct_album_model() */
    int dim;           /* of its embeddings */
    int64_t operation; /* that is being noted for undo; 0 = none */
};

static inline const fct_db *fct_album_db(const fct_album *a) { return &a->file.db; }

/* ---- album.c ------------------------------------------------------------------------ */

/* A write transaction keeps other writers out from its start. end commits where s is FCT_OK, else (or when the commit
 * fails) rolls back, and gives s or the commit's failure. */
fct_status fct_album_begin(fct_album *a, fct_error *err);
fct_status fct_album_end(fct_album *a, fct_status s, fct_error *err);

/* ---- Settings and the network: sqlite/album_settings.c -------------------------------- */

/* *out is owned (fct_free()), NULL where there is no such setting. Keys: "network", and those of album-format.md. */
fct_status fct_album_setting(fct_album *a, const char *key, char **out, fct_error *err);
fct_status fct_album_setting_put(fct_album *a, const char *key, const char *value, fct_error *err);

/* Reads which network the album's faces are compared by into a->model_id and a->dim. */
fct_status fct_album_model(fct_album *a, fct_error *err);
/* Makes it this one. Faces embedded by another stay without embedding until fct_album_migrate() has embedded them. */
fct_status fct_album_model_put(fct_album *a, const char *network, int dim, fct_error *err);

/* ---- Numbers as stored: album_half.c, sqlite/album_faces.c -------------------------------- */

/* IEEE half precision, little-endian, of a vector of unit length: 2 dim bytes. decode checks the size and that all
 * numbers are finite; false: damaged. */
void fct_album_half_encode(const float *v, int dim, uint8_t *out);
bool fct_album_half_decode(const void *data, size_t size, float *out, int dim);

/* Landmarks and the parts of a quality: little-endian singles. */
enum { FCT_ALBUM_PARTS = 16 };
void fct_album_put_floats(uint8_t *out, const float *v, int n);
void fct_album_quality_parts(const fct_quality *q, float parts[FCT_ALBUM_PARTS]);

/* ---- Decisions: sqlite/album_decisions.c ------------------------------------------------
 * What a user has said, about faces by anchors: a content, a time in it and a box,
 * which are the same after every scan and with every network. */

/* What a decision says. Numbers are in files and stay. */
typedef enum fct_decision_kind {
    FCT_DECISION_IS = 1,     /* face a is person_id */
    FCT_DECISION_IS_NOT = 2, /* face a is not person_id */
    FCT_DECISION_SAME = 3,   /* faces a and b are one person (must-link) */
    FCT_DECISION_DIFFER = 4, /* they are two (cannot-link) */
    FCT_DECISION_IGNORE = 5  /* face a is of no interest, or no face */
} fct_decision_kind;

/* Where a decision came from. Numbers are in files and stay. */
typedef enum fct_decision_source {
    FCT_SOURCE_USER = 1,   /* a command */
    FCT_SOURCE_TAG = 2,    /* a face region of a photo's XMP */
    FCT_SOURCE_PICASA = 3, /* .picasa.ini */
    FCT_SOURCE_GALLERY = 4 /* likeness to a person of the gallery */
} fct_decision_source;

typedef struct fct_anchor {
    uint8_t hash[32]; /* of the photo */
    int64_t time_ms;
    double box[4]; /* as fct_album_face.box */
} fct_anchor;

typedef struct fct_decision {
    int64_t id;
    fct_decision_kind kind;
    int64_t a, b;      /* anchors; b 0 = none */
    int64_t person_id; /* 0 = none */
    fct_decision_source source;
    int64_t created;
    int64_t face_a, face_b; /* the faces that the anchors mean at present; 0 = none (photo gone, face not found) */
} fct_decision;

/* The anchor of a face, made where it is not there yet. FCT_ERR_NOT_FOUND: no such face. */
fct_status fct_album_anchor_of_face(fct_album *a, int64_t face_id, int64_t *anchor_id, fct_error *err);
fct_status fct_album_anchor_put(fct_album *a, const fct_anchor *anchor, int64_t *anchor_id, fct_error *err);
/* FCT_ERR_NOT_FOUND: no such anchor. */
fct_status fct_album_anchor_get(fct_album *a, int64_t anchor_id, fct_anchor *out, fct_error *err);
/* The face that an anchor means: of the faces of its photo, at the nearest time, the one with the greatest overlap
 * (IoU), at least 0.3. *face_id 0: none at present. */
fct_status fct_album_anchor_face(fct_album *a, int64_t anchor_id, int64_t *face_id, fct_error *err);

/* Overlap of two boxes: intersection over union, 0..1. */
double fct_album_overlap(const double a[4], const double b[4]);

/* Adds a decision (its id, created and faces are filled in). The same one is not added twice. */
fct_status fct_album_decide(fct_album *a, fct_decision *d, fct_error *err);
fct_status fct_album_undecide(fct_album *a, int64_t decision_id, fct_error *err);
typedef fct_status fct_decision_fn(void *user, const fct_decision *d, fct_error *err);
/* All decisions, oldest first, with the faces that they mean. */
fct_status fct_album_decisions(fct_album *a, fct_decision_fn *fn, void *user, fct_error *err);

/* ---- People and their faces: sqlite/album_members.c ---------------------------------------- */

/* A name as it is stored, owned (fct_free()): 1..200 bytes in Unicode's form C, without blanks around it or control
 * characters; FCT_ERR_ARG tells what is wrong with it. album_enroll.c */
fct_status fct_album_clean_name(const char *name, char **out, fct_error *err);

/* name NULL = not named yet. FCT_ERR_EXISTS: somebody has the name. */
fct_status fct_album_person_add(fct_album *a, const char *name, int64_t *id, fct_error *err);
fct_status fct_album_person_rename(fct_album *a, int64_t id, const char *name, fct_error *err);
fct_status fct_album_person_ignore(fct_album *a, int64_t id, bool ignored, fct_error *err);
/* Which person of the user's gallery this is; 0 = none. */
fct_status fct_album_person_link(fct_album *a, int64_t id, int64_t gallery_id, fct_error *err);
/* With memberships and decisions about the person. */
fct_status fct_album_person_remove(fct_album *a, int64_t id, fct_error *err);
/* The newest face's id; 0 = there is none. */
fct_status fct_album_newest_face(fct_album *a, int64_t *id, fct_error *err);
/* Forgets people without a name, a face or a decision. */
fct_status fct_album_people_tidy(fct_album *a, fct_error *err);
/* By the exact name; *id 0: nobody has it. */
fct_status fct_album_person_find(fct_album *a, const char *name, int64_t *id, fct_error *err);

/* Makes a face a person's, whosever it was; person_id 0: nobody's. score: how sure, 0..1. */
fct_status fct_album_member_put(fct_album *a, int64_t face_id, int64_t person_id, fct_member_how how, double score,
                                fct_error *err);
/* Gives a face to a person by grouping; does nothing where it is somebody's already, or gone. */
fct_status fct_album_member_add(fct_album *a, int64_t face_id, int64_t person_id, double score, fct_error *err);
/* Adds the ids of the photos that show a person to a list, in ascending order: by a face, or by a place that was named
 * ("Anna is here", in another program) and in which no face was found. */
fct_status fct_album_person_photos(fct_album *a, int64_t person_id, fct_numbers *out, fct_error *err);
/* Moves all faces of one person to another. */
fct_status fct_album_members_move(fct_album *a, int64_t from, int64_t to, fct_error *err);

/* ---- The undo journal: sqlite/album_journal.c -----------------------------------------------
 * An operation is what one command has done. Between begin and end, every person,
 * member or decision is noted as it is before the first verb changes it: the verbs
 * of the two sections above do so by themselves while an operation is open.
 * fct_album_undo() takes it back. */

/* Opens an operation inside a write transaction; what: for people to read ("name Anna"). */
fct_status fct_album_operation_begin(fct_album *a, const char *what, fct_error *err);
void fct_album_operation_end(fct_album *a);

#endif
