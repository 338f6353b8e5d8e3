/* The trainer's number type. The numeric core (kernels, network, losses,
 * optimizer) is compiled twice: in float for training, and in double
 * (-DFCT_TRAIN_DOUBLE) for checking gradients by finite differences. */
#ifndef FCT_TRAIN_REAL_H
#define FCT_TRAIN_REAL_H

#ifdef FCT_TRAIN_DOUBLE
typedef double fct_real;
#else
typedef float fct_real;
#endif

/* Channels come in chunks of this many numbers: a pixel of C channels takes
 * fct_pad(C) numbers, the rest zero, so that no inner loop has a tail. */
#define FCT_CHUNK 16
static inline int fct_pad(int c) { return (c + FCT_CHUNK - 1) / FCT_CHUNK * FCT_CHUNK; }

#endif
