#!/usr/bin/env python3
"""make install PREFIX=... after make installs there, not where the build was set up for.

usage: install_prefix_test.py SOURCE

The Makefile is tried on a project of one file, so that nothing has to be compiled."""

import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

from report import Report

SOURCE = pathlib.Path(sys.argv[1])


def make_project(folder):
    shutil.copy(SOURCE / "Makefile", folder)
    (folder / "scripts").mkdir()
    for name in ("built-prefix", "count-tests"):
        if (SOURCE / "scripts" / name).exists():
            shutil.copy(SOURCE / "scripts" / name, folder / "scripts")
    (folder / "scripts" / "install-deps").write_text("#!/bin/sh\n")
    (folder / "scripts" / "install-deps").chmod(0o755)
    (folder / "meson.build").write_text(
        "project('toy')\ninstall_data('toy.h', install_dir: get_option('includedir'))\n"
    )
    (folder / "toy.h").write_text("\n")


def run(folder):
    make_project(folder)
    env = {k: v for k, v in os.environ.items() if k not in ("PREFIX", "DESTDIR", "MAKEFLAGS", "BUILD")}
    faults = []
    # The first make sets the folder up; one install changes it, the next keeps what was changed.
    for words, wanted in (
        (["PREFIX=%s/first" % folder], None),
        (["install", "PREFIX=%s/second" % folder], "second"),
        (["install"], "second"),
        (["install", "PREFIX=%s/third one" % folder], "third one"),
    ):
        r = subprocess.run(["make", "-s", *words], cwd=folder, capture_output=True, text=True, check=False, env=env)
        if r.returncode:
            faults.append("make %s: %s" % (words, (r.stdout + r.stderr)[-800:]))
        places = [n for n in ("first", "second", "third one") if (folder / n / "include" / "toy.h").exists()]
        if places != ([wanted] if wanted else []):
            faults.append("make %s installed to %s" % (words, places))
        for n in places:
            shutil.rmtree(folder / n)
    return faults


def main():
    report = Report()
    if not shutil.which("make") or not shutil.which("meson"):
        report.skip("install with another prefix", "needs make and meson")
        report.close()
    with tempfile.TemporaryDirectory() as folder:
        report.check("install with another prefix", run(pathlib.Path(folder)))
    report.close()


main()
