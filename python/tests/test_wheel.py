#!/usr/bin/env python3
"""The wheel: built, installed into a fresh environment, used there without a compiler.

    test_wheel.py MAKE_PACK BUILD_FOLDER MAIN_BUILD

The same for what `pip install ./python` gives, built in MAIN_BUILD, where everything is built already.

Exit status 77 where something is missing that only this test needs. Nothing is fetched: NumPy is
lent by the Python that runs this."""
import os
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..")
SCRIPT = """
import sys
import numpy as np
import facet
from facet.app import FaceAnalysis
assert facet.__file__.startswith(sys.argv[2]), facet.__file__
app = FaceAnalysis(sys.argv[1], providers=["CPUExecutionProvider"])
app.prepare(ctx_id=0, det_size=(320, 320))
img = np.full((240, 320, 3), (80, 60, 70), np.uint8)
y, x = np.mgrid[:240, :320]
img[(x - 160) ** 2 + (y - 112) ** 2 <= 24 ** 2] = (0, 255, 255)
faces = app.get(img)
assert len(faces) == 1 and abs(faces[0].bbox[0] + faces[0].bbox[2] - 320) < 8, faces
assert faces[0].normed_embedding.shape == (64,)
from facet import _native
features = _native.lib.fct_build_features().decode().split()
if "gallery" in features:
    gallery = facet.Gallery(sys.argv[1] + ".db")
    assert gallery.enroll(app, "Ada", img).outcome == "stored"
    assert gallery.identify(faces[0].embedding, app)[0].name == "Ada"
if "png" in features:
    assert len(app.get(sys.argv[1] + "/../ada.png")) == 1
print("one face")
"""


def skip(why):
    print("SKIP:", why)
    sys.exit(77)


def run(*command, **options):
    p = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **options)
    if p.returncode:
        print(p.stdout[-3000:])
        sys.exit(f"{command[0]} failed")
    return p.stdout


def newest_symbol(folder):
    """The newest glibc that a wheel's libraries ask for, by the linker's own list of version needs."""
    versions = [(2, 17)]
    for name in os.listdir(folder):
        if ".so" in name:
            needs = run("readelf", "-W", "-V", os.path.join(folder, name)).partition(".gnu.version_r")[2]
            versions += [tuple(map(int, v.split(".")[:2])) for v in re.findall(r"Name: GLIBC_([0-9.]+)", needs)]
    return max(versions)


def check_archive(wheel, folder):
    with zipfile.ZipFile(wheel) as z:
        z.extractall(folder)
        names = z.namelist()
    info = next(n for n in names if n.endswith(".dist-info/WHEEL")).rpartition("/")[0]
    with open(os.path.join(folder, info, "RECORD")) as f:
        assert sorted(line.split(",")[0] for line in f) == sorted(names), "RECORD does not list what is there"
    with open(os.path.join(folder, info, "WHEEL")) as f:
        tag = re.search("Tag: (.*)", f.read()).group(1)
    assert wheel.endswith(f"-{tag}.whl"), tag
    assert any(n.endswith("licenses/LICENSE") for n in names), "no license"
    stated = re.search(r"manylinux_(\d+)_(\d+)_", tag)
    if stated:
        want = newest_symbol(os.path.join(folder, "facet"))
        assert tuple(map(int, stated.groups())) == want, f"{tag} for symbols of glibc {want}"


def install(temp, name, numpy, *what):
    """A fresh environment with the package, and with NumPy lent; its python."""
    home = os.path.join(temp, name)
    run(sys.executable, "-m", "venv", home)
    python = os.path.join(home, "bin", "python")
    run(python, "-m", "pip", "install", "-q", "--disable-pip-version-check", "--no-index", "--no-deps", *what)
    site = run(python, "-c", "import sysconfig; print(sysconfig.get_path('platlib'))").strip()
    for name in os.listdir(os.path.dirname(os.path.dirname(numpy.__file__))):
        if name in ("numpy", "numpy.libs"):
            os.symlink(os.path.join(os.path.dirname(os.path.dirname(numpy.__file__)), name), os.path.join(site, name))
    return home, python


def use(home, python, temp, packs):
    """No compiler, no library but the wheel's, no place to look for another."""
    env = {"PATH": os.path.join(home, "bin"), "HOME": temp, "CC": "false", "LC_ALL": "C.UTF-8"}
    assert run(python, "-c", SCRIPT, os.path.join(packs, "pack"), home, env=env, cwd=temp).strip() == "one face"
    os.remove(os.path.join(packs, "pack.db"))
    command = os.path.join(home, "bin", "facet")
    assert run(command, "version", env=env).startswith("facet "), "the command"
    said = run(command, "detect", "-m", os.path.join(packs, "pack"), os.path.join(packs, "ada.png"), env=env)
    assert "1 face" in said, said


def main():
    make_pack, build, main_build = map(os.path.abspath, sys.argv[1:4])
    import numpy
    try:
        import ensurepip, venv  # noqa: F401
    except ImportError as e:
        skip(f"no virtual environments: {e}")
    for tool in ("meson", "ninja", "readelf", "ldd"):
        if not shutil.which(tool):
            skip(f"no {tool}")
    if not sys.platform.startswith("linux"):
        skip("wheels for Linux are tested")
    with tempfile.TemporaryDirectory() as temp:
        packs = os.path.join(temp, "packs")
        for folder in ("pack", "other", "blind", "headless"):
            os.makedirs(os.path.join(packs, folder))
        run(make_pack, packs)
        out = run(sys.executable, os.path.join(ROOT, "build_wheel.py"), "--build", build, "--out", temp,
                  env={**os.environ, "DESTDIR": ""})
        wheel = out.strip().splitlines()[-1]
        check_archive(wheel, os.path.join(temp, "unpacked"))
        use(*install(temp, "env", numpy, wheel), temp, packs)
        if os.path.exists(os.path.join(main_build, "tools", "facet")):
            use(*install(temp, "pip", numpy, "--no-build-isolation", "-C", "builddir=" + main_build, ROOT), temp, packs)
    print("installed and used:", os.path.basename(wheel))


if __name__ == "__main__":
    main()
