/* Protocol Buffers wire format, read in place.
 * https://protobuf.dev/programming-guides/encoding/ : a message is a run of
 * fields; each is a varint key (number << 3 | wire type) and a value: 0 varint,
 * 1 eight bytes, 2 length and bytes, 5 four bytes. Groups (3, 4) are refused. */
#ifndef FCT_ONNX_PROTO_H
#define FCT_ONNX_PROTO_H

#include "facet/base.h"

/* A message within the file: [p, end). base and file are for error texts. */
typedef struct fct_pb {
    const uint8_t *p, *end, *base;
    const char *file;
} fct_pb;

typedef struct fct_pb_field {
    uint32_t number;
    int wire;
    uint64_t value;      /* varint, or the 4 or 8 bytes */
    const uint8_t *data; /* wire type 2 */
    size_t len;
    const uint8_t *at; /* where the field starts */
} fct_pb_field;

/* Next field; *more = false at the end of the message. FCT_ERR_FORMAT with the
 * offset for anything cut or malformed. */
fct_status fct_pb_next(fct_pb *m, fct_pb_field *f, bool *more, fct_error *err);
/* Fails when the field is not of that wire type. what names it. */
fct_status fct_pb_want(const fct_pb *m, const fct_pb_field *f, int wire, const char *what, fct_error *err);
/* The message inside a field of wire type 2. */
fct_pb fct_pb_sub(const fct_pb *m, const fct_pb_field *f);
/* One varint from [*p, end); false when cut or longer than ten bytes. */
bool fct_pb_varint(const uint8_t **p, const uint8_t *end, uint64_t *v);
/* Offset of a place, for error texts. */
static inline size_t fct_pb_offset(const fct_pb *m, const uint8_t *at) { return (size_t)(at - m->base); }

#endif
