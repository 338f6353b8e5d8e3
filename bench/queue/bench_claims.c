/* How many jobs of a queue are claimed a second, and how many claimed and completed, by several connections at once.
 *
 * bench_claims ADDRESS [JOBS [CONNECTIONS]]     ADDRESS: a schema of its own, which is emptied */
#include "base/file.h"
#include "base/thread.h"
#include "facet/facet.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BATCH = 1000, CLAIM = 32, MOST = 64 };

typedef struct claimer {
    const char *address;
    bool complete;
    long n;
    fct_status status;
    fct_error e;
} claimer;

static int add_jobs(const char *address, int jobs, const char *model) {
    static char paths[BATCH][32];
    static fct_queue_photo photos[BATCH];
    fct_queue *q;
    fct_error e;
    if (fct_queue_open(address, NULL, &q, &e)) return printf("%s\n", e.text), 1;
    for (int first = 0; first < jobs; first += BATCH) {
        int n = jobs - first < BATCH ? jobs - first : BATCH;
        for (int i = 0; i < n; i++) {
            snprintf(paths[i], sizeof paths[i], "/photos/%d.jpg", first + i);
            photos[i].path = paths[i];
            memset(photos[i].sha256, 0, 32);
            memcpy(photos[i].sha256, &(int){first + i}, sizeof(int));
        }
        if (fct_queue_add(q, model, photos, (size_t)n, NULL, &e)) return printf("%s\n", e.text), 1;
    }
    fct_queue_free(q);
    return 0;
}

/* Claims until nothing is left. */
static void claim(void *arg) {
    claimer *c = arg;
    fct_queue *q;
    c->status = fct_queue_open(c->address, NULL, &q, &c->e);
    if (c->status) return;
    for (int n = 1; n && !c->status;) {
        fct_job *jobs;
        c->status = fct_queue_claim(q, c->complete ? "completed" : "claimed", CLAIM, &jobs, &n, NULL, &c->e);
        for (int i = 0; i < n && c->complete && !c->status; i++)
            c->status = fct_queue_note_faces(q, jobs[i].id, NULL, &c->e);
        if (!c->status) c->status = fct_queue_commit(q, NULL, &c->e);
        c->n += n;
        fct_jobs_free(jobs, n);
    }
    fct_queue_free(q);
}

static int measure(const char *address, int jobs, int connections, bool complete) {
    static claimer c[MOST];
    fct_thread threads[MOST];
    long n = 0;
    if (add_jobs(address, jobs, complete ? "completed" : "claimed")) return 1;
    uint64_t start = fct_time_ns();
    for (int i = 0; i < connections; i++) {
        c[i] = (claimer){.address = address, .complete = complete};
        if (fct_thread_start(&threads[i], claim, &c[i], NULL)) return 1;
    }
    for (int i = 0; i < connections; i++) {
        fct_thread_join(&threads[i]);
        if (c[i].status) return printf("%s\n", c[i].e.text), 1;
        n += c[i].n;
    }
    double s = (double)(fct_time_ns() - start) / 1e9;
    printf("%s: %ld jobs, %d connections, %.0f a second\n", complete ? "claimed and completed" : "claimed", n,
           connections, (double)n / s);
    return n == jobs ? 0 : 1;
}

int main(int argc, char **argv) {
    int jobs = argc > 2 ? atoi(argv[2]) : 50000, connections = argc > 3 ? atoi(argv[3]) : 4;
    fct_queue *q;
    fct_error e;
    if (argc < 2 || jobs < 1 || connections < 1 || connections > MOST) return 2;
    if (fct_queue_open(argv[1], NULL, &q, &e) || fct_queue_clear(q, FCT_QUEUE_ALL, NULL, &e))
        return printf("%s\n", e.text), 1;
    fct_queue_free(q);
    return measure(argv[1], jobs, connections, false) || measure(argv[1], jobs, connections, true);
}
