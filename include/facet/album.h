/* facet/album.h: a photo library and who is in it.
 *
 * An album is one file (album.db, see docs/album-format.md) beside the photos,
 * which it never changes. fct_album_scan() finds the faces of every photo and
 * video below some folders and keeps them; what a user decides about them (who it
 * is, who it is not) outlives every later scan, and every other network.
 *
 * A photo is a content: the same bytes at three places are one photo at three
 * places, and a photo that was moved is the same photo. All coordinates are parts
 * of the upright picture's width and height, 0 to 1.
 *
 * A call that has returned FCT_OK is on disk. Several programs may use an album at
 * once; one fct_album belongs to one thread at a time. Visitors are called in the
 * calling thread, must not call the album, and what they are given is borrowed for
 * the call; what one returns other than FCT_OK, with its error, ends the listing
 * and is its result. */
#ifndef FACET_ALBUM_H
#define FACET_ALBUM_H

#include "face.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct fct_album fct_album;

typedef struct fct_album_opts {
    size_t size;     /* sizeof this struct; set by fct_album_opts_init() */
    bool read_only;  /* (default false) */
    bool must_exist; /* true: FCT_ERR_NOT_FOUND instead of creating it (default false) */
    int busy_ms;     /* how long to wait for another process's write before FCT_ERR_BUSY (default 5000) */
} fct_album_opts;
FCT_API void fct_album_opts_init(fct_album_opts *o);

/* Opens or creates, with the folders above it, for its owner alone. *out is owned.
 * Errors: FCT_ERR_FORMAT (not an album, or damaged), FCT_ERR_IO, FCT_ERR_BUSY,
 * FCT_ERR_UNSUPPORTED (made by a newer version). */
FCT_API fct_status fct_album_open(const char *path, const fct_album_opts *opts, fct_album **out, fct_error *err);
FCT_API void fct_album_free(fct_album *a);

/* The default file: FCT_ALBUM, else album.db in the platform's data folder
 * ($XDG_DATA_HOME/facet, ~/.local/share/facet, %LOCALAPPDATA%\facet). Writes at
 * most cap bytes with the NUL. */
FCT_API fct_status fct_album_default_path(char *buf, size_t cap, fct_error *err);

typedef struct fct_album_info {
    char path[1024];
    char network[65];   /* id of the embedder all faces are compared by; "" = nothing scanned yet */
    int dim;            /* of its embeddings */
    int64_t roots;      /* folders that were scanned with all below them */
    int64_t files;      /* places of photos and videos */
    int64_t photos;     /* different contents, videos among them */
    int64_t videos;     /* of these */
    int64_t unreadable; /* files that could not be read */
    int64_t faces;      /* of all photos */
    int64_t to_embed;   /* of these, those whose embedding is still another network's */
    int64_t people;     /* with at least one face, the unnamed ones too */
    int64_t named;      /* of these, people with a name */
    int schema;         /* version of the file's tables */
} fct_album_info;
FCT_API fct_status fct_album_stat(fct_album *a, fct_album_info *out, fct_error *err);

/* Full integrity check; FCT_ERR_FORMAT with the first fault found. */
FCT_API fct_status fct_album_check(fct_album *a, fct_error *err);

/* Writes a copy, an album itself, to a new file while the album is in use.
 * FCT_ERR_EXISTS when there is such a file. */
FCT_API fct_status fct_album_backup(fct_album *a, const char *path, fct_error *err);

/* ---- Scanning ------------------------------------------------------------------ */

typedef enum fct_scan_phase {
    FCT_SCAN_LOOK = 0,  /* looking for files that are new, changed or gone; total is not known */
    FCT_SCAN_READ = 1,  /* reading them and finding faces: done of total files */
    FCT_SCAN_EMBED = 2, /* embedding faces with another network (fct_album_migrate()): done of total faces */
    FCT_SCAN_TIDY = 3   /* forgetting what is gone */
} fct_scan_phase;

