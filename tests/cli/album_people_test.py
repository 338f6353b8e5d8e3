#!/usr/bin/env python3
"""facet album from a scan to named people, on photos of people who are known.

usage: album_people_test.py FACET

Photos come from the development data (FCT_SHARED); without it the test is skipped."""

import csv
import json
import os
import pathlib
import pty
import select
import shutil
import subprocess
import sys
import tempfile

FACET = str(pathlib.Path(sys.argv[1]).resolve())
passed = failed = 0


def check(name, good, detail=""):
    global passed, failed
    passed, failed = passed + bool(good), failed + (not good)
    if not good:
        print("FAIL %s: %s" % (name, detail))


def facet(*args, code=0, text=None):
    r = subprocess.run([FACET, "album", *args], capture_output=True, text=True, input=text)
    check("facet album " + " ".join(args), r.returncode == code, "%d %s%s" % (r.returncode, r.stdout, r.stderr))
    return r.stdout


def lines(*args, code=0):
    return [json.loads(line) for line in facet(*args, "--json", code=code).splitlines()]


def persons():
    """File -> the persons of its faces."""
    found = {}
    for person in range(1, 200):
        r = subprocess.run([FACET, "album", "faces", str(person), "--json"], capture_output=True, text=True)
        for line in r.stdout.splitlines():
            face = json.loads(line)
            found.setdefault(pathlib.Path(face["face"]["file"]).name, set()).add(face["person_id"])
    return found


def review_by_keys(keys):
    """Runs the review in a terminal and presses keys, each after the question's last words."""
    last_words = b"[q]uit: ", b"[q]uit:\033[K\033[1C\033[?25h"  # the second as Wine draws it
    leader, follower = pty.openpty()
    p = subprocess.Popen([FACET, "album", "review"], stdin=follower, stdout=follower, stderr=follower)
    os.close(follower)
    seen, waiting = b"", list(keys)
    while True:
        ready = select.select([leader], [], [], 60)[0]
        try:
            part = os.read(leader, 4096) if ready else b""
        except OSError:
            part = b""
        if not part:
            break
        seen += part
        if waiting and seen.endswith(last_words):
            os.write(leader, waiting.pop(0).encode())
    os.close(leader)
    return p.wait(timeout=60), seen.decode(errors="replace")


def same_people(photos):
    """The pairs of the photos that show one person each, as master.csv has it."""
    with open(photos / "master.csv", newline="") as f:
        return [(r["file_x"], r["file_y"]) for r in csv.DictReader(f) if r["Decision"].strip() == "Yes"]


def main():
    shared = os.environ.get("FCT_SHARED", "")
    photos = pathlib.Path(shared) / "photos" / "deepface"
    if not shared or not photos.is_dir():
        print("SKIP album_people: no development data: FCT_SHARED names no folder of it")
        return 77
    work = pathlib.Path(tempfile.mkdtemp())
    os.environ.update(HOME=str(work), FCT_ALBUM=str(work / "album.db"), TERM="xterm-256color", LC_ALL="C")
    os.environ["FCT_PACK"] = str(pathlib.Path(__file__).resolve().parents[2] / "models" / "ibex")
    for name in ("FCT_MODELS", "FCT_GALLERY", "NO_COLOR"):
        os.environ.pop(name, None)
    try:
        album(photos, work)
    finally:
        shutil.rmtree(work)
    print("%d passed, %d failed, 0 skipped" % (passed, failed))
    return 1 if failed else 0


