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
#ifdef FCT_HAVE_GALLERY
                                " gallery"
#endif
        ;
    return names[0] ? names + 1 : names;
}
