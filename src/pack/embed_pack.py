#!/usr/bin/env python3
"""Writes the C file that puts a pack into the library.

    embed_pack.py FOLDER OUT.c DEPFILE

FOLDER holds pack.json (src/pack/manifest.c describes it) and the networks. They are
checked here: a build with a pack that is not whole fails, rather than its users."""

import hashlib
import json
import os
import re
import sys

TABLE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "tasks", "task_table.c")
with open(TABLE, encoding="utf-8") as table:
    TASKS = set(re.findall(r'\.name = "(\w+)"', table.read()))


def need(good, what):
    if not good:
        sys.exit("embed_pack: " + what)


def quote(text):
    """A C string literal of the text's UTF-8 bytes; NULL for None."""
    if text is None:
        return "NULL"
    plain = lambda b: 32 <= b < 127 and b not in b'"\\?'
    return '"%s"' % "".join(chr(b) if plain(b) else "\\%03o" % b for b in text.encode())


def assembler_path(path):
    """The path as the assembler's string within a C string literal."""
    return quote(path.replace("\\", "/").replace('"', '\\"'))


def read_manifest(path):
    with open(path, encoding="utf-8") as f:
        m = json.load(f)
    need(isinstance(m, dict) and m.get("facet_pack") == 1, path + ': "facet_pack" must be 1')
    need(isinstance(m.get("name"), str) and m["name"], path + ': "name" is wanted')
    return m


def file_entry(folder, entry, number):
    """C text that embeds one file, and its line of the table."""
    name = entry["file"]
    need(os.path.basename(name) == name and name.endswith(".onnx"), "%r is no name of an ONNX file" % name)
    path = os.path.join(folder, name)
    need(os.path.isfile(path), path + " is listed in pack.json but not there")
    with open(path, "rb") as f:
        digest = hashlib.sha256(f.read()).hexdigest()
    need(
        entry.get("sha256", digest).lower() == digest,
        path + ": not the file that pack.json lists (its SHA-256 differs)",
    )
    task = entry.get("task")
    need(task is None or task in TASKS, "%s: unknown task %r" % (path, task))
    need(("mean" in entry) == ("std" in entry), path + ': "mean" and "std" go together')
    symbol = "fct_embedded_%d" % number
    flag = lambda v: "true" if v else "false"
    need(isinstance(entry.get("agreement", False), bool), path + ': "agreement" is true or false')
    need(isinstance(entry.get("second_look", False), bool), path + ': "second_look" is true or false')
    need(
        entry.get("agreement") or not entry.get("second_look"),
        path + ': "second_look" must be given with "agreement": true',
    )
    need(isinstance(entry.get("refine", False), bool), path + ': "refine" is true or false')
    need(isinstance(entry.get("aligned", False), bool), path + ': "aligned" is true or false')
    line = "    {%s, %s, %s_end, \"%s\", %s, %s, %r, %r, %s, %s, %s, %s}," % (
        quote(name),
        symbol,
        symbol,
        digest,
        quote(task),
        flag("mean" in entry),
        float(entry.get("mean", 0)),
        float(entry.get("std", 1)),
        flag(entry.get("agreement")),
        flag(entry.get("second_look")),
        flag(entry.get("refine")),
        flag(entry.get("aligned")),
    )
    return "FCT_EMBED(%s, %s);" % (symbol, assembler_path(path)), line, path


def main():
    need(len(sys.argv) == 4, "usage: embed_pack.py FOLDER OUT.c DEPFILE")
    folder, out, depfile = os.path.abspath(sys.argv[1]), sys.argv[2], sys.argv[3]
    manifest_path = os.path.join(folder, "pack.json")
    m = read_manifest(manifest_path)
    listed = m.get("files") or [
        {"file": f} for f in sorted(os.listdir(folder)) if f.endswith(".onnx") and not f.startswith(".")
    ]
    need(0 < len(listed) <= 64, manifest_path + ": 1 to 64 files are wanted")
    embeds, lines, paths = zip(*(file_entry(folder, e, i) for i, e in enumerate(listed)))
    text = [
        "/* Written by src/pack/embed_pack.py. */",
        '#include "pack/embedded.h"',
        "",
        '#include "base/embed.h"',
        "",
        "#include <stddef.h>",
        "",
        *embeds,
        "",
        "static const fct_embedded_file files[] = {",
        *lines,
        "};",
        "",
        "static const fct_embedded_pack pack = {%s, %s, %rf, %d, files};"
        % (quote(m["name"]), quote(m.get("license")), float(m.get("threshold", 0)), len(lines)),
        "",
        "const fct_embedded_pack *fct_embedded(void) { return &pack; }",
        "",
    ]
    with open(out, "w", encoding="utf-8") as f:
        f.write("\n".join(text))
    with open(depfile, "w", encoding="utf-8") as f:
        escaped = [p.replace(" ", "\\ ") for p in (manifest_path, *paths)]
        f.write("%s: %s\n" % (os.path.basename(out) if not os.path.isabs(out) else out, " ".join(escaped)))


main()