typedef struct fct_scan_progress {
    fct_scan_phase phase;
    int64_t done, total;       /* total 0 = unknown */
    int64_t bytes_done, bytes; /* FCT_SCAN_READ: of files, for an estimate of the time left */
    int64_t faces;             /* found so far */
    int64_t unreadable;        /* files so far */
} fct_scan_progress;
/* Called in the calling thread, at most about ten times a second. false ends the scan with FCT_ERR_CANCELLED; what
 * was read until then stays. */
typedef bool fct_scan_progress_fn(void *user, const fct_scan_progress *p);

/* Told, in the calling thread, what a scan could not look at: a folder that cannot be listed (FCT_ERR_IO) or that is
 * missing, empty or not mounted (FCT_ERR_NOT_FOUND), whose photos are kept in both cases, and a photo of a format that
 * facet does not read (FCT_ERR_UNSUPPORTED). why->text begins with the path. */
typedef void fct_scan_skipped_fn(void *user, const char *path, const fct_error *why);

typedef struct fct_scan_opts {
    size_t size;                     /* sizeof this struct; set by fct_scan_opts_init() */
    const fct_analyzer_opts *finder; /* how faces are found; its tasks are those to run (default NULL: defaults) */
    int threads;                     /* photos that are worked on at once; 0 = as many as fct_threads() (default 0) */
    int64_t max_pixels;              /* larger photos are unreadable (default 0: see fct_decode_opts) */
    bool no_videos;                  /* pass over videos (default false) */
    bool again;                      /* read what is known and unchanged too (default false) */
    bool forget_missing;             /* forget the photos of a folder that is missing as a whole (default false) */
    fct_scan_progress_fn *progress;  /* (default NULL) */
    fct_scan_skipped_fn *skipped;    /* (default NULL) */
    void *user;                      /* handed to progress and skipped (default NULL) */
} fct_scan_opts;
FCT_API void fct_scan_opts_init(fct_scan_opts *o);

/* What a scan came to. */
typedef struct fct_scan_result {
    int64_t looked;     /* files seen */
    int64_t unchanged;  /* of these, with the size and time that were known */
    int64_t read;       /* photos and videos in which faces were searched */
    int64_t changed;    /* of these, new contents of files that were known */
    int64_t moved;      /* files whose content was known from a place where it is no more */
    int64_t copies;     /* files whose content is known from another place too */
    int64_t touched;    /* files with another time and the same content */
    int64_t gone;       /* files forgotten because they are no longer there */
    int64_t unreadable; /* files read now that could not be */
    int64_t faces;      /* found in what was read */
    int64_t missing;    /* folders that cannot be listed, are missing, empty or not mounted; their photos are kept */
    int64_t unknown;    /* photos of formats that facet does not read, such as raw ones */
    int64_t no_videos;  /* videos passed over because this build, or this computer, reads none */
    double seconds;
} fct_scan_result;

/* Brings the album up to date with the photos and videos in folders and below them;
 * n = 0: in all folders that were ever scanned. Files whose size and time are known
 * are not read. Others are told by their content: a moved photo keeps all that is
 * known of it, a changed one is read again, one that is no longer there is
 * forgotten, though its decisions are kept for the day it comes back. A folder that
 * is missing as a whole, or empty where a file system used to be mounted, is
 * counted in out->missing and nothing of it is forgotten. Passed over are hidden
 * files and folders, links to folders, folders below those named that hold a file
 * called .nomedia, and those called @eaDir (the previews of Synology's disks).
 *
 * Each photo is on disk within seconds of its reading: a scan that is stopped, or
 * killed, goes on from there. Files that cannot be read are counted and listed by
 * fct_album_files(). p needs a detector and an embedder, that of the album if it
 * has one, else FCT_ERR_MISMATCH. FCT_ERR_BUSY: another scan of this album is
 * running. out may be NULL; it is filled in on failure too. */
