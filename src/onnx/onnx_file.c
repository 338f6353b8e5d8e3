#include "onnx/onnx_file.h"
#include "base/error.h"
#include "graph/graph.h"
#include "onnx/proto.h"

/* Least that is read at once, and most that the head of a field takes: two varints. */
enum { WINDOW = 16 << 10, FIELD_HEAD = 20 };

/* Most that is read of a file besides raw weights, so that a huge file that is no network costs neither memory nor
 * time. Weights that are not stored raw (float_data) are among it; the largest known network has 0.3 GB in all. */
static const size_t most_read = (size_t)1 << 30;

/* Field numbers on the way to what is left out: ModelProto.graph, GraphProto.initializer, TensorProto.raw_data. */
enum { DEPTH = 3 };
static const uint32_t way[DEPTH] = {7, 5, 9};

/* What is loaded around the place that is looked at: [from, to). */
typedef struct loaded_part {
    const fct_part_file *f;
    size_t from, to;
    size_t read; /* in all */
    fct_error *err;
} loaded_part;

/* Loads [at, at + n) unless it is there. The parts asked for lie one behind the other. */
static fct_status need(loaded_part *l, size_t at, size_t n) {
    if (at >= l->from && at <= l->to && n <= l->to - at) return FCT_OK;
    size_t start = at >= l->from && at <= l->to ? l->to : at, most = l->f->size - start;
    size_t wanted = at + n - start < WINDOW ? WINDOW : at + n - start, count = wanted < most ? wanted : most;
    if (count > most_read - l->read)
        return fct_fail(l->err, FCT_ERR_LIMIT,
                        "%s: more than %zu bytes beside raw weights: not a network, or too large", l->f->path,
                        most_read);
    l->read += count;
    fct_status s = fct_part_load(l->f, start, count, l->err);
    if (start == at) l->from = at;
    l->to = start + count;
    return s;
}

/* Loads a message at a depth of the way, and stops with the reader's own error where it is damaged. */
static fct_status load_message(loaded_part *l, fct_pb m, int depth) {
    fct_pb_field f;
    bool more = true;
    while (more) {
        const size_t at = (size_t)(m.p - m.base), left = (size_t)(m.end - m.p);
        fct_status s = need(l, at, left < FIELD_HEAD ? left : FIELD_HEAD);
        if (!s) s = fct_pb_next(&m, &f, &more, l->err);
        if (s) return s;
        if (!more || f.wire != 2) continue;
        const bool on_the_way = f.number == way[depth];
        if (on_the_way && depth < DEPTH - 1) s = load_message(l, fct_pb_sub(&m, &f), depth + 1);
        else if (!on_the_way || f.len < FCT_CONST_LARGE) s = need(l, fct_pb_offset(&m, f.data), f.len);
        if (s) return s;
    }
    return FCT_OK;
}

fct_status fct_onnx_open(const char *path, fct_part_file *f, fct_error *err) {
    fct_status s = fct_part_open(path, f, err);
    if (s) return s;
    loaded_part l = {.f = f, .err = err};
    if (f->size) s = load_message(&l, (fct_pb){f->data, f->data + f->size, f->data, path}, 0);
    if (s) fct_part_close(f);
    return s;
}
