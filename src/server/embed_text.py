#!/usr/bin/env python3
"""Writes a file as a C array, without the blanks of JSON.

usage: embed_text.py FILE.json NAME OUT.c"""

import json
import sys


def main():
    with open(sys.argv[1], encoding="utf-8") as f:
        data = json.dumps(json.load(f), separators=(",", ":")).encode()
    name = sys.argv[2]
    with open(sys.argv[3], "w", encoding="utf-8") as f:
        f.write("extern const char %s[];\nextern const unsigned long %s_size;\n" % (name, name))
        f.write("const char %s[] = {\n" % name)
        for i in range(0, len(data), 24):
            f.write(",".join("%d" % b for b in data[i : i + 24]) + ",\n")
        f.write("0};\nconst unsigned long %s_size = %d;\n" % (name, len(data)))


main()
