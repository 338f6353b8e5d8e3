#!/usr/bin/env python3
"""Builds the wheel of the Python package, with the library and the command inside.

    python/build_wheel.py [--windows] [--build DIR] [--out DIR]

The wheel runs on other machines: the libraries that it needs besides the system's own (for pictures
and the gallery) lie in it, beside facet's, which find them there. The tag names the oldest C library
that has every symbol these ask for (PEP 600). --windows builds for 64-bit Windows with mingw-w64
(scripts/cross/mingw-w64.ini); where scripts/cross-deps has built its libraries, with pictures, gallery and
the command, else the library alone. Needs Meson, Ninja and a C compiler here; installing the wheel needs
NumPy alone.

A wheel for this machine, as `pip install ./python` builds it, is backend.py's work.
"""

import argparse
import ast
import base64
import hashlib
import os
import platform
import re
import stat
import subprocess
import sys
import zipfile

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(HERE)
OPTIONS = ["-Dtests=false", "-Dbench=false", "-Dtrain=disabled", "-Dstrip=true"]
# Of what other libraries give, what the wheel takes along. Old dynamic tags: libraries of libraries are looked for too.
LINUX = [
    "-Dcli=enabled",
    "-Djpeg=auto",
    "-Dpng=auto",
    "-Dwebp=auto",
    "-Dgallery=auto",
    "-Ddownload=auto",
    "-Dzip=disabled",
    "-Dc_link_args=-Wl,--disable-new-dtags,-rpath,$ORIGIN:$ORIGIN/..",
]
CROSS = ["--cross-file", os.path.join(ROOT, "scripts", "cross", "mingw-w64.ini")]
# With the libraries of scripts/cross-deps, which go into facet's own, and without.
WINDOWS = [
    "-Dcli=enabled",
    "-Djpeg=enabled",
    "-Dpng=enabled",
    "-Dwebp=enabled",
    "-Dgallery=enabled",
    "-Ddownload=disabled",
    "-Dzip=disabled",
    "-Dprefer_static=true",
]
WINDOWS_ALONE = ["-Dauto_features=disabled"]
INSIDE = ("zlib", "libjpeg-turbo", "libspng", "libwebp", "sqlite")
# Whatever else the project can do with other libraries stays out.
LEFT_OUT = ("unicode", "heif", "tiff", "gif", "jxl", "icc", "text", "video", "window", "server", "web")
COMMAND = os.path.join("tools", "facet")
# What every Linux of PEP 600 and every Windows has.
SYSTEM = re.compile(
    r"lib(c|m|dl|pthread|rt)\.so|ld-linux|(KERNEL32|SHELL32|ADVAPI32|msvcrt|ucrtbase|api-ms-win-crt.*)\.dll$", re.I
)


def ninja(folder, options):
    if not os.path.exists(os.path.join(folder, "build.ninja")):
        subprocess.run(["meson", "setup", folder, ROOT, *OPTIONS, *options], check=True, stdout=subprocess.DEVNULL)
    subprocess.run(["ninja", "-C", folder], check=True, stdout=subprocess.DEVNULL)


def left_out():
    """Options of features that a wheel has not. Read from the file: meson's introspection tries compilers."""
    with open(os.path.join(ROOT, "meson_options.txt"), encoding="utf-8") as f:
        known = set(re.findall(r"option\('(\w+)'", f.read()))
    return [f"-D{name}=disabled" for name in LEFT_OUT if name in known]


def strip(path, to):
    """A copy without symbols that only debuggers read."""
    subprocess.run(["strip", "--strip-unneeded", "-o", to, path], check=True)
    return to


def built(folder):
    """What a build on Linux gave: name in the package to path."""
    out = {
        "libfacet.so.0": os.path.join(folder, "libfacet.stripped"),
        "_bin/facet": os.path.join(folder, "facet.stripped"),
    }
    strip(os.path.realpath(os.path.join(folder, "src", "libfacet.so.0")), out["libfacet.so.0"])
    strip(os.path.join(folder, COMMAND), out["_bin/facet"])
    return out


def build_linux(folder):
    """Name in the package to path, of each file; and the platform's tag."""
    ninja(folder, LINUX + left_out())
    files = built(folder)
    known = [path for path in files.values()]
    while known:
        for name, path in resolve(known.pop()).items():
            if name not in files:
                files[name] = path
                known.append(path)
    return files, manylinux(files.values())


def resolve(path):
    """Libraries that a file asks for, but for the system's own, and where they are here."""
    wanted = needed(path)
    if not wanted:
        return {}
    table = dict(re.findall(r"(\S+) => (/\S+)", subprocess.check_output(["ldd", path], text=True)))
    missing = [name for name in wanted if name not in table]
    if missing:
        sys.exit(f"{path} needs {', '.join(missing)}, which cannot be found")
    return {name: os.path.realpath(table[name]) for name in wanted}


def cross_deps():
    """The folder of what scripts/cross-deps has built; None where that is not complete."""
    cache = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    folder = os.environ.get("FCT_CROSS_DEPS") or os.path.join(cache, "facet", "mingw-w64")
    return folder if os.path.exists(os.path.join(folder, "complete.ini")) else None


def build_windows(folder):
    deps = cross_deps()
    files = {"facet.dll": os.path.join("src", "libfacet-0.dll")}
    if deps:
        files["_bin/facet.exe"] = COMMAND + ".exe"
        ninja(folder, [*CROSS, "--cross-file", os.path.join(deps, "complete.ini"), *WINDOWS, *left_out()])
    else:
        ninja(folder, [*CROSS, *WINDOWS_ALONE])
    return {name: stripped_for_windows(folder, path) for name, path in files.items()}, "win_amd64"


