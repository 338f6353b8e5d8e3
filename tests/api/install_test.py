#!/usr/bin/env python3
"""Installs the build into a folder and uses it as a stranger would: every example is compiled with what
pkg-config says, against the shared and the static library, and one of each is run.

usage: install_test.py SOURCE_ROOT BUILD_ROOT COMPILER MAKE_PACK [no-png] [...]

no-png says that the build reads no photo to run the examples on."""
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

from report import Report, toy_pack


def pkg_config(tree, *args):
    """What pkg-config prints for the tree, whose prefix was another when it was configured."""
    pc = next(tree.rglob("facet.pc"))
    prefix = next(p for p in pc.parents if (p / "include/facet/facet.h").exists())
    env = dict(os.environ, PKG_CONFIG_PATH=str(pc.parent))
    out = subprocess.run(["pkg-config", "--define-variable=prefix=%s" % prefix, *args, "facet"], env=env,
                         capture_output=True, text=True)
    return out.stdout.split(), pc.parent.parent, out.stderr


def build(compiler, source, out, flags):
    r = subprocess.run([*compiler, "-std=gnu17", "-Wall", "-Werror", str(source), "-o", str(out), *flags],
                       capture_output=True, text=True)
    return [] if r.returncode == 0 else [r.stderr[-800:]]


def check_library(report, how, args, tree, root, box, compiler, photo):
    flags, lib, fault = pkg_config(tree, "--cflags", "--libs", *args)
    report.check("pkg-config knows the %s library" % how, [fault] if fault or not flags else [])
    if "static" in how:
        flags = [str(lib / "libfacet.a") if f == "-lfacet" else f for f in flags]
    else:
        flags.append("-Wl,-rpath," + str(lib))
    for source in sorted((root / "examples").glob("*.c")):
        report.check("%s with the %s library" % (source.name, how),
                     build(compiler, source, box / source.stem, flags + ["-lm"] * ("draw" in source.name)))
    if not photo:
        report.skip("the %s one runs" % how, "this build reads no PNG, which the photos are")
        return
    r = subprocess.run([box / "compare", photo, photo, box / "pack"], capture_output=True, text=True)
    report.check("the %s one runs" % how, [] if r.returncode == 0 else ["%d: %s" % (r.returncode, r.stderr)])


def main():
    root, built = pathlib.Path(sys.argv[1]), sys.argv[2]
    compiler, make_pack = sys.argv[3].split(), sys.argv[4]
    report = Report()
    meson = shutil.which("meson")
    if not meson or not shutil.which("pkg-config"):
        report.skip("install", "needs meson and pkg-config on the PATH")
        report.close()
    with tempfile.TemporaryDirectory() as folder:
        box, tree = pathlib.Path(folder), pathlib.Path(folder) / "tree"
        r = subprocess.run([meson, "install", "-C", built, "--no-rebuild", "--quiet", "--destdir", str(tree)],
                           capture_output=True, text=True)
        report.check("installs", [r.stderr] if r.returncode else [])
        photo = None if "no-png" in sys.argv[5:] else box / "ada.png"
        if photo:
            toy_pack(make_pack, box)
        check_library(report, "shared", [], tree, root, box, compiler, photo)
        check_library(report, "static", ["--static"], tree, root, box, compiler, photo)
    report.close()


main()
