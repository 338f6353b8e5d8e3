#!/usr/bin/env python3
"""Writes the files of the web page as C arrays, plain and compressed.

Every file but the first (index.html) is addressed below /web/HASH/, HASH being that of all
of them, so that a browser may keep them for ever and never mixes two versions. In
index.html, @BASE@ stands for that address and @LINKS@ for the style sheets and modules.

usage: embed_web.py OUT.c index.html FILE..."""

import gzip
import hashlib
import pathlib
import sys

TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
CLASSIC = {"theme.js"}  # runs before the first paint and is no module
SHEETS = ["tokens.css", "base.css", "layout.css", "views.css"]  # in the order of the cascade


def page(text, base, names):
    links = ['<link rel="stylesheet" href="%s%s">' % (base, n) for n in SHEETS]
    modules = sorted(n for n in names if n.endswith(".js") and n not in CLASSIC)
    links += ['<link rel="modulepreload" href="%s%s">' % (base, n) for n in modules]
    return text.replace("@LINKS@", "\n".join(links)).replace("@BASE@", base)


def array(out, name, data):
    out.append("static const unsigned char %s[] = {" % name)
    for i in range(0, len(data), 32):
        out.append(",".join(str(b) for b in data[i : i + 32]) + ",")
    out.append("};")


def main():
    paths = [pathlib.Path(p) for p in sys.argv[2:]]
    files = {p.name: p.read_bytes() for p in paths}
    whole = hashlib.sha256()
    for name in sorted(files):
        whole.update(name.encode() + b"\0" + files[name] + b"\0")
    stamp = whole.hexdigest()[:16]
    index = files.pop("index.html")
    index = page(index.decode(), "/web/%s/" % stamp, files).encode()
    out = ['#include "server/web_files.h"', "#include <stddef.h>", ""]
    rows = []
    for i, (name, data) in enumerate([("index.html", index)] + sorted(files.items())):
        packed = gzip.compress(data, 9, mtime=0)
        array(out, "plain_%d" % i, data)
        array(out, "packed_%d" % i, packed)
        kind = TYPES[pathlib.Path(name).suffix]
        rows.append('    {"%s", "%s", plain_%d, %d, packed_%d, %d},' % (name, kind, i, len(data), i, len(packed)))
    out += ["const srv_web_file srv_web_files[] = {", *rows, "    {NULL, NULL, NULL, 0, NULL, 0},", "};"]
    out.append('const char srv_web_stamp[] = "%s";' % stamp)
    pathlib.Path(sys.argv[1]).write_text("\n".join(out) + "\n")


main()
