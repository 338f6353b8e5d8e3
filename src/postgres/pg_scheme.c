/* What can be said of an address without libpq. */
#include "postgres/pg_address.h"
#include <ctype.h>
#include <string.h>

static bool begins(const char *text, const char *with) { return strncmp(text, with, strlen(with)) == 0; }

bool fct_pg_is_address(const char *text) {
    static const char *const keys[] = {"host",     "hostaddr", "port",        "dbname",  "user",
                                       "password", "service",  "servicefile", "sslmode", "application_name"};
    if (begins(text, "postgresql://") || begins(text, "postgres://")) return true;
    size_t n = 0;
    while (islower((unsigned char)text[n]) || text[n] == '_') n++;
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        if (strlen(keys[i]) == n && memcmp(text, keys[i], n) == 0) return text[n + strspn(text + n, " ")] == '=';
    return false;
}

/* Of a URI the part between the marks "://user:password@" and "?" is harmless; of
 * anything else nothing is sure to be. */
void fct_pg_address_show(const char *text, char *out, size_t cap) {
    size_t n = 0;
    const char *rest = strstr(text, "://");
    if (rest && (begins(text, "postgresql://") || begins(text, "postgres://"))) {
        rest += 3;
        const char *at = strrchr(rest, '@'); /* a password may hold any of the other marks */
        if (at) rest = at + 1;
        n = strcspn(rest, "?#& ");
    }
    static const char head[] = "postgresql://";
    size_t used = 0;
    for (const char *p = head; *p && used + 1 < cap; p++) out[used++] = *p;
    for (size_t i = 0; i < n && used + 1 < cap; i++) out[used++] = rest[i];
    if (cap) out[used] = 0;
}
