/* Pictures of the "faces" that make_pack's networks know: discs, green around 60
 * of brightness and bright within, whose quarters differ in red and blue. */
#ifndef FCT_TESTS_DISCS_H
#define FCT_TESTS_DISCS_H

#include "facet/image.h"

/* Red and blue of the four quarters, a bit each. */
enum { ADA = 0x35, BOB = 0xC6, EVE = 0x9A };

/* A picture of background; owned. Ends the program when there is no memory. */
fct_image *disc_photo(int width, int height);
/* freckled: with stripes of two pixels, which blurring destroys. */
void disc_draw(fct_image *photo, int cx, int cy, int radius, int person, bool freckled);

#endif
