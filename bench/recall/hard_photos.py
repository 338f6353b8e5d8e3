#!/usr/bin/env python3
"""What tiles, turns and the small detection size find that one look at 640 does not.

    bench/recall/hard_photos.py --facet build/tools/facet --photos DIR... [--models PACK ...]

Real photos are made hard in a known way, and the faces that the pack finds in the untouched photos (score
0.6, Auto) are looked for again at the places where they must be (IoU 0.4): crowd: 24 photos a sheet, scaled
until the largest face of each is about 20 pixels, on 2560x1920; turned: each photo by 90, 180 and 270
degrees; close-up: the largest face of each photo fills a picture. Extra: detections that overlap no known
face by 0.1, in parts of all (sheets hold faces below 20 pixels which count as neither)."""

import argparse
import json
import os
import subprocess
import tempfile

import cv2
import numpy as np

EXTENSIONS = (".jpg", ".jpeg", ".png", ".webp")


def detect(facet, models, folder, *options):
    """{file name: boxes [n, 4]}"""
    run = subprocess.run(
        [facet, "detect", "--json", "--quiet", *(["--models", models] if models else []), *options, folder],
        capture_output=True,
        text=True,
    )
    if run.returncode not in (0, 1):
        raise SystemExit(run.stderr)
    rows = [json.loads(line) for line in run.stdout.splitlines()]
    return {os.path.basename(r["file"]): np.array([f["box"] for f in r["faces"]], float).reshape(-1, 4) for r in rows}


def iou(a, b):
    lo, hi = np.maximum(a[:, None, :2], b[None, :, :2]), np.minimum(a[:, None, 2:], b[None, :, 2:])
    both = np.prod(np.clip(hi - lo, 0, None), -1)
    area = lambda x: np.prod(x[:, 2:] - x[:, :2], -1)
    return both / (area(a)[:, None] + area(b)[None] - both)


def largest(boxes):
    return boxes[np.prod(boxes[:, 2:] - boxes[:, :2], 1).argmax()]


def crowd(photos, known, write):
    cells = []
    for name, image in photos:
        if not len(known[name]):
            continue
        box = largest(known[name])
        scale = 20 / max(box[2] - box[0], box[3] - box[1])
        if scale > 1 or max(image.shape) * scale > 400:
            continue
        small = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        sizes = (known[name][:, 2:] - known[name][:, :2]).max(1) * scale
        cells.append((small, known[name] * scale, sizes >= 12))
    for k in range(0, len(cells), 24):
        sheet, boxes = np.full((1920, 2560, 3), 110, np.uint8), []
        for i, (small, b, sure) in enumerate(cells[k : k + 24]):
            x, y = i % 6 * 426, i // 6 * 480
            sheet[y : y + small.shape[0], x : x + small.shape[1]] = small
            boxes.append((b + [x, y, x, y])[sure])
        write(f"sheet{k:03}.png", sheet, np.concatenate(boxes))


def turned(photos, known, write):
    for name, image in photos:
        h, w = image.shape[:2]
        x0, y0, x1, y1 = known[name].T
        turns = {
            cv2.ROTATE_90_CLOCKWISE: (h - y1, x0, h - y0, x1),
            cv2.ROTATE_180: (w - x1, h - y1, w - x0, h - y0),
            cv2.ROTATE_90_COUNTERCLOCKWISE: (y0, w - x1, y1, w - x0),
        }
        for how, boxes in turns.items():
            if len(known[name]):
                write(f"{name}.{how}.png", cv2.rotate(image, how), np.stack(boxes, 1))


def close_up(photos, known, write):
    for name, image in photos:
        if not len(known[name]):
            continue
        x0, y0, x1, y1 = np.clip(largest(known[name]), 0, [image.shape[1], image.shape[0]] * 2).astype(int)
        scale = 1000 / max(x1 - x0, y1 - y0)
        picture = cv2.resize(image[y0:y1, x0:x1], None, fx=scale, fy=scale)
        write(f"{name}.png", picture, np.array([[0, 0, picture.shape[1], picture.shape[0]]], float))


def measure(found, truth):
    right = total = extra = detections = 0
    for name, boxes in truth.items():
        got = found.get(name, np.zeros((0, 4)))
        m = iou(boxes, got)
        total, detections = total + len(boxes), detections + len(got)
        right += int((m.max(1) >= 0.4).sum()) if len(got) else 0
        extra += int((m.max(0) < 0.1).sum()) if len(got) and len(boxes) else 0
    return f"{right:4} of {total:4} ({100 * right / max(total, 1):5.1f} %), extra {extra:3} of {detections}"


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--facet", required=True)
    p.add_argument("--photos", nargs="+", required=True)
    p.add_argument("--models", nargs="*", default=[None])
    a = p.parse_args()
    files = sorted(os.path.join(d, f) for d in a.photos for f in os.listdir(d) if f.lower().endswith(EXTENSIONS))
    looks = {
        crowd: [("--det-size", "640x640"), (), ("--tile", "640"), ("--tile", "320")],
        turned: [(), ("--rotations",)],
        close_up: [("--det-size", "640x640"), ("--det-size", "128x128"), ()],
    }
    for models in a.models:
        print(models or "the built-in pack")
        with tempfile.TemporaryDirectory() as temp:
            originals = os.path.join(temp, "photos")
            os.mkdir(originals)
            photos = [(f"{i:03}.png", cv2.imread(f)) for i, f in enumerate(files)]
            for name, image in photos:
                cv2.imwrite(os.path.join(originals, name), image)
            known = detect(a.facet, models, originals, "--det-thresh", "0.6")
            for make, options in looks.items():
                folder, truth = os.path.join(temp, make.__name__), {}
                os.mkdir(folder)

                def write(name, image, boxes):
                    cv2.imwrite(os.path.join(folder, name), image)
                    truth[name] = boxes

                make(photos, known, write)
                for o in options:
                    print(
                        f"  {make.__name__:9} {' '.join(o) or 'default (Auto)':18}"
                        f" {measure(detect(a.facet, models, folder, *o), truth)}"
                    )


if __name__ == "__main__":
    main()
