/* facet video: who appears in a video, and when. */
#include "shell/progress.h"
#include "watch/watch.h"

#include "base/file.h"

/* A file whose number of frames is unknown or absurd shows no progress, since its end cannot be told. */
static int run_video(cli_args *a) {
    cli_watch w;
    fct_frame frame;
    bool ended = false;
    if (a->set.blur && !a->set.record && !a->set.sheet && !a->set.snapshot_dir) {
        cli_error("video: --blur is about what --record, --sheet or --snapshot-dir writes, and none is given");
        return CLI_USE;
    }
    cli_catch_interrupt();
    int code = cli_watch_open(&w, &a->set, a->words[0], false), last;
    if (!code) {
        int total = w.info.frames > 1000000000 ? 0 : (int)w.info.frames;
        cli_progress_start(total, "frames", a->set.quiet);
        while (!code && !ended && !cli_interrupted()) {
            code = cli_watch_step(&w, false, &frame, NULL, &ended);
            cli_progress_step((int)w.frames);
            if (a->set.stop_after > 0 && w.duration >= a->set.stop_after) break;
        }
        cli_progress_end();
        last = cli_watch_finish(&w);
        if (last > code) code = last;
        cli_watch_report_speed(&w);
        if (cli_interrupted()) code = CLI_STOPPED;
        if (!code && !w.visits.n) code = CLI_NONE;
    }
    last = cli_watch_close(&w);
    return last > code ? last : code;
}

const cli_command cmd_video = {
    .name = "video",
    .synopsis = "FILE",
    .summary = "tell who appears in a video, and when",
    .description =
        "Follows the faces of a video and names those that are in the gallery. Prints a line when a face appears, is "
        "recognized and has left, at the end who was there from when to when.\n\n"
        "FILE is a video of any kind FFmpeg reads, a folder of pictures, numbered pictures (shots/img_%04d.jpg), a "
        "stream (rtsp://, http://) or - for raw RGB frames on standard input (--frame-size says how large they "
        "are).\n\n"
        "--events writes one JSON object a line: event (appeared, recognized, left), track, time, frame, name, score, "
        "box. --record writes the video with boxes and names, --sheet a page with a picture of everybody.\n\n"
        "--blur covers every face that is not known to be one that may be seen, and searches more carefully, so it "
        "takes several times as long. In a file a face is covered from before its first to after its last sighting; of "
        "a "
        "camera or a stream nothing can be covered before it is seen. A face that the detector finds in no frame of "
        "half a "
        "second is not covered: look at the result before you publish it.\n\n"
        "Exit code 1 when no face appears, 3 when the file is damaged (what could be read was used).",
    .options = {CLI_PACK_OPTIONS, CLI_VIDEO_OPTIONS},
    .examples = "facet video party.mp4\n"
                "facet video --record named.mp4 --events who.jsonl --sheet who.html party.mp4\n"
                "Cover everybody who is not enrolled; look at the copy before it is published\n"
                "facet video --blur unknown --record public.mp4 party.mp4\n"
                "Every second frame is searched: twice as fast\n"
                "facet video --every 2 corridor.mkv",
    .min_words = 1,
    .max_words = 1,
    .run = run_video,
};
