#!/usr/bin/env python3
"""A test that is skipped says why, and scripts/count-tests passes it on.

usage: skip_test.py SOURCE"""

import json
import pathlib
import re
import subprocess
import sys
import tempfile

from report import Report

SOURCE = pathlib.Path(sys.argv[1])
ENDS = re.compile(r"(return|exit\(|sys\.exit\()\s*77\b")


def silent(path):
    """Lines that end a program with 77 and have no line of "SKIP name: reason" just before."""
    lines = path.read_text().splitlines()
    return [
        "%s:%d: skips and does not say why" % (path, i + 1)
        for i, line in enumerate(lines)
        if ENDS.search(line) and not any("SKIP " in near for near in lines[max(0, i - 3) : i])
    ]


def run_count(entries):
    with tempfile.TemporaryDirectory() as folder:
        logs = pathlib.Path(folder, "meson-logs")
        logs.mkdir()
        (logs / "testlog.json").write_text("".join(json.dumps(e) + "\n" for e in entries))
        return subprocess.run(
            [SOURCE / "scripts" / "count-tests", folder], capture_output=True, text=True, check=True
        ).stdout


def main():
    report = Report()
    files = [
        p for ending in ("*.c", "*.py") for p in sorted((SOURCE / "tests").rglob(ending)) if p.name != "skip_test.py"
    ]
    report.check("who skips says why", [f for p in files for f in silent(p)])
    got = run_count(
        [
            {"name": "a", "result": "OK", "stdout": "SKIP window: no display\n1 passed, 0 failed, 1 skipped\n"},
            {"name": "b", "result": "SKIP", "stdout": "SKIP b: no ffmpeg\n"},
            {"name": "c", "result": "SKIP", "stdout": ""},
            {"name": "d", "result": "OK", "stdout": None},
        ]
    )
    wanted = (
        "skipped: b: no ffmpeg\nskipped: c: it does not say why\nskipped: window: no display\n2 passed, 0 failed, 3"
        " skipped\n"
    )
    report.check("count-tests lists reasons", [] if got == wanted else [got])
    report.close()


main()
