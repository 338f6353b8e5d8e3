/* What Rekognition's dialect reads of strangers: Authorization fields, arguments in JSON,
 * and where a stored face says it came from. The first byte chooses. */
#include "fuzz.h"

#include "base/buffer.h"
#include "server/net/hmac.h"
#include "server/rekognition.h"
#include "server/sigv4.h"

/* A signed request with this Authorization field: whatever is taken for one fits its own parts, and none fits the
 * secret. */
static void use_authorization(const char *text) {
    srv_sigv4 sig;
    const char *why = NULL;
    int64_t at;
    srv_request r = {.method = SRV_POST};
    if (!srv_sigv4_parse(text, &sig, &why)) {
        FUZZ_REQUIRE(why && *why);
        return;
    }
    FUZZ_REQUIRE(strstr(text, sig.access_id) && strstr(text, sig.headers) && strstr(text, sig.signature));
    FUZZ_REQUIRE(strlen(sig.signature) == 64 && strlen(sig.date) == 8);
    r.path = fct_strdup("/");
    FUZZ_REQUIRE(r.path && srv_pair_add(r.fields, &r.n_fields, "Host", "h"));
    FUZZ_REQUIRE(srv_pair_add(r.fields, &r.n_fields, "X-Amz-Date", "20150830T123600Z"));
    srv_sigv4_check_head(&sig, &r, "rekognition", 1440938160, &at, &why);
    FUZZ_REQUIRE(srv_hmac_load() && srv_sigv4_verify(&sig, &r, "secret") == SRV_SIGV4_WRONG);
    srv_request_free(&r);
}

static void use_time(const char *text) {
    int64_t at = srv_sigv4_time(text);
    FUZZ_REQUIRE(at == -1 || (at >= 0 && at < 253402300800));
}

/* Arguments of all kinds; those that are taken are within their limits. */
static void use_arguments(const char *data, size_t size) {
    srv_request r = {.dialect = &srv_rekognition_dialect};
    srv_form form;
    srv_reply out = {0};
    fct_error e;
    int number = 5;
    double percent = 80;
    int64_t after[2];
    fct_buf_add(&r.body, data, size);
    if (!srv_form_read_json(&r, &form, &e)) {
        const char *name = srv_rk_name(&r, &form, "CollectionId", SRV_RK_NAME, true, &out);
        FUZZ_REQUIRE(name ? strlen(name) <= SRV_RK_NAME : out.status == 400);
        name = srv_rk_name(&r, &form, "ExternalImageId", SRV_RK_EXTERNAL - 1, false, &out);
        FUZZ_REQUIRE(!name || strlen(name) < SRV_RK_EXTERNAL);
        FUZZ_REQUIRE(!srv_rk_int(&r, &form, "MaxFaces", 1, 4096, &number, &out) || (number >= 1 && number <= 4096));
        FUZZ_REQUIRE(!srv_rk_percent(&r, &form, "FaceMatchThreshold", &percent, &out) ||
                     (percent >= 0 && percent <= 100));
        const fct_json *ids = srv_rk_face_ids(&r, &form, 100, &out);
        FUZZ_REQUIRE(!ids || (ids->length >= 1 && ids->length <= 100));
        if (srv_rk_token(&r, &form, "faces", 1, after, &out)) FUZZ_REQUIRE(after[0] >= 0 && after[1] >= 0);
        srv_rk_tasks(&form, "Attributes");
    }
    srv_form_free(&form);
    srv_reply_free(&out);
    srv_request_free(&r);
}

/* What is read as an origin is written the same again. */
static void use_origin(const char *text) {
    fct_stored_face f = {.id = 7};
    fct_person p = {.name = "Ada"};
    srv_rk_origin first, second;
    char label[201];
    snprintf(f.source, sizeof f.source, "%s", text);
    srv_rk_read_origin(&f, &p, &first);
    FUZZ_REQUIRE(strlen(first.image_id) == SRV_UUID - 1 && first.width >= 0 && first.height >= 0);
    srv_rk_label(&first, true, 1, label);
    srv_rk_label(&first, false, 1, label);
    if (!first.width && !first.height) return; /* none of ours */
    srv_rk_write_origin(&first, f.source, sizeof f.source);
    srv_rk_read_origin(&f, &p, &second);
    FUZZ_REQUIRE(memcmp(first.image_id, second.image_id, SRV_UUID) == 0 && first.width == second.width);
    FUZZ_REQUIRE(first.height == second.height && strcmp(first.external, second.external) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (!size) return 0;
    long live = fct_alloc_live();
    char *text = malloc(size);
    FUZZ_REQUIRE(text);
    memcpy(text, data + 1, size - 1);
    text[size - 1] = 0;
    if (data[0] == 'a') use_authorization(text);
    else if (data[0] == 't') use_time(text);
    else if (data[0] == 'o') use_origin(text);
    else use_arguments(text, size - 1);
    free(text);
    FUZZ_REQUIRE(fct_alloc_live() == live);
    return 0;
}
