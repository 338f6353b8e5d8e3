#!/usr/bin/env python3
"""A photo library from the first scan to names that exiftool reads.

usage: library_test.py small|large FACET MAKE_PACK

small: generated photos of people whom the pack of tests/tools/make_pack.c tells apart; always runs.
large: 2,000 photos of FCT_SHARED (the development faces, whose people are known, and group photos), with
the built-in pack. Groups are named by the people that most of their photos show, as a user would; what
grouping was not sure of is answered from the labels.

Then for both: photos sorted into folders, names written into sidecars and read by exiftool, a report, a
second album that gets the names from the sidecars, and the photos byte for byte what they were."""

import collections
import csv
import hashlib
import html.parser
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tarfile
import tempfile
import urllib.parse

MODE, FACET, MAKE_PACK = sys.argv[1], *[str(pathlib.Path(p).resolve()) for p in sys.argv[2:4]]
SHARED = os.environ.get("FCT_SHARED")
PHOTOS = 2000
passed = failed = skipped = 0


def check(name, good, detail=""):
    global passed, failed
    passed, failed = passed + bool(good), failed + (not good)
    if not good:
        print("FAIL %s: %s" % (name, str(detail)[:1500]))


def skip(name, reason):
    global skipped
    skipped += 1
    print("SKIP %s: %s" % (name, reason))


def facet(*words, codes=(0,), stdin=None):
    run = subprocess.run([FACET, *words], capture_output=True, text=True, input=stdin)
    if run.returncode not in codes:
        check("facet " + " ".join(words), False, "exit code %d: %s" % (run.returncode, run.stderr))
    return run.stdout


def lines(*words, **more):
    return [json.loads(line) for line in facet(*words, "--json", **more).splitlines()]


def album(*words, **more):
    """The one line of an action; {} where it printed none."""
    return (lines("album", *words, **more) or [{}])[0]


def digest(folder):
    return {os.path.realpath(p): hashlib.sha256(p.read_bytes()).hexdigest() for p in sorted(folder.rglob("*"))
            if p.is_file() and p.suffix != ".xmp"}


# ---- Libraries -------------------------------------------------------------------------------------


def small_library(photos):
    """Photos of make_pack's people in two folders, with a copy and two files of one name."""
    os.makedirs("made/pack")
    for name in ("other", "blind", "headless"):
        os.makedirs("made/" + name)
    subprocess.run([MAKE_PACK, "made"], check=True, capture_output=True)
    (photos / "more").mkdir(parents=True)
    who = {"ada.png": "Ada", "ada2.jpg": "Ada", "bob.png": "Bob", "eve.webp": "Eve"}
    truth = {}
    for name, person in who.items():
        shutil.copy("made/" + name, photos / name)
        truth[str((photos / name).resolve())] = person
    again = photos / "more" / "bob again.png"  # the same picture in another file
    again.write_bytes((photos / "bob.png").read_bytes() + b"\0")
    truth[str(again.resolve())] = "Bob"
    shutil.copy("made/ada2.jpg", photos / "more" / "bob.png")  # Ada, under a name that Bob has too
    truth[str((photos / "more" / "bob.png").resolve())] = "Ada"
    return truth, ["-m", "made/pack"]


def large_library(photos):
    """The development faces, and group photos up to 2,000; the label of each that has one."""
    shared, truth = pathlib.Path(SHARED), {}
    with tarfile.open(shared / "faces" / "lfw-dev.tar") as tar:
        tar.extractall(photos)
    with open(shared / "faces" / "lfw-dev-identities.csv") as f:
        for row in csv.DictReader(f):
            truth[str((photos / row["file"]).resolve())] = "Person " + row["identity"][1:]
    shutil.copytree(shared / "photos", photos / "photos", ignore=lambda d, names: [
        n for n in names if "." in n and not n.lower().endswith((".jpg", ".jpeg", ".png", ".webp"))])
    n = sum(p.is_file() for p in photos.rglob("*"))
    with tarfile.open(shared / "faces" / "groups.tar") as tar:
        for member in tar:
            if member.isfile() and n < PHOTOS:
                tar.extract(member, photos)
                n += 1
    return truth, []


