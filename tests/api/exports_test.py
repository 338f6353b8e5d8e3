#!/usr/bin/env python3
"""The shared library exports what the public headers declare, and nothing else.

usage: exports_test.py SOURCE_ROOT LIBRARY "NM" """

import pathlib
import re
import shlex
import subprocess
import sys

from report import Report


def declared(root):
    """Names of the functions of the public headers."""
    names = set()
    for header in (root / "include/facet").glob("*.h"):
        text = re.sub(r"/\*.*?\*/", "", header.read_text(), flags=re.DOTALL)
        for line in re.findall(r"FCT_API\s+([^;{]*?);", text):
            found = re.search(r"\b(fct_\w+)\s*\(", line)
            if found:
                names.add(found.group(1))
    return names


def exported(library, nm):
    out = subprocess.run(
        shlex.split(nm) + ["-D", "--defined-only", library], capture_output=True, text=True, check=True
    )
    return {line.split()[-1].split("@")[0] for line in out.stdout.splitlines() if line.strip()}


def main():
    root, library, nm = pathlib.Path(sys.argv[1]), sys.argv[2], sys.argv[3]
    want, have = declared(root), exported(library, nm)
    report = Report()
    report.check("the headers declare functions", [] if len(want) > 50 else ["only %d found" % len(want)])
    report.check("every symbol starts with fct_", ["exported: " + s for s in sorted(have) if not s.startswith("fct_")])
    report.check("every symbol is declared", ["exported, not declared: " + s for s in sorted(have - want)])
    report.check("every declaration is exported", ["declared, not exported: " + s for s in sorted(want - have)])
    report.close()


main()
