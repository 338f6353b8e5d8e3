#!/usr/bin/env python3
"""The wheel for 64-bit Windows: built, unpacked, and used by a Python for Windows under Wine, as python/tests/
test_wheel.py does it on Linux; and the command in it.

usage: wheel_test.py SOURCE_ROOT BUILD_ROOT MAKE_PACK

FCT_WINDOWS_PYTHON names the folder of python.exe, which must have NumPy: python.org's embeddable package with NumPy's
wheel for Windows unpacked into it will do. Without it there is nothing to try."""
import os
import pathlib
import subprocess
import sys
import tempfile
import zipfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "../api"), os.path.join(HERE, "../../python/tests")]
from report import Report, toy_pack
from test_wheel import SCRIPT

SOURCE, BUILD, MAKE_PACK = map(os.path.abspath, sys.argv[1:4])
WINE = os.path.join(SOURCE, "scripts/cross/run-windows")
report = Report()


def run(*words, **more):
    p = subprocess.run(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=600, **more)
    return p.returncode, p.stdout


def built(out):
    build = os.path.join(BUILD, "wheel-windows")
    words = [os.path.join(SOURCE, "python/build_wheel.py"), "--windows", "--build", build, "--out", out]
    code, text = run(sys.executable, *words)
    return [text[-2000:]] if code else []


def used(python, wheel, work):
    """A script that imports the package from where the wheel was unpacked."""
    site = os.path.join(work, "site")
    with zipfile.ZipFile(wheel) as z:
        z.extractall(site)
    toy_pack(MAKE_PACK, pathlib.Path(work))
    # Wine shows the files of this machine as drive Z. The embeddable Python takes no path from the environment.
    shown = "Z:" + site.replace("/", "\\")
    script = os.path.join(work, "use.py")
    pathlib.Path(script).write_text("import sys\nsys.path.insert(0, sys.argv[2])\n" + SCRIPT)
    code, text = run(WINE, python, script, os.path.join(work, "pack"), shown)
    faults = [text[-2000:]] if code or "one face" not in text else []
    code, text = run(WINE, os.path.join(site, "facet/_bin/facet.exe"), "version")
    return faults + ([] if not code and text.startswith("facet ") else ["facet.exe: " + text[-500:]])


def main():
    folder = os.environ.get("FCT_WINDOWS_PYTHON")
    with tempfile.TemporaryDirectory() as work:
        faults = built(work)
        report.check("the wheel is built", faults)
        wheels = list(pathlib.Path(work).glob("*-win_amd64.whl"))
        if not folder:
            report.skip("it is used", "no Python for Windows (FCT_WINDOWS_PYTHON)")
        elif not faults:
            report.check("it is used", used(os.path.join(folder, "python.exe"), wheels[0], work))
    report.close()


main()
