#!/usr/bin/env python3
"""Every public header, alone and twice, compiles as C17 and as C++11 without a warning.

usage: headers_test.py SOURCE_ROOT "C COMPILER" ["C++ COMPILER"]"""
import pathlib
import shlex
import subprocess
import sys

from report import Report

WARNINGS = ["-Wall", "-Wextra", "-pedantic", "-Werror", "-fsyntax-only"]


def compile_alone(compiler, flags, root, header):
    text = '#include "facet/%s"\n#include "facet/%s"\nint main(void) { return 0; }\n' % (header, header)
    run = subprocess.run(shlex.split(compiler) + flags + WARNINGS + ["-I", str(root / "include"), "-"],
                         input=text, capture_output=True, text=True)
    return [] if run.returncode == 0 else [run.stderr.strip()]


def main():
    root, c = pathlib.Path(sys.argv[1]), sys.argv[2]
    cpp = sys.argv[3] if len(sys.argv) > 3 else ""
    report = Report()
    for header in sorted(p.name for p in (root / "include/facet").glob("*.h")):
        report.check(header + " as C", compile_alone(c, ["-std=c17", "-x", "c"], root, header))
        if cpp:
            report.check(header + " as C++", compile_alone(cpp, ["-std=c++11", "-x", "c++"], root, header))
        else:
            report.skip(header + " as C++", "no C++ compiler")
    report.close()


main()
