/* What the build was configured with. */
#include "facet/base.h"

const char *fct_build_features(void) {
    static const char names[] = ""
#ifdef FCT_HAVE_JPEG
                                " jpeg"
#endif
#ifdef FCT_HAVE_PNG
                                " png"
#endif
#ifdef FCT_HAVE_WEBP
                                " webp"
#endif
#ifdef FCT_HAVE_HEIF
                                " heif"
#endif
#ifdef FCT_HAVE_TIFF
                                " tiff"
#endif
#ifdef FCT_HAVE_GIF
                                " gif"
#endif
#ifdef FCT_HAVE_JXL
                                " jxl"
#endif
#ifdef FCT_HAVE_SHAPING
                                " shaping"
#endif
#ifdef FCT_HAVE_GALLERY
                                " gallery"
#endif
#ifdef FCT_HAVE_POSTGRESQL
                                " postgresql"
#endif
#ifdef FCT_HAVE_CURL
                                " download"
#endif
#ifdef FCT_HAVE_ZIP
                                " zip"
#endif
#ifdef FCT_HAVE_UTF8PROC
                                " unicode"
#endif
#ifdef FCT_HAVE_EXEMPI
                                " tags"
#endif
#ifdef FCT_HAVE_VIDEO
                                " video"
#endif
        ;
    return names[0] ? names + 1 : names;
}
