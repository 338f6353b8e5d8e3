"""The sets of faces that compare.py clusters, in two halves by person: one to tune on, one to report.

lfw     the development set's photos, 1 to 7 a person
celeb   aligned crops, 1 to 30 a person
album   both, and what else is in an album: strangers of all ages, of whom each is there once, children among them,
        bursts of five frames, and photos with up to five people"""

import csv
import pathlib
import random
import subprocess
import zlib

import numpy as np

SETS = {"lfw": ["lfw-dev"], "celeb": ["celeb"], "album": ["lfw-dev", "celeb", "utk", "aaf", "bursts"]}
STEP = {"utk": 4, "aaf": 5}  # every fourth, every fifth


class Faces:
    """unit embeddings, person, quality, child, photo (None = a photo each)"""

    def __init__(self, **columns):
        self.__dict__.update(columns)


def make_bursts(data):
    """Frames of a moment: one photo of each of 120 people, moved, turned, resized, brightened, compressed."""
    from PIL import Image, ImageEnhance

    folder = data / "bursts"
    folder.mkdir(exist_ok=True)
    files = {}
    with open(data / "lfw-dev-identities.csv", newline="") as f:
        for r in csv.DictReader(f):
            files.setdefault(r["identity"], []).append(r["file"])
    rnd = random.Random(5)
    who = sorted(files)
    rnd.shuffle(who)
    for person in who[:120]:
        photo = Image.open(data / files[person][0]).convert("RGB")
        for k in range(5):
            moved = (rnd.randint(-8, 8), rnd.randint(-8, 8))
            frame = photo.rotate(rnd.uniform(-8, 8), Image.BICUBIC, translate=moved)
            frame = ImageEnhance.Brightness(frame).enhance(rnd.uniform(0.75, 1.25))
            scale = rnd.uniform(0.6, 1.1)
            frame = frame.resize((int(photo.width * scale), int(photo.height * scale)), Image.BICUBIC)
            frame.save(folder / ("%s-%d.jpg" % (person, k)), quality=rnd.randint(60, 92))


def labels(data):
    """File -> person; a file that is not here shows somebody who is there once."""
    found = {}
    with open(data / "lfw-dev-identities.csv", newline="") as f:
        for r in csv.DictReader(f):
            found[r["file"]] = "lfw " + r["identity"]
    with open(data / "index.csv", newline="") as f:
        for r in csv.DictReader(f):
            if r["identity"]:
                found[r["file"]] = "celeb " + r["identity"]
    return found


def extract(build, data, cache, folder, name, pack):
    """Embeds one folder's faces, the largest of each photo, once."""
    out = cache / ("%s.%s" % (folder, name))
    if not out.with_name(out.name + ".done").exists():
        if folder == "bursts" and not (data / folder).exists():
            make_bursts(data)
        files = sorted((data / folder).iterdir())[:: STEP.get(folder, 1)]
        listed = cache / (folder + ".list")
        listed.write_text("".join("%s\n" % p for p in files))
        subprocess.run([build / "bench/cluster/extract_faces", pack, listed, out, "1"], check=True)
        out.with_name(out.name + ".done").touch()
    with open(str(out) + ".csv", newline="") as f:
        rows = list(csv.DictReader(f))
    return rows, np.fromfile(str(out) + ".f32", dtype=np.float32).reshape(len(rows), -1)


def compose(person, seed=3):
    """Puts one to five faces into a photo, of different people."""
    rng = np.random.default_rng(seed)
    order, photo, number, i = rng.permutation(len(person)), np.empty(len(person), dtype=np.int64), 0, 0
    while i < len(order):
        seen = set()
        for face in order[i : i + rng.choice([1, 1, 1, 2, 2, 3, 4, 5])]:
            if person[face] in seen:
                number, seen = number + 1, set()
            photo[face] = number
            seen.add(person[face])
            i += 1
        number += 1
    return photo


def load(build, data, cache, which, name, pack, half):
    """half: "tune" or "test"; a person is in one of them, by his label's checksum."""
    build, data, cache = pathlib.Path(build), pathlib.Path(data), pathlib.Path(cache)
    known = labels(data)
    parts = []
    for folder in SETS[which]:
        rows, e = extract(build, data, cache, folder, name, pack)
        for r, v in zip(rows, e):
            file = folder + "/" + pathlib.Path(r["file"]).name
            person = known.get(file, "one " + file)
            if folder == "bursts":
                person = "lfw " + pathlib.Path(file).name.split("-")[0]
            if (zlib.crc32(("1" + person).encode()) % 2 == 0) == (half == "tune"):
                parts.append((v, person, float(r["quality"]), 0 <= int(r["age"]) < 14))
    e = np.stack([p[0] for p in parts])
    person = np.array([p[1] for p in parts])
    return Faces(
        e=np.ascontiguousarray(e / np.linalg.norm(e, axis=1, keepdims=True)),
        person=person,
        quality=np.array([p[2] for p in parts], dtype=np.float32),
        child=np.array([p[3] for p in parts], dtype=np.uint8),
        photo=compose(person) if which == "album" else None,
    )
