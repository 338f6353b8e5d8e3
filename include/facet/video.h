/* facet/video.h: moving pictures: frames from files, cameras, streams, folders
 * and pipes; faces tracked and named over time; annotated video written.
 *
 * examples/watch.c is a whole program on this header. The design is described
 * in docs/decisions/0030-video.md. */
#ifndef FACET_VIDEO_H
#define FACET_VIDEO_H

#include "face.h"
#include "gallery.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Sources --------------------------------------------------------------------
 * A source has one thread of its own that reads and decodes. Of a file, a folder
 * or a pipe every frame is delivered; the reader waits. Of a live source
 * (camera, RTSP, a stream without an end) the newest frame is delivered and
 * older ones are dropped, so that the delay never grows.
 *
 * Names that fct_source_open() understands:
 *   camera:0, camera:NAME            a camera by its number or by what its driver calls it
 *   /dev/video0                      the same by its device (Video4Linux)
 *   rtsp:// rtsps:// http:// https:// rtmp:// udp:// tcp://   a stream
 *   -                                raw frames on standard input, see raw_width
 *   a folder                         its pictures in order of names
 *   shots/img_%04d.jpg               pictures numbered from 0 or 1
 *   anything else                    a video file
 * User name and password of an address never appear in an error, a log line or
 * fct_source_info.
 *
 * Videos, cameras and streams need the build feature "video" and FFmpeg's shared
 * libraries, which are loaded when the first is opened; folders, numbered pictures
 * and raw frames do not. The first of FFmpeg's sources or
 * writers silences FFmpeg's own log for the process. */
typedef struct fct_source fct_source;

typedef struct fct_source_opts {
    size_t size;               /* sizeof this struct; set by fct_source_opts_init() */
    int width, height;         /* size asked of a camera, which may choose another; 0 = its own (default 0) */
    double fps;                /* rate asked of a camera; rate of pictures and raw frames (default 0: its own, 25) */
    bool mjpeg;                /* ask a camera for compressed frames: higher rates over USB (default true) */
    int raw_width, raw_height; /* of frames on a pipe; needed for "-" (default 0) */
    fct_pixel raw_format;      /* of frames on a pipe (default FCT_PIX_RGB) */
    int reconnect;             /* attempts in a row before a lost stream is given up; 0 = never retry (default 10) */
    int timeout_ms;            /* a stream silent for this long is lost (default 10000) */
    bool all_frames;           /* deliver every frame of a live source too (default false) */
    bool keep_coded;    /* frames bring along what the decoder delivered, for fct_writer_add_drawn() (default false) */
    bool hardware;      /* decode with VAAPI, CUDA, ... where there is one, else in software (default false) */
    int64_t max_pixels; /* larger frames are refused (default 100,000,000) */
    bool key_frames;    /* of a file: only frames that stand by themselves, a few a second to one in ten; many times
                           as fast (default false) */
    bool insecure;      /* do not verify the certificates of https, rtmps and tls addresses; rtsps, whose
                           certificates FFmpeg does not verify, is opened with this alone (default false) */
    /* Asked again and again while a camera or a stream is opened or waited for, by whichever thread waits: true makes
     * fct_source_open() fail and the reader stop within a second (default NULL) */
    bool (*give_up)(void *user);
    void *give_up_user; /* (default NULL) */
} fct_source_opts;
FCT_API void fct_source_opts_init(fct_source_opts *o);

/* FCT_OK where videos can be read and written; else FCT_ERR_UNSUPPORTED and why:
 * the build has no video, or which library of FFmpeg is not installed. Loads them.
 * Thread-safe. */
FCT_API fct_status fct_video_available(fct_error *err);

/* Opens a source; returns when its format is known. *out is owned. Errors:
 * FCT_ERR_NOT_FOUND, FCT_ERR_IO, FCT_ERR_NETWORK, FCT_ERR_FORMAT (not a video,
 * damaged), FCT_ERR_UNSUPPORTED (build feature or FFmpeg missing, no decoder),
 * FCT_ERR_ARG, FCT_ERR_LIMIT. One thread at a time may use a source. */
