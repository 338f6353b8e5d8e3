/* Tickets: short-lived texts in place of a key, for streams that a page's elements read (img, EventSource), which can
 * send no header of their own. An address is kept in logs and histories, so a key may not stand in one. A ticket names
 * the key that it was made for, and when it ends, under a MAC with a secret of this process: nothing is stored, and
 * after a restart all are void. It gives the rights of a reader. */
#ifndef FCT_SERVER_TICKET_H
#define FCT_SERVER_TICKET_H

#include "facet/base.h"

enum { SRV_TICKET_SECRET = 32, SRV_TICKET_TEXT = 128, SRV_TICKET_SECONDS = 60 };

/* Makes a ticket for a key's id ("" = no keys are needed) that ends at a time, in seconds since 1970. */
void srv_ticket_make(const unsigned char secret[SRV_TICKET_SECRET], const char *key_id, int64_t end,
                     char out[SRV_TICKET_TEXT]);

typedef enum srv_ticket_state {
    SRV_TICKET_GOOD,
    SRV_TICKET_OVER, /* it was one */
    SRV_TICKET_WRONG
} srv_ticket_state;
/* key_id: of the key that it was made for; "" with SRV_TICKET_WRONG. */
srv_ticket_state srv_ticket_check(const unsigned char secret[SRV_TICKET_SECRET], const char *text, int64_t now,
                                  char key_id[17]);

#endif
