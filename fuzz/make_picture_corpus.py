#!/usr/bin/env python3
"""Writes the seeds of the picture fuzzer in HEIC, AVIF, TIFF, GIF, BMP and JPEG XL.

usage: fuzz/make_picture_corpus.py [fuzz/corpus]

Needs numpy, Pillow, pillow-heif, tifffile and imagecodecs (PyPI). Files same-* all
show the picture of same-png, some stored turned; tests/unit/image_formats_test.c
compares them. Files kind-* are of other kinds, damaged-* have a few bytes changed."""

import io
import pathlib
import random
import sys

import imagecodecs
import numpy as np
import pillow_heif
import tifffile
from PIL import Image

SEED = 20240229
# What undoes the orientation of an EXIF block, turned around: how the pixels have to lie for it.
STORED = {
    2: Image.FLIP_LEFT_RIGHT,
    3: Image.ROTATE_180,
    4: Image.FLIP_TOP_BOTTOM,
    5: Image.TRANSPOSE,
    6: Image.ROTATE_90,
    7: Image.TRANSVERSE,
    8: Image.ROTATE_270,
}


def coded(im, kind, **options):
    out = io.BytesIO()
    im.save(out, kind, **options)
    return out.getvalue()


def tiff(a, **options):
    out = io.BytesIO()
    tifffile.imwrite(out, a, **options)
    return out.getvalue()


def exif(orientation):
    e = Image.Exif()
    e[0x0112] = orientation
    return e


def picture():
    """Few colors, so that palettes hold it; smooth, so that lossy kinds keep it."""
    y, x = np.mgrid[0:24, 0:40]
    a = np.stack([x // 8 * 40 + 20, y // 8 * 80 + 40, (x // 8 + y // 8) * 30 + 20], -1)
    return Image.fromarray(a.astype(np.uint8), "RGB")


def runs(im):
    """A BMP of runs of 8 bits: Pillow does not write them."""
    p = im.quantize(16)
    a, colors = np.asarray(p), np.frombuffer(bytes(p.getpalette()[:48]).ljust(48, b"\0"), np.uint8).reshape(16, 3)
    body = b""
    for row in a[::-1]:
        x = 0
        while x < len(row):
            n = 1
            while x + n < len(row) and row[x + n] == row[x]:
                n += 1
            if n < 4 and x + 3 <= len(row):
                body, n = body + bytes([0, 3]) + row[x : x + 3].tobytes() + b"\0", 3
            else:
                body += bytes([n, row[x]])
            x += n
        body += b"\0\0"
    body += b"\0\1"
    table = b"".join(bytes([c[2], c[1], c[0], 0]) for c in colors)
    at = 14 + 40 + len(table)
    word = lambda *v: b"".join(int(i).to_bytes(4, "little") for i in v)
    head = b"BM" + word(at + len(body), 0, at) + word(40, im.width, im.height) + b"\1\0\x08\0"
    return head + word(1, len(body), 0, 0, 16, 0) + table + body


def same(im):
    a, rgba = np.asarray(im), im.convert("RGBA")
    yield "png", coded(im, "PNG")
    for turn in range(1, 9):
        stored = im.transpose(STORED[turn]) if turn > 1 else im
        yield "tiff-turned%d" % turn, coded(stored, "TIFF", exif=exif(turn), compression="tiff_lzw")
        for kind, full in (("HEIF", {"chroma": 444}), ("AVIF", {"subsampling": "4:4:4"})):
            yield "%s-turned%d" % (kind.lower(), turn), coded(
                stored, kind, quality=98, exif=exif(turn).tobytes(), **full
            )
    yield "tiff-16bit", tiff(a.astype(np.uint16) * 257, photometric="rgb")
    yield "tiff-tiles", tiff(a, photometric="rgb", tile=(16, 16), compression="zlib")
    yield "tiff-big-endian", tiff(a, photometric="rgb", byteorder=">", rowsperstrip=5)
    yield "tiff-bigtiff", tiff(a, photometric="rgb", bigtiff=True)
    yield "tiff-planes", tiff(a.transpose(2, 0, 1).copy(), photometric="rgb", planarconfig="separate")
    yield "tiff-pages", tiff(np.stack([a, 255 - a]), photometric="rgb")
    yield "tiff-cmyk", coded(im.convert("CMYK"), "TIFF")
    yield "tiff-palette", coded(im.quantize(16), "TIFF")
    yield "tiff-alpha", coded(rgba, "TIFF")
    yield "bmp", coded(im, "BMP")
    yield "bmp-palette", coded(im.quantize(16), "BMP")
    yield "bmp-alpha", coded(rgba, "BMP")
    yield "bmp-runs", runs(im)
    yield "gif", coded(im, "GIF")
    yield "gif-interlaced", coded(im, "GIF", interlace=1)
    yield "gif-frames", coded(im, "GIF", save_all=True, append_images=[im.transpose(Image.ROTATE_180)])
    yield "jxl", imagecodecs.jpegxl_encode(a, lossless=True)
    yield "jxl-16bit", imagecodecs.jpegxl_encode(a.astype(np.uint16) * 257, lossless=True)
    yield "jxl-alpha", imagecodecs.jpegxl_encode(np.asarray(rgba), lossless=True)
    stored = im.transpose(STORED[6])
    yield "jxl-turned6", imagecodecs.jpegxl_encode_jpeg(coded(stored, "JPEG", quality=98, subsampling=0, exif=exif(6)))


def others(im):
    gray, rgba = im.convert("L"), im.convert("RGBA")
    rgba.putalpha(Image.linear_gradient("L").resize(im.size))
    for name, options in (("heif", {}), ("avif", {})):
        yield name + "-420-alpha", coded(rgba, name.upper(), quality=50, **options)
    yield "tiff-jpeg", coded(im, "TIFF", compression="jpeg")
    yield "tiff-1bit", coded(im.convert("1"), "TIFF", compression="group4")
    yield "tiff-alpha", coded(rgba, "TIFF")
    yield "tiff-float", tiff(np.asarray(im).astype(np.float32), photometric="rgb")
    yield "bmp-1bit", coded(im.convert("1"), "BMP")
    yield "bmp-gray", coded(gray, "BMP")
    yield "gif-transparent", coded(im.quantize(16), "GIF", transparency=3)
    yield "jxl-lossy", imagecodecs.jpegxl_encode(np.asarray(rgba), level=70)


def damaged(data, chance):
    b = bytearray(data)
    for _ in range(3):
        b[chance.randrange(len(b))] ^= 1 << chance.randrange(8)
    return bytes(b)


def main():
    root = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).parent / "corpus") / "image"
    pillow_heif.register_heif_opener()
    chance = random.Random(SEED)
    for prefix in ("same-", "kind-", "damaged-"):
        for old in root.glob(prefix + "*"):
            old.unlink()
    for prefix, make in (("same-", same), ("kind-", others)):
        for name, data in make(picture()):
            (root / (prefix + name)).write_bytes(data)
            if "turned" not in name or "turned6" in name:
                (root / ("damaged-" + name)).write_bytes(damaged(data, chance))


main()
