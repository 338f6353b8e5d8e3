/* Random changes to a face crop. All is drawn from the sample's own generator:
 * the same (seed, epoch, position) gives the same picture. */
#ifndef FCT_TRAIN_AUGMENT_H
#define FCT_TRAIN_AUGMENT_H

#include "facet/image.h"
#include "train/rng.h"

/* "p" is the probability of a change; ranges are symmetric around none. */
typedef struct fct_augment {
    double flip;                                  /* p */
    double shift, scale, rotate;                  /* +- pixels of the output, +- share, +- degrees */
    double brightness, contrast, saturation;      /* +- share each */
    double gray, blur, jpeg, down, occlude, mask; /* p */
    int jpeg_low, jpeg_high;                      /* quality */
    double down_low, down_high;                   /* size while scaled down, as a share */
    bool fill_border;                             /* black borders, where the photo ended, get random filling */
} fct_augment;

/* The defaults of the recipe; fct_augment_none: no change at all. */
void fct_augment_init(fct_augment *a);
extern const fct_augment fct_augment_none;

/* Makes an out_size x out_size RGB picture from crop (RGB), a face aligned to
 * its middle: the central out_size square is the unchanged crop. strength 0..1
 * scales the probabilities of the degradations (blur, JPEG, down-scaling,
 * occlusion, mask). pixels: [out_size][out_size][3]. scratch: as many bytes as
 * fct_augment_scratch() says. */
size_t fct_augment_scratch(int crop_width, int crop_height, int out_size);
void fct_augment_run(const fct_augment *a, double strength, fct_rng *r, fct_view crop, int out_size, uint8_t *pixels,
                     void *scratch);

/* Pixels to the network's numbers: (x - 127.5) / 127.5. */
void fct_augment_to_input(const uint8_t *pixels, size_t n, float *out);

#endif
