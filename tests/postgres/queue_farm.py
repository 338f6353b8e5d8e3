"""A queue, photos for it and workers, for the tests."""

import json
import os
import pathlib
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "api"))
from report import toy_pack

FACES = {"ada.png": 1, "bob.png": 1, "three.png": 3, "empty.png": 0, "bob2.png": 1, "small.png": 1}


class Farm:
    def __init__(self, facet, make_pack, cluster, folder):
        self.facet, self.cluster, self.folder = facet, cluster, folder
        toy_pack(make_pack, folder)
        self.env = dict(os.environ, FCT_THREADS="1")
        self.use("q0")

    def use(self, schema):
        """From now on a queue and a gallery of this name."""
        self.schema = schema
        self.env["FCT_GALLERY"] = self.cluster.url(schema=schema)

    def words(self, *words):
        pack = ["--models", str(self.folder / "pack")] if words[0] == "worker" or words[:2] == ("queue", "add") else []
        return [self.facet, *words, *pack]

    def call(self, *words, code=0):
        done = subprocess.run(self.words(*words), env=self.env, capture_output=True, text=True, timeout=200)
        if done.returncode != code:
            raise AssertionError("%s: %d: %s%s" % (words, done.returncode, done.stdout, done.stderr))
        return done.stdout

    def start_worker(self, *words):
        return subprocess.Popen(self.words("worker", *words), env=self.env, stdout=subprocess.DEVNULL,
                                stderr=subprocess.PIPE, text=True)

    def status(self):
        return json.loads(self.call("queue", "status", "--json"))

    def photos(self, name, n):
        """A folder of n photos, each of its own content, and how many faces each has."""
        folder, expected = self.folder / name, {}
        folder.mkdir()
        for i in range(n):
            kind = sorted(FACES)[i % len(FACES)]
            path = folder / ("%05d-%s" % (i, kind))
            path.write_bytes((self.folder / kind).read_bytes() + b"#%d" % i)
            expected[str(path)] = FACES[kind]
        return folder, expected

    def check_faces(self, expected):
        """Whether exactly the expected faces are stored, once each."""
        counts = dict.fromkeys(expected, 0)
        for line in self.call("queue", "faces").splitlines():
            counts[json.loads(line)["file"]] += 1
        faults = ["%s: %d faces instead of %d" % (p, counts[p], n) for p, n in expected.items() if counts[p] != n]
        s = self.status()
        if s["done"] != len(expected) or s["waiting"] or s["running"] or s["failed"]:
            faults.append(str(s))
        return faults[:5]
