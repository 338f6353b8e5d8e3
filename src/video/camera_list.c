/* The cameras of this computer. Those of Video4Linux: a folder of the system's holds one entry for each of
 * its devices ("video0") with the files "name" and "index". A camera has several devices; the one whose
 * index is 0 delivers its pictures. */
#include "video/camera_list.h"
#include "base/alloc.h"
#include "base/file.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The first line of a small file; "" where it cannot be read. */
static void first_line(const char *folder, const char *device, const char *file, char *out, size_t cap) {
    char path[600];
    snprintf(path, sizeof path, "%s/%.200s/%s", folder, device, file);
    FILE *f = fct_fopen(path, "rb");
    out[0] = 0;
    if (!f) return;
    if (!fgets(out, (int)cap, f)) out[0] = 0;
    fclose(f);
    out[strcspn(out, "\r\n")] = 0;
}

static int number_of(const char *device) { return atoi(device + 5); }

static int by_number(const void *a, const void *b) {
    const fct_camera *x = a, *y = b;
    return number_of(x->address + 5) - number_of(y->address + 5); /* behind "/dev/" */
}

int fct_camera_list_in(const char *folder, fct_camera *out, int cap) {
    char **names, index[16];
    size_t n;
    int found = 0;
    if (fct_dir_list(folder, &names, &n, NULL)) return 0;
    for (size_t i = 0; i < n && found < cap; i++) {
        if (strncmp(names[i], "video", 5) || strspn(names[i] + 5, "0123456789") != strlen(names[i] + 5)) continue;
        first_line(folder, names[i], "index", index, sizeof index);
        if (strcmp(index, "0")) continue;
        fct_camera *c = &out[found++];
        snprintf(c->address, sizeof c->address, "/dev/%.50s", names[i]);
        first_line(folder, names[i], "name", c->name, sizeof c->name);
    }
    fct_dir_list_free(names, n);
    qsort(out, (size_t)found, sizeof *out, by_number);
    return found;
}

int fct_camera_list(fct_camera *out, int cap) {
    fct_file_stat st;
    fct_file_get_stat("/sys", &st); /* Windows has no such folder */
    if (st.is_dir) return fct_camera_list_in("/sys/class/video4linux", out, cap);
#ifdef FCT_HAVE_VIDEO
    return fct_camera_list_directshow(out, cap);
#else
    return 0;
#endif
}
