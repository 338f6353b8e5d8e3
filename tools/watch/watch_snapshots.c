/* Pictures of faces on disk, and how long they stay there. */
#include "watch/watch.h"

#include "base/alloc.h"
#include "base/file.h"

#include <string.h>
#include <time.h>

#define PREFIX "facet-"

static void file_name(const fct_track *t, char *out, size_t cap) {
    char name[80], date[32];
    time_t now = (time_t)fct_time_unix();
    struct tm *tm = gmtime(&now);
    if (!tm || !strftime(date, sizeof date, "%Y%m%dT%H%M%SZ", tm)) snprintf(date, sizeof date, "%lld", (long long)now);
    size_t n = 0;
    for (const char *s = t->name; *s && n + 1 < sizeof name; s++) { /* letters and what UTF-8 is made of */
        bool plain = (*s >= 'a' && *s <= 'z') || (*s >= 'A' && *s <= 'Z') || (*s >= '0' && *s <= '9') || (*s & 0x80);
        name[n++] = plain ? *s : '_';
    }
    name[n] = 0;
    snprintf(out, cap, PREFIX "%s-%lld-%s.jpg", date, (long long)t->id, n ? name : "unknown");
}

int cli_snapshot_save(const cli_watch *w, const fct_track *t, fct_view frame) {
    char name[160];
    uint8_t *data;
    size_t len;
    fct_error e;
    if (cli_blur_hides(&w->blur, t) || !cli_face_jpeg(frame, t->box, &data, &len)) return CLI_DONE;
    file_name(t, name, sizeof name);
    char *path = fct_path_join(w->set->snapshot_dir, name);
    fct_status s = path ? fct_file_write_private(path, data, len, &e) : FCT_OK;
    fct_free(path);
    fct_buffer_free(data);
    return s ? cli_fail(&e) : CLI_DONE;
}

/* facet-20260131T235959Z-7-NAME.jpg: nothing else is ever removed. */
static bool is_snapshot(const char *name) {
    static const char form[] = PREFIX "00000000T000000Z-0";
    for (const char *f = form; *f; f++, name++) {
        bool good = *f == '0' ? *name >= '0' && *name <= '9' : *name == *f;
        if (!good) return false;
    }
    return !strcmp(fct_path_ext(name), "jpg");
}

void cli_snapshots_expire(cli_watch *w) {
    const cli_settings *s = w->set;
    char **names;
    size_t n;
    uint64_t now = fct_time_ns();
    if (!s->snapshot_dir || s->keep_days < 1) return;
    if (w->last_cleanup && now - w->last_cleanup < 600000000000u) return; /* every ten minutes */
    w->last_cleanup = now;
    if (fct_dir_list(s->snapshot_dir, &names, &n, NULL)) return;
    int64_t oldest = (fct_time_unix() - (int64_t)s->keep_days * 86400) * 1000000000;
    for (size_t i = 0; i < n; i++) {
        fct_file_stat st;
        char *path = is_snapshot(names[i]) ? fct_path_join(s->snapshot_dir, names[i]) : NULL;
        if (!path) continue;
        fct_file_get_stat(path, &st);
        if (st.is_file && !st.is_symlink && st.mtime_ns < oldest) fct_file_remove(path, NULL);
        fct_free(path);
    }
    fct_dir_list_free(names, n);
}
