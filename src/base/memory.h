/* How much memory is free. */
#ifndef FCT_BASE_MEMORY_H
#define FCT_BASE_MEMORY_H

#include <stdint.h>

/* Bytes that this process can still allocate without pushing anything else out:
 * what the system calls available, less where its control group allows less.
 * INT64_MAX where the system does not tell. proc: the folder of process data
 * (/proc); mount: where control groups are mounted (/sys/fs/cgroup). */
int64_t fct_memory_available(const char *proc, const char *mount);

#endif
