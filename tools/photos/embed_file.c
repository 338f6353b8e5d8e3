/* CSV: one face a line, columns file, face (from 1), x1, y1, x2, y2, score, e0 ... e<dim-1>.
 * NPY (format 1.0 of numpy.lib.format): float32, C order, shape (faces, dim); the
 * header is written with room to spare and filled in at the end. */
#include "photos/embed_file.h"

#include "base/draft.h"

#include "photos/face_csv.h"
#include "photos/report.h"

#include <stdlib.h>
#include <string.h>

enum { NPY_HEADER = 128 };

/* The number of rows is known at the end alone, so the header has a fixed length and is written again then. */
static void put_npy_header(FILE *f, long rows, int dim) {
    char h[NPY_HEADER + 1];
    memcpy(h, "\x93NUMPY\x01\x00", 8);
    h[8] = (char)(NPY_HEADER - 10);
    h[9] = 0;
    int n =
        snprintf(h + 10, sizeof h - 10, "{'descr': '<f4', 'fortran_order': False, 'shape': (%ld, %d), }", rows, dim);
    memset(h + 10 + n, ' ', (size_t)(NPY_HEADER - 10 - n));
    h[NPY_HEADER - 1] = '\n';
    fwrite(h, 1, NPY_HEADER, f);
}

static void put_csv_header(FILE *f, int dim) {
    fputs(CLI_CSV_FACE, f);
    for (int i = 0; i < dim; i++) fprintf(f, ",e%d", i);
    fputc('\n', f);
}

int cli_embed_open(const char *path, cli_embed_format format, int dim, const char *model_id, cli_embed_file *out) {
    *out = (cli_embed_file){.format = format, .file = stdout, .model_id = model_id, .dim = dim};
    if (path) {
        fct_error e;
        if (fct_draft_open(path, FCT_DRAFT_PRIVATE, &out->draft, &e)) return cli_fail(&e);
        out->file = fct_draft_file(out->draft);
    }
    if (format == EMBED_NPY) put_npy_header(out->file, 0, dim);
    if (format == EMBED_CSV) put_csv_header(out->file, dim);
    return CLI_DONE;
}

static void write_csv(FILE *f, const cli_photo *p, int i, const float *e, int dim) {
    cli_csv_face(f, p, i);
    for (int k = 0; k < dim; k++) fprintf(f, ",%.9g", e[k]);
    fputc('\n', f);
}

static void write_npy(FILE *f, const float *e, int dim) {
    for (int k = 0; k < dim; k++) {
        uint32_t u;
        memcpy(&u, &e[k], 4);
        const uint8_t bytes[4] = {(uint8_t)u, (uint8_t)(u >> 8), (uint8_t)(u >> 16), (uint8_t)(u >> 24)};
        fwrite(bytes, 1, 4, f);
    }
}

/* Writes the members of one face with its embedding to an open object. */
static void json_embedding(fct_json_writer *j, const fct_face *face, const float *e, int dim) {
    cli_json_face(j, face);
    fct_json_number(j, "embedding_norm", face->embedding_norm, 4);
    fct_json_array(j, "embedding");
    for (int k = 0; k < dim; k++) fct_json_float(j, NULL, e[k]);
    fct_json_close_array(j);
}

void cli_embed_write(cli_embed_file *f, const cli_photo *p, const cli_outputs *o, const cli_written *w,
                     bool normalize) {
    fct_json_writer j;
    float *e = cli_alloc((size_t)f->dim, sizeof *e);
    if (f->format == EMBED_JSON) {
        cli_json_line(&j, f->file);
        cli_json_photo(&j, p);
        fct_json_text(&j, "model", f->model_id);
        fct_json_array(&j, "faces");
    }
    for (int i = 0; i < fct_faces_count(p->faces); i++) {
        const fct_face *face = fct_faces_at(p->faces, i);
        if (!face->embedding || face->embedding_dim != f->dim) continue;
        memcpy(e, face->embedding, (size_t)f->dim * sizeof *e);
        if (normalize) fct_normalize(e, f->dim);
        if (f->format == EMBED_JSON) {
            fct_json_object(&j, NULL);
            json_embedding(&j, face, e, f->dim);
            cli_json_crop(&j, o, w, i);
            fct_json_close_object(&j);
        } else if (f->format == EMBED_CSV) write_csv(f->file, p, i, e, f->dim);
        else write_npy(f->file, e, f->dim);
        f->rows++;
    }
    if (f->format == EMBED_JSON) {
        fct_json_close_array(&j);
        fct_json_close_object(&j);
        fct_json_end(&j);
    }
    free(e);
}

/* A draft takes the file's name only when all of it has been written. */
int cli_embed_close(cli_embed_file *f, bool keep) {
    fct_error e;
    int code = CLI_DONE;
    if (f->draft && keep) {
        if (f->format == EMBED_NPY) {
            rewind(f->file);
            put_npy_header(f->file, f->rows, f->dim);
        }
        if (fct_draft_commit(f->draft, &e)) code = cli_fail(&e);
    } else fct_draft_discard(f->draft);
    memset(f, 0, sizeof *f);
    return code;
}
