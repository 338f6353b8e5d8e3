/* Amazon Rekognition's operations on faces, as AWS's own clients send them: a POST to "/"
 * whose X-Amz-Target names the operation, JSON in and out, signed (sigv4.h). A key that was
 * made to sign is an access key id and a secret there. */
#include "server/rekognition.h"

#include "base/file.h"
#include "server/sigv4.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#define TARGET "RekognitionService."

/* ---- Errors ------------------------------------------------------------------------------------ */

/* The type and status of what facet's own words say; a word that is a type already stays. */
static void fail(srv_reply *out, int status, const char *code, const char *text, const char *request_id) {
    static const struct {
        const char *code, *type;
        int status;
    } map[] = {
        {"key_needed", "MissingAuthenticationTokenException", 400},
        {"unauthorized", "UnrecognizedClientException", 400},
        {"forbidden", "AccessDeniedException", 400},
        {"invalid_image", "InvalidImageFormatException", 400},
        {"image_too_large", "ImageTooLargeException", 400},
        {"request_too_large", "ImageTooLargeException", 400},
        {"person_exists", "ConflictException", 400},
        {"collection_model_mismatch", "InvalidParameterException", 400},
        {"invalid_request", "InvalidParameterException", 400},
        {"resource_not_found", "ResourceNotFoundException", 400},
        {"too_many_requests", "ThrottlingException", 400},
        {"not_ready", "ServiceUnavailableException", 503},
        {"request_timeout", "ServiceUnavailableException", 503},
    };
    const char *type = isupper((unsigned char)*code) ? code : "InternalServerError";
    fct_json_writer j;
    out->status = status < 500 ? 400 : 500;
    for (size_t i = 0; i < sizeof map / sizeof *map; i++)
        if (strcmp(code, map[i].code) == 0) {
            type = map[i].type;
            out->status = map[i].status;
        }
    out->challenge = false;
    srv_rk_head(out);
    fct_json_to_buf(&j, &out->body);
    fct_json_object(&j, NULL);
    fct_json_text(&j, "__type", type);
    fct_json_text(&j, "Message", text);
    fct_json_close_object(&j);
}

/* ---- The operations --------------------------------------------------------------------------------- */

static srv_handler do_call;

/* All are at one path; which one it is becomes the request's route once its head is read. */
typedef struct rk_call {
    srv_route route;
    srv_rk_operation *run;
} rk_call;

#define CALL(name, role, run)                                                                                          \
    { {SRV_POST, "/", role, "rekognition_" name, do_call}, run }
static const rk_call calls[] = {
    CALL("CreateCollection", SRV_ROLE_ENROLLER, srv_rk_create_collection),
    CALL("ListCollections", SRV_ROLE_READER, srv_rk_list_collections),
    CALL("DescribeCollection", SRV_ROLE_READER, srv_rk_describe_collection),
    CALL("DeleteCollection", SRV_ROLE_ENROLLER, srv_rk_delete_collection),
    CALL("IndexFaces", SRV_ROLE_ENROLLER, srv_rk_index_faces),
    CALL("ListFaces", SRV_ROLE_READER, srv_rk_list_faces),
    CALL("DeleteFaces", SRV_ROLE_ENROLLER, srv_rk_delete_faces),
    CALL("SearchFaces", SRV_ROLE_READER, srv_rk_search_faces),
    CALL("SearchFacesByImage", SRV_ROLE_READER, srv_rk_search_faces_by_image),
    CALL("DetectFaces", SRV_ROLE_READER, srv_rk_detect_faces),
    CALL("CompareFaces", SRV_ROLE_READER, srv_rk_compare_faces),
    CALL("CreateUser", SRV_ROLE_ENROLLER, srv_rk_create_user),
    CALL("DeleteUser", SRV_ROLE_ENROLLER, srv_rk_delete_user),
    CALL("ListUsers", SRV_ROLE_READER, srv_rk_list_users),
    CALL("AssociateFaces", SRV_ROLE_ENROLLER, srv_rk_associate_faces),
    CALL("DisassociateFaces", SRV_ROLE_ENROLLER, srv_rk_disassociate_faces),
    CALL("SearchUsers", SRV_ROLE_READER, srv_rk_search_users),
    CALL("SearchUsersByImage", SRV_ROLE_READER, srv_rk_search_users_by_image),
};

