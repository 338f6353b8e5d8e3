/* What the server reads that is not HTTP: states of jobs and the log of requests in its data folder, lists of
 * pictures in bodies, dates. The first byte says which. */
#include "fuzz.h"

#include "base/buffer.h"
#include "server/job_batch.h"
#include "server/once_log.h"
#include "text/dates.h"
#include "text/utf8.h"

/* A copy with room for the NUL that readers write. */
static char *copy_of(const uint8_t *data, size_t size) {
    char *text = fct_alloc(size + 1);
    FUZZ_REQUIRE(text);
    if (size) memcpy(text, data, size);
    text[size] = 0;
    return text;
}

static void job_state(char *text, size_t size) {
    srv_job job;
    if (!srv_job_state_parse(text, size, &job)) return;
    FUZZ_REQUIRE(job.kind && strlen(job.id) == SRV_JOB_ID - 1 && !strpbrk(job.id, "/."));
    FUZZ_REQUIRE(job.state > SRV_JOB_RUNNING && job.n_counts <= SRV_JOB_COUNTS);
    FUZZ_REQUIRE(fct_utf8_valid(job.collection, strlen(job.collection)));
}

static void once_line(char *text, size_t size) {
    srv_once_line line;
    if (srv_once_line_parse(text, size, &line)) {
        FUZZ_REQUIRE(strlen(line.scope) == 64 && !strpbrk(line.location, "\r\n "));
        FUZZ_REQUIRE(line.end ? line.status >= 200 && line.status < 600 : strlen(line.print) == 64);
    }
    srv_once_line_clear(&line);
}

static void batch(const char *text, size_t size, const char *type, bool named) {
    srv_request r = {.method = SRV_POST};
    srv_batch b;
    fct_error e = {0};
    FUZZ_REQUIRE(srv_pair_add(r.fields, &r.n_fields, "Content-Type", type));
    fct_buf_add(&r.body, text, size);
    fct_status s = srv_batch_read(&r, named ? SRV_BATCH_ENROLL : SRV_BATCH_SEARCH, named, &b, &e);
    FUZZ_REQUIRE(s || b.n > 0);
    for (int i = 0; i < b.n && !s; i++)
        FUZZ_REQUIRE((b.items[i].data || b.items[i].text) && (!named || *b.items[i].name));
    srv_batch_free(&b);
    srv_request_free(&r);
}

static void date(const char *text) {
    int64_t seconds;
    if (!fct_date_read(text, &seconds)) return;
    FUZZ_REQUIRE(seconds >= 0 && seconds < INT64_C(253402387200)); /* the year 10000, and a day ahead of UTC */
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (!size) return 0;
    long live = fct_alloc_live();
    int which = data[0];
    char *text = copy_of(data + 1, size - 1);
    switch (which) {
    case 's':
        job_state(text, size - 1);
        break;
    case 'o':
        once_line(text, size - 1);
        break;
    case 'j':
        batch(text, size - 1, "application/json", true);
        break;
    case 'm':
        batch(text, size - 1, "multipart/form-data; boundary=b", true);
        break;
    case 'n':
        batch(text, size - 1, "multipart/form-data; boundary=b", false);
        break;
    default:
        date(text);
    }
    fct_free(text);
    FUZZ_REQUIRE(fct_alloc_live() == live);
    return 0;
}
