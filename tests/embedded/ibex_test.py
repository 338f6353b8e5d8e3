#!/usr/bin/env python3
"""What the default pack's manifest asks for reaches the faces: what candidates agree on, and the second look at
small faces, from a folder and built in.

    ibex_test.py FACET MODELS PHOTO SMALL

MODELS: the folder of the pack that is built into FACET; PHOTO: one with several faces; SMALL: one with small
ones."""

import json
import os
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "api"))
from report import Report  # noqa: E402

FACET, MODELS, PHOTO, SMALL = sys.argv[1:5]


def faces(*options, photo=PHOTO):
    """(boxes, landmarks) of a photo's faces."""
    env = {k: v for k, v in os.environ.items() if not k.startswith("FCT_")}
    with tempfile.TemporaryDirectory() as home:
        r = subprocess.run(
            [FACET, "detect", "--json", *options, photo], capture_output=True, text=True, env={**env, "HOME": home}
        )
    found = json.loads(r.stdout)["faces"] if r.returncode == 0 else []
    return [f["box"] for f in found], [f["kps"] for f in found]


def main():
    report = Report()
    with tempfile.TemporaryDirectory() as best:
        for name in os.listdir(MODELS):
            shutil.copy(os.path.join(MODELS, name), best)
        path = os.path.join(best, "pack.json")
        with open(path) as f:
            m = json.load(f)
        looks = [e.pop("second_look", None) for e in m["files"]]
        with open(path, "w") as f:
            json.dump(m, f)
        small, once = [len(faces(*o, photo=SMALL)[0]) for o in ((), ("--models", best))]
        removed = [e.pop("agreement", None) for e in m["files"]]
        with open(path, "w") as f:
            json.dump(m, f)
        built_in, folder, plain = faces(), faces("--models", MODELS), faces("--models", best)
    report.check("ibex asks for a second look", [] if True in looks else ["pack.json: no second_look"])
    report.check("ibex built in looks again", [] if small > once else ["%d faces, %d without it" % (small, once)])
    report.check("ibex asks for agreement", [] if True in removed else ["pack.json: no agreement"])
    report.check("ibex finds the faces", [] if len(folder[0]) > 1 else ["%d faces in %s" % (len(folder[0]), PHOTO)])
    report.check("ibex built in is the folder's", [] if built_in == folder else ["%r, wanted %r" % (built_in, folder)])
    for i, what in enumerate(("boxes", "landmarks")):
        other = [] if plain[i] != folder[i] else ["all are the best candidate's"]
        report.check("ibex without agreement has other " + what, other)
    report.close()


main()
