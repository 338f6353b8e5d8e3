/* facet: face detection, alignment, embedding and recognition.
 *
 * The shortest whole program: name of the best match for every face of a photo.
 *
 *   #include <facet/facet.h>
 *   #include <stdio.h>
 *
 *   int main(int argc, char **argv) {
 *       fct_error e;
 *       fct_pack *pack; fct_analyzer *an; fct_image *im; fct_faces *fs; fct_gallery *g;
 *       if (argc != 3 || fct_pack_open(NULL, NULL, &pack, &e) || fct_analyzer_create(pack, NULL, &an, &e) ||
 *           fct_gallery_open(argv[2], NULL, &g, &e) || fct_image_read(argv[1], NULL, &im, &e) ||
 *           fct_analyze(an, fct_image_view(im), &fs, &e))
 *           return fprintf(stderr, "%s\n", e.text), 1;
 *       for (int i = 0; i < fct_faces_count(fs); i++) {
 *           const fct_face *f = fct_faces_at(fs, i);
 *           fct_match m; int n;
 *           if (fct_gallery_search(g, fct_pack_embedder_id(pack), f->embedding, f->embedding_dim,
 *                                  fct_pack_threshold(pack), 1, &m, &n, &e)) return 1;
 *           printf("%.0f,%.0f %s\n", f->box[0], f->box[1], n ? m.name : "unknown");
 *       }
 *   }
 */
#ifndef FACET_FACET_H
#define FACET_FACET_H

#include "album.h"
#include "album_people.h"
#include "album_use.h"
#include "base.h"
#include "enroll.h"
#include "evaluate.h"
#include "face.h"
#include "gallery.h"
#include "gallery_faces.h"
#include "privacy.h"
#include "image.h"
#include "imports.h"
#include "model.h"
#include "queue.h"
#include "store.h"
#include "tags.h"
#include "video.h"

#endif
