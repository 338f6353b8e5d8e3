#!/usr/bin/env python3
"""facet video on real photos that move:

    crossing_test.py FACET

Two people walk towards each other and past each other, one goes and comes back, they cross again the
other way round; a picture of both is zoomed in and out; one walks out of the picture and in again.
Each is enrolled from another photo than the video is made of. Wanted: no track changes hands, no name
changes, every name is there within five frames, events carry the frames in which somebody came and went.
Needs ffmpeg, photos/deepface of FCT_SHARED and the pack built into FACET; exit status 77 without."""

import json
import os
import shutil
import subprocess
import sys
import tempfile

PHOTOS = {"Ann": ("img25.jpg", "img24.jpg"), "Bea": ("img19.jpg", "img18.jpg")}  # enrolled from, seen
WIDTH, HEIGHT, SIDE = 1280, 720, 200
HEADS = {"Ann": "crop=800:1000:200:60,scale=%d:-2", "Bea": "crop=720:900:250:60,scale=%d:-2"}

# Left edge of each picture at frame n. Ann is there from frame 10 to 189 and from 240.
ANN = "if(lt(n,240),20+6*(n-10),1100-6*(n-240))"
BEA = "if(lt(n,200),1060-5*n,60+5*(n-200))"
CROSSING = (
    f"[1]{HEADS['Ann']},split[a1][a2];[2]{HEADS['Bea']}[b];" % (SIDE, SIDE)
    + f"[0][a2]overlay=x='{ANN}':y=200:enable='gte(n,240)'[x];[x][b]overlay=x='{BEA}':y=180[y];"
    f"[y][a1]overlay=x='{ANN}':y=200:enable='between(n,10,189)'"
)
ZOOM = (
    f"[1]{HEADS['Ann']}[a];[2]{HEADS['Bea']}[b];[0][a]overlay=x=400:y=240[x];[x][b]overlay=x=680:y=220," % (SIDE, SIDE)
    + f"zoompan=z='1.7-0.7*cos(on/150*2*PI)':x='(iw-iw/zoom)/2':y='(ih-ih/zoom)/2':d=1:s={WIDTH}x{HEIGHT}:fps=25"
)
LEAVING = (
    f"[1]{HEADS['Ann']}[a];[2]{HEADS['Bea']}[b];[0][b]overlay=x=100:y=180[x];" % (SIDE, SIDE)
    + "[x][a]overlay=x='if(lt(n,125),600+8*n,2600-8*n)':y=200"
)  # outside from frame 85 to 165


def photo(name):
    return os.path.join(os.environ.get("FCT_SHARED", ""), "photos/deepface", name)


def make_video(path, graph, frames):
    inputs = ["-f", "lavfi", "-i", f"color=0x405060:s={WIDTH}x{HEIGHT}:r=25"]
    for _, seen in PHOTOS.values():
        inputs += ["-loop", "1", "-r", "25", "-i", photo(seen)]
    subprocess.run(
        [
            "ffmpeg",
            "-v",
            "error",
            "-y",
            *inputs,
            "-filter_complex",
            graph + ",format=yuv420p",
            "-frames:v",
            str(frames),
            "-r",
            "25",
            path,
        ],
        check=True,
    )


def watch(facet, path):
    r = subprocess.run([facet, "video", "-q", "--json", path], capture_output=True, text=True, check=True)
    return [json.loads(line) for line in r.stdout.splitlines()]


def names_of(events):
    """Name of each track; a track that was renamed has several, which is a fault."""
    names = {}
    for e in events:
        names.setdefault(e["track"], set()).update({e["name"]} - {None})
    return {track: "/".join(sorted(n)) or "nobody" for track, n in names.items()}


def visits(events):
    """(name, frame of appearing, of leaving, box at leaving) of each track, in order of appearance."""
    names, came = names_of(events), {e["track"]: e["frame"] for e in events if e["event"] == "appeared"}
    return sorted((came[e["track"]], names[e["track"]], e["frame"], e["box"]) for e in events if e["event"] == "left")


def late_names(events):
    came = {e["track"]: e["frame"] for e in events if e["event"] == "appeared"}
    return [e for e in events if e["event"] == "recognized" and e["frame"] > came[e["track"]] + 5]


def middle(box):
    return (box[0] + box[2]) / 2


def check(events, wanted):
    """wanted: (first frame, name, last frame, left edge of the picture then) of each visit; a pair of
    frames stands for anything between."""
    faults, got = [], visits(events)
    if len(got) != len(wanted):
        faults.append("visits %s" % [v[:3] for v in got])
    for (first, name, last, box), (w_first, w_name, w_last, left) in zip(got, wanted):
        in_range = [lo <= v <= hi for v, (lo, hi) in ((first, w_first), (last, w_last))]
        if name != w_name or not all(in_range):
            faults.append("%s from %d to %d, wanted %s from %s to %s" % (name, first, last, w_name, w_first, w_last))
        if left is not None and not left < middle(box) < left + SIDE:
            faults.append("%s leaves at x = %.0f, its picture lies from %d" % (name, middle(box), left))
    faults += ["%s after more than five frames" % e for e in late_names(events)]
    return faults


SCENES = [
    (
        "two people cross, one goes and comes back, they cross again",
        CROSSING,
        400,
        [((0, 0), "Bea", (399, 399), 1055), ((10, 10), "Ann", (189, 189), 1094), ((240, 240), "Ann", (399, 399), 146)],
    ),
    (
        "zoomed in to 2.4 times and out again",
        ZOOM,
        150,
        [((0, 0), "Ann", (149, 149), None), ((0, 0), "Bea", (149, 149), None)],
    ),
    (
        "out of the picture and in again",
        LEAVING,
        240,
        [((0, 0), "Ann", (65, 85), None), ((0, 0), "Bea", (239, 239), 100), ((165, 185), "Ann", (239, 239), 688)],
    ),
]


def main():
    facet = sys.argv[1]
    if not shutil.which("ffmpeg") or not all(os.path.exists(photo(p)) for pair in PHOTOS.values() for p in pair):
        print("SKIP crossing: needs ffmpeg (apt-get install ffmpeg) and photos/deepface of FCT_SHARED")
        return 77
    failed = 0
    with tempfile.TemporaryDirectory() as temp:
        os.environ.update(FCT_GALLERY=os.path.join(temp, "people.db"), XDG_DATA_HOME=temp, XDG_CACHE_HOME=temp)
        for name, (enrolled, _) in PHOTOS.items():
            if subprocess.run([facet, "enroll", "-q", name, photo(enrolled)], stdout=subprocess.DEVNULL).returncode:
                print("SKIP crossing: no pack is built in (-Dembed_pack=true)")
                return 77
        for title, graph, frames, wanted in SCENES:
            video = os.path.join(temp, "scene.mp4")
            make_video(video, graph, frames)
            faults = check(watch(facet, video), wanted)
            for fault in faults:
                print(f"FAIL {title}: {fault}")
            failed += bool(faults)
    print(f"{len(SCENES) - failed} passed, {failed} failed, 0 skipped")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
