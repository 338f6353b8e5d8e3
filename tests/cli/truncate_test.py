#!/usr/bin/env python3
"""Files that somebody shortens and writes anew while they are read: an error or a result, never a signal.

usage: truncate_test.py FACET MAKE_PACK"""

import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import threading

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "api"))
from report import Report, toy_pack

FACET, MAKE_PACK = (os.path.abspath(p) for p in sys.argv[1:3])
report = Report()


class Rewriter(threading.Thread):
    """Empties a file and writes it again, over and over."""

    def __init__(self, path):
        super().__init__()
        self.path, self.data, self.stop = path, pathlib.Path(path).read_bytes(), threading.Event()

    def run(self):
        fd = os.open(self.path, os.O_RDWR)
        while not self.stop.is_set():
            os.ftruncate(fd, 0)
            os.pwrite(fd, self.data, 0)
        os.close(fd)

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.stop.set()
        self.join()


def hammer(name, path, runs, *words):
    faults = []
    with Rewriter(path):
        for _ in range(runs):
            p = subprocess.run([FACET, *words], capture_output=True, text=True)
            if p.returncode not in (0, 1, 3):
                faults.append("exit status %d: %s" % (p.returncode, p.stderr[-200:]))
            elif p.returncode == 3 and not p.stderr.startswith("facet: "):
                faults.append("no reason given: %s" % p.stderr[-200:])
    report.check("%s: %d runs while it is rewritten" % (name, runs), faults[:3])


def main():
    with tempfile.TemporaryDirectory() as work:
        os.chdir(work)
        os.environ.update(HOME=work, LC_ALL="C", FCT_CACHE="off")
        os.environ.pop("FCT_MODELS", None)
        toy_pack(MAKE_PACK, pathlib.Path(work))
        shutil.copy("ada.png", "photo.png")
        shutil.copytree("pack", "changing")
        hammer("a photo", "photo.png", 60, "detect", "-m", "pack", *["photo.png"] * 8)
        hammer("a network", "changing/embedder.onnx", 60, "embed", "-m", "changing", "ada.png")
        hammer(
            "a network that is imported",
            "changing/embedder.onnx",
            30,
            "models",
            "import",
            "changing",
            "copy",
            "--root",
            "store",
            "--replace",
        )
        os.chdir("/")
    report.close()


main()
