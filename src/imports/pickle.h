/* Python's pickle, protocols 0 to 5, without executing it.
 *
 * A pickle is a program for a machine with a stack that may call any function of
 * Python. This machine knows how to make plain values (None, numbers, texts, bytes,
 * lists, tuples, dictionaries, sets) and, of all functions, those alone that NumPy
 * arrays, scalars and OrderedDict are made of; it makes what they would make by
 * itself. Everything else is refused with the name of what was found. Memory is at
 * most some fifty times the file's size (a file of small integers).
 *
 * A file may hold several pickles one after the other, as several calls of
 * pickle.dump() write them: then the root is a list of them. */
#ifndef FCT_IMPORTS_PICKLE_H
#define FCT_IMPORTS_PICKLE_H

#include "facet/base.h"

typedef enum fct_pickle_kind {
    FCT_PICKLE_NONE,
    FCT_PICKLE_BOOL,
    FCT_PICKLE_INT, /* what does not fit 64 bits is a FLOAT */
    FCT_PICKLE_FLOAT,
    FCT_PICKLE_BYTES, /* also texts of Python 2 */
    FCT_PICKLE_TEXT,  /* UTF-8 */
    FCT_PICKLE_LIST,  /* also tuples and sets */
    FCT_PICKLE_DICT,
    FCT_PICKLE_ARRAY,
    FCT_PICKLE_DTYPE,  /* of NumPy */
    FCT_PICKLE_GLOBAL, /* a function or class that was named and not called */
    FCT_PICKLE_MARK    /* inside the machine */
} fct_pickle_kind;

typedef struct fct_pickle_value fct_pickle_value;

enum { FCT_PICKLE_RANK = 4 };

typedef struct fct_pickle_dtype {
    char kind; /* as NumPy's: f, i, u, b, U, S, O */
    bool big_endian;
    uint32_t size; /* bytes; of U and S, of the whole text */
} fct_pickle_dtype;

/* A NumPy array. Its data fits its shape once it is among the root's values. */
typedef struct fct_pickle_array {
    fct_pickle_dtype type;
    int rank;
    size_t shape[FCT_PICKLE_RANK];
    bool fortran;        /* first index fastest */
    const uint8_t *data; /* [bytes], borrowed */
    size_t bytes;
    const fct_pickle_value *objects; /* kind O: a list of the values; else NULL */
} fct_pickle_array;

struct fct_pickle_value {
    uint8_t kind; /* fct_pickle_kind */
    uint8_t id;   /* GLOBAL: which */
    bool owned;   /* bytes are on the heap */
    union {
        int64_t integer; /* BOOL, INT */
        double number;
        struct {
            const uint8_t *at; /* BYTES, TEXT; not ended by a NUL */
            size_t size;
        } bytes;
        struct {
            fct_pickle_value **at; /* LIST: items; DICT: key, value, key, value, ... */
            size_t n, capacity;
        } items;
        fct_pickle_array *array; /* ARRAY, and DTYPE (its type alone) */
    };
};

typedef struct fct_pickle_doc fct_pickle_doc;

/* Reads all of data, which is borrowed until the document is freed. name is for
 * messages. *out is owned: fct_pickle_free(). FCT_ERR_FORMAT with the place, or
 * FCT_ERR_UNSUPPORTED with the name of what would have to be executed. Values may be
 * shared, and lists may contain themselves: whoever walks them limits the depth. */
fct_status fct_pickle_read(const uint8_t *data, size_t size, const char *name, fct_pickle_doc **out, fct_error *err);
const fct_pickle_value *fct_pickle_root(const fct_pickle_doc *doc); /* borrowed until freed */
void fct_pickle_free(fct_pickle_doc *doc);

/* ---- Asking (pickle_ask.c). All take NULL for a value that is not there. ------------- */

/* The value of a text key of a DICT; NULL where there is none. */
const fct_pickle_value *fct_pickle_member(const fct_pickle_value *v, const char *key);
/* Length of a list, or of an array's first dimension; 0 of anything else. */
size_t fct_pickle_count(const fct_pickle_value *v);
/* Copies a text (or bytes of UTF-8), or the i-th text of a list or of an array of texts, with a NUL behind it. False
 * where it is none or does not fit. */
bool fct_pickle_text(const fct_pickle_value *v, char *out, size_t cap);
bool fct_pickle_text_at(const fct_pickle_value *v, size_t i, char *out, size_t cap);
/* How many numbers a vector has: a list of numbers, or an array of one dimension (or of shape (1, n)); 0 = it is none.
 */
size_t fct_pickle_vector_size(const fct_pickle_value *v);
bool fct_pickle_vector(const fct_pickle_value *v, float *out, size_t n);
/* The same for the i-th vector of a list of vectors or of an array of two dimensions. */
size_t fct_pickle_vector_size_at(const fct_pickle_value *v, size_t i);
bool fct_pickle_vector_at(const fct_pickle_value *v, size_t i, float *out, size_t n);
/* What a value is, for messages: "a dictionary", "an array of shape (3, 4)". */
const char *fct_pickle_describe(const fct_pickle_value *v, char *out, size_t cap);

#endif
