#include "train/runlog.h"
#include "base/alloc.h"
#include "base/file.h"
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LOG_MOST = 64 << 20 }; /* bytes; a longer file is not of ours */

/* A log that cannot be written does not stop a training. */
void fct_runlog_append(const char *out, const char *name, const char *head, const char *line) {
    char *path = fct_path_join(out, name);
    fct_file_stat fs;
    if (!path) return;
    fct_file_get_stat(path, &fs);
    FILE *f = fct_fopen(path, "a");
    fct_free(path);
    if (!f) return;
    if (!fs.exists) fprintf(f, "%s\n", head);
    fprintf(f, "%s\n", line);
    fclose(f);
}

void fct_runlog_trim(const char *out, const char *name, long step) {
    char *path = fct_path_join(out, name);
    uint8_t *data = NULL;
    size_t size = 0, kept = 0;
    if (!path || fct_file_read(path, LOG_MOST, &data, &size, NULL)) {
        fct_free(path);
        return;
    }
    for (size_t at = 0, n; at < size; at += n) {
        const uint8_t *line = data + at, *end = memchr(line, '\n', size - at);
        if (!end) break;
        n = (size_t)(end - line) + 1;
        long of = 0; /* 0: the head */
        for (const uint8_t *p = line; *p >= '0' && *p <= '9' && of <= step; p++) of = of * 10 + (*p - '0');
        if (of > step) continue;
        memmove(data + kept, line, n);
        kept += n;
    }
    if (kept != size) (void)fct_file_write_atomic(path, data, kept, NULL);
    fct_free(data);
    fct_free(path);
}
