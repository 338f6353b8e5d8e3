/* InsightFace's published packs: addresses, terms and, as far as they are known,
 * SHA-256 values, from the table of InsightFace's own server (July 2026). */
#include "pack/store.h"
#include <string.h>

#define RELEASE "https://github.com/deepinsight/insightface/releases/download/v0.7/"
#define TERMS   "InsightFace's pretrained models: for non-commercial research purposes only"

static const fct_known_pack known[] = {
    {"buffalo_l",
     RELEASE "buffalo_l.zip",
     TERMS,
     "80ffe37d8a5940d59a7384c201a2a38d4741f2f3c51eef46ebb28218a7b0ca2f",
     {{"det_10g.onnx", "5838f7fe053675b1c7a08b633df49e7af5495cee0493c7dcf6697200b85b5b91"},
      {"w600k_r50.onnx", "4c06341c33c2ca1f86781dab0e829f88ad5b64be9fba56e56bc9ebdefc619e43"}}},
    {"buffalo_m",
     RELEASE "buffalo_m.zip",
     TERMS,
     "d98264bd8f2dc75cbc2ddce2a14e636e02bb857b3051c234b737bf3b614edca9",
     {{"det_2.5g.onnx", "041f73f47371333d1d17a6fee6c8ab4e6aecabefe398ff32cca4e2d5eaee0af9"},
      {"w600k_r50.onnx", "4c06341c33c2ca1f86781dab0e829f88ad5b64be9fba56e56bc9ebdefc619e43"}}},
    {"buffalo_s", RELEASE "buffalo_s.zip", TERMS, NULL, {{NULL, NULL}}},
    {"buffalo_sc",
     RELEASE "buffalo_sc.zip",
     TERMS,
     "57d31b56b6ffa911c8a73cfc1707c73cab76efe7f13b675a05223bf42de47c72",
     {{"det_500m.onnx", "5e4447f50245bbd7966bd6c0fa52938c61474a04ec7def48753668a9d8b4ea3a"},
      {"w600k_mbf.onnx", "9cc6e4a75f0e2bf0b1aed94578f144d15175f357bdc05e815e5c4a02b319eb4f"}}},
    {"antelopev2",
     RELEASE "antelopev2.zip",
     TERMS,
     "8e182f14fc6e80b3bfa375b33eb6cff7ee05d8ef7633e738d1c89021dcf0c5c5",
     {{"scrfd_10g_bnkps.onnx", "5838f7fe053675b1c7a08b633df49e7af5495cee0493c7dcf6697200b85b5b91"},
      {"glintr100.onnx", "4ab1d6435d639628a6f3e5008dd4f929edf4c4124b1a7169e1048f9fef534cdf"}}},
};

const fct_known_pack *fct_known_at(int i) {
    return i >= 0 && (size_t)i < sizeof known / sizeof *known ? &known[i] : NULL;
}

const fct_known_pack *fct_known_find(const char *name) {
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (strcmp(known[i].name, name) == 0) return &known[i];
    return NULL;
}

const char *fct_known_file_hash(const fct_known_pack *k, const char *file) {
    for (int i = 0; k && i < 4 && k->files[i].name; i++)
        if (strcmp(k->files[i].name, file) == 0) return k->files[i].sha256;
    return NULL;
}
