#!/usr/bin/env python3
"""Face regions compared with exiftool: it writes what facet reads, and reads what facet writes.

usage: tags_test.py FACET TAGS_TOOL

TAGS_TOOL writes regions (tests/tools/tags_tool.c). Skipped where exiftool is not installed."""

import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

FACET, TOOL = [str(pathlib.Path(p).resolve()) for p in sys.argv[1:3]]
FORMATS = ["jpg", "png", "webp", "tif"]
AREAS = {"Ada \"x\" L\u00f6ve": (0.25, 0.4, 0.1, 0.2), "\u738b\u4f1f": (0.8, 0.15, 0.3, 0.1)}  # center, size
passed = failed = 0


def check(name, good, detail=""):
    global passed, failed
    passed, failed = passed + bool(good), failed + (not good)
    if not good:
        print("FAIL %s: %s" % (name, detail))


def exiftool(*args):
    return subprocess.run(["exiftool", *args], check=True, capture_output=True, text=True).stdout


def naive(orientation, box):
    """Where a box of the stored picture is shown, by turning a picture of its two corners, as the EXIF standard
    tells what row 0 and column 0 of the stored picture are."""
    x1, y1, x2, y2 = box
    if orientation >= 5:  # rows are columns
        x1, y1, x2, y2 = y1, x1, y2, x2
    right = orientation in (2, 3, 6, 7)  # row or column 0 is on the right
    bottom = orientation in (3, 4, 7, 8)
    if right:
        x1, x2 = 1 - x2, 1 - x1
    if bottom:
        y1, y2 = 1 - y2, 1 - y1
    return x1, y1, x2, y2


def corners(center):
    x, y, w, h = center
    return x - w / 2, y - h / 2, x + w / 2, y + h / 2


def near(a, b, most=2e-5):
    return len(a) == len(b) and all(abs(p - q) <= most for p, q in zip(a, b))


def facet_tags(photo):
    run = subprocess.run([FACET, "tags", "--json", photo], capture_output=True, text=True)
    if run.returncode not in (0, 1):
        check("facet tags " + photo, False, run.stderr)
        return {"regions": []}
    return json.loads(run.stdout)


def region_info():
    """The regions as exiftool takes a structure: in JSON."""
    areas = [
        {"Name": n, "Type": "Face", "Area": dict(zip("XYWH", a), Unit="normalized")} for n, a in AREAS.items()
    ] + [{"Name": "Rex", "Type": "Pet", "Area": dict(zip("XYWH", (0.5, 0.9, 0.1, 0.1)), Unit="normalized")}]
    return {"AppliedToDimensions": {"W": 400, "H": 300, "Unit": "pixel"}, "RegionList": areas}


def read_what_exiftool_wrote(photo, target, orientation):
    source = photo + ".json"
    pathlib.Path(source).write_text(json.dumps([{"SourceFile": target, "XMP-mwg-rs:RegionInfo": region_info()}]))
    exiftool("-q", "-overwrite_original", "-json=" + source, target)
    tags = facet_tags(photo)
    what = "%s, orientation %d" % (target, orientation)
    faces = {r["name"]: r["area"] for r in tags["regions"] if r["kind"] == "face"}
    check("%s: names" % what, set(faces) == set(AREAS), faces)
    for name, area in AREAS.items():
        want = naive(orientation, corners(area))
        check("%s: place of %s" % (what, name), near(faces.get(name, ()), want), (faces.get(name), want))
    check("%s: the pet" % what, [r["name"] for r in tags["regions"] if r["kind"] == "pet"] == ["Rex"])


def read_what_facet_wrote(photo, target, orientation, more=()):
    shown = {n: naive(orientation, corners(a)) for n, a in AREAS.items()}
    words = [w for n, b in shown.items() for w in [n, *("%.7f" % v for v in b)]]
    run = subprocess.run([TOOL, *more, photo, *words], capture_output=True, text=True)
    what = "%s, orientation %d" % (target, orientation)
    check("%s: written" % what, run.returncode == 0, run.stderr)
    got = json.loads(exiftool("-json", "-struct", "-n", "-XMP-mwg-rs:all", "-XMP-MP:all", target))[0]
    info = got.get("RegionInfo", {})
    listed = {r["Name"]: r["Area"] for r in info.get("RegionList", []) if r.get("Type") == "Face"}
    check("%s: size" % what, info.get("AppliedToDimensions") == {"W": 400, "H": 300, "Unit": "pixel"}, info)
    for name, area in AREAS.items():
        a = listed.get(name, {})
        check("%s: MWG area of %s" % (what, name), near([float(a.get(k, 9)) for k in "XYWH"], area), a)
        mp = {r["PersonDisplayName"]: r["Rectangle"] for r in got.get("RegionInfoMP", {}).get("Regions", [])}
        rect = [float(v) for v in mp.get(name, "9").split(",")]
        x, y, w, h = area
        check("%s: MP rectangle of %s" % (what, name), near(rect, (x - w / 2, y - h / 2, w, h)), rect)
    faults = [line for line in exiftool("-validate", "-warning", "-error", "-a", "-s", target).splitlines()
              if line.startswith(("Warning", "Error")) and "Missing required" not in line]
    check("%s: sound to exiftool" % what, not faults, faults)


