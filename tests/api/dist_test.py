#!/usr/bin/env python3
"""What users of Linux download: two runs of scripts/dist give the same bytes, and Debian's package can be installed
and removed again.

usage: dist_test.py SOURCE_ROOT BUILD_ROOT"""
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

from report import Report

SOURCE, BUILD = map(os.path.abspath, sys.argv[1:3])
report = Report()


def pack(out):
    env = dict(os.environ, SOURCE_DATE_EPOCH="1700000000")
    words = [os.path.join(SOURCE, "scripts/dist"), "linux", "--no-build", "--build", BUILD, "--out", out]
    p = subprocess.run(words, env=env, capture_output=True, text=True)
    return [] if p.returncode == 0 else [p.stderr[-2000:]]


def compare(one, two):
    faults, names = [], sorted(os.listdir(one))
    if names != sorted(os.listdir(two)) or not names:
        faults.append("other files: %s, %s" % (names, os.listdir(two)))
    for name in names:
        if pathlib.Path(one, name).read_bytes() != pathlib.Path(two, name).read_bytes():
            faults.append(name + " differs")
    return faults


def dpkg(root, *words):
    p = subprocess.run(["dpkg", "--root=" + root, *words], capture_output=True, text=True)
    return [] if p.returncode == 0 else ["dpkg %s: %s" % (" ".join(words), p.stderr[-1000:])]


def left(root):
    """Files that are none of dpkg's own."""
    found = (str(p.relative_to(root)) for p in pathlib.Path(root).rglob("*") if not p.is_dir())
    return ["is left: " + name for name in found if not name.startswith(("var/lib/dpkg/", "var/log/"))]


def install_and_remove(deb, root):
    for folder in ("updates", "info", "triggers"):
        os.makedirs(os.path.join(root, "var/lib/dpkg", folder))
    for name in ("status", "available"):
        pathlib.Path(root, "var/lib/dpkg", name).touch()
    faults = dpkg(root, "--force-depends", "-i", deb)
    program = os.path.join(root, "usr/bin/facet")
    if not faults:
        p = subprocess.run([program, "version"], capture_output=True, text=True)
        if p.returncode or not p.stdout.startswith("facet "):
            faults.append("the installed command: %d %s" % (p.returncode, p.stderr))
    return faults + dpkg(root, "--purge", "facet") + left(root)


def lint(deb):
    # The archive is not signed, and there is no bug in Debian's tracker that it would close.
    words = ["lintian", "--fail-on", "error,warning", "--suppress-tags", "initial-upload-closes-no-bugs", deb]
    p = subprocess.run(words, capture_output=True, text=True)
    return [] if p.returncode == 0 else [p.stdout[-3000:] + p.stderr[-500:]]


def main():
    with tempfile.TemporaryDirectory() as work:
        one, two = (os.path.join(work, name) for name in ("one", "two"))
        faults = pack(one)
        report.check("the archives are written", faults)
        if faults:
            report.close()
        report.check("two runs give the same bytes", pack(two) + compare(one, two))
        debs = [os.path.join(one, name) for name in os.listdir(one) if name.endswith(".deb")]
        if not debs:
            report.skip("Debian's package", "no dpkg-deb and dpkg-shlibdeps (apt-get install dpkg-dev)")
        elif os.geteuid():
            report.skip("Debian's package", "only root can install one, also into a folder")
        else:
            report.check("it is installed and removed", install_and_remove(debs[0], os.path.join(work, "root")))
        if debs and shutil.which("lintian"):
            report.check("lintian has nothing to say", lint(debs[0]))
        elif debs:
            report.skip("lintian has nothing to say", "no lintian (apt-get install lintian)")
    report.close()


main()
