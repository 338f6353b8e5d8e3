/* The one table of options: parser, help, man pages and completions read it. */
#include "shell/cli.h"

#include <stddef.h>

#define AT(field) offsetof(cli_settings, field)
#define FLAG(name, letter, field, help)                                                                                \
    { name, letter, KIND_FLAG, AT(field), NULL, 0, 0, NULL, COMPLETE_NONE, help }
#define TEXT(name, letter, field, arg, complete, help)                                                                 \
    { name, letter, KIND_TEXT, AT(field), arg, 0, 0, NULL, complete, help }
#define INT(name, letter, field, arg, low, high, help)                                                                 \
    { name, letter, KIND_INT, AT(field), arg, low, high, NULL, COMPLETE_NONE, help }
#define INT64(name, letter, field, arg, low, high, help)                                                               \
    { name, letter, KIND_INT64, AT(field), arg, low, high, NULL, COMPLETE_NONE, help }
#define NUMBER(name, letter, field, arg, low, high, help)                                                              \
    { name, letter, KIND_NUMBER, AT(field), arg, low, high, NULL, COMPLETE_NONE, help }
#define CHOICE(name, letter, field, choices, help)                                                                     \
    { name, letter, KIND_CHOICE, AT(field), choices, 0, 0, choices, COMPLETE_NONE, help }
#define SIZES(name, letter, field, arg, help)                                                                          \
    { name, letter, KIND_SIZES, AT(field), arg, 0, 0, NULL, COMPLETE_NONE, help }

