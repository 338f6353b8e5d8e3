/* facet/face.h: packs and the face pipeline: detect, align, embed, landmarks,
 * pose, gender and age; comparison.
 *
 * A pack is a set of networks with tasks (immutable, shareable by threads). An
 * analyzer is a pack plus settings and scratch memory: one thread at a time;
 * create one per thread, they share the pack's weights. */
#ifndef FACET_FACE_H
#define FACET_FACE_H

#include "image.h"
#include "model.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct fct_pack fct_pack;
typedef struct fct_analyzer fct_analyzer;
typedef struct fct_faces fct_faces;

/* What a network of a pack does. Values are bits of a set. */
typedef enum fct_task {
    FCT_TASK_DETECT = 1,       /* SCRFD: boxes, scores, five landmarks */
    FCT_TASK_EMBED = 2,        /* ArcFace embedding */
    FCT_TASK_LANDMARK_106 = 4, /* 106 points in the image */
    FCT_TASK_LANDMARK_68 = 8,  /* 68 points in space, and the pose */
    FCT_TASK_GENDER_AGE = 16,
    FCT_TASK_ALL = 0x7fffffff /* those that later versions add, too */
} fct_task;

/* InsightFace's name of a task: "detection", "recognition", "landmark_2d_106",
 * "landmark_3d_68", "genderage"; NULL for anything but one single task. Static. */
FCT_API const char *fct_task_name(fct_task t);
/* The task of that name; 0 = there is none. */
FCT_API fct_task fct_task_find(const char *name);

/* What a task gives for each face: rows x columns numbers, see fct_face_values(). */
typedef struct fct_task_info {
    fct_task task;
    const char *name; /* fct_task_name() */
    const char *key;  /* of the values in the command's JSON ("landmark_68"); NULL = they have members of
                         their own there. Static, as name */
    int rows;         /* 0 = none: detection */
    int columns;      /* 0 = as many as an embedding of the pack has */
} fct_task_info;
/* The i-th task, from 0; false, and zeros, past the last. */
FCT_API bool fct_task_at(int i, fct_task_info *out);

/* ---- Packs -------------------------------------------------------------------- */

typedef struct fct_pack_opts {
    size_t size;             /* sizeof this struct; set by fct_pack_opts_init() */
    const char *root;        /* where packs are looked up by name; NULL = FCT_MODELS, else
                                ~/.insightface/models (default NULL) */
    uint32_t tasks;          /* networks of other tasks are not loaded (default FCT_TASK_ALL) */
    fct_precision precision; /* (default FCT_PRECISION_FAST) */
    bool low_memory;         /* (default false) */
    const char *cache_dir;   /* packed-weight cache, see fct_model_opts (default NULL) */
    bool names_only;         /* tell by node names alone whether a graph normalizes its input, as
                                InsightFace does; its rule overlooks graphs whose nodes are named
                                otherwise, and then nothing is recognized (default false) */
    const char *device;      /* what runs the networks, see fct_model_opts (default NULL) */
} fct_pack_opts;
FCT_API void fct_pack_opts_init(fct_pack_opts *o);

/* Opens a pack: a folder with *.onnx files (any name with a slash, or that is
 * an existing folder), one such file as a pack of its own, else the name of a
 * pack under the root or of the built-in one. NULL: the default pack: what FCT_PACK
 * names; else the built-in one; else one installed with facet or under the root.
 * A folder that holds but one other folder with networks stands for that one. Files are taken in path order; each is
 * given its task by its signature; the first of each task wins. *out is owned. Errors: those of fct_model_load();
 * FCT_ERR_NOT_FOUND when there is no such pack or it has no detector though FCT_TASK_DETECT is asked for. */
FCT_API fct_status fct_pack_open(const char *name_or_dir, const fct_pack_opts *opts, fct_pack **out, fct_error *err);
FCT_API void fct_pack_free(fct_pack *p); /* analyzers must be freed before */

/* One file of a pack, used or not. Strings are borrowed until the pack is freed. */
typedef struct fct_pack_file {
    const char *path;              /* "built-in:det.onnx" for one of the built-in pack */
    const char *id;                /* fct_model_id(), "" where the file was not loaded */
    uint32_t task;                 /* fct_task, 0 = not used */
    const char *note;              /* why it is not used ("unknown signature: ...", "a second detector: ..."),
                                      or a remark, or "" */
    int input_width, input_height; /* of a fixed input; 0 = dynamic */
    int embedding_dim;             /* FCT_TASK_EMBED only, else 0 */
    double mean, std;              /* input normalization (x - mean) / std */
} fct_pack_file;
FCT_API int fct_pack_file_count(const fct_pack *p);
FCT_API fct_status fct_pack_file_info(const fct_pack *p, int i, fct_pack_file *out, fct_error *err);

