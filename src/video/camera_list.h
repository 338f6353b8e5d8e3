/* Which cameras there are. */
#ifndef FCT_VIDEO_CAMERA_LIST_H
#define FCT_VIDEO_CAMERA_LIST_H

#include "facet/video.h"

/* fct_camera_list() of another folder than the system's, for tests. */
int fct_camera_list_in(const char *folder, fct_camera *out, int cap);

/* The same of DirectShow, through FFmpeg; 0 where this system has not got it. */
int fct_camera_list_directshow(fct_camera *out, int cap);

#endif
