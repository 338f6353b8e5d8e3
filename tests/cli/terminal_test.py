#!/usr/bin/env python3
"""What the command writes to a terminal: colors, unless they are unwanted, and no control
character of a file's name; into a pipe neither colors nor, in CSV and JSON, anything changed.

usage: terminal_test.py FACET MAKE_PACK"""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "api"))
from report import Report  # noqa: E402

try:
    import pty
except ImportError:
    pty = None

FACET, MAKE_PACK = (os.path.abspath(p) for p in sys.argv[1:3])
# Clears the screen, sets the title, turns text around; C1's CSI; a byte that is no UTF-8.
EVIL = b"a\x1b[2J\x1b]0;owned\x07\n\xe2\x80\xae\xc2\x9b31m\xff.png"
ESCAPES = (b"\x1b", b"\x07", b"\xe2\x80\xae", b"\xc2\x9b", b"\xff")


def on_terminal(words, folder, **env):
    """All that the command writes when standard output and error are a terminal."""
    main, side = pty.openpty()
    e = {**os.environ, "HOME": folder, "TERM": "xterm", **env}
    e = {k: v for k, v in e.items() if v is not None and not k.startswith("FCT_")}
    if env.get("NO_COLOR") is None:
        e.pop("NO_COLOR", None)
    with subprocess.Popen([FACET, *words], cwd=folder, env=e, stdin=subprocess.DEVNULL, stdout=side, stderr=side) as p:
        os.close(side)
        out = b""
        while True:
            try:
                piece = os.read(main, 65536)
            except OSError:
                piece = b""
            if not piece:
                break
            out += piece
        p.wait()
    os.close(main)
    return out.replace(b"\r\n", b"\n")


def piped(words, folder):
    return subprocess.run([FACET, *words], cwd=folder, capture_output=True, check=False).stdout


def uncolored(out):
    """Without the six sequences that facet itself writes."""
    for code in (b"\x1b[0m", b"\x1b[1m", b"\x1b[2m", b"\x1b[32m", b"\x1b[33m", b"\x1b[1;31m"):
        out = out.replace(code, b"")
    return out


def safe(name, out):
    return ["%s: %r reached the terminal: %r" % (name, c, out) for c in ESCAPES if c in uncolored(out)]


def names_are_harmless(folder):
    faults = []
    for words in (
        ["detect", EVIL],
        ["detect", "--csv", EVIL],
        ["identify", EVIL, "-g", "g.db"],
        ["compare", EVIL, "bob.png"],
        ["enroll", "Eve", EVIL, "-g", "g.db"],
        ["detect", b"gone" + EVIL],
        ["people", "-g", "g.db", "Eve"],
        ["embed", "-o", "e.npy", "-f", "npy", EVIL],
        ["gallery", "-g", b"gone" + EVIL],
    ):
        pack = [] if words[0] in ("people", "gallery") else ["-m", "pack"]
        faults += safe(" ".join(map(str, words)), on_terminal([*words, *pack], folder))
    return faults


def pipes_are_exact(folder):
    quoted = b'"' + EVIL + b'"'
    csv, line = piped(["detect", "-m", "pack", "--csv", EVIL], folder), piped(
        ["detect", "-m", "pack", "--json", EVIL], folder
    )
    faults = [] if quoted in csv else ["CSV in a pipe: %r" % csv]
    name = json.loads(line)["file"]
    if name != EVIL.decode("utf-8", "replace"):
        faults.append("JSON in a pipe: %r" % name)
    text = piped(["detect", "-m", "pack", "ada.png"], folder)
    return faults + (["colors in a pipe: %r" % text] if b"\x1b" in text else [])


def colors(folder):
    words, faults = ["detect", "-m", "pack", "ada.png"], []
    plain = piped(words, folder)
    for name, env, wanted in (
        ("by default", {}, True),
        ("NO_COLOR", {"NO_COLOR": "1"}, False),
        ("an empty NO_COLOR", {"NO_COLOR": ""}, True),
        ("TERM=dumb", {"TERM": "dumb"}, False),
    ):
        out = on_terminal(words, folder, **env)
        if (b"\x1b[1mada.png\x1b[0m" in out) != wanted:
            faults.append("%s: %r" % (name, out))
        if uncolored(out) != plain:
            faults.append("%s: other text than in a pipe: %r" % (name, out))
    if b"\x1b[1;31mfacet: \x1b[0m" not in on_terminal(["detekt"], folder):
        faults.append("an error is not red")
    return faults


def migration_shows_what_is_left(folder):
    piped(
        [
            "enroll",
            "-q",
            "--yes",
            "-m",
            "pack",
            "-g",
            "m.db",
            "--all-faces",
            "Ada",
            "ada.png",
            "ada2.jpg",
            "bob.png",
            "bob2.png",
            "three.png",
            "eve.webp",
            "small.png",
        ],
        folder,
    )
    out = on_terminal(["gallery", "migrate", "-g", "m.db", "-m", "other", "--yes"], folder)
    done = re.search(rb"(\d+) of \1 faces, 100 %.* left", out)
    return [] if done and out.count(b"\n") == 1 else ["%r" % out]


def main():
    report = Report()
    if not pty:
        report.skip("terminal", "needs a POSIX system's pseudoterminals")
        report.close()
    with tempfile.TemporaryDirectory() as folder:
        for name in ("pack", "other", "blind", "headless"):
            os.mkdir(os.path.join(folder, name))
        subprocess.run([MAKE_PACK, folder], check=True, stdout=subprocess.DEVNULL)
        shutil.copy(os.path.join(os.fsencode(folder), b"ada.png"), os.path.join(os.fsencode(folder), EVIL))
        report.check("names of files are harmless", names_are_harmless(folder))
        report.check("pipes are exact", pipes_are_exact(folder))
        report.check("colors", colors(folder))
        report.check("migration shows what is left", migration_shows_what_is_left(folder))
    report.close()


main()
