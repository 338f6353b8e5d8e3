/* What came in a request's body, whatever it was: multipart/form-data, a form in the
 * URL's encoding, JSON, or one bare picture. Members are asked for by name; the
 * query's are found too. */
#ifndef FCT_SERVER_FORM_H
#define FCT_SERVER_FORM_H

#include "server/multipart.h"
#include "server/request.h"
#include "text/json_reader.h"

typedef enum srv_form_kind { SRV_FORM_EMPTY, SRV_FORM_PARTS, SRV_FORM_JSON, SRV_FORM_RAW } srv_form_kind;

typedef struct srv_form {
    srv_form_kind kind;
    const srv_request *request; /* borrowed */
    srv_multipart_part *parts;  /* owned; borrows from the body, or from `text` */
    int n_parts;
    char *text; /* owned: a decoded form, or the JSON */
    fct_json_doc json;
    void **decoded; /* [n_decoded], owned: pictures that came as base 64 */
    size_t n_decoded, cap_decoded;
} srv_form;

/* Reads the body. FCT_ERR_UNSUPPORTED: a Content-Type that is none of these;
 * FCT_ERR_FORMAT: its text says what is wrong. Free it in both cases. */
fct_status srv_form_read(const srv_request *r, srv_form *out, fct_error *err);
/* The same of a body that is JSON whatever its Content-Type says: some clients send none, or one of their own. */
fct_status srv_form_read_json(const srv_request *r, srv_form *out, fct_error *err);
void srv_form_free(srv_form *f);

/* A text of the body, or of the query; NULL = none. Borrowed until the form is freed.
 * JSON's numbers, true and false have no text: the next ones read them. */
const char *srv_form_text(srv_form *f, const char *name);
/* A number in low..high; *out stays where there is none. FCT_ERR_ARG for anything else. */
fct_status srv_form_number(srv_form *f, const char *name, double low, double high, double *out, fct_error *err);
fct_status srv_form_int(srv_form *f, const char *name, int low, int high, int *out, fct_error *err);
/* A truth (true, false, 1, 0, yes, no). */
fct_status srv_form_bool(srv_form *f, const char *name, bool *out, fct_error *err);
/* A member of a JSON body; NULL = none or no JSON. */
const fct_json *srv_form_json(const srv_form *f, const char *name);

/* The i-th picture under a name (NULL = of any file part), from 0: a file part's or
 * raw body's bytes, or a text's base 64 (with or without "data:...;base64,").
 * Borrowed until the form is freed. FCT_ERR_NOT_FOUND: there is none. */
fct_status srv_form_picture(srv_form *f, const char *name, int i, const uint8_t **data, size_t *size, fct_error *err);

/* Decodes a text of base 64 [n] that stands in the body; name stands for it in errors. Borrowed until the form is
 * freed. */
fct_status srv_form_decode(srv_form *f, const char *name, const char *text, size_t n, const uint8_t **data,
                           size_t *size, fct_error *err);

/* FCT_ERR_ARG names a member of a JSON body that is not among these (divided by '|'), or is null where its name
 * has no '?' behind it. */
fct_status srv_form_only(const srv_form *f, const char *names, fct_error *err);

#endif