def all_orientations():
    for n in range(1, 9):
        for kind in FORMATS:
            for where in ("photo", "sidecar"):
                if kind != "jpg" and (where == "sidecar" or n not in (1, 6, 7)):
                    continue  # what turns a box is the same code
                photo = "%s-%d.%s" % (where, n, kind)
                shutil.copy("plain." + kind, photo)
                exiftool("-q", "-overwrite_original", "-n", "-Orientation=%d" % n, photo)
                target = photo if where == "photo" else photo + ".xmp"
                if where == "sidecar":
                    exiftool("-q", "-o", target, "-XMP:Rating=3", "-tagsFromFile", photo)
                read_what_exiftool_wrote(photo, target, n)
                fresh = "fresh-" + photo
                shutil.copy("plain." + kind, fresh)
                exiftool("-q", "-overwrite_original", "-n", "-Orientation=%d" % n, fresh)
                more = ["--in-place"] if where == "photo" else []
                read_what_facet_wrote(fresh, fresh if where == "photo" else fresh + ".xmp", n, more)


def everything_else_is_kept():
    """What exiftool sees in a photo with much metadata stays the same when facet writes names, but for the regions."""
    for kind in FORMATS:
        photo = "rich." + kind
        shutil.copy("plain." + kind, photo)
        exiftool("-q", "-overwrite_original", "-Artist=Somebody", "-XMP-dc:Title=T", "-XMP-dc:Title-de=\u00c4",
                 "-XMP-dc:Subject=a", "-XMP-dc:Subject=b", "-XMP:Rating=4", "-GPSLatitude=48.1", "-GPSLatitudeRef=N",
                 "-XMP-photoshop:City=Ulm", "-XMP-exif:UserComment=hm", photo)
        skip = ["-x", "RegionInfo", "-x", "RegionInfoMP"]
        hide = ["--System:all", "--ExifTool:all", "--XMP-x:all", "--XMP-facet:all", "--ExifByteOrder", "--File:all"]
        listing = lambda: exiftool("-G1", "-a", "-s", "-n", *skip, *hide, "--XMP-mwg-rs:all", "--XMP-MP:all", photo)
        before = listing()
        read_what_facet_wrote(photo, photo, 1, ["--in-place"])
        after = listing()
        check("%s: everything else" % photo, before == after, "before:\n%safter:\n%s" % (before, after))


def heic():
    """A HEIC photo that its box "irot" turns: exiftool says where the region is in the stored picture, and the size."""
    shutil.copy(pathlib.Path(os.environ["FCT_SOURCE"], "fuzz", "corpus", "xmp", "seed-heic"), "a.heic")
    got = json.loads(exiftool("-json", "-struct", "-n", "-Rotation", "-ImageWidth", "-ImageHeight", "-RegionInfo",
                              "a.heic"))[0]
    tags = facet_tags("a.heic")
    check("HEIC: size", (tags["height"], tags["width"]) == (got["ImageWidth"], got["ImageHeight"]), got)
    check("HEIC: turned to the right", got["Rotation"] == 270 and tags["orientation"] == 6, got)
    area = got["RegionInfo"]["RegionList"][0]["Area"]
    want = naive(6, corners([float(area[k]) for k in "XYWH"]))
    check("HEIC: place", tags["regions"] and near(tags["regions"][0]["area"], want), tags)


def main():
    if not shutil.which("exiftool"):
        print("SKIP tags: exiftool is not installed (apt-get install libimage-exiftool-perl)")
        print("0 passed, 0 failed, 1 skipped")
        return 77
    with tempfile.TemporaryDirectory(dir=os.environ.get("FCT_TEST_DIR")) as folder:
        os.chdir(folder)
        for kind in FORMATS[:3]:
            subprocess.run([TOOL, "--make", "plain." + kind], check=True)
        pathlib.Path("plain.tif").write_bytes(plain_tiff())
        all_orientations()
        everything_else_is_kept()
        heic()
        os.chdir("/")
    print("%d passed, %d failed, 0 skipped" % (passed, failed))
    return 1 if failed else 0


def plain_tiff():
    """An uncompressed gray picture of 400 x 300."""
    entries = [(256, 3, 400), (257, 3, 300), (258, 3, 8), (259, 3, 1), (262, 3, 1), (273, 4, 8), (277, 3, 1),
               (278, 3, 300), (279, 4, 120000)]
    pixels = bytes((x * 3 + y) % 256 for y in range(300) for x in range(400))
    data = b"II*\0" + (8 + len(pixels)).to_bytes(4, "little") + pixels + len(entries).to_bytes(2, "little")
    for tag, kind, value in entries:
        data += tag.to_bytes(2, "little") + kind.to_bytes(2, "little") + b"\1\0\0\0" + value.to_bytes(4, "little")
    return data + bytes(4)


sys.exit(main())