/* The operation that X-Amz-Target names; NULL = there is none. */
static const rk_call *find_call(const srv_request *r) {
    const char *target = srv_request_field(r, "X-Amz-Target");
    size_t n = strlen(TARGET), skip = strlen("rekognition_");
    if (!target || strncmp(target, TARGET, n) != 0) return NULL;
    for (size_t i = 0; i < sizeof calls / sizeof *calls; i++)
        if (strcmp(calls[i].route.name + skip, target + n) == 0) return &calls[i];
    return NULL;
}

static void do_call(srv_app *app, srv_request *r, srv_reply *out) {
    srv_form form;
    fct_error e;
    const rk_call *call = find_call(r);
    if (srv_form_read_json(r, &form, &e)) srv_rk_fail(r, out, "SerializationException", e.text);
    else if (!fct_json_is(form.json.values, FCT_JSON_OBJECT))
        srv_rk_fail(r, out, "SerializationException", "the body is no JSON object");
    else call->run(app, r, &form, out);
    srv_form_free(&form);
}

/* ---- Signatures ------------------------------------------------------------------------------------- */

/* Reads the Authorization field. False: *out says what is wrong. */
static bool read_signature(srv_request *r, srv_sigv4 *sig, int64_t *signed_at, srv_reply *out) {
    const char *why, *field = srv_request_field(r, "Authorization");
    if (!field) {
        srv_fail(r, out, 400, "key_needed", "Missing Authentication Token");
        return false;
    }
    if (!srv_sigv4_parse(field, sig, &why)) srv_rk_fail(r, out, "IncompleteSignatureException", why);
    else if (!srv_sigv4_check_head(sig, r, "rekognition", fct_time_unix(), signed_at, &why))
        srv_rk_fail(r, out, "InvalidSignatureException", why);
    else return true;
    return false;
}

/* What the head tells: that there is such an operation, that its signer is known and may call it, and that the
 * signature is of now. So nobody sends a body in vain, and strangers send none at all. */
static bool check_head(srv_app *app, srv_request *r, srv_reply *out) {
    srv_sigv4 sig;
    int64_t signed_at;
    const rk_call *call = find_call(r);
    if (!call) {
        srv_rk_fail(r, out, "UnknownOperationException", "X-Amz-Target names no operation on faces");
        return false;
    }
    r->route = &call->route;
    if (!app->auth) {
        r->role = SRV_ROLE_ADMIN;
        return true;
    }
    return read_signature(r, &sig, &signed_at, out) && srv_app_take_signer(app, r, sig.access_id, NULL, out);
}

/* The same of the whole request, with the signature itself. */
static bool check_whole(srv_app *app, srv_request *r, srv_reply *out) {
    char secret[SRV_KEY_TEXT];
    srv_sigv4 sig;
    int64_t signed_at;
    if (!app->auth) return true;
    if (!read_signature(r, &sig, &signed_at, out) || !srv_app_take_signer(app, r, sig.access_id, secret, out))
        return false;
    switch (srv_sigv4_verify(&sig, r, secret)) {
    case SRV_SIGV4_NO_MEMORY:
        srv_fail(r, out, 503, "not_ready", "out of memory");
        return false;
    case SRV_SIGV4_WRONG:
        return srv_app_wrong(app, r, out, "InvalidSignatureException",
                             "The request signature we calculated does not match the signature you provided. "
                             "Check your secret access key.");
    default:
        break;
    }
    if (srv_replay_take(&app->replay, sig.signature, fct_time_unix())) return true;
    srv_rk_fail(r, out, "InvalidSignatureException", "this signature was used before: the request was sent again");
    return false;
}

static bool check(srv_app *app, srv_request *r, bool whole, srv_reply *out) {
    return whole ? check_whole(app, r, out) : check_head(app, r, out);
}

static const char *no_key(const srv_request *r) { return NULL; }

static const srv_route routes[] = {{SRV_POST, "/", SRV_ROLE_READER, "rekognition", do_call}, {0}};

const srv_dialect srv_rekognition_dialect = {
    .name = "rekognition", .routes = routes, .fail = fail, .key = no_key, .check = check};
