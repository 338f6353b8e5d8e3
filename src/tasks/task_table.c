#include "tasks/task_table.h"
#include "tasks/landmark.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

const fct_task_row *fct_task_extra;

/* ---- Decoders ---------------------------------------------------------------------- */

static void keep_all(const float *values, int n, const fct_crop_frame *frame, float *kept) {
    memcpy(kept, values, (size_t)n * sizeof *kept);
}

static void points_106(const float *values, int n, const fct_crop_frame *frame, float *kept) {
    fct_decode_landmarks(values, 106, 2, frame->size, frame->inv, kept);
}

/* InsightFace's network gives 1103 points in space; the last 68 are the face's. */
static void points_68(const float *values, int n, const fct_crop_frame *frame, float *kept) {
    fct_decode_landmarks(values + n - 68 * 3, 68, 3, frame->size, frame->inv, kept);
}

static void attributes(const float *values, int n, const fct_crop_frame *frame, float *kept) {
    int gender, age;
    fct_decode_attributes(values, &gender, &age);
    kept[0] = (float)gender;
    kept[1] = (float)age;
}

/* ---- Into the fields of a face ------------------------------------------------------- */

static void land_embedding(fct_face *f, const float *kept, int n) {
    double sum = 0;
    for (int i = 0; i < n; i++) sum += (double)kept[i] * (double)kept[i];
    f->embedding = kept;
    f->embedding_dim = n;
    f->embedding_norm = (float)sqrt(sum);
}

static void land_106(fct_face *f, const float *kept, int n) { f->landmark_106 = kept; }
static void land_68(fct_face *f, const float *kept, int n) { f->landmark_68 = kept; }

static void land_attributes(fct_face *f, const float *kept, int n) {
    f->gender = (int)kept[0];
    f->age = (int)kept[1];
}

/* ---- The table ------------------------------------------------------------------------ */

/* In the order of fct_task's bits. */
static const fct_task_row rows[] = {
    {.name = "detection", .noun = "detector", .crop = FCT_TASK_CROP_NONE, .std = 128},
    {.name = "recognition",
     .noun = "embedder",
     .crop = FCT_TASK_CROP_ALIGNED,
     .rows = 1,
     .std = 127.5,
     .decode = keep_all,
     .land = land_embedding},
    {.name = "landmark_2d_106",
     .noun = "landmark network",
     .key = "landmark_106",
     .crop = FCT_TASK_CROP_BOX,
     .values = 106 * 2,
     .rows = 106,
     .columns = 2,
     .points = true,
     .std = 128,
     .decode = points_106,
     .land = land_106},
    {.name = "landmark_3d_68",
     .noun = "landmark network",
     .key = "landmark_68",
     .crop = FCT_TASK_CROP_BOX,
     .values = 1103 * 3,
     .rows = 68,
     .columns = 3,
     .points = true,
     .std = 128,
     .decode = points_68,
     .land = land_68},
    {.name = "genderage",
     .noun = "gender and age network",
     .crop = FCT_TASK_CROP_BOX,
     .values = 3,
     .rows = 1,
     .columns = 2,
     .std = 128,
     .decode = attributes,
     .land = land_attributes},
};
enum { n_rows = sizeof rows / sizeof *rows };
_Static_assert(sizeof rows / sizeof *rows < 31, "a task is a bit");

int fct_task_count(void) { return n_rows + (fct_task_extra ? 1 : 0); }

const fct_task_row *fct_task_row_at(int i) {
    if (i == n_rows) return fct_task_extra;
    return i >= 0 && i < n_rows ? &rows[i] : NULL;
}

int fct_task_index(uint32_t task) {
    for (int i = 0; i < fct_task_count(); i++)
        if (task == 1u << i) return i;
    return -1;
}

int fct_task_kept(const fct_task_row *row, int dim) { return row->rows * (row->columns ? row->columns : dim); }

void fct_task_list_names(char *out, size_t size) {
    const int n = fct_task_count();
    size_t at = 0;
    *out = 0;
    for (int i = 0; i < n && at < size; i++)
        at += (size_t)snprintf(out + at, size - at, "%s%s",
                               !i          ? ""
                               : i + 1 < n ? ", "
                                           : " or ",
                               fct_task_row_at(i)->name);
}

/* ---- What callers may ask --------------------------------------------------------------- */

const char *fct_task_name(fct_task t) {
    const int i = fct_task_index((uint32_t)t);
    return i < 0 ? NULL : fct_task_row_at(i)->name;
}

fct_task fct_task_find(const char *name) {
    for (int i = 0; name && i < fct_task_count(); i++)
        if (!strcmp(fct_task_row_at(i)->name, name)) return (fct_task)(1u << i);
    return (fct_task)0;
}

bool fct_task_at(int i, fct_task_info *out) {
    const fct_task_row *row = fct_task_row_at(i);
    memset(out, 0, sizeof *out);
    if (!row) return false;
    *out = (fct_task_info){
        .task = (fct_task)(1u << i), .name = row->name, .key = row->key, .rows = row->rows, .columns = row->columns};
    return true;
}

const float *fct_face_values(const fct_face *f, fct_task t) {
    const int i = fct_task_index((uint32_t)t);
    return i < 0 || !f->values ? NULL : f->values[i];
}
