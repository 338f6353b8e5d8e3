#!/usr/bin/env python3
"""Runs the example programs on the photos and the pack of tests/tools/make_pack.c and compares what
they print with what is known of those photos.

usage: examples_test.py MAKE_PACK [no-png] [no-gallery]

The programs are named by EXAMPLE_COMPARE, EXAMPLE_... The words after MAKE_PACK name what the build was
made without: without PNG there is no photo to run them on; without a gallery those that open one say so."""

import os
import pathlib
import struct
import subprocess
import sys
import tempfile

from report import Report, toy_pack


def run(name, *args):
    r = subprocess.run(
        [os.environ["EXAMPLE_" + name.upper()], *map(str, args)], capture_output=True, text=True, timeout=60
    )
    return r.returncode, r.stdout, r.stderr


def expect(got, code, *words):
    """Faults where the exit status differs or a word is in neither output."""
    faults = [] if got[0] == code else ["exit status %d, not %d: %s%s" % (got[0], code, got[1], got[2])]
    return faults + ["%r is not in %r" % (w, got[1] + got[2]) for w in words if w not in got[1] + got[2]]


def rows_of(npy):
    """The shape in the header of a NumPy file of version 1.0, and its floats."""
    data = npy.read_bytes()
    length = struct.unpack("<H", data[8:10])[0]
    shape = eval(data[10 : 10 + length])["shape"]
    return shape, struct.unpack("<%df" % ((len(data) - 10 - length) // 4), data[10 + length :])


def check_no_gallery(report, gallery, photo, pack):
    reason = "this build of facet has no gallery"
    report.check(
        "recognize: says that there is no gallery",
        expect(run("recognize", gallery, "Ada", photo, photo, pack), 3, reason),
    )
    report.check("watch: says that there is no gallery", expect(run("watch", photo, pack, gallery), 1, reason))


def check_gallery(report, gallery, box):
    ada, bob, pack = box / "ada.png", box / "bob.png", box / "pack"
    report.check(
        "recognize: the person who was enrolled", expect(run("recognize", gallery, "Ada", ada, ada, pack), 0, "Ada")
    )
    report.check("recognize: a stranger", expect(run("recognize", gallery, "Ada", ada, bob, pack), 0, "unknown"))
    report.check("watch: names what is missing", expect(run("watch", box / "none.mp4", pack, gallery), 1, "none.mp4"))


def check_all(report, box, missing):
    pack = box / "pack"
    ada, bob = box / "ada.png", box / "bob.png"
    report.check(
        "compare: a person and herself", expect(run("compare", ada, ada, pack), 0, "the same person (cosine 1.000")
    )
    report.check("compare: two people", expect(run("compare", ada, bob, pack), 1, "two people"))
    report.check(
        "compare: a missing photo is named", expect(run("compare", ada, box / "none.png", pack), 3, "none.png")
    )
    if "no-gallery" in missing:
        check_no_gallery(report, box / "people.db", ada, pack)
    else:
        check_gallery(report, box / "people.db", box)
    few = box / "few"
    few.mkdir()
    (few / "1.png").write_bytes(ada.read_bytes())
    (few / "2.png").write_bytes(bob.read_bytes())
    (few / "3.txt").write_text("not a photo")
    out = box / "few.npy"
    got = run("embed_folder", few, out, pack)
    report.check(
        "embed_folder: names the rows and the file that is no photo", expect(got, 0, "1.png", "2.png", "3.txt")
    )
    shape, values = rows_of(out)
    lengths = [sum(v * v for v in values[i * shape[1] : (i + 1) * shape[1]]) for i in range(shape[0])]
    report.check(
        "embed_folder: two rows of unit length",
        [] if shape[0] == 2 and all(abs(n - 1) < 1e-4 for n in lengths) else ["%s %s" % (shape, lengths)],
    )
    report.check("watch: says how it is used", expect(run("watch"), 2, "usage: watch"))
    report.check(
        "draw_people: writes a picture",
        expect(run("draw_people", box / "drawn.png"), 0)
        + ([] if (box / "drawn.png").read_bytes()[1:4] == b"PNG" else ["not a PNG file"]),
    )


def main():
    report, missing = Report(), sys.argv[2:]
    if "no-png" in missing:
        report.skip("examples", "this build reads no PNG, which the photos are")
        report.close()
    with tempfile.TemporaryDirectory() as folder:
        toy_pack(sys.argv[1], pathlib.Path(folder))
        check_all(report, pathlib.Path(folder), missing)
    report.close()


main()