FCT_API const char *fct_pack_name(const fct_pack *p);        /* borrowed until freed */
FCT_API uint32_t fct_pack_tasks(const fct_pack *p);          /* set of fct_task available */
FCT_API int fct_pack_embedding_dim(const fct_pack *p);       /* 0 = no embedder */
FCT_API const char *fct_pack_embedder_id(const fct_pack *p); /* model id of the embedder, "" = none; borrowed */
FCT_API float fct_pack_threshold(const fct_pack *p);         /* cosine; the manifest's, else 0.40 */

/* The network of a task, for direct use. NULL = none. Borrowed until the pack
 * is freed. */
FCT_API const fct_model *fct_pack_model(const fct_pack *p, fct_task t);

/* ---- Faces ---------------------------------------------------------------------- */

/* One face. Coordinates are pixels of the whole input picture, not rounded or
 * clipped. Pointers are borrowed until the fct_faces is freed; NULL = that task
 * was not run.
 *
 * This struct keeps its size and its members for good, so that arrays of it in
 * callers' programs stay right; what later tasks find is in fct_face_values().
 * A face that a caller makes itself starts as zeros, with gender and age -1. */
typedef struct fct_face {
    float box[4]; /* x1, y1, x2, y2 */
    float score;  /* detector's, 0..1 */
    bool has_kps;
    float kps[5][2];           /* (x, y): eye at the picture's left, eye at its right, nose, mouth left, mouth right */
    const float *embedding;    /* [embedding_dim], as the network gives it, not normalized */
    int embedding_dim;         /* 0 = none */
    float embedding_norm;      /* Euclidean length */
    const float *landmark_106; /* [106][2] (x, y) */
    const float *landmark_68;  /* [68][3] (x, y, z), z in pixels */
    bool has_pose;
    float pose[3]; /* pitch, yaw, roll in degrees */
    int gender;    /* 0 female, 1 male, -1 unknown */
    int age;       /* years, -1 unknown */
    int turns;     /* clockwise quarter turns of the picture in which it was found (0 unless rotations asked) */
    const float *const *values; /* for fct_face_values(); NULL in a caller's own face */
} fct_face;

/* What a task has found for a face, fct_task_info's rows x columns numbers, row by
 * row: the embedding, points as landmark_106 and landmark_68, gender (0, 1) and age
 * for FCT_TASK_GENDER_AGE. NULL = not run, or not possible for this face.
 * Borrowed until the fct_faces is freed. */
FCT_API const float *fct_face_values(const fct_face *face, fct_task t);

FCT_API int fct_faces_count(const fct_faces *f);
/* i-th face, by descending score (by descending value when max_faces cut the
 * list). NULL when out of range. Borrowed until f is freed. */
FCT_API const fct_face *fct_faces_at(const fct_faces *f, int i);
FCT_API void fct_faces_free(fct_faces *f);
/* Boxes and landmarks are multiplied, for faces that were found in a picture decoded at a smaller size: widths by kx,
 * heights by ky. */
FCT_API void fct_faces_scale(fct_faces *f, float kx, float ky);

/* ---- Analyzer --------------------------------------------------------------------- */

typedef enum fct_metric {
    FCT_METRIC_DEFAULT = 0, /* area minus 2 x squared distance from the center of the picture */
    FCT_METRIC_MAX = 1      /* area */
} fct_metric;

#define FCT_MAX_DET_SIZES 4

typedef struct fct_analyzer_opts {
    size_t size;     /* sizeof this struct; set by fct_analyzer_opts_init() */
    uint32_t tasks;  /* what to run, of those the pack has (default FCT_TASK_ALL) */
    int n_det_sizes; /* 0 = Auto: 128x128 and 640x640 (default 0). A fixed-size detector overrides */
    struct {
        int width, height;
    } det_sizes[FCT_MAX_DET_SIZES]; /* multiples of 32, 32..8192, at most 4096 * 4096 pixels */
    float det_thresh;               /* least score (default 0.5) */
    float nms_thresh;               /* IoU (default 0.4) */
    int max_faces;                  /* 0 = all (default 0) */
    fct_metric metric;              /* which faces max_faces keeps (default FCT_METRIC_DEFAULT) */
    bool rotations; /* no face found surely: try the picture turned by 90, 180, 270 degrees (default false) */
    int tile;       /* > 0: also detect in overlapping tiles of this many pixels, for very
                       small faces (default 0) */
    bool fit; /* a square detection size is made as narrow as the picture is, with a margin: less black is searched,
                 640x512 instead of 640x640 for 4:3 (default false) */
    bool second_look; /* where the pack's detector asks for it, pictures with small faces are searched again, at
                         960 and 1280: with Auto among the sizes, none larger than 640, and no tiles (default true) */
    int enlarge; /* > 0: square detection sizes beyond 448 become smaller where they would enlarge the picture more than
                    about so many times, which costs small pictures less time; where that finds no face, the sizes
                    themselves are tried (default 0) */
} fct_analyzer_opts;
FCT_API void fct_analyzer_opts_init(fct_analyzer_opts *o);

