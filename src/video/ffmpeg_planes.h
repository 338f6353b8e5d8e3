/* Colors of decoded frames, and drawing into frames that are to be encoded. */
#ifndef FCT_VIDEO_FFMPEG_PLANES_H
#define FCT_VIDEO_FFMPEG_PLANES_H

#include "video/ffmpeg_common.h"

/* What YUV values mean: SWS_CS_ITU601 where the file does not say. */
typedef struct fct_colors {
    int space; /* SWS_CS_ITU601, SWS_CS_ITU709 or SWS_CS_BT2020 */
    bool full; /* 0..255, not 16..235 */
} fct_colors;
fct_colors fct_colors_of(const AVFrame *f);

/* Writes the part of an RGB picture into the same place of a YUV420P frame of its
 * size, or one smaller by a row or column. The part is clipped to the frame; no
 * other pixels are read. */
void fct_planes_paint(AVFrame *to, fct_colors c, fct_view rgb, fct_rect part);

#endif
