/* What networks are for: one row per task.
 *
 * A row says everything that facet has to know of a kind of network: what it is called, which part
 * of the picture it sees, how many numbers it gives, what becomes of them. The pack (words of the
 * manifest, notes), the pipeline (crops, batches, results), the command's JSON and the Python
 * binding follow from it; a new kind of network is a new row, and a decoder where none here fits.
 * docs/decisions/0033-task-table.md. */
#ifndef FCT_TASKS_TASK_TABLE_H
#define FCT_TASKS_TASK_TABLE_H

#include "facet/face.h"

/* What of a picture a network sees. */
typedef enum fct_task_crop {
    FCT_TASK_CROP_NONE = 0, /* all of it: the detector */
    FCT_TASK_CROP_ALIGNED,  /* the face turned and scaled onto ArcFace's template by its five landmarks */
    FCT_TASK_CROP_BOX,      /* the square around the face's box, 1.5 times its longer side */
    FCT_TASK_CROP_WIDE      /* aligned, with a fourteenth of the template's side more on every side; instead of the
                               box where the manifest asks for it */
} fct_task_crop;

/* Where a crop lies in its picture. */
typedef struct fct_crop_frame {
    int size;      /* pixels of a side */
    double inv[6]; /* crop to picture, 2 x 3, row-major */
} fct_crop_frame;

typedef struct fct_task_row {
    const char *name; /* in manifests and in Python */
    const char *noun; /* for people: "a second <noun>" */
    const char *key;  /* of its values in the command's JSON; NULL = they are told otherwise */
    fct_task_crop crop;
    int values;        /* that the network gives per face; 0 = any number, which a face keeps as a whole */
    int rows, columns; /* what a face keeps of them; the embedding: 1 row of columns 0, its length */
    bool points;       /* each row starts with x, y in pixels of the picture */
    double std;        /* the network's input is (byte - 127.5) / std where nobody says otherwise */

    /* Turns n values of the network into what is kept. */
    void (*decode)(const float *values, int n, const fct_crop_frame *frame, float *kept);
    /* Copies or points from fct_face's own fields to what is kept, n numbers; NULL = it has no such
     * fields, and fct_face_values() is the way to it. */
    void (*land)(fct_face *f, const float *kept, int n);
} fct_task_row;

enum { FCT_TASK_SLOTS = 31 }; /* most rows: a task is a bit of fct_task */

int fct_task_count(void);
/* i-th row, that of task 1 << i; NULL past the last. Static. */
const fct_task_row *fct_task_row_at(int i);
/* Number of the row of one single task; -1 = none such. */
int fct_task_index(uint32_t task);
/* Numbers that a face keeps of a task; dim: of the embedder. */
int fct_task_kept(const fct_task_row *row, int dim);
/* "detection, recognition, ... or genderage". */
void fct_task_list_names(char *out, size_t size);

/* One row more, after the others; for tests. */
extern const fct_task_row *fct_task_extra;

#endif
