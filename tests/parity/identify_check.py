#!/usr/bin/env python3
"""A gallery made from one photo per person names the people in their other photos.

    identify_check.py FACET SHARED

FACET is the command, SHARED the folder with photos/deepface (master.csv: pairs of
files and whether they show the same person) and weights/. Exit status 1 when a
person is missed or somebody else's name is given, 77 without the photos.
"""

import csv
import json
import os
import shutil
import subprocess
import sys
import tempfile


def people(folder):
    """Photos by person: the classes that the pairs marked Yes join."""
    parent = {}

    def find(x):
        parent.setdefault(x, x)
        while parent[x] != x:
            x = parent[x]
        return x

    with open(os.path.join(folder, "master.csv"), encoding="utf-8") as f:
        for row in csv.DictReader(f):
            a, b = row["file_x"].strip(), row["file_y"].strip()
            if row["Decision"].strip() == "Yes":
                parent[find(a)] = find(b)
    groups = {}
    for x in sorted(parent):
        if os.path.exists(os.path.join(folder, x)):
            groups.setdefault(find(x), []).append(os.path.join(folder, x))
    return {k: v for k, v in groups.items() if len(v) > 1}


def main():
    facet, shared = sys.argv[1:3]
    folder = os.path.join(shared, "photos/deepface")
    if not os.path.exists(os.path.join(folder, "master.csv")):
        print("SKIP identify_check: no photos in", folder)
        return 77
    known, asked, wrong = people(folder), 0, 0
    with tempfile.TemporaryDirectory() as tmp:
        for name in ("scrfd_2.5g_kps.onnx", "mfnet_y1.onnx"):
            shutil.copy(os.path.join(shared, "weights", name), tmp)
        common = ["--models", tmp, "--gallery", os.path.join(tmp, "people.db")]
        for name, photos in known.items():
            subprocess.run([facet, "enroll", name, photos[0], *common], check=True, stdout=subprocess.DEVNULL)
        for name, photos in known.items():
            for photo in photos[1:]:
                r = subprocess.run(
                    [facet, "identify", "--json", photo, *common], capture_output=True, text=True, check=False
                )
                found = [f.get("name") for f in json.loads(r.stdout)["faces"]]
                asked += 1
                if name not in found or any(n not in (name, None) for n in found):
                    wrong += 1
                    print(f"FAIL {os.path.basename(photo)}: {name} expected, {found} found")
    print(f"{len(known)} people enrolled by one photo, {asked - wrong} of {asked} other photos identified")
    return 1 if wrong or not asked else 0


if __name__ == "__main__":
    sys.exit(main())
