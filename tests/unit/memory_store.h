/* A store in memory, for tests: what the verbs of gallery/gallery_store.h mean, written a
 * second time as plainly as possible. All connections see one database at once. */
#ifndef FCT_MEMORY_STORE_H
#define FCT_MEMORY_STORE_H

#include "gallery/gallery_store.h"

typedef struct memory_db memory_db;

memory_db *memory_db_create(void);
void memory_db_free(memory_db *db); /* after all its connections are closed */
fct_store *memory_store_open(memory_db *db);

/* The next n commits fail as if another transaction had come between. */
void memory_db_disturb(memory_db *db, int n);

/* Numbers that a transaction took are used up, also where it fails: as a server's are. */
void memory_db_keep_numbers(memory_db *db);

/* How often a verb that asks or changes something was called. */
long memory_db_calls(const memory_db *db);

#endif
