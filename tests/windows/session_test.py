#!/usr/bin/env python3
"""The first session of a user of Windows: the zip file of scripts/dist, unpacked below the folder of a user in an
empty installation of Wine, and every command of the README in it, in its order. By a user whose name is Chinese too.

usage: session_test.py SOURCE_ROOT BUILD_ROOT USER..."""
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "api"))
from report import Report

SOURCE, BUILD = map(os.path.abspath, sys.argv[1:3])
USERS = sys.argv[3:]
WINE = os.path.join(SOURCE, "scripts/cross/run-windows")
FRAMES = 20
report = Report()


def ffmpeg(*words):
    subprocess.run(["ffmpeg", "-v", "error", "-y", *words], check=True, stdin=subprocess.DEVNULL)


def pack(out):
    words = [os.path.join(SOURCE, "scripts/dist"), "windows", "--no-build", "--build", BUILD, "--out", out]
    subprocess.run(words, check=True, stdout=subprocess.DEVNULL)
    return next(pathlib.Path(out).glob("*.zip"))


def place_pictures(home):
    """What the README's commands name, made of the picture of four people in docs."""
    demo = os.path.join(SOURCE, "docs/pictures/demo.png")
    for folder in ("Pictures/People/Grace Hopper", "Videos", "Downloads"):
        (home / folder).mkdir(parents=True, exist_ok=True)
    pictures = home / "Pictures"
    ffmpeg("-i", demo, "-q:v", "2", str(pictures / "party.jpg"))
    for path, x in (("ada.jpg", 0), ("People/Grace Hopper/1.jpg", 480)):
        ffmpeg("-i", demo, "-vf", "crop=240:in_h:%d:0" % x, "-q:v", "2", str(pictures / path))
    ffmpeg("-loop", "1", "-framerate", "10", "-i", demo, "-frames:v", str(FRAMES), "-vf", "scale=960:-2", "-pix_fmt",
           "yuv420p", str(home / "Videos/party.mp4"))  # fmt: skip
    with zipfile.ZipFile(home / "Downloads/pack.zip", "w") as z:
        for network in sorted(pathlib.Path(SOURCE, "models/ibex").glob("*.onnx")):
            z.write(network, network.name)


def commands(readme):
    """The lines of the README that are typed, as lists of words."""
    for line in readme.read_text(encoding="utf-8").splitlines():
        if line.startswith("    .\\facet.exe "):
            yield [quoted or plain for quoted, plain in re.findall(r'"([^"]*)"|(\S+)', line)][1:]


class User:
    """A Wine of its own, in which nothing was ever started, and a user with a name."""

    def __init__(self, work, name, archive):
        self.name = name
        self.env = dict(os.environ, USER=name, HOME=os.path.join(work, "home"), WINEPREFIX=os.path.join(work, "wine"))
        for key in [k for k in self.env if k.startswith("FCT_")]:
            del self.env[key]
        os.mkdir(self.env["HOME"])
        subprocess.run([WINE, "--start"], env=self.env, check=True)
        self.home = pathlib.Path(self.env["WINEPREFIX"], "drive_c/users", name)
        place_pictures(self.home)
        with zipfile.ZipFile(archive) as z:
            z.extractall(self.home)
            self.folder = self.home / z.namelist()[0].split("/")[0]
        self.unpacked = sorted(os.listdir(self.folder))

    def run(self, words):
        words = [w.replace("$HOME", "C:\\users\\" + self.name) for w in words]
        program = str(self.folder / "facet.exe")
        return subprocess.run([WINE, program, *words], env=self.env, cwd=self.folder, capture_output=True, timeout=300,
                              stdin=subprocess.DEVNULL)  # fmt: skip

    def close(self):
        subprocess.run([WINE, "--stop"], env=self.env)


# What each command answers: exit status, and what must be in its output.
WANTED = {
    "doctor": (0, ["self-test", "FFmpeg can be loaded"]),
    "detect": (0, ["party.jpg: 4 faces"]),
    "enroll": (0, ["stored as face"]),
    "identify": (0, ["Ada Lovelace", "Grace Hopper"]),
    "video": (0, ["recognized", "Ada Lovelace", "Grace Hopper"]),
    "camera --list": (1, ["no camera was found"]),
    "camera": (3, ["camera:0: cannot open this camera"]),
    "models": (0, ["networks"]),
    "gallery": (0, ["sound, 2 faces"]),
}


def check(user, words):
    p = user.run(words)
    said = (p.stdout + p.stderr).decode("utf-8", "replace").replace("\\", "/")
    status, texts = WANTED[" ".join(words)] if " ".join(words) in WANTED else WANTED[words[0]]
    faults = ["exit status %d, not %d" % (p.returncode, status)] if p.returncode != status else []
    faults += ["'%s' is not in the output" % t for t in texts if t not in said]
    return faults and [*faults, said[-1500:]]


def left_behind(user):
    """Faults in where things are after all commands."""
    faults = []
    for name in ("AppData/Local/facet/gallery.db", ".insightface/models/mine", "Videos/named.mp4"):
        if not (user.home / name).exists():
            faults.append("no " + name)
    if sorted(os.listdir(user.folder)) != user.unpacked:
        faults.append("the program's folder has now: %s" % os.listdir(user.folder))
    counted = subprocess.run(
        ["ffprobe", "-v", "error", "-count_frames", "-show_entries", "stream=nb_read_frames", "-of", "csv=p=0",
         str(user.home / "Videos/named.mp4")], capture_output=True, text=True)  # fmt: skip
    if counted.stdout.strip().strip(",") != str(FRAMES):
        faults.append("named.mp4 has %s frames, not %d" % (counted.stdout.strip() or counted.stderr, FRAMES))
    return faults


def session(name, archive):
    with tempfile.TemporaryDirectory() as work:
        user = User(work, name, archive)
        try:
            for words in commands(user.folder / "README.txt"):
                report.check("%s: facet %s" % (name, " ".join(words)), check(user, words))
            report.check(name + ": what is there afterwards", left_behind(user))
        finally:
            user.close()


def main():
    if not shutil.which("ffmpeg") or not shutil.which("ffprobe"):
        report.skip("a session", "nothing makes a video for it (apt-get install ffmpeg)")
        report.close()
    with tempfile.TemporaryDirectory() as out:
        archive = pack(out)
        for name in USERS:
            session(name, archive)
    report.close()


main()