const cli_opt cli_opts[OPT_COUNT] = {
    [OPT_FACE] =
        INT("face", 0, face, "N", 1, 1000000, "take the N-th face as 'facet detect' counts them, not the largest"),
    [OPT_ALL_FACES] = FLAG("all-faces", 0, all_faces, "take every face of a photo, not the largest only"),
    [OPT_STRICT] = FLAG("strict", 0, strict, "refuse photos that would only be warned about"),
    [OPT_FOLDERS] = TEXT("folders", 0, folders, "DIR", COMPLETE_FOLDER,
                         "enroll many people: each folder in DIR holds the photos of the person it is named after"),
    [OPT_FACE_ID] = INT64("face-id", 0, face_id, "ID", 1, 9e15,
                          "the stored face with this number, as 'facet people NAME' shows it"),
    [OPT_YES] = FLAG("yes", 'y', yes, "do not ask"),
    [OPT_EXPORT] = TEXT("export", 0, export_dir, "DIR", COMPLETE_FOLDER, "write the last checkpoint as ONNX into DIR"),
    [OPT_FORMAT] =
        CHOICE("format", 'f', format, "json|csv|npy", "form of the embeddings (default: as --out ends, else json)"),
    [OPT_OUT] = TEXT("out", 'o', out, "FILE", COMPLETE_FILE, "write to FILE instead of standard output"),
    [OPT_NORMALIZE] = FLAG("normalize", 0, normalize, "scale embeddings to length 1"),
    [OPT_THRESHOLD] = NUMBER("threshold", 0, threshold, "C", -1, 1,
                             "least cosine for the same person (default: the gallery's own, see 'facet gallery "
                             "--help', else the pack's, usually 0.40; of an album the pack's)"),
    [OPT_SEARCH] = CHOICE("search", 0, search, "auto|exact|fast",
                          "exact: compare with every stored face; fast: first choose by a bit per value, which may "
                          "miss somebody (default auto: fast from 200,000 faces on)"),
    [OPT_SERVER_FROM] =
        INT64("server-from", 0, server_from, "N", 0, 9e15,
              "of a gallery on a server with pgvector: let the server search where it holds N faces or more; 0 = never "
              "(default 100000)"),
    [OPT_TOP] = INT("top", 'k', top, "K", 1, 1000,
                    "show the K nearest people of each face (default 1), or of an album the K photos most alike "
                    "(default 100)"),
    [OPT_LAYERS] = FLAG("layers", 'l', layers, "a line per layer: time, speed, algorithm, share of the measured peak"),
    [OPT_SECONDS] = NUMBER("seconds", 's', seconds, "S", 0.01, 3600, "how long to measure (default 2)"),
    [OPT_SIZE] = SIZES("size", 0, size, "WxH", "input size of a network that takes any size (default 640x640)"),
    [OPT_BATCH] = INT("batch", 'b', batch, "N", 1, 1024, "inputs per run (default 1)"),
    [OPT_DRAW] = TEXT("draw", 'd', draw, "OUT", COMPLETE_FILE,
                      "write the photo with boxes, landmarks and texts, or with covered faces, to OUT (.jpg, .png, "
                      ".webp), or, for several "
                      "photos, into the folder OUT"),
    [OPT_CROP_DIR] = TEXT("crop-dir", 0, crop_dir, "DIR", COMPLETE_FOLDER,
                          "write each face, aligned and 224 pixels wide, into the folder DIR"),
    [OPT_CSV] =
        FLAG("csv", 0, csv,
             "output for spreadsheets: a line of column names, then one face, or one figure of evaluate, a line"),
    [OPT_HTML] = TEXT("html", 0, html, "REPORT", COMPLETE_FILE,
                      "write a page to REPORT that shows photos, faces and scores; its pictures are part of the file"),
    [OPT_FAR] =
        NUMBER("far", 0, false_accept, "RATE", 1e-9, 0.5,
               "false accept rate that the threshold is for, as 1e-4 (default: the lowest that the pairs allow)"),
    [OPT_BY] = TEXT("by", 0, by, "COLUMN", COMPLETE_NONE,
                    "column of the CSV file that divides it into groups (default group, where there is one)"),
    [OPT_PHOTOS] = TEXT("photos", 0, photos, "DIR", COMPLETE_FOLDER,
                        "folder that the CSV file's names of photos start from (default: the file's own)"),
    [OPT_SEED] = INT64("seed", 0, seed, "N", 0, 9e15, "number that all drawing by chance follows from (default 1)"),
    [OPT_KIND] = CHOICE("kind", 0, kind, "auto|facet|numpy|pickle|compreface|insightface|immich",
                        "what program the file to import is of (default auto: as its content says)"),
    [OPT_PART] =
        TEXT("part", 0, part, "ID", COMPLETE_NONE,
             "which of several: the API key of a CompreFace service, a collection of the InsightFace Server, a "
             "user of Immich"),
    [OPT_REPORT] = TEXT("report", 0, report, "FILE", COMPLETE_FILE,
                        "with --folders: note in FILE what became of each photo, and go on from there when started "
                        "again"),
    [OPT_DET_SIZE] =
        SIZES("det-size", 0, det_size, "WxH",
              "size at which faces are searched, up to four divided by commas, in multiples of 32; auto = "
              "128x128,640x640, and for small faces 960x960,1280x1280 where the pack asks for it (default auto)"),
    [OPT_DET_THRESH] = NUMBER("det-thresh", 0, det_thresh, "S", 0, 1, "least detection score (default 0.5)"),
    [OPT_MAX_FACES] = INT("max-faces", 'n', max_faces, "N", 0, 1000000,
                          "keep the N largest and most central faces of a photo; 0 = all (default 0)"),
    [OPT_ROTATIONS] = FLAG("rotations", 0, rotations,
                           "where no face is surely found, try the photo turned by 90, 180 and 270 degrees"),
    [OPT_TILE] = INT("tile", 0, tile, "N", 0, 8192,
                     "also search overlapping tiles of N pixels and larger, for very small faces; 0 = no "
                     "(default 0)"),
    [OPT_FILES_FROM] =
        TEXT("files-from", 0, files_from, "LIST", COMPLETE_FILE,
             "also take the photos named in LIST, one a line or divided by NUL characters; - = standard input"),
    [OPT_MAX_PIXELS] = INT64("max-pixels", 0, max_pixels, "N", 1, 1e10,
                             "refuse pictures with more pixels before decoding them (default 268435456, or "
                             "what half of the free memory holds; of videos 100000000, of serve 40000000)"),
    [OPT_RECORD] =
        TEXT("record", 'r', record, "OUT.mp4", COMPLETE_FILE, "write the video with boxes and names to OUT.mp4"),
    [OPT_EVENTS] = TEXT("events", 'e', events, "FILE", COMPLETE_FILE,
                        "write a JSON object a line to FILE when a face appears, is recognized, has left"),
    [OPT_SNAPSHOT_DIR] = TEXT("snapshot-dir", 0, snapshot_dir, "DIR", COMPLETE_FOLDER,
                              "save a picture of each face that appears or is recognized in the folder DIR"),
    [OPT_KEEP_DAYS] = INT("keep-days", 0, keep_days, "N", 0, 36500,
                          "remove facet's snapshots in that folder after N days; 0 = never (default 0)"),
    [OPT_SHEET] = TEXT("sheet", 0, sheet, "OUT.html", COMPLETE_FILE,
                       "write a page that shows who was there and when, with pictures"),
    [OPT_BLUR] = TEXT("blur", 0, blur, "WHOM", COMPLETE_NONE,
                      "make faces unrecognizable in what is shown and saved: unknown, all, or one person's name"),
    [OPT_KEEP] = TEXT("keep", 0, keep, "NAME", COMPLETE_PEOPLE, "cover all faces but those of this person"),
    [OPT_COVER] = CHOICE("cover", 0, cover, "blur|pixels|box", "what covers a face (default blur)"),
    [OPT_IN_PLACE] = FLAG("in-place", 0, in_place, "write each photo over itself; the one before is lost"),
    [OPT_EVERY] =
        INT("every", 0, every, "N", 1, 1000, "search each N-th frame for faces, follow them between (default 1)"),
    [OPT_FRAME_SIZE] = TEXT("frame-size", 0, frame_size, "WxH", COMPLETE_NONE,
                            "size asked of a camera; size of raw frames on standard input"),
    [OPT_FPS] =
        NUMBER("fps", 0, fps, "F", 0, 1000,
               "frames per second asked of a camera, or of pictures and raw frames (default: the camera's own, 25)"),
    [OPT_HARDWARE] = FLAG("hardware", 0, hardware, "decode with the graphics device where that works"),
    [OPT_INSECURE] =
        FLAG("insecure", 0, insecure, "do not verify the certificates of https, rtmps, rtsps and mqtts addresses"),
    [OPT_LIST] = FLAG("list", 0, list, "list the cameras of this computer"),
    [OPT_STOP_AFTER] =
        NUMBER("stop-after", 0, stop_after, "S", 0, 1e9, "stop after S seconds of video; 0 = at its end (default 0)"),
    [OPT_TERMINAL] = FLAG("terminal", 0, terminal, "no window: lines in the terminal only"),
    [OPT_WITH] = TEXT("with", 0, with, "NAME", COMPLETE_ALBUM, "and this person too, on the same photo"),
    [OPT_FROM] = TEXT("from", 0, from, "DATE", COMPLETE_NONE, "taken then or later: 2024, 2024-05 or 2024-05-17"),
    [OPT_TO] = TEXT("to", 0, to, "DATE", COMPLETE_NONE, "taken then or earlier; the year, month or day counts too"),
    [OPT_COPY] = FLAG("copy", 0, copy, "make copies"),
    [OPT_LINK] = FLAG("link", 0, link, "make symbolic links, which show where the original is"),
    [OPT_HARD_LINK] = FLAG("hard-link", 0, hard_link, "give the same files second names, on the same disk"),
    [OPT_WRITE] = FLAG("write", 0, write, "write names into files"),
    [OPT_READ] = FLAG("read", 0, read, "read names from files"),
    [OPT_STYLE] =
        CHOICE("style", 0, style, "auto|digikam|adobe",
               "name of a new sidecar: photo.jpg.xmp, or photo.xmp (default auto: the one that is there, else "
               "photo.jpg.xmp)"),
    [OPT_ALBUM] = TEXT("album", 'a', album, "FILE", COMPLETE_FILE,
                       "the album's file (default: FCT_ALBUM, else album.db in the folder for a user's data)"),
    [OPT_AGAIN] = FLAG("again", 0, again, "read files that are known and unchanged too"),
    [OPT_NO_MORE] = FLAG("no-more", 0, no_more, "these people are of interest again"),
    [OPT_NULL] = FLAG("null", '0', null, "end each path with a NUL byte, for 'xargs -0'"),
    [OPT_ANEW] = FLAG("anew", 0, anew, "first forget all that was grouped and not decided about"),
    [OPT_FORGET_MISSING] =
        FLAG("forget-missing", 0, forget_missing, "forget the photos of folders that are missing as a whole"),
    [OPT_NO_VIDEOS] = FLAG("no-videos", 0, no_videos, "pass over videos"),
    [OPT_GALLERY] =
        TEXT("gallery", 'g', gallery, "FILE", COMPLETE_FILE,
             "the gallery's file, or the address of a server, postgresql://user@host/database (default: FCT_GALLERY, "
             "else gallery.db in the user's data folder)"),
    [OPT_WAIT] = FLAG("wait", 0, wait, "when all is done, wait for more"),
    [OPT_LEASE] = INT("lease", 0, lease, "S", 5, 86400,
                      "seconds for which claimed photos are held; longer than any photo takes (default 120)"),
    [OPT_ATTEMPTS] =
        INT("attempts", 0, attempts, "N", 1, 1000, "how often a photo is begun before it has failed (default 3)"),
    [OPT_ROOT] = TEXT("root", 0, root, "DIR", COMPLETE_FOLDER,
                      "folder that holds the packs (default: FCT_MODELS, else ~/.insightface/models)"),
    [OPT_URL] = TEXT("url", 0, url, "URL", COMPLETE_NONE,
                     "download from here: the zip itself, or the folder that holds NAME.zip"),
    [OPT_DATA] = TEXT("data", 0, data, "DIR", COMPLETE_FOLDER,
                      "the folder of the server's keys and of its gallery, gallery.db, unless --gallery names another"),
    [OPT_PORT] = INT("port", 'p', port, "N", 0, 65535, "port to listen on; 0 = one that is free (default 8100)"),
    [OPT_HOST] = TEXT("host", 0, host, "ADDRESS", COMPLETE_NONE,
                      "address or name to listen on; '*' = all (default 127.0.0.1: this machine alone)"),
    [OPT_TLS_CERT] =
        TEXT("tls-cert", 0, tls_cert, "FILE", COMPLETE_FILE, "certificate chain (PEM): TLS instead of plain"),
    [OPT_TLS_KEY] = TEXT("tls-key", 0, tls_key, "FILE", COMPLETE_FILE, "the certificate's private key (PEM)"),
    [OPT_API] =
        TEXT("api", 0, api, "LIST", COMPLETE_NONE,
             "interfaces besides facet's own, divided by commas: web (the page), immich, compreface, deepstack, "
             "rekognition, or none (default all but rekognition)"),
    [OPT_ALLOW] = TEXT("allow", 0, allow, "LIST", COMPLETE_NONE,
                       "addresses, as ADDRESS/BITS divided by commas, that may use Immich's interface, which knows no "
                       "keys; this machine may"),
    [OPT_IMMICH_UPSTREAM] = TEXT("immich-upstream", 0, immich_upstream, "URL", COMPLETE_NONE,
                                 "Immich's own machine learning, for what is not faces"),
    [OPT_AUDIT] = TEXT("audit", 0, audit, "WHAT", COMPLETE_NONE,
                       "what the gallery's log of who did what notes: off, changes or searches (default: as it is, and "
                       "changes in a new gallery)"),
    [OPT_MONITOR_FILES] = TEXT("monitor-files", 0, monitor_files, "DIR", COMPLETE_FOLDER,
                               "let monitors watch video files of this folder (default: none)"),
    [OPT_NO_AUTH] = FLAG("no-auth", 0, no_auth, "need no keys: whoever reaches the server may do everything"),
    [OPT_AWS] = FLAG("aws", 0, aws, "the new key signs requests as AWS's clients do, for --api rekognition"),
    [OPT_MQTT] = TEXT("mqtt", 0, mqtt, "URL", COMPLETE_NONE,
                      "the MQTT broker: mqtt://HOST[:1883], or mqtts://HOST[:8883] with TLS"),
    [OPT_MQTT_CA] = TEXT("mqtt-ca", 0, mqtt_ca, "FILE", COMPLETE_FILE,
                         "authorities that may have signed the broker's certificate, PEM (default: the system's)"),
    [OPT_TOPIC] = TEXT("topic", 0, topic, "TOPIC", COMPLETE_NONE, "Frigate's topic (default frigate)"),
    [OPT_FRIGATE] = TEXT("frigate", 0, frigate, "URL", COMPLETE_NONE,
                         "Frigate's own address: http://HOST:5000, or https://HOST:8971 with a token"),
    [OPT_SERVER] = TEXT("server", 0, server, "URL", COMPLETE_NONE,
                        "a facet server that finds the faces, instead of this machine and its gallery"),
    [OPT_AGREEING] = INT("agreeing", 0, agreeing, "N", 1, 30,
                         "snapshots that must give the same name before a person has left (default 2)"),
    [OPT_CREDENTIALS] =
        TEXT("credentials", 0, credentials, "FILE", COMPLETE_FILE, "file with user names, passwords and keys"),
    [OPT_ROLE] = CHOICE("role", 0, role, "reader|enroller|admin", "what a new key may do (default reader)"),
    [OPT_RATE] = NUMBER("rate", 0, rate, "N", 0.001, 1e6,
                        "requests per second that one key or address may make (default: no limit)"),
    [OPT_CONNECTIONS] = INT("connections", 0, connections, "N", 1, 100000, "connections at once (default 1024)"),
    [OPT_QUEUE] =
        INT("queue", 0, queue, "N", 1, 100000, "requests that may wait; more are told to come again (default 64)"),
    [OPT_MAX_BODY] =
        INT64("max-body", 0, max_body, "N", 1024, 4294967296.0, "bytes of a request at most (default 67108864)"),
    [OPT_TIMEOUT] = NUMBER("timeout", 0, timeout, "S", 0.1, 3600, "seconds that a request may take (default 30)"),
    [OPT_PROXY] =
        TEXT("proxy", 0, proxy, "URL", COMPLETE_NONE, "proxy to use (default: http_proxy, https_proxy, no_proxy)"),
    [OPT_SHA256] = TEXT("sha256", 0, sha256, "HEX", COMPLETE_NONE, "hash that the archive must have"),
    [OPT_ACCEPT_LICENSE] =
        FLAG("accept-license", 0, accept_license, "accept the terms of the pack without being asked"),
    [OPT_REPLACE] = FLAG("replace", 0, replace, "replace an installed pack of the same name"),
    [OPT_COLLECTION] = TEXT("collection", 0, collection, "NAME", COMPLETE_NONE,
                            "work in this collection of the gallery alone; enroll makes it if need be"),
    [OPT_KEY_FILE] = TEXT("key-file", 0, key_file, "FILE", COMPLETE_FILE,
                          "the key of an encrypted gallery (default: FCT_GALLERY_KEY)"),
    [OPT_SET] = TEXT("set", 0, set, "KEY=VALUE", COMPLETE_NONE,
                     "note something of the person: VALUE is JSON or else text; empty takes it away"),
    [OPT_CONSENT] = TEXT("consent", 0, consent, "TEXT", COMPLETE_NONE,
                         "note that the person agreed, and to what; 'none' takes it back"),
    [OPT_EXPIRES] = TEXT("expires", 0, expires, "DATE", COMPLETE_NONE,
                         "the day on which the person is to be forgotten, 2027-01-31, or never"),
    [OPT_NOT_FACE] = INT64("not-face", 0, not_face, "ID", 1, 9e15,
                           "the stored face with this number is not the person: take it away, and never name a face "
                           "that is as near to it as to the person"),
    [OPT_MOVE_TO] = TEXT("move-to", 0, move_to, "COLLECTION", COMPLETE_NONE, "move the person to another collection"),
    [OPT_MEANS] = FLAG("means", 0, means,
                       "compare with the mean of each person's faces, not with each face: fewer strangers pass"),
    [OPT_REPEATS] =
        FLAG("repeats", 0, repeats, "let several faces of a photo or frame be the same person: for collages, mirrors"),
    [OPT_VERIFY] = FLAG("verify", 0, verify, "go through the log's chain of hashes and name where it is broken"),
    [OPT_DRY_RUN] = FLAG("dry-run", 0, dry_run, "only list, change nothing"),
    [OPT_PICTURES] = FLAG("pictures", 0, pictures, "with the pictures of the faces"),
    [OPT_MODEL_ID] = TEXT("model-id", 0, model_id, "ID", COMPLETE_NONE,
                          "network that made the embeddings of a file that does not say"),
    [OPT_DROP] = FLAG("drop", 0, drop, "remove faces whose embedding cannot be made anew"),
    [OPT_MODELS] = TEXT("models", 'm', models, "PACK", COMPLETE_PACK,
                        "folder of ONNX files, or the name of a pack (default: FCT_PACK, else the default pack)"),
    [OPT_PRECISION] =
        CHOICE("precision", 0, precision, "fast|exact", "exact: plain fp32 arithmetic, slower (default fast)"),
    [OPT_LOW_MEMORY] = FLAG("low-memory", 0, low_memory, "smallest memory at some cost in speed"),
    [OPT_NO_CACHE] = FLAG("no-cache", 0, no_cache, "neither use nor write the cache of prepared networks (FCT_CACHE)"),
    [OPT_THREADS] = INT("threads", 't', threads, "N", 0, 1024,
                        "threads to compute with; 0 = the CPUs this process may use (default 0)"),
    [OPT_JSON] = FLAG("json", 0, json, "machine-readable output: one JSON object a line"),
    [OPT_QUIET] = FLAG("quiet", 'q', quiet, "no progress line, notes or warnings; errors are still shown"),
    [OPT_VERBOSE] = FLAG("verbose", 'v', verbose, "tell what is loaded and how long each photo takes, on stderr"),
    [OPT_HELP] = FLAG("help", 'h', help, "show this help; --help all also explains the shared options"),
};
