#!/usr/bin/env python3
"""What the dynamic linker has to load before facet starts: a few small libraries. Those
that bring many others (FFmpeg, SDL2, libcurl, libzip) are loaded when they are needed.

usage: needed_test.py READELF FILE..."""
import re
import subprocess
import sys

from report import Report

SYSTEM = r"c|m|dl|pthread|rt|gcc_s|[a-z]*san|clang_rt\.[\w.-]+"  # with the sanitizers' own
PICTURES = r"jpeg|spng|z|webp|webpdemux|sharpyuv"
MAY = re.compile(r"(lib(%s|%s|sqlite3|utf8proc)|ld[\w.-]*)\.so(\.\d+)*" % (SYSTEM, PICTURES))


def needed(readelf, path):
    out = subprocess.run([readelf, "-d", path], capture_output=True, text=True, check=True).stdout
    return re.findall(r"\(NEEDED\).*\[(.*)\]", out)


def main():
    report = Report()
    for path in sys.argv[2:]:
        names = needed(sys.argv[1], path)
        report.check("%s is linked dynamically" % path, [] if names else ["no library is needed"])
        report.check("%s starts with few libraries" % path, ["needs " + n for n in names if not MAY.fullmatch(n)])
    report.close()


main()
