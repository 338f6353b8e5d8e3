#!/usr/bin/env python3
"""SIGINT, SIGTERM and SIGHUP end every command in the same way: what is begun is finished or
removed, and the exit status is 128 and the signal's number.

usage: signals_test.py FACET MAKE_PACK VIDEO_TOOL"""

import base64
import os
import pathlib
import random
import signal
import struct
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "api"))
from report import Report, toy_pack

FACET, MAKE_PACK, VIDEO_TOOL = (os.path.abspath(p) for p in sys.argv[1:4])
WINDOWS = bool(os.environ.get("FCT_WINDOWS"))
# Wine makes Ctrl-C of SIGINT.
SIGNALS = [signal.SIGINT] if WINDOWS else [signal.SIGINT, signal.SIGTERM, signal.SIGHUP]
FRAME = bytes(320 * 240 * 3)
report = Report()


def start(*words, **more):
    return subprocess.Popen([FACET, *words], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, **more)


def drafts():
    return [p.name for p in pathlib.Path(".").rglob("*") if ".part" in p.name or p.name.endswith("-journal")]


def check_end(name, process, number):
    """Exit status and drafts after a signal, as a list of faults."""
    try:
        process.wait(60)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        return [name + ": does not end"]
    faults = []
    if process.returncode != 128 + number:
        faults.append("%s: exit status %d: %s" % (name, process.returncode, process.stderr.read().decode()[-300:]))
    return faults + ["%s: leaves %s" % (name, d) for d in drafts()]


def record(number):
    """A recording of a source that stays open is closed in order, and the page is written."""
    faults = []
    for name in ("r.mp4", "s.html"):
        pathlib.Path(name).unlink(missing_ok=True)
    # Linux' pipes cannot be looked into under Wine: there a film is shown in its own time.
    film = ["camera", "--terminal"] if WINDOWS else ["video"]
    if WINDOWS:
        subprocess.run([VIDEO_TOOL, "make", "scene.mp4"], check=True)
    p = start(
        *film,
        "-m",
        "pack",
        "--gallery",
        "none.db",
        "--det-size",
        "320x320",
        *([] if WINDOWS else ["--frame-size", "320x240"]),
        "--record",
        "r.mp4",
        "--sheet",
        "s.html",
        "scene.mp4" if WINDOWS else "-",
        stdin=subprocess.PIPE,
    )
    for _ in range(0 if WINDOWS else 40):
        p.stdin.write(FRAME)
    p.stdin.flush()
    for _ in range(600):  # until some of it is being recorded
        if os.path.exists("r.mp4") and os.path.getsize("r.mp4"):
            break
        time.sleep(0.05)
    p.send_signal(number)
    faults += check_end("video", p, number)
    p.stdin.close()
    count = subprocess.run([VIDEO_TOOL, "count", "r.mp4"], capture_output=True, text=True)
    if count.returncode or " frames of 320x240" not in count.stdout:
        faults.append("the recording: " + (count.stdout + count.stderr).strip())
    if not os.path.exists("s.html"):
        faults.append("no page was written")
    return faults


def interrupt_draft(number, output, *words):
    """Sends the signal when the draft is there. A command that was faster is tried again."""
    for _ in range(20):
        pathlib.Path(output).unlink(missing_ok=True)
        p = start(*words)
        while p.poll() is None and not any(d.startswith(".facet-") for d in os.listdir(".")):
            pass
        if p.poll() is None:
            p.send_signal(number)
            p.wait(60)
        if p.returncode:
            break
        p.stderr.close()
    faults = check_end(words[0], p, number)
    return faults + (["there is a " + output] if os.path.exists(output) else [])


def make_gallery(faces, dim=512):
    numbers = random.Random(1)
    with open("big.jsonl", "w") as f:
        f.write('{"facet_gallery":1,"model":"%s","dim":%d}\n' % ("0" * 64, dim))
        for i in range(faces):
            v = struct.pack("<%df" % dim, *(numbers.uniform(-1, 1) for _ in range(dim)))
            f.write('{"name":"p%d","embedding":"%s"}\n' % (i, base64.b64encode(v).decode()))
    subprocess.run([FACET, "gallery", "import", "-q", "big.jsonl", "-g", "big.db"], check=True)
    os.remove("big.jsonl")


def main():
    signal.signal(signal.SIGHUP, signal.SIG_DFL)  # under nohup the command would rightly ignore it
    with tempfile.TemporaryDirectory() as work:
        os.chdir(work)
        os.environ.update(HOME=work, LC_ALL="C")
        for name in ("FCT_MODELS", "FCT_GALLERY", "XDG_DATA_HOME", "XDG_CACHE_HOME"):
            os.environ.pop(name, None)
        toy_pack(MAKE_PACK, pathlib.Path(work))
        subprocess.run(
            [FACET, "enroll", "-q", "-m", "pack", "-g", "none.db", "Ada", "ada.png"],
            check=True,
            stdout=subprocess.DEVNULL,
        )
        make_gallery(4000)
        with open("many", "w") as f:
            f.write("ada.png\n" * 20000)
        for number in SIGNALS:
            name = signal.Signals(number).name
            report.check(name + ": a recording ends in order", record(number))
            report.check(
                name + ": gallery export leaves nothing",
                interrupt_draft(number, "e.jsonl", "gallery", "export", "e.jsonl", "-g", "big.db"),
            )
            report.check(
                name + ": gallery backup leaves nothing",
                interrupt_draft(number, "b.db", "gallery", "backup", "b.db", "-g", "big.db"),
            )
            report.check(
                name + ": embed leaves nothing",
                interrupt_draft(
                    number, "e.csv", "embed", "-m", "pack", "--format", "csv", "--out", "e.csv", "--files-from", "many"
                ),
            )
        os.chdir("/")
    report.close()


main()
