#!/usr/bin/env python3
"""Generates a small pack in the folder OUT.c.pack and the C file that embeds it.

    small_pack.py MAKE_PACK EMBED_PACK_PY OUT.c DEPFILE"""
import hashlib
import json
import os
import subprocess
import sys


def main():
    make_pack, embed, out, depfile = sys.argv[1:]
    folder = os.path.abspath(out) + ".pack"
    for name in ("pack", "other", "blind", "headless"):
        os.makedirs(os.path.join(folder, name), exist_ok=True)
    subprocess.run([make_pack, folder], check=True)
    pack = os.path.join(folder, "pack")
    with open(os.path.join(pack, "embedder.onnx"), "rb") as f:
        digest = hashlib.sha256(f.read()).hexdigest()
    manifest = {"facet_pack": 1, "name": "small", "license": "MIT \"and\" more\u2026", "threshold": 0.33, "files": [
        {"file": "embedder.onnx", "task": "recognition", "sha256": digest.upper(), "mean": 127.5, "std": 127.5},
        {"file": "detector.onnx", "agreement": True}]}
    with open(os.path.join(pack, "pack.json"), "w") as f:
        json.dump(manifest, f)
    subprocess.run([sys.executable, embed, pack, out, depfile], check=True)


main()
