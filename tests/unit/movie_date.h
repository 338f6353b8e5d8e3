/* Dates of videos, for tests. */
#ifndef FCT_TESTS_MOVIE_DATE_H
#define FCT_TESTS_MOVIE_DATE_H

#include "base/alloc.h"
#include "base/file.h"

#include "test.h"

#include <string.h>

#define MOVIE_1970 2082844800u /* a movie's seconds begin with 1904 */

/* Puts a date into the movie header (ISO/IEC 14496-12, 8.2.2): seconds since 1904, big-endian, behind version and
 * flags. */
static inline void set_movie_date(const char *path, uint32_t date) {
    uint8_t *data;
    size_t size, at = 0;
    fct_error e;
    REQUIRE(!fct_file_read(path, 1 << 24, &data, &size, &e));
    while (at + 12 < size && memcmp(data + at, "mvhd", 4)) at++;
    REQUIRE(at + 12 < size && data[at + 4] == 0);
    for (int i = 0; i < 4; i++) data[at + 8 + (size_t)i] = (uint8_t)(date >> (24 - 8 * i));
    REQUIRE(!fct_file_write_private(path, data, size, &e));
    fct_free(data);
}

#endif
