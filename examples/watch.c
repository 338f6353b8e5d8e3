/* Names the faces of a video, camera or stream and prints who comes and goes.
 *
 *     watch SOURCE PACK GALLERY
 *     cc watch.c $(pkg-config --cflags --libs facet) -o watch */
#include <facet/facet.h>
#include <stdio.h>

static int fail(const fct_error *e) {
    fprintf(stderr, "watch: %s\n", e->text);
    return 1;
}

static void print_events(const fct_tracker *t) {
    for (int i = 0; i < fct_tracker_event_count(t); i++) {
        const fct_event *ev = fct_tracker_event(t, i);
        printf("%7.2f s  %-10s  face %lld  %s\n", ev->time, fct_event_name(ev->kind), (long long)ev->track, ev->name);
    }
}

/* Follows the faces of every frame until the source ends. */
static int watch(fct_source *source, fct_tracker *tracker) {
    fct_error e;
    fct_frame frame;
    for (;;) {
        if (fct_tracker_next(tracker, source, &frame, &e)) return fail(&e);
        if (!frame.view.data) break;
        print_events(tracker);
    }
    if (fct_tracker_finish(tracker, &e)) return fail(&e);
    print_events(tracker);
    return 0;
}

int main(int argc, char **argv) {
    fct_error e;
    fct_pack *pack = NULL;
    fct_gallery *gallery = NULL;
    fct_source *source = NULL;
    fct_tracker *tracker = NULL;
    if (argc != 4) return fprintf(stderr, "usage: watch SOURCE PACK GALLERY\n"), 2;
    int code = 1;
    if (fct_pack_open(argv[2], NULL, &pack, &e) || fct_gallery_open(argv[3], NULL, &gallery, &e) ||
        fct_source_open(argv[1], NULL, &source, &e) || fct_tracker_create(pack, gallery, NULL, &tracker, &e))
        fail(&e);
    else code = watch(source, tracker);
    fct_tracker_free(tracker);
    fct_source_free(source);
    fct_gallery_free(gallery);
    fct_pack_free(pack);
    return code;
}
