/* What the landmark and attribute networks say about one face. Pure. */
#ifndef FCT_TASKS_LANDMARK_H
#define FCT_TASKS_LANDMARK_H

/* values: n points of dims (2 or 3) numbers, -1..1 across a crop of size x size;
 * inv: crop to picture. out: [n][dims], x and y in pixels of the picture, z in
 * pixels too. */
void fct_decode_landmarks(const float *values, int n, int dims, int size, const double inv[6], float *out);

/* values: scores of female and male, age / 100. gender: 1 = male; age in years,
 * halves rounded to even, -1 where the number is out of all bounds. */
void fct_decode_attributes(const float values[3], int *gender, int *age);

#endif