FCT_API fct_status fct_source_open(const char *name, const fct_source_opts *opts, fct_source **out, fct_error *err);
/* Stops the reader, within a second; of standard input, when its other end
 * writes or closes. */
FCT_API void fct_source_free(fct_source *s);

typedef struct fct_source_info {
    char name[256];    /* without user name, password and query */
    int width, height; /* upright: a phone video's rotation is applied */
    double fps;        /* nominal; 0 = unknown */
    double duration;   /* seconds; 0 = unknown or endless */
    int64_t frames;    /* as the file says or fps and duration give; 0 = unknown */
    bool live;
    char codec[32]; /* "h264", "mjpeg", "raw", "pictures" */
    int reconnects; /* so far */
    bool audio;     /* there is sound as well; it is not delivered */
    bool has_taken; /* the file says when it was recorded: */
    int64_t taken;  /* seconds since 1970, on the camera's clock where the file has that (Apple's), else in UTC */
} fct_source_info;
FCT_API void fct_source_get_info(const fct_source *s, fct_source_info *out);

/* So many older frames, 0 to 120, stay valid beside the latest: for who looks back.
 * To be called before the first fct_source_next() or fct_tracker_next(). */
FCT_API fct_status fct_source_keep(fct_source *s, int frames, fct_error *err);

/* A frame as its decoder delivered it, before it became RGB. */
typedef struct fct_coded fct_coded;

typedef struct fct_frame {
    fct_view view;          /* RGB; data NULL = the source has ended. Borrowed until the source's
                               next call, or as many more as fct_source_keep() says */
    int64_t index;          /* 0, 1, ...; of a live source the dropped ones count too */
    double time;            /* seconds since the first frame */
    int64_t dropped;        /* frames dropped so far, because newer ones had come */
    uint64_t arrived;       /* monotonic nanoseconds at which the decoder delivered it */
    const fct_coded *coded; /* NULL where keep_coded was not asked for, nothing was decoded, or the picture was
                               turned. Borrowed as view is */
} fct_frame;

/* Waits for the next frame. At the end view.data is NULL, again and again. A
 * file that is cut off or has damaged parts delivers what can be read, then
 * FCT_ERR_FORMAT with how much was lost, then the end. FCT_ERR_NETWORK: a lost
 * stream did not come back. FCT_ERR_CANCELLED after fct_source_cancel(). */
FCT_API fct_status fct_source_next(fct_source *s, fct_frame *out, fct_error *err);

/* Makes a waiting or the next fct_source_next() return FCT_ERR_CANCELLED. May
 * be called from any thread. */
FCT_API void fct_source_cancel(fct_source *s);

/* A camera of this computer. */
typedef struct fct_camera {
    char address[64]; /* "/dev/video0" (Windows: "camera:0"): a source's name */
    char name[128];   /* as the driver calls it, "" = unknown */
} fct_camera;

/* The cameras that are connected (Linux: the capture devices of Video4Linux; Windows:
 * those of DirectShow, which FFmpeg names; none without it), in order; out: [cap],
 * caller-owned; returns how many were filled. */
FCT_API int fct_camera_list(fct_camera *out, int cap);

/* ---- Tracker ---------------------------------------------------------------------
 * Joins the faces of consecutive frames into tracks and gives them names.
 *
 * Motion: one Kalman filter per box coordinate. Association in two stages
 * (ByteTrack, Zhang et al. 2022): confident detections first, by overlap and,
 * where tracks compete, by embedding; then weak detections to tracks that are
 * left. A track's name is decided by votes of its embeddings, weighted by the
 * face's quality, so one poor frame does not change it.
 *
 * A name never outlives its evidence. When the picture is cut, the box jumps, the
 * face looks other than a frame before, was turned away or out of sight, or an
 * embedding disagrees, the track has no name until an embedding agrees with it
 * again, after a cut until its name is won anew; a face that does not agree is a new
 * track. docs/decisions/0034-video-identity.md says how. One thread at a time. */
typedef struct fct_tracker fct_tracker;

