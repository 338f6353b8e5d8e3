#!/usr/bin/env python3
"""Writes the seeds of the archive fuzzer: good packs, and archives that no one should trust.

usage: fuzz/make_zip_corpus.py [fuzz/corpus/zip]

Python's standard library alone; the same files come out every time."""

import io
import pathlib
import struct
import sys
import warnings
import zipfile

ONNX = b"\x08\x08\x3a\x02\x12\x00" * 9


def archive(entries, method=zipfile.ZIP_DEFLATED, comment=b""):
    """entries: (name, bytes) or (name, bytes, mode)."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as z, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a name twice is what one of them is about
        for name, data, *mode in entries:
            info = zipfile.ZipInfo(name, (2020, 1, 1, 0, 0, 0))
            info.compress_type, info.create_system = method, 3
            info.external_attr = (mode[0] if mode else 0o100644) << 16
            z.writestr(info, data)
        z.comment = comment
    return out.getvalue()


def patched(data, at, value, form="<I", central=True):
    """Another value in the first entry's central (or local) record."""
    start = data.index(b"PK\x01\x02" if central else b"PK\x03\x04") + at
    return data[:start] + struct.pack(form, value) + data[start + struct.calcsize(form) :]


def seeds():
    good = archive([("det.onnx", ONNX), ("rec.onnx", ONNX * 3)])
    yield "good", good
    yield "stored", archive([("det.onnx", ONNX)], zipfile.ZIP_STORED)
    yield "folder", archive([("pack/", b"", 0o40755), ("pack/det.onnx", ONNX), ("pack/pack.json", b"{}")])
    yield "mac", archive([("pack/det.onnx", ONNX), ("__MACOSX/pack/._det.onnx", b"x"), ("pack/.DS_Store", b"x")])
    yield "sums", archive([("det.onnx", ONNX), ("SHA256SUMS", b"0" * 64 + b"  det.onnx\n")])
    yield "empty", archive([])
    yield "no-networks", archive([("readme.txt", b"none")])
    yield "two-folders", archive([("a/det.onnx", ONNX), ("b/rec.onnx", ONNX)])
    yield "name-twice", archive([("det.onnx", ONNX), ("det.onnx", ONNX * 2)])
    for label, name in (
        ("parent", "../det.onnx"),
        ("inner-parent", "pack/../../det.onnx"),
        ("absolute", "/tmp/det.onnx"),
        ("drive", "C:\\det.onnx"),
        ("backslash", "..\\det.onnx"),
        ("control", "det\n.onnx"),
        ("dash", "-rf.onnx"),
        ("long", "d" * 250 + ".onnx"),
        ("dot", "./det.onnx"),
        ("utf8", "d\u00e9t.onnx"),
    ):
        yield label, archive([(name, ONNX)])
    yield "link", archive([("det.onnx", b"/etc/passwd", 0o120777)])
    yield "device", archive([("det.onnx", b"", 0o20644)])
    yield "zeros", archive([("det.onnx", bytes(1 << 20))])
    yield "bomb", patched(archive([("det.onnx", bytes(1 << 16))]), 24, 0xFFFFFFF0)
    yield "longer", patched(good, 24, 5)
    yield "shorter", patched(good, 24, 5000)
    yield "bad-sum", patched(good, 16, 1)
    yield "encrypted", patched(patched(good, 8, 1, "<H"), 6, 1, "<H", False)
    yield "method", patched(patched(good, 10, 99, "<H"), 8, 99, "<H", False)
    yield "offset", patched(good, 42, 0x7FFFFFFF)
    yield "comment", archive([("det.onnx", ONNX)], comment=b"PK\x05\x06" * 20)
    yield "cut", good[: len(good) // 2]
    yield "cut-end", good[:-10]
    yield "overlap", good[:-22] + good[-22:-12] + struct.pack("<HII", 60000, 0, 0)[:10] + good[-2:]


def main():
    folder = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).parent / "corpus" / "zip")
    folder.mkdir(parents=True, exist_ok=True)
    for name, data in seeds():
        (folder / f"seed-{name}.zip").write_bytes(data)


if __name__ == "__main__":
    main()