# ---- Naming -----------------------------------------------------------------------------------------


def label(truth, face):
    return truth.get(os.path.realpath(face["file"]))


def name_groups(truth):
    """Names each group after the person whom more than half of its photos show."""
    for person in album("people")["people"]:
        if person["name"]:
            continue
        shown = collections.Counter(label(truth, line["face"]) for line in lines("album", "faces", str(person["id"])))
        best, n = shown.most_common(1)[0]
        if best and 2 * n > sum(shown.values()):
            facet("album", "name", str(person["id"]), best)


def answer_questions(truth, rounds):
    """Answers suggestions by the labels of the two photos; returns how many."""
    answers = 0
    for _ in range(rounds):
        asked = lines("album", "review", codes=(0, 1))
        said = []
        for q in asked:
            a, b = label(truth, q["face"]), label(truth, q["other_face"])
            if a and b:
                said.append("%s %s" % (q["question"], "yes" if a == b else "no"))
        if not said:
            break
        facet("album", "review", "-", stdin="\n".join(said) + "\n", codes=(0, 1))
        answers += len(said)
    return answers


def found_people():
    return {p["name"]: {os.path.realpath(f["file"]) for f in album("find", p["name"])["found"]}
            for p in album("people")["people"] if p["name"]}


def judge_names(people, truth, hashes):
    """How many of the labelled photos that have a name have the right one, and how many have it at all. Copies count
    once: the album knows them as one photo."""
    right = wrong = 0
    for name, files in people.items():
        for file in files:
            right, wrong = right + (truth.get(file) == name), wrong + (truth.get(file, name) != name)
    several = collections.Counter({hashes[f]: name for f, name in truth.items()}.values())
    all_of_several = sum(n for n in several.values() if n > 1)
    return right / max(1, right + wrong), right / max(1, all_of_several)


# ---- What is made of it ---------------------------------------------------------------------------------


def check_sorting(people):
    before = album("sort", "out", "--hard-link")
    check("sort: no failure", before["failed"] == 0, before)
    check("sort: a photo for each person on it", before["new"] == sum(map(len, people.values())), before)
    folders = {p.name: [f for f in p.iterdir()] for p in pathlib.Path("out").iterdir()}
    check("sort: a folder for each person", len(folders) == len(people), sorted(folders)[:5])
    for name, files in people.items():
        inodes = {os.stat(f).st_ino for f in files}
        mine = {f.stat().st_ino for f in folders.get(name, [])}
        if inodes != mine:
            check("sort: the photos of " + name, False, (len(inodes), len(mine)))
    again = album("sort", "out", "--hard-link")
    check("sort: nothing new another time", again["new"] == 0 and again["failed"] == 0, again)


def names_by_exiftool(photos):
    """Photo -> names in its sidecar, by both kinds of regions."""
    out = subprocess.run(["exiftool", "-json", "-struct", "-n", "-r", "-ext", "xmp", "-XMP-mwg-rs:RegionInfo",
                          "-XMP-MP:RegionInfoMP", str(photos)], capture_output=True, text=True).stdout
    got = {}
    for entry in json.loads(out or "[]"):
        mwg = entry.get("RegionInfo", {}).get("RegionList", [])
        mp = entry.get("RegionInfoMP", {}).get("Regions", [])
        names = sorted(r["Name"] for r in mwg)
        check("exiftool: both kinds agree", names == sorted(r["PersonDisplayName"] for r in mp), entry["SourceFile"])
        for r in mwg:
            a = r["Area"]
            inside = 0 <= a["X"] - a["W"] / 2 + 1e-5 and a["X"] + a["W"] / 2 <= 1 + 1e-5
            check("exiftool: areas are inside", inside and r["Type"] == "Face", r)
        got[os.path.realpath(entry["SourceFile"][:-4])] = set(names)
    return got


