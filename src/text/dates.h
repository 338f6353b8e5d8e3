/* Dates in texts that strangers wrote. */
#ifndef FCT_TEXT_DATES_H
#define FCT_TEXT_DATES_H

#include <stdbool.h>
#include <stdint.h>

/* Reads "2027-01-31", or a time as RFC 3339 has it: "2027-01-31T14:05:09Z", with parts of a
 * second or "+01:00" instead of the Z. *seconds: since 1970, UTC, the parts cut off. False for
 * anything else, for a day that there is not, and for years outside of 1970 to 9999. */
bool fct_date_read(const char *text, int64_t *seconds);

#endif
