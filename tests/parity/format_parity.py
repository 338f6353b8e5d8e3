#!/usr/bin/env python3
"""Compares facet's reading of HEIC, AVIF, TIFF, GIF, BMP and JPEG XL with other programs'.

usage: format_parity.py LIBFACET PHOTO

Needs numpy, opencv, Pillow, pillow-heif, tifffile and imagecodecs (PyPI). Writes
the photo in every kind of these formats and reads it back with facet and with one
of those. Kinds that store whole numbers must agree in every byte; where conversion
rounds (YCbCr, CMYK, 16 bits) a few levels are allowed, as given with the kind.
Exit status 1 when a check fails."""

import io
import os
import sys
import tempfile

import imagecodecs
import numpy as np
import pillow_heif
import tifffile
from PIL import Image, ImageOps

from image_parity import Facet

RGB = 0


def coded(im, kind, **options):
    out = io.BytesIO()
    im.save(out, kind, **options)
    return out.getvalue()


def tiff(a, **options):
    out = io.BytesIO()
    tifffile.imwrite(out, a, **options)
    return out.getvalue()


def on_black(data):
    """As facet shows it: turned upright, alpha blended onto black."""
    im = ImageOps.exif_transpose(Image.open(io.BytesIO(data)))
    if im.mode in ("RGBA", "LA", "PA") or "transparency" in im.info:
        im = im.convert("RGBA")
        black = Image.new("RGBA", im.size, (0, 0, 0, 255))
        im = Image.alpha_composite(black, im)
    return np.asarray(im.convert("RGB"))


def exif(orientation):
    e = Image.Exif()
    e[0x0112] = orientation
    return e


def kinds(im):
    """Name, file, reference (None = Pillow's), allowed difference."""
    a, gray = np.asarray(im), im.convert("L")
    rgba = im.convert("RGBA")
    rgba.putalpha(Image.linear_gradient("L").resize(im.size))
    wide = a.astype(np.uint16) * 257
    # Colors at full resolution: libraries differ in how they enlarge them.
    for kind, full in (("HEIF", {"chroma": 444}), ("AVIF", {"subsampling": "4:4:4"})):
        yield kind, coded(im, kind, quality=90, **full), None, 3
        yield kind + " with alpha", coded(rgba, kind, quality=90, **full), None, 4
        for turn in range(2, 9):
            yield "%s turned %d" % (kind, turn), coded(im, kind, quality=90, exif=exif(turn).tobytes(), **full), None, 3
    for turn in range(1, 9):
        yield "TIFF turned %d" % turn, coded(im, "TIFF", exif=exif(turn)), None, 0
    yield "TIFF LZW", coded(im, "TIFF", compression="tiff_lzw"), a, 0
    yield "TIFF JPEG", coded(im, "TIFF", compression="jpeg"), None, 3
    yield "TIFF gray", coded(gray, "TIFF"), None, 0
    yield "TIFF palette", coded(im.quantize(64), "TIFF"), None, 0
    yield "TIFF 1 bit", coded(im.convert("1"), "TIFF", compression="group4"), None, 0
    yield "TIFF CMYK", coded(im.convert("CMYK"), "TIFF"), None, 1
    yield "TIFF alpha", coded(rgba, "TIFF"), None, 1
    yield "TIFF 16 bit", tiff(wide, photometric="rgb"), a, 0
    yield (
        "TIFF 16 bit gray",
        tiff(np.asarray(gray).astype(np.uint16) * 257, photometric="minisblack"),
        np.asarray(gray.convert("RGB")),
        0,
    )
    yield "TIFF 16 bit tiles, big-endian", tiff(wide, photometric="rgb", tile=(64, 64), byteorder=">"), a, 0
    yield "TIFF tiles", tiff(a, photometric="rgb", tile=(64, 48), compression="zlib"), a, 0
    yield "TIFF planes", tiff(a.transpose(2, 0, 1).copy(), photometric="rgb", planarconfig="separate"), a, 0
    yield "TIFF pages", tiff(np.stack([a, 255 - a]), photometric="rgb"), a, 0
    yield "BigTIFF", tiff(a, photometric="rgb", bigtiff=True), a, 0
    yield "BMP", coded(im, "BMP"), a, 0
    yield "BMP gray", coded(gray, "BMP"), None, 0
    yield "BMP palette", coded(im.quantize(256), "BMP"), None, 0
    yield "BMP 1 bit", coded(im.convert("1"), "BMP"), None, 0
    yield "BMP alpha", coded(rgba, "BMP"), None, 1
    yield "GIF", coded(im, "GIF"), None, 0
    yield "GIF interlaced", coded(im, "GIF", interlace=1), None, 0
    yield "GIF transparent", coded(im.quantize(64), "GIF", transparency=3), None, 0
    yield "GIF frames", coded(im, "GIF", save_all=True, append_images=[ImageOps.flip(im)]), None, 0
    yield "JPEG XL", imagecodecs.jpegxl_encode(a, level=95), "jxl", 1
    yield "JPEG XL lossless", imagecodecs.jpegxl_encode(a, lossless=True), a, 0
    yield "JPEG XL 16 bit", imagecodecs.jpegxl_encode(wide, lossless=True), a, 0
    yield "JPEG XL gray", imagecodecs.jpegxl_encode(np.asarray(gray), lossless=True), np.asarray(gray.convert("RGB")), 0


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    pillow_heif.register_heif_opener()
    f, bad, n = Facet(sys.argv[1]), 0, 0
    im = Image.open(sys.argv[2]).convert("RGB")
    im = im.resize((287, 287 * im.height // im.width))
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "picture")
        for name, data, want, allowed in kinds(im):
            with open(path, "wb") as out:
                out.write(data)
            if isinstance(want, str):
                want = imagecodecs.jpegxl_decode(data)
            want = on_black(data) if want is None else want
            got = f.read(path, RGB)
            d = np.abs(got.astype(int) - want) if got.shape == want.shape else np.array([999])
            n += 1
            if d.max() > allowed:
                bad += 1
                print(
                    "%s: %s, expected %s: differs by up to %d, mean %.3f"
                    % (name, got.shape, want.shape, d.max(), d.mean())
                )
    print("%d kinds compared, %d differ" % (n, bad))
    sys.exit(1 if bad else 0)


if __name__ == "__main__":
    main()