/* *out is owned. The pack is borrowed until the analyzer is freed.
 * FCT_ERR_ARG names an option out of range; FCT_ERR_NOT_FOUND when opts->tasks
 * has FCT_TASK_DETECT and the pack has no detector. An analyzer without that
 * task serves fct_analyze_known() and fct_embed_aligned() alone. */
FCT_API fct_status fct_analyzer_create(const fct_pack *p, const fct_analyzer_opts *opts, fct_analyzer **out,
                                       fct_error *err);
FCT_API void fct_analyzer_free(fct_analyzer *a);

/* Changes all options but tasks for later calls: another detection size or limit
 * per picture costs no new analyzer. On failure the old options stay. */
FCT_API fct_status fct_analyzer_configure(fct_analyzer *a, const fct_analyzer_opts *opts, fct_error *err);

/* Finds the faces of a picture and runs the chosen tasks on them, all faces of a
 * picture as one batch. Any pixel format. *out is owned; no face is not an
 * error but a count of 0. */
FCT_API fct_status fct_analyze(fct_analyzer *a, fct_view picture, fct_faces **out, fct_error *err);

/* The same for n pictures at once; faces of all of them are embedded together.
 * outs[i] is owned. On failure all outs are NULL. */
FCT_API fct_status fct_analyze_batch(fct_analyzer *a, const fct_view *pictures, int n, fct_faces **outs,
                                     fct_error *err);

/* Runs the chosen tasks but detection on faces that were found in the same picture at another size, which is kx times
 * as wide and ky times as high here. Boxes and landmarks are those of this size, scores as they were. */
FCT_API fct_status fct_analyze_again(fct_analyzer *a, fct_view picture, const fct_faces *found, float kx, float ky,
                                     fct_faces **out, fct_error *err);

/* How many times as large their picture would have to be so that no face is enlarged when it is aligned to 112 x 112;
 * between 1 and 64. More than 1 for a photo that was decoded at a smaller size (fct_decode_opts.min_side_hint): decoded
 * at so many times that size, it gives better embeddings by fct_analyze_again(). Faces that cannot be aligned do not
 * count. */
FCT_API float fct_faces_enlargement(const fct_faces *faces);

/* Runs the chosen tasks but detection on faces that are already known: kps is
 * [n][5][2], boxes [n][4] (or NULL: the points' bounding box, widened). */
FCT_API fct_status fct_analyze_known(fct_analyzer *a, fct_view picture, int n, const float *boxes, const float *kps,
                                     fct_faces **out, fct_error *err);

/* ---- Parts ---------------------------------------------------------------------- */

/* Similarity transform from five landmarks to the ArcFace template of the given
 * size (divisible by 112 or by 128), least squares after Umeyama (1991), eq.
 * 40-43. m is the forward 2x3 matrix, row-major. FCT_ERR_ARG for another size
 * or points that coincide or are not finite. */
FCT_API fct_status fct_align_matrix(const float kps[5][2], int size, double m[6], fct_error *err);

/* Aligned crop of size x size, RGB. *out is owned. */
FCT_API fct_status fct_align(fct_view picture, const float kps[5][2], int size, fct_image **out, fct_error *err);

/* Embeds n aligned crops of the embedder's input size; out is [n][embedding_dim],
 * caller-owned. */
FCT_API fct_status fct_embed_aligned(fct_analyzer *a, const fct_view *crops, int n, float *out, fct_error *err);

/* How good a picture of a face is: what was measured, and grades made of it, each
 * 0 (useless) to 1 (ideal). src/face/quality.c says how the measures are taken
 * and between which values the grades run. */