def stripped_for_windows(folder, name):
    """A copy without symbols of a program or library, which may ask for Windows' own libraries alone."""
    path, to = os.path.join(folder, name), os.path.join(folder, os.path.basename(name) + ".stripped")
    table = subprocess.check_output(["x86_64-w64-mingw32-objdump", "-p", path], text=True)
    more = [n for n in re.findall(r"DLL Name: (\S+)", table) if not SYSTEM.match(n)]
    if more:
        sys.exit(f"{name} needs {', '.join(more)}: not on every Windows")
    # Binutils would write the time of day into it.
    env = dict(os.environ, SOURCE_DATE_EPOCH="1577836800")
    subprocess.run(["x86_64-w64-mingw32-strip", "--strip-unneeded", "-o", to, path], check=True, env=env)
    return to


def needed(path):
    """Libraries that a library asks for, but for the system's own."""
    found = re.findall(r"NEEDED.*\[(.*)\]", subprocess.check_output(["readelf", "-d", path], text=True))
    return [n for n in found if not SYSTEM.match(n)]


def manylinux(paths):
    """The tag for the newest symbol of the C library that is asked for."""
    newest = (2, 17)  # the oldest that PEP 600's platforms still have
    for path in paths:
        symbols = subprocess.check_output(["readelf", "-W", "--dyn-syms", path], text=True)
        versions = [tuple(map(int, v.split("."))) for v in re.findall(r"@GLIBC_([0-9.]+)", symbols)]
        if not versions:
            return "linux_" + platform.machine()  # another C library: for this machine alone
        newest = max([newest, *(v[:2] for v in versions)])
    return "manylinux_%d_%d_" % newest + platform.machine()


def version():
    return re.search(r"version: '([^']+)'", open(os.path.join(ROOT, "meson.build")).read()).group(1)


def metadata():
    name = f"facet_vision-{version()}"
    package = ast.parse(open(os.path.join(HERE, "facet", "__init__.py")).read())
    text = (
        f"Metadata-Version: 2.1\nName: facet-vision\nVersion: {version()}\nSummary: Face detection, alignment, "
        "embedding and recognition on the CPU\nLicense: MIT\nRequires-Python: >=3.8\nRequires-Dist: numpy\n\n"
        + ast.get_docstring(package)
    )
    return name, text


def package_of(path):
    """The Debian package that a library is of."""
    for name in (path, path.replace("/usr/lib", "/lib", 1)):
        r = subprocess.run(["dpkg-query", "-S", name], capture_output=True, text=True)
        if not r.returncode:
            return r.stdout.partition(":")[0]
    sys.exit(f"{path} is of no Debian package: its license must be in the wheel")


def licenses(files):
    """Terms of all that is in the wheel: the project's, the default pack's, and those of Debian's libraries."""
    out = {"LICENSE": os.path.join(ROOT, "LICENSE"), "ibex.md": os.path.join(ROOT, "models", "ibex", "README.md")}
    for name, path in files.items():
        if os.path.realpath(path).startswith(("/lib/", "/usr/lib/")):
            out[name.partition(".")[0]] = f"/usr/share/doc/{package_of(path)}/copyright"
    if "_bin/facet.exe" in files:
        out.update({name: os.path.join(cross_deps(), "licenses", name + ".txt") for name in INSIDE})
    missing = [path for path in out.values() if not os.path.exists(path)]
    if missing:
        sys.exit(f"no license at {', '.join(missing)}")
    return out


def write(out, libraries, tag):
    name, text = metadata()
    tag = "py3-none-" + tag
    path, records = os.path.join(out, f"{name}-{tag}.whl"), []
    os.makedirs(out, exist_ok=True)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as z:

        def add(where, data, mode=0o644):
            info = zipfile.ZipInfo(where, (2020, 1, 1, 0, 0, 0))  # the same input gives the same wheel
            info.external_attr = (stat.S_IFREG | mode) << 16
            z.writestr(info, data, zipfile.ZIP_DEFLATED)
            digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
            records.append(f"{where},sha256={digest},{len(data)}")

        for folder, _, files in sorted(os.walk(os.path.join(HERE, "facet"))):
            for file in sorted(f for f in files if f.endswith(".py") or f == "py.typed"):
                full = os.path.join(folder, file)
                add(os.path.relpath(full, HERE), open(full, "rb").read())
        for where, full in licenses(libraries).items():
            add(f"{name}.dist-info/licenses/{where}", open(full, "rb").read())
        for file, full in libraries.items():
            add("facet/" + file, open(full, "rb").read(), 0o755 if file.startswith("_bin/") else 0o644)
        if any(file.startswith("_bin/") for file in libraries):
            add(f"{name}.dist-info/entry_points.txt", b"[console_scripts]\nfacet = facet._command:main\n")
        add(f"{name}.dist-info/METADATA", text.encode())
        add(
            f"{name}.dist-info/WHEEL",
            f"Wheel-Version: 1.0\nGenerator: facet\nRoot-Is-Purelib: false\nTag: {tag}\n".encode(),
        )
        records.append(f"{name}.dist-info/RECORD,,")
        z.writestr(f"{name}.dist-info/RECORD", "\n".join(records) + "\n")
    return path


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--windows", action="store_true")
    p.add_argument("--build", help="default build-wheel, or build-wheel-windows")
    p.add_argument("--out", default=os.path.join(ROOT, "build-wheel", "dist"))
    args = p.parse_args()
    folder = args.build or os.path.join(ROOT, "build-wheel-windows" if args.windows else "build-wheel")
    print(write(args.out, *(build_windows if args.windows else build_linux)(folder)))


if __name__ == "__main__":
    main()
