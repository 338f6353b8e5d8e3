"""The builder behind `pip install ./python` (PEP 517): a wheel for this machine.

The library and the command are built by Meson, in build-pip beside the sources (or where the
config setting `builddir` says), with whatever libraries are found here. Meson and Ninja are fetched
by pip where they are missing; the C compiler is not."""

import os
import platform
import shutil
import sys

import build_wheel as wheel

OPTIONS = ["-Dcli=enabled"]


class UnsupportedOperation(Exception):
    """What PEP 517 wants a builder to raise that makes no source archives."""


def get_requires_for_build_wheel(config_settings=None):
    return [name for name, tool in (("meson>=1.0", "meson"), ("ninja", "ninja")) if not shutil.which(tool)]


def build_wheel(wheel_directory, config_settings=None, metadata_directory=None):
    if not sys.platform.startswith("linux"):
        sys.exit(
            "facet's Python package is built here on Linux alone; build_wheel.py --windows makes a wheel for Windows"
        )
    folder = (config_settings or {}).get("builddir") or os.path.join(wheel.ROOT, "build-pip")
    wheel.ninja(folder, OPTIONS)
    machine = platform.machine()
    return os.path.basename(wheel.write(wheel_directory, wheel.built(folder), "linux_" + machine))


def build_sdist(sdist_directory, config_settings=None):
    raise UnsupportedOperation("the C sources lie outside this folder: install from a checkout")