FCT_API fct_status fct_album_scan(fct_album *a, const fct_pack *p, const char *const *folders, int n,
                                  const fct_scan_opts *opts, fct_scan_result *out, fct_error *err);

/* Moves the album to p's embedder: every face is embedded again from its picture.
 * Can be stopped, or killed, and goes on from there when called again. Of
 * opts only threads, progress and user count. *n (may be NULL): faces embedded. */
FCT_API fct_status fct_album_migrate(fct_album *a, const fct_pack *p, const fct_scan_opts *opts, int64_t *n,
                                     fct_error *err);

/* Forgets a folder that was scanned, with its photos; named as then, or as fct_album_roots() does.
 * FCT_ERR_NOT_FOUND: it never was. FCT_ERR_BUSY: a scan of the album is running. */
FCT_API fct_status fct_album_forget(fct_album *a, const char *folder, fct_error *err);

/* Takes back what the last operation has changed about people, faces' people and
 * decisions, and forgets it; the newest 200 can be taken back one after the other.
 * what (cap bytes, or NULL) is filled in with the operation in words: "name Anna".
 * FCT_ERR_NOT_FOUND: there is none. */
FCT_API fct_status fct_album_undo(fct_album *a, char *what, size_t cap, fct_error *err);

/* ---- Listing --------------------------------------------------------------------- */

/* A folder that was scanned. */
typedef struct fct_album_root {
    int64_t id, files;
    const char *path;
} fct_album_root;
typedef fct_status fct_album_root_fn(void *user, const fct_album_root *r, fct_error *err);
FCT_API fct_status fct_album_roots(fct_album *a, fct_album_root_fn *fn, void *user, fct_error *err);

/* A place of a photo. */
typedef struct fct_album_file {
    int64_t id, photo_id; /* photo_id 0 = its content could not be read */
    const char *path;     /* absolute */
    int64_t size;         /* bytes */
    int64_t mtime_ns;     /* of its last change, since 1970, UTC */
    const char *error;    /* why it, or its content, could not be read; NULL = it could */
} fct_album_file;
typedef fct_status fct_album_file_fn(void *user, const fct_album_file *f, fct_error *err);

typedef struct fct_album_file_query {
    size_t size;      /* sizeof this struct; set by fct_album_file_query_init() */
    int64_t photo_id; /* places of this photo; 0 = all (default 0) */
    bool unreadable;  /* those that could not be read (default false) */
} fct_album_file_query;
FCT_API void fct_album_file_query_init(fct_album_file_query *q);
/* By folder and name. q NULL = all. */
FCT_API fct_status fct_album_files(fct_album *a, const fct_album_file_query *q, fct_album_file_fn *fn, void *user,
                                   fct_error *err);

/* A content. */
typedef struct fct_album_photo {
    int64_t id;
    const char *path; /* absolute, the first of its places; NULL = none at present */
    int places;
    uint8_t hash[32]; /* SHA-256 of the file's bytes */
    bool is_video;
    int width, height; /* upright, in pixels; 0 = could not be read */
    int orientation;   /* 1..8 as EXIF has it: how the file's pixels are turned to be upright; 1 where unknown */
    int64_t taken;     /* seconds since 1970 on the camera's clock where EXIF tells, else the file's time */
    bool taken_known;  /* by EXIF, or by what a video says of itself */
    uint64_t phash;    /* perceptual hash: 64 bits of which few differ between like pictures */
    bool has_phash;
    int faces;
    const char *error; /* why it could not be read; NULL = it could */
} fct_album_photo;
typedef fct_status fct_album_photo_fn(void *user, const fct_album_photo *p, fct_error *err);
/* By date, then id. id 0 = all. FCT_ERR_NOT_FOUND: there is no photo with this id. */
FCT_API fct_status fct_album_photos(fct_album *a, int64_t id, fct_album_photo_fn *fn, void *user, fct_error *err);

