/* Little-endian float32 .npy files, version 1.0, C order: enough for tools and tests. */
#ifndef FCT_TESTS_NPY_H
#define FCT_TESTS_NPY_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Reads a file; dims gets up to 8. Returns malloc'ed data, NULL on any fault. */
static inline float *npy_read(const char *path, int *rank, int64_t *dims) {
    FILE *f = fopen(path, "rb");
    unsigned char head[10];
    char text[1024];
    float *data = NULL;
    size_t n = 1;
    if (!f) return NULL;
    if (fread(head, 1, 10, f) != 10 || memcmp(head, "\x93NUMPY", 6) != 0) goto end;
    size_t len = head[8] | (size_t)head[9] << 8;
    if (len >= sizeof text || fread(text, 1, len, f) != len) goto end;
    text[len] = 0;
    char *p = strstr(text, "'shape': (");
    if (!p || !strstr(text, "'<f4'") || strstr(text, "'fortran_order': True")) goto end;
    *rank = 0;
    for (p += 10; *p && *p != ')' && *rank < 8; p += strspn(p, ", ")) {
        dims[*rank] = strtoll(p, &p, 10);
        n *= (size_t)dims[(*rank)++];
    }
    data = malloc(n * 4 + 4);
    if (data && fread(data, 4, n, f) != n) {
        free(data);
        data = NULL;
    }
end:
    fclose(f);
    return data;
}

static inline int npy_write(const char *path, int rank, const int64_t *dims, const float *data) {
    char text[512], shape[300] = "";
    size_t n = 1;
    for (int i = 0; i < rank; i++) {
        snprintf(shape + strlen(shape), sizeof shape - strlen(shape), "%lld,", (long long)dims[i]);
        n *= (size_t)dims[i];
    }
    int len = snprintf(text, sizeof text, "{'descr': '<f4', 'fortran_order': False, 'shape': (%s), }", shape);
    int total = (10 + len + 1 + 63) / 64 * 64 - 10;
    FILE *f = fopen(path, "wb");
    if (!f) return -1;
    fwrite("\x93NUMPY\x01\x00", 1, 8, f);
    fputc(total & 255, f);
    fputc(total >> 8, f);
    fprintf(f, "%s%*s\n", text, total - len - 1, "");
    size_t done = fwrite(data, 4, n, f);
    return fclose(f) || done != n ? -1 : 0;
}

#endif
