/* Decimal numbers in metadata, read and written with a point whatever the locale. */
#ifndef FCT_TAGS_REGION_NUMBER_H
#define FCT_TAGS_REGION_NUMBER_H

#include <stdbool.h>

/* Takes a number ("0.5", "-.25", "1e-3") off the text between *s and end, with the spaces before it. False where
 * there is none; *s is where it was then. */
bool fct_region_number(const char **s, const char *end, double *out);

/* Writes v, from -9 to 9, with six decimals, which is a tenth of a pixel in the largest photo. */
void fct_region_number_text(double v, char out[32]);

#endif