/* How a face came to its person. Numbers are in files and stay. */
typedef enum fct_member_how {
    FCT_MEMBER_AUTOMATIC = 1, /* by clustering; may change with the next one */
    FCT_MEMBER_CONFIRMED = 2, /* the user has said yes to a suggestion */
    FCT_MEMBER_NAMED = 3      /* the user, or a tag in a file, has named this very face */
} fct_member_how;

typedef struct fct_album_face {
    int64_t id, photo_id;
    double time;         /* of a video's frame, in seconds; 0 for photos */
    float box[4];        /* x1, y1, x2, y2; may lie a little outside 0..1 */
    float kps[5][2];     /* (x, y), in the order of fct_face */
    float score;         /* detector's */
    fct_quality quality; /* quality.score is the whole */
    bool has_pose;
    float pose[3];          /* pitch, yaw, roll in degrees */
    int gender, age;        /* -1 = unknown, as fct_face */
    float norm;             /* length of the embedding as the network gave it */
    const float *embedding; /* [dim], unit length; NULL = not asked for, or still another network's */
    int64_t person_id;      /* 0 = nobody's yet */
    fct_member_how how;     /* where person_id is not 0 */
} fct_album_face;
typedef fct_status fct_album_face_fn(void *user, const fct_album_face *f, fct_error *err);

typedef struct fct_album_face_query {
    size_t size;       /* sizeof this struct; set by fct_album_face_query_init() */
    int64_t id;        /* this face; 0 = all (default 0) */
    int64_t photo_id;  /* faces of this photo; 0 = all (default 0) */
    int64_t person_id; /* faces of this person; 0 = all (default 0) */
    bool embeddings;   /* fill in embedding (default false) */
} fct_album_face_query;
FCT_API void fct_album_face_query_init(fct_album_face_query *q);
/* By id. FCT_ERR_NOT_FOUND where q->id names none. */
FCT_API fct_status fct_album_faces(fct_album *a, const fct_album_face_query *q, fct_album_face_fn *fn, void *user,
                                   fct_error *err);

/* The picture of a face: aligned as by fct_align(), 112 x 112. *jpeg is owned:
 * fct_buffer_free(). FCT_ERR_NOT_FOUND: no such face. */
FCT_API fct_status fct_album_crop(fct_album *a, int64_t face_id, void **jpeg, size_t *len, fct_error *err);

typedef struct fct_album_person {
    int64_t id;
    const char *name; /* NULL = not named yet */
    bool ignored;     /* of no interest: a passer-by */
    int64_t faces, photos;
    int64_t first, last; /* dates of the first and last photo, as fct_album_photo.taken; 0 = none */
} fct_album_person;
typedef fct_status fct_album_person_fn(void *user, const fct_album_person *p, fct_error *err);
/* Named people by name, then the others, most photos first. id 0 = all. FCT_ERR_NOT_FOUND: there is none with this
 * id. */
FCT_API fct_status fct_album_people(fct_album *a, int64_t id, fct_album_person_fn *fn, void *user, fct_error *err);

/* ---- Duplicates ----------------------------------------------------------------- */

typedef enum fct_duplicate_kind {
    FCT_DUPLICATE_BYTES = 1,  /* one photo at several places */
    FCT_DUPLICATE_PICTURE = 2 /* photos that show the same picture: saved anew, resized, slightly cropped */
} fct_duplicate_kind;

/* A group: n files, the largest picture (then the oldest file) first. */
typedef struct fct_duplicate_group {
    fct_duplicate_kind kind;
    int n;
    const fct_album_file *files; /* [n] */
    const int (*sizes)[2];       /* [n] width, height */
} fct_duplicate_group;
typedef fct_status fct_duplicate_fn(void *user, const fct_duplicate_group *g, fct_error *err);
/* All groups of two or more files; videos only where their bytes are the same. */
FCT_API fct_status fct_album_duplicates(fct_album *a, fct_duplicate_fn *fn, void *user, fct_error *err);

#ifdef __cplusplus
}
#endif
#endif
