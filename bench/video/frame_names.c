/* Who is named in each frame of a video: a line a frame, for the measuring scripts beside this.
 *
 *   frame_names PACK GALLERY VIDEO
 *
 * A line holds the frame's number and, for each face that the tracker shows, NAME@x1,y1,x2,y2 where NAME is - for
 * nobody. PACK "" stands for the default pack. */
#include "facet/facet.h"

#include <stdio.h>

static int fail(const fct_error *e) {
    fprintf(stderr, "frame_names: %s\n", e->text);
    return 1;
}

static void print_frame(const fct_tracker *t, long long index) {
    printf("%lld", index);
    for (int i = 0; i < fct_tracker_track_count(t); i++) {
        const fct_track *k = fct_tracker_track(t, i);
        printf(" %s@%.0f,%.0f,%.0f,%.0f", k->person_id ? k->name : "-", (double)k->box[0], (double)k->box[1],
               (double)k->box[2], (double)k->box[3]);
    }
    putchar('\n');
}

static int follow(const fct_pack *pack, fct_gallery *gallery, const char *video) {
    fct_error e;
    fct_source *source;
    fct_tracker *t = NULL;
    fct_frame f;
    if (fct_source_open(video, NULL, &source, &e)) return fail(&e);
    fct_status s = fct_tracker_create(pack, gallery, NULL, &t, &e);
    while (!s && !(s = fct_tracker_next(t, source, &f, &e)) && f.view.data) print_frame(t, (long long)f.index);
    fct_tracker_free(t);
    fct_source_free(source);
    return s ? fail(&e) : 0;
}

int main(int argc, char **argv) {
    fct_error e;
    fct_pack *pack;
    fct_gallery *gallery;
    fct_gallery_opts o;
    if (argc != 4) {
        fprintf(stderr, "usage: frame_names PACK GALLERY VIDEO\n");
        return 2;
    }
    if (fct_pack_open(*argv[1] ? argv[1] : NULL, NULL, &pack, &e)) return fail(&e);
    fct_gallery_opts_init(&o);
    int code = 1;
    if (fct_gallery_open(argv[2], &o, &gallery, &e)) fail(&e);
    else code = follow(pack, gallery, argv[3]);
    fct_gallery_free(gallery);
    fct_pack_free(pack);
    return code;
}
