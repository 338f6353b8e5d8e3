#!/usr/bin/env python3
"""A command with a built-in pack: found, used, listed, checked, overruled; and what
the build refuses to build in.

    embedded_test.py FACET FOLDER EMBED_PACK_PY

FOLDER is that of small_pack.py: its pack/ is built into FACET."""

import hashlib
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "api"))
from report import Report  # noqa: E402

FACET, FOLDER, EMBED = (os.path.abspath(a) for a in sys.argv[1:4])
PHOTO = os.path.join(FOLDER, "three.png")


def facet(*args, **env):
    """(exit code, standard output, standard error), with a home that holds nothing."""
    base = {k: v for k, v in os.environ.items() if not k.startswith("FCT_")}
    with tempfile.TemporaryDirectory() as home:
        r = subprocess.run(
            [FACET, *args],
            capture_output=True,
            text=True,
            cwd=FOLDER,
            env={**base, "HOME": home, "XDG_DATA_HOME": home, **env},
        )
    return r.returncode, r.stdout, r.stderr


def equal(what, got, wanted):
    return [] if got == wanted else ["%s: %r, wanted %r" % (what, got, wanted)]


def has(what, text, part):
    return [] if part in text else ["%s: %r lacks %r" % (what, text, part)]


def digest(name):
    return hashlib.sha256(pathlib.Path(FOLDER, "pack", name).read_bytes()).hexdigest()


def uses():
    """Detection and embedding give what the same pack in a folder gives."""
    faults = []
    for command in (["detect", PHOTO], ["compare", "ada.png", "ada2.jpg"], ["embed", "--json", "ada.png"]):
        faults += equal(command[0], facet(*command), facet(*command, "--models", "./pack"))
    faults += has("three faces", facet("detect", PHOTO)[1], "3 faces")
    return faults + equal("by its name", facet("detect", PHOTO, "-m", "small"), facet("detect", PHOTO))


def is_whole():
    """The bytes in the program are the files'."""
    code, out, _ = facet("models", "verify", "small", "--json")
    got = {f["file"]: (f["sha256"], f["state"]) for f in map(json.loads, out.splitlines())}
    wanted = {n: (digest(n), "as-installed") for n in ("detector.onnx", "embedder.onnx")}
    return equal("exit code", code, 0) + equal("files", got, wanted)


def is_listed():
    line = facet("models", "list")[1].splitlines()[0]
    pack = json.loads(facet("models", "list", "--json")[1].splitlines()[0])
    faults = has("list", line, "small (built in)") + has("list", line, 'MIT "and" more\u2026')
    faults += equal("built_in", (pack["name"], pack["built_in"], pack["files"]), ("small", True, 2))
    faults += equal(
        "bytes",
        pack["bytes"],
        sum(os.path.getsize(os.path.join(FOLDER, "pack", n)) for n in ("detector.onnx", "embedder.onnx")),
    )
    code, _, err = facet("models", "path", "small")
    faults += equal("path", code, 3) + has("path", err, "built into facet")
    return faults + equal("remove", facet("models", "remove", "small", "--yes")[0], 3)


def is_examined():
    code, out, _ = facet("doctor")
    faults = (
        equal("doctor", code, 0)
        + equal("self-tests", out.count("off the portable operators"), 2)
        + has("doctor", out, "threshold 0.33")
    )
    return faults + has("info", facet("info")[1], "small")


def sick_is_told():
    """Weights that are no numbers make the doctor's self-test fail."""
    with tempfile.TemporaryDirectory() as folder:
        shutil.copytree(os.path.join(FOLDER, "other"), folder, dirs_exist_ok=True)
        path = pathlib.Path(folder, "embedder.onnx")
        data = bytearray(path.read_bytes())
        faults = equal("sound", facet("doctor", "-m", folder)[0], 0)
        data[20000:20008] = b"\xff" * 8
        path.write_bytes(data)
        return faults + equal("damaged", facet("doctor", "-m", folder)[0], 3)


def is_overruled():
    """--models and FCT_PACK come before it; a folder of packs, FCT_MODELS, chooses none."""
    faults = []
    with tempfile.TemporaryDirectory() as root:
        faults += equal("empty folder", "small," in facet("doctor", FCT_MODELS=root)[1], True)
        shutil.copytree(os.path.join(FOLDER, "other"), os.path.join(root, "ibex"))
        shutil.copytree(os.path.join(FOLDER, "headless"), os.path.join(root, "small"))
        first = facet("models", "list", FCT_MODELS=root)[1]
        faults += equal("an installed pack of its name", "built in" in first, False)
        faults += has("FCT_MODELS", facet("doctor", FCT_MODELS=root)[1], "small, 2 files")
        faults += has("FCT_PACK names one there", facet("doctor", FCT_MODELS=root, FCT_PACK="ibex")[1], "ibex, 2 files")
        faults += has("the installed one", facet("doctor", "-m", "small", FCT_MODELS=root)[1], "small, 1 files")
    faults += has("FCT_PACK", facet("doctor", FCT_PACK=os.path.join(FOLDER, "other"))[1], "other, 2 files")
    faults += has("--models", facet("doctor", "--models", "./other")[1], "other, 2 files")
    return faults + equal("unknown name", facet("detect", PHOTO, "-m", "gone")[0], 3)


def embed(change):
    """What embed_pack.py says about a pack with some member of its manifest changed."""
    with tempfile.TemporaryDirectory() as folder:
        pack = os.path.join(folder, "pack")
        shutil.copytree(os.path.join(FOLDER, "pack"), pack)
        path = pathlib.Path(pack, "pack.json")
        m = json.loads(path.read_text())
        change(m)
        path.write_text(json.dumps(m))
        r = subprocess.run(
            [sys.executable, EMBED, pack, os.path.join(folder, "o.c"), os.path.join(folder, "o.d")],
            capture_output=True,
            text=True,
        )
        return r.returncode, r.stderr


def refuses():
    faults = equal("unchanged", embed(lambda m: None)[0], 0)
    cases = [
        (lambda m: m["files"][0].update(sha256="0" * 64), "SHA-256 differs"),
        (lambda m: m["files"][1].update(file="gone.onnx"), "not there"),
        (lambda m: m["files"][1].update(file="../pack/detector.onnx"), "no name"),
        (lambda m: m["files"][1].update(task="mischief"), "unknown task"),
        (lambda m: m["files"][1].update(mean=1), "go together"),
        (lambda m: m.update(facet_pack=2), "facet_pack"),
        (lambda m: m.pop("name"), "name"),
        (lambda m: m.update(files=[{"file": "detector.onnx"}] * 65), "1 to 64"),
    ]
    for change, message in cases:
        code, err = embed(change)
        faults += equal(message, code != 0, True) + has("message", err, message)
    return faults


def main():
    report = Report()
    for test in (uses, is_whole, is_listed, is_examined, sick_is_told, is_overruled, refuses):
        report.check("embedded " + test.__name__, test())
    report.close()


main()