typedef struct fct_tracker_opts {
    size_t size;         /* sizeof this struct; set by fct_tracker_opts_init() */
    int detect_every;    /* detect on each N-th frame, predict between (default 1) */
    int det_size;        /* pictures are searched scaled to this longer side; 0 = the pack's own choice (default 640) */
    float high_thresh;   /* detections from here on start tracks (default 0.55) */
    float low_thresh;    /* detections from here on continue tracks (default 0.30) */
    float match_thresh;  /* cosine at which a person counts as recognized; 0 = the pack's (default 0) */
    double lost_seconds; /* a face unseen for this long has left (default 1.0) */
    int confirm;         /* detections that make a track; fewer are noise, but for a face that is there
                            in every frame of a shot (default 3) */
    int embed_per_frame; /* embeddings computed for one frame at most, the most needed first; those
                            that tell competing tracks apart are not counted (default 4) */
    int min_face;        /* smaller faces (shorter side, pixels) are not embedded (default 24) */
    bool repeats;        /* let several faces of one frame be the same person: for collages and mirrors (default
                            false: of those that are like somebody, the most like one has the name) */
    bool careful;        /* search for faces more carefully, at a second size of twice det_size as well, for covering
                            them: several times as slow (default false) */
} fct_tracker_opts;
FCT_API void fct_tracker_opts_init(fct_tracker_opts *o);

/* pack and gallery (may be NULL: nobody is recognized) are borrowed until the
 * tracker is freed. *out is owned. pack may be NULL: then only
 * fct_tracker_update_faces() works. */
FCT_API fct_status fct_tracker_create(const fct_pack *pack, fct_gallery *gallery, const fct_tracker_opts *opts,
                                      fct_tracker **out, fct_error *err);
FCT_API void fct_tracker_free(fct_tracker *t);

/* Takes the next frame: index and time ascend. Afterwards tracks and events of
 * this frame can be read. */
FCT_API fct_status fct_tracker_update(fct_tracker *t, fct_view picture, int64_t index, double time, fct_error *err);

/* Reads the next frame of a source, as fct_source_next(), and takes it, as
 * fct_tracker_update(). Of a file the frames that follow are searched for faces
 * meanwhile, each by one thread, so that this is faster than the two calls; a
 * live source's frame is searched by all threads. Call it for one source alone,
 * which must stay until fct_tracker_finish() or fct_tracker_free() and is
 * cancelled by them where it has not ended. */
FCT_API fct_status fct_tracker_next(fct_tracker *t, fct_source *source, fct_frame *frame, fct_error *err);

/* The same with detections of the caller's own (their embeddings are used where
 * present; embedding_dim must be the same for all). */
FCT_API fct_status fct_tracker_update_faces(fct_tracker *t, const fct_face *faces, int n, int64_t index, double time,
                                            fct_error *err);

/* At the end of a source: all tracks leave. Their events can be read. */
FCT_API fct_status fct_tracker_finish(fct_tracker *t, fct_error *err);

/* One visible face. */
typedef struct fct_track {
    int64_t id;   /* 1, 2, ... in order of appearance; never used again. 0 = a new face that may
                     still turn out to be one that was there a moment ago */
    float box[4]; /* x1, y1, x2, y2: filtered */
    bool has_kps;
    float kps[5][2];              /* of the latest detection, moved along with the box */
    float score;                  /* detector's, latest */
    float quality;                /* 0..1, latest measured */
    bool detected;                /* found in this very frame; false: predicted */
    int64_t person_id;            /* 0 = not recognized, or in doubt in this frame */
    char name[201];               /* "" = the same */
    float similarity;             /* quality-weighted mean cosine to that person; 0 = not recognized */
    bool decided;                 /* enough was seen to say who it is, or that it is nobody known; false in doubt */
    double first_time, last_time; /* seconds; of its first and latest detection */
    int64_t first_frame, last_frame;
    const float *embedding; /* mean of the track's good embeddings, unit length; NULL = none yet. Borrowed
                               until the next update */
    int embedding_dim;
    bool best_shot; /* this frame is the best picture of the face so far */
} fct_track;
FCT_API int fct_tracker_track_count(const fct_tracker *t);
/* By id. Borrowed until the next update. NULL when out of range. */
FCT_API const fct_track *fct_tracker_track(const fct_tracker *t, int i);