def check_tags(people, photos):
    want = collections.defaultdict(set)
    for name, files in people.items():
        for file in files:
            want[file].add(name)
    wrote = album("tags", "--write")
    check("tags: no failure", wrote.get("failed") == 0, wrote)
    check("tags: nothing new another time", album("tags", "--write").get("changed") == 0)
    check("tags: what facet wrote is no news", album("tags", "--read").get("named") == 0)
    if not shutil.which("exiftool"):
        return skip("names read by exiftool", "exiftool is not installed (apt-get install libimage-exiftool-perl)")
    got = names_by_exiftool(photos)
    copies = {f: n for f, n in got.items() if f in want}
    check("tags: exiftool reads the same names", copies == dict(want),
          [(f, n, got.get(f)) for f, n in want.items() if got.get(f) != n][:3])


class Links(html.parser.HTMLParser):
    """Addresses that a page needs."""

    def __init__(self):
        super().__init__()
        self.found = []

    def handle_starttag(self, tag, attrs):
        self.found += [v for k, v in attrs if k in ("href", "src") and v]


def check_report(people):
    facet("album", "report", "report")
    pages = list(pathlib.Path("report").rglob("*.html"))
    check("report: a page for each person", len(pages) > len(people), len(pages))
    broken, outside = [], []
    for page in pages:
        links = Links()
        links.feed(page.read_text())
        for link in links.found:
            if link.startswith("file://"):
                target = pathlib.Path(urllib.parse.unquote(link[7:]))
            elif ":" in link:
                outside.append(link)
                continue
            else:
                target = page.parent / link
            if not target.exists():
                broken.append((str(page), link))
    check("report: every link leads somewhere", not broken, broken[:3])
    check("report: nothing from a network", not outside, outside[:3])


def check_second_album(people, pack, photos):
    """Names outlive the album: another one gets them from the sidecars."""
    os.environ["FCT_ALBUM"] = str(pathlib.Path("second.db").resolve())
    facet("album", "scan", *pack, str(photos), codes=(0, 3))
    read = album("tags", "--read")
    check("second album: no failure", read.get("failed") == 0, read)
    again = found_people()
    lost = {n: len(f - again.get(n, set())) for n, f in people.items() if f - again.get(n, set())}
    check("second album: everybody is on the same photos", not lost, lost)


def run(make, least):
    with tempfile.TemporaryDirectory(dir=os.environ.get("FCT_TEST_DIR")) as folder:
        os.chdir(folder)
        os.environ.update(FCT_ALBUM=str(pathlib.Path("album.db").resolve()), HOME=folder)
        photos = pathlib.Path("library")
        photos.mkdir()
        truth, pack = make(photos)
        before = digest(photos)
        facet("album", "scan", *pack, str(photos), codes=(0, 3))
        status = album("status")
        check("scan: every file is known", status["files"] == len(before), (status["files"], len(before)))
        name_groups(truth)
        answers = answer_questions(truth, 4)
        name_groups(truth)
        people = found_people()
        precision, recall = judge_names(people, truth, before)
        print("%d files, %d faces, %d people named, %d questions answered: %.4f of the names are right, "
              "%.4f of the photos of people with several have theirs"
              % (status["files"], status["faces"], len(people), answers, precision, recall))
        check("names: right", precision >= least[0], precision)
        check("names: there", recall >= least[1], recall)
        check_sorting(people)
        check_tags(people, photos)
        check_report(people)
        check_second_album(people, pack, photos)
        check("no photo has changed", digest(photos) == before)
        os.chdir("/")


def main():
    if MODE == "small":
        run(small_library, (1, 1))
    elif not os.environ.get("FCT_LARGE"):
        skip("a library of %d photos" % PHOTOS, "it takes minutes; FCT_LARGE=1 runs it")
    elif not SHARED or not pathlib.Path(SHARED, "faces", "lfw-dev.tar").is_file():
        skip("a library of %d photos" % PHOTOS, "no development data: FCT_SHARED names no folder of it")
    else:
        run(large_library, (0.98, 0.85))
    print("%d passed, %d failed, %d skipped" % (passed, failed, skipped))
    return 1 if failed else 0 if passed else 77


sys.exit(main())
