#!/usr/bin/env python3
"""Makes a score of 0.5 mean the same for faces of all sizes.

    python3 detector_calibrate.py --faces DIR --labels FILE.npz --detector det.onnx --out calibrated.onnx

What a threshold lets through differs between the six anchors: of small detections with a score of 0.5 most are
texture, of large ones nearly all are faces. The biases of the score layers are moved, one at a time, to where
the share of the faces found less --price times the share of the detections that are none is largest, on the
photos held back from training (every tenth; portraits and groups weigh alike), with the labels of
detector_labels.py, as the pipeline looks: at 128 and 640, one suppression at 0.4."""

import argparse
import os
import cv2
import numpy as np
import onnx
from onnx import numpy_helper
from detector_data import held_back, iou
from evaluate import Scrfd

SIZES, LEAST = (128, 640), 0.25


def collect(a):
    """-> per held-back photo: logits, anchors, overlaps of detections with one another and with the labels,
    labels that are sure, whether it is of a group."""
    det, c = Scrfd(a.detector), dict(np.load(a.labels))
    at = np.r_[0, np.cumsum(c['n'])]
    rows = []
    for i, name in enumerate(c['names']):
        if not held_back(i):
            continue
        im = cv2.imread(os.path.join(a.faces, str(name)))
        b, s = (np.concatenate(v) for v in zip(*(det.one(im, z)[:2] for z in SIZES)))
        k = np.concatenate(
            [np.tile([2 * i, 2 * i + 1], (z // t) ** 2) for z in SIZES for i, t in enumerate((8, 16, 32))]
        )
        m = s >= LEAST
        b, s, k = b[m], s[m].astype(np.float64), k[m]
        known, sure = c['b'][at[i] : at[i + 1]], c['w'][at[i] : at[i + 1], 0] > 0
        rows.append((np.log(s / (1 - s)), k, iou(b, b), iou(b, known), sure, str(name).startswith('groups')))
    return rows


def shares(rows, move):
    """-> share of the faces found and share of the detections that are none [2 (portraits, groups), 2], with
    `move` [6] added."""
    n = np.zeros((2, 4))  # found, faces, false, detections
    for logit, anchor, own, known, sure, group in rows:
        v, keep = logit + move[anchor], []
        for i in np.argsort(-v, kind='stable'):
            if v[i] < 0:
                break
            if not keep or own[i, keep].max() <= 0.4:
                keep.append(i)
        best = known[keep].argmax(1) if known.shape[1] else np.zeros(len(keep), int)
        over = known[keep, best] if known.shape[1] else np.zeros(len(keep))
        judged = np.array([o < 0.3 or sure[j] for o, j in zip(over, best)], bool)  # elsewhere the labels do not know
        found = (known[keep] >= 0.5).any(0) & sure if keep else np.zeros(len(sure), bool)
        n[int(group)] += found.sum(), sure.sum(), ((over < 0.4) & judged).sum(), judged.sum()
    return n[:, ::2] / n[:, 1::2].clip(1)


def search(rows, price, most):
    """The logits to add to the six anchors, by steps that raise the worth."""

    def worth(move):
        s = shares(rows, move)
        return (s[:, 0] - price * s[:, 1]).sum()

    move = np.full(6, -0.4)
    best = worth(move)
    for step in (0.3, 0.15, 0.15):
        for k in np.repeat(range(6), 2).reshape(6, 2).T.ravel():
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
        '--price', type=float, default=1.5, help='of a per cent of false detections, in per cent of the faces'
    )
    a.add_argument('--most', type=float, default=1.0, help='logits that an anchor may lose or gain')
    a = a.parse_args()
    rows = collect(a)
    move = search(rows, a.price, a.most)
    for what, v in (('before', np.zeros(6)), ('after', move)):
        s = 100 * shares(rows, v)
        print(f'{what}: portraits {s[0, 0]:.1f} % found, {s[0, 1]:.1f} % false; groups {s[1, 0]:.1f}, {s[1, 1]:.1f} %')
    print('logits of the anchors:', ', '.join(f'{16 << k} pixels {v:+.2f}' for k, v in enumerate(move)))
    model = onnx.load(a.detector)
    stored = {t.name: t for t in model.graph.initializer}
    layers = [
        n for n in model.graph.node if n.op_type == 'Conv' and len(n.input) > 2 and stored[n.input[2]].dims[0] == 2
    ]
    if len(layers) != 3:
        raise SystemExit(f'{a.detector}: not a detector of detector.py')
    for i, n in enumerate(layers):
        t = stored[n.input[2]]
        t.CopyFrom(
            numpy_helper.from_array((numpy_helper.to_array(t) + move[2 * i : 2 * i + 2]).astype(np.float32), t.name)
        )
    onnx.save(model, a.out)


if __name__ == '__main__':
    main()
