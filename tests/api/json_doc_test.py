#!/usr/bin/env python3
"""docs/json.md names every member that the command writes.

usage: json_doc_test.py SOURCE"""

import pathlib
import re
import sys

from report import Report

SOURCE = pathlib.Path(sys.argv[1])
MEMBER = re.compile(r'(?:cli|fct)_json_(?!reader|read)\w+\(&?\w+(?:->\w+)?, "(\w+)"')


def main():
    report = Report()
    told = set(re.findall(r"`\"?(\w+)\"?[:`]", (SOURCE / "docs" / "json.md").read_text()))
    told |= {
        w
        for span in re.findall(r"`([^`]*)`", (SOURCE / "docs" / "json.md").read_text())
        for w in re.findall(r"\w+", span)
    }
    files = sorted(p for p in (SOURCE / "tools").rglob("*.c"))
    written = {(name, str(p.relative_to(SOURCE))) for p in files for name in MEMBER.findall(p.read_text())}
    faults = [
        "%s: \"%s\" is not in docs/json.md" % (where, name) for name, where in sorted(written) if name not in told
    ]
    if len(written) < 60:
        faults.append("only %d members were found in tools/: has the writer another name?" % len(written))
    report.check("docs/json.md names every member", faults)
    report.close()


main()