typedef struct fct_quality {
    float side;       /* shorter side of the box, in pixels of the picture; 0 = the face has no box */
    float eyes;       /* distance of the eyes, in pixels of the picture */
    float detection;  /* the detector's score, 0..1 */
    float outside;    /* the largest part of the box's width or height beyond the picture's edge, 0..1 */
    float turn;       /* how far the nose is off the middle between the eyes, along the line through them, in
                         distances of the eyes: 0 frontal, positive towards the picture's right */
    float nod;        /* height of the nose between eyes (-0.5) and mouth (0.5): about 0 level, negative with
                         the chin up, positive with it down */
    float misfit;     /* mean distance of the aligned landmarks from the template, in distances of the eyes */
    float brightness; /* mean and standard deviation of the aligned gray face, 0..255 */
    float contrast;
    float clipped; /* part of its pixels that are black or white, 0..1 */
    float detail;  /* energy of its Laplacian relative to its variance: about 0.005 blurred, 0.1 and more sharp */

    float size_grade;      /* of eyes */
    float sharpness_grade; /* of detail */
    float pose_grade;      /* of turn and nod, or of the face's pose where it is known */
    float exposure_grade;  /* of brightness, contrast and clipped */
    float landmark_grade;  /* of misfit: falls with occlusion and false alarms */
    float score;           /* all grades together: what the gallery stores as a face's quality */
} fct_quality;

/* Measures a detected face (its landmarks are needed, its pose is used where known).
 * FCT_ERR_ARG where it has none. Takes about 0.1 ms. Thread-safe. */
FCT_API fct_status fct_face_quality(fct_view picture, const fct_face *face, fct_quality *out, fct_error *err);

/* The same for who has the face's fct_align() of 112 x 112 pixels, RGB, which need not be cut out again then. */
FCT_API fct_status fct_face_quality_aligned(fct_view picture, const fct_face *face, fct_view crop, fct_quality *out,
                                            fct_error *err);

/* The quality that was measured in a reduced picture becomes that of the whole one, whose sides are factor times as
 * long: its lengths, the grade of its size and the score. Sharpness stays as it was measured. */
FCT_API void fct_quality_scale(fct_quality *q, float factor);

/* What can be wrong with a face that is to be remembered. Values are bits of a
 * set. The second group is found by comparison with a gallery (enroll.h). */
typedef enum fct_flaw {
    FCT_FLAW_SMALL = 1,         /* side */
    FCT_FLAW_HARD_TO_SEE = 2,   /* detection */
    FCT_FLAW_CUT_OFF = 4,       /* outside */
    FCT_FLAW_TURNED = 8,        /* turn, without its sign */
    FCT_FLAW_MISPLACED = 16,    /* misfit: partly hidden, or no face */
    FCT_FLAW_DARK = 32,         /* brightness */
    FCT_FLAW_BRIGHT = 64,       /* brightness */
    FCT_FLAW_FLAT = 128,        /* contrast */
    FCT_FLAW_BLURRED = 256,     /* detail */
    FCT_FLAW_UNLIKE = 4096,     /* cosine to the nearest of the person's other faces */
    FCT_FLAW_LIKE_OTHER = 8192, /* cosine to the nearest face of somebody else */
    FCT_FLAW_SEVERAL = 16384,   /* faces in the picture, where one had to be chosen */
    FCT_FLAW_ALL = 0x7fffffff
} fct_flaw;

/* One word for a flaw ("small", "cut_off"), for JSON; NULL for anything but one single flaw. Static. */
FCT_API const char *fct_flaw_name(fct_flaw f);

/* From where on a measure is a flaw. */
typedef struct fct_quality_limits {
    size_t size;            /* sizeof this struct; set by fct_quality_limits_init() */
    float least_side;       /* (default 48) */
    float least_detection;  /* (default 0.6) */
    float most_outside;     /* (default 0.15) */
    float most_turn;        /* (default 0.35) */
    float most_misfit;      /* (default 0.25) */
    float least_brightness; /* (default 40) */
    float most_brightness;  /* (default 210) */
    float least_contrast;   /* (default 18) */
    float least_detail;     /* (default 0.015) */
} fct_quality_limits;
FCT_API void fct_quality_limits_init(fct_quality_limits *o);

/* A flaw, as figures and for people. */
typedef struct fct_warning {
    fct_flaw flaw;
    float value, limit; /* what was measured, and what it should have been at least or at most */
    int64_t person_id;  /* FCT_FLAW_LIKE_OTHER: who that is; else 0 */
    char text[160];     /* completes "the face is ...": "small (31 pixels)" */
} fct_warning;

/* The flaws of a measured face; out: [cap], caller-owned, the gravest first;
 * returns how many were filled. At most nine. limits: NULL = defaults. */
FCT_API int fct_quality_flaws(const fct_quality *q, const fct_quality_limits *limits, fct_warning *out, int cap);

/* Cosine of two vectors of n floats, in double precision; 0 where one is zero. */
FCT_API float fct_cosine(const float *a, const float *b, int n);

/* Scales v to unit length in place; returns the length before. A zero vector
 * stays zero. */
FCT_API float fct_normalize(float *v, int n);

#ifdef __cplusplus
}
#endif
#endif
