#!/usr/bin/env python3
"""Makes a score of 0.5 mean the same for faces of all sizes.

    python3 detector_calibrate.py --faces DIR --labels FILE.npz --detector det.onnx --out calibrated.onnx

What a threshold lets through differs between the three levels: of small detections with a score of 0.5 more are
texture than of large ones. The odds of the levels' scores are multiplied by factors, one at a time, to where the
share of the faces found less --price times the share of the detections that are none is largest, on the photos
for choosing (every tenth, not trained on; portraits and groups weigh alike), with the labels of detector_labels.py,
as the pipeline looks: at 128 and 640, and what the candidates agree on (evaluate.agree)."""

import argparse
import os
import cv2
import numpy as np
import onnx
from onnx import numpy_helper
from detector_data import for_choosing, iou
from evaluate import FROM, Scrfd, agree

SIZES = (128, 640)


def collect(a):
    """-> per photo for choosing: boxes, logits, levels and overlaps of the candidates, boxes of the faces that are
    sure, whether it is of a group."""
    det, c = Scrfd(a.detector), dict(np.load(a.labels))
    at = np.r_[0, np.cumsum(c['n'])]
    rows = []
    for i, name in enumerate(c['names']):
        if not for_choosing(i):
            continue
        im = cv2.imread(os.path.join(a.faces, str(name)))
        b, s = (np.concatenate(v) for v in zip(*(det.one(im, z)[:2] for z in SIZES)))
        k = np.concatenate([np.full(2 * (z // t) ** 2, i) for z in SIZES for i, t in enumerate((8, 16, 32))])
        m = s >= FROM / 2
        b, s, k = b[m], s[m].astype(np.float64), k[m]
        known, sure = c['b'][at[i] : at[i + 1]], c['w'][at[i] : at[i + 1], 0] > 0
        rows.append((b, np.log(s / (1 - s)), k, iou(b, b), known[sure], str(name).startswith('groups')))
    return rows


def shares(rows, move):
    """-> share of the faces found and share of the detections that are none [2 (portraits, groups), 2], with
    `move` [3] added."""
    n = np.zeros((2, 4))  # found, faces, false, detections
    for b, logit, level, own, known, group in rows:
        v = logit + move[level]
        m = v >= np.log(FROM / (1 - FROM))
        boxes, v, _ = agree(b[m], v[m], own=own[m][:, m])
        boxes = boxes[v >= 0]
        right = iou(boxes, known) >= 0.5  # what the teachers half see counts as false, or crowds would never end
        n[int(group)] += right.any(0).sum(), len(known), (~right.any(1)).sum(), len(boxes)
    return n[:, ::2] / n[:, 1::2].clip(1)


def search(rows, price, most):
    """The logits to add to the three levels, by steps that raise the worth."""

    def worth(move):
        s = shares(rows, move)
        return (s[:, 0] - price * s[:, 1]).sum()

    move = np.full(3, -0.4)
    best = worth(move)
    for step in (0.3, 0.15, 0.15):
        for k in (0, 1, 2, 0, 1, 2):
            for d in (step, -step):
                other = move.copy()
                other[k] = np.clip(move[k] + d, -most, most)
                value = worth(other)
                if value > best:
                    move, best = other, value
    return move


def main():
    a = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    for n in ('faces', 'labels', 'detector', 'out'):
        a.add_argument('--' + n, required=True)
    a.add_argument(
        '--price', type=float, default=3.0, help='of a per cent of false detections, in per cent of the faces'
    )
    a.add_argument('--most', type=float, default=1.5, help='logits that a level may lose or gain')
    a.add_argument('--moves', type=float, nargs=3, help='logits to add to the three levels, instead of a search')
    a = a.parse_args()
    rows = collect(a)
    move = np.array(a.moves) if a.moves else search(rows, a.price, a.most)
    for what, v in (('before', np.zeros(6)), ('after', move)):
        s = 100 * shares(rows, v)
        print(f'{what}: portraits {s[0, 0]:.1f} % found, {s[0, 1]:.1f} % false; groups {s[1, 0]:.1f}, {s[1, 1]:.1f} %')
    print('logits of the levels:', ', '.join(f'{8 << k} pixels {v:+.2f}' for k, v in enumerate(move)))
    model = onnx.load(a.detector)
    stored = {t.name: t for t in model.graph.initializer}
    for k, v in enumerate(move):
        t = stored.get(f'odds_{8 << k}')
        if t is None:
            raise SystemExit(f'{a.detector}: not a detector of detector.py')
        t.CopyFrom(numpy_helper.from_array((numpy_helper.to_array(t) * np.exp(-v)).astype(np.float32), t.name))
    onnx.save(model, a.out)


if __name__ == '__main__':
    main()