/* One find of the detector in the latest frame, whatever became of it. */
typedef struct fct_sighting {
    float box[4], score;
    int64_t track;     /* 0 = of no track that was announced */
    int64_t person_id; /* as its track's: 0 = not recognized, or in doubt */
    char name[201];
    bool decided;
} fct_sighting;
/* The finds from low_thresh on, in no order. None where the frame was not searched. */
FCT_API int fct_tracker_sighting_count(const fct_tracker *t);
FCT_API const fct_sighting *fct_tracker_sighting(const fct_tracker *t, int i); /* borrowed until the next update */

/* Does a new shot begin with the latest frame? A flash or a fast movement of the
 * camera may look like it. False for the first frame. */
FCT_API bool fct_tracker_is_cut(const fct_tracker *t);

typedef enum fct_event_kind {
    FCT_EVENT_APPEARED = 0,   /* a face came; frame and time of its first detection */
    FCT_EVENT_RECOGNIZED = 1, /* it got a name, or another one; frame and time of the deciding view. A name
                                 that was in doubt and is verified again is no new event */
    FCT_EVENT_LEFT = 2        /* it went; frame and time of its last detection */
} fct_event_kind;

typedef struct fct_event {
    fct_event_kind kind;
    int64_t track, frame;
    double time;
    int64_t person_id; /* 0 = not recognized */
    char name[201];    /* "" = not recognized */
    float score;       /* similarity, 0 = not recognized */
    float box[4];      /* at that frame */
} fct_event;
FCT_API int fct_tracker_event_count(const fct_tracker *t);
FCT_API const fct_event *fct_tracker_event(const fct_tracker *t, int i); /* borrowed until the next update */

/* "appeared", "recognized", "left". Static. */
FCT_API const char *fct_event_name(fct_event_kind k);

/* Forgets the votes of all tracks, after people were added to the gallery. */
FCT_API void fct_tracker_renew(fct_tracker *t);

/* What the tracker has done so far. */
typedef struct fct_tracker_stats {
    int64_t frames, detections, embeddings, tracks;
    double detect_ms, embed_ms, track_ms; /* sums */
} fct_tracker_stats;
FCT_API void fct_tracker_get_stats(const fct_tracker *t, fct_tracker_stats *out);

/* ---- Writer ------------------------------------------------------------------------
 * MP4 with H.264 where FFmpeg has an encoder for it, else MPEG-4. Needs the
 * build feature "video" and FFmpeg, as sources do. */
typedef struct fct_writer fct_writer;

/* Odd sides lose their last row or column. fps is nominal: frames keep their
 * own times. *out is owned. An unfinished file is left where it is. */
FCT_API fct_status fct_writer_open(const char *path, int width, int height, double fps, fct_writer **out,
                                   fct_error *err);
/* Any pixel format; size as opened. The first frame decides the file's colors
 * (matrix, range). time in seconds, ascending; a frame that
 * does not come after the one before is dropped. */
FCT_API fct_status fct_writer_add(fct_writer *w, fct_view frame, double time, fct_error *err);

typedef struct fct_rect {
    int x, y, width, height;
} fct_rect;

/* Adds a frame of a source that was drawn upon: RGB pixels of `drawn`, which has
 * the frame's size, in the n parts, the frame itself elsewhere. Where frame->coded
 * is there, what was not drawn upon goes to the encoder without being turned into
 * RGB and back: with less loss, and four times as fast. */
FCT_API fct_status fct_writer_add_drawn(fct_writer *w, const fct_frame *frame, fct_view drawn, const fct_rect *parts,
                                        int n, fct_error *err);
/* Completes the file. Then only fct_writer_free() is left to do. */
FCT_API fct_status fct_writer_finish(fct_writer *w, fct_error *err);
FCT_API void fct_writer_free(fct_writer *w);

#ifdef __cplusplus
}
#endif
#endif
