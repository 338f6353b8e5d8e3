/* Text from strangers: JSON that is read, written and read again must say the same;
 * names and what is shown of them are UTF-8 without anything that a terminal obeys. */
#include "fuzz.h"

#include "base/alloc.h"
#include "text/json_reader.h"
#include "text/json_writer.h"
#include "text/names.h"
#include "text/utf8.h"

static void write_value(fct_json_writer *w, const fct_json *v) {
    switch (v->kind) {
    case FCT_JSON_OBJECT:
    case FCT_JSON_ARRAY:
        (v->kind == FCT_JSON_OBJECT ? fct_json_object : fct_json_array)(w, v->key);
        for (const fct_json *c = fct_json_first(v); c; c = fct_json_next(v, c)) write_value(w, c);
        (v->kind == FCT_JSON_OBJECT ? fct_json_close_object : fct_json_close_array)(w);
        break;
    case FCT_JSON_TEXT:
        fct_json_text(w, v->key, v->text);
        break;
    case FCT_JSON_NUMBER:
        fct_json_double(w, v->key, v->number);
        break;
    case FCT_JSON_NULL:
        fct_json_null(w, v->key);
        break;
    default:
        fct_json_bool(w, v->key, v->kind == FCT_JSON_TRUE);
    }
}

static bool deeper_than(const fct_json *v, int levels) {
    if (v->kind < FCT_JSON_ARRAY) return false;
    if (!levels) return true;
    for (const fct_json *c = fct_json_first(v); c; c = fct_json_next(v, c))
        if (deeper_than(c, levels - 1)) return true;
    return false;
}

static void use_json(const char *text, size_t size) {
    fct_json_doc doc = {0}, again = {0};
    fct_json_fault fault;
    fct_buf input = {0}, first = {0}, copy = {0}, second = {0};
    fct_json_writer w;
    fct_buf_add(&input, text, size);
    fct_status s = fct_json_read(&doc, input.data, size, &fault);
    FUZZ_REQUIRE((s == FCT_OK) == (fault.why == NULL) && fault.offset <= size);
    if (!s && !deeper_than(doc.values, FCT_JSON_LEVELS)) {
        FUZZ_REQUIRE(doc.values[0].span == doc.n);
        fct_json_to_buf(&w, &first);
        write_value(&w, doc.values);
        fct_buf_add(&copy, first.data, first.size);
        FUZZ_REQUIRE(!fct_json_read(&again, copy.data, copy.size, &fault) && again.n == doc.n);
        fct_json_to_buf(&w, &second);
        write_value(&w, again.values);
        FUZZ_REQUIRE(second.size == first.size && !memcmp(second.data, first.data, first.size));
    }
    fct_json_free(&doc);
    fct_json_free(&again);
    fct_buf_free(&input);
    fct_buf_free(&first);
    fct_buf_free(&copy);
    fct_buf_free(&second);
}

static void use_name(const char *text) {
    char *name, *same, *shown = fct_utf8_safe(text);
    FUZZ_REQUIRE(shown && fct_utf8_valid(shown, strlen(shown)));
    for (const char *p = shown, *end = p + strlen(p); p < end;)
        FUZZ_REQUIRE(!fct_utf8_is_control((uint32_t)fct_utf8_next(&p, end)));
    fct_free(shown);
    if (fct_text_nfc(text, &name, NULL)) return;
    FUZZ_REQUIRE(fct_utf8_valid(name, strlen(name)) && !fct_text_nfc(name, &same, NULL) && !strcmp(name, same));
    fct_free(name);
    fct_free(same);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    long live = fct_alloc_live();
    char *text = malloc(size + 1);
    FUZZ_REQUIRE(text);
    memcpy(text, data, size);
    text[size] = 0;
    use_json(text, size);
    use_name(text);
    free(text);
    FUZZ_REQUIRE(fct_alloc_live() == live);
    return 0;
}