def album(photos, work):
    (work / "photos").mkdir()
    for p in photos.glob("*.jpg"):
        shutil.copy(p, work / "photos")
    scan = lines("scan", str(work / "photos"))[-1]
    check("people were found", scan["people"]["new_people"] >= 8, scan)
    who = persons()
    pairs = [p for p in same_people(photos) if all(len(who.get(f, ())) == 1 for f in p)]
    together = sum(who[a] == who[b] for a, b in pairs)
    check("pairs of one person are together", together >= 0.9 * len(pairs) > 10, "%d of %d" % (together, len(pairs)))

    # A name, with the gallery; it stays when all is grouped anew.
    anna = next(iter(who["img1.jpg" if "img1.jpg" in who else "img2.jpg"]))
    gallery = str(work / "gallery.db")
    facet("name", str(anna), "Anna", "--gallery", gallery)
    out = subprocess.run([FACET, "identify", "--gallery", gallery, str(photos / "img2.jpg")], capture_output=True,
                         text=True).stdout
    check("identify knows her", "Anna" in out, out)
    faces = lines("faces", "Anna")
    facet("cluster", "--anew")
    check("a name stays", len(lines("faces", "Anna")) == len(faces))

    # Not this person, and back.
    one = faces[0]["face"]
    facet("not-this-person", "Anna", one["file"])
    facet("cluster", "--anew")
    left = {f["face"]["face_id"] for f in lines("faces", "Anna")}
    check("a face that is not hers stays away", one["face_id"] not in left, left)
    facet("confirm", "Anna", "face:%d" % one["face_id"])
    check("and comes back", one["face_id"] in {f["face"]["face_id"] for f in lines("faces", "Anna")})
    facet("undo")
    check("undo", one["face_id"] not in {f["face"]["face_id"] for f in lines("faces", "Anna")})

    # A photo of many stands for her face in it, and for nobody's where she is not on it.
    selfie = str(work / "photos" / "selfie-many-people.jpg")
    before = {f["face"]["face_id"]: f["person_id"] for f in lines("faces", selfie)}
    here = [i for i in before.values() if i == anna]
    check("a photo's faces", len(before) >= 5 and len(here) <= 1, before)
    facet("confirm", "Anna", selfie, code=0 if here else 2)
    check("the others stay", before == {f["face"]["face_id"]: f["person_id"] for f in lines("faces", selfie)})

    # Split, merge.
    hers = [f["face"]["face_id"] for f in lines("faces", "Anna")]
    split = lines("split", "Anna", "face:%d" % hers[0], "face:%d" % hers[1])[0]
    check("split", len(lines("faces", str(split["person_id"]))) == 2)
    facet("merge", "Anna", str(split["person_id"]))
    check("merge", {f["face"]["face_id"] for f in lines("faces", "Anna")} == set(hers))
    fresh = lines("differ", "face:%d" % hers[0], "face:%d" % hers[-1])[0]["person_id"]
    check("differ", hers[-1] in {f["face"]["face_id"] for f in lines("faces", str(fresh))})
    facet("undo")
    facet("ignore", "face:%d" % hers[0])
    check("ignore", hers[0] not in {f["face"]["face_id"] for f in lines("faces", "Anna")})
    facet("undo")
    lines("differ", "face:%d" % hers[0], "face:%d" % min(before))
    facet("undo")
    lines("ignore", str(anna))
    check("ignored", [p for p in lines("people")[0]["people"] if p["ignored"]])
    lines("ignore", "--no-more", "Anna")
    check("and no more", not [p for p in lines("people")[0]["people"] if p["ignored"]])

    # A new album gets the name from the gallery.
    os.environ["FCT_ALBUM"] = str(work / "second.db")
    facet("scan", str(work / "photos"))
    check("named by the gallery", lines("cluster", "--gallery", gallery)[0]["people"]["recognized"] >= 1)
    check("with her faces", len(lines("faces", "Anna")) >= len(hers))
    facet("undo")
    facet("faces", "Anna", code=1)
    check("named again", lines("cluster", "--gallery", gallery)[0]["people"]["recognized"] >= 1)
    review()

    for args, code in ((("name", "nobody", "X"), 1), (("name", "1"), 2), (("name", "1", "12"), 2),
                       (("name", "1", "face:3"), 2), (("merge", "Anna", "Anna"), 2), (("faces", "nobody"), 1),
                       (("split", "Anna", "/no/such.jpg"), 3), (("split", "Anna", "face:x"), 2),
                       (("review", "1+2"), 2), (("review", "1+99999=yes"), 1)):
        facet(*args, code=code)


def review():
    """Splits everybody into doubtful parts by a high threshold, then answers what is asked."""
    facet("cluster", "--anew", "--threshold", "0.8")
    asked = lines("review")
    check("questions", len(asked) >= 3, len(asked))
    if len(asked) < 3:
        return
    likely = [q["likelihood"] for q in asked]
    check("the likeliest first", likely == sorted(likely, reverse=True), likely)
    status, seen = review_by_keys("nsuq")
    check("what is undone does not count", status == 0 and "0 answered with yes, 0 with no" in seen, seen[-300:])
    check("its question comes again", seen.count("1 of %d  " % len(asked)) == 2, seen[-300:])
    status, seen = review_by_keys("nq")
    check("review by keys", status == 0 and "0 answered with yes, 1 with no" in seen, seen[-300:])
    check("pictures of both", "\u2580" in seen)
    second = lines("review")
    check("an answer is not asked again", asked[0]["question"] not in {q["question"] for q in second})
    facet("review", second[0]["question"] + "=yes")
    facet("review", "-", text=second[-1]["question"] + " no\n")
    third = {q["question"] for q in lines("review")}
    check("answers by words and lines", not third & {second[0]["question"], second[-1]["question"]})


sys.exit(main())
