/* Pictures of a run, as SVG beside its logs. A curve that cannot be written is
 * no reason to stop a training: failures are silent. */
#ifndef FCT_TRAIN_CURVES_H
#define FCT_TRAIN_CURVES_H

#include "train/dataset.h"

/* loss.svg from log.csv. */
void fct_curves_write_loss(const char *folder);
/* roc.svg: TAR over FAR, 1e-5 to 1, of all pairs. */
void fct_curves_write_roc(const char *folder, const fct_dataset *d, const float *rows, int dim);

#endif
