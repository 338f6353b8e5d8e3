/* Detection: SCRFD's outputs to faces. The functions here are pure: tensors and
 * numbers in, candidates out; running the network is finder.c's work.
 *
 * Conventions (InsightFace's detector, as its users' thresholds expect it):
 * coordinates are pixels of the picture, neither rounded nor clipped. */
#ifndef FCT_FACE_DETECT_H
#define FCT_FACE_DETECT_H

#include "facet/face.h"

/* A picture is looked at once, or so often in all: see finder.c. */
#define FCT_DET_LOOKS 3

/* One candidate. kps is zero where the detector has no landmarks. */
typedef struct fct_det {
    float box[4];
    float score;
    float kps[5][2];
    int look;    /* which look at the picture found it: 0 the first; see fct_det_agree() */
    float value; /* sort key; this and what follows is scratch of the functions below */
    int place;
    float kps_weight, box_weight; /* of the candidates that its means are of */
    float mean[4];
    int agreeing;
    float best[FCT_DET_LOOKS]; /* scores of the looks */
} fct_det;

/* Growing list; zero-initialized is empty. Free items with fct_free(). */
typedef struct fct_det_list {
    fct_det *items;
    int n;
    size_t cap;
} fct_det_list;

fct_status fct_det_append(fct_det_list *l, const fct_det *d, fct_error *err);

/* What the number of outputs says about a detector. */
typedef struct fct_scrfd_form {
    int levels;  /* strides 8, 16, 32 (3) or 8, 16, 32, 64, 128 (5) */
    int anchors; /* per cell */
    bool has_kps;
} fct_scrfd_form;

/* 6 / 9 outputs: three levels of two anchors; 10 / 15: five of one; the larger
 * number of each pair has landmarks. FCT_ERR_UNSUPPORTED for any other. */
fct_status fct_scrfd_get_form(int n_outputs, fct_scrfd_form *form, fct_error *err);

/* Where the network's input lies in the picture: picture = x / scale + (left, top). */
typedef struct fct_scrfd_frame {
    int width, height; /* of the network's input */
    float scale;
    float left, top;
} fct_scrfd_frame;

/* Appends every anchor of picture `index` of a batch of `batch` whose score is
 * at least thresh. Outputs come in groups: scores, boxes, landmarks; strides
 * ascend in a group. Rank 2: [batch * K][C]; rank 3: [batch][K][C]. Candidates
 * with a coordinate that is not finite are dropped.
 * FCT_ERR_FORMAT names an output whose shape does not fit. */
fct_status fct_scrfd_decode(const fct_scrfd_form *form, const fct_tensor *outs, int batch, int index,
                            const fct_scrfd_frame *frame, float thresh, fct_det_list *list, fct_error *err);

/* Sorts by descending score (ties: earlier first) and removes, greedily, every
 * box whose IoU with a better one that stays exceeds thresh; sides are counted
 * in pixels, that is with + 1. Of more than 65,536 candidates only the best are
 * looked at. */
void fct_det_nms(fct_det_list *l, float thresh);

/* The score from which fct_det_agree() wants candidates, whatever the user's threshold is. */
#define FCT_DET_AGREE_FROM 0.25f

/* fct_det_nms() for a detector whose manifest says "agreement": neighboring anchors and the picture's other sizes
 * err independently, and what they agree about a face is better than what the best of them says.
 * - Box and landmarks become the mean, weighted with the squared scores, of a box that stays and of those that it
 *   removes and overlaps by at least 0.6 (box) or 0.75 (landmarks; far smaller inputs see small faces badly):
 *   "bounding box voting", Gidaris and Komodakis, ICCV 2015, sec. 5.
 * - The logit of the score gains 0.2 times the logarithm of a third of the number of candidates that overlap by at
 *   least 0.5, itself among them, and loses twice the overlap with a better box that stays.
 * - It gains 0.16 times the logarithm of one plus its company: the scores of the other boxes that stay and
 *   had FCT_DET_AGREE_FROM before, each times
 *   exp(-r^2 / 0.5 - d / 5), r the logarithm of the ratio of widths and d the distance of the centers in their mean
 *   (geometric) width.
 * Where a picture was looked at FCT_DET_LOOKS times (looks; else 1), the logit that this starts from is the mean of
 * those of the looks' best candidates, of 0.25 where a look has none, and it gains 0.4 times the logarithm of a
 * fourteenth of the number of candidates.
 * Then boxes whose score is below det_thresh are dropped. The list must hold all candidates from FCT_DET_AGREE_FROM
 * on. Sorted as by fct_det_nms(). */
void fct_det_agree(fct_det_list *l, float thresh, float det_thresh, int looks);

/* Makes the candidates from the one with number `from` on those of a further look (1 or 2). Such a look is at a larger
 * view of the picture, in which the detector is surer of everything: their logits lose 0.2 times the look's number.
 * Drops those whose score is below thresh then. */
void fct_det_from_look(fct_det_list *l, int from, int look, float thresh);

/* Keeps the max best by the metric, best first, if there are more than max > 0;
 * width, height: of the picture. */
void fct_det_select(fct_det_list *l, int width, int height, int max, fct_metric metric);

#endif
