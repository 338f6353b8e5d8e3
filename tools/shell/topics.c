/* Texts of 'facet help TOPIC'. Lines as they are printed. */
#include "shell/help.h"

const cli_topic cli_topics[] = {
    {"packs", "where networks come from",
     "A pack is a folder of ONNX files: a detector and an embedder, perhaps also\n"
     "landmarks, gender and age. facet reads InsightFace's packs (buffalo_l,\n"
     "buffalo_m, buffalo_s, buffalo_sc, antelopev2) unchanged; each file is given\n"
     "its task by its signature. 'facet info --models PACK' shows what a pack holds.\n"
     "\n"
     "  --models FOLDER   a folder: any name with a slash, or one that exists\n"
     "  --models NAME     the folder NAME in FCT_MODELS or ~/.insightface/models\n"
     "  (neither)         what FCT_PACK names, a folder or a pack; else the pack\n"
     "                    built into facet or installed with it; else the first of\n"
     "                    InsightFace's packs in FCT_MODELS or ~/.insightface/models\n"
     "\n"
     "InsightFace's networks are for non-commercial research only and are not part of\n"
     "facet. Their publisher offers them as zip files at\n"
     "  https://github.com/deepinsight/insightface/releases/tag/v0.7\n"
     "'facet models get buffalo_sc' (15 MB) fetches one after you accepted its terms,\n"
     "'facet models import' takes a zip or a folder that you have; then say\n"
     "'--models buffalo_sc'. Whether it is sound: 'facet doctor --models PACK'.\n"
     "\n"
     "A file pack.json in a pack's folder may say more; \"facet_pack\" is needed, the\n"
     "rest may be left out:\n"
     "  {\"facet_pack\": 1, \"name\": \"mine\", \"threshold\": 0.4, \"files\": [\n"
     "    {\"file\": \"det.onnx\", \"task\": \"detection\", \"agreement\": true,\n"
     "     \"second_look\": true},\n"
     "    {\"file\": \"w_256.onnx\", \"sha256\": \"...\", \"mean\": 127.5, \"std\": 127.5}]}\n"
     "threshold: the cosine from which two faces are one person's; agreement: boxes,\n"
     "landmarks and scores are what a face's candidates agree on; second_look: photos\n"
     "with small faces are searched again, at 960x960 and 1280x1280; mean, std: of\n"
     "the input; \"refine\": true, of landmark_3d_68: its points align faces.\n"},
    {"inputs", "how photos are named",
     "A PHOTO is one of\n"
     "\n"
     "  a file            JPEG, PNG, WebP, HEIC, AVIF, TIFF, GIF, BMP or JPEG XL;\n"
     "                    the content decides, not the name\n"
     "  a folder          all .jpg, .jpeg, .png and .webp files in it and below it;\n"
     "                    names that start with a dot and linked folders are left out\n"
     "  a pattern         'shots/*.jpg': * ? [a-z] within a name, ** for any depth of\n"
     "                    folders; quoted, facet expands it itself\n"
     "  -                 one picture from standard input\n"
     "\n"
     "--files-from LIST adds the files named in LIST, one a line. EXIF orientation is\n"
     "applied. A file that cannot be read is reported, the others go on.\n"},
    {"exit-codes", "what facet returns to a script",
     "  0   done\n"
     "  1   no face in any of the photos, nobody recognized, not the same person\n"
     "  2   wrong options or arguments\n"
     "  3   a file could not be read or written (with several photos: at least one;\n"
     "      the others were done), a model or a gallery is unusable\n"
     "  128 and the number of the signal that interrupted (SIGINT: 130)\n"
     "\n"
     "Where several apply the highest wins.\n"},
    {"environment", "variables that facet reads",
     "  FCT_PACK      the pack to use where --models names none\n"
     "  FCT_MODELS    folder in which packs are looked up by name, itself no pack\n"
     "  FCT_GALLERY   the gallery's file, or the address of a server\n"
     "  FCT_CACHE     folder of prepared networks, which start faster; off = none\n"
     "                (default: facet in XDG_CACHE_HOME or ~/.cache)\n"
     "  FCT_THREADS   number of threads\n"
     "  FCT_CPU       highest kernel level: c, sse41, avx2, avx512, avx512vnni,\n"
     "                avx512popcnt, neon\n"},
    {NULL, NULL, NULL},
};
