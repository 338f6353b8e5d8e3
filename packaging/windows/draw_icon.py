#!/usr/bin/env python3
"""Draws the icon of facet.exe: a face in the corners of a box, as a detection is drawn.

    packaging/windows/draw_icon.py OUT.ico

A file of icons holds a picture for each size; up to 64 pixels they are bitmaps, as Windows has always
read them, beyond that a PNG file. Shapes are drawn by their distance from each pixel, so that edges
are smooth at every size. The same bytes come out every time."""
import struct
import sys
import zlib

SIZES = (16, 24, 32, 48, 64, 256)
BLUE, SKIN, DARK = (24, 78, 140), (246, 214, 178), (40, 44, 52)


def rounded_box(x, y, half, radius):
    """Signed distance from a square with round corners around (0.5, 0.5)."""
    dx, dy = abs(x - 0.5) - half + radius, abs(y - 0.5) - half + radius
    outside = (max(dx, 0) ** 2 + max(dy, 0) ** 2) ** 0.5
    return outside + min(max(dx, dy), 0) - radius


def ellipse(x, y, cx, cy, rx, ry):
    """About the distance from an ellipse; exact enough for an edge of one pixel."""
    k = (((x - cx) / rx) ** 2 + ((y - cy) / ry) ** 2) ** 0.5
    return (k - 1) * min(rx, ry)


def corner_marks(x, y):
    """Four corners of a box, each with two arms."""
    edge = abs(rounded_box(x, y, 0.36, 0.06)) - 0.028
    middle = max(0.17 - abs(x - 0.5), 0.17 - abs(y - 0.5))
    return max(edge, middle)


def mouth(x, y):
    ring = abs(ellipse(x, y, 0.5, 0.5, 0.15, 0.15)) - 0.02
    return max(ring, 0.56 - y)


def shapes(x, y):
    """Colors from back to front with the distance of each."""
    yield BLUE, rounded_box(x, y, 0.49, 0.16)
    yield SKIN, ellipse(x, y, 0.5, 0.5, 0.235, 0.28)
    yield DARK, ellipse(x, y, 0.41, 0.45, 0.035, 0.045)
    yield DARK, ellipse(x, y, 0.59, 0.45, 0.035, 0.045)
    yield DARK, mouth(x, y)
    yield (255, 255, 255), corner_marks(x, y)


def pixel(px, py, size):
    """Red, green, blue and alpha, 0 to 255."""
    color, alpha = (0.0, 0.0, 0.0), 0.0
    for shade, distance in shapes((px + 0.5) / size, (py + 0.5) / size):
        cover = min(max(0.5 - distance * size, 0), 1)
        if cover <= 0:
            continue
        color = tuple(c + (s - c) * cover for c, s in zip(color if alpha else shade, shade))
        alpha += (1 - alpha) * cover
    return tuple(int(c + 0.5) for c in color) + (int(alpha * 255 + 0.5),)


def bitmap(size, rows):
    """A bitmap without a file header: rows from the bottom up, blue first, then a mask that is not used."""
    head = struct.pack("<IiiHHIIiiII", 40, size, 2 * size, 1, 32, 0, 0, 0, 0, 0, 0)
    body = b"".join(bytes((b, g, r, a)) for row in reversed(rows) for r, g, b, a in row)
    return head + body + bytes((size + 31) // 32 * 4 * size)


def png(size, rows):
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    body = b"".join(b"\0" + bytes(v for p in row for v in p) for row in rows)
    head = struct.pack(">IIBBBBB", size, size, 8, 6, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(body, 9)) + chunk(b"IEND", b"")


def main():
    pictures = []
    for size in SIZES:
        rows = [[pixel(x, y, size) for x in range(size)] for y in range(size)]
        pictures.append((bitmap if size <= 64 else png)(size, rows))
    at = 6 + 16 * len(SIZES)
    out = struct.pack("<HHH", 0, 1, len(SIZES))
    for size, data in zip(SIZES, pictures):
        out += struct.pack("<BBBBHHII", size % 256, size % 256, 0, 0, 1, 32, len(data), at)
        at += len(data)
    with open(sys.argv[1], "wb") as f:
        f.write(out + b"".join(pictures))


if len(sys.argv) != 2:
    sys.exit(__doc__)
main()
