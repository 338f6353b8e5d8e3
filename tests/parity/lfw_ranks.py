#!/usr/bin/env python3
"""The gallery ranks people as NumPy does on the same embeddings.

    lfw_ranks.py FACET SHARED

FACET is the command, SHARED the folder with faces/lfw-dev.tar (photos of many people),
lfw-dev-identities.csv and weights/. One photo of each person who has two or more is
looked for among all others. Exit status 1 when a list of the 20 nearest people differs
by more than the order of equal scores, 77 without the photos or NumPy.
"""

import csv
import json
import os
import subprocess
import sys
import tarfile
import tempfile

TOP = 20


def embed(facet, common, photos, folder):
    """Rows of the largest face of each photo, and the photos they belong to."""
    import numpy as np

    listed, out = os.path.join(folder, "photos"), os.path.join(folder, "rows.npy")
    with open(listed, "w", encoding="utf-8") as f:
        f.writelines(p + "\n" for p in photos)
    done = subprocess.run(
        [facet, "embed", "--format", "npy", "--out", out, "--max-faces", "1", "--files-from", listed, *common],
        capture_output=True,
        text=True,
        check=False,
    )
    files = [line.split("\t")[2] for line in done.stdout.splitlines()]
    rows = np.load(out)
    assert len(files) == len(rows) and rows.ndim == 2, (len(files), rows.shape, done.stderr[-500:])
    return rows, files


def numpy_ranks(rows, names, probe):
    """People by the best cosine of their rows, in double precision."""
    import numpy as np

    unit = rows.astype(np.float64)
    unit /= np.linalg.norm(unit, axis=1, keepdims=True)
    p = probe.astype(np.float64)
    best = {}
    for name, score in zip(names, unit @ (p / np.linalg.norm(p))):
        best[name] = max(best.get(name, -2), score)
    return sorted(best.items(), key=lambda x: -x[1])


def differs(found, wanted):
    """Whether a list of (name, score) is not the wanted one, equal scores in any order."""
    scores = dict(wanted)
    if len(found) != min(TOP, len(wanted)) or len({n for n, _ in found}) != len(found):
        return True
    return any(abs(s - w[1]) > 6e-5 or abs(scores[n] - w[1]) > 1e-6 for (n, s), w in zip(found, wanted))


def identify(facet, common, photos, mode):
    """The lists of the nearest people, by photo."""
    r = subprocess.run(
        [facet, "identify", "--json", "--top", str(TOP), "--max-faces", "1", "--search", mode, *common, *photos],
        capture_output=True,
        text=True,
        check=False,
    )
    lists = {}
    for line in r.stdout.splitlines():
        photo = json.loads(line)
        lists[photo["file"]] = [(m["name"], m["cosine"]) for m in photo["faces"][0]["nearest"]]
    return lists


def main():
    facet, shared = sys.argv[1:3]
    try:
        import numpy
    except ImportError:
        print("SKIP lfw_ranks: no numpy")
        return 77
    tar = os.path.join(shared, "faces/lfw-dev.tar")
    if not os.path.exists(tar):
        print("SKIP lfw_ranks: no", tar)
        return 77
    with tempfile.TemporaryDirectory() as tmp:
        with tarfile.open(tar) as t:
            t.extractall(tmp, filter="data") if hasattr(tarfile, "data_filter") else t.extractall(tmp)
        with open(os.path.join(shared, "faces/lfw-dev-identities.csv"), encoding="utf-8") as f:
            people = {os.path.join(tmp, r["file"]): r["identity"] for r in csv.DictReader(f)}
        models = os.path.join(tmp, "models")
        os.mkdir(models)
        for name in ("scrfd_500m_kps.onnx", "mfnet_y1.onnx"):
            os.symlink(os.path.join(os.path.abspath(shared), "weights", name), os.path.join(models, name))
        pack = ["--models", models]
        rows, files = embed(facet, pack, sorted(people), tmp)
        of = dict(zip(files, rows))
        count, probes, names, known = {}, [], [], []
        for file in files:
            count[people[file]] = count.get(people[file], 0) + 1
        for file in files:
            if count[people[file]] > 1:
                probes.append(file)
                count[people[file]] = 0  # the others of this person are known
            else:
                known.append(of[file])
                names.append(people[file])
        known = numpy.array(known)
        numpy.save(os.path.join(tmp, "known.npy"), known)
        with open(os.path.join(tmp, "names.txt"), "w", encoding="utf-8") as f:
            f.writelines(n + "\n" for n in names)
        common = [*pack, "--gallery", os.path.join(tmp, "g.db")]
        other = [*pack, "--gallery", os.path.join(tmp, "one.db")]  # which says how the network is called
        subprocess.run([facet, "enroll", "somebody", files[0], "--quiet", "--yes", *other], check=True)
        told = subprocess.run([facet, "gallery", "info", "--json", *other], capture_output=True, check=True).stdout
        model = json.loads(told)["model_id"]
        subprocess.run(
            [facet, "gallery", "import", os.path.join(tmp, "known.npy"), os.path.join(tmp, "names.txt"), "--quiet"]
            + ["--model-id", model, "--gallery", os.path.join(tmp, "g.db")],
            check=True,
        )
        wrong = 0
        wanted = {p: numpy_ranks(known, names, of[p]) for p in probes}
        for mode in ("exact", "fast"):
            found = identify(facet, common, probes, mode)
            for p in probes:
                if differs(found.get(p, []), wanted[p]):
                    wrong += 1
                    print(f"FAIL {mode} {os.path.basename(p)}: {found.get(p, [])[:3]}, not {wanted[p][:3]}")
        first = sum(wanted[p][0][0] == people[p] for p in probes)
    print(f"{len(known)} faces, {len(probes)} probes, {first} find their person first; {wrong} lists differ")
    return 1 if wrong or len(probes) < 100 else 0


if __name__ == "__main__":
    sys.exit(main())
