/* Notes for the undo journal. Each does nothing while no operation is open. */
#ifndef FCT_ALBUM_JOURNAL_H
#define FCT_ALBUM_JOURNAL_H

#include "album/album_store.h"

/* To be called before a row is changed or removed; for members, which have their face's id, also before one is made. */
fct_status fct_album_note_person(fct_album *a, int64_t id, fct_error *err);
fct_status fct_album_note_member(fct_album *a, int64_t face_id, fct_error *err);
fct_status fct_album_note_decision(fct_album *a, int64_t id, fct_error *err);
/* To be called after a row was made. */
fct_status fct_album_note_new_person(fct_album *a, int64_t id, fct_error *err);
fct_status fct_album_note_new_decision(fct_album *a, int64_t id, fct_error *err);
/* As the first group, for all rows about a person. */
fct_status fct_album_note_members_of(fct_album *a, int64_t person_id, fct_error *err);
fct_status fct_album_note_decisions_of(fct_album *a, int64_t person_id, fct_error *err);

#endif
